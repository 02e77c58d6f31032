"""What can be asked of tasks whose answer is known: how well people judge, and who is qualified."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from labeling.agreement import pairs_agreed, wilson
from labeling.models import Membership, Project, Submission, Task, User

MOST_JUDGED = 20_000  # the newest rankings of gold that are looked at: people change


@dataclass(frozen=True)
class KnownAgreement:
    """How far one person's first rankings agree with the known answers.

    share: of the pairs that the answers order; a tie is half a pair. low, high: 95 %, with the task as the
    unit, since the pairs of one task go together.
    """

    user: User
    tasks: int
    pairs: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Qualification:
    """How far somebody is who has yet to qualify: tasks done, tasks that it takes, share that agrees."""

    done: int
    wanted: int
    share: float

    @property
    def is_below(self) -> bool:
        """Enough done, and too little agreement."""
        return self.done >= self.wanted


def gold_agreement_of(project: Project) -> list[KnownAgreement]:
    """Of everybody who judged gold here lately, best first. Only a first revision counts."""
    sums = _sums_by_person(_first_revisions(project, Task.Purpose.GOLD).order_by("-pk")[:MOST_JUDGED])
    people = User.objects.only("public_id", "name", "email", "kind").in_bulk(sums)
    found = [
        KnownAgreement(people[pk], own.tasks, own.pairs, own.share, *wilson(own.share, own.tasks))
        for pk, own in sums.items()
        if own.pairs
    ]
    return sorted(found, key=lambda one: (-one.share, -one.tasks, str(one.user)))


def with_standing(project: Project, members: list[User]) -> list[User]:
    """Each with `gold`, how far they agree with the known answers, and `qualification`, what they owe."""
    gold = {one.user.pk: one for one in gold_agreement_of(project)}
    owed = _qualifications_of(members, project)
    for member in members:
        member.gold = gold.get(member.pk)  # type: ignore[attr-defined]
        member.qualification = owed.get(member.pk)  # type: ignore[attr-defined]
    return members


def agreement_at_qualifying(user: User, project: Project) -> tuple[int, float]:
    """(tasks of the qualification that this person has done, share of their pairs that agree)."""
    own = _at_qualifying([user], project).get(user.pk, _Sums())
    return own.tasks, own.share


def qualification_of(user: User, project: Project) -> Qualification | None:
    """None when nothing is asked of this person: the project asks nobody, or they are qualified."""
    return _qualifications_of([user], project).get(user.pk)


@dataclass
class _Sums:
    """What one person did, over tasks."""

    tasks: int = 0
    agreed: float = 0.0
    pairs: int = 0

    @property
    def share(self) -> float:
        return self.agreed / self.pairs if self.pairs else 0.0


def _qualifications_of(people: Sequence[User], project: Project) -> dict[int, Qualification]:
    """Of those who have yet to qualify."""
    if not project.requires_qualification:
        return {}
    asked = [person for person in people if person.kind != User.Kind.SIMULATED]
    qualified = set(
        Membership.objects.filter(user__in=asked, project=project, qualified_at__isnull=False).values_list(
            "user", flat=True
        )
    )
    owing = [person for person in asked if person.pk not in qualified]
    done = _at_qualifying(owing, project) if owing else {}
    wanted = project.qualification_tasks
    sums = {person.pk: done.get(person.pk, _Sums()) for person in owing}
    return {pk: Qualification(own.tasks, wanted, own.share) for pk, own in sums.items()}


def _at_qualifying(people: Sequence[User], project: Project) -> dict[int, _Sums]:
    first = _first_revisions(project, Task.Purpose.QUALIFY)
    return _sums_by_person(first.filter(assignment__user__in=people))


def _first_revisions(project: Project, purpose: Task.Purpose) -> QuerySet[Submission]:
    return Submission.objects.filter(
        assignment__task__project=project, assignment__task__purpose=purpose, revision=1
    )


def _sums_by_person(first: QuerySet[Submission]) -> dict[int, _Sums]:
    """A task that was set aside agrees in no pair."""
    sums: dict[int, _Sums] = defaultdict(_Sums)
    rows = first.values_list("assignment__user", "ranking__places", "assignment__task__reference_places")
    for person, places, reference in rows:
        assert reference is not None  # a constraint of the purpose
        agreed, pairs = pairs_agreed(places or reference, reference)
        own = sums[person]
        own.tasks += 1
        own.agreed += agreed if places else 0.0
        own.pairs += pairs
    return sums
