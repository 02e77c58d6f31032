"""What is in an export's rows: exactly these columns, exactly these rows."""

import json
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from labeling import actions, exports
from labeling.models import Assignment, Membership, Submission, Task
from tests.labeling.exporting import make_demonstration, make_ranking, rank, rows_of
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db

PROMPT_COLUMNS = {"prompt", "prompt_id", "split", "language", "category", "topics", "external_id", "metadata"}
JUDGMENT_COLUMNS = PROMPT_COLUMNS | {
    *("annotator", "annotator_group", "origin", "round", "is_late", "submitted_at", "review")
}


def assistant(text):
    return [{"role": "assistant", "content": text}]


def said(message_list):
    [message] = message_list
    return message["content"]


def test_every_pair_that_is_not_tied_is_a_row_best_first(project, annotator):
    ranking = make_ranking(annotator, project, (2, 1, 3, 3), text="Why?")

    rows = rows_of(project, "preference")

    assert [(said(r["chosen"]), said(r["rejected"]), r["places_apart"]) for r in rows] == [
        ("b", "a", 1),
        ("b", "c", 2),
        ("b", "d", 2),
        ("a", "c", 1),
        ("a", "d", 1),
    ]
    assert {r["pairs_in_ranking"] for r in rows} == {5}
    assert {r["ranking_id"] for r in rows} == {str(ranking.public_id)}
    assert rows[0]["prompt"] == [{"role": "user", "content": "Why?"}]
    assert rows[0]["chosen"] == assistant("b")


def test_a_ranking_of_ties_alone_has_no_pair(project, annotator):
    make_ranking(annotator, project, (1, 1, 1, 1))

    assert rows_of(project, "preference") == []
    assert len(rows_of(project, "rankings")) == 1


def test_the_columns_are_exactly_these(project, annotator):
    make_ranking(annotator, project)
    make_demonstration(annotator, project)
    own = {
        "preference": JUDGMENT_COLUMNS
        | {"chosen", "rejected", "ranking_id", "pairs_in_ranking", "places_apart"}
        | {"chosen_completion", "rejected_completion"},
        "sft": JUDGMENT_COLUMNS
        | {"completion", "demonstration_id", "pasted_characters", "ai_assistance", "ai_tool"},
        "prompts": PROMPT_COLUMNS | {"source"},
        "rankings": JUDGMENT_COLUMNS
        | {"completions", "places", "display_order", "ranking_id", "task_id", "revision", "claimed_at"}
        | {"active_seconds", "guideline_version", "completion_ids", "completion_origins"}
        | {"completion_external_ids", "completion_metadata"}
        | {"strength", "comment", "rubric_version", "answers"},
    }

    for content, columns in own.items():
        assert set(rows_of(project, content)[0]) == columns, content
        assert {column.name for column in exports.COLUMNS[content]} == columns, content


def test_no_column_has_a_name_that_a_trainer_reads_otherwise():
    taken = {"margin", "messages", "text", "label", "labels", "tools", "images", "chat_template_kwargs"}
    taken |= {"prompt_ids", "chosen_ids", "rejected_ids", "input_ids", "score", "datasource"}

    for content, columns in exports.COLUMNS.items():
        assert {column.name for column in columns} & taken == set(), content


