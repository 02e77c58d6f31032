"""The page on which a demonstration is written: what it shows, and what it sends back."""

from collections.abc import Mapping
from typing import Any

from labeling import actions, queries
from labeling.forms import SentSubmission
from labeling.models import Assignment, Demonstration, Submission


def shown(assignment: Assignment, entered: Mapping[str, Any]) -> dict[str, Any]:
    """What the template needs besides what every task has."""
    return {
        "entered": entered or queries.written_before(assignment),
        "assistance": Demonstration.Assistance.choices,
        "counts_tokens": bool(assignment.task.project.tokenizer_path),
    }


def take(assignment: Assignment, sent: SentSubmission) -> Submission:
    """Submit what the page sent."""
    return actions.submit_demonstration(
        assignment=assignment,
        text=sent.text,
        pasted_characters=sent.pasted_characters,
        assistance=sent.assistance,
        assistance_tool=sent.assistance_tool,
        **sent.common,
    )
