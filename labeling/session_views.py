"""Ending one of one's sessions; the list of them, and ending all others, is allauth's own page."""

from allauth.usersessions.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from labeling import access
from labeling.access import PersonRequest


@login_required
@require_POST
def end_session(request: PersonRequest) -> HttpResponse:
    """By its mark. The one that asks ends by signing out."""
    session = access.session_for(request.user, request.POST.get("session", ""))
    if session.session_key == request.session.session_key:
        raise Http404
    get_adapter().end_sessions([session])
    messages.success(request, _("That session is over: whoever used it has to sign in again."))
    return redirect("usersessions_list")
