import threading
import time

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from labeling import actions, transitions
from labeling.actions.leases import give_back
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Ranking, Submission, Task
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment(project, annotator):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    # What the person saw: output 1 is slot 3, output 2 is slot 1, …
    assignment.display_order = [3, 1, 4, 2]
    assignment.save()
    return assignment


def submit(assignment, *places, key="key"):
    return actions.submit_ranking(
        assignment=assignment, places=list(enumerate(places, start=1)), idempotency_key=key
    )


def test_places_are_kept_by_slot_and_not_by_where_they_were_shown(assignment):
    submission = submit(assignment, 1, 2, 3, 4)

    assert submission.ranking.places == [2, 4, 1, 3]
    assert submission.revision == 1
    assert submission.origin == "person"
    assert not submission.is_late


def test_ties_are_kept_and_gaps_between_places_are_closed(assignment):
    assert submit(assignment, 1, 1, 3, 4).ranking.places == [1, 3, 1, 2]


def test_a_submission_completes_the_task(assignment):
    submit(assignment, 1, 2, 3, 4)

    assignment.refresh_from_db()
    assert assignment.status == "submitted"
    assert assignment.task.status == "complete"


def test_a_task_with_two_seats_stays_open_after_the_first(project, annotator, second_annotator):
    project.overlap_share, project.overlap_people = 1.0, 2
    project.save()
    task = make_ranking_task(project)
    for person, status in [(annotator, "open"), (second_annotator, "complete")]:
        submit(actions.claim_task(user=person, project=project, kind="rank"), 1, 2, 3, 4)
        task.refresh_from_db()
        assert task.status == status


@pytest.mark.parametrize(
    ("places", "field", "words"),
    [
        ([(1, 1), (2, 2), (3, 3)], "place-4", "Output D has no place yet"),
        ([(1, 1), (2, 2), (3, 3), (4, 4), (2, 1)], "place-2", "Output B has two places"),
        ([(1, 1), (2, 2), (3, 3), (4, 4), (5, 1)], "place-5", "There is no output number 5"),
        ([(1, 1), (2, 2), (3, 3), (4, 0)], "place-4", "a place is a number from 1 to 4"),
        ([(1, 1), (2, 2), (3, 3), (4, 5)], "place-4", "a place is a number from 1 to 4"),
    ],
)
def test_an_incomplete_or_contradictory_ranking_is_refused_and_nothing_is_written(
    assignment, places, field, words
):
    with pytest.raises(DomainError, match=words) as refusal:
        actions.submit_ranking(assignment=assignment, places=places, idempotency_key="key")

    assert field in refusal.value.fields
    assert Submission.objects.count() == 0
    assignment.refresh_from_db()
    assert assignment.status == "leased"


def test_the_same_key_twice_is_one_submission(assignment):
    first = submit(assignment, 1, 2, 3, 4)
    again = submit(assignment, 4, 3, 2, 1)

    assert again == first
    assert list(Ranking.objects.values_list("places", flat=True)) == [[2, 4, 1, 3]]


def test_another_key_is_a_new_revision_and_the_first_stays(assignment):
    first = submit(assignment, 1, 2, 3, 4, key="a")
    second = submit(assignment, 4, 3, 2, 1, key="b")

    assert second.revision == 2
    first.refresh_from_db()
    assert first.ranking.places == [2, 4, 1, 3]


def test_a_submission_after_the_lease_is_taken_and_marked_late(assignment):
    Assignment.objects.update(lease_until=timezone.now() - timezone.timedelta(seconds=5))

    submission = submit(assignment, 1, 2, 3, 4)

    assignment.refresh_from_db()
    assert submission.is_late
    assert assignment.status == "submitted"
    assert assignment.holds_seat


def test_a_late_submission_whose_seat_went_to_another_is_an_extra_judgment(
    assignment, project, second_annotator
):
    Assignment.objects.update(lease_until=timezone.now() - timezone.timedelta(seconds=5))
    other = actions.claim_task(user=second_annotator, project=project, kind="rank")
    submit(other, 1, 2, 3, 4)

    submission = submit(assignment, 1, 2, 3, 4)

    assignment.refresh_from_db()
    assignment.task.refresh_from_db()
    assert submission.is_late
    assert not assignment.holds_seat
    assert assignment.task.seats_taken == 1
    assert Submission.objects.count() == 2


