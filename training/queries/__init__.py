"""What can be asked of runs, models and snapshots."""

from training.queries.comparison import (
    FEWEST_RUNS,
    MOST_RUNS,
    comparable_runs,
    curves_over_each_other,
    differences,
    most_comparable_kind,
)
from training.queries.curves import Curve, curves_of, metric_series
from training.queries.figures import Figure, figures_of
from training.queries.growth import covering_snapshot, is_outgrown
from training.queries.lineage import Judgments, Lineage, children_of, lineage_of
from training.queries.loop import LoopFacts, loop_facts
from training.queries.promotions import HistoryRow, about, former_policy, history, promotions_of
from training.queries.registry import (
    corpora_of,
    has_own_models,
    models_of,
    newest_snapshot,
    newest_version,
    promoted_version,
    ready_snapshots,
    shared_bases,
    snapshots_of,
    usual_inputs,
    usual_settings,
    version_named,
    versions_for,
)
from training.queries.retraining import TRAINED_BY_RULE, RuleState, rule_state, unfinished_runs
from training.queries.runs import (
    Pace,
    log_tail,
    messages_of,
    opened_tasks,
    pace_of,
    record_version,
    runs_named,
    runs_of,
    sampled_texts,
    scored_outputs,
)
from training.queries.tables import Table, is_in_a_table, tables_of
from training.queries.trials import trials_of

__all__ = [
    "FEWEST_RUNS",
    "MOST_RUNS",
    "TRAINED_BY_RULE",
    "Curve",
    "Figure",
    "HistoryRow",
    "Judgments",
    "Lineage",
    "LoopFacts",
    "Pace",
    "RuleState",
    "Table",
    "about",
    "children_of",
    "comparable_runs",
    "corpora_of",
    "covering_snapshot",
    "curves_of",
    "curves_over_each_other",
    "differences",
    "figures_of",
    "former_policy",
    "has_own_models",
    "history",
    "is_in_a_table",
    "is_outgrown",
    "lineage_of",
    "log_tail",
    "loop_facts",
    "messages_of",
    "metric_series",
    "models_of",
    "most_comparable_kind",
    "newest_snapshot",
    "newest_version",
    "opened_tasks",
    "pace_of",
    "promoted_version",
    "promotions_of",
    "ready_snapshots",
    "record_version",
    "rule_state",
    "runs_named",
    "runs_of",
    "sampled_texts",
    "scored_outputs",
    "shared_bases",
    "snapshots_of",
    "tables_of",
    "trials_of",
    "unfinished_runs",
    "usual_inputs",
    "usual_settings",
    "version_named",
    "versions_for",
]
