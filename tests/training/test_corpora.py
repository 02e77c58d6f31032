"""Text corpora: read in whole or not at all, and what runs may read them."""

import json
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions as labeling_actions
from labeling.errors import DomainError
from tests.making import make_prompt
from tests.training.making import make_snapshot, make_version
from training import actions, launcher, queries, tasks
from training.actions import corpora
from training.corpus_files import CorpusRefused, lines
from training.engine.records import Document, read_records
from training.models import ModelVersion, Snapshot

GOOD = b'{"text": "One.", "source": "a"}\n\n{"text": "\xe4\xba\x8c"}\n'


@pytest.fixture
def artifacts(tmp_path, settings):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    (settings.ARTIFACTS_DIR / "corpora").mkdir(parents=True)
    return settings.ARTIFACTS_DIR


def uploaded(project, content=GOOD, file_name="texts.jsonl", **fields):
    corpus = actions.upload_corpus(
        project=project, user=None, name=fields.get("name", ""), file_name=file_name, chunks=[content]
    )
    actions.build_corpus(snapshot_id=corpus.pk)
    corpus.refresh_from_db()
    return corpus


def documents_of(corpus):
    return [document.text for document in read_records(corpus.directory / "corpus.parquet", Document)]


def test_an_uploaded_file_becomes_a_corpus_of_the_project(project, artifacts):
    corpus = uploaded(project)

    assert (corpus.status, corpus.name, corpus.contents) == ("ready", "texts", ["corpus"])
    assert corpus.counts == {"corpus": {"documents": 2, "characters": 5}}
    assert documents_of(corpus) == ["One.", "二"]
    manifest = json.loads((corpus.directory / "manifest.json").read_text())
    assert (manifest["name"], manifest["content_hash"]) == ("texts", corpus.content_hash)
    assert list(queries.corpora_of(project)) == [corpus]
    assert list(queries.snapshots_of(project)) == []
    assert [path.name for path in (artifacts / "corpora" / "uploads").iterdir()] == []


def test_a_parquet_file_on_the_server_is_read_where_it_is(project, artifacts):
    path = artifacts / "corpora" / "wiki.parquet"
    pq.write_table(pa.table({"id": list(range(200)), "text": [f"Text {n}." for n in range(200)]}), path)
    assert [str(offered) for offered in actions.offered_files()] == ["corpora/wiki.parquet"]

    corpus = actions.register_corpus(project=project, user=None, path=actions.offered_files()[0], name="Wiki")
    actions.build_corpus(snapshot_id=corpus.pk)

    corpus.refresh_from_db()
    assert (corpus.status, corpus.name, corpus.counts["corpus"]["documents"]) == ("ready", "Wiki", 200)
    assert documents_of(corpus)[199] == "Text 199."
    assert corpus.progress_done == corpus.progress_total == path.stat().st_size
    assert path.exists()


def test_every_broken_line_is_listed_with_its_reason_and_nothing_is_kept(project, artifacts):
    broken = [
        b'{"text": "fine"}',
        b'{"text": "no end}',
        b'{"words": "x"}',
        b'{"text": 7}',
        b'{"text": " "}',
        b'{"text": "\xff"}',
        b'"text"',
        b'{"text": "\\ud800"}',
        b'{"text": "fine too"}',
    ]

    corpus = uploaded(project, b"\n".join(broken))

    assert (corpus.status, corpus.error) == ("failed", "7 lines are broken: mend them.")
    reasons = {problem["line"]: problem["reason"] for problem in corpus.problems}
    assert list(reasons) == [2, 3, 4, 5, 6, 7, 8]
    assert reasons[2].startswith("It is no JSON: column")
    assert reasons[3] == reasons[7] == 'It is no JSON object with a text, such as {"text": "…"}.'
    assert (reasons[4], reasons[5]) == ("Its text is no text.", "Its text is empty.")
    assert reasons[6] == "It is not UTF-8 (byte 11 of the line)."
    assert "lone surrogate" in reasons[8]
    assert list((artifacts / "snapshots").iterdir()) == []


@pytest.mark.parametrize(
    ("file_name", "content", "reason"),
    [
        ("texts.csv", GOOD, "ends in .jsonl or .parquet"),
        ("texts.jsonl", b"", "The file is empty."),
    ],
)
def test_a_file_that_is_none_is_refused_at_once(project, artifacts, file_name, content, reason):
    with pytest.raises(CorpusRefused, match=reason):
        uploaded(project, content, file_name)

    assert not [path for path in artifacts.rglob("*") if path.is_file()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("file_name", "content", "reason"),
    [
        ("texts.parquet", b"not parquet", "cannot be read as Parquet"),
        ("texts.jsonl", b"\n \n", "no document in the file"),
    ],
)
def test_a_file_without_texts_fails_with_the_reason(project, artifacts, file_name, content, reason):
    corpus = uploaded(project, content, file_name)

    assert corpus.status == "failed"
    assert reason in corpus.error


