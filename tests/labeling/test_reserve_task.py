import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, close_old_connections, transaction
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions, queries
from labeling.models import Assignment, AssignmentStatusChange, Task
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db


def claim(user, project, kind="rank"):
    return actions.claim_task(user=user, project=project, kind=kind)


def reserve(user, project, kind="rank"):
    return actions.reserve_task(user=user, project=project, kind=kind)


def submit(assignment):
    return actions.submit_ranking(
        assignment=assignment, places=[(n, n) for n in range(1, 5)], idempotency_key="k"
    )


def let_run_out(assignment):
    Assignment.objects.filter(pk=assignment.pk).update(lease_until=Now() - timedelta(seconds=1))


def test_the_reserved_task_is_the_one_that_is_given_next(project, annotator):
    make_ranking_task(project)
    following = make_ranking_task(project)
    first = claim(annotator, project)

    held = reserve(annotator, project)
    submit(first)
    second = claim(annotator, project)

    assert (held.task, held.status) == (following, "reserved")
    assert (second, second.status, second.holds_seat) == (held, "leased", True)
    following.refresh_from_db()
    assert following.seats_taken == 1
    changes = AssignmentStatusChange.objects.filter(subject=held).values_list("from_status", "to_status")
    assert list(changes) == [("", "reserved"), ("reserved", "leased")]


def test_asked_again_it_is_the_same_and_lasts_longer(project, annotator):
    for _ in range(3):
        make_ranking_task(project)
    claim(annotator, project)
    held = reserve(annotator, project)
    let_run_out(held)

    again = reserve(annotator, project)

    again.refresh_from_db()
    assert again == held
    assert Assignment.objects.filter(pk=held.pk, lease_until__gt=Now()).exists()
    assert Assignment.objects.count() == 2


def test_nothing_is_reserved_for_somebody_who_works_on_nothing(project, annotator):
    make_ranking_task(project)

    assert reserve(annotator, project) is None


def test_what_was_let_expire_comes_before_anything_new(project, annotator):
    for _ in range(3):
        make_ranking_task(project)
    first = claim(annotator, project)
    let_run_out(first)
    actions.expire_leases()
    other = make_demonstration_task(project)
    claim(annotator, project, "demonstrate")

    assert reserve(annotator, project) is None
    assert other.assignments.get().status == "leased"


def test_nothing_is_reserved_in_a_paused_project(project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    claim(annotator, project)
    actions.pause_project(project=project, reason="Lunch.")
    project.refresh_from_db()

    assert reserve(annotator, project) is None


def test_one_reservation_at_a_time_whatever_the_kind(project, annotator):
    for _ in range(2):
        make_ranking_task(project)
        make_demonstration_task(project)
    claim(annotator, project)
    claim(annotator, project, "demonstrate")
    ranking = reserve(annotator, project)

    writing = reserve(annotator, project, "demonstrate")

    ranking.refresh_from_db()
    assert (ranking.status, writing.status) == ("expired", "reserved")
    with pytest.raises(IntegrityError, match="assignment_one_reservation_per_person"), transaction.atomic():
        Assignment.objects.filter(pk=ranking.pk).update(status="reserved", holds_seat=True, lease_until=Now())


def test_a_reservation_of_somebody_who_left_goes_back_by_the_sweep(project, annotator):
    make_ranking_task(project)
    left_over = make_ranking_task(project)
    claim(annotator, project)
    held = reserve(annotator, project)
    let_run_out(held)

    assert actions.expire_leases() == 1

    held.refresh_from_db()
    left_over.refresh_from_db()
    assert (held.status, held.holds_seat, left_over.seats_taken) == ("expired", False, 0)


def test_nobody_goes_without_work_for_a_reservation(project, annotator, second_annotator):
    make_ranking_task(project)
    last = make_ranking_task(project)
    first = claim(annotator, project)
    held = reserve(annotator, project)
    assert queries.tasks_waiting_for(second_annotator, project, "rank") == 1

    taken = claim(second_annotator, project)
    submit(first)

    held.refresh_from_db()
    last.refresh_from_db()
    assert (taken.task, held.status, last.seats_taken) == (last, "expired", 1)
    assert claim(annotator, project) is None


def test_a_reservation_on_a_withdrawn_task_is_not_taken_up(project, annotator):
    make_ranking_task(project)
    withdrawn = make_ranking_task(project)
    first = claim(annotator, project)
    reserve(annotator, project)
    actions.withdraw_task(task=withdrawn, actor=None)
    submit(first)

    assert claim(annotator, project) is None


def test_what_is_reserved_counts_once_among_what_waits(project, annotator):
    for _ in range(3):
        make_ranking_task(project)
    claim(annotator, project)
    reserve(annotator, project)

    assert queries.tasks_waiting_for(annotator, project, "rank") == 3


def test_a_reserved_task_that_is_submitted_from_its_page_is_not_late(project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    claim(annotator, project)

    submission = submit(reserve(annotator, project))

    assert not submission.is_late
    assert Task.objects.get(pk=submission.assignment.task_id).status == "complete"


def test_the_page_asks_for_it_and_is_told_where_it_is(client_for, project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    claim(annotator, project)
    client, address = client_for(annotator), reverse("reserve-task", args=[project.public_id, "rank"])

    answer = client.post(address)
    page = client.get(answer.json()["next"])

    held = Assignment.objects.get(status="reserved")
    assert answer.json() == {"next": reverse("assignment", args=[held.public_id])}
    assert "0 ranked" not in page.content.decode() and "1 ranked · 1 waiting" in page.content.decode()
    held.refresh_from_db()
    assert held.status == "reserved"


def test_whoever_has_the_next_page_already_is_told_only_that_it_is_theirs(client_for, project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)
    first = claim(annotator, project)
    client = client_for(annotator)
    following = client.post(reverse("reserve-task", args=[project.public_id, "rank"])).json()["next"]

    answer = client.post(
        reverse("submit", args=[first.public_id]),
        {"idempotency_key": "k", **{f"place-{n}": n for n in range(1, 5)}},
        headers={"X-Prefetched": following},
    )

    assert (answer.status_code, answer.content) == (204, b"")
    assert not Assignment.objects.filter(status="reserved").exists()


@pytest.mark.django_db(transaction=True)
def test_people_who_reserve_claim_and_submit_at_once_never_share_a_seat(project):
    people = [
        actions.add_person(email=f"p{n}@example.org", name=f"P{n}", password="irrelevant-pass")
        for n in range(8)
    ]
    for _ in range(24):
        make_ranking_task(project)
    barrier, got, problems = threading.Barrier(8), [], []

    def work(user):
        try:
            barrier.wait(timeout=10)
            while (assignment := claim(user, project)) is not None:
                reserve(user, project)
                got.append(assignment.task_id)
                submit(assignment)
        except Exception as problem:
            problems.append(problem)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=work, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert problems == []
    assert len(got) == len(set(got)) == 24
    assert set(Task.objects.values_list("status", "seats_taken")) == {("complete", 1)}
