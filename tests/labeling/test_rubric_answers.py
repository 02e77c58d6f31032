"""Answers to the rubric, verdicts and strength: from what is submitted to what leaves."""

import json

import pytest
from django.db import IntegrityError, transaction

from labeling import actions, exports
from labeling.errors import DomainError
from labeling.exports.rows import source_of
from labeling.models import Answer, Ranking, Submission
from labeling.rubrics.answers import Contradiction, Given, contradictions
from labeling.rubrics.questions import Option, Question
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db

QUESTIONS = [
    Question("overall", "scale", "completion", {"en": "Overall"}, {}, is_required=True),
    Question("rude", "flag", "completion", {"en": "Rude"}, {}),
    Question("why", "text", "completion", {"en": "Why"}, {}),
    Question(
        "domain",
        "choice",
        "prompt",
        {"en": "Domain"},
        {},
        options=(Option("law", {"en": "Law"}), Option("health", {"en": "Health"})),
    ),
    Question("unclear", "flag", "prompt", {"en": "Unclear"}, {}),
]
OVERALL = [Given("overall", output, 5) for output in (1, 2, 3, 4)]


@pytest.fixture
def rubric(project):
    return actions.publish_rubric(project=project, questions=QUESTIONS, author=None)


@pytest.fixture
def assignment(project, rubric, annotator):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    # What the person saw: output 1 is slot 3, output 2 is slot 1, …
    assignment.display_order = [3, 1, 4, 2]
    assignment.save()
    return assignment


def submit(assignment, answers, **fields):
    places = [(1, 1), (2, 2), (3, 3), (4, 4)]
    given = {"places": places, "idempotency_key": "key"} | fields
    return actions.submit_ranking(assignment=assignment, answers=answers, **given)


def test_answers_are_kept_by_slot_with_the_version_that_asked(assignment, rubric):
    answers = [*OVERALL, Given("rude", 1, True), Given("rude", 2, False), Given("why", 4, " Because. ")]
    submission = submit(assignment, [*answers, Given("domain", None, "law")])

    kept = set(submission.answers.exclude(question="overall").values_list("question", "slot", "value"))
    assert kept == {("rude", 3, True), ("why", 2, "Because."), ("domain", None, "law")}
    assert (submission.rubric_version, submission.verdict) == (rubric, "ranked")


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (Given("overall", 1, 8), "answer-1-overall"),
        (Given("overall", 1, True), "answer-1-overall"),
        (Given("overall", 1, "5"), "answer-1-overall"),
        (Given("overall", 5, 5), "answer-5-overall"),
        (Given("overall", None, 5), "answer-0-overall"),
        (Given("rude", 1, "yes"), "answer-1-rude"),
        (Given("domain", None, "music"), "answer-0-domain"),
        (Given("domain", 1, "law"), "answer-1-domain"),
        (Given("why", 1, "x" * 5_001), "answer-1-why"),
        (Given("why", 1, {"a": 1}), "answer-1-why"),
        (Given("nothing", 1, 1), "answer-1-nothing"),
    ],
)
def test_answers_that_do_not_fit_are_refused_and_nothing_is_written(assignment, answer, field):
    others = [
        given for given in OVERALL if (given.question, given.output) != (answer.question, answer.output)
    ]

    with pytest.raises(DomainError, match="do not fit the rubric") as refusal:
        submit(assignment, [*others, answer])

    assert list(refusal.value.fields) == [field]
    assert Submission.objects.count() == 0


def test_two_answers_to_one_question_are_refused(assignment):
    with pytest.raises(DomainError, match="two answers"):
        submit(assignment, [*OVERALL, Given("overall", 1, 6)])


def test_a_nul_character_in_an_answer_is_refused(assignment):
    with pytest.raises(DomainError, match="NUL"):
        submit(assignment, [*OVERALL, Given("why", 1, "a\x00")])


def test_what_is_required_is_asked_for(assignment):
    with pytest.raises(DomainError, match="Some questions have no answer yet") as refusal:
        submit(assignment, OVERALL[:2])

    assert list(refusal.value.fields) == ["answer-3-overall", "answer-4-overall"]


def test_a_rubric_published_meanwhile_does_not_touch_what_was_begun(assignment, project, rubric):
    actions.publish_rubric(project=project, questions=[], author=None)

    submission = submit(assignment, OVERALL, rubric_version=rubric)

    assert submission.rubric_version == rubric and submission.answers.count() == 4


def test_the_rubric_of_another_project_is_refused(assignment):
    other = actions.create_project(name="Other", creator=None)
    strange = actions.publish_rubric(project=other, questions=QUESTIONS, author=None)

    with pytest.raises(DomainError, match="another project"):
        submit(assignment, OVERALL, rubric_version=strange)


