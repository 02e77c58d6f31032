"""The counts that triggers keep (labeling/models/counts.py): folded, and held against the record."""

from django.db import connection, transaction

from labeling.models import DailyWork, Project, StageCount

FEW = 200  # rows that a page adds up in no time

FOLD = """
    WITH taken AS (DELETE FROM labeling_stagecount RETURNING *)
    INSERT INTO labeling_stagecount (
        project_id, language, category, kind, purpose, status, prompts, tasks, seats, judgments
    )
    SELECT project_id, language, category, kind, purpose, status,
           sum(prompts), sum(tasks), sum(seats), sum(judgments)
    FROM taken GROUP BY 1, 2, 3, 4, 5, 6
    HAVING (sum(prompts), sum(tasks), sum(seats), sum(judgments)) <> (0, 0, 0, 0)
"""
# Rows that say the same in the record and here are in neither part.
WORK_THAT_DIFFERS = """
    SELECT count(*) FROM (
        (SELECT * FROM labeling_work_counted_anew(%(project)s) EXCEPT ALL SELECT * FROM kept)
        UNION ALL
        (SELECT * FROM kept EXCEPT ALL SELECT * FROM labeling_work_counted_anew(%(project)s))
    ) AS difference
    WHERE (submissions, timed, active_seconds, accepted, returned) <> (0, 0, 0, 0, 0)
"""
KEPT = """
    WITH kept AS (
        SELECT day, user_id, kind, purpose, submissions::bigint, timed::bigint, active_seconds::bigint,
               accepted::bigint, returned::bigint
        FROM labeling_dailywork WHERE project_id = %(project)s
    )
"""
STAGES_THAT_DIFFER = """
    SELECT language, category, kind, purpose, status,
           sum(prompts) AS prompts, sum(tasks) AS tasks, sum(seats) AS seats, sum(judgments) AS judgments
    FROM (
        SELECT * FROM labeling_stages_counted_anew(%(project)s)
        UNION ALL
        SELECT language, category, kind, purpose, status, -prompts, -tasks, -seats, -judgments
        FROM labeling_stagecount WHERE project_id = %(project)s
    ) AS part
    GROUP BY 1, 2, 3, 4, 5
    HAVING (sum(prompts), sum(tasks), sum(seats), sum(judgments)) <> (0, 0, 0, 0)
"""


def fold_counts() -> bool:
    """Add up what was counted since the last time; no count changes by it. False: not worth it."""
    if StageCount.objects.count() <= FEW:
        return False
    with connection.cursor() as cursor:
        cursor.execute(FOLD)
    return True


def count_differences(*, project: Project) -> int:
    """How many counts are not what the record says; nought unless somebody wrote past the triggers."""
    asked = {"project": project.pk}
    with connection.cursor() as cursor:
        cursor.execute(KEPT + WORK_THAT_DIFFERS, asked)
        work = int(cursor.fetchone()[0])
        cursor.execute(f"SELECT count(*) FROM ({STAGES_THAT_DIFFER}) AS stage", asked)  # noqa: S608
        return work + int(cursor.fetchone()[0])


@transaction.atomic
def recount(*, project: Project) -> None:
    """Count the project anew from the record; what is submitted meanwhile waits, and counts."""
    recount_work(project=project)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO labeling_stagecount (
                    project_id, language, category, kind, purpose, status, prompts, tasks, seats, judgments
                ) SELECT %(project)s, stage.* FROM ({STAGES_THAT_DIFFER}) AS stage""",  # noqa: S608
            {"project": project.pk},
        )


@transaction.atomic
def recount_work(*, project: Project) -> None:
    """Count each person's days anew, as when the project's days begin at another hour."""
    # Whoever submits holds the project's key until they commit: nobody is in between after this.
    Project.objects.select_for_update().get(pk=project.pk)
    DailyWork.objects.filter(project=project).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO labeling_dailywork (
                   project_id, day, user_id, kind, purpose,
                   submissions, timed, active_seconds, accepted, returned
               ) SELECT %(project)s, work.* FROM labeling_work_counted_anew(%(project)s) AS work""",
            {"project": project.pk},
        )
