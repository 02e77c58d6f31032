import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0011_submissions_are_reviewed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pilot",
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
                    "kind",
                    models.CharField(
                        choices=[("rank", "rank"), ("demonstrate", "demonstrate")], max_length=16
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Plan",
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
                ("prompts", models.PositiveIntegerField()),
                ("completions_per_prompt", models.PositiveSmallIntegerField()),
                ("overlap_share", models.FloatField()),
                ("overlap_people", models.PositiveSmallIntegerField()),
                ("minutes", models.FloatField()),
                ("people", models.PositiveSmallIntegerField()),
                ("hours_a_day", models.FloatField()),
                ("hourly_rate", models.DecimalField(decimal_places=2, max_digits=8, null=True)),
                ("currency", models.CharField(max_length=3)),
                ("finish_on", models.DateField()),
            ],
        ),
        migrations.AddField(
            model_name="project",
            name="currency",
            field=models.CharField(
                db_default="USD",
                default="USD",
                max_length=3,
                validators=[django.core.validators.RegexValidator("^[A-Z]{3}$")],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="hourly_rate",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                max_digits=8,
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="content",
            field=models.CharField(
                choices=[
                    ("prompts", "prompts"),
                    ("sft", "demonstrations for SFT"),
                    ("preference", "comparisons"),
                    ("rankings", "rankings"),
                    ("rank", "tasks to rank"),
                    ("demonstrate", "tasks to write"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="direction",
            field=models.CharField(
                choices=[("import", "import"), ("export", "export"), ("tasks", "opening of tasks")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="format",
            field=models.CharField(
                blank=True, choices=[("jsonl", "JSONL"), ("csv", "CSV"), ("parquet", "Parquet")], max_length=8
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("hourly_rate__isnull", True), ("hourly_rate__gte", 0), _connector="OR"),
                name="project_hourly_rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="project_currency_is_a_code"
            ),
        ),
        migrations.AddField(
            model_name="pilot",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="pilots", to="labeling.project"
            ),
        ),
        migrations.AddField(
            model_name="pilot",
            name="started_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="pilot",
            name="tasks",
            field=models.ManyToManyField(related_name="pilots", to="labeling.task"),
        ),
        migrations.AddField(
            model_name="plan",
            name="author",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="plans", to="labeling.project"
            ),
        ),
        migrations.AddConstraint(
            model_name="pilot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("project",),
                name="pilot_one_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("minutes__gt", 0),
                    ("overlap_people__gte", 1),
                    ("people__gte", 1),
                    ("prompts__gte", 1),
                    ("hours_a_day__gt", 0),
                    ("hours_a_day__lte", 24),
                    ("completions_per_prompt__range", (2, 9)),
                    ("overlap_share__range", (0.0, 1.0)),
                ),
                name="plan_can_be_worked",
            ),
        ),
    ]
