"""The one place that decides who may see and do what: an object for this user, or 404.

404 and not 403, so that an address tells nothing about projects of other people.
"""

import uuid
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from labeling.announcement_queries import readable_by
from labeling.composed import Composed, asked
from labeling.models import (
    Announcement,
    ApiToken,
    Assignment,
    BulkChange,
    FaqEntry,
    GuidelineVersion,
    Invitation,
    Membership,
    Project,
    Prompt,
    RubricVersion,
    Submission,
    Suspension,
    Task,
    TaskSet,
    Thread,
    TimesheetPeriod,
    Transfer,
    User,
)
from labeling.pauses import IS_SITE_PAUSED
from labeling.rubric_queries import newest_rubric_of
from labeling.sessions import mark_of

Role = Membership.Role


class PersonRequest(HttpRequest):
    """A request behind `login_required`."""

    user: User


LABELERS = (Role.ANNOTATOR, Role.REVIEWER, Role.MANAGER)
ENGINEERS = (Role.ENGINEER, Role.MANAGER)
REVIEWERS = (Role.REVIEWER, Role.MANAGER)
MANAGERS = (Role.MANAGER,)


def is_site_admin(user: User) -> bool:
    return user.is_superuser and user.is_active


def standing(user: User) -> QuerySet[Membership]:
    """The roles that count: none where the person is suspended, none at all when the account is closed."""
    in_force = Suspension.objects.filter(user=user, project=OuterRef("project"), lifted_at=None)
    return Membership.objects.filter(~Exists(in_force), user=user, user__is_active=True)


def projects_of(user: User) -> QuerySet[Project]:
    """The projects this user may see; site admins see all."""
    if is_site_admin(user):
        return Project.objects.all()
    return Project.objects.filter(pk__in=standing(user).values("project"))


def roles_in(user: User, project: Project) -> frozenset[str]:
    """This user's roles in the project; a site admin has all of them."""
    if is_site_admin(user):
        return frozenset(Role.values)
    return frozenset(_ROLES.all(user=user.pk, project=project.pk))


_ROLES = Composed(
    lambda: standing(asked("user")).filter(project=asked("project")).values_list("role", flat=True)
)


def is_suspended(user: User, project: Project) -> bool:
    """Whether they are kept out of the project, or of everything."""
    here = Q(project=project) | Q(project=None)
    return user.suspensions.filter(here, lifted_at=None).exists()


def suspended_from(user: User) -> QuerySet[Project]:
    """Projects that they have a role in and are kept out of, to be told so."""
    suspensions = user.suspensions.filter(project__memberships__user=user, lifted_at=None)
    return Project.objects.filter(pk__in=suspensions.values("project")).order_by("name")


def managers_of(project: Project) -> QuerySet[User]:
    """Whoever can run the project as things stand; site admins can run every one and are not listed."""
    in_force = Suspension.objects.filter(user=OuterRef("pk"), project=project, lifted_at=None)
    managing = project.memberships.filter(role=Role.MANAGER)
    return User.objects.filter(~Exists(in_force), pk__in=managing.values("user"), is_active=True)


def project_for(user: User, public_id: uuid.UUID, *, roles: tuple[str, ...] = tuple(Role.values)) -> Project:
    """The project, if the user has one of these roles in it; else 404."""
    project = _PROJECT.first(user=user.pk, public_id=public_id)
    if project is None or not _has_one_of(roles, user, project):
        raise Http404
    return project


def _roles_at(project: str) -> ArraySubquery:
    """Of a row with its project at this path: the asking person's roles there."""
    return ArraySubquery(standing(asked("user")).filter(project=OuterRef(project)).values("role"))


def _of_work(project: str) -> dict[str, Any]:
    """Of a row with its project at this path: what is asked next, of whatever people do there."""
    return {"is_site_paused": IS_SITE_PAUSED, "newest_rubric_id": newest_rubric_of(OuterRef(project))}


def _has_one_of(roles: tuple[str, ...], user: User, row: Project | Assignment) -> bool:
    return is_site_admin(user) or not set(roles).isdisjoint(row.roles)  # type: ignore[union-attr] # annotated


_PROJECT = Composed(
    lambda: Project.objects.filter(public_id=asked("public_id")).annotate(
        roles=_roles_at("pk"), **_of_work("pk")
    )
)
_ASSIGNMENT = Composed(
    lambda: (
        Assignment.objects.filter(public_id=asked("public_id"), user=asked("user"))
        .select_related("task__prompt", "task__project")
        .annotate(roles=_roles_at("task__project"), **_of_work("task__project"))
    )
)


