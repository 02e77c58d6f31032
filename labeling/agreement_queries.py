"""How far the people of a project agree, measured on tasks that several of them ranked."""

import datetime
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.core.cache import cache
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from labeling.agreement import Agreement, agreement_of_each, pairwise_agreement
from labeling.models import Project, Submission, Suspension, User

MOST_TASKS = 2000  # the newest ones that are looked at; more would hardly narrow the interval
KEPT_FROM = 200  # tasks from which the figures are kept for a while
KEPT_SECONDS = 300

# Of each project its newest tasks that several people have: by an index that holds no others. Qualifying
# is left aside: whoever fails at it is in there, and in nothing that is collected.
CHOSEN = """
    SELECT task.project_id, task.id FROM unnest(%(projects)s::bigint[]) AS project (id) CROSS JOIN LATERAL (
        SELECT id, project_id FROM labeling_task
        WHERE project_id = project.id AND kind = 'rank' AND seats_taken >= 2 AND purpose <> 'qualify'
        ORDER BY id DESC LIMIT %(most)s
    ) AS task
"""

Rankings = dict[int, dict[int, list[int]]]  # task → person → places by slot


@dataclass(frozen=True)
class Measured:
    """Agreement in one project, and of each of its people with the others.

    tasks: that two or more people ranked, among those looked at. is_sampled: there are older ones. at: when.
    """

    all: Agreement
    people: dict[int, Agreement]
    tasks: int
    is_sampled: bool
    at: datetime.datetime


def agreement_in(projects: Collection[Project]) -> dict[int, Measured]:
    """Primary key of a project → how far its people agree; kept for some minutes where there is much."""
    keys = {project.pk: f"agreement-{project.public_id}" for project in projects}
    kept = cache.get_many(keys.values())
    measured = {pk: kept[key] for pk, key in keys.items() if key in kept}
    missing = [pk for pk in keys if pk not in measured]
    if missing:
        for pk, found in _measure(missing).items():
            measured[pk] = found
            if found.tasks >= KEPT_FROM:
                cache.set(keys[pk], found, KEPT_SECONDS)
    return measured


def _measure(projects: list[int]) -> dict[int, Measured]:
    chosen = _chosen_tasks(projects)
    rankings = _rankings_of([task for tasks in chosen.values() for task in tasks])
    now = timezone.now()
    measured = {}
    for pk in projects:
        tasks = chosen.get(pk, [])
        judged = {task: rankings[task] for task in tasks[:MOST_TASKS] if len(rankings.get(task, ())) > 1}
        measured[pk] = Measured(
            all=pairwise_agreement((task, list(people.values())) for task, people in judged.items()),
            people=agreement_of_each(judged.values()),
            tasks=len(judged),
            is_sampled=len(tasks) > MOST_TASKS,
            at=now,
        )
    return measured


def _chosen_tasks(projects: list[int]) -> dict[int, list[int]]:
    chosen: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(CHOSEN, {"projects": projects, "most": MOST_TASKS + 1})
        for project, task in cursor.fetchall():
            chosen[project].append(task)
    return chosen


def _rankings_of(tasks: list[int]) -> Rankings:
    """Of people, not of programs: each person's newest ranking, unless what they did is set aside."""
    newer = Submission.objects.filter(
        assignment=OuterRef("assignment"), revision__gt=OuterRef("revision")
    ).order_by()
    aside = Suspension.objects.filter(
        Q(project=OuterRef("project")) | Q(project=None),
        user=OuterRef("assignment__user"),
        sets_aside=True,
        lifted_at=None,
    ).order_by()
    rows = Submission.objects.filter(
        ~Exists(newer),
        ~Exists(aside),
        assignment__task__in=tasks,
        assignment__user__kind=User.Kind.HUMAN,
        verdict=Submission.Verdict.RANKED,
    ).values_list("assignment__task", "assignment__user", "ranking__places")
    rankings: Rankings = defaultdict(dict)
    for task, user, places in rows:
        rankings[task][user] = places
    return rankings
