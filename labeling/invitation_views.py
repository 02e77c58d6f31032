"""Invitations: a manager's page of them, and the page that the link of one opens."""

import uuid

from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from labeling import access, accounts, actions
from labeling.access import PersonRequest
from labeling.actions.tokens import digest_of
from labeling.errors import DomainError
from labeling.invitation_forms import InviteForm, SignUpForm
from labeling.invitation_queries import State, invitation_with, invitations_of, state_of
from labeling.models import Invitation, Membership, User


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """All of them, and the form that makes one; its link is in the answer to the form, and nowhere after."""
    project = access.managed_project(request.user, project_id)
    form = InviteForm(request.POST if request.method == "POST" else None, project=project)
    made, link = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.invite(project=project, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            link = request.build_absolute_uri(reverse("invitation", args=[made.key]))
            form = InviteForm(project=project)
    context = {
        "project": project,
        "form": form,
        "made": made,
        "link": link,
        "invitations": invitations_of(project),
    }
    return render(request, "manage/invitations.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def revoke(request: PersonRequest, invitation_id: uuid.UUID) -> HttpResponse:
    invitation = access.invitation_for(request.user, invitation_id)
    actions.revoke_invitation(invitation=invitation, actor=request.user)
    messages.success(request, _("The invitation is revoked: its link opens nothing any more."))
    return redirect("manage-invitations", invitation.project.public_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """Open to whoever has the link: they sign up, or come in with the account they are signed in with."""
    accounts.check_rate(request, "invitation")
    found = invitation_with(digest_of(key))
    if found is None:
        return render(request, "invitation_over.html", {"state": ""}, status=404)
    if request.method == "POST" and isinstance(request.user, User):
        return _accept(request, key, request.user)
    if state_of(found) != State.OPEN:
        context = {"state": state_of(found), "invitation": found}
        return render(request, "invitation_over.html", context, status=410)
    return _sign_up(request, key, found)


def _accept(request: HttpRequest, key: str, user: User) -> HttpResponse:
    project = actions.accept_invitation(key=key, user=user)
    messages.success(request, _("You are in the project now."))
    return redirect("project", project.public_id)


def _sign_up(request: HttpRequest, key: str, found: Invitation) -> HttpResponse:
    form = SignUpForm(request.POST if request.method == "POST" else None, invitation=found)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.sign_up(key=key, **form.wish())
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return perform_login(
                request, user, redirect_url=reverse("project", args=[found.project.public_id])
            )
    roles = [str(label) for role, label in Membership.Role.choices if role in found.roles]
    context = {"invitation": found, "form": form, "roles": roles}
    return render(request, "invitation.html", context, status=400 if form.errors else 200)
