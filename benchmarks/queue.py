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
from typing import Any

import psutil

from benchmarks.environments import DIRECTORY, LABEL_STUDIO, arguments
from benchmarks.ours.page_site import Site, running_site
from benchmarks.ours.queue_site import NO_THROTTLE, OurProject, ask, make_project, write_prompts
from benchmarks.peers.label_studio import running_label_studio
from benchmarks.peers.label_studio_queue import Annotator as PeerAnnotator
from benchmarks.queue_database import Database, running_postgres
from benchmarks.queue_people import Labeler, Load, hand_outs, p95, work, work_thinking
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
SIDES = ("", "in_two_", "peer_")
Figures = dict[str, Any]
Pids = tuple[int, ...]
ByTasksAndPeople = dict[str, dict[str, float]]


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
    figures |= {side + name: {} for side in SIDES for name in ("cycles_per_s", "cpu_ms_a_cycle")}
    with (
        on_core(cores[0]),
        running_postgres() as database,
        running_site(DATABASE_URL=database.url, **NO_THROTTLE) as site,
        on_core(cores[-1]),
    ):
        servers = (site.pid, database.pid)
        people = max(plan.people)
        unmeasured = make_project(site, tasks=plan.few_tasks, people=people, outputs=plan.outputs)
        warm_up(unmeasured.annotators(people), plan)
        for tasks in plan.small_sizes:
            small(site, servers, plan, tasks, figures)
        large(site, servers, plan, figures)
        figures |= imported(site, plan)
        figures |= handed_out(site, plan)
        with on_core(cores[0]):
            peer(site, database, plan, cores[-1], figures)
    for side, suffix in (("", ""), ("in_two_", "_in_two")):
        figures["cycles_ratio" + suffix] = ratio(figures[side + "cycles_per_s"], figures["peer_cycles_per_s"])
        figures["cycles_ratio_by_cpu" + suffix] = ratio(
            figures["peer_cpu_ms_a_cycle"], figures[side + "cpu_ms_a_cycle"]
        )
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


# --- this program


def small(site: Site, servers: Pids, plan: Plan, tasks: int, figures: Figures) -> None:
    """A new project for each number of people and each way: in a small one the tasks come to an end."""
    for people in plan.people:
        for in_two in (False, True):
            project = make_project(site, tasks=tasks, people=people, outputs=plan.outputs)
            cycles(project, servers, plan, people, figures, in_two=in_two)


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
        cycles(project, servers, plan, people, figures)
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


def cycles(
    project: OurProject, servers: Pids, plan: Plan, people: int, figures: Figures, *, in_two: bool = False
) -> None:
    before = cpu_of(*servers)
    most = project.tasks * SHARE // 100
    load = work(project.annotators(people), seconds=plan.seconds, most=most, in_two=in_two)
    cpu_ms = ms_a_cycle(before, cpu_of(*servers), load)
    keep(figures, "in_two_" if in_two else "", project.tasks, load, cpu_ms)
    tell("ours, in two requests" if in_two else "ours", project.tasks, load, cpu_ms)


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


def peer(site: Site, database: Database, plan: Plan, clients_core: int, figures: Figures) -> None:
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
    with running_label_studio(**server) as studio, on_core(clients_core):
        tokens = studio.make_people(max(plan.peer_people))

        def annotators(project: int, people: int) -> list[Labeler]:
            return [PeerAnnotator(studio.address, project, token, plan.outputs) for token in tokens[:people]]

        warm_up(
            annotators(studio.fill_project(tasks=plan.few_tasks, outputs=plan.outputs), len(tokens)), plan
        )
        for tasks in plan.peer_sizes:
            project = studio.fill_project(tasks=tasks, outputs=plan.outputs)
            for people in plan.peer_people:
                before = cpu_of(database.pid, studio.pid)
                load = work(annotators(project, people), seconds=plan.peer_seconds, most=tasks * SHARE // 100)
                cpu_ms = ms_a_cycle(before, cpu_of(database.pid, studio.pid), load)
                keep(figures, "peer_", tasks, load, cpu_ms)
                tell("Label Studio", tasks, load, cpu_ms)


# --- figures


def keep(figures: Figures, side: str, tasks: int, load: Load, cpu_ms: float) -> None:
    for name, figure in (("cycles_per_s", load.cycles_per_s), ("cpu_ms_a_cycle", cpu_ms)):
        figures[side + name].setdefault(str(tasks), {})[str(load.people)] = figure


def ratio(over: ByTasksAndPeople, under: ByTasksAndPeople) -> float | None:
    """The least of one over the other, at equal numbers of tasks and people; None without such."""
    ratios = [
        value / under[tasks][people]
        for tasks, by_people in over.items()
        for people, value in by_people.items()
        if under.get(tasks, {}).get(people)
    ]
    return round(min(ratios), 1) if ratios else None


def cpu_of(*pids: int) -> dict[int, float]:
    """CPU seconds of these processes and of all that they started, by process."""
    spent = {}
    for pid in pids:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                times = process.cpu_times()
                spent[process.pid] = times.user + times.system
    return spent


def ms_a_cycle(before: dict[int, float], after: dict[int, float], load: Load) -> float:
    """Of the servers' CPU; what a process used that has ended meanwhile is not seen."""
    seconds = sum(spent - before.get(pid, 0.0) for pid, spent in after.items())
    return round(1000 * seconds / max(1, len(load.cycle_ms)), 1)


def tell(whose: str, tasks: int, load: Load, cpu_ms: float) -> None:
    problems = f"; {len(load.problems)} problems: {load.problems[0]}" if load.problems else ""
    say(
        f"{whose}, {tasks:,} tasks, {load.people} people: {load.cycles_per_s} cycles a second; "
        f"{p95(load.cycle_ms)} ms (95 %); "
        f"{cpu_ms} ms of the servers' core each, the people took {load.client_cores} cores{problems}"
    )


def report(figures: Figures) -> None:
    for name, wanted in WANTED.items():
        say(f"{name}: {figures[name]}, wanted {wanted}")
    say(f"import_rows_per_s: {figures['import_rows_per_s']}; hand-outs {figures['hand_outs']:,}")


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
