"""Engineers' page of text corpora: those there are, and the form that enters one."""

import uuid
from pathlib import Path

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from labeling.errors import DomainError
from labeling.models import Project, User
from training import actions, queries
from training.models import Snapshot
from training.views import PER_PAGE, project_of, signed_in


class CorpusForm(forms.Form):
    """A file that is sent, or one that somebody has put on the server."""

    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("The file's own unless given.")
    )
    file = forms.FileField(
        label=_("File"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".jsonl,.ndjson,.parquet"}),
    )
    path = forms.ChoiceField(label=_("or a file on the server"), required=False)

    def __init__(self, data: object = None, files: object = None) -> None:
        super().__init__(data, files)  # type: ignore[arg-type]
        offered = [(str(path), path.name) for path in actions.offered_files()]
        self.fields["path"].choices = [("", "---------"), *offered]  # type: ignore[attr-defined]

    def clean(self) -> None:
        sent = super().clean() or self.cleaned_data
        if not self.errors and bool(sent.get("file")) == bool(sent.get("path")):
            self.add_error("file", _("Choose a file to send, or one that is on the server."))

    def enter(self, project: Project, user: User) -> Snapshot:
        """What is asked for, as the actions do it."""
        sent = self.cleaned_data
        if file := sent["file"]:
            return actions.upload_corpus(
                project=project, user=user, name=sent["name"], file_name=file.name, chunks=file.chunks()
            )
        path = Path(sent["path"])
        return actions.register_corpus(project=project, user=user, name=sent["name"], path=path)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def corpora(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_of(request, project_id)
    form = CorpusForm(request.POST, request.FILES) if request.method == "POST" else CorpusForm()
    if request.method == "POST" and form.is_valid():
        try:
            form.enter(project, signed_in(request))
        except DomainError as error:
            form.add_error("path" if form.cleaned_data["path"] else "file", error.message)
        else:
            return redirect("corpora", project.public_id)
    page = Paginator(queries.corpora_of(project), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "form": form,
        "page": page,
        "is_moving": any(corpus.status == Snapshot.Status.BUILDING for corpus in page),
        "directory": actions.corpora_directory(),
        "most_mb": settings.IMPORT_MAX_MB,
    }
    if request.headers.get("HX-Request"):
        return render(request, "training/_corpora_table.html", context)
    return render(request, "training/corpora.html", context, status=400 if form.errors else 200)
