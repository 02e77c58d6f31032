"""Judgments and prompts as the rows of an export: dicts with the columns that `columns` describes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from labeling.exports import judgments
from labeling.exports.filters import Filters
from labeling.models import Completion, Project, Prompt, Submission, Transfer

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an export's rows come from.

    count: how many judgments or prompts will be read. groups: the rows of one after the other; of a ranking
    in which all are tied there are none.
    """

    count: Callable[[Project, Filters], int]
    groups: Callable[[Project, Filters], Iterator[list[Row]]]


def source_of(content: str) -> Source:
    return _SOURCES[content]


def _preference(project: Project, filters: Filters) -> Iterator[list[Row]]:
    """Every pair of a ranking that is not tied, best first."""
    group_of = judgments.groups(project)
    for submission, completions in judgments.rankings(project, filters):
        ordered = sorted(zip(submission.ranking.places, completions, strict=True), key=lambda pair: pair[0])
        pairs = [(better, worse) for better, worse in combinations(ordered, 2) if better[0] < worse[0]]
        common = _about_judgment(project, submission) | {"annotator_group": group_of(submission)}
        yield [
            {
                "chosen": _assistant(chosen),
                "rejected": _assistant(rejected),
                "ranking_id": str(submission.public_id),
                "pairs_in_ranking": len(pairs),
                "chosen_completion": str(chosen.public_id),
                "rejected_completion": str(rejected.public_id),
                "places_apart": low - high,
            }
            | common
            for (high, chosen), (low, rejected) in pairs
        ]


def _sft(project: Project, filters: Filters) -> Iterator[list[Row]]:
    group_of = judgments.groups(project)
    for submission in judgments.demonstrations(project, filters):
        written = submission.demonstration
        row = {
            "completion": _assistant(written.completion),
            "demonstration_id": str(submission.public_id),
            "pasted_characters": -1 if written.pasted_characters is None else written.pasted_characters,
            "ai_assistance": written.assistance,
            "ai_tool": written.assistance_tool,
            "annotator_group": group_of(submission),
        }
        yield [row | _about_judgment(project, submission)]


def _prompts(project: Project, filters: Filters) -> Iterator[list[Row]]:
    for prompt in judgments.prompts(project, filters):
        yield [{"source": prompt.source} | _about_prompt(prompt)]


def _rankings(project: Project, filters: Filters) -> Iterator[list[Row]]:
    group_of = judgments.groups(project)
    for submission, completions in judgments.rankings(project, filters, prefetch=("answers",)):
        assignment, guidelines = submission.assignment, submission.guideline_version
        row = {
            "completions": [completion.text for completion in completions],
            "places": list(submission.ranking.places),
            "display_order": list(assignment.display_order),
            "completion_ids": [str(completion.public_id) for completion in completions],
            "completion_origins": [completion.origin for completion in completions],
            "completion_external_ids": [completion.external_id for completion in completions],
            "completion_metadata": [_json(completion.metadata) for completion in completions],
            "ranking_id": str(submission.public_id),
            "task_id": str(assignment.task.public_id),
            "annotator_group": group_of(submission),
            "revision": submission.revision,
            "claimed_at": _utc(assignment.claimed_at),
            "active_seconds": -1 if submission.active_seconds is None else submission.active_seconds,
            "guideline_version": f"{guidelines.language}:{guidelines.number}" if guidelines else "",
            "strength": submission.ranking.strength or 0,
            "comment": submission.comment,
            "rubric_version": submission.rubric_version.number if submission.rubric_version else 0,
            "answers": _json(answers_by_key(submission, slots=len(completions))),
        }
        yield [row | _about_judgment(project, submission)]


def answers_by_key(submission: Submission, *, slots: int) -> dict[str, Any]:
    """Question → its answers by slot, or the one about the prompt; a flag that was not set is False."""
    given = {(answer.question, answer.slot): answer.value for answer in submission.answers.all()}
    found: dict[str, Any] = {}
    for question in submission.rubric_version.asked if submission.rubric_version else ():
        unset = False if question.kind == "flag" else None
        by_slot = [given.get((question.key, slot), unset) for slot in range(1, slots + 1)]
        of_prompt = given.get((question.key, None), unset)
        found[question.key] = by_slot if question.per == "completion" else of_prompt
    return found


_SOURCES: dict[str, Source] = {
    Transfer.Content.PREFERENCE: Source(judgments.ranking_count, _preference),
    Transfer.Content.SFT: Source(judgments.demonstration_count, _sft),
    Transfer.Content.PROMPTS: Source(judgments.prompt_count, _prompts),
    Transfer.Content.RANKINGS: Source(judgments.ranking_count, _rankings),
}


def _about_judgment(project: Project, submission: Submission) -> Row:
    task = submission.assignment.task
    return {
        "annotator": judgments.pseudonym(project, submission.assignment.user),
        "origin": submission.origin,
        "round": task.round,
        "is_late": submission.is_late,
        "submitted_at": _utc(submission.created_at),
        "review": submission.review_state,
    } | _about_prompt(task.prompt)


def _about_prompt(prompt: Prompt) -> Row:
    return {
        "prompt": [{"role": m["role"], "content": m["content"]} for m in prompt.messages],
        "prompt_id": str(prompt.public_id),
        "split": prompt.split,
        "language": prompt.language,
        "category": prompt.category,
        "topics": " ".join(prompt.topics),
        "external_id": prompt.external_id,
        "metadata": _json(prompt.metadata),
    }


def _assistant(completion: Completion) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": completion.text}]


def _json(metadata: Any) -> str:
    """As text: one column cannot hold objects whose fields differ from row to row."""
    return json.dumps(metadata, ensure_ascii=False, sort_keys=True)


def _utc(moment: datetime) -> str:
    # Always with microseconds: readers of JSONL take texts without a fraction for timestamps.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
