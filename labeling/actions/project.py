"""Projects and their guidelines."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from labeling.errors import DomainError
from labeling.models import GuidelineVersion, Membership, Project, User


@transaction.atomic
def create_project(
    *,
    name: str,
    creator: User | None,
    languages: Sequence[str] = ("en",),
    completions_per_prompt: int = 4,
    overlap_share: float = 0.0,
    overlap_people: int = 2,
) -> Project:
    """A new project; whoever creates it manages it. Refuses fields out of range, naming each."""
    project = Project(
        name=name,
        languages=list(languages),
        completions_per_prompt=completions_per_prompt,
        overlap_share=overlap_share,
        overlap_people=overlap_people,
    )
    try:
        project.full_clean()
    except ValidationError as error:
        fields = {field: " ".join(messages) for field, messages in error.message_dict.items()}
        raise DomainError("bad_project", _("The project could not be created."), fields) from error
    project.save()
    if creator is not None:
        Membership.objects.create(project=project, user=creator, role=Membership.Role.MANAGER)
    return project


@transaction.atomic
def publish_guidelines(
    *, project: Project, language: str, body: str, author: User | None
) -> GuidelineVersion:
    """A new version of the guidelines in one language; older ones stay with the judgments made by them."""
    Project.objects.select_for_update().get(pk=project.pk)
    newest = GuidelineVersion.objects.filter(project=project, language=language).aggregate(n=Max("number"))[
        "n"
    ]
    return GuidelineVersion.objects.create(
        project=project, language=language, number=(newest or 0) + 1, body=body, author=author
    )
