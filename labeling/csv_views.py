"""Managers' tables as files."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, StreamingHttpResponse
from django.views.decorators.http import require_safe

from labeling import access
from labeling.access import PersonRequest
from labeling.csv_answers import csv_answer
from labeling.csv_tables import TABLES


@login_required
@require_safe
def table(request: PersonRequest, project_id: uuid.UUID, name: str) -> StreamingHttpResponse:
    """A table of one of the manager's pages, all of it, by the filter in the address."""
    project = access.managed_project(request.user, project_id)
    if name not in TABLES:
        raise Http404
    asked = TABLES[name]
    return csv_answer(name, list(asked.columns), asked.lines(project, request.GET))
