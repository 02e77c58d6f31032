import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labeling", "0017_work_time_timesheets_and_announcements")]

    operations = [
        migrations.CreateModel(
            name="QueuePlace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("rank", "rank"), ("demonstrate", "demonstrate")], max_length=16
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("collect", "collect"),
                            ("evaluate", "evaluate"),
                            ("gold", "gold"),
                            ("qualify", "qualify"),
                        ],
                        max_length=16,
                    ),
                ),
                ("task_set", models.BigIntegerField()),
                ("language", models.CharField(max_length=16)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), default=list, size=None
                    ),
                ),
                ("priority", models.SmallIntegerField()),
                ("reached", models.BigIntegerField()),
                ("looked_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="queue_places",
                        to="labeling.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="queue_places",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "user",
                            "project",
                            "kind",
                            "purpose",
                            "task_set",
                            "language",
                            "topics",
                            "priority",
                        ),
                        name="queue_place_one_a_shelf",
                    )
                ],
            },
        ),
    ]
