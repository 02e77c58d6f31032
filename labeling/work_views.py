"""An annotator's way from task to task: next, draft, skip, guidelines that changed."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions, forms, guideline_queries, history_queries, queries
from labeling.access import PersonRequest
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Project, Task
from labeling.text_changes import changes


@login_required
@require_POST
def next_task(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    return go_on(request, project, kind)


@login_required
@require_POST
def reserve_task(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    """The page's script prepares the next task while the person is at work on this one."""
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    assignment = actions.reserve_task(user=request.user, project=project, kind=kind)
    if assignment is None:
        return HttpResponse(status=204)
    return JsonResponse({"next": reverse("assignment", args=[assignment.public_id])})


@login_required
@require_POST
def skip(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """Asks once when something was entered; the page's script asks itself and sends `sure`."""
    assignment = access.assignment_for(request.user, assignment_id)
    sent = forms.read_submission(request.POST)
    entered = sent.as_draft()
    if "sure" not in request.POST and (has_work(entered) or has_work(assignment.draft)):
        if has_work(entered) and entered != assignment.draft:
            actions.save_draft(assignment=assignment, draft=entered, version=assignment.draft_version)
        context = {"assignment": assignment, "project": assignment.task.project}
        return render(request, "skip.html", context)
    # Reading what one then leaves to others is work, too.
    actions.count_active(assignment=assignment, seconds=sent.active_seconds or 0)
    actions.skip_task(assignment=assignment)
    return go_on(request, assignment.task.project, assignment.task.kind)


@login_required
@require_POST
def draft(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """Keeps the seat while the page is in use, counts its active time, saves the draft if it has one."""
    assignment = access.assignment_for(request.user, assignment_id)
    try:
        sent = json.loads(request.body)
        version, seconds = int(sent["version"]), max(0, int(sent.get("active", 0)))
        draft = dict(sent["draft"]) if "draft" in sent else None
    except (ValueError, KeyError, TypeError, OverflowError):
        return JsonResponse({"message": _("The draft could not be read; nothing was saved.")}, status=400)
    holds_seat = actions.keep_working(assignment=assignment)
    if seconds:
        actions.count_active(assignment=assignment, seconds=seconds)
    try:
        if draft is not None:
            version = actions.save_draft(assignment=assignment, draft=draft, version=version)
    except DomainError as error:
        return JsonResponse(_refusal(assignment, error), status=error.status)
    assignment.refresh_from_db(fields=["status", "draft_version"])
    kept = version if draft is not None else assignment.draft_version
    return JsonResponse({"version": kept, "status": assignment.status, "holds_seat": holds_seat})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def changed_guidelines(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    """What changed since this person last said that they had read them; then on to the next task."""
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    if kind not in Task.Kind.values:
        raise Http404
    changed = guideline_queries.changed_guidelines(request.user, project, get_language() or "en")
    if request.method == "POST":
        # Only what was on the page: a version that came meanwhile is shown first.
        if changed and request.POST.get("version") == str(changed.newest.public_id):
            actions.acknowledge_guidelines(user=request.user, version=changed.newest)
        return go_on(request, project, kind)
    if changed is None:
        return redirect("project", project.public_id)
    passages = changes(changed.known.body if changed.known else "", changed.newest.body)
    context = {"project": project, "kind": kind, "changed": changed, "passages": passages}
    return render(request, "changed_guidelines.html", context)


@login_required
@require_safe
def nothing_to_do(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    if kind not in Task.Kind.values:
        raise Http404
    context = {
        "project": project,
        "kind": kind,
        "counts": queries.task_counts(project)[kind],
        "done": queries.submissions_by(request.user, project),
        "waiting": queries.all_waiting_for(request.user, project),
        "why": history_queries.why_nothing(request.user, project, kind),
        "wish": request.user.task_wishes.filter(project=project, kind=kind, told_at=None).exists(),
    }
    return render(request, "nothing_to_do.html", context)


@login_required
@require_POST
def wish_for_tasks(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    if "forget" in request.POST:
        actions.forget_wish(user=request.user, project=project, kind=kind)
    else:
        actions.wish_for_tasks(user=request.user, project=project, kind=kind)
    return redirect("nothing-to-do", project.public_id, kind)


def go_on(request: PersonRequest, project: Project, kind: str) -> HttpResponse:
    """To the next task of this kind, or to the page that says why there is none.

    204 when the page's script has that task already.
    """
    if guideline_queries.unread_version(request.user, project, get_language() or "en"):
        return redirect("changed-guidelines", project.public_id, kind)
    try:
        assignment = actions.claim_task(user=request.user, project=project, kind=kind)
    except Conflict as error:
        messages.warning(request, error.message)
        return redirect("project", project.public_id)
    if assignment is None:
        return redirect("nothing-to-do", project.public_id, kind)
    address = reverse("assignment", args=[assignment.public_id])
    if request.headers.get("X-Prefetched") == address:
        return HttpResponse(status=204)
    return redirect(address)


def has_work(draft: dict[str, Any]) -> bool:
    """Whether a person has entered something that they would not want to lose."""
    said = ("places", "answers", "text", "comment", "strength")
    return any(_says_something(draft.get(name)) for name in said)


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says_something(part) for part in value.values())
    return bool(value.strip()) if isinstance(value, str) else bool(value)


def _refusal(assignment: Assignment, error: DomainError) -> dict[str, Any]:
    """Why a draft was not kept, with the newer one, so that the page can offer both."""
    assignment.refresh_from_db(fields=["status", "draft", "draft_version"])
    return {
        "code": error.code,
        "message": error.message,
        "draft": assignment.draft,
        "version": assignment.draft_version,
        "status": assignment.status,
    }
