"""The audit log of a project."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling import access
from labeling import audit_queries as queries
from labeling.access import PersonRequest
from labeling.audit_forms import AuditFilterForm


@login_required
@require_safe
def audit(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """Who did what and when, newest first."""
    project = access.managed_project(request.user, project_id)
    form = AuditFilterForm(request.GET, people=list(queries.actors_in(project)))
    page = queries.page_of_events(project, form.asked(), after=form.cleaned_data.get("after"))
    address = request.GET.copy()
    address.pop("after", None)
    context = {"project": project, "form": form, "page": page, "address": address.urlencode()}
    return render(request, "manage/audit.html", context)
