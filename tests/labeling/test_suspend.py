"""Suspending in a project and everywhere: what stops, what goes back, what is set aside, what comes back."""

import pytest
from django.db import IntegrityError, transaction

from labeling import access, actions
from labeling.errors import Conflict, DomainError
from labeling.exports import Filters, ranking_count, ranking_records
from labeling.judgment_queries import judgments_of
from labeling.models import Assignment, AssignmentStatusChange, Invitation, Suspension
from tests.api import api_for, assert_problem
from tests.labeling.exporting import make_ranking
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def suspend(project, manager):
    def do(user, **fields):
        wish = {"actor": manager, "reason": "Answers pasted from a model.", "sets_aside": False, **fields}
        return actions.suspend_member(project=project, user=user, **wish)

    return do


@pytest.fixture
def site_admin(person):
    ann = person("Ann")
    ann.is_staff = ann.is_superuser = True
    ann.save()
    return ann


def close(user, site_admin, **fields):
    wish = {"reason": "Left the company.", "sets_aside": False, **fields}
    return actions.suspend_account(user=user, actor=site_admin, **wish)


# --- in a project


def test_whoever_is_suspended_has_no_role_and_sees_no_project(suspend, project, annotator, manager):
    suspension = suspend(annotator)

    assert access.roles_in(annotator, project) == frozenset()
    assert list(access.projects_of(annotator)) == []
    assert list(access.suspended_from(annotator)) == [project]
    assert (suspension.suspended_by, suspension.reason) == (manager, "Answers pasted from a model.")
    assert project.memberships.filter(user=annotator).count() == 1  # what they were, they are again later


def test_another_project_is_untouched(suspend, annotator, manager):
    other = actions.create_project(name="Another", creator=manager)
    actions.add_member(project=other, user=annotator, role="annotator")

    suspend(annotator)

    assert list(access.projects_of(annotator)) == [other]
    assert access.roles_in(annotator, other) == {"annotator"}


def test_what_was_open_goes_back_with_its_draft_and_is_theirs_again_afterwards(
    suspend, project, annotator, second_annotator, manager
):
    task = make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    actions.save_draft(assignment=assignment, draft={"places": {"1": 2}}, version=0)

    suspension = suspend(annotator)

    task.refresh_from_db()
    assignment.refresh_from_db()
    last = AssignmentStatusChange.objects.filter(subject=assignment).last()
    assert task.seats_taken == 0
    assert (assignment.status, assignment.holds_seat) == ("expired", False)
    assert (last.from_status, last.to_status, last.actor) == ("leased", "expired", None)
    actions.lift_suspension(suspension=suspension, actor=manager)
    again = actions.claim_task(user=annotator, project=project, kind="rank")
    assert (again, again.draft) == (assignment, {"places": {"1": 2}})


def test_a_reserved_seat_goes_back_too(suspend, project, annotator):
    for _task in range(2):
        make_ranking_task(project)
    actions.claim_task(user=annotator, project=project, kind="rank")
    actions.reserve_task(user=annotator, project=project, kind="rank")

    suspend(annotator)

    assert not Assignment.objects.filter(user=annotator, holds_seat=True).exists()
    assert sorted(project.tasks.values_list("seats_taken", flat=True)) == [0, 0]


def test_whoever_was_let_in_just_before_gets_nothing_and_keeps_nothing(suspend, project, annotator):
    """Their request was past access already when the suspension was written."""
    for _task in range(2):
        make_ranking_task(project)
    held = actions.claim_task(user=annotator, project=project, kind="rank")

    suspend(annotator)

    assert actions.claim_task(user=annotator, project=project, kind="rank") is None
    assert actions.reserve_task(user=annotator, project=project, kind="rank") is None
    assert not actions.keep_working(assignment=held)
    assert not Assignment.objects.filter(holds_seat=True).exists()


def test_lifting_gives_everything_back_and_keeps_the_history(suspend, project, annotator, manager):
    suspension = suspend(annotator)
    for _time in range(2):
        actions.lift_suspension(suspension=suspension, actor=manager)

    assert access.roles_in(annotator, project) == {"annotator"}
    kept = Suspension.objects.get()
    assert kept.lifted_by == manager and kept.lifted_at is not None
    assert suspend(annotator) != suspension


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 2001])
def test_without_a_reason_nobody_is_suspended(suspend, annotator, reason):
    with pytest.raises(DomainError) as refused:
        suspend(annotator, reason=reason)

    assert list(refused.value.fields) == ["reason"]
    assert not Suspension.objects.exists()


def test_nobody_is_suspended_twice(suspend, annotator):
    suspend(annotator)

    with pytest.raises(Conflict, match="suspended already"):
        suspend(annotator)
    first = Suspension.objects.get()
    twice = {"user": annotator, "project": first.project, "suspended_by": first.suspended_by}
    with pytest.raises(IntegrityError), transaction.atomic():
        Suspension.objects.create(reason="Twice.", **twice)


