"""Managers' settings of who is handed what: the queue, known answers, qualifications."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from labeling import access, actions
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.queue_forms import QueueForm, ReferenceForm
from labeling.settings_page import settings_page


@login_required
@require_POST
def change_queue(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = QueueForm.of(project, request.POST)
    if form.is_valid():
        try:
            actions.change_queue(project=project, actor=request.user, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The settings are saved."))
            return redirect("manage-settings", project.public_id)
    return settings_page(request, project, queue_form=form)


@login_required
@require_POST
def change_qualification(request: PersonRequest, project_id: uuid.UUID, user_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    member = access.member_for(project, user_id)
    if "lift" in request.POST:
        actions.lift_qualification(project=project, user=member, actor=request.user)
        messages.success(request, _("%s has to qualify again.") % member)
    else:
        actions.qualify(project=project, user=member, actor=request.user)
        messages.success(request, _("%s is qualified.") % member)
    return redirect("manage-people", project.public_id)


@login_required
@require_POST
def set_reference(request: PersonRequest, task_id: uuid.UUID) -> HttpResponse:
    """How a task is rightly ranked: from now on people are measured, or qualified, by it."""
    task = access.task_for(request.user, task_id)
    form = ReferenceForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose what the answer is for; nothing was changed."))
        return redirect("manage-task", task.public_id)
    try:
        known = actions.set_reference(task=task, places=form.places, actor=request.user, **form.cleaned_data)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("manage-task", task.public_id)
    messages.success(
        request,
        _("Its answer is known from now on.")
        if known.pk == task.pk
        else _("A copy with a known answer is open; what was judged stays as it is."),
    )
    return redirect("manage-task", known.public_id)
