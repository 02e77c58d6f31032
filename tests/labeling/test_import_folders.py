"""The folder of a dataset: packed or as files, its parts and splits, and archives that mean harm."""

import io
import tarfile

import pytest

from labeling import actions
from labeling.errors import DomainError
from labeling.imports.files import FileRefused
from labeling.imports.folders import format_of, part_of, split_in
from labeling.models import Prompt, Transfer
from tests.labeling.importing import (
    arrow,
    counts,
    jsonl,
    kept_files,
    mapped,
    parquet,
    ran,
    reader,
    uploader,
    zipped,
)


@pytest.fixture
def upload(project, manager):
    return uploader(project, manager)


@pytest.fixture
def read_in(upload, manager):
    return reader(upload, manager)


def some(word, n=3):
    return [{"prompt": f"{word} {k}"} for k in range(n)]


HUB = {
    "questions/README.md": b"---\nconfigs: []\n---\n# Questions",
    "questions/data/train-00000-of-00002.parquet": parquet(some("train")),
    "questions/data/train-00001-of-00002.parquet": parquet(some("more to train")),
    "questions/data/validation-00000-of-00001.parquet": parquet(some("validate")),
    "questions/data/test-00000-of-00001.parquet": parquet(some("test")),
    "questions/.cache/x.parquet": b"nothing",
    "__MACOSX/questions/data/._train.parquet": b"nothing",
}
SAVED = {
    "saved/dataset_dict.json": b'{"splits": ["train", "test"]}',
    "saved/train/data-00000-of-00001.arrow": arrow(some("train")),
    "saved/train/cache-1b2c.arrow": arrow(some("half done")),
    "saved/train/state.json": b"{}",
    "saved/test/data-00000-of-00001.arrow": arrow(some("test")),
}


def tarred(files, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def splits(project):
    found = Prompt.objects.filter(project=project).values_list("messages", "split")
    return {messages[0]["content"]: split for messages, split in found}


@pytest.mark.parametrize(
    "content, name",
    [(zipped(HUB), "questions.zip"), (tarred(HUB), "questions.tar.gz"), (tarred(HUB, "w"), "q.tar")],
)
def test_a_folder_of_the_hub_comes_in_with_its_splits(read_in, project, content, name):
    transfer = read_in(content, name)

    assert transfer.status == "succeeded"
    assert counts(transfer) == {"added": 12, "known": 0, "broken": 0}
    parts = [part["name"] for part in transfer.options["parts"]]
    assert parts == ["test", "train", "validation"]
    found = splits(project)
    assert found["train 0"] == found["more to train 2"] == "train"
    assert (found["validate 1"], found["test 1"]) == ("valid", "test")
    assert transfer.progress_done == transfer.progress_total


def test_a_folder_that_save_to_disk_wrote_comes_in_without_its_caches(read_in, project):
    transfer = read_in(zipped(SAVED), "saved.zip")

    assert counts(transfer)["added"] == 6
    assert {text.split()[0]: split for text, split in splits(project).items()} == {
        "train": "train",
        "test": "test",
    }


def test_parts_can_be_left_out_and_have_another_split(upload, manager, project):
    transfer = mapped(
        upload(zipped(HUB), "questions.zip"),
        splits={"train": actions.LEFT_OUT, "validation": "train", "test": "test"},
    )
    assert transfer.counts["rows"] == 6

    ran(transfer, manager)

    found = splits(project)
    assert len(found) == 6
    assert (found["validate 0"], found["test 0"]) == ("train", "test")


@pytest.mark.parametrize("choice, words", [("out", "at least one part"), ("poetry", "Choose train")])
def test_leaving_out_everything_and_a_split_that_is_none_are_refused(upload, choice, words):
    transfer = upload(zipped(HUB), "questions.zip")

    with pytest.raises(DomainError) as refused:
        mapped(transfer, splits={part["name"]: choice for part in transfer.options["parts"]})

    assert words in refused.value.fields["parts"]


def test_the_split_of_a_row_goes_before_that_of_its_part(read_in, project):
    read_in(zipped({"d/train.jsonl": jsonl({"prompt": "a", "split": "test"}, {"prompt": "b"})}), "d.zip")

    assert splits(project) == {"a": "test", "b": "train"}


def test_files_of_different_formats_and_columns_are_read_one_after_the_other(project, manager):
    files = {
        "one.jsonl": jsonl({"prompt": "a", "team": 1}, b"broken\n"),
        "two.csv": b"prompt;note\nb;x\nonly one\n",
        "three.parquet": parquet([{"prompt": "c", "score": 0.5}, {"prompt": ""}]),
        "notes.txt": b"not read",
    }
    transfer = actions.upload_folder(
        project=project, actor=manager, name="mixed", files=[(name, [data]) for name, data in files.items()]
    )

    ran(transfer, manager)

    assert counts(transfer) == {"added": 3, "known": 0, "broken": 3}
    assert [(problem["file"], problem["line"]) for problem in transfer.problems] == [
        ("one.jsonl", 2),
        ("three.parquet", 2),
        ("two.csv", 3),
    ]
    metadata = Prompt.objects.order_by("pk").values_list("metadata", flat=True)
    assert list(metadata) == [{"team": 1}, {"score": 0.5}, {"note": "x"}]


@pytest.mark.parametrize(
    "name", ["../evil.jsonl", "a/../../evil.jsonl", "/etc/evil.jsonl", "C:\\evil.jsonl", "..\\evil.jsonl"]
)
@pytest.mark.parametrize("pack, suffix", [(zipped, "zip"), (tarred, "tgz")])
def test_a_name_that_leads_out_of_the_archive_refuses_it(upload, name, pack, suffix):
    with pytest.raises(FileRefused, match="leads out"):
        upload(pack({"ok.jsonl": jsonl({"prompt": "x"}), name: jsonl({"prompt": "y"})}), f"d.{suffix}")

    assert Transfer.objects.count() == 0
    assert not [path for path in kept_files() if "evil" in path.name]


def test_links_in_an_archive_are_passed_over(upload):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("secret.jsonl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        content = jsonl({"prompt": "x"})
        member = tarfile.TarInfo("a.jsonl")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))

    transfer = upload(buffer.getvalue(), "d.tar")

    assert [file["name"] for file in transfer.options["files"]] == ["a.jsonl"]


