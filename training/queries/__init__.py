"""What can be asked of runs, models and snapshots."""

from training.queries.curves import Curve, curves_of, metric_series
from training.queries.figures import Figure, figures_of
from training.queries.promotions import HistoryRow, former_policy, history, promotions_of
from training.queries.registry import (
    models_of,
    newest_snapshot,
    newest_version,
    promoted_version,
    snapshots_of,
    usual_inputs,
    usual_settings,
    version_named,
    versions_for,
)
from training.queries.runs import (
    Pace,
    log_tail,
    opened_tasks,
    pace_of,
    record_version,
    runs_of,
    sampled_texts,
)

__all__ = [
    "Curve",
    "Figure",
    "HistoryRow",
    "Pace",
    "curves_of",
    "figures_of",
    "former_policy",
    "history",
    "log_tail",
    "metric_series",
    "models_of",
    "newest_snapshot",
    "newest_version",
    "opened_tasks",
    "pace_of",
    "promoted_version",
    "promotions_of",
    "record_version",
    "runs_of",
    "sampled_texts",
    "snapshots_of",
    "usual_inputs",
    "usual_settings",
    "version_named",
    "versions_for",
]
