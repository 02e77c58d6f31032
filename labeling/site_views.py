"""Site admins' page on which work is paused in every project at once."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from labeling import access, actions, pauses
from labeling.access import PersonRequest
from labeling.errors import DomainError

MOST_PAUSES = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pause_site(request: PersonRequest) -> HttpResponse:
    access.check_runs_site(request.user)
    problem = None
    if request.method == "POST":
        try:
            actions.pause_site(reason=request.POST.get("reason", ""), actor=request.user)
        except DomainError as error:
            problem = error
        else:
            return redirect("pause-site")
    context = {
        "site_pause": pauses.site_pause(),
        "pauses": pauses.pauses_of(None)[:MOST_PAUSES],
        "problem": problem,
    }
    return render(request, "pause_site.html", context, status=problem.status if problem else 200)


@login_required
@require_POST
def resume_site(request: PersonRequest) -> HttpResponse:
    access.check_runs_site(request.user)
    actions.resume_site(actor=request.user)
    return redirect("pause-site")
