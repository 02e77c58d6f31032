"""The manager's overview: of one project, and of several beside each other."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling import access
from labeling import overview_queries as queries
from labeling.access import PersonRequest
from labeling.agreement_queries import agreement_in
from labeling.attention import attention_for
from labeling.cost import cost_of
from labeling.days import today_in
from labeling.forecast import forecast
from labeling.glance_queries import glance_at
from labeling.launch_queries import checklist_of, newest_plan
from labeling.people_queries import work_of_each

MOST_DAYS = 60  # in the charts


@login_required
@require_safe
def overview(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    stages = queries.stages_of([project])[project.pk]
    total = queries.total_of(stages)
    days = queries.days_of([project])[project.pk]
    measured = agreement_in([project])[project.pk]
    people = work_of_each(project, measured)
    today = today_in(project).date
    done = queries.sum_of(days)
    context = {
        "project": project,
        "today": today,
        "stages": stages,
        "languages": queries.by_language(stages),
        "total": total,
        "days": queries.last_days(days, until=today, most=MOST_DAYS),
        "done": done,
        "cost": cost_of(project, seconds=done.seconds, judgments=done.timed),
        "forecast": forecast(total.left, [(day.date, day.collected) for day in days], today=today),
        "measured": measured,
        "attention": attention_for(request.user, project, stages, people, measured),
        "work": queries.work_of_people(project),
        "checklist": checklist_of(project),
        "plan": newest_plan(project),
    }
    return render(request, "manage/overview.html", context)


@login_required
@require_safe
def all_projects(request: PersonRequest) -> HttpResponse:
    """The projects that this person manages, beside each other; as many queries for ten as for one."""
    if not access.may_create_projects(request.user):
        raise Http404
    context = {"rows": glance_at(request.user, list(access.projects_managed_by(request.user)))}
    return render(request, "manage/all_projects.html", context)
