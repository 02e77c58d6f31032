"""Engineers' pages about runs, beyond starting and watching one: trying again, laying over each other."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labeling.errors import DomainError
from labeling.models import Project
from training import actions, queries
from training.access import run_for
from training.models import Run
from training.views import curves_as_json, project_of, signed_in


@login_required
@require_POST
def retry_run(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    run = run_for(signed_in(request), run_id)
    try:
        actions.retry_run(run=run, actor=signed_in(request))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("run", run.public_id)


@login_required
@require_safe
def compare_runs(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    chosen = chosen_runs(request, project)
    kind = chosen[0].kind if chosen else request.GET.get("kind") or queries.most_comparable_kind(project)
    if kind not in Run.Kind.values:
        raise Http404
    problem = _problem(chosen)
    compared = [] if problem or len(chosen) < queries.FEWEST_RUNS else chosen
    context = {
        "project": project,
        "kind": Run.Kind(kind),
        "kinds": Run.Kind,
        "chosen": chosen,
        "compared": compared,
        "offered": {run.pk: run for run in [*chosen, *queries.comparable_runs(project, kind)]}.values(),
        "problem": problem,
        "curves": queries.curves_over_each_other(compared),
        "differences": queries.differences(compared),
        "most": queries.MOST_RUNS,
    }
    return render(request, "training/compare_runs.html", context, status=400 if problem else 200)


@login_required
@require_safe
def compare_metrics(request: HttpRequest, project_id: uuid.UUID) -> JsonResponse:
    chosen = chosen_runs(request, project_of(request, project_id))
    if problem := _problem(chosen):
        raise DomainError("unfit_choice", problem)
    return curves_as_json(queries.curves_over_each_other(chosen), is_over=all(run.is_over for run in chosen))


def chosen_runs(request: HttpRequest, project: Project) -> list[Run]:
    """The runs that the address names, in its order, each once; 404 for one that is not the project's."""
    try:
        wanted = list(dict.fromkeys(uuid.UUID(value) for value in request.GET.getlist("run")))
    except ValueError as error:
        raise Http404 from error
    found = {run.public_id: run for run in queries.runs_named(project, wanted)}
    if len(found) < len(wanted):
        raise Http404
    return [found[public_id] for public_id in wanted]


def _problem(chosen: list[Run]) -> str:
    """What keeps these runs from being laid over each other; empty: nothing does."""
    if len({run.kind for run in chosen}) > 1:
        return _("Choose runs of one kind: others measure other things.")
    if len(chosen) > queries.MOST_RUNS:
        return _("Choose at most %s runs: more lines cannot be told apart.") % queries.MOST_RUNS
    return ""
