import subprocess
import sys
from dataclasses import replace

import pytest

from tests.training.engine import snapshots
from training.engine import records
from training.engine.errors import RecordError
from training.engine.records import (
    Completion,
    Demonstration,
    Document,
    Message,
    Prompt,
    Ranking,
    read_records,
    write_records,
)

RANKING = Ranking("r1", "p1", (Message("user", "Hi"),), ("a", "b", "c"), (1, 2, 2), "train", "ann", "person")


def test_what_is_written_is_read_back(tmp_path):
    for name, rows, kind in (
        ("prompts", snapshots.prompts(), Prompt),
        ("demonstrations", snapshots.demonstrations(), Demonstration),
        ("rankings", [*snapshots.rankings(), replace(RANKING, annotator_group="held_out")], Ranking),
        ("completions", [Completion("c1", "p1", (Message("user", "Hi"),), "")], Completion),
        ("corpus", [Document("One text."), Document("第二")], Document),
    ):
        path = tmp_path / f"{name}.parquet"

        assert write_records(path, iter(rows)) == len(rows)
        assert list(read_records(path, kind)) == rows


def test_many_rows_come_in_several_row_groups(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "rankings.parquet"
    rows = (replace(RANKING, ranking_id=f"r{i}") for i in range(2500))

    assert write_records(path, rows) == 2500
    assert pq.ParquetFile(path).num_row_groups == 3
    assert [row.ranking_id for row in read_records(path, Ranking)] == [f"r{i}" for i in range(2500)]


def test_long_documents_make_small_row_groups(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.setattr(records, "CHARACTERS_PER_GROUP", 25)
    rows = [Document("x" * 10) for _ in range(7)]

    write_records(tmp_path / "corpus.parquet", rows)

    assert pq.ParquetFile(tmp_path / "corpus.parquet").num_row_groups == 3
    assert list(read_records(tmp_path / "corpus.parquet", Document)) == rows


def test_rankings_from_before_there_were_groups_are_by_training_annotators(tmp_path):
    import pyarrow.parquet as pq

    write_records(tmp_path / "new.parquet", [RANKING])
    table = pq.read_table(tmp_path / "new.parquet").drop_columns(["annotator_group"])
    pq.write_table(table, tmp_path / "old.parquet")

    assert [row.annotator_group for row in read_records(tmp_path / "old.parquet", Ranking)] == ["training"]


def test_an_empty_document_is_refused_by_number(tmp_path):
    with pytest.raises(RecordError, match=r"row 2: text must be text, and not empty"):
        write_records(tmp_path / "corpus.parquet", [Document("a"), Document(" \n")])

    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_can_be_written_when_its_type_is_named(tmp_path):
    path = tmp_path / "prompts.parquet"

    assert write_records(path, [], Prompt) == 0
    assert list(read_records(path, Prompt)) == []


def test_a_snapshot_opens_with_the_datasets_library(tmp_path):
    datasets = pytest.importorskip("datasets")
    write_records(tmp_path / "rankings.parquet", [RANKING])

    rows = datasets.load_dataset(
        "parquet",
        data_files=str(tmp_path / "rankings.parquet"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )

    assert rows[0]["places"] == [1, 2, 2]
    assert rows[0]["messages"] == [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"places": (1, 2)}, "2 places for 3 completions"),
        ({"places": (0, 1, 2)}, "place is 0"),
        ({"completions": ("a",), "places": (1,)}, "at least 2 completions"),
        ({"messages": ()}, "messages is empty"),
        ({"split": "testing"}, "split is 'testing'"),
        ({"annotator": None}, "annotator must be text"),
        ({"annotator_group": "others"}, "annotator_group is 'others'"),
    ],
)
def test_a_row_that_breaks_an_invariant_is_refused_by_number_and_leaves_no_file(tmp_path, change, reason):
    path = tmp_path / "rankings.parquet"

    with pytest.raises(RecordError, match=reason) as refusal:
        write_records(path, [RANKING, replace(RANKING, **change)])

    assert "row 2 (r1)" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_row_in_a_file_from_elsewhere_is_refused_by_number(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            **{n: getattr(RANKING, n) for n in Ranking.__dataclass_fields__},
            "messages": [{"role": "user", "content": "x"}],
        }
    ]
    rows.append({**rows[0], "places": [1]})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rankings.parquet")

    with pytest.raises(RecordError, match=r"row 2 \(r1\): 1 places for 3 completions"):
        list(read_records(tmp_path / "rankings.parquet", Ranking))


def test_a_file_that_is_not_parquet_or_lacks_a_column_is_refused(tmp_path):
    (tmp_path / "rankings.parquet").write_text("no")
    with pytest.raises(RecordError, match="cannot be read as Parquet"):
        list(read_records(tmp_path / "rankings.parquet", Ranking))

    write_records(tmp_path / "prompts.parquet", snapshots.prompts())
    with pytest.raises(RecordError, match="lacks the column 'ranking_id'"):
        list(read_records(tmp_path / "prompts.parquet", Ranking))


@pytest.mark.parametrize("module", ["records", "config", "events", "__main__"])
def test_what_the_web_process_imports_does_not_load_torch(module):
    program = (
        f"import sys, training.engine.{module}; "
        "print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert "torch" not in loaded
    assert "transformers" not in loaded
