"""The record of training in the admin: everything can be read, nothing changed."""

from config.read_only_admin import register_read_only
from training import models

register_read_only(models.Snapshot, "project", "status", "created_at", filters=("status",))
register_read_only(models.SnapshotMember, "snapshot", "submission")
register_read_only(models.Run, "project", "status", "created_at", filters=("kind", "status"))
register_read_only(models.RunInput, "run", "role", "model_version")
register_read_only(models.RunAttempt, "run", "number", "node", "outcome", filters=("outcome",))
register_read_only(
    models.ModelVersion, "project", "is_promoted", "created_at", filters=("kind", "is_promoted")
)
register_read_only(models.Promotion, "project", "to_version", "user", "promoted_at")
register_read_only(models.Sample, "model_version", "run")
register_read_only(models.Score, "model_version", "run", "value")
register_read_only(models.RetrainRule, "project")
register_read_only(models.Chain, "project", "status", filters=("status",))
register_read_only(models.Trial)
for history in (models.RunStatusChange, models.SnapshotStatusChange, models.ChainStatusChange):
    register_read_only(history, "from_status", "to_status", "actor", "changed_at")
