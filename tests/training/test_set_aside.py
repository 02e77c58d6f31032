"""Snapshots and judgments of people who are suspended."""

import pytest

from labeling import actions
from tests.training.making import make_ranking, make_snapshot
from training.models import SnapshotMember
from training.queries import is_outgrown

pytestmark = pytest.mark.django_db


def members(snapshot):
    return set(SnapshotMember.objects.filter(snapshot=snapshot).values_list("submission", flat=True))


def test_the_next_snapshot_is_without_them_and_the_one_after_lifting_has_them_again(
    project, annotator, second_annotator, manager
):
    mine, theirs = make_ranking(annotator, project), make_ranking(second_annotator, project)
    before = make_snapshot(project)
    assert not is_outgrown(before)

    suspension = actions.suspend_member(
        project=project, user=annotator, actor=manager, reason="Spam.", sets_aside=True
    )

    assert is_outgrown(before)
    without = make_snapshot(project)
    assert members(without) == {theirs.pk} and members(before) == {mine.pk, theirs.pk}
    assert not is_outgrown(without)
    actions.lift_suspension(suspension=suspension, actor=manager)
    assert is_outgrown(without)
    assert members(make_snapshot(project)) == {mine.pk, theirs.pk}


def test_a_suspension_that_sets_nothing_aside_makes_no_snapshot_old(project, annotator, manager):
    make_ranking(annotator, project)
    snapshot = make_snapshot(project)

    actions.suspend_member(project=project, user=annotator, actor=manager, reason="Rest.", sets_aside=False)

    assert not is_outgrown(snapshot)
