"""What people do at the queue: as pages and programs do it, through access first and one action then."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from django.db.models.functions import Now
from hypothesis import strategies as st

from labeling import access, actions
from labeling.models import Assignment, Task, User
from tests.labeling.queue_machine.rows import HELD

PEOPLE = 4
KINDS = ("rank", "demonstrate")
# What is done most often stands here more than once.
WORKING = (
    *3 * ("claim",),
    *2 * ("submit",),
    *4 * ("do_one",),
    *2 * ("prepare",),
    *3 * ("go_on",),
    "reserve",
    *2 * ("run_out",),
    "renew",
    *2 * ("keep_working",),
    "save_draft",
    "skip",
    "leave",
    *2 * ("do_all",),
    "sweep",
)
# Of somebody under whom something changes.
BEGINNING = ("claim", "prepare", "prepare", "leave")
GOING_ON = ("claim", "go_on", "reserve", "keep_working", "do_all")
# What one person does on end, each a step of its own.
SEVERAL = {
    "do_one": ("claim", "submit"),
    "prepare": ("claim", "reserve"),
    "go_on": ("claim", "reserve", "submit", "claim"),
    "leave": ("claim", "reserve", "run_out"),
    "do_all": 5 * ("claim", "submit"),
}
numbers = count(1)


@dataclass(frozen=True)
class Step:
    """Who does what. which: one of their assignments, or of the tasks, counted round; how: with what."""

    deed: str
    person: int
    kind: str
    which: int
    how: int
    key: str


def parts_of(step: Step) -> list[Step]:
    return [replace(step, deed=deed) for deed in SEVERAL.get(step.deed, (step.deed,))]


def steps(deeds: tuple[str, ...]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        deed=st.sampled_from(deeds),
        person=st.integers(0, PEOPLE - 1),
        kind=st.sampled_from([*2 * KINDS[:1], *KINDS]),
        which=st.integers(0, 11),
        how=st.integers(0, 47),
        key=st.sampled_from(["a", "b"]),
    )


@dataclass(frozen=True)
class Accepted:
    """A submission that was answered with a yes."""

    assignment: int
    key: str
    comment: str
    submission: int


class Working:
    """Each deed returns what came of it. What may not be done is refused (DomainError, 404)."""

    def claim(self, step):
        user, project = self.at_the_door(step)
        return actions.claim_task(user=user, project=project, kind=step.kind)

    def reserve(self, step):
        user, project = self.at_the_door(step)
        return actions.reserve_task(user=user, project=project, kind=step.kind)

    def renew(self, step):
        if assignment := self.assignment(step):
            actions.renew_lease(assignment=assignment)

    def keep_working(self, step):
        if assignment := self.assignment(step):
            actions.keep_working(assignment=assignment)

    def save_draft(self, step):
        if assignment := self.assignment(step):
            version = max(0, assignment.draft_version - step.which % 2)
            actions.save_draft(assignment=assignment, draft={"comment": "so far"}, version=version)

    def submit(self, step):
        assignment = self.assignment(step)
        if assignment is None:
            return
        sent = {
            "assignment": assignment,
            "idempotency_key": step.key,
            "comment": f"number {next(numbers)}",
        }
        if assignment.task.kind == "demonstrate":
            submission = actions.submit_demonstration(text="An answer.", **sent)
        elif step.how % 8 == 0:
            submission = actions.set_aside(verdict="none_usable", **sent)
        else:
            submission = actions.submit_ranking(places=[(1, 1), (2, 1 + step.which % 2)], **sent)
        self.accepted.append(Accepted(assignment.pk, step.key, sent["comment"], submission.pk))

    def skip(self, step):
        if assignment := self.assignment(step):
            actions.skip_task(assignment=assignment)

    def look(self, step):
        """At what others made of a task."""
        user, _project = self.at_the_door(step)
        actions.see_judgments(task=self.task(step), user=user)

    def run_out(self, step):
        """Somebody's leases end, by the database's clock; who notices is left open."""
        held = Assignment.objects.filter(user=self.people[step.person], lease_until__isnull=False)
        held.update(lease_until=Now() - timedelta(seconds=1))

    def sweep(self, step):
        actions.expire_leases()

    def at_the_door(self, step):
        """Who asks, and for work of which project, if they may; read anew as each request does."""
        user = User.objects.get(pk=self.people[step.person].pk)
        return user, access.project_for(user, self.project.public_id, roles=access.LABELERS)

    def assignment(self, step):
        """Mostly one of this kind that they hold."""
        user = User.objects.get(pk=self.people[step.person].pk)
        own = list(Assignment.objects.filter(user=user).select_related("task").order_by("pk"))
        held = [seat for seat in own if seat.status in HELD and seat.task.kind == step.kind]
        chosen = held if held and step.how % 4 else own
        return access.assignment_for(user, chosen[step.which % len(chosen)].public_id) if chosen else None

    def task(self, step):
        found = list(Task.objects.filter(project=self.project).order_by("pk"))
        return found[step.which % len(found)]
