"""What can be asked of tasks whose answer is known: how well people judge, and who is qualified."""

from collections.abc import Iterator
from dataclasses import dataclass

from labeling.agreement import pairs_agreed, wilson
from labeling.models import Membership, Project, Submission, Task, User


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
    """Of everybody who judged gold here, best first. Only a first revision counts."""
    sums: dict[int, tuple[int, float, int]] = {}
    for user, agreed, pairs in _judged(project, Task.Purpose.GOLD):
        tasks, agreed_before, pairs_before = sums.get(user, (0, 0.0, 0))
        sums[user] = (tasks + 1, agreed_before + agreed, pairs_before + pairs)
    people = User.objects.only("public_id", "name", "email", "kind").in_bulk(sums)
    found = []
    for pk, (tasks, agreed, pairs) in sums.items():
        if pairs:
            share = agreed / pairs
            found.append(KnownAgreement(people[pk], tasks, pairs, share, *wilson(share, tasks)))
    return sorted(found, key=lambda one: (-one.share, -one.tasks, str(one.user)))


def with_standing(project: Project, members: list[User]) -> list[User]:
    """Each with `gold`, how far they agree with the known answers, and `qualification`, what they owe."""
    gold = {one.user.pk: one for one in gold_agreement_of(project)}
    for member in members:
        member.gold = gold.get(member.pk)  # type: ignore[attr-defined]
        member.qualification = qualification_of(member, project)  # type: ignore[attr-defined]
    return members


def agreement_at_qualifying(user: User, project: Project) -> tuple[int, float]:
    """(tasks of the qualification that this person has done, share of their pairs that agree)."""
    judged = [(agreed, pairs) for _user, agreed, pairs in _judged(project, Task.Purpose.QUALIFY, user)]
    pairs = sum(pairs for _agreed, pairs in judged)
    return len(judged), sum(agreed for agreed, _pairs in judged) / pairs if pairs else 0.0


def qualification_of(user: User, project: Project) -> Qualification | None:
    """None when nothing is asked of this person: the project asks nobody, or they are qualified."""
    if not project.requires_qualification or user.kind == User.Kind.SIMULATED:
        return None
    if Membership.objects.filter(user=user, project=project, qualified_at__isnull=False).exists():
        return None
    done, share = agreement_at_qualifying(user, project)
    return Qualification(done, project.qualification_tasks, share)


def _judged(
    project: Project, purpose: Task.Purpose, user: User | None = None
) -> Iterator[tuple[int, float, int]]:
    """(person, pairs agreed, pairs) of each first revision; a task that was set aside agrees in no pair."""
    first = Submission.objects.filter(
        assignment__task__project=project, assignment__task__purpose=purpose, revision=1
    )
    if user is not None:
        first = first.filter(assignment__user=user)
    rows = first.values_list("assignment__user", "ranking__places", "assignment__task__reference_places")
    for person, places, reference in rows.order_by("pk"):
        assert reference is not None  # a constraint of the purpose
        _agreed, pairs = pairs_agreed(reference, reference)
        yield person, pairs_agreed(places, reference)[0] if places else 0.0, pairs
