"""Engineers' pages about model versions: one version, promotions and rollbacks, trying two on a prompt."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling.errors import DomainError
from training import actions, queries
from training.access import trial_for, version_for
from training.trial_form import TrialForm
from training.views import PER_PAGE, project_of, signed_in

CHILDREN_SHOWN = 50


@login_required
@require_safe
def model(request: HttpRequest, version_id: uuid.UUID) -> HttpResponse:
    version = version_for(signed_in(request), version_id)
    assert version.project is not None
    promotions = queries.promotions_of(version.project)
    context = {
        "version": version,
        "project": version.project,
        "promoted": queries.promoted_version(version.project),
        "former": queries.former_policy(version.project),
        "inputs": version.run.inputs.select_related("model_version") if version.run else [],
        "children": queries.children_of(version)[:CHILDREN_SHOWN],
        "lineage": queries.lineage_of(version),
        "sampled": version.samples.count(),
        "rows": queries.history(list(queries.about(promotions, version))),
    }
    return render(request, "training/model.html", context)


@login_required
@require_POST
def roll_back_model(request: HttpRequest, version_id: uuid.UUID) -> HttpResponse:
    version = version_for(signed_in(request), version_id)
    assert version.project is not None
    try:
        run = actions.roll_back(
            project=version.project,
            version=version,
            user=signed_in(request),
            note=request.POST.get("note", ""),
        )
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("models", version.project.public_id)
    messages.success(request, _("Rolled back: %s is promoted again and is being sampled.") % version)
    return redirect("run", run.public_id)


@login_required
@require_safe
def promotions(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    page = Paginator(queries.promotions_of(project), PER_PAGE).get_page(request.GET.get("page"))
    context = {"project": project, "page": page, "rows": queries.history(list(page))}
    return render(request, "training/promotions.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def try_models(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    form = TrialForm(request.POST or None, project=project, first=request.GET.get("first", ""))
    if request.method == "POST" and form.is_valid():
        try:
            trial = actions.try_models(project=project, user=signed_in(request), **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return redirect("trial", trial.public_id)
    context = {"project": project, "form": form, "trials": queries.trials_of(project)}
    return render(request, "training/try_models.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def trial(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    trial = trial_for(signed_in(request), trial_id)
    answers = list(trial.answers.select_related("run", "model_version"))
    context = {
        "trial": trial,
        "project": trial.project,
        "prompt": {"messages": trial.messages, "language": ""},
        "answers": answers,
        "is_over": all(answer.run.is_over for answer in answers),
    }
    template = "training/_trial_answers.html" if request.headers.get("HX-Request") else "training/trial.html"
    return render(request, template, context)


@login_required
@require_POST
def cancel_trial(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    trial = trial_for(signed_in(request), trial_id)
    actions.cancel_trial(trial=trial, actor=signed_in(request))
    return redirect("trial", trial.public_id)
