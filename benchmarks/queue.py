"""The queue: hand-outs and submissions by the API, at up to a million tasks, beside Label Studio's.

python -m benchmarks.queue [--setup | --quick]

Server, PostgreSQL and workers have one core, the people who ask another. A cycle hands a task in and gets the
next one, by as few requests as the program's API takes for that: here one, Label Studio has two. `in_two` are
ours with a claim and a submission apart.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import psutil

from benchmarks.environments import DIRECTORY, LABEL_STUDIO, arguments
from benchmarks.ours.page_site import Site, running_site
from benchmarks.ours.queue_site import NO_THROTTLE, OurProject, ask, make_project, write_prompts
from benchmarks.peers.label_studio import LabelStudio, running_label_studio
from benchmarks.peers.label_studio_queue import Annotator as PeerAnnotator
from benchmarks.queue_database import Database, running_postgres
from benchmarks.queue_people import Labeler, hand_outs, p95, work, work_thinking
from benchmarks.queue_plan import FULL, QUICK, Plan

MODULE = "benchmarks.queue"
WANTED = {
    "next_p95_ms": "at most 100",
    "submit_p95_ms": "at most 150",
    "claim_p95_growth": "at most 1.5",
    "duplicates": "0",
    "dashboard_first_byte_s": "at most 0.5",
    "cycles_ratio": "at least 30",
}
SHARE = 80  # per cent of a project's tasks are done at most: what is measured is not how it ends
NAMES = ("cycles_per_s", "cpu_ms_a_cycle")
WHOSE = {"": "ours", "in_two_": "ours, in two requests", "peer_": "Label Studio"}
Figures = dict[str, Any]
Pids = tuple[int, ...]
Rounds = dict[str, dict[str, list[float]]]  # by tasks and people


def main() -> None:
    options = arguments(MODULE, __doc__ or "")
    if options.setup:
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        LABEL_STUDIO.set_up()
        return
    if not LABEL_STUDIO.is_set_up:
        sys.exit(f"not set up ({LABEL_STUDIO.name}): type python -m {MODULE} --setup first")
    plan = QUICK if options.quick else FULL
    cores = sorted(os.sched_getaffinity(0))
    say(f"servers on core {cores[0]}, people on core {cores[-1]}; load {os.getloadavg()[0]:.1f}")
    figures: Figures = {"load_before": os.getloadavg()[0]}
    figures |= {side + name: {} for side in WHOSE for name in NAMES}
    with (
        on_core(cores[0]),
        running_postgres() as database,
        running_site(DATABASE_URL=database.url, **NO_THROTTLE) as site,
        peer_beside(site, database) as studio,
        on_core(cores[-1]),
    ):
        servers = (site.pid, database.pid)
        people = max(plan.people)
        unmeasured = make_project(site, tasks=plan.few_tasks, people=people, outputs=plan.outputs)
        warm_up(unmeasured.annotators(people), plan)
        peers = Peers(studio, (database.pid, studio.pid), plan)
        warm_up(peers.annotators(plan.few_tasks, max(plan.peer_people)), plan)
        for tasks in plan.small_sizes:
            side_by_side(site, servers, peers, plan, tasks, figures)
        large(site, servers, plan, figures)
        figures |= imported(site, plan)
        figures |= handed_out(site, plan)
    for side, suffix in (("", ""), ("in_two_", "_in_two")):
        for name, over, under in (
            ("cycles_ratio" + suffix, side + NAMES[0], "peer_" + NAMES[0]),
            ("cycles_ratio_by_cpu" + suffix, "peer_" + NAMES[1], side + NAMES[1]),
        ):
            ratios = ratios_of(figures[over], figures[under])
            figures |= {name: round(geometric_mean(ratios), 1), f"{name}_least": round(min(ratios), 1)}
    for side in WHOSE:
        for name in NAMES:
            figures[side + name] = medians(figures[side + name])
    figures["load_after"] = os.getloadavg()[0]
    report(figures)
    print(json.dumps(figures))


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """This thread, and whatever it starts meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# --- side by side