def test_nobody_suspends_themselves(suspend, person, project, manager):
    person("Max", "manager", project=project)

    with pytest.raises(Conflict, match="yourself"):
        suspend(manager)


def test_the_last_manager_who_may_work_is_not_suspended(suspend, project, manager, person, site_admin):
    second = person("Max", "manager", project=project)
    suspend(second)

    with pytest.raises(Conflict, match="last manager"):
        suspend(manager, actor=site_admin)
    with pytest.raises(Conflict, match="last manager"):
        actions.give_roles(project=project, user=manager, roles=["annotator"])


def test_no_project_keeps_a_site_admin_out(suspend, site_admin):
    with pytest.raises(Conflict, match="site admin"):
        suspend(site_admin)


def test_a_suspended_manager_lets_nobody_in(suspend, project, manager, person):
    second = person("Max", "manager", project=project)
    actions.invite(project=project, actor=second, roles=["manager"])
    actions.invite(project=project, actor=manager, roles=["annotator"])

    suspend(second)

    revoked = Invitation.objects.exclude(revoked_at=None)
    assert [invitation.created_by for invitation in revoked] == [second]
    assert not access.may_create_projects(second)


def test_leaving_and_coming_back_does_not_lift_it(suspend, project, annotator):
    suspend(annotator)

    actions.give_roles(project=project, user=annotator, roles=[])
    actions.add_member(project=project, user=annotator, role="annotator")

    assert access.roles_in(annotator, project) == frozenset()


# --- what they submitted


def test_what_is_set_aside_leaves_exports_and_snapshots_until_it_is_lifted(
    suspend, project, annotator, second_annotator, manager
):
    mine, theirs = make_ranking(annotator, project), make_ranking(second_annotator, project)

    suspension = suspend(annotator, sets_aside=True)

    assert [pk for pk, _record in ranking_records(project)] == [theirs.pk]
    assert ranking_count(project, Filters(with_returned=True)) == 1
    assert list(judgments_of(project)) == [theirs]
    actions.lift_suspension(suspension=suspension, actor=manager)
    assert [pk for pk, _record in ranking_records(project)] == [mine.pk, theirs.pk]
    assert set(judgments_of(project)) == {mine, theirs}


def test_without_it_what_they_submitted_stays(suspend, project, annotator):
    make_ranking(annotator, project)

    suspend(annotator)

    assert ranking_count(project) == 1


def test_what_is_set_aside_in_one_project_counts_in_another(suspend, project, annotator, manager):
    other = actions.create_project(name="Another", creator=manager)
    actions.add_member(project=other, user=annotator, role="annotator")
    make_ranking(annotator, other)

    suspend(annotator, sets_aside=True)

    assert ranking_count(other) == 1


# --- the account


def test_a_suspended_account_is_out_of_everything_and_comes_back(project, annotator, site_admin, client_for):
    browser, program = client_for(annotator), api_for(annotator)
    assert browser.get("/").status_code == program.get("projects/").status_code == 200

    suspension = close(annotator, site_admin)

    assert browser.get("/").headers["Location"].startswith("/accounts/login/")
    assert_problem(program.get("projects/"), 401, "unknown_token")
    annotator.refresh_from_db()
    assert access.roles_in(annotator, project) == frozenset()
    actions.lift_suspension(suspension=suspension, actor=site_admin)
    annotator.refresh_from_db()
    assert access.roles_in(annotator, project) == {"annotator"}
    assert program.get("projects/").status_code == 200


def test_a_suspended_account_gives_back_its_seats_in_every_project(project, annotator, site_admin, manager):
    other = actions.create_project(name="Another", creator=manager)
    actions.add_member(project=other, user=annotator, role="annotator")
    for each in (project, other):
        make_ranking_task(each)
        actions.claim_task(user=annotator, project=each, kind="rank")

    close(annotator, site_admin)

    assert not Assignment.objects.filter(holds_seat=True).exists()


def test_an_account_with_its_judgments_set_aside_leaves_every_project(project, annotator, site_admin):
    make_ranking(annotator, project)

    suspension = close(annotator, site_admin, sets_aside=True)

    assert ranking_count(project) == 0
    actions.lift_suspension(suspension=suspension, actor=site_admin)
    assert ranking_count(project) == 1


def test_a_suspended_site_admin_is_none(site_admin, person, project):
    other = person("Root")
    other.is_superuser = True
    other.save()

    close(other, site_admin)

    other.refresh_from_db()
    assert not access.is_site_admin(other)
    assert list(access.projects_of(other)) == []


def test_lifting_in_a_project_opens_no_account(suspend, project, annotator, site_admin, manager):
    here = suspend(annotator)
    close(annotator, site_admin)

    actions.lift_suspension(suspension=here, actor=manager)

    annotator.refresh_from_db()
    assert annotator.is_active is False
