import django.db.models.deletion
from django.db import migrations, models


def describe_waiting_files(apps, schema_editor):
    """Imports that nobody has confirmed, or no worker has finished, say of their one file what is now said of each."""
    Transfer = apps.get_model("labeling", "Transfer")
    waiting = Transfer.objects.filter(direction="import", status__in=["uploaded", "queued", "running"])
    for transfer in waiting:
        options = transfer.options
        if "files" in options or "start" not in options:
            continue
        file = {
            "name": options["file_name"],
            "part": "",
            "path": f"source.{transfer.format}",
            "size": options["size"],
            "format": transfer.format,
            "columns": options["columns"],
            "start": options["start"],
            "delimiter": options["delimiter"],
            "has_mark": options["has_mark"],
            "left_out": [],
        }
        usual = {"parts": [], "left_out": [], "outputs": [], "drops_answers": False, "opens_rankings": False}
        Transfer.objects.filter(pk=transfer.pk).update(options=options | usual | {"files": [file]})


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0015_work_is_counted_and_actions_are_audited"),
    ]

    operations = [
        migrations.RunPython(describe_waiting_files, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="transfer",
            name="format",
            field=models.CharField(
                blank=True,
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
