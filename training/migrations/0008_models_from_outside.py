import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0016_completions_come_from_outside_once"),
        ("training", "0007_chains_mix_a_corpus_in"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="modelversion",
            name="kind",
            field=models.CharField(
                choices=[
                    ("base", "base model"),
                    ("sft", "supervised model"),
                    ("reward_model", "reward model"),
                    ("policy", "policy"),
                    ("external", "external model"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="path",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AlterField(
            model_name="sample",
            name="run",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="samples",
                to="training.run",
            ),
        ),
        migrations.AlterField(
            model_name="sample",
            name="index",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="sample",
            name="seed",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="sample",
            name="temperature",
            field=models.FloatField(null=True),
        ),
        migrations.AlterField(
            model_name="sample",
            name="finish_reason",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AlterField(
            model_name="sample",
            name="token_count",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "external"), _negated=True),
                    models.Q(
                        ("path", ""),
                        ("project__isnull", False),
                        ("run__isnull", True),
                        ("source", ""),
                        models.Q(("name", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="model_version_external_is_a_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "external")),
                fields=("project", "name"),
                name="model_version_external_named_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="sample",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("run__isnull", True),
                    models.Q(
                        ("index__isnull", False),
                        ("seed__isnull", False),
                        ("temperature__isnull", False),
                        ("token_count__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="sample_of_a_run_is_described",
            ),
        ),
    ]
