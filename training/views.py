"""Engineers' pages: runs, models, snapshots."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access
from labeling.errors import DomainError
from labeling.models import Project, User
from training import actions, forms, queries
from training.access import run_for, version_for
from training.engine.config_presets import PRESETS
from training.models import Run, Snapshot

PER_PAGE = 50
PROMOTIONS_SHOWN = 10


@login_required
@require_safe
def runs(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    page = Paginator(queries.runs_of(project), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "page": page,
        "kinds": Run.Kind.values,
        "is_moving": any(not run.is_over for run in page),
    }
    template = "training/_runs_table.html" if request.headers.get("HX-Request") else "training/runs.html"
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def start_run(request: HttpRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = project_of(request, project_id)
    if kind not in Run.Kind.values:
        raise Http404
    preset = PRESETS.get(request.GET.get("preset", "starter"))
    if preset is None:
        raise Http404
    source = cloned_run(request, project, kind)
    form = forms.RunForm(request.POST or None, kind=kind, project=project, preset=preset, source=source)
    if request.method == "POST" and form.is_valid():
        try:
            run = actions.start_run(project=project, kind=kind, actor=signed_in(request), **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return redirect("run", run.public_id)
    context = {"project": project, "kind": Run.Kind(kind), "form": form, "source": source}
    context |= {"preset": preset, "presets": PRESETS.values()}
    return render(request, "training/start_run.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def run(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    run = run_for(signed_in(request), run_id)
    context: dict[str, Any] = {
        "run": run,
        "project": run.project,
        "pace": queries.pace_of(run),
        "tasks": queries.opened_tasks(run) if run.kind == Run.Kind.SAMPLE else None,
        "record_version": queries.record_version(run),
    }
    if request.headers.get("HX-Request") and request.GET.get("seen") == context["record_version"]:
        return render(request, "training/_run_state.html", context)
    context["texts"] = queries.sampled_texts(run)
    context["log"] = queries.log_tail(run)
    context["attempts"] = run.attempts.all()
    context["said"] = queries.messages_of(run)
    if request.headers.get("HX-Request"):
        return render(request, "training/_run_live.html", context)
    context["inputs"] = run.inputs.select_related("model_version__run")
    context["curves"] = queries.curves_of(run)
    context["scored"] = queries.scored_outputs(run) if run.kind == Run.Kind.SCORE else []
    return render(request, "training/run.html", context)


@login_required
@require_safe
def run_metrics(request: HttpRequest, run_id: uuid.UUID) -> JsonResponse:
    run = run_for(signed_in(request), run_id)
    return curves_as_json(queries.curves_of(run), is_over=run.is_over)


@login_required
@require_safe
def run_log(request: HttpRequest, run_id: uuid.UUID) -> FileResponse:
    run = run_for(signed_in(request), run_id)
    try:
        log = (run.directory / "log.txt").open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(log, content_type="text/plain; charset=utf-8")


@login_required
@require_POST
def cancel_run(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    run = run_for(signed_in(request), run_id)
    try:
        actions.cancel_run(run=run, actor=signed_in(request))
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("run", run.public_id)


@login_required
@require_safe
def models(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    context = {
        "project": project,
        "page": Paginator(queries.models_of(project), PER_PAGE).get_page(request.GET.get("page")),
        "promoted": queries.promoted_version(project),
        "has_own": queries.has_own_models(project),
        "bases": queries.shared_bases(),
        "former": queries.former_policy(project),
        "rows": queries.history(list(queries.promotions_of(project)[:PROMOTIONS_SHOWN])),
    }
    return render(request, "training/models.html", context)


@login_required
@require_POST
def adopt_base(request: HttpRequest, project_id: uuid.UUID, base_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    base = get_object_or_404(queries.shared_bases(), public_id=base_id)
    try:
        run = actions.adopt_base(project=project, base=base, user=signed_in(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("models", project.public_id)
    return redirect("run", run.public_id)


@login_required
@require_POST
def promote_model(request: HttpRequest, version_id: uuid.UUID) -> HttpResponse:
    version = version_for(signed_in(request), version_id)
    assert version.project is not None
    note = request.POST.get("note", "")
    try:
        run = actions.promote_model(
            project=version.project, version=version, user=signed_in(request), note=note
        )
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("models", version.project.public_id)
    messages.success(
        request, _("%s is promoted. Its outputs are being sampled for the next round.") % version
    )
    return redirect("run", run.public_id)


@login_required
@require_safe
def snapshots(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    page = Paginator(queries.snapshots_of(project), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "page": page,
        "is_moving": any(s.status == s.Status.BUILDING for s in page),
    }
    template = (
        "training/_snapshots_table.html" if request.headers.get("HX-Request") else "training/snapshots.html"
    )
    return render(request, template, context)


@login_required
@require_POST
def take_snapshot(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    try:
        wanted = {"contents": [Snapshot.Content.COMPLETIONS]} if "completions" in request.POST else {}
        actions.take_snapshot(project=project, user=signed_in(request), **wanted)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("snapshots", project.public_id)


def cloned_run(request: HttpRequest, project: Project, kind: str) -> Run | None:
    """The run that a start form is filled in from: of this project and kind, or 404."""
    if "from" not in request.GET:
        return None
    try:
        run = run_for(signed_in(request), uuid.UUID(request.GET["from"]))
    except ValueError as error:
        raise Http404 from error
    if run.project != project or run.kind != kind:
        raise Http404
    return run


def curves_as_json(curves: Sequence[queries.Curve], *, is_over: bool) -> JsonResponse:
    """What training.js draws."""
    drawn = [
        {
            "measure": curve.measure,
            "title": curve.title,
            "unit": curve.unit,
            "lines": [{"name": line.name, "points": line.points} for line in curve.lines],
        }
        for curve in curves
    ]
    return JsonResponse({"is_over": is_over, "curves": drawn})


def project_of(request: HttpRequest, public_id: uuid.UUID) -> Project:
    return access.project_for(signed_in(request), public_id, roles=access.ENGINEERS)


def signed_in(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user
