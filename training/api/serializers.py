"""What training's routes take and give."""

from typing import Any

from rest_framework import serializers

from labeling.models import Prompt
from training import queries
from training.actions.snapshots import TAKEN
from training.models import ModelVersion, Run, RunInput, Snapshot


class ModelName(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(ModelVersion.Kind.values)
    number = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)


class InputRead(serializers.Serializer):
    role = serializers.ChoiceField(RunInput.Role.values)
    model = ModelName(source="model_version")


class Progress(serializers.Serializer):
    done = serializers.IntegerField(source="progress_done")
    total = serializers.IntegerField(source="progress_total", help_text="0: not known yet.")
    unit = serializers.CharField(source="progress_unit", allow_blank=True)


class RunShown(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(Run.Kind.values)
    status = serializers.ChoiceField(Run.Status.values)
    inputs = serializers.SerializerMethodField()
    snapshot = serializers.UUIDField(source="snapshot.public_id", default=None, allow_null=True)
    corpus = serializers.UUIDField(source="corpus.public_id", default=None, allow_null=True)
    config = serializers.DictField()
    splits = serializers.ListField(child=serializers.CharField())
    round = serializers.IntegerField()
    attempt = serializers.IntegerField()
    progress = Progress(source="*")
    message = serializers.CharField(allow_blank=True, help_text="What it is doing.")
    error = serializers.CharField(allow_blank=True)
    metrics = serializers.SerializerMethodField(help_text="Of the result, once it has succeeded.")
    model = serializers.UUIDField(
        source="model_version.public_id", default=None, allow_null=True, help_text="What it made."
    )
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_inputs(self, run: Run) -> InputRead(many=True):  # type: ignore[valid-type]
        return InputRead(run.inputs.all(), many=True).data

    def get_metrics(self, run: Run) -> dict[str, Any]:
        return dict(run.result.get("metrics") or {})


class RunDetail(RunShown):
    rate = serializers.SerializerMethodField(help_text="Units a second, while it can be told.")
    seconds_left = serializers.SerializerMethodField()

    def get_rate(self, run: Run) -> float | None:
        return queries.pace_of(run).rate

    def get_seconds_left(self, run: Run) -> float | None:
        return queries.pace_of(run).seconds_left


class RunWish(serializers.Serializer):
    kind = serializers.ChoiceField(Run.Kind.values)
    inputs = serializers.DictField(
        child=serializers.UUIDField(),
        required=False,
        default=dict,
        help_text="Role (policy, reward_model) → id of a model. Unless named, the promoted policy and the "
        "newest reward model.",
    )
    snapshot = serializers.UUIDField(
        required=False, default=None, allow_null=True, help_text="Unless named, the newest that is ready."
    )
    corpus = serializers.UUIDField(
        required=False,
        default=None,
        allow_null=True,
        help_text="What pretraining reads, or what is mixed into fine-tuning and PPO.",
    )
    ensemble = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        default=list,
        max_length=20,
        help_text="Scoring only: further reward models; the score is the mean of all.",
    )
    config = serializers.DictField(
        required=False, default=dict, help_text="Settings that differ from the engine's defaults."
    )
    splits = serializers.ListField(
        child=serializers.ChoiceField(Prompt.Split.values),
        required=False,
        default=None,
        allow_null=True,
        help_text="Sampling only: of which prompts. Train and valid unless named.",
    )


class MetricParameters(serializers.Serializer):
    since = serializers.IntegerField(
        required=False, default=-1, min_value=-1, max_value=2**31 - 1, help_text="Only steps after this one."
    )
    name = serializers.CharField(required=False, max_length=64, help_text="Only this measure.")


class MetricPoint(serializers.Serializer):
    step = serializers.IntegerField()
    name = serializers.CharField()
    value = serializers.FloatField(allow_null=True)


class MetricsFollowed(serializers.Serializer):
    status = serializers.ChoiceField(Run.Status.values)
    attempt = serializers.IntegerField(
        help_text="A newer attempt reports steps again from its checkpoint on: ask anew when it grows."
    )
    values = serializers.ListField(child=MetricPoint())
    last_step = serializers.IntegerField(allow_null=True, help_text="Send it as `since` next time.")
    has_more = serializers.BooleanField()


class LogTail(serializers.Serializer):
    status = serializers.ChoiceField(Run.Status.values)
    tail = serializers.CharField(allow_blank=True, help_text="The last 8 kB, from a whole line on.")


class SnapshotShown(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    status = serializers.ChoiceField(Snapshot.Status.values)
    contents = serializers.ListField(child=serializers.ChoiceField(Snapshot.Content.values))
    splits = serializers.ListField(child=serializers.CharField(), source="filters.splits", default=list)
    counts = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()), help_text="Content → split → rows."
    )
    content_hash = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class CorpusShown(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    status = serializers.ChoiceField(Snapshot.Status.values)
    bytes_read = serializers.IntegerField(source="progress_done")
    bytes = serializers.IntegerField(source="progress_total", help_text="Of the file it comes from.")
    documents = serializers.IntegerField(source="counts.corpus.documents", default=0)
    characters = serializers.IntegerField(source="counts.corpus.characters", default=0)
    content_hash = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    problems = serializers.ListField(
        child=serializers.DictField(), help_text="The first broken lines: line, reason."
    )
    created_at = serializers.DateTimeField()


class SnapshotWish(serializers.Serializer):
    contents = serializers.ListField(
        child=serializers.ChoiceField(TAKEN),
        required=False,
        default=lambda: list(Snapshot.RECORD),
        max_length=9,
    )
    splits = serializers.ListField(
        child=serializers.ChoiceField(Prompt.Split.values),
        required=False,
        default=lambda: list(Prompt.Split.values),
        max_length=9,
    )


class ModelShown(ModelName):
    is_shared = serializers.SerializerMethodField(help_text="A base that all projects may use.")
    is_promoted = serializers.BooleanField()
    metrics = serializers.DictField()
    run = serializers.UUIDField(source="run.public_id", default=None, allow_null=True)
    parents = serializers.SerializerMethodField(help_text="What its run read.")
    created_at = serializers.DateTimeField()

    def get_is_shared(self, version: ModelVersion) -> bool:
        return version.project_id is None

    def get_parents(self, version: ModelVersion) -> InputRead(many=True):  # type: ignore[valid-type]
        return InputRead(version.run.inputs.all() if version.run else [], many=True).data


class Note(serializers.Serializer):
    note = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=5000, help_text="Why; kept in the history."
    )


class Promoted(serializers.Serializer):
    model = ModelShown()
    run = serializers.UUIDField(help_text="The run that samples it for the next round.")
