"""While somebody writes: the text as it will look, and its length in tokens. Neither keeps anything."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from labeling import access, forms
from labeling.access import PersonRequest
from labeling.models import Task
from labeling.token_counts import MOST_CHARACTERS, token_count
from labeling.views import assignment_page


@login_required
@require_POST
def preview_demonstration(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """The page again with what was entered, and the text as Markdown; for the script only the latter."""
    assignment = access.assignment_for(request.user, assignment_id)
    if assignment.task.kind != Task.Kind.DEMONSTRATE:
        raise Http404
    sent = forms.read_submission(request.POST)
    if request.headers.get("HX-Request"):
        context = {"text": sent.text, "language": assignment.task.prompt.language}
        return render(request, "_text_preview.html", context)
    return assignment_page(request, assignment, entered=sent.as_draft(), is_preview=True)


@login_required
@require_POST
def count_tokens(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """{tokens}: a number, or null where the project's model is not there to count by."""
    project = access.project_for(request.user, project_id, roles=access.LABELERS)
    text = request.POST.get("text", "")
    if len(text) > MOST_CHARACTERS:
        message = _("The text is too long to count its tokens.")
        return JsonResponse({"code": "too_long", "message": message}, status=413)
    return JsonResponse({"tokens": token_count(project, text)})
