"""Managers' pages with which a project begins: from a template or a copy, its plan, its pilot."""

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions, launch_queries, pilot_queries, plan_page
from labeling.access import PersonRequest
from labeling.days import today_in
from labeling.errors import DomainError
from labeling.launch_forms import CopyForm, PilotForm, PlanForm
from labeling.manager_forms import ProjectForm
from labeling.models import Project, Task
from labeling.project_templates import TEMPLATES, ProjectTemplate


@dataclass(frozen=True)
class _Beginning:
    """What a new project begins with: a template, another project, or neither."""

    template: ProjectTemplate | None = None
    source: Project | None = None

    def project(self) -> Project:
        """Not saved: what the form shows first."""
        if self.source is not None:
            return Project(**actions.settings_of(self.source) | {"name": ""})
        return Project(**self.template.settings, languages=["en", "zh"]) if self.template else Project()


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create_project(request: PersonRequest) -> HttpResponse:
    if not access.may_create_projects(request.user):
        raise Http404
    beginning = _beginning_of(request)
    sent = request.POST if request.method == "POST" else None
    form, copy = ProjectForm.of(beginning.project(), sent), CopyForm(sent)
    if request.method == "POST" and form.is_valid() and copy.is_valid():
        try:
            project = _create(request, beginning, form, copy)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return _to_the_next_step(request, beginning, project)
    context = {
        "form": form,
        "copy": copy,
        "beginning": beginning,
        "templates": TEMPLATES.values(),
        "managed": access.projects_managed_by(request.user),
    }
    return render(request, "manage/create_project.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def plan(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """What it takes by the numbers in the address, or by those that the project has."""
    project = access.managed_project(request.user, project_id)
    return _plan_page(request, _plan_form(project, request.GET if "prompts" in request.GET else None))


@login_required
@require_POST
def apply_plan(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = _plan_form(project, request.POST)
    if form.is_valid():
        try:
            actions.apply_plan(
                project=project, actor=request.user, workload=form.workload(), currency=form.chosen_currency()
            )
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The plan is applied: tasks that are opened now follow it."))
            if launch_queries.has_open_rankings(project):
                message = _(
                    "Tasks that were open before keep their overlap until you apply it to them: Settings."
                )
                messages.warning(request, message)
            return redirect("manage-plan", project.public_id)
    return _plan_page(request, form, status=400)


@login_required
@require_safe
def pilot(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    return _pilot_page(request, project, PilotForm())


@login_required
@require_POST
def start_pilot(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = PilotForm(request.POST)
    if form.is_valid():
        try:
            actions.start_pilot(project=project, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
    if form.errors:
        return _pilot_page(request, project, form, status=400)
    return redirect("manage-pilot", project.public_id)


@login_required
@require_POST
def end_pilot(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    newest = pilot_queries.newest_pilot(project)
    if newest is not None:
        actions.end_pilot(pilot=newest, actor=request.user)
        messages.success(request, _("The pilot is over. What is open of it stays open."))
    return redirect("manage-pilot", project.public_id)


@login_required
@require_POST
def open_the_rest(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """Go."""
    project = access.managed_project(request.user, project_id)
    newest = pilot_queries.newest_pilot(project)
    if newest is None:
        messages.warning(request, _("There has been no pilot yet."))
        return redirect("manage-pilot", project.public_id)
    opening = actions.open_the_rest(pilot=newest, actor=request.user)
    if opening is None:
        messages.success(request, _("The pilot is over, and every prompt that can have a task has one."))
        return redirect("manage-pilot", project.public_id)
    return redirect("opening", opening.public_id)


def _beginning_of(request: PersonRequest) -> _Beginning:
    """As the address says; a project that the user does not manage is none that can be copied."""
    if copied := request.GET.get("copy"):
        try:
            public_id = uuid.UUID(copied)
        except ValueError as error:
            raise Http404 from error
        return _Beginning(source=access.managed_project(request.user, public_id))
    return _Beginning(template=TEMPLATES.get(request.GET.get("template", "")))


def _create(request: PersonRequest, beginning: _Beginning, form: ProjectForm, copy: CopyForm) -> Project:
    wish = form.wish()
    if beginning.source is not None:
        return actions.copy_project(
            source=beginning.source, creator=request.user, **copy.cleaned_data, **wish
        )
    if beginning.template is not None:
        return actions.create_project_from_template(
            template=beginning.template.key, creator=request.user, **wish
        )
    return actions.create_project(creator=request.user, **wish)


def _to_the_next_step(request: PersonRequest, beginning: _Beginning, project: Project) -> HttpResponse:
    if beginning == _Beginning():
        messages.success(request, _("The project is there. Write its guidelines next, then import prompts."))
        return redirect("manage-guidelines", project.public_id)
    messages.success(request, _("The project is there. Below is what it still needs."))
    return redirect("manage", project.public_id)


def _plan_form(project: Project, sent: QueryDict | None) -> PlanForm:
    return PlanForm(sent, project=project, usual=launch_queries.usual_workload(project))


def _plan_page(request: PersonRequest, form: PlanForm, *, status: int = 200) -> HttpResponse:
    is_fragment = bool(request.headers.get("HX-Request"))
    context = {
        "project": form.project,
        "form": form,
        "usual": form.usual,
        "currency": form.chosen_currency(),
        "is_fragment": is_fragment,
    }
    if not form.errors:
        workload, today = form.workload(), today_in(form.project).date
        context |= {
            "shown": plan_page.shown(workload, today),
            "others": plan_page.others(workload, today, form.chosen_currency()),
            "fields": plan_page.fields_of(workload, form.chosen_currency()),
        }
    return render(
        request, "manage/_forecast.html" if is_fragment else "manage/plan.html", context, status=status
    )


def _pilot_page(
    request: PersonRequest, project: Project, form: PilotForm, *, status: int = 200
) -> HttpResponse:
    newest = pilot_queries.newest_pilot(project)
    is_under_way = newest is not None and newest.ended_at is None
    context = {
        "project": project,
        "form": form,
        "pilot": newest,
        "is_under_way": is_under_way,
        "is_rest_closed": newest is not None and not pilot_queries.is_rest_opened(newest),
        "figures": pilot_queries.figures_of(newest) if newest is not None else None,
        "ready": [] if is_under_way else pilot_queries.readiness_of(project),
        "kinds": Task.Kind.choices,
    }
    return render(request, "manage/pilot.html", context, status=status)
