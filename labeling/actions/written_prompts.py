"""Prompts that people write here: their drafts, and taking them in."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from labeling.actions.prompts import add_prompt, dedupe_key
from labeling.actions.splits import split_of_author
from labeling.actions.tasks import open_demonstration_task
from labeling.actions.texts import check_storable
from labeling.errors import Conflict, DomainError
from labeling.models import Project, Prompt, PromptDraft, User
from labeling.near_duplicates import Similar, similar_prompts
from labeling.pauses import is_paused
from labeling.personal_data import Passage, personal_data
from labeling.prompt_kinds import WrittenPrompt

KINDS = (Prompt.Source.PLAIN, Prompt.Source.FEW_SHOT, Prompt.Source.USER_BASED)


class WorthALook(DomainError):
    """The prompt is like others, or seems to hold personal data; looked at and sent once more it stands."""

    status = 409

    def __init__(self, looked_at: str, text: str, similar: list[Similar], personal: list[Passage]) -> None:
        super().__init__(
            "worth_a_look",
            _("Nothing was sent yet. Look at what is below; change it, or submit it again."),
        )
        self.looked_at = looked_at
        self.text = text
        self.similar = similar
        self.personal = personal


@transaction.atomic
def write_prompt(
    *,
    project: Project,
    author: User,
    written: WrittenPrompt,
    category: str,
    language: str,
    idempotency_key: str,
    looked_at: str = "",
    draft_version: int | None = None,
) -> Prompt:
    """Take in a prompt that a person wrote; in the train split somebody is asked for its answer.

    The same key again returns the first. Refuses what is incomplete, a language the project has not, what the
    project has already (Conflict), a paused project (Conflict), and once, saying what was found, a prompt
    that is like others or seems to hold personal data (WorthALook): `looked_at` is what that refusal named.
    The draft goes, but for one that another window saved after draft_version.
    """
    check_storable("idempotency_key", idempotency_key)
    User.objects.select_for_update(no_key=True).get(pk=author.pk)  # a double click waits here
    known = Prompt.objects.filter(author=author, submission_key=idempotency_key).first()
    if known:
        return known
    _check(project, written, language)
    content = written.content(language)
    _look(project, written, content, looked_at=looked_at)
    prompt = add_prompt(
        project=project,
        messages=[{"role": "user", "content": content}],
        author=author,
        source=written.kind,
        category=category,
        language=language,
        split=split_of_author(project, author),
        metadata=written.parts(),
        submission_key=idempotency_key,
    )
    if prompt.split == Prompt.Split.TRAIN:
        open_demonstration_task(prompt=prompt)
    drafts = PromptDraft.objects.filter(user=author, project=project)
    if draft_version is not None:
        drafts = drafts.filter(version__lte=draft_version)
    drafts.update(content={}, version=F("version") + 1)
    return prompt


def save_prompt_draft(*, user: User, project: Project, content: dict[str, Any], version: int) -> int:
    """Keep what is entered; returns its new version. A page that is behind another is refused (Conflict)."""
    check_storable("draft", content)
    PromptDraft.objects.get_or_create(user=user, project=project)
    saved = PromptDraft.objects.filter(user=user, project=project, version=version).update(
        content=content, version=F("version") + 1
    )
    if not saved:
        raise Conflict(
            "newer_draft",
            _("A newer draft was saved from another window. It stays, and so does this one here."),
        )
    return version + 1


def _check(project: Project, written: WrittenPrompt, language: str) -> None:
    if is_paused(project):
        raise Conflict("paused", _("The project is paused: no prompts are taken in. Your draft is kept."))
    if written.kind not in KINDS:
        raise DomainError("bad_kind", _("There is no such kind of prompt; reload the page."))
    if language not in project.languages:
        message = _("Choose one of the project's languages.")
        raise DomainError("bad_language", message, {"language": message})
    problems = dict(written.problems())
    if problems:
        message = _("Nothing was sent: the prompt is not complete.")
        raise DomainError("incomplete_prompt", f"{message} {' '.join(problems.values())}", problems)
    check_storable("prompt", written.content(language))
    check_storable("use_case", written.use_case)


def _look(project: Project, written: WrittenPrompt, content: str, *, looked_at: str) -> None:
    """Exactly the same is refused, whatever was looked at; what is like it, or personal, once."""
    if project.prompts.filter(dedupe_key=_key_of(content)).exists():
        raise Conflict(
            "prompt_exists", _("The project has this prompt already. Write another, or change this one.")
        )
    use_case = written.use_case if written.kind == Prompt.Source.USER_BASED else ""
    text = f"{content}\n\n{use_case}".strip()
    if looked_at == _key_of(text):
        return
    similar, personal = similar_prompts(project, content), personal_data(text)
    if similar or personal:
        raise WorthALook(_key_of(text), text, similar, personal)


def _key_of(text: str) -> str:
    return dedupe_key([{"role": "user", "content": text}])