def assignment_for(user: User, public_id: uuid.UUID) -> Assignment:
    """The user's own assignment, while they still may label in its project; else 404."""
    assignment = _ASSIGNMENT.first(user=user.pk, public_id=public_id)
    if assignment is None or not _has_one_of(LABELERS, user, assignment):
        raise Http404
    assignment.user = user
    project: Any = assignment.task.project
    project.is_site_paused = assignment.is_site_paused  # type: ignore[attr-defined] # annotated, as the next
    project.newest_rubric_id = assignment.newest_rubric_id  # type: ignore[attr-defined]
    return assignment


def may_see_open_tasks(user: User, project: Project) -> bool:
    """Where gold is mixed in, that number tells whoever judges what was gold: it goes down by work alone."""
    return not project.gold_share or bool(roles_in(user, project) & set(ENGINEERS))


def may_create_projects(user: User) -> bool:
    """Site admins, and whoever manages a project already."""
    return is_site_admin(user) or standing(user).filter(role=Role.MANAGER).exists()


def may_train_somewhere(user: User) -> bool:
    """Site admins, and whoever trains in any project: they may look at what projects share."""
    return is_site_admin(user) or standing(user).filter(role__in=ENGINEERS).exists()


def account_for(user: User, public_id: uuid.UUID) -> User:
    """Anybody's account, for a site admin; else 404."""
    if not is_site_admin(user):
        raise Http404
    return get_object_or_404(User, public_id=public_id)


def projects_managed_by(user: User) -> QuerySet[Project]:
    """By name; site admins manage all."""
    managed = projects_of(user)
    if not user.is_superuser:
        managed = managed.filter(memberships__user=user, memberships__role=Role.MANAGER)
    return managed.order_by("name")


def managed_project(user: User, public_id: uuid.UUID) -> Project:
    """The project, if the user manages it; else 404."""
    return project_for(user, public_id, roles=MANAGERS)


def task_for(user: User, public_id: uuid.UUID) -> Task:
    """A task of a project that the user manages; else 404."""
    task = get_object_or_404(Task.objects.select_related("project", "prompt__author"), public_id=public_id)
    managed_project(user, task.project.public_id)
    return task


def prompt_for(user: User, public_id: uuid.UUID) -> Prompt:
    """A prompt of a project that the user manages; else 404."""
    prompt = get_object_or_404(Prompt.objects.select_related("project", "author"), public_id=public_id)
    managed_project(user, prompt.project.public_id)
    return prompt


def bulk_change_for(user: User, public_id: uuid.UUID) -> BulkChange:
    """A change of many tasks or prompts in a project that the user manages; else 404."""
    change = get_object_or_404(BulkChange.objects.select_related("project", "actor"), public_id=public_id)
    managed_project(user, change.project.public_id)
    return change


def reviewed_project(user: User, public_id: uuid.UUID) -> Project:
    """The project, if the user reviews what is submitted in it; else 404."""
    return project_for(user, public_id, roles=REVIEWERS)


def submission_to_review(user: User, public_id: uuid.UUID) -> Submission:
    """Any revision that somebody else submitted in a project that the user reviews; else 404.

    Simulated and imported ones are none: nobody is there to whom they could be returned.
    """
    submission = get_object_or_404(
        Submission.objects.select_related("assignment__user", "assignment__task__prompt", "project").exclude(
            assignment__user=user
        ),
        public_id=public_id,
        origin=Submission.Origin.PERSON,
    )
    reviewed_project(user, submission.project.public_id)
    return submission


def task_set_for(user: User, public_id: uuid.UUID) -> TaskSet:
    """A set of tasks of a project that the user manages; else 404."""
    task_set = get_object_or_404(TaskSet.objects.select_related("project"), public_id=public_id)
    managed_project(user, task_set.project.public_id)
    return task_set


def check_runs_site(user: User) -> None:
    """Only site admins; else 404."""
    if not user.is_superuser:
        raise Http404


def import_for(user: User, public_id: uuid.UUID) -> Transfer:
    """An import of prompts into a project that the user manages; else 404."""
    transfer = get_object_or_404(
        Transfer.objects.select_related("project", "created_by"),
        public_id=public_id,
        direction=Transfer.Direction.IMPORT,
    )
    managed_project(user, transfer.project.public_id)
    return transfer


