"""Keeping people out: managers of their project, site admins of everything; links that reset a password."""

import logging
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from labeling import access, actions, password_reset
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.models import User
from labeling.suspension_queries import suspensions_of

logger = logging.getLogger(__name__)


class SuspensionForm(forms.Form):
    """Why, and whether what they did so far is set aside; the action judges it."""

    reason = forms.CharField(required=False)
    sets_aside = forms.BooleanField(required=False)

    def wish(self) -> dict[str, Any]:
        self.full_clean()
        sent = self.cleaned_data
        return {"reason": sent.get("reason", ""), "sets_aside": sent.get("sets_aside", False)}


@login_required
@require_POST
def suspend_member(request: PersonRequest, project_id: uuid.UUID, user_id: uuid.UUID) -> HttpResponse:
    project = access.managed_project(request.user, project_id)
    member = access.member_for(project, user_id)
    try:
        wish = SuspensionForm(request.POST).wish()
        actions.suspend_member(project=project, user=member, actor=request.user, **wish)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%s is suspended. What they had open went back.") % member)
    return redirect("manage-people", project.public_id)


@login_required
@require_POST
def lift_suspension(request: PersonRequest, suspension_id: uuid.UUID) -> HttpResponse:
    suspension = access.suspension_for(request.user, suspension_id)
    actions.lift_suspension(suspension=suspension, actor=request.user)
    messages.success(request, _("%s is not suspended any more.") % suspension.user)
    if suspension.project is None:
        return redirect("account", suspension.user.public_id)
    return redirect("manage-people", suspension.project.public_id)


@login_required
@require_safe
def account(request: PersonRequest, user_id: uuid.UUID) -> HttpResponse:
    return _account_page(request, access.account_for(request.user, user_id))


@login_required
@require_POST
def suspend_account(request: PersonRequest, user_id: uuid.UUID) -> HttpResponse:
    person = access.account_for(request.user, user_id)
    try:
        wish = SuspensionForm(request.POST).wish()
        actions.suspend_account(user=person, actor=request.user, **wish)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The account of %s is suspended, and its sessions are over.") % person)
    return redirect("account", person.public_id)


@login_required
@never_cache
@require_POST
def reset_link(request: PersonRequest, user_id: uuid.UUID) -> HttpResponse:
    """The link is in the answer, and nowhere after; it works once, for some days."""
    person = access.account_for(request.user, user_id)
    path = password_reset.path_for(person)
    logger.info("%s made a link that resets the password of %s", request.user.public_id, person.public_id)
    return _account_page(request, person, link=request.build_absolute_uri(path))


def _account_page(request: PersonRequest, person: User, *, link: str = "") -> HttpResponse:
    context = {
        "person": person,
        "link": link,
        "suspensions": suspensions_of(person),
        "memberships": person.memberships.select_related("project").order_by("project__name", "role"),
    }
    return render(request, "manage/account.html", context)
