"""What one has submitted oneself."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling import access, history_queries
from labeling.access import PersonRequest
from labeling.pauses import site_pause


@login_required
@require_safe
def history(request: PersonRequest) -> HttpResponse:
    """Everything this person submitted; what may still be changed leads to its task."""
    page = history_queries.history_of(request.user, after=position(request.GET.get("after", "")))
    is_site_paused = site_pause() is not None
    projects = {one.assignment.task.project for one in page.submissions}
    changeable = {
        project.pk
        for project in projects
        if not (project.paused_at or is_site_paused)
        and access.roles_in(request.user, project) & set(access.LABELERS)
    }
    context = {"page": page, "changeable": changeable, "weeks": history_queries.weeks_of(request.user)}
    return render(request, "history.html", context)


def position(sent: str) -> uuid.UUID | None:
    """Where a page by keyset begins, as its address says; None for the first, and for what is no position."""
    try:
        return uuid.UUID(sent)
    except ValueError:
        return None
