"""Who may be given which task: one rule for the claim, the counts and the reasons why there is nothing.

A task fits a person when they work in its language and have said yes to each of its sensitive topics. And
nobody is handed more in a day than the project's cap leaves them. The rule stands here as a condition of the
ORM, as one of SQL and as a question about one task; tests/labeling/test_eligibility.py holds them together.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from labeling.days import today_in
from labeling.models import Assignment, Membership, Project, Submission, Task, Topic, User

# Of a row `pool` with a language and topics.
FITS = """
    pool.topics <@ %(topics)s::varchar[]
    AND (%(anywhere)s OR pool.language = ANY(%(languages)s::varchar[]))
"""


@dataclass(frozen=True)
class Eligibility:
    """What one person may be given in one project.

    languages: in which they work; empty: in all. topics: that they have said yes to.
    left_today: how many tasks more may be handed to them before the day is over; None: no cap.
    """

    languages: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    left_today: int | None = None

    @property
    def is_day_full(self) -> bool:
        return self.left_today == 0

    def welcome(self, at: str = "") -> Q:
        """Tasks, or rows with a task at this path, on no topic that they have not said yes to."""
        return Q(**{f"{at}topics__contained_by": list(self.topics)})

    def in_language(self, at: str = "") -> Q:
        """Tasks, or rows with a task at this path, in a language in which they work."""
        return Q(**{f"{at}language__in": self.languages}) if self.languages else Q()

    def fits(self, at: str = "") -> Q:
        """Tasks, or rows with a task at this path, that they may be given while the day is not full."""
        return self.welcome(at) & self.in_language(at)

    def allows(self, task: Task) -> bool:
        return set(task.topics) <= set(self.topics) and (
            not self.languages or task.language in self.languages
        )

    def parameters(self) -> dict[str, Any]:
        """Of the condition FITS."""
        return {
            "topics": list(self.topics),
            "languages": list(self.languages),
            "anywhere": not self.languages,
        }


def eligibility_of(user: User, project: Project) -> Eligibility:
    """Simulated annotators read nothing: they need no care and have no day."""
    if user.kind == User.Kind.SIMULATED:
        return Eligibility(topics=tuple(Topic.values))
    languages = Membership.objects.filter(user=user, project=project).values_list("languages", flat=True)
    return Eligibility(
        languages=tuple(languages.first() or ()),
        topics=tuple(user.topics),
        left_today=_left_today(user, project),
    )


def _left_today(user: User, project: Project) -> int | None:
    """What the cap leaves after today's submissions, without revisions, and what they have open."""
    if project.daily_cap is None:
        return None
    submitted = Submission.objects.filter(
        assignment__user=user,
        assignment__task__project=project,
        revision=1,
        created_at__gte=today_in(project).begin,
    )
    held = Assignment.objects.filter(
        user=user, task__project=project, status=Assignment.Status.LEASED, lease_until__gt=Now()
    )
    # One that is opened again to be revised is submitted, not leased: nothing counts twice.
    return max(0, project.daily_cap - submitted.count() - held.count())
