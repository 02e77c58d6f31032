"""Trying versions on a prompt of one's own. What comes of it is looked at, never judged or trained on."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions.prompts import checked_messages
from labeling.errors import DomainError
from labeling.models import Project, User
from training.actions.runs import cancel_run, check_inputs, checked_config, queue_run
from training.models import ModelVersion, Run, RunInput, Trial, TrialAnswer

MOST_CHARACTERS = 20_000


@transaction.atomic
def try_models(
    *,
    project: Project,
    versions: Sequence[ModelVersion],
    messages: Sequence[Mapping[str, str]],
    user: User | None,
    config: Mapping[str, Any] | None = None,
) -> Trial:
    """Have each of two versions answer one conversation, once, with the same seed and settings.

    config: fields of a sample run's config. Refuses a version twice, versions that cannot answer or are
    another project's, a malformed or endless conversation, and a config the engine would refuse.
    """
    checked = checked_messages(messages)
    if sum(len(message["content"]) for message in checked) > MOST_CHARACTERS:
        message = _("The prompt is too long: at most %s characters.") % f"{MOST_CHARACTERS:,}"
        raise DomainError("too_long", message, {"prompt": message})
    if len(versions) != 2 or versions[0] == versions[1]:
        message = _("Choose two different models.")
        raise DomainError("unfit_input", message, {"second": message})
    trial = Trial.objects.create(project=project, messages=checked, created_by=user)
    asked = {"seed": secrets.randbelow(2**31), **(config or {}), "completions_per_prompt": 1}
    for place, version in enumerate(versions, start=1):
        inputs = {str(RunInput.Role.POLICY): version}
        check_inputs(project, Run.Kind.SAMPLE, inputs)
        run = queue_run(
            inputs=inputs,
            config=checked_config(Run.Kind.SAMPLE, asked, inputs),
            actor=user,
            project=project,
            kind=Run.Kind.SAMPLE,
        )
        TrialAnswer.objects.create(trial=trial, place=place, model_version=version, run=run)
    return trial


@transaction.atomic
def cancel_trial(*, trial: Trial, actor: User | None) -> None:
    """End whatever of it still waits or works; one that is over stays as it is."""
    for answer in trial.answers.select_related("run"):
        if not answer.run.is_over:
            cancel_run(run=answer.run, actor=actor)
