"""Reviewers' pages: what waits, and one submission after the other."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from labeling import access, actions
from labeling import review_queries as queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.models import Project, Review, Submission
from labeling.review_forms import ReviewFilterForm


@login_required
@require_safe
def reviews(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    project = access.reviewed_project(request.user, project_id)
    form = _filter_form(request, project)
    page = queries.page_of_submissions(
        request.user, project, form.asked(), after=form.cleaned_data.get("after")
    )
    context = {"project": project, "form": form, "page": page, "address": _address(request)}
    return render(request, "reviews.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: PersonRequest, submission_id: uuid.UUID) -> HttpResponse:
    """One submission, to be accepted or returned; then on to the next of the same list.

    Whoever opens it is not handed its task afterwards; whoever has its task open is refused.
    """
    submission = access.submission_to_review(request.user, submission_id)
    actions.see_judgments(task=submission.assignment.task, user=request.user)
    if request.method == "POST":
        return _take(request, submission)
    newest = queries.newest_revision(submission)
    if newest.pk != submission.pk:
        return redirect(_page_of(request, newest))
    return _review_page(request, submission)


def _take(request: PersonRequest, submission: Submission) -> HttpResponse:
    sent = {name: request.POST.get(name, "") for name in ("verdict", "note", "seen")}
    try:
        made = actions.review_submission(submission=submission, reviewer=request.user, **sent)
    except DomainError as error:
        return _review_page(request, submission, note=sent["note"], error=error)
    said = {Review.Verdict.ACCEPTED: _("Accepted: %s."), Review.Verdict.RETURNED: _("Returned to %s.")}
    messages.success(request, said[Review.Verdict(made.verdict)] % submission.assignment.user)
    asked = _filter_form(request, submission.project).asked()
    following = queries.next_to_review(request.user, asked, submission)
    if following is None:
        return redirect(_with_filter(request, reverse("reviews", args=[submission.project.public_id])))
    return redirect(_page_of(request, following))


def _review_page(
    request: PersonRequest, submission: Submission, *, note: str = "", error: DomainError | None = None
) -> HttpResponse:
    asked = _filter_form(request, submission.project).asked()
    neighbours = {
        "newer": queries.newer_one(request.user, asked, submission),
        "older": queries.older_one(request.user, asked, submission),
    }
    context = {
        "project": submission.project,
        "prompt": submission.assignment.task.prompt,
        "task": submission.assignment.task,
        "reviewed": queries.reviewed(submission, get_language() or "en"),
        "note": note,
        "error": error,
        "address": _address(request),
        **{name: one and _page_of(request, one) for name, one in neighbours.items()},
    }
    return render(request, "review.html", context, status=error.status if error else 200)


def _filter_form(request: PersonRequest, project: Project) -> ReviewFilterForm:
    return ReviewFilterForm(request.GET, people=list(queries.people_of(project)))


def _address(request: PersonRequest) -> str:
    """The filter as it stands in the address, without the place in the list."""
    asked = request.GET.copy()
    asked.pop("after", None)
    return asked.urlencode()


def _with_filter(request: PersonRequest, path: str) -> str:
    address = _address(request)
    return f"{path}?{address}" if address else path


def _page_of(request: PersonRequest, submission: Submission) -> str:
    return _with_filter(request, reverse("review", args=[submission.public_id]))
