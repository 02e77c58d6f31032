"""An export from the request to the files: refusals, the files themselves, and how it ends."""

import hashlib
import json
import threading
import zipfile
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from labeling import actions, exports
from labeling.actions import exports as export_actions
from labeling.actions import transfers
from labeling.errors import Conflict, DomainError
from labeling.models import Transfer
from tests.labeling.exporting import (
    directory_of,
    export,
    lines,
    make_demonstration,
    make_ranking,
    rank,
    rows_of,
    start,
)
from tests.making import make_prompt

# The heartbeat has a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


def test_an_export_is_a_file_per_split_a_manifest_and_an_archive(project, annotator, manager):
    make_ranking(annotator, project, (1, 2, 2, 3))
    make_ranking(annotator, project, split="valid")

    transfer = export(project, "preference", splits=("train", "valid"), user=manager)

    assert (transfer.status, transfer.error) == ("succeeded", "")
    assert (transfer.progress_done, transfer.progress_total) == (2, 2)
    directory = directory_of(transfer)
    names = {"train.jsonl", "valid.jsonl", "manifest.json", "all.zip"}
    assert {file.name for file in directory.iterdir()} == names
    manifest = json.loads((directory / "manifest.json").read_text())
    assert manifest["rows"] == transfer.counts["rows"] == {"train": 5, "valid": 6}
    assert manifest["filters"] == {"splits": ["train", "valid"]}
    assert (manifest["schema_version"], manifest["content"], manifest["read"]) == (1, "preference", 2)
    assert "No licence" in manifest["licence"]
    for name, facts in manifest["files"].items():
        written = (directory / name).read_bytes()
        assert (hashlib.sha256(written).hexdigest(), len(written)) == (facts["sha256"], facts["bytes"])
    assert list(manifest["columns"]) == list(lines(directory / "train.jsonl")[0])
    with zipfile.ZipFile(directory / "all.zip") as archive:
        assert {name.split("/")[1] for name in archive.namelist()} == names - {"all.zip"}
        assert archive.testzip() is None
    history = list(transfer.status_changes.values_list("from_status", "to_status", "actor"))
    assert history == [
        ("", "queued", manager.pk),
        ("queued", "running", None),
        ("running", "succeeded", None),
    ]


def test_one_split_needs_no_archive(project, annotator):
    make_demonstration(annotator, project)

    transfer = export(project, "sft", "parquet")

    assert {f.name for f in directory_of(transfer).iterdir()} == {"train.parquet", "manifest.json"}


@pytest.mark.parametrize("content", exports.COLUMNS)
def test_jsonl_and_parquet_hold_the_same_rows(content, project, annotator):
    make_ranking(annotator, project, texts=["one", "二\u2028", "three", "\x01"], metadata={"k": [None, 1]})
    make_demonstration(annotator, project, text="因为\x85。\n\n第二行", language="zh")
    expected = [{c.name: row[c.name] for c in exports.COLUMNS[content]} for row in rows_of(project, content)]

    as_lines, as_parquet = export(project, content), export(project, content, "parquet")

    written = directory_of(as_lines) / "train.jsonl"
    assert lines(written) == expected
    assert (
        written.read_text(encoding="utf-8").splitlines()
        == written.read_text(encoding="utf-8").split("\n")[:-1]
    )
    table = pq.read_table(directory_of(as_parquet) / "train.parquet")
    assert table.to_pylist() == expected
    assert table.schema.equals(exports.schema_of(content))


def test_unknown_wishes_are_refused_with_the_choices(project):
    make_prompt(project)

    for content, format, filters, code in (
        ("weights", "jsonl", {}, "unknown_content"),
        ("prompts", "csv", {}, "unknown_format"),
        ("prompts", "jsonl", {"splits": ("train", "dev")}, "unknown_splits"),
        ("prompts", "jsonl", {"categories": ("chess",)}, "unknown_categories"),
        ("rankings", "jsonl", {"origins": ("robot",)}, "unknown_origins"),
        ("rankings", "jsonl", {"roles": ("king",)}, "unknown_roles"),
        ("prompts", "jsonl", {"origins": ("person",)}, "filter_of_judgments"),
        ("prompts", "jsonl", {"round": 1}, "filter_of_judgments"),
        ("rankings", "jsonl", {}, "nothing_to_export"),
        ("prompts", "jsonl", {"splits": ("test",)}, "nothing_to_export"),
    ):
        with pytest.raises(DomainError) as refused:
            start(project, content, format, **filters)
        assert refused.value.code == code
    assert not Transfer.objects.exists()


def test_a_period_that_ends_before_it_begins_is_refused(project):
    now = timezone.now()

    with pytest.raises(DomainError, match="before the beginning"):
        start(project, "rankings", since=now, until=now - timedelta(days=1))


def test_ties_alone_give_no_comparison_and_the_export_says_so(project, annotator):
    make_ranking(annotator, project, (1, 1, 1, 1))

    transfer = export(project, "preference")

    assert (transfer.status, transfer.path) == ("failed", "")
    assert "ties only" in transfer.error