def test_a_question_is_answered_once_for_each_slot_and_once_for_the_prompt(assignment):
    submission = submit(assignment, OVERALL)

    for slot in (1, None):
        Answer.objects.get_or_create(
            submission=submission, question="overall", slot=slot, defaults={"value": 1}
        )
        with pytest.raises(IntegrityError), transaction.atomic():
            Answer.objects.create(submission=submission, question="overall", slot=slot, value=2)


@pytest.mark.parametrize("verdict", ["none_usable", "prompt_problem"])
def test_a_task_set_aside_takes_its_seat_and_trains_nothing(assignment, project, verdict):
    submission = actions.set_aside(
        assignment=assignment,
        verdict=verdict,
        answers=[Given("rude", 2, True)],
        idempotency_key="key",
        comment="All in Latin.",
    )

    assignment.refresh_from_db()
    assignment.task.refresh_from_db()
    assert (assignment.status, assignment.task.status, assignment.task.seats_taken) == (
        "submitted",
        "complete",
        1,
    )
    assert (submission.verdict, submission.comment, submission.answers.count()) == (
        verdict,
        "All in Latin.",
        1,
    )
    assert list(exports.ranking_records(project)) == []
    assert exports.ranking_count(project) == 0
    assert [
        row for group in source_of("preference").groups(project, exports.Filters()) for row in group
    ] == []


def test_a_ranking_that_is_taken_back_by_a_verdict_counts_no_more(assignment, project):
    submit(assignment, OVERALL)
    actions.set_aside(assignment=assignment, verdict="none_usable", idempotency_key="second")

    assert list(exports.ranking_records(project)) == []
    assert Ranking.objects.count() == 1


@pytest.mark.parametrize("verdict", ["ranked", "written", "boring"])
def test_there_are_no_other_verdicts(assignment, verdict):
    with pytest.raises(DomainError, match="no such verdict"):
        actions.set_aside(assignment=assignment, verdict=verdict, idempotency_key="key")


def test_a_verdict_that_the_program_does_not_know_cannot_be_written(assignment):
    submission = submit(assignment, OVERALL)

    with pytest.raises(IntegrityError), transaction.atomic():
        Submission.objects.filter(pk=submission.pk).update(verdict="")


@pytest.fixture
def pair(project, annotator):
    make_ranking_task(project, ["left", "right"])
    return actions.claim_task(user=annotator, project=project, kind="rank")


def choose(pair, places, strength):
    return actions.submit_ranking(
        assignment=pair, places=list(enumerate(places, start=1)), strength=strength, idempotency_key="key"
    )


def test_of_two_the_strength_is_kept(pair):
    assert choose(pair, (2, 1), 3).ranking.strength == 3


@pytest.mark.parametrize(("places", "strength"), [((1, 1), 1), ((1, 2), 4), ((1, 2), 0)])
def test_a_strength_of_a_tie_or_out_of_range_is_refused(pair, places, strength):
    with pytest.raises(DomainError, match="How much better"):
        choose(pair, places, strength)


def test_a_strength_among_four_is_refused_by_action_and_database(assignment):
    with pytest.raises(DomainError, match="How much better"):
        submit(assignment, OVERALL, strength=1)
    submission = submit(assignment, OVERALL)
    with pytest.raises(IntegrityError), transaction.atomic():
        Ranking.objects.filter(pk=submission.pk).update(strength=1)


def test_the_export_of_rankings_tells_answers_by_completion(assignment, project):
    answers = [Given("overall", output, output) for output in (1, 2, 3, 4)]
    submit(assignment, [*answers, Given("rude", 1, True), Given("domain", None, "law")], comment="Close.")

    [[row]] = source_of("rankings").groups(project, exports.Filters())

    assert json.loads(row["answers"]) == {
        "overall": [2, 4, 1, 3],
        "rude": [False, False, True, False],
        "why": [None, None, None, None],
        "domain": "law",
        "unclear": False,
    }
    assert (row["rubric_version"], row["strength"], row["comment"]) == (1, 0, "Close.")


def test_a_pair_is_contradicted_by_the_first_scale_alone():
    given = [Given("overall", 1, 3), Given("overall", 2, 6), Given("overall", 3, 6), Given("rude", 1, True)]

    assert contradictions(QUESTIONS, given, {1: 1, 2: 2, 3: 1}) == [Contradiction(1, 2, 3, 6)]
    assert contradictions(QUESTIONS, given, {1: 1, 2: 1, 3: 1}) == []
    assert contradictions(QUESTIONS[1:], given, {1: 1, 2: 2, 3: 3}) == []


def test_simulated_annotators_only_rank(project, rubric):
    someone = actions.add_person(email="s@simulated.invalid", name="S", kind="simulated")
    actions.add_member(project=project, user=someone, role="annotator")
    make_ranking_task(project)
    assignment = actions.claim_task(user=someone, project=project, kind="rank")

    assert submit(assignment, []).rubric_version is None
