import hashlib
import json

import pyarrow.parquet as pq
import pytest

from labeling import actions as labeling_actions
from labeling.errors import DomainError
from labeling.models import Assignment
from tests.making import make_author, make_prompt
from tests.training.making import make_ranking, make_snapshot
from training import actions
from training.engine import records
from training.engine.errors import RecordError
from training.models import Snapshot


def test_a_snapshot_is_files_a_manifest_and_its_members(project, annotator):
    ranking = make_ranking(annotator, project, (2, 1, 3, 3))
    make_ranking(annotator, project, split="valid")
    demonstration = labeling_actions.import_demonstration(
        prompt=make_prompt(project), author=make_author(), text="The ideal answer."
    )

    snapshot = make_snapshot(project)

    assert (snapshot.status, snapshot.error) == ("ready", "")
    manifest = json.loads((snapshot.directory / "manifest.json").read_text())
    assert manifest["counts"] == snapshot.counts
    assert snapshot.counts == {
        "prompts": {"train": 2, "valid": 1},
        "demonstrations": {"train": 1},
        "rankings": {"train": 1, "valid": 1},
    }
    assert manifest["filters"] == {"splits": ["train", "valid", "test"]}
    assert manifest["content_hash"] == snapshot.content_hash
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((snapshot.directory / name).read_bytes()).hexdigest() == digest
    assert {ranking, demonstration} <= set(snapshot.submissions.all())
    assert snapshot.submissions.count() == manifest["members"] == 3
    rankings = list(records.read_records(snapshot.directory / "rankings.parquet", records.Ranking))
    kept = next(r for r in rankings if r.ranking_id == str(ranking.public_id))
    assert len(kept.places) == 4
    assert sorted(kept.places) == [1, 2, 3, 3]


def test_no_name_or_address_of_a_person_is_in_the_files(project, annotator):
    make_ranking(annotator, project)

    snapshot = make_snapshot(project)

    for file in snapshot.directory.iterdir():
        content = file.read_bytes()
        assert annotator.email.encode() not in content
        assert str(annotator.public_id).encode() not in content
    assert (
        pq.read_table(snapshot.directory / "rankings.parquet")["annotator"][0]
        .as_py()
        .startswith("annotator-")
    )


def test_only_the_newest_revision_of_a_judgment_is_in_it(project, annotator):
    make_ranking(annotator, project)
    assignment = Assignment.objects.get()
    newer = labeling_actions.submit_ranking(
        assignment=assignment, places=[(1, 4), (2, 3), (3, 2), (4, 1)], idempotency_key="second"
    )

    snapshot = make_snapshot(project)

    assert list(snapshot.submissions.all()) == [newer]


def test_the_same_record_has_the_same_hash(project, annotator):
    make_ranking(annotator, project)

    assert make_snapshot(project).content_hash == make_snapshot(project).content_hash


def test_what_comes_later_is_not_in_it(project, annotator):
    make_ranking(annotator, project)
    snapshot = make_snapshot(project)

    make_ranking(annotator, project)
    actions.build_snapshot(snapshot_id=snapshot.pk)

    assert pq.read_metadata(snapshot.directory / "rankings.parquet").num_rows == 1


def test_splits_and_contents_are_filters(project, annotator):
    make_ranking(annotator, project)
    make_ranking(annotator, project, split="test")

    snapshot = make_snapshot(project, contents=["rankings"], splits=["train"])

    assert snapshot.counts == {"rankings": {"train": 1}}
    assert sorted(f.name for f in snapshot.directory.iterdir()) == ["manifest.json", "rankings.parquet"]


def test_an_empty_snapshot_is_refused_in_a_sentence(project):
    make_prompt(project)

    with pytest.raises(DomainError) as refused:
        actions.take_snapshot(project=project, user=None)

    assert refused.value.code == "empty_snapshot"
    assert "no demonstrations and no rankings" in refused.value.message
    assert not Snapshot.objects.exists()


def test_prompts_alone_can_be_taken(project):
    make_prompt(project)

    assert make_snapshot(project, contents=["prompts"]).counts == {"prompts": {"train": 1}}


def test_prompts_of_a_project_without_prompts_are_refused(project):
    with pytest.raises(DomainError, match="no prompts"):
        actions.take_snapshot(project=project, user=None, contents=["prompts"])


def test_unknown_contents_are_refused(project):
    with pytest.raises(DomainError) as refused:
        actions.take_snapshot(project=project, user=None, contents=["weights"])

    assert refused.value.code == "unknown_contents"


def test_a_failure_is_told_and_leaves_no_files(project, annotator, monkeypatch):
    make_ranking(annotator, project)
    snapshot = actions.take_snapshot(project=project, user=None)

    def refuse(*_arguments, **_options):
        raise RecordError("rankings.parquet: row 1: messages is empty")

    monkeypatch.setattr(records, "write_records", refuse)
    actions.build_snapshot(snapshot_id=snapshot.pk)

    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.path) == ("failed", "")
    assert "messages is empty" in snapshot.error
    assert not snapshot.members.exists()


@pytest.mark.django_db(transaction=True)
def test_it_is_built_outside_a_test_transaction_too(project, annotator):
    make_ranking(annotator, project)

    assert make_snapshot(project).status == "ready"