def test_a_ranking_row_tells_who_when_how_and_of_what(project, annotator):
    actions.publish_guidelines(project=project, language="en", body="Be kind.", author=None)
    prompt = make_prompt(project, "Why?", external_id="ticket-7", metadata={"team": "支持", "tags": [1]})
    task = make_ranking_task(project, ["one", "two", "three", "four"], prompt=prompt, round=3)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    Assignment.objects.update(claimed_at=Now() - timedelta(minutes=1))
    submission = rank(assignment, (4, 3, 2, 1), active_seconds=41)

    [row] = rows_of(project, "rankings")

    assert row["completions"] == ["one", "two", "three", "four"]
    assert row["places"] == [4, 3, 2, 1]
    assert row["display_order"] == assignment.display_order
    assert (row["round"], row["revision"], row["active_seconds"]) == (3, 1, 41)
    assert (row["origin"], row["is_late"], row["guideline_version"]) == ("person", False, "en:1")
    assert (row["external_id"], json.loads(row["metadata"])) == ("ticket-7", {"team": "支持", "tags": [1]})
    assert row["task_id"] == str(task.public_id)
    assert row["ranking_id"] == str(submission.public_id)
    assert row["completion_ids"] == [str(s.completion.public_id) for s in task.slots.all()]
    assert row["completion_origins"] == ["policy"] * 4
    assert row["submitted_at"] == submission.created_at.isoformat(timespec="microseconds")
    assert row["claimed_at"] <= row["submitted_at"]


def test_people_are_pseudonyms_and_ids_are_public(project, annotator):
    make_ranking(annotator, project)
    make_demonstration(annotator, project)

    for content in ("preference", "rankings", "sft", "prompts"):
        written = json.dumps(rows_of(project, content))
        assert annotator.email not in written and annotator.name not in written
        assert str(annotator.public_id) not in written
    assert {r["annotator"] for r in rows_of(project, "rankings")} == {exports.pseudonym(project, annotator)}


def test_only_the_newest_revision_goes_out(project, annotator):
    make_ranking(annotator, project, (1, 2, 3, 4))
    second = rank(Assignment.objects.get(), (4, 3, 2, 1))

    [row] = rows_of(project, "rankings")

    assert (row["revision"], row["places"]) == (2, [4, 3, 2, 1])
    assert {r["ranking_id"] for r in rows_of(project, "preference")} == {str(second.public_id)}


def test_a_late_judgment_goes_out_marked(project, annotator):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    Assignment.objects.update(lease_until=Now() - timedelta(minutes=1))
    actions.expire_leases()
    rank(assignment, (1, 2, 3, 4))

    assert [r["is_late"] for r in rows_of(project, "rankings")] == [True]
    assert len(rows_of(project, "preference")) == 6


def test_time_nobody_measured_is_minus_one_and_never_null(project, annotator):
    make_ranking(annotator, project)

    [row] = rows_of(project, "rankings")

    assert row["active_seconds"] == -1
    assert None not in row.values()


def test_evaluation_tasks_and_work_in_hand_stay_inside(project, annotator, second_annotator):
    make_ranking(annotator, project)
    Task.objects.update(purpose=Task.Purpose.EVALUATE)
    make_ranking_task(project)
    actions.claim_task(user=second_annotator, project=project, kind="rank")

    assert rows_of(project, "rankings") == []


def test_chinese_and_strange_characters_go_out_as_they_are(project, annotator):
    strange = '你好\u2028\x85 \U0001f600 "\\ \x01 \u202e'
    make_demonstration(annotator, project, text=strange, language="zh")

    [row] = rows_of(project, "sft")

    assert row["completion"] == assistant(strange)
    assert row["language"] == "zh"


def test_a_demonstration_row_tells_what_was_pasted_and_declared(project, annotator):
    make_demonstration(annotator, project)
    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    actions.submit_demonstration(
        assignment=assignment,
        text="Twelve signs",
        idempotency_key="k",
        pasted_characters=6,
        assistance="edited",
        assistance_tool="A tool",
    )

    told = [(r["pasted_characters"], r["ai_assistance"], r["ai_tool"]) for r in rows_of(project, "sft")]

    assert told == [(-1, "", ""), (6, "edited", "A tool")]


def test_a_nul_character_was_replaced_on_its_way_in(project, annotator):
    make_demonstration(annotator, project, text="a\x00b")

    assert said(rows_of(project, "sft")[0]["completion"]) == "a\ufffdb"


