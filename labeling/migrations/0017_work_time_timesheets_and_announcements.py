import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# What was counted before it was dated: with a submission on the day of that, else when it was counted last.
FILL = """
    INSERT INTO labeling_worktime (project_id, user_id, begun_at, seconds)
    SELECT project_id, user_id, date_bin('15 minutes', counted_at, TIMESTAMPTZ 'epoch'), sum(seconds)
    FROM (
        SELECT submission.project_id, assignment.user_id,
               submission.created_at AS counted_at, submission.active_seconds AS seconds
        FROM labeling_submission AS submission
        JOIN labeling_assignment AS assignment ON assignment.id = submission.assignment_id
        UNION ALL
        SELECT task.project_id, assignment.user_id,
               COALESCE(assignment.active_counted_at, assignment.claimed_at), assignment.active_seconds
        FROM labeling_assignment AS assignment
        JOIN labeling_task AS task ON task.id = assignment.task_id
    ) AS counted
    WHERE seconds > 0
    GROUP BY 1, 2, 3
"""

GAINS = """
    UPDATE labeling_review SET gain = counted.gain
    FROM (
        SELECT review.id, (review.verdict = 'accepted')::int - COALESCE(lag(review.verdict) OVER (
                   PARTITION BY submission.assignment_id ORDER BY review.id) = 'accepted', false)::int AS gain
        FROM labeling_review AS review
        JOIN labeling_submission AS submission ON submission.id = review.submission_id
    ) AS counted
    WHERE counted.id = labeling_review.id AND counted.gain <> 0
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0016_completions_come_from_outside_once"),
    ]

    operations = [
        migrations.CreateModel(
            name="Announcement",
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
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("annotator", "annotator"),
                            ("reviewer", "reviewer"),
                            ("manager", "manager"),
                            ("engineer", "engineer"),
                        ],
                        max_length=16,
                    ),
                ),
                ("body", models.JSONField()),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AnnouncementDismissal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("dismissed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=4, max_digits=12)),
                ("currency", models.CharField(max_length=3)),
                ("valid_from", models.DateField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TimesheetLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begin", models.DateField()),
                ("end", models.DateField()),
                ("seconds", models.IntegerField()),
                ("tasks", models.IntegerField()),
                ("accepted", models.IntegerField()),
                (
                    "paid_by",
                    models.CharField(
                        choices=[("hour", "by the hour"), ("task", "by the accepted task")], max_length=8
                    ),
                ),
                ("rate", models.DecimalField(decimal_places=4, max_digits=12, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14, null=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TimesheetPeriod",
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
                ("begin", models.DateField()),
                ("end", models.DateField()),
                ("closed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="WorkTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begun_at", models.DateTimeField()),
                ("seconds", models.PositiveIntegerField()),
            ],
            options={
                "verbose_name_plural": "work time",
            },
        ),
        migrations.AddField(
            model_name="project",
            name="paid_by",
            field=models.CharField(
                choices=[("hour", "by the hour"), ("task", "by the accepted task")],
                db_default="hour",
                default="hour",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="gain",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["created_at"], include=("submission", "gain"), name="review_by_time"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("origin", "person"), ("revision", 1)),
                fields=["project", "created_at"],
                include=("assignment",),
                name="submission_first_by_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("gain__in", [0, 1]), ("verdict", "accepted")),
                    models.Q(("gain__in", [0, -1]), ("verdict", "returned")),
                    _connector="OR",
                ),
                name="review_gain_goes_with_its_verdict",
            ),
        ),
        migrations.AddField(
            model_name="announcement",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="announcement",
            name="project",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="announcements",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="announcementdismissal",
            name="announcement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="dismissals",
                to="labeling.announcement",
            ),
        ),
        migrations.AddField(
            model_name="announcementdismissal",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="rates", to="labeling.project"
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="timesheetline",
            name="author",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="timesheetline",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="timesheet_lines",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="timesheetperiod",
            name="closed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="timesheetperiod",
            name="opened_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="timesheetperiod",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="timesheet_periods",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="timesheetline",
            name="corrects",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="corrections",
                to="labeling.timesheetperiod",
            ),
        ),
        migrations.AddField(
            model_name="timesheetline",
            name="period",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="labeling.timesheetperiod",
            ),
        ),
        migrations.AddField(
            model_name="worktime",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="worktime",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(("project__isnull", False), ("role", ""), _connector="OR"),
                name="announcement_role_is_of_a_project",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_at__isnull", True), ("ends_at__gte", models.F("begins_at")), _connector="OR"
                ),
                name="announcement_ends_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcementdismissal",
            constraint=models.UniqueConstraint(
                fields=("announcement", "user"), name="announcement_dismissed_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="rate_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="rate_has_a_currency"
            ),
        ),
        migrations.AddConstraint(
            model_name="timesheetperiod",
            constraint=models.UniqueConstraint(
                fields=("project", "begin"), name="timesheet_period_begins_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="timesheetperiod",
            constraint=models.UniqueConstraint(fields=("project", "end"), name="timesheet_period_ends_once"),
        ),
        migrations.AddConstraint(
            model_name="timesheetperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(("end__gte", models.F("begin"))),
                name="timesheet_period_ends_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="timesheetperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("closed_by__isnull", True)),
                    models.Q(("closed_at__isnull", False), ("closed_by__isnull", False)),
                    _connector="OR",
                ),
                name="timesheet_period_is_closed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="timesheetline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("corrects__isnull", True)),
                fields=("period", "user", "begin"),
                name="timesheet_line_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="timesheetline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("author__isnull", True), ("corrects__isnull", True), ("reason", "")),
                    models.Q(
                        ("author__isnull", False), ("corrects__isnull", False), ("reason__regex", "\\S")
                    ),
                    _connector="OR",
                ),
                name="timesheet_correction_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="timesheetline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("corrects__isnull", False),
                    models.Q(("seconds__gte", 0), ("tasks__gte", 0)),
                    _connector="OR",
                ),
                name="timesheet_work_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="timesheetline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__isnull", True), models.Q(("currency", ""), _negated=True), _connector="OR"
                ),
                name="timesheet_amount_has_a_currency",
            ),
        ),
        migrations.AddIndex(
            model_name="worktime",
            index=models.Index(fields=["user", "begun_at"], name="work_time_of_person"),
        ),
        migrations.AddConstraint(
            model_name="worktime",
            constraint=models.UniqueConstraint(
                fields=("project", "begun_at", "user"), name="work_time_unique"
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(GAINS, migrations.RunSQL.noop),
        # What these left to be checked at the end is checked now: no table may wait for that when it changes.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
    ]
