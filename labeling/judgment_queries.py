"""What can be asked of judgments: those that count, as programs read them."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from labeling.exports import people_set_aside, pseudonym
from labeling.models import Assignment, Project, Submission, Task, User


def submissions_in(project: Project) -> QuerySet[Submission]:
    """Every revision of every judgment."""
    return Submission.objects.filter(assignment__task__project=project)


def judgments_of(
    project: Project,
    *,
    kind: str | None = None,
    split: str | None = None,
    origin: str | None = None,
    annotator: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Submission]:
    """The newest revision of each collected judgment, with all that a reader of it is told.

    Without those of people who are suspended with what they did set aside.
    """
    newer = Submission.objects.filter(assignment=OuterRef("assignment"), revision__gt=OuterRef("revision"))
    wanted = {
        "assignment__task__kind": kind,
        "assignment__task__prompt__split": split,
        "origin": origin,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    found = submissions_in(project).filter(
        ~Exists(newer),
        assignment__task__purpose=Task.Purpose.COLLECT,
        assignment__status=Assignment.Status.SUBMITTED,
        **{lookup: value for lookup, value in wanted.items() if value is not None},
    )
    if people := people_set_aside(project):
        found = found.exclude(assignment__user__in=people)
    if annotator is not None:
        found = found.filter(assignment__user__in=_people_called(annotator, project))
    return found.select_related(
        "assignment__user",
        "assignment__task__prompt",
        "ranking",
        "rubric_version",
        "demonstration__completion",
    ).prefetch_related("assignment__task__slots__completion", "answers")


def _people_called(name: str, project: Project) -> list[User]:
    """Whoever has this pseudonym: it is a keyed hash, so everybody's is reckoned."""
    people = User.objects.filter(assignments__task__project=project).distinct()
    return [person for person in people if pseudonym(project, person) == name]
