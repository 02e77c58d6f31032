"""The page on which prompts are written: what it shows, and what it sends, read without judging it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from labeling import forms, personal_data, queries
from labeling.actions import WorthALook
from labeling.actions.written_prompts import KINDS
from labeling.errors import DomainError
from labeling.models import Project, Prompt, PromptDraft, User
from labeling.prompt_kinds import FEWEST_PAIRS, MOST_PAIRS, Pair, WrittenPrompt

EMPTY = Pair("", "")


@dataclass(frozen=True)
class SentPrompt:
    written: WrittenPrompt
    category: str
    language: str
    idempotency_key: str = ""
    looked_at: str = ""
    draft_version: int | None = None
    do: str = ""  # the button, when it was not the one that submits


def read_sent(data: QueryDict) -> SentPrompt:
    pairs = zip(data.getlist("pair_query"), data.getlist("pair_response"), strict=False)
    version = data.get("draft_version", "")
    return SentPrompt(
        WrittenPrompt(
            kind=data.get("kind", ""),
            text=data.get("prompt", ""),
            use_case=data.get("use_case", ""),
            instruction=data.get("instruction", ""),
            pairs=tuple(Pair(query, response) for query, response in pairs),
            query=data.get("query", ""),
        ),
        category=data.get("category", ""),
        language=data.get("language", ""),
        idempotency_key=forms.key_of(data),
        looked_at=data.get("looked_at", ""),
        draft_version=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None,
        do=data.get("do", ""),
    )


def read_draft(draft: PromptDraft | None) -> SentPrompt:
    """What the page kept, whatever a draft may hold."""
    kept: Mapping[str, Any] = draft.content if draft and isinstance(draft.content, dict) else {}
    names = {name: str(kept.get(name, "")) for name in ("kind", "prompt", "use_case", "instruction", "query")}
    rows = kept.get("pairs")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    pairs = tuple(Pair(str(row.get("query", "")), str(row.get("response", ""))) for row in rows)
    written = WrittenPrompt(
        kind=names["kind"],
        text=names["prompt"],
        use_case=names["use_case"],
        instruction=names["instruction"],
        pairs=pairs,
        query=names["query"],
    )
    return SentPrompt(written, str(kept.get("category", "")), str(kept.get("language", "")))


def changed(sent: SentPrompt) -> SentPrompt:
    """After a button that only changes the form: a row of a pair more, or one less."""
    pairs = list(sent.written.pairs)
    name, _colon, number = sent.do.partition(":")
    if name == "add":
        pairs.append(EMPTY)
    elif name == "remove" and number.isascii() and number.isdigit() and 1 <= int(number) <= len(pairs):
        del pairs[int(number) - 1]
    return replace(sent, written=replace(sent.written, pairs=tuple(pairs)))


def shown(project: Project, user: User, sent: SentPrompt, error: DomainError | None = None) -> dict[str, Any]:
    """What the template needs."""
    written = sent.written
    pairs = list(written.pairs)[:MOST_PAIRS]
    pairs += [EMPTY] * (FEWEST_PAIRS - len(pairs))
    kind = written.kind if written.kind in KINDS else Prompt.Source.PLAIN
    draft = queries.prompt_draft(user, project)
    context = {
        "project": project,
        "written": replace(written, kind=str(kind)),
        "pairs": pairs,
        "kinds": [(value, Prompt.Source(value).label) for value in KINDS],
        "categories": Prompt.Category.choices,
        "category": sent.category or Prompt.Category.GENERATION,
        "language": sent.language or project.languages[0],
        "error": error,
        "draft_version": draft.version if draft else 0,
        "done": project.prompts.filter(author=user).count(),
    }
    if isinstance(error, WorthALook):
        context["look"] = error
        context["personal"] = personal_data.shown(error.text, error.personal)
    return context
