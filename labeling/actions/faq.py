"""Questions and answers that everybody in a project reads below the guidelines."""

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.questions import checked_text
from labeling.errors import Conflict, DomainError
from labeling.models import FaqEntry, Project, Thread, User


@transaction.atomic
def publish_faq_entry(
    *, project: Project, language: str, question: str, answer: str, author: User, thread: Thread | None = None
) -> FaqEntry:
    """Publish a question with its answer, after those that are there; who asked it is not said.

    The same text once more gives no second entry. Refuses a text that is empty or too long, and a language
    that the project does not have.
    """
    texts = _checked(project, language, question, answer)
    Project.objects.select_for_update().get(pk=project.pk)
    in_force = project.faq_entries.filter(retired_at=None)
    known = in_force.filter(**texts).first()
    if known:
        return known
    last = in_force.aggregate(last=Max("position"))["last"] or 0
    entry = FaqEntry.objects.create(project=project, position=last + 1, author=author, thread=thread, **texts)
    _keep("faq_published", entry, author)
    return entry


@transaction.atomic
def change_faq_entry(*, entry: FaqEntry, language: str, question: str, answer: str, author: User) -> FaqEntry:
    """A new text in the same place; the one before stays in the record, retired.

    Refuses what publish_faq_entry refuses, and an entry that is retired or was changed meanwhile (Conflict).
    """
    texts = _checked(entry.project, language, question, answer)
    Project.objects.select_for_update().get(pk=entry.project_id)
    if texts == {name: getattr(entry, name) for name in texts}:
        return entry
    if not _retire(entry):
        message = _("This entry was changed or retired meanwhile. Open the FAQ again to see what is there.")
        raise Conflict("retired", message)
    changed = FaqEntry.objects.create(
        project=entry.project, position=entry.position, author=author, thread=entry.thread, **texts
    )
    _keep("faq_changed", changed, author)
    return changed


@transaction.atomic
def retire_faq_entry(*, entry: FaqEntry, actor: User | None) -> None:
    """Show it no more. Retiring twice is retiring once."""
    if _retire(entry):
        _keep("faq_retired", entry, actor)


def _retire(entry: FaqEntry) -> bool:
    return bool(FaqEntry.objects.filter(pk=entry.pk, retired_at=None).update(retired_at=Now()))


def _keep(action: str, entry: FaqEntry, actor: User | None) -> None:
    """Without its text, which may quote a prompt; the entry is there to be read."""
    data = {"language": entry.language, "position": entry.position}
    audit.record(action, actor=actor, project=entry.project, subject=entry, data=data)


def _checked(project: Project, language: str, question: str, answer: str) -> dict[str, str]:
    if language not in project.languages:
        message = _("The project has no such language; choose one of its own.")
        raise DomainError("unknown_language", message, {"language": message})
    return {
        "language": language,
        "question": checked_text("question", question, _("Write the question; nothing was published.")),
        "answer": checked_text("answer", answer, _("Write the answer; nothing was published.")),
    }