def side_by_side(site: Site, servers: Pids, peers: Peers, plan: Plan, tasks: int, figures: Figures) -> None:
    """Both programs and both ways of ours by turns. Ours gets new projects for each number of people and each
    way: in a small one the tasks come to an end."""
    most = tasks * SHARE // 100 // plan.rounds
    for people in plan.people:
        one, two = (
            make_project(site, tasks=tasks, people=people, outputs=plan.outputs).annotators(people)
            for _way in range(2)
        )
        theirs = peers.annotators(tasks, people) if peers.have(tasks, people) else None
        for _ in range(plan.rounds):
            one_round(figures, "", tasks, servers, one, plan.seconds, most)
            one_round(figures, "in_two_", tasks, servers, two, plan.seconds, most)
            if theirs:
                one_round(figures, "peer_", tasks, peers.pids, theirs, plan.peer_seconds, most)


# --- this program


def large(site: Site, servers: Pids, plan: Plan, figures: Figures) -> None:
    """A million tasks, each judged once and wanting one more: of one person thousands lie in front."""
    began = time.monotonic()
    project, little = (
        make_project(
            site,
            tasks=tasks,
            people=max(*plan.people, plan.thinking_people),
            outputs=plan.many_outputs,
            judged=True,
            most_by_one=tasks // plan.one_in,
        )
        for tasks in (plan.many_tasks, plan.few_tasks)
    )
    say(f"{plan.many_tasks:,} tasks and judgments made in {time.monotonic() - began:.0f} s")
    figures["dashboard_first_byte_s"] = round(project.dashboard_seconds(), 3)
    figures |= growth(site, plan, little, project)
    for people in plan.people:
        for _ in range(plan.rounds):
            labelers = project.annotators(people)
            one_round(figures, "", plan.many_tasks, servers, labelers, plan.seconds, plan.many_tasks)
    load = work_thinking(
        project.annotators(plan.thinking_people), think=plan.think_seconds, seconds=plan.thinking_seconds
    )
    figures |= {
        "next_p95_ms": p95(load.next_ms),
        "submit_p95_ms": p95(load.submit_ms),
        "thinking_cycles": len(load.submit_ms),
        "thinking_problems": load.problems[:3],
    }


def growth(site: Site, plan: Plan, few: OurProject, many: OurProject) -> Figures:
    """How much longer a claim takes, the API aside; of one who has judged the first ones."""
    times = ask(
        site,
        do="claims",
        projects=[few.public_id, many.public_id],
        people=[few.first_person, many.first_person],
        rounds=plan.claims,
    )["milliseconds"]
    few_ms, many_ms = (p95(of_project) or 0.0 for of_project in times)
    return {
        "claim_p95_growth": round(many_ms / few_ms, 2),
        "claim_p95_ms": {str(plan.few_tasks): few_ms, str(plan.many_tasks): many_ms},
        "claim_slowest_ms": round(max(times[1]), 1),
    }