def test_what_is_too_large_unpacked_is_refused_before_it_fills_the_disk(upload, settings):
    settings.IMPORT_MAX_MB = 1
    before = kept_files()
    bomb = zipped({"a.jsonl": b" " * 30_000_000})
    assert len(bomb) < 100_000

    with pytest.raises(FileRefused, match="1 MB"):
        upload(bomb, "bomb.zip")

    assert kept_files() == before


def test_the_limit_holds_for_all_files_together(upload, settings):
    settings.IMPORT_MAX_MB = 1
    half = jsonl({"prompt": "x" * 600_000})

    with pytest.raises(FileRefused, match=r"b\.jsonl: .*1 MB"):
        upload(zipped({"a.jsonl": half, "b.jsonl": half}), "two.zip")


def damaged():
    content = bytearray(zipped(HUB))
    content[200:400] = b"\x00" * 200
    return bytes(content)


def encrypted():
    content = bytearray(zipped({"a.jsonl": jsonl({"prompt": "x"})}))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    "content, name, words",
    [
        (b"no archive", "d.zip", "broken or cut off"),
        (damaged(), "d.zip", "broken"),
        (tarred(HUB)[:500], "d.tgz", "broken or cut off"),
        (encrypted(), "d.zip", "encrypted"),
        (zipped({"README.md": b"# Nothing"}), "d.zip", "No file in it holds rows"),
        (zipped({"a.jsonl": b""}), "d.zip", "a.jsonl: The file is empty"),
        (zipped({"a.parquet": b"nothing"}), "d.zip", "a.parquet: The file is no Parquet"),
    ],
)
def test_an_archive_that_cannot_be_read_is_refused_and_leaves_nothing(upload, content, name, words):
    before = kept_files()

    with pytest.raises(FileRefused, match=words):
        upload(content, name)

    assert Transfer.objects.count() == 0
    assert kept_files() == before


def test_an_archive_of_too_many_files_is_refused(upload, monkeypatch):
    monkeypatch.setattr("labeling.actions.import_sources.MOST_FILES", 2)

    with pytest.raises(FileRefused, match="more than 2 files"):
        upload(zipped({f"{n}.jsonl": jsonl({"prompt": "x"}) for n in range(3)}), "d.zip")


@pytest.mark.parametrize(
    "name, format, part, split",
    [
        ("data/train-00000-of-00002.parquet", "parquet", "data/train", "train"),
        ("default/validation/0000.parquet", "parquet", "default/validation", "valid"),
        ("train/data-00000-of-00001.arrow", "arrow", "train", "train"),
        ("data-00000-of-00001.arrow", "arrow", "data", ""),
        ("en/test.jsonl", "jsonl", "en/test", "test"),
        ("dev.csv", "csv", "dev", "valid"),
        ("latest.csv", "csv", "latest", ""),
        ("gpt4.jsonl", "jsonl", "gpt4", ""),
        ("cache-12.arrow", "", "cache-12", ""),
        (".git/x.csv", "", ".git/x", ""),
        ("README.md", "", "README", ""),
    ],
)
def test_names_tell_the_format_the_part_and_the_split(name, format, part, split):
    assert (format_of(name), part_of(name), split_in(part_of(name))) == (format, part, split)


def test_a_name_in_strange_bytes_is_kept_as_far_as_it_can_be(upload):
    transfer = upload(tarred({"caf\udce9.jsonl": jsonl({"prompt": "x"})}), "a.tgz")

    transfer.refresh_from_db()
    assert transfer.options["files"][0]["name"] == "caf?.jsonl"


@pytest.mark.parametrize(
    "name, part, split",
    [
        ("folder/deeper/a.jsonl", "a", ""),
        ("folder/train/data-00000-of-00001.jsonl", "train", "train"),
        ("test-folder/a.jsonl", "a", ""),
    ],
)
def test_the_folder_around_everything_is_no_part_unless_it_is_a_split(upload, name, part, split):
    transfer = upload(zipped({name: jsonl({"prompt": "x"})}), "a.zip")

    assert [(one["name"], one["split"]) for one in transfer.options["parts"]] == [(part, split)]
