import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# Whoever wrote an output of a task has a row at it that holds no seat, and is not handed the task.
BAR_WRITERS = """
    WITH writers AS (
        SELECT DISTINCT slot.task_id, completion.author_id
        FROM labeling_taskcompletion AS slot
        JOIN labeling_completion AS completion ON completion.id = slot.completion_id
        JOIN labeling_user AS author ON author.id = completion.author_id
        WHERE author.kind <> 'import'
    ), barred AS (
        INSERT INTO labeling_assignment
            (public_id, task_id, user_id, status, holds_seat, display_order, draft, draft_version)
        SELECT gen_random_uuid(), task_id, author_id, 'wrote', false, '{}', '{}', 0 FROM writers
        ON CONFLICT DO NOTHING
        RETURNING id, user_id
    )
    INSERT INTO labeling_assignmentstatuschange (subject_id, from_status, to_status, actor_id)
    SELECT id, '', 'wrote', user_id FROM barred
"""
KEEP_PAUSES = """
    INSERT INTO labeling_pause (project_id, reason, paused_at)
    SELECT id, pause_reason, paused_at FROM labeling_project WHERE paused_at IS NOT NULL
"""
GROUPS = [("training", "training"), ("held_out", "held out")]
PURPOSES = [("collect", "collect"), ("evaluate", "evaluate"), ("gold", "gold"), ("qualify", "qualify")]
STATUSES = [
    ("reserved", "reserved"),
    ("leased", "in work"),
    ("submitted", "submitted"),
    ("skipped", "skipped"),
    ("expired", "expired"),
    ("wrote", "wrote one of its outputs"),
    ("saw", "saw what others made of it"),
]


def by_somebody() -> models.ForeignKey:
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


def places() -> django.contrib.postgres.fields.ArrayField:
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.PositiveSmallIntegerField(), null=True, size=None
    )


class Migration(migrations.Migration):
    dependencies = [("labeling", "0013_invitations_and_suspensions")]

    operations = [
        migrations.CreateModel(
            name="TaskSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("group", models.CharField(blank=True, choices=GROUPS, max_length=16)),
                (
                    "people",
                    models.ManyToManyField(blank=True, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="task_sets",
                        to="labeling.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "name"), name="task_set_name_unique_in_project"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(group__in=["", "training", "held_out"]),
                        name="task_set_group_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Pause",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.TextField()),
                (
                    "paused_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("resumed_at", models.DateTimeField(null=True)),
                ("paused_by", by_somebody()),
                ("resumed_by", by_somebody()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pauses",
                        to="labeling.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "-id"], name="pause_newest_first")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(resumed_at__isnull=True),
                        fields=("project",),
                        name="pause_one_at_a_time",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.AddField("membership", "qualified_at", models.DateTimeField(null=True)),
        migrations.AddField("membership", "qualified_by", by_somebody()),
        migrations.AddField(
            "project", "open_tasks", models.PositiveSmallIntegerField(db_default=3, default=3)
        ),
        migrations.AddField(
            "project", "language_priorities", models.JSONField(blank=True, db_default={}, default=dict)
        ),
        migrations.AddField("project", "gold_share", models.FloatField(db_default=0.1, default=0.1)),
        migrations.AddField(
            "project", "requires_qualification", models.BooleanField(db_default=False, default=False)
        ),
        migrations.AddField(
            "project", "qualification_tasks", models.PositiveSmallIntegerField(db_default=5, default=5)
        ),
        migrations.AddField(
            "project", "qualification_share", models.FloatField(db_default=0.75, default=0.75)
        ),
        migrations.AddConstraint(
            "project",
            models.CheckConstraint(condition=models.Q(open_tasks__range=(1, 100)), name="project_open_tasks"),
        ),
        migrations.AddConstraint(
            "project",
            models.CheckConstraint(
                condition=models.Q(gold_share__range=(0.0, 1.0), qualification_share__range=(0.0, 1.0)),
                name="project_shares_of_known_answers",
            ),
        ),
        migrations.AddConstraint(
            "project",
            models.CheckConstraint(
                condition=models.Q(qualification_tasks__gte=1), name="project_qualification_tasks"
            ),
        ),
        migrations.AlterField(
            "task", "purpose", models.CharField(choices=PURPOSES, default="collect", max_length=16)
        ),
        migrations.AddField(
            "task",
            "task_set",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tasks",
                to="labeling.taskset",
            ),
        ),
        migrations.AddField("task", "reference_places", places()),
        migrations.AddField("task", "reference_by", by_somebody()),
        migrations.AddConstraint(
            "task",
            models.CheckConstraint(
                condition=models.Q(
                    purpose__in=["gold", "qualify"],
                    kind="rank",
                    reference_places__isnull=False,
                    reference_places__len__range=(2, 9),
                )
                | models.Q(purpose__in=["collect", "evaluate"], reference_places__isnull=True),
                name="task_reference_where_the_answer_is_known",
            ),
        ),
        migrations.AddConstraint(
            "task",
            models.CheckConstraint(
                condition=models.Q(reference_places__isnull=True) | ~models.Q(reference_places__contains=[0]),
                name="task_reference_places_start_at_one",
            ),
        ),
        migrations.RemoveIndex("task", "task_to_hand_out"),
        migrations.AddIndex(
            "task",
            models.Index(
                "project",
                "kind",
                "purpose",
                django.db.models.functions.comparison.Coalesce("task_set", 0),
                "language",
                "topics",
                models.F("priority").desc(),
                "id",
                condition=models.Q(status="open", seats_taken__lt=models.F("seats_wanted")),
                name="task_to_hand_out",
            ),
        ),
        migrations.AddIndex(
            "task",
            models.Index(
                fields=["task_set"], condition=models.Q(task_set__isnull=False), name="task_of_a_set"
            ),
        ),
        migrations.AddIndex(
            "task",
            models.Index(
                fields=["project", "purpose"],
                condition=models.Q(purpose__in=["gold", "qualify"]),
                name="task_with_a_known_answer",
            ),
        ),
        migrations.AlterField(
            "assignment", "status", models.CharField(choices=STATUSES, default="leased", max_length=16)
        ),
        migrations.RemoveConstraint("assignment", "assignment_given_back_holds_no_seat"),
        migrations.AddConstraint(
            "assignment",
            models.CheckConstraint(
                condition=~models.Q(status__in=["skipped", "expired", "wrote", "saw"])
                | models.Q(holds_seat=False),
                name="assignment_given_back_holds_no_seat",
            ),
        ),
        migrations.RunSQL(BAR_WRITERS, migrations.RunSQL.noop),
        migrations.RunSQL(KEEP_PAUSES, migrations.RunSQL.noop),
    ]
