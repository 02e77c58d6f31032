"""The form that starts a run, made from the engine's own description of its fields."""

from dataclasses import replace
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.models import Project, Prompt
from training import queries
from training.actions.runs import INPUT_ROLES, MIXED_IN, NEEDED_CONTENT, OPTIONAL_ROLES, SAMPLED_SPLITS
from training.engine.config import FieldDescription, fields_of
from training.engine.config_presets import STARTER, Preset
from training.models import ModelVersion, Run, RunInput, Snapshot
from training.setting_names import in_words

# What is asked at first sight; the engine's other fields fold away.
MAIN_SETTINGS = {
    Run.Kind.SAMPLE: ("completions_per_prompt", "max_new_tokens", "temperature"),
    Run.Kind.PRETRAIN: ("epochs", "tokens_per_step", "learning_rate"),
    Run.Kind.SFT: ("epochs", "batch_size", "learning_rate", "pretrain_mix", "select_by"),
    Run.Kind.REWARD_MODEL: ("epochs", "batch_size", "learning_rate"),
    Run.Kind.PPO: ("steps", "episodes_per_step", "kl_coef", "kl_cap"),
    Run.Kind.SCORE: ("max_tokens",),
}


class RunForm(forms.Form):
    def __init__(
        self,
        data: Any = None,
        *,
        kind: str,
        project: Project,
        preset: Preset = STARTER,
        source: Run | None = None,
    ) -> None:
        """Filled in from a preset, or from the run that is to be cloned."""
        super().__init__(data)
        self.kind = kind
        self.source = source
        self.roles = (*INPUT_ROLES[kind], *OPTIONAL_ROLES.get(kind, ()))
        self.settings = [field for field in fields_of(kind) if field.name not in RunInput.Role.values]
        self._add_inputs(project, preset)
        usual = queries.usual_settings(kind, project)
        for setting in self.settings:
            initial = None if setting.name == "seed" else usual.get(setting.name, setting.default)
            from_preset = preset.values.get(kind, {}).get(setting.name)
            if source is not None:
                initial = source.config.get(setting.name, initial)
            elif from_preset is not None:
                initial = from_preset.value
                setting = replace(setting, source=from_preset.source)
            self.fields[setting.name] = form_field(setting, initial)

    def _add_inputs(self, project: Project, preset: Preset) -> None:
        source = self.source
        usual = queries.usual_inputs(project, self.kind)
        if source is not None:
            usual |= {i.role: i.model_version for i in source.inputs.select_related("model_version")}
        if self.kind == Run.Kind.SCORE:
            self._add_ensemble(project, usual.get(RunInput.Role.REWARD_MODEL))
        for role in self.roles:
            version = usual.get(role)
            self.fields[role] = forms.ModelChoiceField(
                queries.versions_for(project, role),
                label=RunInput.Role(role).label.capitalize(),
                initial=version and version.public_id,
                to_field_name="public_id",
                required=role in INPUT_ROLES[self.kind],
            )
            if role not in INPUT_ROLES[self.kind]:
                self.fields[role].empty_label = _("none")  # type: ignore[attr-defined]
                self.fields[role].help_text = _("Only where select_by is reward_model.")
        if self.kind in NEEDED_CONTENT:
            found = queries.ready_snapshots(project, holding=NEEDED_CONTENT[self.kind])
            self._add_snapshot(
                "snapshot", found, _("Snapshot"), (source and source.snapshot) or found.first()
            )
        if self.kind == Run.Kind.PRETRAIN or self.kind in MIXED_IN:
            found = queries.ready_snapshots(project, holding=Snapshot.Content.CORPUS)
            is_read = self.kind == Run.Kind.PRETRAIN
            is_wanted = is_read or bool(preset.config(self.kind).get(MIXED_IN[Run.Kind(self.kind)]))
            chosen = source.corpus if source else found.first() if is_wanted else None
            self._add_snapshot("corpus", found, _("Text corpus"), chosen, is_required=is_read)
        if self.kind == Run.Kind.SAMPLE:
            self.fields["splits"] = forms.MultipleChoiceField(
                choices=Prompt.Split.choices,
                label=_("Prompts of the splits"),
                initial=source.splits if source else [str(split) for split in SAMPLED_SPLITS],
                widget=forms.CheckboxSelectMultiple,
            )

    def _add_snapshot(
        self,
        name: str,
        found: QuerySet[Snapshot],
        label: str,
        chosen: Snapshot | None,
        *,
        is_required: bool = True,
    ) -> None:
        self.fields[name] = forms.ModelChoiceField(
            found,
            label=label,
            initial=chosen and chosen.public_id,
            to_field_name="public_id",
            required=is_required,
            empty_label="---------" if is_required else _("none"),
        )

    def _add_ensemble(self, project: Project, usual: ModelVersion | None) -> None:
        """Reward models in the place of one."""
        self.roles = ()
        source = self.source
        read = source.inputs.select_related("model_version") if source else []
        chosen = [i.model_version for i in read] or ([usual] if usual else [])
        self.fields[RunInput.Role.REWARD_MODEL] = forms.ModelMultipleChoiceField(
            queries.versions_for(project, RunInput.Role.REWARD_MODEL),
            label=_("Reward models"),
            help_text=_(
                "Several are an ensemble: the score is their mean, and how far they are apart says how sure "
                "it is. Train them from different seeds."
            ),
            initial=[version.public_id for version in chosen],
            to_field_name="public_id",
            widget=forms.CheckboxSelectMultiple,
        )

    @property
    def choices(self) -> list[forms.BoundField]:
        """What the run reads."""
        settings = {setting.name for setting in self.settings}
        return [self[name] for name in self.fields if name not in settings]

    @property
    def main_settings(self) -> list[forms.BoundField]:
        return [self[name] for name in MAIN_SETTINGS[Run.Kind(self.kind)]]

    @property
    def other_settings(self) -> list[forms.BoundField]:
        shown = MAIN_SETTINGS[Run.Kind(self.kind)]
        return [self[setting.name] for setting in self.settings if setting.name not in shown]

    @property
    def has_problem_in_others(self) -> bool:
        return any(field.errors for field in self.other_settings)

    def wish(self) -> dict[str, Any]:
        """What to call start_run with; a setting that was left empty is the engine's own default."""
        cleaned = self.cleaned_data
        optional = {setting.name for setting in self.settings if setting.is_optional}
        config = {
            setting.name: None if cleaned[setting.name] == "" else cleaned[setting.name]
            for setting in self.settings
            if cleaned[setting.name] not in (None, "") or setting.name in optional
        }
        inputs = {role: cleaned[role] for role in self.roles if cleaned[role] is not None}
        wish: dict[str, Any] = {"inputs": inputs, "config": config}
        if self.kind == Run.Kind.SCORE:
            first, *wish["ensemble"] = cleaned[RunInput.Role.REWARD_MODEL].order_by("pk")
            inputs[RunInput.Role.REWARD_MODEL] = first
        return wish | {name: cleaned[name] for name in ("snapshot", "corpus", "splits") if name in cleaned}

    def add_domain_error(self, error: DomainError) -> None:
        for name, message in (error.fields or {"": error.message}).items():
            self.add_error(name if name in self.fields else None, message)


