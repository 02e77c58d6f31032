"""What holds whatever was done; and what a single claim or reservation must have given.

Seats and hand-outs are looked at after each step, from the rows alone. What the product counts is asked of
it, which costs: only after each rule.
"""

from collections import defaultdict
from dataclasses import replace

from hypothesis.stateful import invariant

from labeling import actions, exports, queries
from labeling.exports import judgments
from labeling.judgment_queries import judgments_of
from labeling.models import User
from labeling.overview_queries import days_of, stages_of, sum_of, total_of
from tests.labeling.queue_machine.deeds import KINDS
from tests.labeling.queue_machine.rows import HELD
from tests.labeling.queue_machine.rule import (
    CONDITIONS,
    claim_gives,
    held_by,
    left_today,
    reservation_gives,
    waits_for,
)


class Seats:
    """before, rows: everything before the last steps and after them. steps: one, or several at once."""

    def check_seats(self):
        self.no_seat_is_given_twice()
        self.nobody_has_two_reservations()
        self.every_status_has_its_history()
        self.no_submission_is_lost()

    def no_seat_is_given_twice(self):
        at_task = defaultdict(list)
        for seat in self.rows.seats.values():
            at_task[seat.task_id].append(seat)
        for task in self.rows.tasks.values():
            seats = at_task[task.pk]
            assert task.seats_taken == sum(seat.holds_seat for seat in seats) <= task.seats_wanted
            assert len({seat.user_id for seat in seats}) == len(seats)
            for seat in seats:
                is_held = seat.status in HELD
                assert (seat.lease_until is not None) == is_held
                assert seat.holds_seat or not is_held
                assert not (seat.holds_seat and seat.status in {"skipped", "expired", "wrote", "saw"})
            submitted = sum(seat.status == "submitted" and seat.holds_seat for seat in seats)
            assert (task.status == "open") <= (submitted < task.seats_wanted)
            assert (task.status == "complete") <= (submitted == task.seats_wanted)

    def nobody_has_two_reservations(self):
        reserved = [seat.user_id for seat in self.rows.seats.values() if seat.status == "reserved"]
        assert len(set(reserved)) == len(reserved)

    def every_status_has_its_history(self):
        for changes, reached, rows, beginning in (
            (self.rows.task_changes, self.task_reached, self.rows.tasks, "open"),
            (self.rows.seat_changes, self.seat_reached, self.rows.seats, ""),
        ):
            for change in changes:
                assert change.was == reached.get(change.subject, beginning) != change.to
                reached[change.subject] = change.to
            assert {pk: reached.get(pk, beginning) for pk in rows} == {
                pk: row.status for pk, row in rows.items()
            }

    def no_submission_is_lost(self):
        stored = {pk: stored_columns(one) for pk, one in self.rows.submissions.items()}
        assert stored == self.record
        revisions = defaultdict(list)
        for assignment, revision, _key, _comment in stored.values():
            revisions[assignment].append(revision)
        new = self.rows.submissions.keys() - self.before.submissions.keys()
        touched = {self.rows.submissions[pk].assignment_id for pk in new}
        for pk, numbers in revisions.items():
            assert sorted(numbers) == list(range(1, len(numbers) + 1))
            if pk in touched:
                newest = queries.newest_submission(self.rows.seats[pk])
                assert self.record[newest.pk][:2] == (pk, len(numbers))
        assert {pk for pk, seat in self.rows.seats.items() if seat.status == "submitted"} == set(revisions)


