"""Managers' pages: settings, guidelines, people, tasks."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions, people_queries
from labeling import manager_queries as queries
from labeling.access import PersonRequest
from labeling.actions.changes import changes_of
from labeling.errors import Conflict, DomainError
from labeling.known_queries import with_standing
from labeling.manager_forms import MarksForm, ProjectForm, RolesForm, TaskFilterForm
from labeling.models import BulkChange, Membership, Project, Task, Topic, User
from labeling.settings_page import settings_page
from labeling.suspension_queries import suspensions_in


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = ProjectForm.of(project, _sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_project(project=project, actor=request.user, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The settings are saved."))
            return redirect("manage-settings", project.public_id)
    return settings_page(request, project, form=form)


@login_required
@require_POST
def pause(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    try:
        actions.pause_project(project=project, reason=request.POST.get("reason", ""), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("manage-settings", project.public_id)


@login_required
@require_POST
def resume(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    actions.resume_project(project=project, actor=request.user)
    messages.success(request, _("The project goes on: tasks are handed out again."))
    return redirect("manage-settings", project.public_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def guidelines(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """The editor. The button "Preview" sends the text here too, and publishes nothing."""
    project = access.managed_project(request.user, project_id)
    asked = request.POST if request.method == "POST" else request.GET
    language = _language_of(project, asked.get("language", ""))
    newest = queries.newest_guidelines(project, language)
    body, problem = request.POST.get("body", newest.body if newest else ""), ""
    if request.method == "POST" and "preview" not in request.POST:
        try:
            version = actions.publish_guidelines(
                project=project, language=language, body=body, author=request.user
            )
        except DomainError as error:
            problem = error.message
        else:
            messages.success(
                request, _("Version %(number)s is what people see now.") % {"number": version.number}
            )
            return redirect(f"{request.path}?language={language}")
    context = {
        "project": project,
        "language": language,
        "newest": newest,
        "body": body,
        "problem": problem,
        "is_preview": request.method == "POST" and not problem,
        "versions": queries.versions_of_guidelines(project)[:100],
    }
    is_fragment = request.headers.get("HX-Request") and context["is_preview"]
    template = "manage/_preview.html" if is_fragment else "manage/guidelines.html"
    return render(request, template, context, status=400 if problem else 200)


@login_required
@require_safe
def guideline_version(request: PersonRequest, version_id: uuid.UUID) -> HttpResponse:
    version = access.guideline_version_for(request.user, version_id)
    context = {"project": version.project, "version": version}
    return render(request, "manage/guideline_version.html", context)


@login_required
@require_safe
def people(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """Everybody's roles, and who is suspended."""
    project = access.managed_project(request.user, project_id)
    context = {
        "project": project,
        "members": with_standing(project, queries.members_of(project)),
        "suspensions": suspensions_in(project),
        "roles": Membership.Role.choices,
        "groups": Membership.Group.choices,
        **people_queries.table_of(project, sort=request.GET.get("sort", "")),
    }
    return render(request, "manage/people.html", context)


@login_required
@require_POST
def roles(request: PersonRequest, project_id: uuid.UUID, user_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    member = access.member_for(project, user_id)
    form = RolesForm(request.POST, project=project)
    if not form.is_valid():
        messages.error(request, _("There is no such role, group or language; nothing was changed."))
    else:
        _give_roles(request, project, member, **form.cleaned_data)
    still_manages = Membership.Role.MANAGER in access.roles_in(request.user, project)
    return redirect("manage-people", project.public_id) if still_manages else redirect("home")


@login_required
@require_safe
def tasks(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    form = TaskFilterForm(request.GET, project=project)
    page = queries.page_of_tasks(project, form.asked(), after=form.cleaned_data.get("after"))
    address = request.GET.copy()
    address.pop("after", None)
    context = {
        "project": project,
        "form": form,
        "page": page,
        "address": address.urlencode(),
        "changes": changes_of(BulkChange.Target.TASKS),
    }
    return render(request, "manage/tasks.html", context)


@login_required
@require_safe
def task(request: PersonRequest, task_id: uuid.UUID) -> HttpResponse:
    task = access.task_for(request.user, task_id)
    judgments, is_open_for_you = _judgments_to_see(request.user, task)
    context = {
        "project": task.project,
        "task": task,
        "prompt": task.prompt,
        "outputs": queries.outputs_of(task),
        "seats": queries.seats_of(task),
        "history": queries.history_of(task),
        "judgments": judgments,
        "is_open_for_you": is_open_for_you,
        "topics": Topic.choices,
    }
    return render(request, "manage/task.html", context)


@login_required
@require_POST
def mark_task(request: PersonRequest, task_id: uuid.UUID) -> HttpResponse:
    """Which sensitive topics its prompt is about, and which of its outputs are sensitive."""
    task = access.task_for(request.user, task_id)
    form = MarksForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("There is no such topic or output; nothing was changed."))
    else:
        actions.mark_prompt(prompt=task.prompt, topics=form.cleaned_data["topics"], actor=request.user)
        actions.mark_outputs(task=task, slots=form.cleaned_data["outputs"])
        messages.success(request, _("It is marked."))
    return redirect("manage-task", task.public_id)


@login_required
@require_POST
def withdraw_task(request: PersonRequest, task_id: uuid.UUID) -> HttpResponse:
    task = access.task_for(request.user, task_id)
    try:
        actions.withdraw_task(task=task, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    return redirect("manage-task", task.public_id)


@login_required
@require_POST
def reopen_task(request: PersonRequest, task_id: uuid.UUID) -> HttpResponse:
    task = access.task_for(request.user, task_id)
    try:
        reopened = actions.reopen_task(task=task, actor=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        if reopened.status == Task.Status.COMPLETE:
            messages.success(request, _("It has its submissions by now: the task is complete."))
    return redirect("manage-task", task.public_id)


def _judgments_to_see(user: User, task: Task) -> tuple[list[queries.Judgment], bool]:
    """None while they have the task open themselves; once they have seen others' they are not handed it."""
    judgments = queries.judgments_of(task, get_language() or "en")
    if task.reference_places or any(one.submission.assignment.user_id != user.pk for one in judgments):
        try:
            actions.see_judgments(task=task, user=user)
        except Conflict:
            return [], True
    return judgments, False


def _give_roles(
    request: PersonRequest, project: Project, member: User, roles: list[str], group: str, languages: list[str]
) -> None:
    try:
        whose: dict[str, Any] = {"project": project, "user": member, "actor": request.user}
        actions.give_roles(roles=roles, **whose)
        if group:
            actions.set_group(group=group, **whose)
        actions.set_languages(languages=languages, **whose)
    except DomainError as error:
        messages.error(request, error.message)
        return
    texts: dict[bool, Any] = {
        True: _("%s has these roles now."),
        False: _("%s is not in the project any more. What they submitted stays."),
    }
    messages.success(request, texts[bool(roles)] % member)


def _sent(request: PersonRequest) -> QueryDict | None:
    """What a form was sent with, be it nothing; None when it was not sent."""
    return request.POST if request.method == "POST" else None


def _language_of(project: Project, asked: str) -> str:
    return asked if asked in project.languages else project.languages[0]
