"""Notices: managers write those of a project, site admins those to all; whoever has read one puts it away."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from labeling import access, actions, announcement_queries
from labeling.access import PersonRequest
from labeling.announcement_forms import AnnouncementForm
from labeling.days import today_in
from labeling.errors import DomainError
from labeling.models import Project


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def of_project(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    return _list_page(request, access.managed_project(request.user, project_id))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def of_site(request: PersonRequest) -> HttpResponse:
    access.check_announces_to_all(request.user)
    return _list_page(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def announcement(request: PersonRequest, announcement_id: uuid.UUID) -> HttpResponse:
    """One notice, to be changed."""
    announcement = access.announcement_for(request.user, announcement_id)
    form = AnnouncementForm.of(announcement, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_announcement(
                announcement=announcement,
                actor=request.user,
                show_again="show_again" in request.POST,
                **form.wish(),
            )
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The notice is changed."))
            return _to_list(announcement.project)
    context = {
        "project": announcement.project,
        "announcement": announcement,
        "form": form,
        "now": timezone.now(),
    }
    return render(request, "manage/announcement.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def end_announcement(request: PersonRequest, announcement_id: uuid.UUID) -> HttpResponse:
    announcement = access.announcement_for(request.user, announcement_id)
    actions.end_announcement(announcement=announcement, actor=request.user)
    return _to_list(announcement.project)


@login_required
@require_POST
def dismiss_announcement(request: PersonRequest, announcement_id: uuid.UUID) -> HttpResponse:
    """Back to the page on which it stood: that of the project that the form names, or the first one."""
    announcement = access.announcement_to_read(request.user, announcement_id)
    actions.dismiss_announcement(announcement=announcement, user=request.user)
    try:
        came_from = uuid.UUID(request.POST.get("project", ""))
    except ValueError:
        return redirect("home")
    return redirect("project", came_from)


def _list_page(request: PersonRequest, project: Project | None) -> HttpResponse:
    """All that were written, and a form for a new one."""
    today = today_in(project).date if project else timezone.now().date()
    sent = request.POST if request.method == "POST" else None
    form = AnnouncementForm(sent, project=project, initial={"first_day": today})
    if request.method == "POST" and form.is_valid():
        try:
            actions.announce(project=project, author=request.user, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The notice is written."))
            return _to_list(project)
    context = {
        "project": project,
        "form": form,
        "announcements": announcement_queries.announcements_of(project),
        "now": timezone.now(),
    }
    return render(request, "manage/announcements.html", context, status=400 if form.errors else 200)


def _to_list(project: Project | None) -> HttpResponse:
    if project is None:
        return redirect("site-announcements")
    return redirect("manage-announcements", project.public_id)
