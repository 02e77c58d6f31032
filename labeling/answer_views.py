"""Managers' pages of questions and of the FAQ."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labeling import access, actions, queries, question_queries
from labeling.access import PersonRequest
from labeling.errors import DomainError
from labeling.forms import key_of, whole
from labeling.history_views import position
from labeling.manager_forms import FaqForm
from labeling.models import FaqEntry, Task, Thread

MOST_OPEN = 100


@login_required
@require_safe
def asked(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """What waits for an answer, the oldest first; below what is closed, the newest first."""
    project = access.managed_project(request.user, project_id)
    after = position(request.GET.get("after", ""))
    context = {
        "project": project,
        "open": [] if after else question_queries.open_threads(project)[:MOST_OPEN],
        "page": question_queries.closed_threads(project, after=after),
    }
    return render(request, "manage/questions.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: PersonRequest, thread_id: uuid.UUID) -> HttpResponse:
    """A question with its task. A refused answer comes back as it was written."""
    thread = access.thread_for(request.user, thread_id)
    if request.method != "POST":
        return _thread_page(request, thread)
    try:
        actions.answer_question(
            thread=thread,
            author=request.user,
            body=request.POST.get("body", ""),
            idempotency_key=key_of(request.POST),
            seen=whole(request.POST.get("seen", "")) or 0,
        )
    except DomainError as error:
        return _thread_page(request, thread, error=error)
    messages.success(request, _("Answered and closed: whoever asked sees it on their first page."))
    return redirect("answer-question", thread.public_id)


@login_required
@require_POST
def close(request: PersonRequest, thread_id: uuid.UUID) -> HttpResponse:
    thread = access.thread_for(request.user, thread_id)
    seen = whole(request.POST.get("seen", "")) or 0
    try:
        actions.close_question(thread=thread, actor=request.user, seen=seen)
    except DomainError as error:
        return _thread_page(request, thread, error=error)
    return redirect("manage-questions", thread.assignment.task.project.public_id)


@login_required
@require_POST
def publish(request: PersonRequest, thread_id: uuid.UUID) -> HttpResponse:
    """The question and its answer, as the manager has worded them, into the FAQ."""
    thread = access.thread_for(request.user, thread_id)
    project = thread.assignment.task.project
    form = FaqForm(request.POST, project=project)
    if form.is_valid():
        try:
            actions.publish_faq_entry(
                project=project, author=request.user, thread=thread, **form.cleaned_data
            )
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("Published below the guidelines."))
            return redirect("answer-question", thread.public_id)
    return _thread_page(request, thread, form=form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def faq(request: PersonRequest, project_id: uuid.UUID) -> HttpResponse:
    """All entries in force, and a form for one that nobody had to ask for."""
    project = access.managed_project(request.user, project_id)
    form = FaqForm(request.POST if request.method == "POST" else None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            actions.publish_faq_entry(project=project, author=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("Published below the guidelines."))
            return redirect("manage-faq", project.public_id)
    context = {"project": project, "form": form, "entries": question_queries.faq_in_all_languages(project)}
    return render(request, "manage/faq.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def faq_entry(request: PersonRequest, entry_id: uuid.UUID) -> HttpResponse:
    """One entry, to be changed; a retired one only to be read."""
    entry = access.faq_entry_for(request.user, entry_id)
    form = FaqForm.of(entry, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_faq_entry(entry=entry, author=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The new text is what people see now."))
            return redirect("manage-faq", entry.project.public_id)
    context = {"project": entry.project, "entry": entry, "form": form}
    return render(request, "manage/faq_entry.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def retire_faq_entry(request: PersonRequest, entry_id: uuid.UUID) -> HttpResponse:
    entry = access.faq_entry_for(request.user, entry_id)
    actions.retire_faq_entry(entry=entry, actor=request.user)
    return redirect("manage-faq", entry.project.public_id)


def _thread_page(
    request: PersonRequest, thread: Thread, *, error: DomainError | None = None, form: FaqForm | None = None
) -> HttpResponse:
    task = thread.assignment.task
    shown = question_queries.thread_of(thread.assignment)
    assert shown is not None
    context = {
        "project": task.project,
        "thread": shown,
        "task": task,
        "prompt": task.prompt,
        # In the order and by the letters of whoever asked: "output B" is B here, too.
        "outputs": queries.outputs_of(thread.assignment) if task.kind == Task.Kind.RANK else [],
        "body": request.POST.get("body", "") if error else "",
        "problem": error.message if error else "",
        "idempotency_key": uuid.uuid4(),
        "form": form or FaqForm.of(_suggested(shown)),
        "is_publishing": form is not None,
        "entries": shown.faq_entries.filter(retired_at=None),
    }
    is_refused = error is not None or form is not None
    status = error.status if error else 400 if is_refused else 200
    return render(request, "manage/question.html", context, status=status)


def _suggested(thread: Thread) -> FaqEntry:
    """The question as it was first asked and the newest answer, to be worded for everybody."""
    said = list(thread.messages.all())
    answers = [message.body for message in said if message.kind == message.Kind.ANSWER]
    return FaqEntry(
        project=thread.assignment.task.project,
        language=question_queries.language_for(thread),
        question=said[0].body if said else "",
        answer=answers[-1] if answers else "",
    )