def test_a_parquet_file_needs_the_column_text(tmp_path):
    pq.write_table(pa.table({"words": ["x"]}), tmp_path / "a.parquet")

    with pytest.raises(CorpusRefused, match="no column named text"):
        list(lines(tmp_path / "a.parquet"))


def test_a_file_is_read_line_by_line_and_a_line_has_a_longest_length(tmp_path, monkeypatch):
    monkeypatch.setattr("training.corpus_files.LONGEST_LINE", 100)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "first"}\n{"text": "' + b"x" * 1000 + b'"}\n{"text": "last"}')

    found = lines(path)
    first = next(found)

    assert (first.number, first.text, first.done) == (1, "first", 18)
    assert [(line.number, line.text, bool(line.problem)) for line in found] == [
        (2, "", True),
        (3, "last", False),
    ]


def test_a_corpus_that_another_worker_reads_is_left_to_it(project, artifacts):
    corpus = actions.upload_corpus(project=project, user=None, name="", file_name="a.jsonl", chunks=[GOOD])
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [corpora._LOCKS, corpus.pk])
        actions.build_corpus(snapshot_id=corpus.pk)
        corpus.refresh_from_db()
        assert corpus.status == "building"
        cursor.execute("SELECT pg_advisory_unlock_all()")

    actions.build_corpus(snapshot_id=corpus.pk)

    corpus.refresh_from_db()
    assert corpus.status == "ready"


def test_the_command_reads_it_here_and_now_or_says_what_is_broken(project, artifacts, tmp_path, capsys):
    path = tmp_path / "elsewhere.jsonl"
    path.write_bytes(GOOD)

    call_command("register_corpus", str(path), name="Mine")

    corpus = Snapshot.objects.get(name="Mine")
    assert capsys.readouterr().out.strip() == str(corpus.public_id)
    assert corpus.status == "ready"
    path.write_bytes(b"{}\n")
    with pytest.raises(CommandError, match=r"(?s)1 line is broken.*line 1: It is no JSON object"):
        call_command("register_corpus", str(path))


# --- the page


@pytest.fixture
def client(client_for, engineer):
    return client_for(engineer)


def test_an_engineer_sends_a_file_and_sees_what_became_of_it(client, project, artifacts, engineer):
    address = reverse("corpora", args=[project.public_id])
    answer = client.post(address, {"name": "Notes", "file": SimpleUploadedFile("notes.jsonl", GOOD)})

    assert answer.status_code == 302
    corpus = Snapshot.objects.get()
    assert (corpus.name, corpus.created_by) == ("Notes", engineer)
    shown = client.get(address).content.decode()
    assert 'hx-trigger="every 2s"' in shown and "being built" in shown
    actions.build_corpus(snapshot_id=corpus.pk)
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert fragment.startswith('<div id="corpora">')
    assert corpus.name in fragment and ">2<" in fragment


def test_the_worker_that_builds_snapshots_reads_corpora_too(project, artifacts):
    corpus = actions.upload_corpus(project=project, user=None, name="", file_name="a.jsonl", chunks=[GOOD])
    make_prompt(project)
    record = actions.take_snapshot(project=project, user=None, contents=["prompts"])

    for snapshot in (corpus, record):
        tasks.build_snapshot(snapshot.pk)
        tasks.build_snapshot(snapshot.pk)
        snapshot.refresh_from_db()
        assert snapshot.status == "ready"


def test_the_page_costs_the_same_however_many_there_are(
    client, project, artifacts, django_assert_num_queries
):
    address = reverse("corpora", args=[project.public_id])
    uploaded(project)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for _ in range(5):
        uploaded(project)

    with django_assert_num_queries(len(one)):
        client.get(address)


def test_only_files_put_there_for_it_can_be_named(client, project, artifacts):
    (artifacts / "corpora" / "here.jsonl").write_bytes(GOOD)
    (artifacts / "secret.jsonl").write_bytes(GOOD)
    address = reverse("corpora", args=[project.public_id])

    assert "here.jsonl" in client.get(address).content.decode()
    for path in ("corpora/../secret.jsonl", "secret.jsonl", str(artifacts / "secret.jsonl")):
        assert client.post(address, {"path": path}).status_code == 400
    assert client.post(address, {"path": "corpora/here.jsonl"}).status_code == 302
    assert Snapshot.objects.get().name == "here"


def test_a_file_must_be_chosen_and_fit(client, project, artifacts):
    address = reverse("corpora", args=[project.public_id])

    nothing = client.post(address, {"name": "x"})
    wrong = client.post(address, {"file": SimpleUploadedFile("notes.txt", GOOD)})

    assert nothing.status_code == wrong.status_code == 400
    assert "Choose a file to send, or one that is on the server." in nothing.content.decode()
    assert "ends in .jsonl or .parquet" in wrong.content.decode()
    assert not Snapshot.objects.exists()


# --- runs


@pytest.fixture
def policy(project, tmp_path):
    return make_version(project, tmp_path / "policy")


