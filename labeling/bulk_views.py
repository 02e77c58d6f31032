"""Changing many tasks or prompts: what will happen and to how many, then how far it is."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions
from labeling.access import PersonRequest
from labeling.actions.changes import CHANGES
from labeling.bulk_forms import BulkOptionsForm, selection_of
from labeling.errors import DomainError
from labeling.forms import whole
from labeling.models import BulkChange, Project

KEPT = ("scope", "row", "filter")  # what the confirmation sends again
LISTS = {BulkChange.Target.TASKS: "manage-tasks", BulkChange.Target.PROMPTS: "manage-prompts"}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: PersonRequest, project_id: uuid.UUID, target: str) -> HttpResponse:
    """The exact number before anything is done; a POST confirms it."""
    project = access.managed_project(request.user, project_id)
    if target not in BulkChange.Target.values:
        raise Http404
    sent = request.POST if request.method == "POST" else request.GET
    name = sent.get("change", "")
    if name not in CHANGES or CHANGES[name].target != target:
        messages.warning(request, _("Choose what to do with them first."))
        return redirect(LISTS[BulkChange.Target(target)], project.public_id)
    form = BulkOptionsForm(request.POST if request.method == "POST" else None, change=CHANGES[name])
    if request.method == "POST" and form.is_valid():
        try:
            made = _start(request, project, target, form)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return redirect("bulk-change", made.public_id)
    return _confirmation(request, project, target, form)


@login_required
@require_safe
def bulk_change(request: PersonRequest, change_id: uuid.UUID) -> HttpResponse:
    """How far it is."""
    made = access.bulk_change_for(request.user, change_id)
    context = {
        "project": made.project,
        "made": made,
        "change": CHANGES.get(made.action),
        "back": LISTS[BulkChange.Target(made.target)],
    }
    is_fragment = request.headers.get("HX-Request")
    return render(request, "manage/_bulk_state.html" if is_fragment else "manage/bulk_change.html", context)


@login_required
@require_POST
def stop_bulk_change(request: PersonRequest, change_id: uuid.UUID) -> HttpResponse:
    made = access.bulk_change_for(request.user, change_id)
    try:
        actions.stop_bulk_change(change=made, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("bulk-change", made.public_id)


def _start(request: PersonRequest, project: Project, target: str, form: BulkOptionsForm) -> BulkChange:
    told = whole(request.POST.get("told", ""))
    made = actions.start_bulk_change(
        project=project,
        actor=request.user,
        action=request.POST["change"],
        selection=selection_of(project, target, request.POST),
        options=form.cleaned_data,
        told=-1 if told is None else told,
    )
    return actions.continue_bulk_change(change=made)


def _confirmation(
    request: PersonRequest, project: Project, target: str, form: BulkOptionsForm
) -> HttpResponse:
    sent = request.POST if request.method == "POST" else request.GET
    name, selection = sent["change"], selection_of(project, target, sent)
    context = {
        "project": project,
        "target": target,
        "name": name,
        "change": CHANGES[name],
        "form": form,
        "counted": actions.count_selection(project=project, action=name, selection=selection),
        "kept": [(key, value) for key in KEPT for value in sent.getlist(key)],
        "back": LISTS[BulkChange.Target(target)],
    }
    return render(request, "manage/confirm_bulk.html", context, status=400 if form.errors else 200)