def test_who_read_it_before_it_was_submitted_gets_the_same_one_or_a_revision(assignment):
    """As of two requests at once: the slower one has read a lease that is over when it writes."""
    same, other = (Assignment.objects.get(pk=assignment.pk) for _ in range(2))
    first = submit(assignment, 1, 2, 3, 4, key="a")

    assert submit(same, 1, 2, 3, 4, key="a") == first
    assert submit(other, 4, 3, 2, 1, key="b").revision == 2
    assert Ranking.objects.count() == 2


def test_who_read_it_before_they_were_barred_is_refused(assignment):
    stale = Assignment.objects.get(pk=assignment.pk)
    actions.skip_task(assignment=assignment)
    Assignment.objects.update(status="saw")

    with pytest.raises(Conflict, match="not yours to judge"):
        submit(stale, 1, 2, 3, 4)

    assert not Submission.objects.exists()
    assignment.refresh_from_db()
    assert assignment.status == "saw"


def test_what_is_submitted_cannot_be_skipped(assignment):
    submit(assignment, 1, 2, 3, 4)

    with pytest.raises(Conflict, match="submitted this task already"):
        actions.skip_task(assignment=assignment)


def test_a_ranking_of_a_writing_task_is_refused(project, annotator):
    from tests.making import make_demonstration_task

    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")

    with pytest.raises(DomainError, match="asks for something else"):
        submit(assignment, 1, 2)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_leaves_one_row(project, annotator):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    barrier = threading.Barrier(8)
    answers = []

    def click():
        own = Assignment.objects.select_related("task", "user").get(pk=assignment.pk)
        barrier.wait(timeout=10)
        answers.append(submit(own, 1, 2, 3, 4).pk)
        connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert answers == 8 * [Submission.objects.get().pk]
    assert Ranking.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("meanwhile", "is_late"), [("leased", False), ("expired", True)], ids=["kept", "given back"]
)
def test_a_submission_that_waits_for_its_row_takes_it_as_it_is_then(project, annotator, meanwhile, is_late):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    made = []

    def hand_in():
        made.append(submit(assignment, 1, 2, 3, 4))
        connections.close_all()

    thread = threading.Thread(target=hand_in)
    with transaction.atomic():
        held = Assignment.objects.select_for_update().get(pk=assignment.pk)
        if meanwhile == "expired":
            give_back(held)
        else:
            actions.renew_lease(assignment=held)
        thread.start()
        wait_for_one_that_waits()
    thread.join(10)

    [submission] = made
    assert (submission.is_late, submission.revision) == (is_late, 1)
    assert Assignment.objects.get().status == "submitted"
    assert Task.objects.get().status == "complete"
    assert actions.count_differences(project=project) == 0


def test_whoever_was_overtaken_has_completed_nothing(project, annotator, second_annotator):
    task = make_ranking_task(project, seats_wanted=2)
    first, second = (
        actions.claim_task(user=user, project=project, kind="rank") for user in (annotator, second_annotator)
    )
    submit(first, 1, 2, 3, 4)
    Assignment.objects.filter(pk=second.pk).update(status="expired", holds_seat=False, lease_until=None)
    Task.objects.update(seats_wanted=1, seats_taken=1)
    submission = Submission(assignment=second, project=project, revision=1, idempotency_key="key")

    with pytest.raises(transitions.Overtaken):
        transitions.hand_in(submission, active_seconds=None, ranking=None, is_late=None, may_fill=True)

    task.refresh_from_db()
    assert task.status == "open"


@pytest.mark.django_db(transaction=True)
def test_a_submission_is_kept_whole_or_not_at_all(project, annotator):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    fail = "ADD CONSTRAINT nothing_is_complete CHECK (to_status <> 'complete') NOT VALID"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE labeling_taskstatuschange {fail}")
        try:
            with pytest.raises(IntegrityError):
                submit(assignment, 1, 2, 3, 4)
        finally:
            cursor.execute("ALTER TABLE labeling_taskstatuschange DROP CONSTRAINT nothing_is_complete")

    assert not Submission.objects.exists()
    assert Assignment.objects.get().status == "leased"
    submit(Assignment.objects.get(), 1, 2, 3, 4)
    assert Task.objects.get().status == "complete"


def wait_for_one_that_waits():
    """Until a statement of another connection waits for a lock; of this database, and 10 seconds at most."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            # Within a transaction the view is read once unless it is told to forget what it read.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            if cursor.fetchone() == (1,):
                return
            time.sleep(0.01)
    pytest.fail("nobody waits")
