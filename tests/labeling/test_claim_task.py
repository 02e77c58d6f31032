import threading

import pytest
from django.db import close_old_connections
from django.utils import timezone

from labeling import actions
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, AssignmentStatusChange, Task
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db


def claim(user, project):
    return actions.claim_task(user=user, project=project, kind="rank")


def let_lease_run_out(assignment):
    Assignment.objects.filter(pk=assignment.pk).update(
        lease_until=timezone.now() - timezone.timedelta(minutes=1)
    )


def test_a_claim_leases_the_oldest_task_and_takes_its_seat(project, annotator):
    first = make_ranking_task(project)
    make_ranking_task(project)

    assignment = claim(annotator, project)

    first.refresh_from_db()
    assert assignment.task == first
    assert assignment.status == "leased"
    assert first.seats_taken == 1
    assert sorted(assignment.display_order) == [1, 2, 3, 4]


def test_a_higher_priority_comes_first(project, annotator):
    make_ranking_task(project)
    urgent = make_ranking_task(project, priority=5)

    assert claim(annotator, project).task == urgent


def test_a_second_claim_gives_the_open_assignment_again(project, annotator):
    make_ranking_task(project)
    make_ranking_task(project)

    assert claim(annotator, project) == claim(annotator, project)
    assert Assignment.objects.count() == 1


def test_a_task_with_one_seat_goes_to_one_person(project, annotator, second_annotator):
    make_ranking_task(project)

    assert claim(annotator, project) is not None
    assert claim(second_annotator, project) is None


def test_a_task_of_another_project_is_never_handed_out(project, annotator):
    other = actions.create_project(name="Other", creator=None)
    make_ranking_task(other)

    assert claim(annotator, project) is None


def test_a_skipped_task_goes_to_someone_else_and_not_back(project, annotator, second_annotator):
    task = make_ranking_task(project)
    actions.skip_task(assignment=claim(annotator, project))

    assert claim(annotator, project) is None
    assert claim(second_annotator, project).task == task


def test_an_expired_lease_gives_its_seat_to_whoever_asks(project, annotator, second_annotator):
    task = make_ranking_task(project)
    first = claim(annotator, project)
    let_lease_run_out(first)

    second = claim(second_annotator, project)

    first.refresh_from_db()
    task.refresh_from_db()
    assert second.task == task
    assert first.status == "expired"
    assert not first.holds_seat
    assert task.seats_taken == 1


def test_an_expired_assignment_is_leased_again_to_the_same_person_with_its_draft(project, annotator):
    make_ranking_task(project)
    first = claim(annotator, project)
    actions.save_draft(assignment=first, draft={"places": {"1": 2}}, version=0)
    let_lease_run_out(first)

    again = claim(annotator, project)

    assert again == first
    assert again.status == "leased"
    assert again.draft == {"places": {"1": 2}}
    assert list(AssignmentStatusChange.objects.values_list("from_status", "to_status")) == [
        ("", "leased"),
        ("leased", "expired"),
        ("expired", "leased"),
    ]


def test_renewing_keeps_a_live_lease_and_not_a_dead_one(project, annotator):
    make_ranking_task(project)
    assignment = claim(annotator, project)

    assert actions.renew_lease(assignment=assignment)
    let_lease_run_out(assignment)
    assert not actions.renew_lease(assignment=assignment)


def test_a_paused_project_hands_out_nothing(project, annotator):
    make_ranking_task(project)
    project.paused_at = timezone.now()
    project.save()

    with pytest.raises(Conflict, match="paused"):
        claim(annotator, project)


def test_an_unknown_kind_of_task_is_refused(project, annotator):
    with pytest.raises(DomainError, match="no tasks of the kind"):
        actions.claim_task(user=annotator, project=project, kind="cook")


@pytest.mark.django_db(transaction=True)
def test_sixteen_people_at_once_never_share_a_seat(project):
    people = [
        actions.add_person(email=f"p{n}@example.org", name=f"P{n}", password="irrelevant-pass")
        for n in range(16)
    ]
    for _ in range(16):
        make_ranking_task(project)
    barrier = threading.Barrier(16)
    got, problems = [], []

    def work(user):
        try:
            barrier.wait(timeout=10)
            for _ in range(3):
                assignment = claim(user, project)
                if assignment is not None:
                    got.append(assignment.task_id)
                    actions.submit_ranking(
                        assignment=assignment, places=[(1, 1), (2, 2), (3, 3), (4, 4)], idempotency_key="k"
                    )
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
    assert len(got) == len(set(got)) == 16
    assert set(Task.objects.values_list("status", "seats_taken")) == {("complete", 1)}


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_next_opens_one_task(project, annotator):
    for _ in range(4):
        make_ranking_task(project)
    barrier = threading.Barrier(4)

    def work():
        barrier.wait(timeout=10)
        claim(annotator, project)
        close_old_connections()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert Assignment.objects.count() == 1
