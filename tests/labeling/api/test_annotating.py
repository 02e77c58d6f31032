"""A whole session of an annotator, by the API alone."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from labeling.actions import choose_topics, pause_project, publish_rubric
from labeling.models import Assignment, Demonstration, Ranking, Submission
from labeling.rubrics.questions import Option, Question
from tests.api import api_for, assert_problem
from tests.making import make_demonstration_task, make_prompt, make_ranking_task


@pytest.fixture
def api(annotator):
    return api_for(annotator, "label")


def claim(api, project, kind="rank"):
    return api.post(f"projects/{project.public_id}/assignments/", {"kind": kind})


def test_claim_draft_submit_and_the_next(api, project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)

    first = claim(api, project).data
    draft = api.put(
        f"assignments/{first['id']}/draft/", {"version": 0, "places": [2, None, 1], "comment": "so far"}
    )
    seen = api.get(f"assignments/{first['id']}/").data
    Assignment.objects.update(claimed_at=Now() - timedelta(minutes=1))
    sent = api.post(f"assignments/{first['id']}/submit/", {"places": [2, 3, 1, 3], "active_seconds": 40})
    second = claim(api, project).data

    assert draft.data == {"draft_version": 1}
    assert seen["lease_until"] > first["lease_until"]
    assert draft.headers["Cache-Control"] == "no-store"
    assert seen["draft"] == {"places": [2, None, 1, None], "text": "", "comment": "so far", "answers": []}
    assert (sent.status_code, sent.data["revision"], sent.data["is_late"]) == (201, 1, False)
    assert second["id"] != first["id"]
    submission = Submission.objects.get(public_id=sent.data["id"])
    order = submission.assignment.display_order
    assert [submission.ranking.places[slot - 1] for slot in order] == [2, 3, 1, 3]
    assert submission.active_seconds == 40


def test_outputs_go_by_number_and_letter_and_nothing_tells_their_maker(api, project):
    task = make_ranking_task(project)

    assignment = claim(api, project).data

    assert [(o["number"], o["letter"]) for o in assignment["outputs"]] == [
        (1, "A"),
        (2, "B"),
        (3, "C"),
        (4, "D"),
    ]
    assert set(assignment["outputs"][0]) == {"number", "letter", "text", "is_sensitive"}
    said = str(assignment)
    hidden = [str(c.public_id) for c in task.completions.all()] + [
        str(task.public_id),
        str(task.prompt.public_id),
    ]
    assert [name for name in hidden if name in said] == []
    told = "id kind status project lease_until messages topics outputs rubric draft draft_version submission"
    assert set(assignment) == set(told.split())


def test_a_demonstration_is_written_and_revised(api, project, annotator):
    make_demonstration_task(project)
    assignment = claim(api, project, "demonstrate").data

    api.post(f"assignments/{assignment['id']}/submit/", {"text": "An answer."})
    declared = {"ai_assistance": "edited", "ai_tool": "A tool"}
    again = api.post(f"assignments/{assignment['id']}/submit/", {"text": "A better answer."} | declared)

    assert again.data["revision"] == 2
    newest = Demonstration.objects.get(submission__revision=2)
    assert (newest.assistance, newest.assistance_tool) == ("edited", "A tool")
    assert newest.pasted_characters is None
    assert api.get(f"assignments/{assignment['id']}/").data["submission"]["revision"] == 2


def test_when_nothing_waits_the_claim_is_empty(api, project):
    answer = claim(api, project)

    assert (answer.status_code, answer.content) == (204, b"")


def test_a_skipped_task_is_not_handed_out_again(api, project):
    make_ranking_task(project)
    assignment = claim(api, project).data

    assert api.post(f"assignments/{assignment['id']}/skip/").status_code == 204
    assert claim(api, project).status_code == 204


def test_a_lease_is_renewed_until_it_is_over(api, project):
    make_ranking_task(project)
    assignment = claim(api, project).data

    assert api.post(f"assignments/{assignment['id']}/renew/").data["lease_until"] >= assignment["lease_until"]
    Assignment.objects.update(lease_until="2020-01-01T00:00:00Z")
    assert_problem(api.post(f"assignments/{assignment['id']}/renew/"), 409, "lease_is_over")


def test_refusals_are_the_pages_own_sentences(api, project, manager):
    make_ranking_task(project)
    assignment = claim(api, project).data

    incomplete = api.post(f"assignments/{assignment['id']}/submit/", {"places": [1, 2]})
    old_draft = api.put(f"assignments/{assignment['id']}/draft/", {"version": 7})

    assert_problem(incomplete, 400, "bad_ranking")
    assert incomplete.data["fields"] == {
        "place-3": "Output C has no place yet.",
        "place-4": "Output D has no place yet.",
    }
    assert_problem(old_draft, 409, "newer_draft")
    assert not Ranking.objects.exists()


def test_a_field_that_is_not_there_is_refused_by_name(api, project):
    answer = api.post(f"projects/{project.public_id}/assignments/", {"kind": "rank", "sort": "newest"})

    assert_problem(answer, 400, "invalid")
    assert answer.data["fields"] == {"sort": "There is no such field."}


def test_the_draft_of_the_page_and_of_the_api_are_one(api, project, client_for, annotator):
    make_ranking_task(project)
    assignment = claim(api, project).data

    client_for(annotator).post(
        f"/assignments/{assignment['id']}/draft/",
        {"draft": {"places": {"1": "2", "2": ""}, "comment": "page"}, "version": 0},
        content_type="application/json",
    )

    draft = api.get(f"assignments/{assignment['id']}/").data["draft"]
    assert draft == {"places": [2, None, None, None], "text": "", "comment": "page", "answers": []}


@pytest.mark.parametrize(
    "body", [{"kind": "rank\u0000"}, {"kind": "\ud800"}, {"kind": 1e999}, {"kind": 2**80}, [], "x"]
)
def test_what_no_database_keeps_is_refused(api, project, body):
    assert_problem(api.post(f"projects/{project.public_id}/assignments/", body), 400)


def test_json_nested_beyond_reason_is_refused(api, project):
    path = f"/api/v1/projects/{project.public_id}/assignments/"
    answer = api.client.generic("POST", path, b"[" * 200_000, content_type="application/json")

    assert answer.status_code == 400


def test_a_prompt_of_several_turns_is_shown_whole(api, project):
    prompt = make_prompt(project, "Hello.")
    make_ranking_task(project, prompt=prompt)

    assert claim(api, project).data["messages"] == [{"role": "user", "content": "Hello."}]


RUBRIC = [
    Question("overall", "scale", "completion", {"en": "Overall"}, {}, is_required=True),
    Question(
        "domain",
        "choice",
        "prompt",
        {"en": "Domain", "zh": "领域"},
        {},
        options=(Option("law", {"en": "Law"}), Option("health", {"en": "Health"})),
    ),
]
RATINGS = [{"question": "overall", "output": output, "value": 6} for output in (1, 2, 3, 4)]


def test_the_rubric_is_shown_answered_kept_and_read_back(api, project, engineer):
    version = publish_rubric(project=project, questions=RUBRIC, author=None)
    make_ranking_task(project)
    assignment = claim(api, project).data
    answers = [*RATINGS, {"question": "domain", "value": "law"}]

    api.put(f"assignments/{assignment['id']}/draft/", {"version": 0, "answers": answers[3:]})
    kept = api.get(f"assignments/{assignment['id']}/").data["draft"]["answers"]
    sent = api.post(
        f"assignments/{assignment['id']}/submit/",
        {"places": [1, 2, 3, 3], "answers": answers, "rubric_version": assignment["rubric"]["id"]},
    )
    [judgment] = api_for(engineer, "read").get(f"projects/{project.public_id}/judgments/").data["items"]

    assert assignment["rubric"]["id"] == str(version.public_id)
    assert [question["key"] for question in assignment["rubric"]["questions"]] == ["overall", "domain"]
    assert sorted(kept, key=str) == [
        {"question": "domain", "output": None, "value": "law"},
        {"question": "overall", "output": 4, "value": 6},
    ]
    assert sent.status_code == 201
    assert judgment["verdict"] == "ranked"
    assert judgment["ranking"]["answers"] == {"overall": [6, 6, 6, 6], "domain": "law"}
    assert (judgment["ranking"]["rubric_version"], judgment["ranking"]["strength"]) == (1, None)


def test_answers_that_are_missing_or_to_another_rubric_are_named(api, project):
    publish_rubric(project=project, questions=RUBRIC, author=None)
    make_ranking_task(project)
    address = f"assignments/{claim(api, project).data['id']}/submit/"

    missing = api.post(address, {"places": [1, 2, 3, 4], "answers": RATINGS[1:]})
    strange = api.post(
        address, {"places": [1, 2, 3, 4], "answers": RATINGS, "rubric_version": str(project.public_id)}
    )

    assert_problem(missing, 400, "bad_answers")
    assert list(missing.data["fields"]) == ["answer-1-overall"]
    assert_problem(strange, 400, "bad_rubric_version")
    assert Submission.objects.count() == 0


def test_a_task_is_set_aside_and_listed_with_its_verdict(api, project, engineer):
    make_ranking_task(project)
    address = f"assignments/{claim(api, project).data['id']}/submit/"

    sent = api.post(address, {"verdict": "prompt_problem", "comment": "It is empty."})
    [judgment] = api_for(engineer, "read").get(f"projects/{project.public_id}/judgments/").data["items"]

    assert sent.status_code == 201
    assert (judgment["verdict"], judgment["ranking"], judgment["comment"]) == (
        "prompt_problem",
        None,
        "It is empty.",
    )


def test_the_strength_of_a_choice_between_two(api, project):
    make_ranking_task(project, ["one", "two"])
    address = f"assignments/{claim(api, project).data['id']}/submit/"

    tied = api.post(address, {"places": [1, 1], "strength": 2})
    sent = api.post(address, {"places": [2, 1], "strength": 2})

    assert_problem(tied, 400, "bad_strength")
    assert sent.status_code == 201
    assert Ranking.objects.get().strength == 2


def test_a_program_is_given_what_fits_its_owner_and_no_more_than_the_days_cap(project, annotator):
    api = api_for(annotator)
    project.daily_cap = 1
    project.save()
    make_ranking_task(project, prompt=make_prompt(project, topics=["hate"]))
    make_ranking_task(project, prompt=make_prompt(project, topics=["violence"]))
    assert claim(api, project).status_code == 204
    choose_topics(user=annotator, topics=["violence", "hate"])

    assignment = claim(api, project).data
    api.post(f"assignments/{assignment['id']}/submit/", {"places": [1, 2, 3, 4]})

    assert assignment["topics"] == ["hate"]
    assert claim(api, project).status_code == 204
    assert api.get(f"projects/{project.public_id}/").data["counts"]["rank"]["waiting_for_you"] == 0


def test_a_submission_brings_the_next_task_when_asked_to(api, project, annotator):
    make_ranking_task(project)
    second = make_ranking_task(project)
    make_demonstration_task(project)
    first = claim(api, project).data

    sent = api.post(f"assignments/{first['id']}/submit/", {"places": [1, 2, 3, 4], "next": True})
    last = api.post(f"assignments/{sent.data['next']['id']}/submit/", {"places": [1, 2, 3, 4], "next": True})

    assert (sent.status_code, sent.data["revision"]) == (201, 1)
    assert Assignment.objects.get(public_id=sent.data["next"]["id"]).task == second
    assert {name: sent.data["next"][name] for name in ("kind", "status")} == {
        "kind": "rank",
        "status": "leased",
    }
    assert [output["number"] for output in sent.data["next"]["outputs"]] == [1, 2, 3, 4]
    # A task of the other kind is open: that is not what they are at.
    assert (last.status_code, last.data["next"]) == (201, None)


def test_what_a_claim_would_refuse_does_not_keep_a_submission_out(api, project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    first = claim(api, project).data
    pause_project(project=project, reason="Lunch.")

    sent = api.post(f"assignments/{first['id']}/submit/", {"places": [1, 2, 3, 4], "next": True})

    assert (sent.status_code, sent.data["next"]) == (201, None)
    assert Submission.objects.count() == 1
    assert_problem(claim(api, project), 409, "paused")


def test_a_submission_that_is_refused_brings_nothing(api, project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    first = claim(api, project).data

    sent = api.post(f"assignments/{first['id']}/submit/", {"places": [1], "next": True})

    assert_problem(sent, 400, "bad_ranking")
    assert Assignment.objects.count() == 1
