import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

FILL_PROJECT = """
    UPDATE labeling_submission AS submission SET project_id = task.project_id
    FROM labeling_assignment AS assignment JOIN labeling_task AS task ON task.id = assignment.task_id
    WHERE assignment.id = submission.assignment_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0010_demonstrations_declare_prompts_are_written"),
    ]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="submissions",
                to="labeling.project",
            ),
        ),
        migrations.RunSQL(FILL_PROJECT, migrations.RunSQL.noop),
        # What the update left to be checked at the end is checked now: no table may wait for that when it changes.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="submission",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="submissions",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="review_state",
            field=models.CharField(
                choices=[
                    ("not_reviewed", "not reviewed"),
                    ("returned", "returned"),
                    ("accepted", "accepted"),
                ],
                db_default="not_reviewed",
                default="not_reviewed",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("review_state__in", ["not_reviewed", "returned", "accepted"])),
                name="submission_review_state_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("origin", "person")),
                fields=["project", "-id"],
                name="submission_newest_first",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("origin", "person")),
                fields=["project", "review_state", "-id"],
                name="submission_by_review_state",
            ),
        ),
        migrations.CreateModel(
            name="Review",
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
                    "verdict",
                    models.CharField(
                        choices=[("accepted", "accepted"), ("returned", "returned")], max_length=16
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="labeling.submission",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["accepted", "returned"])),
                        name="review_verdict_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "returned"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="review_return_has_a_note",
                    ),
                ],
            },
        ),
    ]
