"""Outputs from outside: texts for prompts that no policy of the project and no person here wrote.

Labeling keeps the texts and judges them like all others. Which model wrote each is kept by whoever registered
for it: they are told in the transaction in which the texts come in. Here only a digest of the two remains,
so that an output comes in once.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labeling.actions.project import add_model_names
from labeling.imports.outputs import OutputFields
from labeling.model_names import passage_naming_its_model
from labeling.models import Completion, Project, Prompt, Transfer


@dataclass(frozen=True)
class FromOutside:
    """A completion that came in, and who wrote it as the team calls it; empty: nobody says."""

    completion: Completion
    writer: str


Keeper = Callable[[Project, Sequence[FromOutside]], None]
_keepers: list[Keeper] = []


def keep_writers_with(keeper: Keeper) -> None:
    """Have this called with every batch of outputs that comes in, while the project's row is locked."""
    if keeper not in _keepers:
        _keepers.append(keeper)


def add_from_outside(*, transfer: Transfer, outputs: Sequence[tuple[Prompt, OutputFields]]) -> int:
    """Keep an import's outputs, each flagged when it tells which model wrote it; returns how many are new.

    The same text of the same writer is kept once for a prompt. The writers' names are flagged from now on.
    The caller has locked the project.
    """
    wanted = {(prompt.pk, _digest(output)): (prompt, output) for prompt, output in outputs}
    _pass_over_known(wanted, transfer)
    if not wanted:
        return 0
    for writer in sorted({output.writer for _prompt, output in wanted.values()} - {""}):
        add_model_names(project=transfer.project, label=writer)
    names = Project.objects.values_list("model_names", flat=True).get(pk=transfer.project_id)
    new = [
        FromOutside(
            Completion(
                prompt=prompt,
                text=output.text,
                origin=Completion.Origin.IMPORT,
                names_model=passage_naming_its_model(output.text, names),
                external_id=output.external_id,
                metadata=output.metadata,
                transfer=transfer,
                dedupe_key=key,
            ),
            output.writer,
        )
        for (_pk, key), (prompt, output) in wanted.items()
    ]
    Completion.objects.bulk_create(one.completion for one in new)
    for keeper in _keepers:
        keeper(transfer.project, new)
    return len(new)


def _pass_over_known(wanted: dict[tuple[int, str], tuple[Prompt, OutputFields]], transfer: Transfer) -> None:
    alike = Completion.objects.filter(
        prompt__in={pk for pk, _key in wanted}, dedupe_key__in={key for _pk, key in wanted}
    )
    known = {
        pk: (prompt, key)
        for pk, prompt, key in alike.values_list("pk", "prompt", "dedupe_key")
        if (prompt, key) in wanted
    }
    # It had them too: what an import that was cut short did not come to is made up for.
    Completion.objects.filter(pk__in=known).update(transfer=transfer)
    for pair in known.values():
        del wanted[pair]


def _digest(output: OutputFields) -> str:
    told = json.dumps([output.writer, output.text], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()