def warm_up(labelers: Sequence[Labeler], plan: Plan) -> None:
    """A while that is not counted: after it, each thread of a server has loaded what it needs."""
    work(labelers, seconds=plan.warm_up_seconds, most=plan.few_tasks * SHARE // 100)


def imported(site: Site, plan: Plan) -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "prompts.jsonl"
        write_prompts(path, plan.import_rows)
        done = ask(site, do="import", path=str(path))
    assert done["added"] == plan.import_rows, done
    return {"import_rows_per_s": round(plan.import_rows / done["seconds"])}


def handed_out(site: Site, plan: Plan) -> Figures:
    rounds = -(-plan.hand_outs // plan.at_barrier)
    project = make_project(site, tasks=rounds * plan.at_barrier, people=plan.at_barrier, outputs=plan.outputs)
    given, twice = hand_outs(project.annotators(plan.at_barrier), rounds=rounds)
    return {"hand_outs": given, "duplicates": twice}


# --- Label Studio


@contextmanager
def peer_beside(site: Site, database: Database) -> Iterator[LabelStudio]:
    """On the same PostgreSQL server, in a database of its own."""
    ask(site, do="database", name="label_studio")
    server = {
        "DJANGO_DB": "default",
        "POSTGRE_HOST": str(database.socket),
        "POSTGRE_PORT": "5432",
        "POSTGRE_NAME": "label_studio",
        "POSTGRE_USER": "postgres",
        "POSTGRE_PASSWORD": "",
    }
    with running_label_studio(**server) as studio:
        yield studio


class Peers:
    """Label Studio's annotators, in a project for each number of tasks."""

    def __init__(self, studio: LabelStudio, pids: Pids, plan: Plan) -> None:
        self.pids = pids
        self._studio, self._plan = studio, plan
        self._tokens = studio.make_people(max(plan.peer_people))
        self._projects: dict[int, int] = {}

    def have(self, tasks: int, people: int) -> bool:
        return tasks in self._plan.peer_sizes and people in self._plan.peer_people

    def annotators(self, tasks: int, people: int) -> list[Labeler]:
        outputs = self._plan.outputs
        if tasks not in self._projects:
            self._projects[tasks] = self._studio.fill_project(tasks=tasks, outputs=outputs)
        project = self._projects[tasks]
        tokens = self._tokens[:people]
        return [PeerAnnotator(self._studio.address, project, token, outputs) for token in tokens]


# --- figures


def one_round(
    figures: Figures,
    side: str,
    tasks: int,
    pids: Pids,
    labelers: Sequence[Labeler],
    seconds: float,
    most: int,
) -> None:
    cpu: list[float] = []
    load = work(
        labelers,
        seconds=seconds,
        most=most,
        in_two=side == "in_two_",
        begin=lambda: cpu.append(cpu_of(*pids)),
    )
    cpu_ms = round(1000 * (cpu_of(*pids) - cpu[0]) / max(1, len(load.cycle_ms)), 1)
    for name, figure in zip(NAMES, (load.cycles_per_s, cpu_ms), strict=True):
        figures[side + name].setdefault(str(tasks), {}).setdefault(str(load.people), []).append(figure)
    problems = f"; {len(load.problems)} problems: {load.problems[0]}" if load.problems else ""
    say(
        f"{WHOSE[side]}, {tasks:,} tasks, {load.people} people: {load.cycles_per_s} cycles a second; "
        f"{p95(load.cycle_ms)} ms (95 %); "
        f"{cpu_ms} ms of the servers' core each, the people took {load.client_cores} cores{problems}"
    )


def ratios_of(over: Rounds, under: Rounds) -> list[float]:
    """One over the other at equal tasks and people, where both have been measured: the middle one of those
    that were taken round by round."""
    return [
        median(a / b for a, b in zip(rounds, under[tasks][people], strict=True))
        for tasks, by_people in over.items()
        for people, rounds in by_people.items()
        if people in under.get(tasks, {})
    ]


def medians(rounds: Rounds) -> dict[str, dict[str, float]]:
    return {
        tasks: {people: median(figures) for people, figures in by_people.items()}
        for tasks, by_people in rounds.items()
    }


def cpu_of(*pids: int) -> float:
    """CPU seconds of these processes and of all that they started, those that have ended too."""
    spent = 0.0
    for pid in pids:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                spent += sum(process.cpu_times()[:4])  # its own, and those of children it has waited for
    return spent


def report(figures: Figures) -> None:
    for name, wanted in WANTED.items():
        say(f"{name}: {figures[name]}, wanted {wanted}")
    say(f"import_rows_per_s: {figures['import_rows_per_s']}; hand-outs {figures['hand_outs']:,}")


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
