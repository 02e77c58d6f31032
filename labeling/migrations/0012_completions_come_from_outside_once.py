import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0011_submissions_are_reviewed"),
    ]

    operations = [
        migrations.AlterField(
            model_name="transfer",
            name="format",
            field=models.CharField(
                choices=[("jsonl", "JSONL"), ("csv", "CSV"), ("parquet", "Parquet"), ("arrow", "Arrow")],
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="completion",
            name="dedupe_key",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="completion",
            name="transfer",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="labeling.transfer",
            ),
        ),
        migrations.AddIndex(
            model_name="completion",
            index=models.Index(
                condition=models.Q(("transfer__isnull", False)),
                fields=["transfer", "prompt"],
                name="completion_by_import",
            ),
        ),
        migrations.AddConstraint(
            model_name="completion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("dedupe_key", ""), _negated=True),
                fields=("prompt", "dedupe_key"),
                name="completion_from_outside_once",
            ),
        ),
    ]
