"""Several projects at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass

from labeling import question_queries, review_queries
from labeling.agreement_queries import Measured, agreement_in
from labeling.cost import Cost, cost_of
from labeling.days import today_in
from labeling.forecast import Forecast, forecast
from labeling.models import Project, User
from labeling.overview_queries import Day, Stage, days_of, stages_of, sum_of, total_of


@dataclass(frozen=True)
class Glance:
    """One project in a row. questions, reviews: what waits; reviews no further than a badge counts."""

    project: Project
    total: Stage
    done: Day
    forecast: Forecast
    cost: Cost | None
    measured: Measured
    questions: int
    reviews: int


def glance_at(manager: User, projects: Sequence[Project]) -> list[Glance]:
    """By name; a fixed number of queries."""
    stages, days = stages_of(projects), days_of(projects)
    measured = agreement_in(projects)
    questions = question_queries.open_counts(projects)
    reviews = review_queries.waiting_counts(manager, projects)
    rows = []
    for project in sorted(projects, key=lambda one: one.name.casefold()):
        total, done = total_of(stages[project.pk]), sum_of(days[project.pk])
        by_day = [(day.date, day.collected) for day in days[project.pk]]
        rows.append(
            Glance(
                project=project,
                total=total,
                done=done,
                forecast=forecast(total.left, by_day, today=today_in(project).date),
                cost=cost_of(project, seconds=done.seconds, judgments=done.timed),
                measured=measured[project.pk],
                questions=questions.get(project.pk, 0),
                reviews=reviews.get(project.pk, 0),
            )
        )
    return rows