def opening_for(user: User, public_id: uuid.UUID) -> Transfer:
    """An opening of many tasks in a project that the user manages; else 404."""
    transfer = get_object_or_404(
        Transfer.objects.select_related("project", "created_by"),
        public_id=public_id,
        direction=Transfer.Direction.TASKS,
    )
    managed_project(user, transfer.project.public_id)
    return transfer


def export_for(user: User, public_id: uuid.UUID) -> Transfer:
    """An export of a project that the user trains in or manages; else 404."""
    transfer = get_object_or_404(
        Transfer.objects.select_related("project", "created_by"),
        public_id=public_id,
        direction=Transfer.Direction.EXPORT,
    )
    project_for(user, transfer.project.public_id, roles=ENGINEERS)
    return transfer


def guideline_version_for(user: User, public_id: uuid.UUID) -> GuidelineVersion:
    """Any version, also an old one, of the guidelines of a project that the user manages; else 404."""
    version = get_object_or_404(
        GuidelineVersion.objects.select_related("project", "author"), public_id=public_id
    )
    managed_project(user, version.project.public_id)
    return version


def rubric_version_for(user: User, public_id: uuid.UUID) -> RubricVersion:
    """Any version, also an old one, of the rubric of a project that the user manages; else 404."""
    version = get_object_or_404(
        RubricVersion.objects.select_related("project", "author"), public_id=public_id
    )
    managed_project(user, version.project.public_id)
    return version


def thread_for(user: User, public_id: uuid.UUID) -> Thread:
    """A question about a task of a project that the user manages; else 404."""
    thread = get_object_or_404(
        Thread.objects.select_related("assignment__task__project", "assignment__task__prompt").select_related(
            "assignment__user", "closed_by"
        ),
        public_id=public_id,
    )
    managed_project(user, thread.assignment.task.project.public_id)
    return thread


def faq_entry_for(user: User, public_id: uuid.UUID) -> FaqEntry:
    """An entry of the FAQ, in force or retired, of a project that the user manages; else 404."""
    entry = get_object_or_404(
        FaqEntry.objects.select_related("project", "author", "thread"), public_id=public_id
    )
    managed_project(user, entry.project.public_id)
    return entry


def timesheet_period_for(user: User, public_id: uuid.UUID) -> TimesheetPeriod:
    """A period, open or closed, of a project that the user manages; else 404."""
    period = get_object_or_404(
        TimesheetPeriod.objects.select_related("project", "opened_by", "closed_by"), public_id=public_id
    )
    managed_project(user, period.project.public_id)
    return period


def check_announces_to_all(user: User) -> None:
    """Site admins tell everybody on this site; for others there is 404."""
    if not user.is_superuser:
        raise Http404


def announcement_for(user: User, public_id: uuid.UUID) -> Announcement:
    """An announcement of a project that the user manages, or for site admins of the site; else 404."""
    announcement = get_object_or_404(
        Announcement.objects.select_related("project", "author"), public_id=public_id
    )
    if announcement.project is None:
        check_announces_to_all(user)
    else:
        managed_project(user, announcement.project.public_id)
    return announcement


def announcement_to_read(user: User, public_id: uuid.UUID) -> Announcement:
    """An announcement to everybody, to this user's project or to a role that they have in it; else 404."""
    return get_object_or_404(readable_by(user), public_id=public_id)


def member_for(project: Project, public_id: uuid.UUID) -> User:
    """Somebody who has a role in the project; else 404."""
    members = User.objects.filter(memberships__project=project).distinct()
    return get_object_or_404(members, public_id=public_id)


def invitation_for(user: User, public_id: uuid.UUID) -> Invitation:
    """An invitation into a project that the user manages; else 404."""
    invitation = get_object_or_404(Invitation.objects.select_related("project"), public_id=public_id)
    managed_project(user, invitation.project.public_id)
    return invitation


def suspension_for(user: User, public_id: uuid.UUID) -> Suspension:
    """Of somebody in a project that the user manages; of an account, for site admins. Else 404."""
    suspension = get_object_or_404(Suspension.objects.select_related("project", "user"), public_id=public_id)
    if suspension.project is None:
        account_for(user, suspension.user.public_id)
    else:
        managed_project(user, suspension.project.public_id)
    return suspension


def session_for(user: User, mark: str) -> UserSession:
    """A session of one's own by its mark; else 404."""
    for session in UserSession.objects.filter(user_id=user.pk):
        if mark_of(session.session_key) == mark:
            return session
    raise Http404


def token_for(user: User, public_id: uuid.UUID) -> ApiToken:
    """A token of one's own; else 404."""
    return get_object_or_404(ApiToken, user=user, public_id=public_id)
