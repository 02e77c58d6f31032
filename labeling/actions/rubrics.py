"""What a project asks besides the ranking."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.texts import check_storable
from labeling.errors import DomainError
from labeling.models import Project, RubricVersion, User
from labeling.rubrics.questions import Question, check_questions


@transaction.atomic
def publish_rubric(*, project: Project, questions: Sequence[Question], author: User | None) -> RubricVersion:
    """A new version of the rubric; judgments keep the version they were made by.

    Without questions people only rank again. Refuses questions that nobody could answer. The questions that
    are published already give no new version.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    newest = project.rubric_versions.order_by("-number").first()
    kept = [question.as_json() for question in questions]
    check_storable("questions", kept)
    check_questions(questions, language=project.languages[0])
    if newest is None and not kept:
        raise DomainError("empty_rubric", _("Add a question first; nothing was published."))
    if newest is not None and newest.questions == kept:
        return newest
    number = newest.number + 1 if newest else 1
    version = RubricVersion.objects.create(project=project, number=number, questions=kept, author=author)
    audit.record(
        "rubric_published",
        actor=author,
        project=project,
        subject=version,
        data={"number": number, "questions": len(kept)},
    )
    return version
