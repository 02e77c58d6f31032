"""Parquet and Arrow files: every kind of value, what is refused, and going on in the middle."""

import datetime
import decimal
import math
from itertools import pairwise

import pyarrow as pa
import pytest

from labeling import actions
from labeling.imports.files import FileRefused, Place
from labeling.imports.sources import look_at, rows
from labeling.models import Prompt, Transfer
from tests.labeling.importing import arrow, counts, kept_files, parquet, reader, reasons, uploader


@pytest.fixture
def upload(project, manager):
    return uploader(project, manager)


@pytest.fixture
def read_in(upload, manager):
    return reader(upload, manager)


def many(n):
    return [{"prompt": f"Write about {k}", "id": f"id-{k}"} for k in range(n)]


WRITERS = {
    "p.parquet": parquet,
    "small-groups.parquet": lambda rows: parquet(rows, row_group_size=100),
    "p.arrow": arrow,
    "feather.arrow": lambda rows: arrow(rows, is_feather=True),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_comes_in_row_by_row_and_once(read_in, project, name):
    content = WRITERS[name](many(1300))

    first, second = read_in(content, name), read_in(content, name)

    assert (first.status, first.error) == ("succeeded", "")
    assert counts(first) == {"added": 1300, "known": 0, "broken": 0}
    assert counts(second) == {"added": 0, "known": 1300, "broken": 0}
    ids = Prompt.objects.filter(project=project).order_by("pk").values_list("external_id", flat=True)
    assert list(ids) == [f"id-{k}" for k in range(1300)]
    assert first.progress_done <= first.progress_total == len(content)


def test_turns_numbers_dates_and_nested_values_arrive(read_in, project):
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    row = {
        "messages": [*turns, {"role": "user", "content": "为什么？"}],
        "split": "test",
        "when": datetime.date(2026, 5, 4),
        "price": decimal.Decimal("1.50"),
        "none": None,
        "missing": math.nan,
        "tags": ["a", "b"],
        "about": {"source": "wiki", "n": 7},
        "image": b"\x89PNG",
    }

    transfer = read_in(parquet([row]), "p.parquet")

    prompt = Prompt.objects.get(project=project)
    assert prompt.messages == row["messages"]
    assert prompt.split == "test"
    assert prompt.metadata == {
        "when": "2026-05-04",
        "price": "1.50",
        "none": None,
        "missing": None,
        "tags": ["a", "b"],
        "about": {"source": "wiki", "n": 7},
    }
    assert transfer.options["left_out"] == ["image"]


def test_broken_rows_of_a_table_are_named_by_their_number(read_in):
    texts = pa.array([b"good", b"caf\xe9", b"nul \x00", b"", b"x" * 1_000_001, b"good too"], pa.binary())
    table = pa.table({"prompt": texts.view(pa.string())})

    transfer = read_in(parquet(table), "p.parquet")

    assert counts(transfer) == {"added": 2, "known": 0, "broken": 4}
    for row, words in {2: "UTF-8", 3: "NUL", 4: "empty", 5: "1 MB"}.items():
        assert words in reasons(transfer)[row]


GOOD = parquet(many(400), row_group_size=100)


@pytest.mark.parametrize(
    "content, name, words",
    [
        (b"prompt\nhello\n", "p.parquet", "no Parquet file"),
        (GOOD[:-300], "p.parquet", "cut off"),
        (GOOD[:-4] + b"PARE", "p.parquet", "encrypted"),
        (b"PAR1" + b"x" * 100 + b"PAR1", "p.parquet", "broken"),
        (b"", "p.parquet", "empty"),
        (parquet(many(1)[:0] or pa.table({"prompt": pa.array([], pa.string())})), "p.parquet", "no row"),
        (parquet([{"image": b"x"}]), "p.parquet", "no column"),
        (parquet(pa.table([["a"], ["b"]], ["prompt", "prompt"])), "p.parquet", "same name"),
        (parquet([{"prompt": "a", "nul \x00": "b"}]), "p.parquet", "cannot be kept"),
        (b"no arrow at all", "p.arrow", "broken"),
        (arrow(many(400))[:40], "p.arrow", "broken"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_and_leaves_nothing(upload, content, name, words):
    before = kept_files()

    with pytest.raises(FileRefused, match=words):
        upload(content, name)

    assert Transfer.objects.count() == 0
    assert kept_files() == before


def test_a_table_that_is_broken_behind_its_beginning_fails_with_what_came_in_kept(upload, manager):
    transfer = upload(parquet(many(3000), row_group_size=500, compression="none"), "p.parquet")
    path = transfer.directory / "source.parquet"
    content = bytearray(path.read_bytes())
    middle = len(content) * 3 // 5
    content[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    actions.start_import(transfer=transfer, actor=manager)

    actions.run_import(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert transfer.status == "failed"
    assert "broken" in transfer.error
    assert 0 < transfer.counts["added"] < 3000


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("begin", [0, 1, 99, 100, 256, 999])
def test_reading_goes_on_at_any_row(tmp_path, name, begin):
    (tmp_path / name).write_bytes(WRITERS[name](many(1000)))
    file = look_at(tmp_path, name=name, part="", path=name, format=name.rpartition(".")[2])

    found = list(rows(tmp_path, [file], Place(12345, begin, 0) if begin else None))

    assert [row.values["id"] for row in found] == [f"id-{k}" for k in range(begin, 1000)]
    assert [row.line for row in found] == list(range(begin + 1, 1001))
    assert all(one.end.offset <= other.end.offset for one, other in pairwise(found))
    assert found[-1].end.offset <= file.size