def test_filters_of_the_prompt(project, annotator):
    make_ranking(annotator, project, text="one", split="train", language="en", category="chat")
    make_ranking(annotator, project, text="two", split="valid", language="zh", category="chat")
    make_ranking(annotator, project, text="three", split="test", language="zh", category="rewrite")

    def prompts(**filters):
        return [said(row["prompt"]) for row in rows_of(project, "rankings", **filters)]

    assert prompts() == ["one", "two", "three"]
    assert prompts(splits=("train", "test")) == ["one", "three"]
    assert prompts(languages=("zh",)) == ["two", "three"]
    assert prompts(languages=("zh",), categories=("chat",)) == ["two"]
    assert [said(r["prompt"]) for r in rows_of(project, "prompts", splits=("valid",))] == ["two"]


def test_filters_of_the_judgment(project, person, annotator):
    reviewer = person("Rea", "reviewer", "annotator", project=project)
    make_ranking(annotator, project, text="by Ada")
    make_ranking(reviewer, project, text="by Rea")
    Submission.objects.filter(assignment__user=annotator).update(origin="simulated")
    Task.objects.filter(assignments__user=reviewer).update(round=2)
    elsewhere = actions.create_project(name="Other", creator=None)
    actions.add_member(project=elsewhere, user=annotator, role=Membership.Role.REVIEWER)

    def prompts(**filters):
        return [said(row["prompt"]) for row in rows_of(project, "rankings", **filters)]

    assert prompts(origins=("person",)) == ["by Rea"]
    assert prompts(origins=("simulated", "import")) == ["by Ada"]
    assert prompts(round=2) == ["by Rea"]
    assert prompts(roles=("reviewer",)) == ["by Rea"]
    assert prompts(roles=("annotator", "reviewer")) == ["by Ada", "by Rea"]


def test_what_a_reviewer_returned_goes_out_only_when_asked_for_until_it_is_revised(
    project, annotator, manager
):
    kept, returned = (make_ranking(annotator, project, text=text) for text in ("kept", "returned"))
    actions.review_submission(submission=kept, reviewer=manager, verdict="accepted")
    actions.review_submission(submission=returned, reviewer=manager, verdict="returned", note="Read B again.")

    def reviews(**filters):
        return [(said(row["prompt"]), row["review"]) for row in rows_of(project, "rankings", **filters)]

    assert reviews() == [("kept", "accepted")]
    assert {r["ranking_id"] for r in rows_of(project, "preference")} == {str(kept.public_id)}
    assert exports.ranking_count(project) == 1
    assert reviews(with_returned=True) == [("kept", "accepted"), ("returned", "returned")]
    rank(returned.assignment, (4, 3, 2, 1))
    assert reviews() == [("kept", "accepted"), ("returned", "not_reviewed")]


def test_since_is_within_and_until_is_not(project, annotator):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=9)
    for hours in range(3):
        ranking = make_ranking(annotator, project, text=f"{hours} past")
        Submission.objects.filter(pk=ranking.pk).update(created_at=noon + timedelta(hours=hours))

    rows = rows_of(project, "rankings", since=noon + timedelta(hours=1), until=noon + timedelta(hours=2))

    assert [said(row["prompt"]) for row in rows] == ["1 past"]


def test_filters_survive_being_kept_as_json():
    filters = exports.Filters(
        splits=("train",), since=timezone.now(), round=2, roles=("annotator",), with_returned=True
    )

    assert exports.Filters.from_options(json.loads(json.dumps(filters.as_options()))) == filters
    assert exports.Filters().as_options() == {}


def test_another_project_is_not_in_it(project, annotator):
    make_ranking(annotator, project)
    other = actions.create_project(name="Other", creator=None)

    for content in exports.COLUMNS:
        assert rows_of(other, content) == []


def test_the_documentation_shows_a_row_of_each_with_exactly_its_columns():
    page = (settings.BASE_DIR / "docs" / "exports.md").read_text(encoding="utf-8")
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)]

    shown = {tuple(example) for example in examples}

    assert shown == {tuple(column.name for column in columns) for columns in exports.COLUMNS.values()}
