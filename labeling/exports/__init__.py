"""Judgments and prompts as files: one copy of each query, for snapshots and for exports alike.

`judgments` asks the database, `snapshot_records` and `rows` give what comes its two shapes, `files` writes.
"""

from labeling.exports.columns import COLUMNS, SCHEMA_VERSION, schema_of
from labeling.exports.files import FileFacts, sha256_of, write_archive, write_files
from labeling.exports.filters import Filters
from labeling.exports.judgments import (
    completion_count,
    demonstration_count,
    new_ranking_count,
    one_state_of_the_database,
    prompt_count,
    pseudonym,
    ranking_count,
)
from labeling.exports.rows import Source, answers_by_key, source_of
from labeling.exports.set_aside import people_set_aside
from labeling.exports.snapshot_records import (
    completion_records,
    demonstration_records,
    prompt_records,
    ranking_records,
)

__all__ = [
    "COLUMNS",
    "SCHEMA_VERSION",
    "FileFacts",
    "Filters",
    "Source",
    "answers_by_key",
    "completion_count",
    "completion_records",
    "demonstration_count",
    "demonstration_records",
    "new_ranking_count",
    "one_state_of_the_database",
    "people_set_aside",
    "prompt_count",
    "prompt_records",
    "pseudonym",
    "ranking_count",
    "ranking_records",
    "schema_of",
    "sha256_of",
    "source_of",
    "write_archive",
    "write_files",
]
