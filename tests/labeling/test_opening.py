"""Opening tasks for many prompts: whom it selects, what is opened, and that no prompt gets two."""

import pytest

from labeling import actions
from labeling.errors import Conflict, DomainError
from labeling.models import Completion, Project, Prompt, Task, TaskCompletion, Transfer
from labeling.selections import Selection
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

WORDS = ("apple", "bridge", "candle", "door", "engine", "forest", "garden", "hammer", "island")


def with_outputs(project, n=2, **fields):
    prompt = make_prompt(project, **fields)
    for word in WORDS[:n]:
        actions.add_completion(prompt=prompt, text=f"It is about a {word}.", origin="import")
    return prompt


def opened(project, selection, **fields):
    """Ask, work it off as a worker would, and give the row as it is then."""
    transfer = actions.start_opening(project=project, actor=None, selection=selection, **fields)
    actions.run_opening(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    return transfer


def test_a_ranking_task_for_each_prompt_with_two_outputs(project):
    ready, _alone = with_outputs(project, 3), with_outputs(project, 1)

    transfer = opened(project, Selection(kind="rank"))

    task = Task.objects.get()
    assert (transfer.status, transfer.counts["opened"]) == ("succeeded", 1)
    assert (task.prompt, task.kind, task.seats_wanted, task.status) == (ready, "rank", 1, "open")
    assert list(task.slots.values_list("slot", flat=True)) == [1, 2, 3]
    assert set(task.completions.all()) == set(ready.completions.all())


def test_of_many_outputs_as_many_are_ranked_as_the_project_says(project):
    Project.objects.update(completions_per_prompt=4)
    project.refresh_from_db()
    with_outputs(project, 9)

    opened(project, Selection(kind="rank"))

    assert TaskCompletion.objects.count() == 4


def test_near_identical_outputs_share_no_task_and_a_demonstration_is_none(project, annotator):
    prompt = make_prompt(project)
    for text in ("The same.", "the same", "**The same**"):
        actions.add_completion(prompt=prompt, text=text, origin="import")
    actions.add_completion(prompt=prompt, text="By a person.", origin="person", author=annotator)

    transfer = opened(project, Selection(kind="rank"))

    assert (transfer.counts["opened"], transfer.counts["too_alike"]) == (0, 1)
    assert not Task.objects.exists()


def test_tasks_to_write_come_once_and_again_in_another_round(project):
    prompt = make_prompt(project)

    opened(project, Selection(kind="demonstrate"), priority=3)
    with pytest.raises(DomainError) as nothing:
        opened(project, Selection(kind="demonstrate"))
    opened(project, Selection(kind="demonstrate", round=2, without_task=False))

    assert nothing.value.code == "nothing_to_open"
    assert list(Task.objects.order_by("round").values_list("prompt", "round", "priority")) == [
        (prompt.pk, 1, 3),
        (prompt.pk, 2, 0),
    ]


def test_a_selection_by_language_category_split_and_number(project):
    for n in range(3):
        make_prompt(project, text=f"chat {n}", language="zh", category="chat")
    make_prompt(project, language="zh", category="chat", split="valid")
    make_prompt(project, language="zh")
    make_prompt(project, category="chat")

    transfer = opened(
        project, Selection(kind="demonstrate", language="zh", category="chat", splits=("train",)), most=2
    )

    assert (transfer.counts["opened"], transfer.progress_done, transfer.progress_total) == (2, 2, 2)
    texts = {str(task.prompt) for task in Task.objects.select_related("prompt")}
    assert texts == {"chat 0", "chat 1"}


def test_prompts_with_a_task_of_the_kind_are_left_alone(project):
    make_demonstration_task(project)
    make_ranking_task(project)

    transfer = opened(project, Selection(kind="demonstrate"))

    assert transfer.counts["opened"] == 1  # for the prompt that has a ranking task
    assert Task.objects.filter(kind="demonstrate").count() == 2


def test_tasks_have_their_prompts_language_and_topics_and_the_overlap(project):
    Project.objects.update(overlap_share=1.0, overlap_people=3)
    with_outputs(project, language="zh", topics=["violence"])

    opened(project, Selection(kind="rank"))

    task = Task.objects.get()
    assert (task.language, task.topics, task.seats_wanted) == ("zh", ["violence"], 3)


@pytest.mark.parametrize(
    "selection, fields, field",
    [
        (Selection(kind="dance"), {}, "kind"),
        (Selection(kind="rank", round=0), {}, "round"),
        (Selection(kind="rank"), {"priority": 101}, "priority"),
        (Selection(kind="rank"), {"most": 0}, "most"),
    ],
)
def test_what_is_out_of_range_is_refused(project, selection, fields, field):
    with_outputs(project)

    with pytest.raises(DomainError) as refused:
        actions.start_opening(project=project, actor=None, selection=selection, **fields)

    assert list(refused.value.fields) == [field]
    assert not Transfer.objects.exists()


def test_batches_go_on_where_a_lost_worker_stopped(project, monkeypatch):
    monkeypatch.setattr("labeling.actions.opening.BATCH", 2)
    for _ in range(5):
        make_prompt(project)
    transfer = actions.start_opening(project=project, actor=None, selection=Selection(kind="demonstrate"))
    from labeling.actions import opening

    claimed = opening.claim_transfer(transfer_id=transfer.pk, direction=Transfer.Direction.TASKS)
    opening._open_batch(claimed)
    Transfer.objects.filter(pk=transfer.pk).update(status="queued")  # as the sweep puts it back

    actions.run_opening(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.status, transfer.attempt, transfer.counts["opened"]) == ("succeeded", 2, 5)
    assert (transfer.progress_done, transfer.progress_total) == (5, 5)
    assert Task.objects.count() == 5 == Task.objects.values("prompt").distinct().count()


def test_a_cancelled_opening_opens_nothing_more_and_one_that_is_over_is_not_cancelled(project, manager):
    make_prompt(project)
    transfer = actions.start_opening(project=project, actor=manager, selection=Selection(kind="demonstrate"))

    actions.cancel_opening(transfer=transfer, actor=manager)
    actions.run_opening(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.status, Task.objects.count()) == ("cancelled", 0)
    assert [(c.from_status, c.to_status) for c in transfer.status_changes.all()] == [
        ("", "queued"),
        ("queued", "cancelled"),
    ]
    with pytest.raises(Conflict):
        actions.cancel_opening(transfer=transfer, actor=manager)


def test_the_number_of_queries_does_not_grow_with_the_prompts(project, django_assert_max_num_queries):
    for _ in range(60):
        with_outputs(project)
    transfer = actions.start_opening(project=project, actor=None, selection=Selection(kind="rank"))

    with django_assert_max_num_queries(40):
        actions.run_opening(transfer_id=transfer.pk)

    assert Task.objects.count() == 60
    assert Completion.objects.count() == 120 == TaskCompletion.objects.count()
    assert Prompt.objects.count() == 60
