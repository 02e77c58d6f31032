"""Projects and their guidelines."""

import inspect
import re
import zoneinfo
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.counts import recount_work
from labeling.errors import DomainError
from labeling.model_names import names_in
from labeling.models import GuidelineVersion, Membership, Project, User

MOST_A_DAY = 10_000
CURRENCY_CODE = re.compile(r"[A-Z]{3}")
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


@transaction.atomic
def create_project(
    *,
    name: str,
    creator: User | None,
    languages: Sequence[str] = ("en",),
    completions_per_prompt: int = 4,
    overlap_share: float = 0.0,
    overlap_people: int = 2,
    time_zone: str = "UTC",
    criteria: str = Project.Criteria.TRAINING,
    model_names: Sequence[str] = (),
    daily_cap: int | None = None,
    hourly_rate: Decimal | None = None,
    currency: str = "USD",
) -> Project:
    """A new project; whoever creates it manages it. Refuses fields out of range, naming each."""
    project = Project(
        name=name.strip(),
        languages=list(languages),
        completions_per_prompt=completions_per_prompt,
        overlap_share=overlap_share,
        overlap_people=overlap_people,
        time_zone=time_zone,
        criteria=criteria,
        model_names=list(model_names),
        daily_cap=daily_cap,
        hourly_rate=hourly_rate,
        currency=currency,
    )
    _check(project, _("The project could not be created."))
    project.save()
    if creator is not None:
        Membership.objects.create(project=project, user=creator, role=Membership.Role.MANAGER)
    audit.record(
        "project_created", actor=creator, project=project, subject=project, data={"name": project.name}
    )
    return project


@transaction.atomic
def change_project(
    *,
    project: Project,
    name: str,
    languages: Sequence[str],
    completions_per_prompt: int,
    overlap_share: float,
    overlap_people: int,
    time_zone: str,
    criteria: str,
    model_names: Sequence[str],
    daily_cap: int | None,
    hourly_rate: Decimal | None,
    currency: str,
    actor: User | None = None,
) -> Project:
    """New settings, for tasks that are opened from now on. Refuses fields out of range, naming each."""
    changed = Project.objects.select_for_update().get(pk=project.pk)
    before = settings_of(changed)
    changed.name = name.strip()
    changed.languages = list(languages)
    changed.completions_per_prompt = completions_per_prompt
    changed.overlap_share = overlap_share
    changed.overlap_people = overlap_people
    changed.time_zone = time_zone
    changed.criteria = criteria
    changed.model_names = list(model_names)
    changed.daily_cap = daily_cap
    changed.hourly_rate = hourly_rate
    changed.currency = currency
    _check(changed, _("The settings could not be saved; nothing was changed."))
    changed.save()
    if different := audit.changes(before, settings_of(changed)):
        audit.record("settings_changed", actor=actor, project=changed, subject=changed, data=different)
    if "time_zone" in different:
        recount_work(project=changed)
    return changed


def settings_of(project: Project) -> dict[str, Any]:
    """Everything that change_project changes, as it is now."""
    names = inspect.signature(change_project).parameters
    return {name: getattr(project, name) for name in names if name not in ("project", "actor")}


@transaction.atomic
def add_model_names(*, project: Project, label: str) -> None:
    """Outputs that come in from now on are flagged when they say one of the names in a model's label."""
    changed = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    changed.model_names = list(dict.fromkeys([*changed.model_names, *names_in(label)]))
    changed.save(update_fields=["model_names"])


def set_tokenizer(*, project: Project, path: str) -> None:
    """Count tokens by this tokenizer.json from now on; below ARTIFACTS_DIR or absolute, empty for none."""
    Project.objects.filter(pk=project.pk).update(tokenizer_path=path)


@transaction.atomic
def publish_guidelines(
    *, project: Project, language: str, body: str, author: User | None
) -> GuidelineVersion:
    """A new version of the guidelines in one language; older ones stay with the judgments made by them.

    Refuses an empty text. The text that is published already gives no new version.
    """
    if not body.strip():
        message = _("Write the guidelines first; nothing was published.")
        raise DomainError("empty_guidelines", message, {"body": message})
    if "\x00" in body:
        message = _("The text has a NUL character; take it out.")
        raise DomainError("nul_character", message, {"body": message})
    Project.objects.select_for_update().get(pk=project.pk)
    versions = GuidelineVersion.objects.filter(project=project, language=language)
    newest = versions.order_by("-number").first()
    if newest is not None and newest.body == body:
        return newest
    number = newest.number + 1 if newest else 1
    version = GuidelineVersion.objects.create(
        project=project, language=language, number=number, body=body, author=author
    )
    audit.record(
        "guidelines_published",
        actor=author,
        project=project,
        subject=version,
        data={"language": language, "number": number},
    )
    return version


def _check(project: Project, refusal: str) -> None:
    try:
        project.full_clean()
        fields = {}
    except ValidationError as error:
        fields = {field: " ".join(messages) for field, messages in error.message_dict.items()}
    if not project.languages:
        fields["languages"] = _("Name at least one language, such as en.")
    for code in project.languages:
        if not LANGUAGE_CODE.fullmatch(code):
            fields["languages"] = _("%s is no language code: write codes such as en, zh or pt-br.") % code
    if project.time_zone not in zoneinfo.available_timezones():
        fields["time_zone"] = _("%s is no time zone: write one such as Europe/Berlin.") % project.time_zone
    if not 0 <= project.overlap_share <= 1:
        fields["overlap_share"] = _("The share lies between 0 and 100 %.")
    if not 1 <= project.overlap_people <= 20:
        fields["overlap_people"] = _("A task is judged by 1 to 20 people.")
    if project.daily_cap is not None and not 1 <= project.daily_cap <= MOST_A_DAY:
        fields["daily_cap"] = _("A day has 1 to %s submissions; leave it empty for no limit.") % MOST_A_DAY
    if not CURRENCY_CODE.fullmatch(project.currency):
        fields["currency"] = _("Write a currency as three letters, such as EUR.")
    if fields:
        raise DomainError("bad_project", refusal, fields)
