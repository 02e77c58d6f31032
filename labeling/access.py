"""The one place that decides who may see and do what: an object for this user, or 404.

404 and not 403, so that an address tells nothing about projects of other people.
"""

import uuid

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from labeling.models import (
    ApiToken,
    Assignment,
    FaqEntry,
    GuidelineVersion,
    Membership,
    Project,
    RubricVersion,
    Submission,
    Task,
    Thread,
    Transfer,
    User,
)

Role = Membership.Role


class PersonRequest(HttpRequest):
    """A request behind `login_required`."""

    user: User


LABELERS = (Role.ANNOTATOR, Role.REVIEWER, Role.MANAGER)
ENGINEERS = (Role.ENGINEER, Role.MANAGER)
REVIEWERS = (Role.REVIEWER, Role.MANAGER)
MANAGERS = (Role.MANAGER,)


def projects_of(user: User) -> QuerySet[Project]:
    """The projects this user may see; site admins see all."""
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user=user).distinct()


def roles_in(user: User, project: Project) -> frozenset[str]:
    """This user's roles in the project; a site admin has all of them."""
    if user.is_superuser:
        return frozenset(Role.values)
    return frozenset(project.memberships.filter(user=user).values_list("role", flat=True))


def project_for(user: User, public_id: uuid.UUID, *, roles: tuple[str, ...] = tuple(Role.values)) -> Project:
    """The project, if the user has one of these roles in it; else 404."""
    project = get_object_or_404(projects_of(user), public_id=public_id)
    if not roles_in(user, project) & set(roles):
        raise Http404
    return project


def assignment_for(user: User, public_id: uuid.UUID) -> Assignment:
    """The user's own assignment, while they still may label in its project; else 404."""
    assignment = get_object_or_404(
        Assignment.objects.select_related("task__prompt", "task__project", "user"),
        public_id=public_id,
        user=user,
    )
    project_for(user, assignment.task.project.public_id, roles=LABELERS)
    return assignment


def may_create_projects(user: User) -> bool:
    """Site admins, and whoever manages a project already."""
    return user.is_superuser or user.memberships.filter(role=Role.MANAGER).exists()


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


def member_for(project: Project, public_id: uuid.UUID) -> User:
    """Somebody who has a role in the project; else 404."""
    members = User.objects.filter(memberships__project=project).distinct()
    return get_object_or_404(members, public_id=public_id)


def token_for(user: User, public_id: uuid.UUID) -> ApiToken:
    """A token of one's own; else 404."""
    return get_object_or_404(ApiToken, user=user, public_id=public_id)
