"""Managers' forms about imports: the files, and how their columns are read. The actions judge them."""

import json
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from labeling.actions import LEFT_OUT
from labeling.errors import DomainError
from labeling.imports.outputs import MOST_COLUMNS, OutputColumn
from labeling.imports.rows import FIELDS
from labeling.manager_forms import DomainForm
from labeling.models import Prompt, Transfer

ACCEPTED = ".jsonl,.ndjson,.csv,.parquet,.arrow,.zip,.tar,.tgz,.gz"


class FilesInput(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: MultiValueDict[str, UploadedFile], name: str) -> Any:
        return files.getlist(name)


class FilesField(forms.FileField):
    """As many files as one likes; [] when there are none."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        return [super(FilesField, self).clean(file, initial) for file in data or []]


class UploadForm(DomainForm):
    """One file, or several; or a folder, whose paths a script sends along since browsers' forms do not."""

    file = FilesField(
        label=_("File of prompts"),
        help_text=_(
            "JSONL (one object a line), CSV with the columns' names in its first row, UTF-8; Parquet or "
            "Arrow; or the folder of a dataset packed as .zip or .tar. Several files of one dataset may be "
            "chosen at once. Outputs of other models may come along, to be ranked: see below which columns."
        ),
        required=False,
        allow_empty_file=True,
        widget=FilesInput(attrs={"accept": ACCEPTED, "multiple": True}),
    )
    folder = FilesField(
        label=_("Or the folder of a dataset"),
        help_text=_("As it is on the Hugging Face Hub, or written by save_to_disk."),
        required=False,
        allow_empty_file=True,
        widget=FilesInput(attrs={"webkitdirectory": True, "multiple": True}),
    )
    paths = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if not sent.get("file") and not sent.get("folder") and not self.errors:
            self.add_error("file", _("Choose a file, or a folder."))
        return sent

    @property
    def is_folder(self) -> bool:
        return bool(self.cleaned_data["folder"]) or len(self.cleaned_data["file"]) > 1

    @property
    def only_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"][0]
        return file

    def named_files(self) -> list[tuple[str, UploadedFile]]:
        """Each file with its path in the folder, or its name where no path came along."""
        files: list[UploadedFile] = self.cleaned_data["folder"] or self.cleaned_data["file"]
        names = [file.name or "" for file in files]
        try:
            paths = json.loads(self.cleaned_data["paths"] or "[]")
        except ValueError:
            paths = []
        if isinstance(paths, list) and len(paths) == len(names) and all(isinstance(p, str) for p in paths):
            names = paths
        return list(zip(names, files, strict=True))

    @property
    def folder_name(self) -> str:
        """The folder that all paths are in, else the first file and how many there are."""
        names = [name for name, _file in self.named_files()]
        first = names[0].partition("/")
        if first[1] and all(name.startswith(f"{first[0]}/") for name in names):
            return first[0]
        return f"{names[0]} (+{len(names) - 1})"


class MappingForm(DomainForm):
    """Which column holds which field of a prompt, which hold outputs, and what is asked of people."""

    drops_answers = forms.BooleanField(
        label=_("Leave out the answer that a conversation ends with"), required=False
    )
    ask_for_demonstrations = forms.BooleanField(
        label=_("Ask people to write an answer to each prompt of the split train"), required=False
    )
    opens_rankings = forms.BooleanField(
        label=_("Ask people to rank the outputs of each prompt that has at least two"), required=False
    )

    def __init__(self, data: Any, *, transfer: Transfer) -> None:
        super().__init__(data)
        options = transfer.options
        self._columns = [("", "–"), *((name, name) for name in options["columns"])]
        labels = {
            "prompt": _("Prompt (a text)"),
            "messages": _("Messages (a conversation)"),
            "author": _("Author"),
            "category": _("Category"),
            "language": _("Language"),
            "source": _("Source"),
            "split": _("Split"),
            "topics": _("Sensitive topics"),
            "external_id": _("Your own id"),
        }
        for field in FIELDS:
            self._add_column(f"column_{field}", labels[field], options["mapping"].get(field, ""))
        self.fields["usual_language"] = forms.ChoiceField(
            label=_("Language of rows that name none"),
            choices=[(code, code) for code in transfer.project.languages],
            initial=options["language"],
        )
        self._outputs = range(min(MOST_COLUMNS, max(2, len(options["outputs"]) + 1)))
        self._add_outputs(options["outputs"])
        self._parts = options["parts"]
        self._add_parts()
        for name in ("ask_for_demonstrations", "drops_answers", "opens_rankings"):
            self.initial[name] = options[name]

    def _add_column(self, name: str, label: Any, initial: str) -> None:
        self.fields[name] = forms.ChoiceField(
            label=label, choices=self._columns, required=False, initial=initial
        )

    def _add_outputs(self, chosen: list[dict[str, str]]) -> None:
        for number in self._outputs:
            at: dict[str, str] = chosen[number] if number < len(chosen) else {}
            self._add_column(
                f"output_{number}", _("Output %s (a column)") % (number + 1), at.get("column", "")
            )
            self._add_column(
                f"output_model_column_{number}",
                _("Model of output %s: a column") % (number + 1),
                at.get("model_column", ""),
            )
            self.fields[f"output_model_{number}"] = forms.CharField(
                label=_("Model of output %s: a name for all rows") % (number + 1),
                required=False,
                max_length=120,
                initial=at.get("model", ""),
                widget=forms.TextInput(attrs={"dir": "auto"}),
            )

    def _add_parts(self) -> None:
        choices = [
            ("", _("as the rows say, or by author")),
            *Prompt.Split.choices,
            (LEFT_OUT, _("leave it out")),
        ]
        for number, part in enumerate(self._parts):
            self.fields[f"part_{number}"] = forms.ChoiceField(
                label=part["name"], choices=choices, required=False, initial=part["split"]
            )

    @property
    def columns(self) -> list[forms.BoundField]:
        return [self[f"column_{field}"] for field in FIELDS]

    @property
    def output_rows(self) -> list[list[forms.BoundField]]:
        return [
            [self[f"output{part}_{number}"] for part in ("", "_model_column", "_model")]
            for number in self._outputs
        ]

    @property
    def part_rows(self) -> list[tuple[forms.BoundField, dict[str, Any]]]:
        return [(self[f"part_{number}"], part) for number, part in enumerate(self._parts)]

    @property
    def reads_otherwise(self) -> bool:
        """Whether more was changed than what is asked of people: the rows come in as nobody has seen them."""
        return bool(set(self.changed_data) - {"ask_for_demonstrations", "opens_rankings"})

    def wish(self) -> dict[str, Any]:
        """What to call map_import with."""
        sent = self.cleaned_data
        outputs = [
            OutputColumn(
                sent[f"output_{n}"], sent[f"output_model_column_{n}"], sent[f"output_model_{n}"].strip()
            )
            for n in self._outputs
        ]
        return {
            "mapping": {field: sent[f"column_{field}"] for field in FIELDS},
            "outputs": outputs,
            "splits": {part["name"]: sent[f"part_{n}"] for n, part in enumerate(self._parts)},
            "language": sent["usual_language"],
            "drops_answers": sent["drops_answers"],
            "ask_for_demonstrations": sent["ask_for_demonstrations"],
            "opens_rankings": sent["opens_rankings"],
        }

    def add_domain_error(self, error: DomainError) -> None:
        names = {field: f"column_{field}" for field in FIELDS} | {"language": "usual_language"}
        names |= {"outputs": "output_0", "parts": "part_0"}
        for name, message in (error.fields or {"": error.message}).items():
            self.add_error(names.get(name), message)
