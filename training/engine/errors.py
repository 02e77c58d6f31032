"""The refusals of the engine. Each carries a sentence that says what to do. Standard library only."""

from __future__ import annotations


class EngineError(Exception):
    """A run cannot go on; `code` is stable for programs, the text is for people, `exit_code` for who started
    the engine."""

    code = "engine_error"
    exit_code = 1


class ConfigError(EngineError):
    """config.json holds a field, a type or a value that is not allowed."""

    code = "bad_config"
    exit_code = 2


class RecordError(EngineError):
    """A row of a snapshot breaks an invariant of records.py."""

    code = "bad_record"
    exit_code = 2


class DataError(EngineError):
    """Something a run needs is missing or unusable: a model directory, a snapshot file, rankings."""

    code = "bad_data"
    exit_code = 2


class TrainingFailed(EngineError):
    """The computation itself went wrong (NaN); no model is saved."""

    code = "training_failed"


class DiskFull(EngineError):
    """There is no room for what was to be written; what was there before is as it was."""

    code = "disk_full"


class ProcessKilled(EngineError):
    """A signal has ended one of the processes of a run, for instance for lack of memory."""

    code = "process_killed"
    exit_code = 70


class StopRequested(BaseException):
    """SIGTERM arrived. A BaseException, so that no handler for ordinary errors swallows it."""

    exit_code = 75
