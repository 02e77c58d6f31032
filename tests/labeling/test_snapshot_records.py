import pytest

from labeling import actions, exports
from tests.making import make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def rank(user, project, *places, key="k"):
    assignment = actions.claim_task(user=user, project=project, kind="rank")
    by_slot = dict(zip([1, 2, 3, 4], places, strict=True))
    shown = [(n, by_slot[slot]) for n, slot in enumerate(assignment.display_order, start=1)]
    return assignment, actions.submit_ranking(assignment=assignment, places=shown, idempotency_key=key)


def test_a_ranking_is_exported_with_places_beside_the_texts_they_belong_to(project, annotator):
    make_ranking_task(project, ["a", "b", "c", "d"])
    _, submission = rank(annotator, project, 2, 1, 4, 3)

    [(submission_id, record)] = exports.ranking_records(project)

    assert submission_id == submission.pk
    assert dict(zip(record.completions, record.places, strict=True)) == {"a": 2, "b": 1, "c": 4, "d": 3}


def test_only_the_newest_revision_counts(project, annotator):
    make_ranking_task(project)
    assignment, _ = rank(annotator, project, 1, 2, 3, 4)
    second = actions.submit_ranking(
        assignment=assignment, places=[(1, 1), (2, 1), (3, 1), (4, 2)], idempotency_key="again"
    )

    assert [submission_id for submission_id, _ in exports.ranking_records(project)] == [second.pk]


def test_people_leave_under_a_pseudonym_of_the_project(project, annotator):
    make_ranking_task(project)
    rank(annotator, project, 1, 2, 3, 4)

    [(_, record)] = exports.ranking_records(project)

    assert record.annotator == exports.pseudonym(project, annotator)
    assert annotator.email not in record.annotator
    other = actions.create_project(name="Other", creator=None)
    assert exports.pseudonym(other, annotator) != record.annotator


def test_a_demonstration_is_exported_with_its_prompt(project, annotator):
    prompt = make_prompt(project, "Why is the sky blue?", split="valid")
    actions.import_demonstration(prompt=prompt, author=annotator, text="Scattering.")

    [(_, record)] = exports.demonstration_records(project)

    assert (record.messages[0].content, record.completion, record.split) == (
        "Why is the sky blue?",
        "Scattering.",
        "valid",
    )


def test_many_rankings_cost_the_same_number_of_queries_a_batch(project, annotator, django_assert_num_queries):
    for _ in range(12):
        make_ranking_task(project)
        rank(annotator, project, 1, 2, 3, 4)

    # The groups, who is set aside, and a batch with its slots until there is none.
    with django_assert_num_queries(5):
        assert len(list(exports.ranking_records(project))) == 12


def test_rankings_name_the_group_of_their_annotator(project, annotator, second_annotator):
    for user in (annotator, second_annotator):
        make_ranking_task(project)
        rank(user, project, 1, 2, 3, 4)
    actions.set_group(project=project, user=second_annotator, group="held_out")

    groups = {record.annotator: record.annotator_group for _, record in exports.ranking_records(project)}

    assert groups == {
        exports.pseudonym(project, annotator): "training",
        exports.pseudonym(project, second_annotator): "held_out",
    }


def test_what_a_reviewer_returned_is_in_no_snapshot_until_it_is_revised(project, annotator, manager):
    make_ranking_task(project)
    assignment, ranking = rank(annotator, project, 1, 2, 3, 4)
    actions.review_submission(submission=ranking, reviewer=manager, verdict="returned", note="Read B again.")

    assert list(exports.ranking_records(project)) == []

    places = [(1, 1), (2, 2), (3, 3), (4, 4)]
    revised = actions.submit_ranking(assignment=assignment, places=places, idempotency_key="again")
    assert [submission_id for submission_id, _ in exports.ranking_records(project)] == [revised.pk]