class HandOuts:
    """What one claim or reservation gives is known exactly; of several at once, what it must never be."""

    def check_hand_outs(self):
        self.nobody_is_handed_what_does_not_fit_them()
        self.nobody_is_handed_more_than_they_may_have_open()
        self.nobody_is_handed_more_than_a_day_holds()
        self.whoever_is_suspended_holds_nothing()
        self.nobody_is_qualified_without_a_word_or_the_work()

    def check_claim(self, step, outcome):
        pk = self.people[step.person].pk
        if self.before.people[pk].is_suspended:
            assert outcome == "not_found"
            return
        expected = claim_gives(pk, step.kind, self.before)
        if isinstance(expected, str):
            assert outcome == expected
        elif outcome is None:
            assert expected == set()
            user = User.objects.get(pk=pk)
            assert queries.tasks_waiting_for(user, self.rows.project, step.kind) == 0
        else:
            assert getattr(outcome, "task_id", outcome) in expected
            seat = self.rows.seats[outcome.pk]
            assert (seat.user_id, seat.status, self.rows.tasks[seat.task_id].kind) == (
                pk,
                "leased",
                step.kind,
            )
            # Asked again it is the same one, unless there were two already.
            mine = [seat for seat in self.rows.seats_of(pk) if seat.status == "leased"]
            of_kind = [seat for seat in mine if self.rows.tasks[seat.task_id].kind == step.kind]
            assert len(of_kind) > 1 or claim_gives(pk, step.kind, self.rows) == {seat.task_id}

    def check_reservation(self, step, outcome):
        pk = self.people[step.person].pk
        if self.before.people[pk].is_suspended:
            assert outcome == "not_found"
            return
        expected = reservation_gives(pk, step.kind, self.before)
        given = None if outcome is None else outcome.task_id
        assert given in expected if expected else given is None

    def nobody_is_handed_what_does_not_fit_them(self):
        """By what held just before or just after: of one change at a time nothing else was ever so."""
        both = (self.before, self.rows)
        for seat, change in self.rows.handed_out():
            if self.is_kept_by_its_page(seat, change):
                continue
            people = [*self.between(seat.user_id), *(rows.people[seat.user_id] for rows in both)]
            tasks = [rows.tasks[seat.task_id] for rows in both if seat.task_id in rows.tasks]
            for holds in CONDITIONS:
                assert any(
                    holds(person, task, seat.user_id, rows)
                    for person in people
                    for task in tasks
                    for rows in both
                ), (holds.__name__, change, people, seat)
            statuses = {change.to for change in self.rows.task_changes if change.subject == seat.task_id}
            assert "open" in statuses | {tasks[0].status}
            assert not all(rows.project.paused_at for rows in both)

    def between(self, pk):
        """Whose qualification is lifted may have won it again by the time that we look."""
        lifted = [step for step in self.steps if step.deed == "lift_qualification"]
        if any(self.people[step.person].pk == pk for step in lifted):
            yield replace(self.rows.people[pk], is_qualified=False)

    def nobody_is_handed_more_than_they_may_have_open(self):
        for seat, change in self.rows.handed_out():
            if change.was != "reserved":
                most = max(rows.project.open_tasks for rows in (self.before, self.rows))
                assert len(held_by(seat.user_id, self.rows)) <= most

    def whoever_is_suspended_holds_nothing(self):
        for pk, person in self.rows.people.items():
            assert not (person.is_suspended and held_by(pk, self.rows))

    def nobody_is_handed_more_than_a_day_holds(self):
        """One by one; at once, what was lost long ago may be submitted while the next is handed out."""
        if len(self.steps) > 1:
            return
        for seat, change in self.rows.handed_out():
            if not self.is_kept_by_its_page(seat, change):
                assert left_today(seat.user_id, self.before) != 0

    def is_kept_by_its_page(self, seat, change):
        """A page in use keeps what it was given, or takes it again: that is no new task."""
        kept = {self.people[step.person].pk for step in self.steps if step.deed == "keep_working"}
        return change.was in {"reserved", "expired"} and seat.user_id in kept

    def nobody_is_qualified_without_a_word_or_the_work(self):
        """A manager's word, or, with a ranking that is new, enough of the pairs right."""
        given = {self.people[step.person].pk for step in self.steps if step.deed == "qualify"}
        for pk, person in self.rows.people.items():
            if person.is_qualified and not self.before.people[pk].is_qualified and pk not in given:
                assert self._has_earned_it(pk)

    def _has_earned_it(self, pk):
        """Each right answer here is that the first output is better; a tie is half a pair."""
        points = []
        for one in self.rows.submissions.values():
            seat = self.rows.seats[one.assignment_id]
            purpose = self.rows.tasks[seat.task_id].purpose
            if (seat.user_id, purpose, one.revision) != (pk, "qualify", 1):
                continue
            places = one.ranking.places if one.verdict == "ranked" else [2, 1]
            points.append((places[1] - places[0] + 1) / 2)
            is_new = one.pk not in self.before.submissions
            project, share = self.rows.project, sum(points) / len(points)
            enough = len(points) >= project.qualification_tasks and share >= project.qualification_share
            if is_new and enough:
                return True
        return False