def form_field(setting: FieldDescription, initial: Any) -> forms.Field:
    """One engine field as a form field: its own help, bounds and choices. The action judges what is sent."""
    common: dict[str, Any] = {
        "label": label_of(setting),
        "help_text": help_of(setting),
        "initial": initial,
        "required": False,
    }
    if setting.choices:
        return forms.ChoiceField(choices=[(choice, choice) for choice in setting.choices], **common)
    if setting.type == "bool":
        return forms.BooleanField(**common)
    if setting.type == "int":
        return forms.IntegerField(
            min_value=_whole(setting.minimum), max_value=_whole(setting.maximum), **common
        )
    if setting.type == "float":
        # Any step: browsers refuse 0.00002 otherwise.
        return forms.FloatField(
            min_value=setting.minimum,
            max_value=setting.maximum,
            widget=forms.NumberInput(attrs={"step": "any"}),
            **common,
        )
    return forms.CharField(**common)


def help_of(setting: FieldDescription) -> str:
    """What it is, what it does, and where its value comes from."""
    parts = "; ".join(_(part) for part in setting.source.split("; ") if part)
    source = _("Source: %s.") % parts if parts else ""
    sentences = [_(sentence) for sentence in (setting.help, setting.effect) if sentence]
    return " ".join([*sentences, source]).rstrip()


def label_of(setting: FieldDescription) -> str:
    """The field's own name as words, with its unit where the name does not say it."""
    label = in_words(setting.name)
    has_unit = setting.unit and setting.unit not in label.lower()
    return f"{_(label)} ({_(setting.unit)})" if has_unit else _(label)


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)
