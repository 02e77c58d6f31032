"""Managers' pages about importing prompts: upload, look, confirm, watch."""

import csv
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions
from labeling import manager_queries as queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.import_forms import MappingForm, UploadForm
from labeling.models import Project, Transfer, User

RECENT = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """Earlier imports, and the form that uploads a file."""
    project = access.managed_project(request.user, project_id)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        try:
            transfer = _upload(project, request.user, form)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return redirect("import", transfer.public_id)
    context = {"project": project, "form": form, "imports": queries.imports_of(project)[:RECENT]}
    return render(request, "manage/imports.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def show_import(request: PersonRequest, import_id: uuid.UUID) -> HttpResponse:
    transfer = access.import_for(request.user, import_id)
    if transfer.status == Transfer.Status.UPLOADED:
        return _preview(request, transfer, MappingForm(None, transfer=transfer))
    context = {"project": transfer.project, "transfer": transfer}
    template = "manage/_import_state.html" if request.headers.get("HX-Request") else "manage/import.html"
    return render(request, template, context)


@login_required
@require_POST
def map_import(request: PersonRequest, import_id: uuid.UUID) -> HttpResponse:
    transfer = access.import_for(request.user, import_id)
    form = _mapped(request, transfer)
    if form.errors:
        return _preview(request, transfer, form, status=400)
    return redirect("import", transfer.public_id)


@login_required
@require_POST
def start_import(request: PersonRequest, import_id: uuid.UUID) -> HttpResponse:
    """Confirm what was shown, with the page's ticks as they are; other columns are shown once more first."""
    transfer = access.import_for(request.user, import_id)
    if transfer.status == Transfer.Status.UPLOADED:
        form = _mapped(request, transfer)
        if form.errors:
            return _preview(request, transfer, form, status=400)
        if form.reads_otherwise:
            messages.warning(request, _("You chose other columns: look at the rows once more, then import."))
            return redirect("import", transfer.public_id)
    try:
        actions.start_import(transfer=transfer, actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("import", transfer.public_id)


@login_required
@require_POST
def cancel_import(request: PersonRequest, import_id: uuid.UUID) -> HttpResponse:
    transfer = access.import_for(request.user, import_id)
    try:
        actions.cancel_import(transfer=transfer, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("import", transfer.public_id)


@login_required
@require_safe
def problems(request: PersonRequest, import_id: uuid.UUID) -> StreamingHttpResponse:
    """The broken rows as CSV, for whoever mends the file."""
    transfer = access.import_for(request.user, import_id)
    has_files = len(transfer.options.get("files", [])) > 1
    header = [_("line"), _("reason"), *([_("file")] if has_files else [])]
    lines = _csv_lines(header, actions.problems_of(transfer))
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="broken-rows-{transfer.public_id}.csv"'
    return answer


def _mapped(request: PersonRequest, transfer: Transfer) -> MappingForm:
    """Kept as it was sent, unless the form says what is wrong."""
    form = MappingForm(request.POST, transfer=transfer)
    if form.is_valid():
        try:
            actions.map_import(transfer=transfer, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
    return form


def _upload(project: Project, user: User, form: UploadForm) -> Transfer:
    if not form.is_folder:
        file = form.only_file
        return actions.upload_import(
            project=project, actor=user, file_name=file.name or "", chunks=file.chunks()
        )
    files = [(path, file.chunks()) for path, file in form.named_files()]
    return actions.upload_folder(project=project, actor=user, name=form.folder_name, files=files)


class _Line:
    """A file to csv.writer that hands each line on."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(header: list[str], problems: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(header)
    for problem in problems:
        # A leading = would be a formula in a spreadsheet: reasons begin with words, names are made to.
        name = [f"./{problem['file']}"] if "file" in problem else []
        yield writer.writerow([problem["line"], problem["reason"], *name])


def _preview(
    request: PersonRequest, transfer: Transfer, form: MappingForm, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "project": transfer.project,
        "transfer": transfer,
        "form": form,
        "rows": [
            {"line": line, "fields": fields, "problem": fields if isinstance(fields, str) else ""}
            for line, fields in actions.preview_of(transfer)
        ],
    }
    return render(request, "manage/preview_import.html", context, status=status)
