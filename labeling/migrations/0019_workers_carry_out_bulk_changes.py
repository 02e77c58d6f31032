import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0018_queue_places"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkchange",
            name="attempt",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="error",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="heartbeat_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="stopped_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="bulkchange",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)),
                fields=["id"],
                name="bulk_change_unfinished",
            ),
        ),
        # One whose page was left had stopped with that: no worker is to take it up.
        migrations.RunSQL(
            "UPDATE labeling_bulkchange SET finished_at = statement_timestamp(), stopped_by_id = actor_id "
            "WHERE finished_at IS NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name="bulkchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("finished_at__isnull", False),
                    models.Q(("error", ""), ("stopped_by__isnull", True)),
                    _connector="OR",
                ),
                name="bulk_change_ended_has_an_end",
            ),
        ),
    ]
