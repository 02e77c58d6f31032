"""Who is given what, said once more: by looking at every row, and with none of the product's own code.

It is slow and plain on purpose, so that what the product does with one statement can be held against it.
"""

from collections.abc import Collection, Iterable

from django.utils import timezone

from labeling.models import Assignment, Task
from tests.labeling.queue_machine.rows import HELD, Person, Rows, shelf_of

WORK = ("collect", "evaluate")


def is_welcome(person: Person, task: Task, _pk: int, _rows: Rows) -> bool:
    return all(topic in person.topics for topic in task.topics)


def is_in_their_language(person: Person, task: Task, _pk: int, _rows: Rows) -> bool:
    return not person.languages or task.language in person.languages


def is_in_their_set(person: Person, task: Task, pk: int, rows: Rows) -> bool:
    if task.task_set_id is None:
        return True
    task_set = rows.sets[task.task_set_id]
    is_for_all = not task_set.people and not task_set.group
    return is_for_all or pk in task_set.people or task_set.group == person.group


def is_of_their_purpose(person: Person, task: Task, _pk: int, rows: Rows) -> bool:
    if rows.project.requires_qualification and not person.is_qualified:
        return task.purpose == "qualify"
    return task.purpose in WORK or (task.purpose == "gold" and rows.project.gold_share > 0)


CONDITIONS = (is_welcome, is_in_their_language, is_in_their_set, is_of_their_purpose)


def fits(pk: int, task: Task, rows: Rows) -> bool:
    return all(holds(rows.people[pk], task, pk, rows) for holds in CONDITIONS)


def held_by(pk: int, rows: Rows) -> list[Assignment]:
    """What they have open or reserved; what ran out is not held, swept or not."""
    return [seat for seat in rows.seats_of(pk) if seat.status in HELD and not seat.is_over]


def left_today(pk: int, rows: Rows) -> int | None:
    """None without a cap. The project's days are of UTC."""
    if rows.project.daily_cap is None:
        return None
    today = timezone.now().date()
    first = [one for one in rows.submissions.values() if one.revision == 1 and one.created_at.date() == today]
    done = sum(rows.seats[one.assignment_id].user_id == pk for one in first)
    leased = sum(seat.status == "leased" for seat in held_by(pk, rows))
    return max(0, rows.project.daily_cap - done - leased)


