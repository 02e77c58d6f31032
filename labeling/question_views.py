"""Asking the managers about a task, and reading what they answered."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions, question_queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.forms import key_of
from labeling.history_views import position


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """One's own questions about one's own task, with the answers. The task's page shows it in a dialog."""
    assignment = access.assignment_for(request.user, assignment_id)
    is_dialog = bool(request.headers.get("HX-Request"))
    body, problem = "", ""
    if request.method == "POST":
        body = request.POST.get("body", "")
        try:
            actions.ask_question(assignment=assignment, body=body, idempotency_key=key_of(request.POST))
        except DomainError as error:
            problem = error.message
        else:
            body = ""
            if not is_dialog:
                messages.success(request, _("Asked; a manager answers."))
                return redirect("question", assignment.public_id)
    context = {
        "assignment": assignment,
        "project": assignment.task.project,
        "prompt": assignment.task.prompt,
        "thread": question_queries.thread_of(assignment),
        "body": body,
        "problem": problem,
        "is_dialog": is_dialog,
        "idempotency_key": uuid.uuid4(),
    }
    template = "_question.html" if is_dialog else "question.html"
    return render(request, template, context, status=400 if problem else 200)


@login_required
@require_POST
def read_answers(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """Opens the answers and remembers that they were: they are announced no more."""
    assignment = access.assignment_for(request.user, assignment_id)
    actions.read_answers(assignment=assignment)
    return redirect("question", assignment.public_id)


@login_required
@require_safe
def questions(request: PersonRequest) -> HttpResponse:
    """Everything this person asked, in all projects; what they may still work on leads to its thread."""
    page = question_queries.questions_of(request.user, after=position(request.GET.get("after", "")))
    projects = {thread.assignment.task.project for thread in page.threads}
    reachable = {
        project.pk for project in projects if access.roles_in(request.user, project) & set(access.LABELERS)
    }
    return render(request, "questions.html", {"page": page, "reachable": reachable})
