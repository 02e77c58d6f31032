"""Prompts come in, and texts for them."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions.tasks import open_demonstration_task
from labeling.actions.texts import check_storable, is_storable
from labeling.actions.topics import checked_topics
from labeling.errors import Conflict, DomainError
from labeling.model_names import passage_naming_its_model
from labeling.models import Assignment, Completion, Demonstration, Project, Prompt, Submission, Task, User

ROLES = ("system", "user", "assistant")


def dedupe_key(messages: Sequence[Mapping[str, str]]) -> str:
    """SHA-256 of the conversation, letter case and runs of white space aside."""
    turns = [[m["role"], " ".join(m["content"].split()).casefold()] for m in messages]
    return hashlib.sha256(json.dumps(turns, ensure_ascii=False).encode()).hexdigest()


def checked_messages(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The conversation with only roles and contents, or DomainError saying what is wrong with it."""
    if not messages or messages[-1].get("role") != "user":
        raise DomainError("bad_messages", _("A prompt is a conversation that ends with a turn of the user."))
    checked = []
    for number, message in enumerate(messages, start=1):
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            raise DomainError(
                "bad_messages",
                _("Turn %(number)s has the role %(role)r: write one of %(roles)s.")
                % {"number": number, "role": role, "roles": ", ".join(ROLES)},
            )
        if not isinstance(content, str) or not content.strip():
            raise DomainError("bad_messages", _("Turn %s is empty.") % number)
        if not is_storable(content):
            raise DomainError("bad_messages", _("Turn %s has a NUL character; take it out.") % number)
        checked.append({"role": role, "content": content})
    return checked


def add_prompt(
    *,
    project: Project,
    messages: Sequence[Mapping[str, str]],
    author: User,
    source: str = Prompt.Source.PLAIN,
    category: str = Prompt.Category.OTHER,
    language: str = "en",
    split: str = Prompt.Split.TRAIN,
    topics: Collection[str] = (),
    external_id: str = "",
    metadata: Mapping[str, Any] | None = None,
    submission_key: str = "",
) -> Prompt:
    """A new prompt. Refuses a malformed conversation, and one the project has already (Conflict)."""
    checked = checked_messages(messages)
    check_storable("external_id", external_id)
    check_storable("metadata", dict(metadata or {}))
    for field, value, choices in (
        ("source", source, Prompt.Source.values),
        ("category", category, Prompt.Category.values),
        ("split", split, Prompt.Split.values),
    ):
        if value not in choices:
            raise DomainError(
                f"bad_{field}",
                _("%(field)s is %(value)r: write one of %(choices)s.")
                % {"field": field, "value": value, "choices": ", ".join(choices)},
            )
    prompt, created = Prompt.objects.get_or_create(
        project=project,
        dedupe_key=dedupe_key(checked),
        defaults={
            "messages": checked,
            "author": author,
            "source": source,
            "category": category,
            "language": language,
            "split": split,
            "topics": checked_topics(topics),
            "external_id": external_id,
            "metadata": dict(metadata or {}),
            "submission_key": submission_key,
        },
    )
    if not created:
        raise Conflict("prompt_exists", _("The project has this prompt already."))
    return prompt


def add_completion(
    *, prompt: Prompt, text: str, origin: str = Completion.Origin.POLICY, author: User | None = None
) -> Completion:
    """A text for a prompt, flagged when it tells which model wrote it.

    NUL characters, which PostgreSQL cannot keep, become the replacement character.
    """
    is_by_a_model = origin != Completion.Origin.PERSON
    return Completion.objects.create(
        prompt=prompt,
        text=text.replace("\x00", "\ufffd"),
        origin=origin,
        author=author,
        names_model=passage_naming_its_model(text, prompt.project.model_names) if is_by_a_model else "",
    )


@transaction.atomic
def import_demonstration(*, prompt: Prompt, author: User, text: str, key: str = "import") -> Submission:
    """A demonstration written elsewhere, as a submission of its author; twice is the same as once."""
    task = open_demonstration_task(prompt=prompt)
    assignment, created = Assignment.objects.get_or_create(
        task=task,
        user=author,
        defaults={"status": Assignment.Status.SUBMITTED, "holds_seat": False, "lease_until": None},
    )
    if not created:
        return assignment.submissions.get(idempotency_key=key)
    submission = Submission.objects.create(
        assignment=assignment,
        project_id=prompt.project_id,
        revision=1,
        idempotency_key=key,
        origin=Submission.Origin.IMPORT,
        verdict=Submission.Verdict.WRITTEN,
    )
    completion = add_completion(prompt=prompt, text=text, origin=Completion.Origin.PERSON, author=author)
    Demonstration.objects.create(submission=submission, completion=completion)
    # The task is answered: nobody is asked to write it again.
    transitions.change_task(task, Task.Status.COMPLETE, actor=None)
    return submission