def test_a_disk_that_refuses_fails_it_with_the_reason_and_leaves_nothing(project, settings, tmp_path):
    make_prompt(project)
    (tmp_path / "transfers").write_text("a file where a directory belongs")
    settings.ARTIFACTS_DIR = tmp_path

    transfer = export(project, "prompts")

    assert transfer.status == "failed"
    assert "transfers" in transfer.error


def test_a_mistake_in_the_program_is_no_endless_export(project, monkeypatch):
    make_prompt(project)
    transfer = start(project, "prompts")
    monkeypatch.setattr(exports, "write_files", lambda *_a, **_k: {}["missing"])

    with pytest.raises(KeyError):
        actions.run_export(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert transfer.status == "failed"
    assert "worker's log" in transfer.error


def test_a_second_worker_leaves_it_alone(project):
    make_prompt(project)
    transfer = export(project, "prompts")

    actions.run_export(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.attempt, transfer.status) == (1, "succeeded")


def test_cancelled_in_the_queue_it_never_starts(project, manager):
    make_prompt(project)
    transfer = start(project, "prompts")

    actions.cancel_export(transfer=transfer, actor=manager)
    actions.run_export(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.status, transfer.attempt) == ("cancelled", 0)
    assert transfer.status_changes.last().actor == manager
    with pytest.raises(Conflict):
        actions.cancel_export(transfer=transfer, actor=manager)


def pause_in_the_middle(monkeypatch, meanwhile):
    """Have `meanwhile` happen, in another connection, after the first group of rows of the next export."""
    through = exports.write_files

    def slowly(directory, groups, **options):
        def interrupted():
            for number, group in enumerate(groups):
                yield group
                if number == 0:
                    run_elsewhere(meanwhile)

        return through(directory, interrupted(), **options)

    monkeypatch.setattr(exports, "write_files", slowly)


def run_elsewhere(work):
    failures = []

    def run():
        try:
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failures, failures


def test_cancelled_in_the_middle_it_stops_and_leaves_no_file(project, monkeypatch):
    for _ in range(3):
        make_prompt(project)
    transfer = start(project, "prompts")
    pause_in_the_middle(monkeypatch, lambda: actions.cancel_export(transfer=transfer, actor=None))

    actions.run_export(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.status, transfer.path) == ("cancelled", "")
    assert list(export_actions._directory(transfer).iterdir()) == []


def test_an_attempt_that_was_superseded_writes_nothing_more(project, monkeypatch):
    make_prompt(project)
    transfer = start(project, "prompts")

    def lose_it():
        Transfer.objects.update(heartbeat_at=Now() - timedelta(seconds=61))
        assert actions.sweep_transfers() == 1
        assert transfers.claim_transfer(transfer_id=transfer.pk, direction="export").attempt == 2

    pause_in_the_middle(monkeypatch, lose_it)
    actions.run_export(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.status, transfer.attempt, transfer.path) == ("running", 2, "")


def test_an_export_is_one_state_of_the_database(project, annotator, monkeypatch):
    """A judgment that is revised while the file is written is in it once, as it was."""
    monkeypatch.setattr("labeling.exports.judgments.BATCH", 1)
    first = make_ranking(annotator, project, (1, 2, 3, 4))
    second = make_ranking(annotator, project, (1, 2, 3, 4))
    transfer = start(project, "rankings")
    pause_in_the_middle(monkeypatch, lambda: rank(first.assignment, (4, 3, 2, 1)))

    actions.run_export(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    written = lines(directory_of(transfer) / "train.jsonl")
    assert [row["ranking_id"] for row in written] == [str(first.public_id), str(second.public_id)]


def test_an_export_whose_worker_dies_again_and_again_fails(project):
    make_prompt(project)
    transfer = start(project, "prompts")
    for attempt in range(1, 6):
        assert transfers.claim_transfer(transfer_id=transfer.pk, direction="export").attempt == attempt
        assert actions.sweep_transfers() == 0  # the lease holds while the heartbeat is fresh
        Transfer.objects.update(heartbeat_at=Now() - timedelta(seconds=61))
        assert actions.sweep_transfers() == 1

    transfer.refresh_from_db()
    assert transfer.status == "failed"
    assert "lost 5 times" in transfer.error


def test_deleting_frees_the_disk_and_keeps_the_record(project):
    make_prompt(project)
    transfer = export(project, "prompts")
    directory = directory_of(transfer)

    actions.delete_export_files(transfer=transfer)

    transfer.refresh_from_db()
    assert not directory.exists()
    assert (transfer.status, transfer.path, transfer.counts["rows"]) == ("succeeded", "", {"train": 1})


def test_what_is_still_written_cannot_be_deleted(project):
    make_prompt(project)
    transfer = start(project, "prompts")

    with pytest.raises(Conflict, match="Cancel it first"):
        actions.delete_export_files(transfer=transfer)
