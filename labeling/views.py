"""Annotators' pages."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from labeling import (
    access,
    actions,
    announcement_queries,
    forms,
    history_queries,
    pauses,
    queries,
    question_queries,
    ranking_page,
    review_queries,
    writing_page,
)
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.known_queries import qualification_of
from labeling.models import Assignment, Project, Task, User
from labeling.work_views import go_on


@login_required
@require_safe
def home(request: PersonRequest) -> HttpResponse:
    site_pause = pauses.site_pause()
    projects = [
        _home_row(request.user, project, is_site_paused=site_pause is not None)
        for project in access.projects_of(request.user).order_by("name")
    ]
    labeled = [row["project"] for row in projects if row["may_label"]]
    managed = [row["project"] for row in projects if row["may_manage"]]
    reviewed = [row["project"] for row in projects if row["may_review"]]
    asked = question_queries.open_counts(managed)
    to_review = review_queries.waiting_counts(request.user, reviewed)
    done = queries.submissions_in_each(request.user, [row["project"] for row in projects])
    for row in projects:
        pk = row["project"].pk
        row |= {"asked": asked.get(pk, 0), "to_review": to_review.get(pk, 0), "done": done[pk]}
    context = {
        "projects": projects,
        "suspended": access.suspended_from(request.user),
        "may_label": bool(labeled),
        "answered": question_queries.answered_questions(request.user, labeled),
        "notices": announcement_queries.notices_for(request.user, get_language() or "en"),
        "may_create_projects": access.may_create_projects(request.user),
        "site_pause": site_pause,
        "weeks": history_queries.weeks_of(request.user),
        "returned": history_queries.returned_to(
            request.user, [row["project"] for row in projects if row["may_revise"]]
        ),
    }
    return render(request, "home.html", context)


@login_required
@require_safe
def project(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id)
    language = get_language() or "en"
    context = {
        "project": project,
        "notices": announcement_queries.notices_for(request.user, language, project=project),
        "may_label": bool(access.roles_in(request.user, project) & set(access.LABELERS)),
        "counts": queries.task_counts(project),
        "shows_open_tasks": access.may_see_open_tasks(request.user, project),
        "prompts": queries.prompt_count(project),
        "waiting": queries.all_waiting_for(request.user, project),
        "done": queries.submissions_by(request.user, project),
        "guidelines": queries.guidelines_for(project, language),
    }
    return render(request, "project.html", context)


@login_required
@require_safe
def guidelines(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id)
    language = request.GET.get("language") or get_language() or "en"
    context = {
        "project": project,
        "guidelines": queries.guidelines_for(project, language),
        "faq": question_queries.faq_of(project, language),
        "languages": question_queries.languages_to_read(project),
    }
    return render(request, "guidelines.html", context)


@login_required
@require_safe
def assignment(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    assignment = access.assignment_for(request.user, assignment_id)
    return assignment_page(request, assignment, entered=assignment.draft)


@login_required
@require_POST
def submit(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    assignment = access.assignment_for(request.user, assignment_id)
    sent = forms.read_submission(request.POST)
    try:
        actions.check_draft_is_newest(assignment=assignment, version=sent.draft_version, text=sent.text)
        if assignment.task.kind == Task.Kind.RANK:
            ranking_page.take(assignment, sent)
        else:
            writing_page.take(assignment, sent)
    except DomainError as error:
        return assignment_page(request, assignment, entered=sent.as_draft(), error=error)
    return go_on(request, assignment.task.project, assignment.task.kind)


def _home_row(user: User, project: Project, *, is_site_paused: bool) -> dict[str, Any]:
    roles = access.roles_in(user, project)
    waiting = queries.all_waiting_for(user, project)
    may_label = bool(roles & set(access.LABELERS))
    return {
        "project": project,
        "may_label": may_label,
        "may_revise": may_label and not (project.paused_at or is_site_paused),
        "qualification": qualification_of(user, project) if may_label else None,
        "may_review": bool(roles & set(access.REVIEWERS)),
        "may_train": bool(roles & set(access.ENGINEERS)),
        "may_manage": bool(roles & set(access.MANAGERS)),
        "waiting": waiting,
        # The reason is for whoever finds nothing at all.
        "why": None if any(waiting.values()) else _why_nothing_at_all(user, project),
    }


def _why_nothing_at_all(user: User, project: Project) -> history_queries.Why:
    """Of ranking, unless nothing is open there: then of writing."""
    of_ranking = history_queries.why_nothing(user, project, Task.Kind.RANK)
    if of_ranking.reason != "none":
        return of_ranking
    return history_queries.why_nothing(user, project, Task.Kind.DEMONSTRATE)


def assignment_page(
    request: PersonRequest,
    assignment: Assignment,
    *,
    entered: dict[str, Any],
    error: DomainError | None = None,
    is_preview: bool = False,
) -> HttpResponse:
    """The task with what was entered; with the refusal, or as it will look."""
    project = assignment.task.project
    submission = queries.newest_submission(assignment)
    # Counts are those of the moment when it is shown: the task before it is submitted then.
    is_prepared = assignment.status == Assignment.Status.RESERVED
    context: dict[str, Any] = {
        "assignment": assignment,
        "project": project,
        "prompt": assignment.task.prompt,
        "guidelines": queries.guidelines_for(project, get_language() or "en"),
        "faq": question_queries.faq_of(project, get_language() or "en"),
        "is_answered": question_queries.has_news(assignment),
        "submission": submission,
        "idempotency_key": uuid.uuid4(),
        "entered": entered,
        "error": error,
        "done": queries.submissions_by(request.user, project)[assignment.task.kind] + is_prepared,
        "waiting": queries.tasks_waiting_for(request.user, project, assignment.task.kind) - is_prepared,
    }
    if assignment.task.kind == Task.Kind.RANK:
        context |= ranking_page.shown(assignment, entered, submission, error)
        context["is_raw"] = "raw" in request.GET
        template = "rank.html"
    else:
        context |= writing_page.shown(assignment, entered)
        context["is_preview"] = is_preview
        template = "demonstrate.html"
    outputs = [row.output for row in context.get("outputs", ())]
    is_sensitive = any(output.is_sensitive for output in outputs)
    context["is_sensitive"] = is_sensitive or bool(assignment.task.prompt.topics)
    return render(request, template, context, status=error.status if error else 200)
