"""The queue under several people who do what they like, in any order and at once: what holds after each step.

For a longer search than the suite's, raise EXAMPLES and take derandomize away.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, cycle

import pytest
from django.db import connections
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from labeling import actions, queries
from labeling.errors import DomainError
from labeling.models import (
    Assignment,
    AssignmentStatusChange,
    Project,
    Submission,
    Task,
    TaskStatusChange,
)
from tests.making import make_demonstration_task, make_ranking_task

EXAMPLES, STEPS = 15, 25
PEOPLE = 4
KINDS = ("rank", "demonstrate")
SEATS_WANTED = {"rank": (1, 1, 2, 3), "demonstrate": (1, 2)}
# What is done most often stands here more than once.
DEEDS = (
    *3 * ("claim",),
    *3 * ("submit",),
    *2 * ("reserve",),
    *2 * ("run_out",),
    "renew",
    "keep_working",
    "save_draft",
    "skip",
    "sweep",
    "pause",
    *2 * ("resume",),
    "withdraw",
    "reopen",
)
_numbers = count(1)


@dataclass(frozen=True)
class Step:
    """Who does what. which: one of their assignments, or of the tasks, counted round."""

    deed: str
    person: int
    kind: str
    which: int
    key: str


STEP = st.builds(
    Step,
    deed=st.sampled_from(DEEDS),
    person=st.integers(0, PEOPLE - 1),
    kind=st.sampled_from(KINDS),
    which=st.integers(0, 7),
    key=st.sampled_from(["a", "b"]),
)


@dataclass(frozen=True)
class Accepted:
    """A submission that was answered with a yes."""

    assignment: int
    key: str
    comment: str
    submission: int


class Queue(RuleBasedStateMachine):
    """Real PostgreSQL; a project of its own for each example."""

    def __init__(self):
        super().__init__()
        number = next(_numbers)
        self.project = actions.create_project(name=f"Queue {number}", creator=None, overlap_people=1)
        self.people = [
            actions.add_person(email=f"queue-{number}-{n}@example.org", name=f"P{n}") for n in range(PEOPLE)
        ]
        for kind, wanted in SEATS_WANTED.items():
            for seats in wanted:
                ranks = kind == "rank"
                made = (
                    make_ranking_task(self.project, ["one", "two"])
                    if ranks
                    else make_demonstration_task(self.project)
                )
                Task.objects.filter(pk=made.pk).update(seats_wanted=seats)
        self.by_turns = cycle([*self.people, self.people[0]])  # so that each meets each kind
        self.accepted: list[Accepted] = []
        self.submission_of: dict[tuple[int, str], int] = {}  # (assignment, key) → submission
        self.record: dict[int, tuple[int, int, str, str]] = {}  # what was stored of each when it was new

    # --- steps

    @rule(step=STEP)
    def one(self, step):
        outcome = self.act(step)
        self.take_into_the_record()
        if step.deed == "claim":
            self.check_claim(step, outcome)

    @rule(steps=st.lists(STEP, min_size=2, max_size=4))
    def at_once(self, steps):
        """Each in a thread and with a connection of its own."""
        barrier, problems = threading.Barrier(len(steps)), []

        def work(step):
            try:
                barrier.wait(timeout=10)
                self.act(step)
            except Exception as problem:
                problems.append((step, problem))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=(step,)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert problems == []
        assert not any(thread.is_alive() for thread in threads)
        self.take_into_the_record()

    def act(self, step):
        """What came of it; the code of a refusal. Anything else that is raised is a fault."""
        try:
            return getattr(self, step.deed)(step)
        except DomainError as refusal:
            return refusal.code

    # --- deeds

    def claim(self, step):
        project = Project.objects.get(pk=self.project.pk)
        return actions.claim_task(user=self.people[step.person], project=project, kind=step.kind)

    def reserve(self, step):
        project = Project.objects.get(pk=self.project.pk)
        return actions.reserve_task(user=self.people[step.person], project=project, kind=step.kind)

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
            "comment": f"number {next(_numbers)}",
        }
        if assignment.task.kind == "rank":
            submission = actions.submit_ranking(places=[(1, 1), (2, 1 + step.which % 2)], **sent)
        else:
            submission = actions.submit_demonstration(text="An answer.", **sent)
        self.accepted.append(Accepted(assignment.pk, step.key, sent["comment"], submission.pk))

    def skip(self, step):
        if assignment := self.assignment(step):
            actions.skip_task(assignment=assignment)

    def run_out(self, step):
        """Somebody's leases end, by the database's clock; who notices is left open."""
        held = Assignment.objects.filter(user=self.people[step.person], lease_until__isnull=False)
        held.update(lease_until=Now() - timedelta(seconds=1))

    def sweep(self, step):
        actions.expire_leases()

    def pause(self, step):
        actions.pause_project(project=self.project, reason="Lunch.")

    def resume(self, step):
        actions.resume_project(project=self.project)

    def withdraw(self, step):
        actions.withdraw_task(task=self.task(step), actor=self.people[0])

    def reopen(self, step):
        actions.reopen_task(task=self.task(step), actor=self.people[0])

    def assignment(self, step):
        own = Assignment.objects.filter(user=self.people[step.person]).select_related("task")
        found = list(own.order_by("pk"))
        return found[step.which % len(found)] if found else None

    def task(self, step):
        found = list(Task.objects.filter(project=self.project).order_by("pk"))
        return found[step.which % len(found)]

    # --- what is remembered, to compare with

    def take_into_the_record(self):
        """What was accepted is stored; the same key is the same submission, as it was taken first."""
        sent = defaultdict(set)
        for one in self.accepted:
            sent[one.assignment, one.key].add(one.comment)
        for one in self.accepted:
            known = self.submission_of.setdefault((one.assignment, one.key), one.submission)
            assert one.submission == known
            if known not in self.record:
                stored = stored_submissions(self.project)[known]
                assert stored[0] == one.assignment and stored[2] == one.key
                assert stored[3] in sent[one.assignment, one.key]
                self.record[known] = stored
        self.accepted.clear()

    def check_claim(self, step, outcome):
        user, project = self.people[step.person], Project.objects.get(pk=self.project.pk)
        if project.paused_at:
            assert outcome == "paused"
        elif outcome is None:
            assert queries.tasks_waiting_for(user, project, step.kind) == 0
        else:
            outcome.refresh_from_db()
            assert (outcome.user, outcome.status, outcome.task.kind) == (user, "leased", step.kind)
            # Asked again it is the same one, unless there were two already.
            own = Assignment.objects.filter(user=user, task__kind=step.kind, status="leased")
            assert own.count() > 1 or self.claim(step) == outcome

    # --- what holds

    @invariant()
    def no_seat_is_given_twice(self):
        for task in Task.objects.filter(project=self.project).prefetch_related("assignments"):
            seats = list(task.assignments.all())
            assert task.seats_taken == sum(seat.holds_seat for seat in seats) <= task.seats_wanted
            assert len({seat.user_id for seat in seats}) == len(seats)
            for seat in seats:
                is_held = seat.status in {"reserved", "leased"}
                assert (seat.lease_until is not None) == is_held
                assert seat.holds_seat or not is_held
                assert not (seat.holds_seat and seat.status in {"skipped", "expired"})
            submitted = sum(seat.status == "submitted" and seat.holds_seat for seat in seats)
            assert (task.status == "open") <= (submitted < task.seats_wanted)
            assert (task.status == "complete") <= (submitted == task.seats_wanted)

    @invariant()
    def nobody_has_two_reservations(self):
        reserved = Assignment.objects.filter(status="reserved").values_list("user", flat=True)
        assert len(set(reserved)) == len(reserved)

    @invariant()
    def no_submission_is_lost(self):
        stored = stored_submissions(self.project)
        assert stored == self.record
        revisions = defaultdict(list)
        for assignment, revision, _key, _comment in stored.values():
            revisions[assignment].append(revision)
        for pk, numbers in revisions.items():
            assert sorted(numbers) == list(range(1, len(numbers) + 1))
            assignment = Assignment.objects.get(pk=pk)
            newest = queries.newest_submission(assignment)
            assert assignment.status == "submitted"
            assert self.record[newest.pk][:2] == (pk, len(numbers))
        submitted = Assignment.objects.filter(task__project=self.project, status="submitted")
        assert set(submitted.values_list("pk", flat=True)) == set(revisions)

    @invariant()
    def every_status_has_its_history(self):
        for model, changes, beginning in (
            (Task.objects.filter(project=self.project), TaskStatusChange, "open"),
            (Assignment.objects.filter(task__project=self.project), AssignmentStatusChange, ""),
        ):
            reached = dict.fromkeys(model.values_list("pk", flat=True), beginning)
            for change in changes.objects.filter(subject__in=model).order_by("pk"):
                assert change.from_status == reached[change.subject_id] != change.to_status
                reached[change.subject_id] = change.to_status
            assert reached == dict(model.values_list("pk", "status"))

    @invariant()
    def what_pages_count_is_what_is_there(self):
        tasks = list(Task.objects.filter(project=self.project))
        seats = list(Assignment.objects.filter(task__project=self.project))
        counts = queries.task_counts(self.project)
        for kind in KINDS:
            of_kind = [task for task in tasks if task.kind == kind]
            ids = {task.pk for task in of_kind}
            assert counts[kind].open == sum(task.status == "open" for task in of_kind)
            assert counts[kind].complete == sum(task.status == "complete" for task in of_kind)
            done = [seat for seat in seats if seat.task_id in ids and seat.status == "submitted"]
            assert counts[kind].submissions == len(done)
            user = next(self.by_turns)
            waits = sum(waits_for(user, task, seats) for task in of_kind)
            assert queries.tasks_waiting_for(user, self.project, kind) == waits
            mine = sum(seat.user_id == user.pk for seat in done)
            assert queries.submissions_by(user, self.project)[kind] == mine


def waits_for(user, task, seats):
    """Whether this task could still be given to this person, by the rule in words."""
    of_task = [seat for seat in seats if seat.task_id == task.pk]
    own = next((seat for seat in of_task if seat.user_id == user.pk), None)
    if own is not None and own.status == "leased":
        return True
    if task.status != "open":
        return False
    is_free = task.seats_taken < task.seats_wanted
    if own is not None:
        return own.status == "reserved" or (own.status == "expired" and is_free)
    return is_free or any(seat.status == "reserved" for seat in of_task)


def stored_submissions(project):
    """Each with what it must never lose: whose, which revision, under which key, what was sent."""
    columns = ("assignment_id", "revision", "idempotency_key", "comment")
    submissions = Submission.objects.filter(project=project)
    return {pk: tuple(rest) for pk, *rest in submissions.values_list("pk", *columns)}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_whatever_people_do_in_whatever_order_the_queue_holds():
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
