"""What can be done: one function, one use case, one transaction."""

from training.actions.attempts import (
    MOST_CRASHES,
    Superseded,
    claim_run,
    end_cancelled_run,
    fail_run,
    finish_run,
    record_process,
    renew_heartbeat,
    requeue_run,
)
from training.actions.chains import (
    cancel_chain,
    continue_chain,
    continue_chain_after,
    start_chain,
    start_sampling,
    start_training,
)
from training.actions.corpora import (
    build_corpus,
    corpora_directory,
    offered_files,
    register_corpus,
    upload_corpus,
)
from training.actions.events import clean, record_completions, record_events, record_message, record_scores
from training.actions.registry import adopt_base, promote_model, register_model, roll_back
from training.actions.retraining import check_rules, continue_chains, fire_rule, set_retrain_rule
from training.actions.runs import cancel_run, retry_run, start_run
from training.actions.snapshots import build_snapshot, take_snapshot
from training.actions.starter import load_starter
from training.actions.sweep import HEARTBEAT_LOST_AFTER, sweep_runs, sweep_snapshots
from training.actions.trials import cancel_trial, try_models

__all__ = [
    "HEARTBEAT_LOST_AFTER",
    "MOST_CRASHES",
    "Superseded",
    "adopt_base",
    "build_corpus",
    "build_snapshot",
    "cancel_chain",
    "cancel_run",
    "cancel_trial",
    "check_rules",
    "claim_run",
    "clean",
    "continue_chain",
    "continue_chain_after",
    "continue_chains",
    "corpora_directory",
    "end_cancelled_run",
    "fail_run",
    "finish_run",
    "fire_rule",
    "load_starter",
    "offered_files",
    "promote_model",
    "record_completions",
    "record_events",
    "record_message",
    "record_process",
    "record_scores",
    "register_corpus",
    "register_model",
    "renew_heartbeat",
    "requeue_run",
    "retry_run",
    "roll_back",
    "set_retrain_rule",
    "start_chain",
    "start_run",
    "start_sampling",
    "start_training",
    "sweep_runs",
    "sweep_snapshots",
    "take_snapshot",
    "try_models",
    "upload_corpus",
]
