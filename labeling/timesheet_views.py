"""Hours: managers' sheets of everybody, and what each person sees of themselves."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions, manager_queries, timesheet_queries
from labeling.access import PersonRequest
from labeling.csv_answers import csv_answer
from labeling.days import today_in
from labeling.errors import DomainError
from labeling.models import Project, TimesheetPeriod
from labeling.timesheet_csv import COLUMNS, rows_of
from labeling.timesheet_forms import CorrectionForm, PaidByForm, PeriodForm, RateForm, suggested_rate

MOST_PERIODS = 200
MOST_RATES = 200


@login_required
@require_safe
def my_hours(request: PersonRequest) -> HttpResponse:
    """One's own lines: the same that managers see of one."""
    return render(request, "hours.html", {"projects": timesheet_queries.hours_of(request.user)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def hours(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """The periods of a project, and what its people are paid with."""
    project = access.managed_project(request.user, project_id)
    if request.method != "POST":
        return _hours_page(request, project)
    form = PeriodForm(request.POST)
    if form.is_valid():
        try:
            period = actions.open_period(project=project, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return redirect("timesheet", period.public_id)
    return _hours_page(request, project, period_form=form)


@login_required
@require_POST
def set_paid_by(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    try:
        actions.set_paid_by(project=project, paid_by=request.POST.get("paid_by", ""), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("manage-hours", project.public_id)


@login_required
@require_POST
def set_rate(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = RateForm(request.POST, people=manager_queries.members_of(project))
    if form.is_valid():
        try:
            actions.set_rate(project=project, author=request.user, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The rate is set."))
            return redirect("manage-hours", project.public_id)
    return _hours_page(request, project, rate_form=form)


@login_required
@require_safe
def timesheet(request: PersonRequest, period_id: uuid.UUID) -> HttpResponse:
    return _sheet_page(request, access.timesheet_period_for(request.user, period_id))


@login_required
@require_safe
def timesheet_csv(request: PersonRequest, period_id: uuid.UUID) -> StreamingHttpResponse:
    """The lines of the page."""
    period = access.timesheet_period_for(request.user, period_id)
    rows = rows_of(period, timesheet_queries.lines_of(period))
    return csv_answer(f"hours-{period.begin}-{period.end}", COLUMNS, rows)


@login_required
@require_POST
def close_timesheet(request: PersonRequest, period_id: uuid.UUID) -> HttpResponse:
    period = access.timesheet_period_for(request.user, period_id)
    try:
        actions.close_period(period=period, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("Closed: these lines stay as they are."))
    return redirect("timesheet", period.public_id)


@login_required
@require_POST
def remove_timesheet(request: PersonRequest, period_id: uuid.UUID) -> HttpResponse:
    period = access.timesheet_period_for(request.user, period_id)
    try:
        actions.remove_period(period=period, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
        return redirect("timesheet", period.public_id)
    return redirect("manage-hours", period.project.public_id)


@login_required
@require_POST
def correct_timesheet(request: PersonRequest, period_id: uuid.UUID) -> HttpResponse:
    period = access.timesheet_period_for(request.user, period_id)
    form = CorrectionForm(request.POST, people=timesheet_queries.people_of(period))
    if form.is_valid():
        try:
            line = actions.correct_period(period=period, author=request.user, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("Corrected: it is paid with the period %s.") % line.period)
            return redirect("timesheet", period.public_id)
    return _sheet_page(request, period, form=form)


def _hours_page(
    request: PersonRequest,
    project: Project,
    *,
    period_form: PeriodForm | None = None,
    rate_form: RateForm | None = None,
) -> HttpResponse:
    today = today_in(project).date
    periods = list(timesheet_queries.periods_of(project)[:MOST_PERIODS])
    sheets = timesheet_queries.lines_of_all(periods)
    begin, end = timesheet_queries.suggested_days(project, today)
    members = manager_queries.members_of(project)
    context = {
        "project": project,
        "today": today,
        "periods": [(period, timesheet_queries.total_of(sheets[period])) for period in periods],
        "rates": project.rates.select_related("user", "author").order_by("-valid_from", "-pk")[:MOST_RATES],
        "form": period_form or PeriodForm(initial={"begin": begin, "end": end}),
        "paid_by": PaidByForm(initial={"paid_by": project.paid_by}),
        "rate_form": rate_form or RateForm(None, people=members, initial=suggested_rate(project, today)),
        "is_setting": rate_form is not None,
    }
    is_refused = period_form is not None or rate_form is not None
    return render(request, "manage/hours.html", context, status=400 if is_refused else 200)


def _sheet_page(
    request: PersonRequest, period: TimesheetPeriod, *, form: CorrectionForm | None = None
) -> HttpResponse:
    lines = timesheet_queries.lines_of(period)
    context: dict[str, Any] = {
        "project": period.project,
        "period": period,
        "lines": lines,
        "total": timesheet_queries.total_of(lines),
        "is_over": today_in(period.project).date > period.end,
    }
    if period.closed_at or form:
        people = timesheet_queries.people_of(period)
        context["corrections"] = timesheet_queries.corrections_of(period)
        context["form"] = form or CorrectionForm(None, people=people)
    return render(request, "manage/timesheet.html", context, status=400 if form else 200)
