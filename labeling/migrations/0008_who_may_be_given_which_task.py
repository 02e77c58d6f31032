import django.contrib.postgres.fields
from django.db import migrations, models

TOPICS = [
    ("sexual", "sexual content"),
    ("violence", "violence and terrorism"),
    ("self_harm", "suicide and self-harm"),
    ("abuse", "abuse"),
    ("hate", "hatred of groups"),
    ("harmful_advice", "harmful advice"),
]
KNOWN = models.Q(topics__contained_by=[topic for topic, _ in TOPICS])


def topics() -> django.contrib.postgres.fields.ArrayField:
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.CharField(choices=TOPICS, max_length=16), blank=True, default=list, size=None
    )


class Migration(migrations.Migration):
    dependencies = [("labeling", "0007_outputs_that_name_their_model")]

    operations = [
        migrations.AddField("user", "topics", topics()),
        migrations.AddField(
            "membership",
            "languages",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=16), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField("project", "daily_cap", models.PositiveSmallIntegerField(blank=True, null=True)),
        migrations.AddField("prompt", "topics", topics()),
        migrations.AddField("completion", "is_sensitive", models.BooleanField(default=False)),
        migrations.AddField("task", "language", models.CharField(default="", editable=False, max_length=16)),
        migrations.AddField(
            "task",
            "topics",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=16), default=list, editable=False, size=None
            ),
        ),
        # Nothing is marked yet, so the topics are right as they are.
        migrations.RunSQL(
            "UPDATE labeling_task AS task SET language = prompt.language"
            " FROM labeling_prompt AS prompt WHERE prompt.id = task.prompt_id",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint("user", models.CheckConstraint(condition=KNOWN, name="user_topics_known")),
        migrations.AddConstraint(
            "prompt", models.CheckConstraint(condition=KNOWN, name="prompt_topics_known")
        ),
        migrations.AddConstraint(
            "project",
            models.CheckConstraint(
                condition=models.Q(daily_cap__isnull=True) | models.Q(daily_cap__gte=1),
                name="project_daily_cap",
            ),
        ),
        migrations.RemoveIndex("task", "task_to_hand_out"),
        migrations.AddIndex(
            "task",
            models.Index(
                "project",
                "kind",
                "language",
                "topics",
                models.F("priority").desc(),
                "id",
                condition=models.Q(status="open", seats_taken__lt=models.F("seats_wanted")),
                name="task_to_hand_out",
            ),
        ),
    ]
