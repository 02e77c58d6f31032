"""The parts of the queue benchmark: people who work, rows by the million in small, figures."""

import pytest

from benchmarks.ours.queue_rows import make_project, time_claims
from benchmarks.ours.queue_site import Annotator, write_prompts
from benchmarks.queue import medians, ratios_of
from benchmarks.queue_people import Refused, hand_outs, p95, work, work_thinking
from labeling.models import Assignment, Completion, Membership, Prompt, Ranking, Submission, Task, User


class Counting:
    """Somebody whose tasks come from a list that all share."""

    def __init__(self, tasks):
        self.tasks = tasks

    def next(self):
        return self.tasks.pop(0) if self.tasks else None

    def submit(self, task):
        assert task is not None

    def submit_for_next(self, task):
        self.submit(task)
        return self.next()

    def name_of(self, task):
        return str(task)

    def close(self):
        pass


@pytest.mark.parametrize("in_two", [False, True])
def test_people_work_until_so_many_are_done(in_two):
    tasks = list(range(1000))

    load = work([Counting(tasks), Counting(tasks)], seconds=30, most=100, in_two=in_two)

    assert 100 <= len(load.cycle_ms) <= 101
    # What is counted is handed in; each has one more, which was given last.
    assert 1000 - len(tasks) == len(load.cycle_ms) + 2
    assert load.problems == []
    assert load.cycles_per_s > 0


def test_that_the_tasks_came_to_an_end_is_told():
    load = work([Counting([1, 2, 3])], seconds=30, most=100)

    assert (len(load.cycle_ms), load.problems) == (3, ["there was no task left"])


def test_people_who_think_submit_what_they_were_given():
    load = work_thinking([Counting(list(range(1000)))] * 3, think=0.05, seconds=0.5)

    assert load.problems == []
    assert 3 <= len(load.submit_ms) <= 60


def test_a_task_that_is_given_to_two_is_seen():
    tasks = [1, 2, 2, 3, 4, 4]

    assert hand_outs([Counting(tasks), Counting(tasks)], rounds=3) == (6, 2)


def test_somebody_who_is_refused_ends_the_barrier():
    class Refusing(Counting):
        def submit(self, task):
            raise Refused("no")

    with pytest.raises(Refused):
        hand_outs([Counting(list(range(100))), Refusing(list(range(100)))], rounds=20)


def test_figures():
    assert p95([float(n) for n in range(1, 101)]) == 95.0
    assert p95([1.0] * 19) is None
    ours = {"1000": {"1": [80.0, 90.0, 100.0], "8": [100.0, 10.0, 90.0]}, "20000": {"8": [120.0]}}
    theirs = {"1000": {"1": [1.0, 2.0, 1.0], "8": [2.0, 0.1, 3.0], "32": [1.0]}}
    assert ratios_of(ours, theirs) == [80.0, 50.0]
    assert medians(ours) == {"1000": {"1": 90.0, "8": 90.0}, "20000": {"8": 120.0}}


@pytest.mark.django_db(transaction=True)
def test_tasks_made_by_sql_are_worked_through_by_the_api(live_server):
    made = make_project(tasks=30, people=3, outputs=3, judged=False, most_by_one=0)
    people = [Annotator(live_server.url, made["project"], token, 3) for token in made["tokens"]]

    load = work(people, seconds=60, most=30)

    assert set(load.problems) <= {"there was no task left"}
    assert set(Task.objects.values_list("status", "seats_taken")) == {("complete", 1)}
    assert Ranking.objects.count() == 30
    assert Prompt.objects.count() == 31 and Completion.objects.count() == 93
    assert Membership.objects.filter(role="annotator").count() == 3


@pytest.mark.django_db(transaction=True)
def test_judged_tasks_want_one_more_and_the_first_ones_are_by_one_person():
    made = make_project(tasks=40, people=4, outputs=2, judged=True, most_by_one=10)
    first = User.objects.get(email=made["first_person"])

    assert set(Task.objects.values_list("status", "seats_taken", "seats_wanted")) == {("open", 1, 2)}
    own = Assignment.objects.filter(user=first).values_list("task", flat=True)
    assert sorted(own) == list(Task.objects.order_by("pk").values_list("pk", flat=True)[:10])
    assert Submission.objects.count() == Ranking.objects.count() == Assignment.objects.count() == 40
    times = time_claims(projects=[made["project"]], people=[made["first_person"]], rounds=3)
    assert len(times["milliseconds"][0]) == 3
    assert Assignment.objects.filter(user=first, status="skipped").count() == 3


def test_the_file_to_import_has_a_row_a_line(tmp_path):
    write_prompts(tmp_path / "prompts.jsonl", 7)

    assert len((tmp_path / "prompts.jsonl").read_text().splitlines()) == 7
