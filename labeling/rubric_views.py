"""The page on which a manager builds the rubric, and old versions of it."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from labeling import access, actions, rubric_forms, rubric_queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.ranking_page import asked
from labeling.rubrics.questions import KINDS, SCOPES


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rubric(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """The form. Each of its buttons sends all of it here; only "publish" keeps anything."""
    project = access.managed_project(request.user, project_id)
    newest = rubric_queries.newest_rubric(project)
    questions, error = list(newest.asked) if newest else [], None
    if request.method == "POST":
        button = request.POST.get("do", "")
        questions = rubric_forms.changed(rubric_forms.read_rubric(request.POST, project.languages), button)
        if button == "publish":
            try:
                version = actions.publish_rubric(project=project, questions=questions, author=request.user)
            except DomainError as refusal:
                error = refusal
            else:
                words = _("Version %(number)s is what people are asked now.")
                messages.success(request, words % {"number": version.number})
                return redirect("manage-rubric", project.public_id)
    context = {
        "project": project,
        "newest": newest,
        "rows": rubric_forms.rows_of(questions, project.languages, error.fields if error else {}),
        "error": error,
        "of_prompt": asked(questions, None),
        "of_outputs": asked(questions, 1),
        "kinds": KINDS,
        "scopes": SCOPES,
        "versions": rubric_queries.versions_of_rubric(project)[:100],
    }
    return render(request, "manage/rubric.html", context, status=400 if error else 200)


@login_required
@require_safe
def rubric_version(request: PersonRequest, version_id: uuid.UUID) -> HttpResponse:
    version = access.rubric_version_for(request.user, version_id)
    context = {
        "project": version.project,
        "version": version,
        "of_prompt": asked(version.asked, None),
        "of_outputs": asked(version.asked, 1),
    }
    return render(request, "manage/rubric_version.html", context)
