"""The queue under several people who do what they like, in any order and at once: what holds after each step.

For a longer search than the suite's, raise EXAMPLES and take derandomize away. The parts are in
queue_machine/: rows (all there is), rule (who is given what), deeds and managing (what is done), invariants.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import cycle

import pytest
from django.db import connections
from django.http import Http404
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from labeling import actions
from labeling.errors import DomainError
from labeling.models import Project, Task
from tests.labeling.queue_machine.deeds import (
    BEGINNING,
    GOING_ON,
    KINDS,
    PEOPLE,
    WORKING,
    Accepted,
    Working,
    numbers,
    parts_of,
    steps,
)
from tests.labeling.queue_machine.invariants import Counts, HandOuts, Seats, stored_columns
from tests.labeling.queue_machine.managing import LANGUAGES, MANAGING, TOPICS, Managing
from tests.labeling.queue_machine.rows import Rows, read_rows
from tests.making import make_author, make_demonstration_task, make_prompt, make_ranking_task

EXAMPLES, STEPS = 15, 15
SEATS = {"rank": (1, 1, 2, 3, 1, 2, 2, 1, 2, 3), "demonstrate": (1, 2)}


@dataclass(frozen=True)
class Made:
    """One of the tasks that there are in the beginning."""

    language: str
    topics: tuple[str, ...]
    in_set: int
    purpose: str
    priority: int


MADE = st.builds(
    Made,
    language=st.sampled_from([*3 * ("en",), "zh"]),
    topics=st.sampled_from([*5 * ((),), ("hate",)]),
    in_set=st.sampled_from([*5 * (0,), 1, 2, 3]),
    purpose=st.sampled_from([*4 * ("collect",), "evaluate", *2 * ("gold",), "qualify"]),
    priority=st.sampled_from([0, 0, 1, 3]),
)
ALL = sum(map(len, SEATS.values()))


class Queue(Working, Managing, Seats, HandOuts, Counts, RuleBasedStateMachine):
    """Real PostgreSQL; a project of its own for each example."""

    def __init__(self):
        super().__init__()
        number = next(numbers)
        self.manager, *self.people = (
            actions.add_person(email=f"queue-{number}-{n}@example.org", name=f"P{n}")
            for n in range(PEOPLE + 1)
        )
        self.project = actions.create_project(
            name=f"Queue {number}", creator=self.manager, languages=["en", "zh"], overlap_people=1
        )
        for person in self.people:
            actions.add_member(project=self.project, user=person, role="annotator")
        self.by_turns = cycle([(person.pk, kind) for person in self.people for kind in KINDS])
        self.rows: Rows | None = None
        self.accepted: list[Accepted] = []
        self.submission_of: dict[tuple[int, str], int] = {}  # (assignment, key) → submission
        self.record: dict[int, tuple[int, int, str, str]] = {}  # what was stored of each when it was new
        self.task_reached: dict[int, str] = {}
        self.seat_reached: dict[int, str] = {}

    @initialize(
        made=st.lists(MADE, min_size=ALL, max_size=ALL),
        project=st.fixed_dictionaries(
            {
                "gold_share": st.sampled_from([0.0, 0.5, 1.0]),
                "requires_qualification": st.sampled_from([False, False, True]),
                "open_tasks": st.sampled_from([1, 2, 3]),
                "daily_cap": st.sampled_from([None, None, None, 3]),
                "language_priorities": st.sampled_from([{}, {"zh": 2}]),
            }
        ),
        careless=st.lists(st.sampled_from(TOPICS), min_size=PEOPLE, max_size=PEOPLE),
        languages=st.lists(st.sampled_from([(), *LANGUAGES]), min_size=PEOPLE, max_size=PEOPLE),
    )
    def begin(self, made, project, careless, languages):
        easy = {"qualification_tasks": 1, "qualification_share": 0.5}
        Project.objects.filter(pk=self.project.pk).update(**project, **easy)
        actions.set_group(user=self.people[-1], group="held_out", **self.by_the_manager)
        for name, people, group in (
            ("Two", self.people[:2], ""),
            ("Held out", [], "held_out"),
            ("All", [], ""),
        ):
            actions.create_task_set(name=name, people=people, group=group, **self.by_the_manager)
        for person, topics, codes in zip(self.people, careless, languages, strict=True):
            actions.choose_topics(user=person, topics=topics)
            actions.set_languages(user=person, languages=codes, **self.by_the_manager)
        kinds = [(kind, seats) for kind, wanted in SEATS.items() for seats in wanted]
        author = make_author()
        for (kind, seats), one in zip(kinds, made, strict=True):
            self.make(author, kind, seats, one)
        self.look_at([])

    def make(self, author, kind, seats, made):
        about = {"author": author, "language": made.language, "topics": made.topics}
        if kind == "demonstrate":
            task = make_demonstration_task(self.project, **about)
        else:
            prompt = make_prompt(self.project, **about)
            known = made.purpose in {"gold", "qualify"}
            purpose = {} if known else {"purpose": made.purpose}
            task = make_ranking_task(self.project, ["one", "two"], prompt=prompt, **purpose)
            if known:
                actions.set_reference(
                    task=task, places=[(1, 1), (2, 2)], purpose=made.purpose, seats=seats, actor=self.manager
                )
        task_set = [None, *self.task_sets][made.in_set]
        Task.objects.filter(pk=task.pk).update(seats_wanted=seats, task_set=task_set, priority=made.priority)

    # --- steps

    @rule(some=st.lists(steps((*WORKING, *WORKING, *MANAGING)), min_size=3, max_size=6))
    def one_after_the_other(self, some):
        for step in some:
            self.all_of(step)

    @rule(first=steps(BEGINNING), change=steps(MANAGING), then=steps(GOING_ON))
    def something_changes_under_somebody(self, first, change, then):
        self.all_of(first)
        self.all_of(replace(change, person=first.person))
        self.all_of(replace(then, person=first.person, kind=first.kind if then.which % 2 else then.kind))

    def all_of(self, step):
        for part in parts_of(step):
            self.one(part)

    def one(self, step):
        outcome = self.act(step)
        self.look_at([step])
        if step.deed == "claim":
            self.check_claim(step, outcome)
        if step.deed == "reserve":
            self.check_reservation(step, outcome)

    @rule(work=st.lists(steps(WORKING), min_size=1, max_size=3), last=steps((*WORKING, *MANAGING)))
    def at_once(self, work, last):
        """Each in a thread and with a connection of its own; of what managers change, one thing at a time."""
        together = [*work, last]
        barrier, problems = threading.Barrier(len(together)), []

        def do(step):
            try:
                barrier.wait(timeout=10)
                for part in parts_of(step):
                    self.act(part)
            except Exception as problem:
                problems.append((step, problem))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=do, args=(step,)) for step in together]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert problems == []
        assert not any(thread.is_alive() for thread in threads)
        self.look_at([part for step in together for part in parts_of(step)])

    def act(self, step):
        """What came of it; the code of a refusal. Anything else that is raised is a fault."""
        try:
            return getattr(self, step.deed)(step)
        except DomainError as refusal:
            return refusal.code
        except Http404:
            return "not_found"

    # --- what is remembered, to compare with

    def look_at(self, steps):
        self.steps = steps
        self.read()
        self.take_into_the_record()
        self.check_seats()
        self.check_hand_outs()

    def read(self):
        self.before = self.rows
        known = self.rows.newest_changes if self.rows else (0, 0)
        self.rows = read_rows(self.project, self.people, known)
        self.before = self.before or self.rows

    def take_into_the_record(self):
        """What was accepted is stored; the same key is the same submission, as it was taken first."""
        sent = defaultdict(set)
        for one in self.accepted:
            sent[one.assignment, one.key].add(one.comment)
        for one in self.accepted:
            known = self.submission_of.setdefault((one.assignment, one.key), one.submission)
            assert one.submission == known
            if known not in self.record:
                stored = stored_columns(self.rows.submissions[known])
                assert stored[0] == one.assignment and stored[2] == one.key
                assert stored[3] in sent[one.assignment, one.key]
                self.record[known] = stored
        self.accepted.clear()


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
