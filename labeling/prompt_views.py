"""Writing prompts."""

import json
import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from labeling import access, actions, prompt_page, queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.models import Project


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def write_prompt(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """The form. Each of its buttons sends all of it here; only the one that submits takes a prompt in."""
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    if request.method != "POST":
        return _page(request, project, prompt_page.read_draft(queries.prompt_draft(request.user, project)))
    sent = prompt_page.read_sent(request.POST)
    if sent.do:
        return _page(request, project, prompt_page.changed(sent))
    try:
        actions.write_prompt(
            project=project,
            author=request.user,
            written=sent.written,
            category=sent.category,
            language=sent.language,
            idempotency_key=sent.idempotency_key,
            looked_at=sent.looked_at,
            draft_version=sent.draft_version,
        )
    except DomainError as error:
        return _page(request, project, sent, error)
    messages.success(request, _("The prompt is taken in. Here is room for the next one."))
    return redirect("write-prompt", project.public_id)


@login_required
@require_POST
def prompt_draft(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """Saves the draft if it has one, and says which version is kept; as the drafts of tasks."""
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    try:
        sent = json.loads(request.body)
        version = int(sent["version"])
        content = dict(sent["draft"]) if "draft" in sent else None
    except (ValueError, KeyError, TypeError, OverflowError):
        return JsonResponse({"message": _("The draft could not be read; nothing was saved.")}, status=400)
    try:
        if content is not None:
            actions.save_prompt_draft(user=request.user, project=project, content=content, version=version)
    except DomainError as error:
        refusal = {"code": error.code, "message": error.message}
        return JsonResponse(refusal | _kept(request, project), status=error.status)
    return JsonResponse(_kept(request, project))


def _kept(request: PersonRequest, project: Project) -> dict[str, object]:
    draft = queries.prompt_draft(request.user, project)
    return {"version": draft.version if draft else 0, "draft": draft.content if draft else {}}


def _page(
    request: PersonRequest,
    project: Project,
    sent: prompt_page.SentPrompt,
    error: DomainError | None = None,
) -> HttpResponse:
    context = prompt_page.shown(project, request.user, sent, error)
    context["guidelines"] = queries.guidelines_for(project, get_language() or "en")
    context["idempotency_key"] = uuid.uuid4()
    return render(request, "write_prompt.html", context, status=error.status if error else 200)
