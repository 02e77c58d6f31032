"""Accepting and returning: what is kept, what is refused, and what a revision does to it."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from labeling import actions
from labeling.errors import Conflict, DomainError
from labeling.models import Review, Submission
from tests.labeling.exporting import make_ranking, rank

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission(annotator, project):
    return make_ranking(annotator, project)


def state_of(submission):
    return Submission.objects.get(pk=submission.pk).review_state


def review(submission, reviewer, verdict="accepted", note="", seen=""):
    return actions.review_submission(
        submission=submission, reviewer=reviewer, verdict=verdict, note=note, seen=seen
    )


def test_what_nobody_reviewed_says_so(submission):
    assert state_of(submission) == "not_reviewed"
    assert submission.newest_review is None


def test_an_acceptance_is_a_row_and_the_state(submission, manager):
    made = review(submission, manager)

    assert state_of(submission) == "accepted"
    assert (made.submission, made.reviewer, made.verdict, made.note) == (submission, manager, "accepted", "")


def test_a_return_keeps_its_note(submission, manager):
    review(submission, manager, "returned", "  Read C to its end.\n")

    assert state_of(submission) == "returned"
    assert submission.newest_review.note == "Read C to its end."


@pytest.mark.parametrize("note", ["", " \n\t"])
def test_a_return_without_a_note_is_refused(submission, manager, note):
    with pytest.raises(DomainError, match="Write what to change") as refused:
        review(submission, manager, "returned", note)

    assert (refused.value.code, set(refused.value.fields)) == ("no_note", {"note"})
    assert (state_of(submission), Review.objects.count()) == ("not_reviewed", 0)


@pytest.mark.parametrize("verdict", ["", "not_reviewed", "perfect"])
def test_another_verdict_is_refused(submission, manager, verdict):
    with pytest.raises(DomainError, match="Accept it or return it"):
        review(submission, manager, verdict)


def test_a_note_that_cannot_be_kept_is_refused(submission, manager):
    with pytest.raises(DomainError, match="NUL"):
        review(submission, manager, "returned", "a\x00b")


def test_nobody_reviews_their_own(project, manager):
    own = make_ranking(manager, project)

    with pytest.raises(DomainError, match="your own"):
        review(own, manager)

    assert state_of(own) == "not_reviewed"


def test_a_new_revision_is_not_reviewed_again_and_the_former_keeps_its_review(submission, manager):
    review(submission, manager, "returned", "Read C again.")

    revised = rank(submission.assignment, (4, 3, 2, 1))

    assert (state_of(submission), state_of(revised)) == ("returned", "not_reviewed")
    assert revised.newest_review is None


def test_what_its_author_has_revised_meanwhile_is_not_reviewed_any_more(submission, manager):
    rank(submission.assignment, (4, 3, 2, 1))

    with pytest.raises(Conflict, match="revised it meanwhile"):
        review(submission, manager)

    assert Review.objects.count() == 0


def test_the_same_twice_is_the_same_as_once(submission, manager):
    first, second = (review(submission, manager, "returned", "Read C again.") for _ in range(2))

    assert first == second
    assert Review.objects.count() == 1


def test_nobody_overrules_a_review_they_have_not_seen(submission, manager, person, project):
    rea = person("Rea", "reviewer", project=project)
    first = review(submission, rea)

    with pytest.raises(Conflict, match="Rea has reviewed it meanwhile"):
        review(submission, manager, "returned", "Not quite.")
    review(submission, manager, "returned", "Not quite.", seen=str(first.public_id))

    assert state_of(submission) == "returned"
    assert [made.reviewer for made in submission.reviews.all()] == [manager, rea]


def test_the_database_holds_it_too(submission, manager):
    for fields in ({"verdict": "perfect"}, {"verdict": "returned", "note": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Review.objects.create(submission=submission, reviewer=manager, **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        Submission.objects.update(review_state="perfect")


@pytest.mark.django_db(transaction=True)
def test_a_review_waits_for_a_revision_under_way_and_is_refused_then(annotator, project, manager):
    submission = make_ranking(annotator, project)
    refusals = []

    def review_it():
        try:
            review(submission, manager)
        except Conflict as refused:
            refusals.append(refused.code)
        finally:
            connection.close()

    reviewing = threading.Thread(target=review_it)
    with transaction.atomic():
        rank(submission.assignment, (4, 3, 2, 1))
        reviewing.start()
        reviewing.join(0.3)
        assert reviewing.is_alive()
    reviewing.join(10)

    assert refusals == ["revised"]
    assert Review.objects.count() == 0
