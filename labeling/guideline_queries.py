"""Which guidelines a person works by, and whether they have seen them since they changed."""

from dataclasses import dataclass

from django.db.models import Case, Exists, OuterRef, QuerySet, When

from labeling.models import Assignment, GuidelineAcknowledgement, GuidelineVersion, Project, User


@dataclass(frozen=True)
class ChangedGuidelines:
    """A version that came after the person had begun, and the one they knew (None: there was none)."""

    newest: GuidelineVersion
    known: GuidelineVersion | None


def in_language(project: Project, language: str) -> QuerySet[GuidelineVersion]:
    """Newest first: in this language (zh-hans: in zh), else in English, else in any."""
    wanted = dict.fromkeys((language, language.partition("-")[0], "en"))
    choice = Case(
        *(When(language=code, then=place) for place, code in enumerate(wanted)), default=len(wanted)
    )
    return project.guideline_versions.order_by(choice, "-number")


def unread_version(user: User, project: Project, language: str) -> GuidelineVersion | None:
    """The newest guidelines, when they came after this person's first task and were not acknowledged yet."""
    began_before = Assignment.objects.filter(
        user=user, task__project=project, created_at__lt=OuterRef("created_at")
    )
    acknowledged = GuidelineAcknowledgement.objects.filter(user=user, version=OuterRef("pk"))
    newest = (
        in_language(project, language)
        .annotate(is_unread=Exists(began_before) & ~Exists(acknowledged))
        .defer("body")
        .first()
    )
    return newest if newest is not None and newest.is_unread else None


def changed_guidelines(user: User, project: Project, language: str) -> ChangedGuidelines | None:
    """What to show somebody who is asked to acknowledge; None when there is nothing new for them."""
    newest = unread_version(user, project, language)
    if newest is None:
        return None
    older = project.guideline_versions.filter(language=newest.language, number__lt=newest.number)
    known = older.filter(acknowledgements__user=user).order_by("-number").first()
    if known is None:
        began = Assignment.objects.filter(user=user, task__project=project).order_by("created_at")
        known = older.filter(created_at__lte=began.values("created_at")[:1]).order_by("-number").first()
    return ChangedGuidelines(newest, known)