def start(project, policy, kind, **fields):
    return actions.start_run(project=project, kind=kind, inputs={"policy": policy}, actor=None, **fields)


def test_pretraining_reads_a_corpus_and_makes_a_base_of_the_project(project, artifacts, policy):
    corpus = uploaded(project)
    run = start(project, policy, "pretrain", corpus=corpus)

    launcher.write_directory(run)

    assert (run.snapshot, run.corpus) == (None, corpus)
    assert [path.name for path in (run.directory / "snapshot").iterdir()] == ["corpus.parquet"]
    run = actions.claim_run(run_id=run.pk, node="node")
    (run.directory / "model").mkdir()
    (run.directory / "model" / "config.json").write_text("{}")
    version = actions.finish_run(run_id=run.pk, attempt=1, result={"model": "model", "metrics": {}})
    assert (version.kind, version.project, version.is_promotable) == ("base", project, False)
    assert version in queries.versions_for(project, "policy")
    assert queries.usual_inputs(project, "pretrain") == {"policy": version}
    assert queries.version_named(project, "base:1") == version


def test_a_mix_needs_a_corpus_and_a_corpus_a_mix(project, artifacts, policy, annotator):
    corpus = uploaded(project)
    labeling_actions.import_demonstration(prompt=make_prompt(project), author=annotator, text="Yes.")
    snapshot = make_snapshot(project)

    with pytest.raises(DomainError, match="Choose a text corpus to mix in, or set pretrain_mix to 0"):
        start(project, policy, "sft", snapshot=snapshot, config={"pretrain_mix": 0.1})
    with pytest.raises(DomainError, match="A corpus is chosen, but pretrain_mix is 0"):
        start(project, policy, "sft", snapshot=snapshot, corpus=corpus)
    run = start(project, policy, "sft", snapshot=snapshot, corpus=corpus, config={"pretrain_mix": 0.1})
    launcher.write_directory(run)

    assert {path.name for path in (run.directory / "snapshot").iterdir()} == {
        *(f"{content}.parquet" for content in Snapshot.RECORD),
        "corpus.parquet",
    }


def test_a_corpus_has_to_be_there_and_to_be_one(project, artifacts, policy, person):
    make_prompt(project)
    record = make_snapshot(project, contents=["prompts"])
    other = labeling_actions.create_project(name="Other", creator=None)
    unread = actions.upload_corpus(project=project, user=None, name="", file_name="a.jsonl", chunks=[GOOD])

    for corpus, reason in [
        (None, "Choose a text corpus."),
        (record, "Choose a text corpus of this project."),
        (uploaded(other), "Choose a text corpus of this project."),
        (unread, "This corpus is not ready"),
    ]:
        with pytest.raises(DomainError, match=reason):
            start(project, policy, "pretrain", corpus=corpus)
    with pytest.raises(DomainError, match="This kind of run reads no text corpus"):
        start(project, policy, "sample", corpus=uploaded(project))


def test_a_corpus_is_no_snapshot_of_the_record(project, artifacts, client, policy):
    make_prompt(project)
    corpus = uploaded(project)

    assert queries.newest_snapshot(project, holding="prompts") is None
    assert queries.covering_snapshot(project) is None
    form = client.get(reverse("start-run", args=[project.public_id, "pretrain"])).content.decode()
    assert f'<option value="{corpus.public_id}" selected>texts</option>' in form
    form = client.get(reverse("start-run", args=[project.public_id, "reward_model"])).content.decode()
    assert str(corpus.public_id) not in form


def test_a_preset_that_mixes_text_in_comes_with_the_newest_corpus(project, artifacts, client, policy):
    corpus = uploaded(project)
    address = reverse("start-run", args=[project.public_id, "ppo"])

    chosen = f'<option value="{corpus.public_id}" selected>'

    assert chosen in client.get(f"{address}?preset=instructgpt").content.decode()
    assert chosen not in client.get(address).content.decode()


def test_the_model_chosen_by_a_reward_model_has_it_among_its_inputs(
    project, artifacts, policy, tmp_path, annotator
):
    labeling_actions.import_demonstration(prompt=make_prompt(project), author=annotator, text="Yes.")
    snapshot = make_snapshot(project)
    judge = make_version(project, tmp_path / "reward", kind="reward_model")
    config = {"select_by": "reward_model"}

    with pytest.raises(DomainError, match="needs a reward model"):
        start(project, policy, "sft", snapshot=snapshot, config=config)
    run = actions.start_run(
        project=project,
        kind="sft",
        inputs={"policy": policy, "reward_model": judge},
        actor=None,
        snapshot=snapshot,
        config=config,
    )

    launcher.write_directory(run)
    written = json.loads((run.directory / "config.json").read_text())
    assert (written["policy"], written["reward_model"]) == (str(policy.directory), str(judge.directory))
    assert ModelVersion.objects.filter(used_as__run=run).count() == 2
    assert settings.ARTIFACTS_DIR == artifacts
