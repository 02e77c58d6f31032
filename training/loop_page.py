"""The loop page: where a project stands, what starts the next step, and the retrain rule."""

import hashlib
import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labeling import access
from labeling import queries as labeling_queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.models import Project, User
from training import actions, queries
from training.access import chain_for
from training.loop_cards import calls_on_people, loop_stages
from training.models import Run
from training.queries import loop as loop_queries
from training.retrain_form import RetrainRuleForm

# The runs that the loop goes round with; others are started from the page of runs.
STAGES = (Run.Kind.SAMPLE, Run.Kind.SFT, Run.Kind.REWARD_MODEL, Run.Kind.PPO)


@login_required
@require_safe
def loop(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
    context = page_context(request.user, project)
    if not request.headers.get("HX-Request"):
        context["form"] = RetrainRuleForm(project=project, rule=context["rule"])
        return render(request, "training/loop.html", context)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=204)  # htmx leaves the page as it is
    return render(request, "training/_loop.html", context)


@login_required
@require_POST
def start_stage(request: PersonRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
    if kind not in STAGES:
        raise Http404
    try:
        if kind == Run.Kind.SAMPLE:
            actions.start_sampling(project=project, actor=request.user)
        else:
            actions.start_training(project=project, kind=kind, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("loop", project.public_id)


@login_required
@require_POST
def retrain_rule(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
    context = page_context(request.user, project)
    form = RetrainRuleForm(request.POST, project=project, rule=context["rule"])
    if form.is_valid():
        try:
            actions.set_retrain_rule(project=project, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The retrain rule is saved."))
            return redirect("loop", project.public_id)
    return render(request, "training/loop.html", context | {"form": form}, status=400)


@login_required
@require_POST
def cancel_chain(request: PersonRequest, chain_id: uuid.UUID) -> HttpResponse:
    chain = chain_for(request.user, chain_id)
    try:
        actions.cancel_chain(chain=chain, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("loop", chain.project.public_id)


def page_context(user: User, project: Project) -> dict[str, Any]:
    """What the page and its fragment show. seen: changes when any of it does, and with each minute."""
    facts = queries.loop_facts(project)
    stages = loop_stages(facts)
    chain = loop_queries.newest_chain(facts)
    steps = loop_queries.chain_steps(chain) if chain else []
    rule, rule_state = loop_queries.retrain_rule(project)
    roles = access.roles_in(user, project)
    pause = labeling_queries.site_pause()
    shown = (stages, chain and chain.status, steps, rule_state, roles, project.paused_at, pause and pause.pk)
    minute = timezone.now().strftime("%Y-%m-%d %H:%M")
    return {
        "project": project,
        "stages": stages,
        "calls": calls_on_people(stages),
        "chain": chain,
        "steps": steps,
        "rule": rule,
        "rule_state": rule_state,
        "site_pause": pause,
        "may_label": bool(roles & set(access.LABELERS)),
        "may_manage": bool(roles & set(access.MANAGERS)),
        "seen": hashlib.sha256(repr((shown, minute)).encode()).hexdigest()[:16],
    }
