"""A large import through the real broker and worker: done, cancelled, killed, sent again."""

import json
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from labeling import actions
from labeling.models import Completion, Prompt, Task, Transfer
from tests.labeling.importing import arrow, first_look, parquet, zipped

pytestmark = pytest.mark.slow

ROWS, BROKEN = 20_000, 37


def lines() -> list[bytes]:
    broken = {n * 500 + 123 for n in range(BROKEN)}
    return [
        b'{"prompt": "cut off\n'
        if n in broken
        else json.dumps(
            {"prompt": f"Write about {n}", "external_id": f"id-{n}", "author": f"a{n % 50}"}
        ).encode()
        + b"\n"
        for n in range(ROWS)
    ]


@pytest.fixture
def confirmed(project, manager):
    def start() -> Transfer:
        transfer = actions.upload_import(
            project=project, actor=manager, file_name="large.jsonl", chunks=lines()
        )
        assert first_look(transfer) == {"rows": ROWS, "broken": BROKEN, "is_whole": True}
        return actions.start_import(transfer=transfer, actor=manager)

    return start


def wait_for(transfer, reached, seconds=120):
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, (transfer.status, transfer.error, transfer.counts)
        time.sleep(0.02)
        transfer.refresh_from_db()


def counts(transfer):
    return {name: transfer.counts[name] for name in ("added", "known", "broken")}


def test_twenty_thousand_rows_survive_a_cancellation_a_kill_and_come_in_once(workers, confirmed, manager):
    workers.start("default")
    first = confirmed()
    wait_for(first, lambda: first.counts.get("added", 0) > 0)
    actions.cancel_import(transfer=first, actor=manager)
    wait_for(first, lambda: first.is_over)
    came_in = Prompt.objects.count()
    assert (first.status, first.counts["added"]) == ("cancelled", came_in)
    assert 0 < came_in < ROWS - BROKEN

    again = confirmed()
    wait_for(again, lambda: again.counts.get("added", 0) > 0)
    workers.kill("default")
    again.refresh_from_db()
    assert again.status == "running"
    half_way = counts(again)
    assert sum(half_way.values()) < ROWS
    assert actions.sweep_transfers() == 0  # the heartbeat is fresh: it may still be at work
    Transfer.objects.filter(pk=again.pk).update(heartbeat_at=Now() - timedelta(seconds=61))
    assert actions.sweep_transfers() == 1
    workers.start("default")
    wait_for(again, lambda: again.is_over)

    assert (again.status, again.error, again.attempt) == ("succeeded", "", 2)
    assert counts(again) == {"added": ROWS - BROKEN - came_in, "known": came_in, "broken": BROKEN}
    assert [problem["line"] for problem in again.problems] == [n * 500 + 124 for n in range(BROKEN)]
    assert Prompt.objects.count() == ROWS - BROKEN
    assert Task.objects.count() == Prompt.objects.filter(split="train").count()


def folder(n):
    """Two parts in Parquet and one in Arrow; each prompt has two outputs, every hundredth is broken."""
    rows = [
        {
            "prompt": f"Write about {k}" if k % 100 else "",
            "response_a": f"First {k}",
            "response_b": f"Other {k}",
        }
        for k in range(n)
    ]
    third = n // 3
    return zipped(
        {
            "d/train-00000-of-00002.parquet": parquet(rows[:third], row_group_size=300),
            "d/train-00001-of-00002.parquet": parquet(rows[third : 2 * third]),
            "d/validation/data-00000-of-00001.arrow": arrow(rows[2 * third :]),
        }
    )


def test_a_folder_of_tables_goes_on_after_a_kill_and_comes_in_once(workers, project, manager):
    rows = 6000
    transfer = actions.upload_import(
        project=project, actor=manager, file_name="folder.zip", chunks=[folder(rows)]
    )
    Transfer.objects.filter(pk=transfer.pk).update(options=transfer.options | {"opens_rankings": True})
    transfer.refresh_from_db()
    actions.start_import(transfer=transfer, actor=manager)
    workers.start("default")
    wait_for(transfer, lambda: transfer.counts.get("added", 0) > 0)
    workers.kill("default")
    transfer.refresh_from_db()
    assert transfer.status == "running"
    assert sum(counts(transfer).values()) < rows

    Transfer.objects.filter(pk=transfer.pk).update(heartbeat_at=Now() - timedelta(seconds=61))
    assert actions.sweep_transfers() == 1
    workers.start("default")
    wait_for(transfer, lambda: transfer.is_over)

    good = rows * 99 // 100
    assert (transfer.status, transfer.error, transfer.attempt) == ("succeeded", "", 2)
    assert counts(transfer) == {"added": good, "known": 0, "broken": rows - good}
    assert (Prompt.objects.count(), Completion.objects.count()) == (good, 2 * good)
    assert Task.objects.filter(kind="rank").count() == transfer.counts["tasks"] == good
    broken = [(problem["file"], problem["line"]) for problem in actions.problems_of(transfer)]
    assert len(broken) == len(set(broken)) == rows - good
