"""The page of a project's settings, with all its forms, whichever of them was sent."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from labeling.manager_forms import ProjectForm
from labeling.models import Project
from labeling.pauses import pauses_of
from labeling.queue_forms import QueueForm

MOST_PAUSES = 10


def settings_page(
    request: HttpRequest,
    project: Project,
    *,
    form: ProjectForm | None = None,
    queue_form: QueueForm | None = None,
) -> HttpResponse:
    form = form or ProjectForm.of(project)
    queue_form = queue_form or QueueForm.of(project)
    context = {
        "project": project,
        "form": form,
        "queue_form": queue_form,
        "pauses": pauses_of(project)[:MOST_PAUSES],
    }
    is_refused = form.errors or queue_form.errors
    return render(request, "manage/settings.html", context, status=400 if is_refused else 200)
