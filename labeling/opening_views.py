"""Managers' pages on which tasks are opened for many prompts at once."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions
from labeling import manager_queries as queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.opening_forms import OpeningForm

RECENT = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_tasks(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """Earlier openings, and the form that asks for one."""
    project = access.managed_project(request.user, project_id)
    form = OpeningForm(request.POST if request.method == "POST" else None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            opening = actions.start_opening(project=project, actor=request.user, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return redirect("opening", opening.public_id)
    context = {"project": project, "form": form, "openings": queries.openings_of(project)[:RECENT]}
    return render(request, "manage/open_tasks.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def opening(request: PersonRequest, opening_id: uuid.UUID) -> HttpResponse:
    transfer = access.opening_for(request.user, opening_id)
    context = {"project": transfer.project, "transfer": transfer, "selection": transfer.options["selection"]}
    template = "manage/_opening_state.html" if request.headers.get("HX-Request") else "manage/opening.html"
    return render(request, template, context)


@login_required
@require_POST
def cancel_opening(request: PersonRequest, opening_id: uuid.UUID) -> HttpResponse:
    transfer = access.opening_for(request.user, opening_id)
    try:
        actions.cancel_opening(transfer=transfer, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("opening", transfer.public_id)
