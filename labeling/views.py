"""Annotators' pages."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from labeling import access, actions, forms, queries
from labeling.access import PersonRequest
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Project, Task, User


@login_required
@require_GET
def home(request: PersonRequest) -> HttpResponse:
    projects = [
        _home_row(request.user, project) for project in access.projects_of(request.user).order_by("name")
    ]
    context = {"projects": projects, "may_create_projects": access.may_create_projects(request.user)}
    return render(request, "home.html", context)


@login_required
@require_GET
def project(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id)
    context = {
        "project": project,
        "may_label": bool(access.roles_in(request.user, project) & set(access.LABELERS)),
        "counts": queries.task_counts(project),
        "prompts": project.prompts.count(),
        "waiting": {k: queries.tasks_waiting_for(request.user, project, k) for k in Task.Kind.values},
        "done": queries.submissions_by(request.user, project),
        "guidelines": queries.guidelines_for(project, get_language() or "en"),
    }
    return render(request, "project.html", context)


@login_required
@require_GET
def guidelines(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id)
    version = queries.guidelines_for(project, request.GET.get("language") or get_language() or "en")
    languages = project.guideline_versions.order_by("language").values_list("language", flat=True).distinct()
    return render(
        request, "guidelines.html", {"project": project, "guidelines": version, "languages": languages}
    )


@login_required
@require_POST
def next_task(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    return _go_on(request, project, kind)


@login_required
@require_GET
def nothing_to_do(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    if kind not in Task.Kind.values:
        raise Http404
    context = {
        "project": project,
        "kind": kind,
        "counts": queries.task_counts(project)[kind],
        "done": queries.submissions_by(request.user, project),
        "waiting": {k: queries.tasks_waiting_for(request.user, project, k) for k in Task.Kind.values},
    }
    return render(request, "nothing_to_do.html", context)


@login_required
@require_GET
def assignment(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    assignment = access.assignment_for(request.user, assignment_id)
    return _assignment_page(request, assignment, entered=assignment.draft)


@login_required
@require_POST
def submit(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    assignment = access.assignment_for(request.user, assignment_id)
    sent = forms.read_submission(request.POST)
    try:
        if assignment.task.kind == Task.Kind.RANK:
            actions.submit_ranking(assignment=assignment, places=sent.places, **sent.common)
        else:
            actions.submit_demonstration(assignment=assignment, text=sent.text, **sent.common)
    except DomainError as error:
        return _assignment_page(request, assignment, entered=sent.as_draft(), error=error)
    return _go_on(request, assignment.task.project, assignment.task.kind)


@login_required
@require_POST
def skip(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    assignment = access.assignment_for(request.user, assignment_id)
    actions.skip_task(assignment=assignment)
    return _go_on(request, assignment.task.project, assignment.task.kind)


@login_required
@require_POST
def draft(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """Keeps the lease while the page is open, and the draft when there is one."""
    assignment = access.assignment_for(request.user, assignment_id)
    try:
        sent = json.loads(request.body)
        draft, version = dict(sent["draft"]), int(sent["version"])
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"message": _("The draft could not be read; nothing was saved.")}, status=400)
    if assignment.status != Assignment.Status.LEASED:
        return JsonResponse({"message": _("This task is not open any more.")}, status=409)
    actions.renew_lease(assignment=assignment)
    try:
        version = actions.save_draft(assignment=assignment, draft=draft, version=version)
    except DomainError as error:
        return JsonResponse({"message": error.message}, status=error.status)
    return JsonResponse({"version": version})


def _home_row(user: User, project: Project) -> dict[str, Any]:
    roles = access.roles_in(user, project)
    return {
        "project": project,
        "may_label": bool(roles & set(access.LABELERS)),
        "may_train": bool(roles & set(access.ENGINEERS)),
        "may_manage": bool(roles & set(access.MANAGERS)),
        "waiting": {kind: queries.tasks_waiting_for(user, project, kind) for kind in Task.Kind.values},
        "done": queries.submissions_by(user, project),
    }


def _go_on(request: PersonRequest, project: Project, kind: str) -> HttpResponse:
    """To the next task of this kind, or to the page that says why there is none."""
    try:
        assignment = actions.claim_task(user=request.user, project=project, kind=kind)
    except Conflict as error:
        messages.warning(request, error.message)
        return redirect("project", project.public_id)
    if assignment is None:
        return redirect("nothing-to-do", project.public_id, kind)
    return redirect("assignment", assignment.public_id)


def _assignment_page(
    request: PersonRequest,
    assignment: Assignment,
    *,
    entered: dict[str, Any],
    error: DomainError | None = None,
) -> HttpResponse:
    project = assignment.task.project
    context: dict[str, Any] = {
        "assignment": assignment,
        "project": project,
        "prompt": assignment.task.prompt,
        "guidelines": queries.guidelines_for(project, get_language() or "en"),
        "submission": queries.newest_submission(assignment),
        "idempotency_key": uuid.uuid4(),
        "entered": entered,
        "error": error,
        "done": queries.submissions_by(request.user, project)[assignment.task.kind],
        "waiting": queries.tasks_waiting_for(request.user, project, assignment.task.kind),
    }
    if assignment.task.kind == Task.Kind.RANK:
        places = entered.get("places", {})
        context["outputs"] = [
            {"output": output, "place": places.get(str(output.number), "")}
            for output in queries.outputs_of(assignment)
        ]
        template = "rank.html"
    else:
        template = "demonstrate.html"
    return render(request, template, context, status=error.status if error else 200)
