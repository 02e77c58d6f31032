"""Managers' pages of sets of tasks: for whom they are, and which tasks are in them."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from labeling import access, actions
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.manager_queries import tasks_found
from labeling.models import TaskSet
from labeling.queue_forms import FillForm, TaskSetForm
from labeling.task_set_queries import task_sets_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_sets(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = TaskSetForm(request.POST if request.method == "POST" else None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.create_task_set(project=project, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The set is there. Put tasks into it below."))
            return redirect("task-set", made.public_id)
    context = {"project": project, "form": form, "task_sets": task_sets_of(project)}
    return render(request, "manage/task_sets.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_set(request: PersonRequest, set_id: uuid.UUID) -> HttpResponse:
    task_set = access.task_set_for(request.user, set_id)
    form = TaskSetForm.of(task_set, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_task_set(task_set=task_set, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The set is saved."))
            return redirect("task-set", task_set.public_id)
    return _set_page(request, task_set, form, status=400 if form.errors else 200)


@login_required
@require_POST
def fill_task_set(request: PersonRequest, set_id: uuid.UUID) -> HttpResponse:
    """Tasks by a filter, the oldest first: into the set, or with the button "out" out of it."""
    task_set = access.task_set_for(request.user, set_id)
    project = task_set.project
    form = FillForm(request.POST, project=project)
    tasks = tasks_found(project, form.asked())
    if not form.is_valid():
        return _set_page(request, task_set, TaskSetForm.of(task_set), fill=form, status=400)
    goes_out = "out" in request.POST
    tasks = tasks.filter(task_set=task_set) if goes_out else tasks.exclude(task_set=task_set)
    n = actions.put_into_set(
        project=project,
        tasks=tasks.order_by("pk")[: form.cleaned_data["most"]],
        task_set=None if goes_out else task_set,
        actor=request.user,
    )
    said = (
        ngettext("%d task is for everybody now.", "%d tasks are for everybody now.", n)
        if goes_out
        else ngettext("%d task was put into the set.", "%d tasks were put into the set.", n)
    )
    messages.success(request, said % n)
    return redirect("task-set", task_set.public_id)


def _set_page(
    request: PersonRequest,
    task_set: TaskSet,
    form: TaskSetForm,
    *,
    fill: FillForm | None = None,
    status: int,
) -> HttpResponse:
    context = {
        "project": task_set.project,
        "task_set": task_sets_of(task_set.project).get(pk=task_set.pk),
        "form": form,
        "fill": fill or FillForm({"status": "open"}, project=task_set.project),
    }
    return render(request, "manage/task_set.html", context, status=status)