class Counts:
    """Tasks with a known answer are no work: where progress is counted, they are not."""

    @invariant()
    def what_pages_count_is_what_is_there(self):
        counts = queries.task_counts(self.project)
        for kind in KINDS:
            collected = self.tasks_to_collect(kind)
            assert counts[kind].open == sum(task.status == "open" for task in collected)
            assert counts[kind].complete == sum(task.status == "complete" for task in collected)
            # Gold too: a number that does not go up would tell which it was.
            assert counts[kind].submissions == len(self.submitted(kind))

    @invariant()
    def what_a_person_is_told_is_what_is_there(self):
        """One person and kind after another, since each costs."""
        pk, kind = next(self.by_turns)
        user = User.objects.get(pk=pk)
        waiting = queries.tasks_waiting_for(user, self.rows.project, kind)
        assert waiting == waits_for(pk, kind, self.rows)
        mine = [seat for seat in self.submitted(kind) if seat.user_id == pk]
        assert queries.submissions_by(user, self.project)[kind] == len(mine)

    @invariant()
    def the_overview_counts_no_known_answers(self):
        total = total_of(stages_of([self.project])[self.project.pk])
        for kind in KINDS:
            counts = getattr(total, kind)
            for status in ("open", "complete", "withdrawn"):
                of_status = [task for task in self.tasks_to_collect(kind) if task.status == status]
                assert getattr(counts, status) == len(of_status)
            assert counts.left == sum(self.left_in(kind, language) for language in ("en", "zh"))
        days = sum_of(days_of([self.project])[self.project.pk])
        purposes = [self.rows.tasks[seat.task_id].purpose for seat in self.submitted()]
        assert (days.judgments, days.collected) == (len(purposes), purposes.count("collect"))

    @invariant()
    def what_trains_is_collected_and_not_set_aside(self):
        counting = [
            seat
            for seat in self.submitted()
            if self.rows.tasks[seat.task_id].purpose == "collect"
            and not self.rows.people[seat.user_id].is_set_aside
        ]
        newest = {}
        for one in self.rows.submissions.values():
            newest[one.assignment_id] = max(
                one, newest.get(one.assignment_id, one), key=lambda each: each.revision
            )
        expected = {newest[seat.pk].pk for seat in counting}
        assert set(judgments_of(self.project).values_list("pk", flat=True)) == expected
        ranked = [pk for pk in expected if self.rows.submissions[pk].verdict == "ranked"]
        assert exports.ranking_count(self.project) == len(ranked)
        written = [pk for pk in expected if self.rows.submissions[pk].verdict == "written"]
        assert judgments.demonstration_count(self.project) == len(written)

    @invariant()
    def counts_stored_are_counts_derived(self):
        assert actions.count_differences(project=self.project) == 0

    def left_in(self, kind, language):
        """Of open tasks; a judgment too many of one makes up for one that another still wants."""
        asked = [task for task in self.tasks_to_collect(kind) if task.status == "open"]
        wanted = {task.pk: task.seats_wanted for task in asked if task.language == language}
        return max(0, sum(wanted.values()) - sum(seat.task_id in wanted for seat in self.submitted()))

    def tasks_to_collect(self, kind):
        tasks = self.rows.tasks.values()
        return [task for task in tasks if (task.kind, task.purpose) == (kind, "collect")]

    def submitted(self, *kinds):
        submitted = [seat for seat in self.rows.seats.values() if seat.status == "submitted"]
        return [seat for seat in submitted if self.rows.tasks[seat.task_id].kind in (kinds or KINDS)]


def stored_columns(submission):
    """What it must never lose: whose, which revision, under which key, what was sent."""
    return (submission.assignment_id, submission.revision, submission.idempotency_key, submission.comment)
