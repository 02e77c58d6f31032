"""Managers' pages of prompts: which there are, and what became of one."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling import access
from labeling import prompt_list_queries as queries
from labeling.access import PersonRequest
from labeling.actions.changes import changes_of
from labeling.models import BulkChange
from labeling.prompt_list_forms import PromptFilterForm


@login_required
@require_safe
def prompts(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = PromptFilterForm(request.GET, project=project)
    page = queries.page_of_prompts(project, form.asked(), after=form.cleaned_data.get("after"))
    address = request.GET.copy()
    address.pop("after", None)
    context = {
        "project": project,
        "form": form,
        "page": page,
        "address": address.urlencode(),
        "changes": changes_of(BulkChange.Target.PROMPTS),
    }
    return render(request, "manage/prompts.html", context)


@login_required
@require_safe
def prompt(request: PersonRequest, prompt_id: uuid.UUID) -> HttpResponse:
    prompt = access.prompt_for(request.user, prompt_id)
    context = {
        "project": prompt.project,
        "prompt": prompt,
        "outputs": queries.outputs_of(prompt),
        "tasks": queries.tasks_of(prompt),
    }
    return render(request, "manage/prompt.html", context)