class Next:
    """What one person who asks for a task of one kind could be given, by what comes first."""

    def __init__(self, pk: int, kind: str, rows: Rows):
        self.pk, self.kind, self.rows = pk, kind, rows
        self.own = {seat.task_id: seat for seat in rows.seats_of(pk) if self._is_of_kind(seat)}
        self.fitting = [
            task
            for task in rows.tasks.values()
            if task.kind == kind and task.status == "open" and fits(pk, task, rows)
        ]

    def _is_of_kind(self, seat: Assignment) -> bool:
        return self.rows.tasks[seat.task_id].kind == self.kind

    @property
    def open(self) -> list[Task]:
        """What was begun comes again, unless they have not said yes to what it is about by now."""
        begun = [
            self.rows.tasks[pk]
            for pk, seat in self.own.items()
            if seat.status == "leased" and not seat.is_over
        ]
        return [task for task in begun if is_welcome(self.rows.people[self.pk], task, self.pk, self.rows)]

    @property
    def reserved(self) -> list[Task]:
        return [task for task in self.fitting if self._status(task) == "reserved"]

    @property
    def own_run_out(self) -> list[Task]:
        return [task for task in self.fitting if self._is_over(task)]

    @property
    def let_expire(self) -> list[Task]:
        """Swept or not: the seat of what ran out is free."""
        expired = [task for task in self.fitting if self._status(task) == "expired"]
        return self.own_run_out + [
            task for task in expired if is_free(task) or self._has_seat(task, is_over=True)
        ]

    @property
    def expired_and_free(self) -> list[Task]:
        return [task for task in self.fitting if self._status(task) == "expired" and is_free(task)]

    @property
    def free(self) -> list[Task]:
        return [task for task in self._never_had if is_free(task)]

    @property
    def run_out(self) -> list[Task]:
        """Seats that others lost without anybody's noticing."""
        return [task for task in self._never_had if self._has_seat(task, is_over=True)]

    @property
    def lent(self) -> list[Task]:
        """Seats that others have only reserved."""
        return [task for task in self._never_had if self._has_seat(task, status="reserved")]

    def first_of(self, tasks: Collection[Task]) -> set[int]:
        """Which of these free tasks may come: two where the lot decides between work and gold.

        What lies behind where this person has walked on a shelf comes when there is nothing else.
        """
        ahead = [task for task in tasks if self._is_ahead(task)]
        return self.first_from_the_beginning(ahead) or self.first_from_the_beginning(tasks)

    def first_from_the_beginning(self, tasks: Collection[Task]) -> set[int]:
        work = sorted((task for task in tasks if task.purpose != "gold"), key=self._order)
        gold = sorted((task for task in tasks if task.purpose == "gold"), key=self._order)
        share = self.rows.project.gold_share
        turns = [work + gold] * (share < 1) + [gold + work] * (share > 0)
        return {turn[0].pk for turn in turns if turn}

    def _is_ahead(self, task: Task) -> bool:
        return task.pk >= self.rows.places.get((self.pk, self.kind, *shelf_of(task)), 0)

    def _order(self, task: Task) -> tuple[int, int]:
        return -(task.priority + self.rows.project.language_priorities.get(task.language, 0)), task.pk

    @property
    def _never_had(self) -> list[Task]:
        return [task for task in self.fitting if task.pk not in self.own]

    def _status(self, task: Task) -> str:
        return self.own[task.pk].status if task.pk in self.own else ""

    def _is_over(self, task: Task) -> bool:
        return self._status(task) == "leased" and self.own[task.pk].is_over

    def _has_seat(self, task: Task, *, status: str = "", is_over: bool = False) -> bool:
        held = [seat for seat in self.rows.seats_at(task.pk) if seat.status in HELD]
        return any(seat.is_over if is_over else seat.status == status for seat in held)


def is_free(task: Task) -> bool:
    return task.seats_taken < task.seats_wanted


def claim_gives(pk: int, kind: str, rows: Rows) -> set[int] | str:
    """The tasks of which a claim gives one, none if there are none; or the code of its refusal."""
    if rows.project.paused_at:
        return "paused"
    ask = Next(pk, kind, rows)
    if ask.open:
        return _keys(ask.open)
    if left_today(pk, rows) == 0:
        return set()
    if ask.reserved:
        return _keys(ask.reserved)
    # A reservation makes room.
    if sum(seat.status == "leased" for seat in held_by(pk, rows)) >= rows.project.open_tasks:
        return "too_many_open"
    if ask.let_expire:
        return _keys(ask.let_expire)
    # Whoever has something begun has what ran out swept first.
    has_begun = any(seat.status in (*HELD, "expired") for seat in rows.seats_of(pk))
    if free := ask.first_of({*ask.free, *ask.run_out} if has_begun else ask.free):
        return free
    return ask.first_from_the_beginning(ask.run_out) or _keys(ask.lent)


def reservation_gives(pk: int, kind: str, rows: Rows) -> set[int]:
    """The tasks of which a reservation holds one."""
    ask = Next(pk, kind, rows)
    is_at_work = any(seat.status == "leased" for seat in ask.own.values())
    if rows.project.paused_at or left_today(pk, rows) == 0 or not is_at_work or ask.expired_and_free:
        return set()
    if ask.reserved:
        return _keys(ask.reserved)
    # One of another kind, or that does not fit any more, goes back.
    if sum(seat.status == "leased" for seat in held_by(pk, rows)) >= rows.project.open_tasks:
        return set()
    return ask.first_of(ask.free)


def waits_for(pk: int, kind: str, rows: Rows) -> int:
    """How many tasks this person could still be given today, before anything that ran out is swept."""
    ask = Next(pk, kind, rows)
    begun, left = _keys(ask.open), left_today(pk, rows)
    others = {*ask.reserved, *ask.own_run_out, *ask.expired_and_free, *ask.free, *ask.lent}
    everything = begun | _keys(others)
    return len(everything) if left is None else min(len(everything), len(begun) + left)


def _keys(tasks: Iterable[Task]) -> set[int]:
    return {task.pk for task in tasks}
