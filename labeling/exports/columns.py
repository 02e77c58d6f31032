"""The columns of each export, what they mean, and their Parquet types.

prompt, chosen, rejected and completion are what TRL and OpenRLHF read (docs/exports.md), in conversational
form: lists of messages, in every row. No column is ever null: `datasets` takes the types of a JSONL file
from its beginning. Names that trainers read otherwise (margin, messages, text, label, tools, prompt_ids,
chosen_ids) are taken by none of ours.
"""

from dataclasses import dataclass

import pyarrow as pa

from labeling.models import Transfer

SCHEMA_VERSION = 1

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
TEXT, TEXTS, NUMBER, NUMBERS, FLAG = (
    pa.string(),
    pa.list_(pa.string()),
    pa.int64(),
    pa.list_(pa.int64()),
    pa.bool_(),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Parquet type and its meaning, for the manifest."""

    name: str
    type: pa.DataType
    meaning: str


_PROMPT = Column("prompt", MESSAGES, "The conversation, ending with the user's turn.")
_ABOUT_PROMPT = (
    Column("prompt_id", TEXT, "The prompt."),
    Column("split", TEXT, "train, valid or test; by the prompt's author, so no prompt is in two."),
    Column("language", TEXT, "The prompt's language."),
    Column("category", TEXT, "The prompt's use case."),
    Column("topics", TEXT, "The prompt's sensitive topics with spaces between them, or empty."),
    Column("external_id", TEXT, "The prompt's id where it came from, or empty."),
    Column("metadata", TEXT, "The prompt's own fields from where it came from, as a JSON object."),
)
_ABOUT_JUDGMENT = (
    Column("annotator", TEXT, "Pseudonym, stable within the project."),
    Column("annotator_group", TEXT, "training, or held_out: judgments that reward models are measured on."),
    Column("origin", TEXT, "person, simulated or import."),
    Column("round", NUMBER, "The round of the task."),
    Column("is_late", FLAG, "Submitted after the time for the task had run out."),
    Column("submitted_at", TEXT, "When this revision was submitted, UTC."),
    Column("review", TEXT, "accepted, returned or not_reviewed: what a reviewer said of this revision."),
)
_PREFERENCE = (
    _PROMPT,
    Column("chosen", MESSAGES, "The completion that was ranked higher, as the assistant's turn."),
    Column("rejected", MESSAGES, "The completion that was ranked lower."),
    Column("ranking_id", TEXT, "The ranking the pair is from: its pairs belong together."),
    Column("pairs_in_ranking", NUMBER, "How many pairs the ranking gives; 1 over it weighs rankings alike."),
    Column("chosen_completion", TEXT, "Id of the chosen completion."),
    Column("rejected_completion", TEXT, "Id of the rejected completion."),
    Column("places_apart", NUMBER, "By how many places the ranking parts the two."),
    *_ABOUT_JUDGMENT,
    *_ABOUT_PROMPT,
)
_SFT = (
    _PROMPT,
    Column("completion", MESSAGES, "The answer a person wrote, as the assistant's turn."),
    Column("demonstration_id", TEXT, "The demonstration."),
    Column("pasted_characters", NUMBER, "Characters pasted or dropped while writing; -1: nobody counted."),
    Column("ai_assistance", TEXT, "As the writer says: none, edited, written, or empty where they do not."),
    Column("ai_tool", TEXT, "Which tool, in the writer's words, or empty."),
    *_ABOUT_JUDGMENT,
    *_ABOUT_PROMPT,
)
_PROMPTS = (
    _PROMPT,
    Column("source", TEXT, "plain, few_shot, user_based or import."),
    *_ABOUT_PROMPT,
)
_RANKINGS = (
    _PROMPT,
    Column("completions", TEXTS, "The texts that were ranked."),
    Column("places", NUMBERS, "Place of each of completions: 1 is best, equal places are ties."),
    Column("display_order", NUMBERS, "The order this person saw them in: numbers, from 1, into completions."),
    Column("completion_ids", TEXTS, "Id of each of completions."),
    Column("completion_origins", TEXTS, "policy, person or import, for each of completions."),
    Column("completion_external_ids", TEXTS, "Their ids where they came from, or empty."),
    Column("completion_metadata", TEXTS, "Their own fields, each as a JSON object."),
    Column("ranking_id", TEXT, "The judgment, as in the export of comparisons and in snapshots."),
    Column("task_id", TEXT, "The task; several people may have judged it."),
    *_ABOUT_JUDGMENT,
    Column("revision", NUMBER, "Which version of the judgment this is: the newest."),
    Column("claimed_at", TEXT, "When the person took the task, UTC."),
    Column("active_seconds", NUMBER, "Seconds the person was at it; -1 where nobody measured."),
    Column("guideline_version", TEXT, "language:number of the guidelines in force, or empty."),
    Column("strength", NUMBER, "Of two: how much better, 1 slightly to 3 much; 0 where it is not said."),
    Column("comment", TEXT, "The person's reasons, or empty."),
    Column("rubric_version", NUMBER, "Number of the rubric that was asked; 0 where there was none."),
    Column(
        "answers",
        TEXT,
        "Answers by the question's key, as a JSON object: of each of completions, or one about the prompt; "
        "flags are true or false, null is not answered.",
    ),
    *_ABOUT_PROMPT,
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    Transfer.Content.PREFERENCE: _PREFERENCE,
    Transfer.Content.SFT: _SFT,
    Transfer.Content.PROMPTS: _PROMPTS,
    Transfer.Content.RANKINGS: _RANKINGS,
}


def schema_of(content: str) -> pa.Schema:
    """The Parquet schema of an export; every column is required."""
    return pa.schema([pa.field(column.name, column.type, nullable=False) for column in COLUMNS[content]])
