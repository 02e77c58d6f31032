"""Exports: the page, its buttons and its downloads. For whoever trains in the project, and its managers."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labeling import access, actions
from labeling import export_queries as queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.export_forms import ExportForm
from labeling.models import Project

PER_PAGE = 20
# No type that a browser would show instead of saving it.
MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "json": "application/octet-stream",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}


@login_required
@require_safe
def exports(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
    if request.headers.get("HX-Request"):
        return render(request, "exports/_table.html", _table(request, project))
    context = _table(request, project) | {"form": ExportForm(project=project)}
    return render(request, "exports/exports.html", context)


@login_required
@require_POST
def start_export(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
    form = ExportForm(request.POST, project=project)
    if form.is_valid():
        try:
            actions.start_export(project=project, user=request.user, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return redirect("exports", project.public_id)
    return render(request, "exports/exports.html", _table(request, project) | {"form": form}, status=400)


@login_required
@require_POST
def cancel_export(request: PersonRequest, export_id: uuid.UUID) -> HttpResponse:
    transfer = access.export_for(request.user, export_id)
    try:
        actions.cancel_export(transfer=transfer, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("exports", transfer.project.public_id)


@login_required
@require_POST
def delete_export(request: PersonRequest, export_id: uuid.UUID) -> HttpResponse:
    transfer = access.export_for(request.user, export_id)
    try:
        actions.delete_export_files(transfer=transfer)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The files are deleted. That they were made stays on record."))
    return redirect("exports", transfer.project.public_id)


@login_required
@require_safe
def download_export(request: PersonRequest, export_id: uuid.UUID, name: str) -> FileResponse:
    """One of the names that the export itself listed; nothing of the address reaches a path."""
    transfer = access.export_for(request.user, export_id)
    for download in queries.downloads_of(transfer):
        if download.name == name:
            break
    else:
        raise Http404
    try:
        file = queries.path_of(transfer, download).open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    media_type = MEDIA_TYPES[download.name.rpartition(".")[2]]
    return FileResponse(file, as_attachment=True, filename=download.saved_as, content_type=media_type)


def _table(request: PersonRequest, project: Project) -> dict[str, Any]:
    page = Paginator(queries.exports_of(project), PER_PAGE).get_page(request.GET.get("page"))
    return {
        "project": project,
        "page": page,
        "rows": [queries.shown(transfer) for transfer in page],
        "is_moving": any(not transfer.is_over for transfer in page),
    }
