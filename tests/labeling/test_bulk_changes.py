"""One change to many: the exact number first, then batch by batch, each of them on record."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from labeling import actions, tasks
from labeling.actions import bulk_work
from labeling.actions.changes import CHANGES, Change, Target
from labeling.errors import Conflict, DomainError
from labeling.models import AuditEvent, BulkChange, Project, Prompt, Task, TaskStatusChange
from tests.labeling.working import rank
from tests.making import make_demonstration_task, make_prompt, make_ranking_task


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def confirm_address(project, target="tasks"):
    return reverse("confirm-bulk", args=[project.public_id, target])


def confirmed(client, project, target="tasks", **sent):
    """What a manager does: looks at the confirmation, then sends it as it stands."""
    page = client.get(confirm_address(project, target), sent)
    told = page.context["counted"].total
    return client.post(confirm_address(project, target), sent | {"told": told}, follow=True)


def start(project, manager, action="withdraw", selection=None, told=None, **options):
    selection = selection or {"filter": {}}
    total = project.tasks.count() if told is None else told
    return actions.start_bulk_change(
        project=project, actor=manager, action=action, selection=selection, options=options, told=total
    )


def states(*tasks):
    return [Task.objects.get(pk=task.pk).status for task in tasks]


# --- tasks


def test_ticked_tasks_are_withdrawn_after_a_page_that_says_how_many(client, project, manager):
    one, two, three = (make_ranking_task(project) for _ in range(3))
    sent = {"change": "withdraw", "scope": "ticked", "row": [str(one.public_id), str(two.public_id), "x"]}

    page = client.get(confirm_address(project), sent)
    assert "Withdraw: 2 tasks" in page.content.decode()
    assert states(one, two, three) == ["open", "open", "open"]
    done = confirmed(client, project, **sent)

    assert states(one, two, three) == ["withdrawn", "withdrawn", "open"]
    assert "2 of 2 were changed." in done.content.decode()
    change = one.status_changes.get()
    assert (change.from_status, change.to_status, change.actor) == ("open", "withdrawn", manager)
    started, finished = AuditEvent.objects.filter(action__startswith="bulk").order_by("pk")
    assert (started.actor, started.data["total"]) == (manager, 2)
    assert (finished.action, finished.data["changed"]) == ("bulk_finished", 2)
    assert finished.object_id == BulkChange.objects.get().public_id


def test_all_that_the_filter_finds(client, project):
    Project.objects.update(languages=["en", "zh"])
    english = make_ranking_task(project)
    chinese = make_demonstration_task(project, language="zh")

    confirmed(client, project, change="withdraw", scope="all", filter="language=zh&kind=&status=open")

    assert states(english, chinese) == ["open", "withdrawn"]
    data = AuditEvent.objects.get(action="bulk_started").data
    assert data["filter"] == {"language": "zh", "status": "open"}


def test_the_confirmation_says_how_many_stay_as_they_are(client, project):
    task = make_ranking_task(project)
    make_ranking_task(project)
    actions.withdraw_task(task=task, actor=None)

    page = client.get(confirm_address(project), {"change": "withdraw", "scope": "all"})

    assert "1 of them will be changed; 1 stay as they are." in page.content.decode()


def test_withdrawn_tasks_come_back_open_or_complete(project, manager, annotator):
    judged, fresh, untouched = (make_ranking_task(project) for _ in range(3))
    first = actions.claim_task(user=annotator, project=project, kind="rank")
    assert first.task == judged
    for task in (judged, fresh):
        actions.withdraw_task(task=task, actor=None)
    actions.submit_ranking(assignment=first, places=[(n, n) for n in range(1, 5)], idempotency_key="k")

    made = actions.continue_bulk_change(change=start(project, manager, "reopen"))

    assert states(judged, fresh, untouched) == ["complete", "open", "open"]
    assert (made.done, made.changed) == (3, 2)
    assert actions.count_differences(project=project) == 0


def test_topics_are_added_to_prompts_and_all_their_tasks_and_taken_off(client, project):
    task = make_ranking_task(project, prompt=make_prompt(project, topics=["hate"]))
    other = make_ranking_task(project)
    sent = {"change": "mark_tasks", "scope": "all", "topics": ["violence", "sexual"]}

    refused = client.post(confirm_address(project), sent | {"topics": [], "told": 2})
    assert refused.status_code == 400 and "Choose at least one topic." in refused.content.decode()
    confirmed(client, project, **sent)

    assert Prompt.objects.get(pk=task.prompt_id).topics == ["sexual", "violence", "hate"]
    assert Task.objects.get(pk=other.pk).topics == ["sexual", "violence"]

    confirmed(client, project, change="unmark_tasks", scope="all", topics=["hate", "sexual"])
    assert Task.objects.get(pk=task.pk).topics == ["violence"]


def test_prompts_are_marked_by_the_filter_of_their_list(client, project):
    chat = make_prompt(project, category="chat")
    other = make_prompt(project)

    confirmed(client, project, "prompts", change="mark", scope="all", filter="category=chat", topics=["hate"])

    chat.refresh_from_db()
    other.refresh_from_db()
    assert (chat.topics, other.topics) == (["hate"], [])


# --- what is refused


def test_another_number_than_was_told_is_a_conflict_that_shows_the_new_one(client, project):
    make_ranking_task(project)
    sent = {"change": "withdraw", "scope": "all", "told": "1"}
    make_ranking_task(project)

    answer = client.post(confirm_address(project), sent)

    assert answer.status_code == 400
    page = answer.content.decode()
    assert "It would be 2 by now, not 1." in page and 'name="told" value="2"' in page
    assert not BulkChange.objects.exists() and not Task.objects.filter(status="withdrawn").exists()


@pytest.mark.parametrize("told", ["", "many", "-1", "²", "9" * 5000])
def test_a_confirmation_without_its_number_changes_nothing(client, project, told):
    make_ranking_task(project)

    client.post(confirm_address(project), {"change": "withdraw", "scope": "all", "told": told})

    assert not Task.objects.filter(status="withdrawn").exists()


def test_without_a_change_it_leads_back_and_nothing_chosen_is_said(client, project):
    make_ranking_task(project)

    assert client.get(confirm_address(project)).headers["Location"].endswith("/tasks/")
    assert client.get(confirm_address(project), {"change": "mark"}).status_code == 302  # for prompts
    page = client.get(confirm_address(project), {"change": "withdraw", "scope": "ticked"})
    assert "Nothing is chosen." in page.content.decode()
    assert client.get(confirm_address(project, "people")).status_code == 404


def test_tasks_of_another_project_are_never_touched(project, manager):
    elsewhere = make_ranking_task(actions.create_project(name="Another", creator=None))
    selection = {"ids": [str(elsewhere.public_id)]}

    with pytest.raises(DomainError, match="Nothing is chosen"):
        start(project, manager, selection=selection, told=0)
    with pytest.raises(Conflict):
        start(project, manager, selection=selection, told=1)

    assert states(elsewhere) == ["open"]


# --- batches


def test_it_stops_after_its_time_and_goes_on_where_it_was(client, project, manager, monkeypatch):
    monkeypatch.setattr(bulk_work, "BATCH", 2)
    tasks = [make_ranking_task(project) for _ in range(5)]
    made = start(project, manager)

    made = actions.continue_bulk_change(change=made, seconds=0)
    assert (made.done, made.changed, made.finished_at) == (2, 2, None)
    assert states(*tasks) == ["open"] * 3 + ["withdrawn"] * 2
    page = client.get(reverse("bulk-change", args=[made.public_id])).content.decode()
    assert "2 / 5" in page and "Stop it" in page

    late = make_ranking_task(project)  # was not among those that were confirmed
    for _ in range(2):  # of two workers that were told of it the second finds nothing to do
        actions.run_bulk_change(change_id=made.pk)

    page = client.get(reverse("bulk-change", args=[made.public_id])).content.decode()
    assert "5 of 5 were changed." in page and "Stop it" not in page
    assert states(*tasks, late) == ["withdrawn"] * 5 + ["open"]
    assert AuditEvent.objects.filter(action="bulk_finished").count() == 1


def test_what_a_request_leaves_a_worker_is_told_of(project, manager, monkeypatch):
    monkeypatch.setattr(bulk_work, "BATCH", 1)
    rung = []
    monkeypatch.setattr(bulk_work, "ring", lambda task, pk: rung.append((task, pk)))
    for _ in range(2):
        make_ranking_task(project)
    made = start(project, manager)

    actions.continue_bulk_change(change=made, seconds=0)
    assert rung == [(tasks.run_bulk_change.name, made.pk)]
    actions.continue_bulk_change(change=made)

    assert len(rung) == 1  # it is over


# --- stopped, failed, taken up again


def test_a_manager_stops_it_and_what_was_changed_stays(client, project, manager, monkeypatch):
    monkeypatch.setattr(bulk_work, "BATCH", 2)
    tasks = [make_ranking_task(project) for _ in range(5)]
    made = actions.continue_bulk_change(change=start(project, manager), seconds=0)

    page = client.post(reverse("stop-bulk-change", args=[made.public_id]), follow=True).content.decode()
    actions.run_bulk_change(change_id=made.pk)
    again = client.post(reverse("stop-bulk-change", args=[made.public_id]), follow=True).content.decode()

    assert states(*tasks) == ["open"] * 3 + ["withdrawn"] * 2
    assert "2 of 2 were changed. 3 more were not looked at and stay as they were." in page
    assert "stopped by" in page and "nothing to stop" in again
    (stopped,) = AuditEvent.objects.filter(action="bulk_stopped")
    assert (stopped.actor, stopped.data["done"], stopped.data["changed"]) == (manager, 2, 2)
    made.refresh_from_db()
    assert made.stopped_by == manager and not AuditEvent.objects.filter(action="bulk_finished").exists()


def test_what_a_batch_refuses_ends_it_and_its_page_says_why(client, project, manager):
    task = make_ranking_task(project)
    Task.objects.filter(pk=task.pk).update(seats_wanted=30_000)
    made = start(project, manager, "add_seats", number=1)

    actions.run_bulk_change(change_id=made.pk)

    made.refresh_from_db()
    assert (made.is_over, made.changed, made.error) == (True, 0, "A task has at most 30000 seats.")
    page = client.get(reverse("bulk-change", args=[made.public_id])).content.decode()
    assert "A task has at most 30000 seats." in page and "failed" in page
    assert AuditEvent.objects.get(action="bulk_failed").actor is None


def test_the_sweep_rings_for_what_nobody_is_at_and_gives_up_what_no_worker_survives(
    project, manager, monkeypatch
):
    monkeypatch.setattr(bulk_work, "is_silent", lambda: True)
    rung = []
    monkeypatch.setattr(bulk_work, "ring", lambda task, pk: rung.append(pk))
    make_ranking_task(project)
    fresh, waiting, silent, deadly = (start(project, manager) for _ in range(4))
    old = Now() - timedelta(minutes=2)
    BulkChange.objects.exclude(pk=fresh.pk).update(created_at=old)
    BulkChange.objects.filter(pk__in=[silent.pk, deadly.pk]).update(heartbeat_at=old, attempt=4)
    BulkChange.objects.filter(pk=deadly.pk).update(attempt=5)

    actions.sweep_bulk_changes()

    assert rung == [waiting.pk, silent.pk]
    deadly.refresh_from_db()
    assert deadly.is_over and "lost 5 times" in deadly.error
    actions.run_bulk_change(change_id=silent.pk)
    silent.refresh_from_db()
    assert (silent.is_over, silent.attempt) == (True, 0)


@pytest.mark.slow
def test_a_worker_carries_on_and_another_takes_up_what_a_killed_one_left(
    workers, project, manager, monkeypatch
):
    prompt = make_prompt(project)
    Task.objects.bulk_create(Task(project=project, prompt=prompt, kind="rank") for _ in range(5000))
    workers.start("default")
    made = actions.continue_bulk_change(change=start(project, manager), seconds=0)
    assert made.done == bulk_work.BATCH
    wait_for(made, lambda: made.done > bulk_work.BATCH)
    workers.kill("default")
    made.refresh_from_db()
    assert not made.is_over

    BulkChange.objects.update(heartbeat_at=Now() - timedelta(minutes=2))
    actions.sweep_bulk_changes()
    workers.start("default")
    wait_for(made, lambda: made.is_over)

    assert (made.done, made.changed, made.error) == (5000, 5000, "")
    assert Task.objects.filter(status="withdrawn").count() == 5000
    assert TaskStatusChange.objects.filter(to_status="withdrawn").count() == 5000


def wait_for(made, is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "no worker came to it"
        time.sleep(0.01)
        made.refresh_from_db()


def test_a_batch_is_a_fixed_number_of_statements(project, manager):
    prompt = make_prompt(project)

    def cost(n):
        Task.objects.bulk_create(Task(project=project, prompt=prompt, kind="rank") for _ in range(n))
        made = start(project, manager, selection={"filter": {"status": "open"}}, told=n)
        with CaptureQueriesContext(connection) as captured:
            made = actions.continue_bulk_change(change=made, seconds=0)
        assert made.changed == n
        return len(captured)

    cost(1)  # prepares what is asked
    assert cost(3) == cost(300)


def test_a_change_that_is_added_to_the_registry_is_on_the_pages(client, project, monkeypatch):
    given = []
    change = Change(
        Target.TASKS,
        "Paint & dry",
        "They are painted.",
        lambda tasks, actor, options: given.append((len(tasks), actor.name, options)) or len(tasks),
        needs=("number",),
        bounds=(0, 1000),
    )
    monkeypatch.setitem(CHANGES, "paint", change)
    make_ranking_task(project)

    tasks = client.get(reverse("manage-tasks", args=[project.public_id])).content.decode()
    page = client.get(confirm_address(project), {"change": "paint", "scope": "all"}).content.decode()
    sent = {"change": "paint", "scope": "all", "told": 1}
    refused = client.post(confirm_address(project), sent | {"number": "1001"})
    client.post(confirm_address(project), sent | {"number": "3"})

    assert f'<option value="paint">{escape("Paint & dry")}</option>' in tasks
    assert "They are painted." in page and 'name="number"' in page
    assert refused.status_code == 400
    assert given == [(1, "Mia", {"number": 3})]


def test_what_was_chosen_is_kept_as_plain_values(project, manager, annotator):
    make_ranking_task(project)
    rank(annotator, project)
    selection = {"filter": {"kind": "rank", "status": "complete", "text": "number"}}

    made = start(project, manager, selection=selection, told=1)

    assert json.loads(json.dumps(made.selection)) == selection
    assert actions.continue_bulk_change(change=made).changed == 0  # it is complete, not open


@pytest.mark.django_db(transaction=True)
def test_who_marks_tasks_and_who_marks_their_prompts_at_once_wait_for_each_other(project, manager):
    for _ in range(150):
        make_demonstration_task(project)
    wrong = []

    def change(action, topics):
        try:
            for _ in range(5):
                made = start(project, manager, action=action, topics=[topics], told=150)
                actions.continue_bulk_change(change=made, seconds=30)
        except OperationalError as error:
            wrong.append(str(error))
        finally:
            connection.close()

    asked = [("mark_tasks", "violence"), ("mark", "sexual"), ("unmark", "sexual"), ("withdraw", "hate")]
    threads = [threading.Thread(target=change, args=each) for each in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert wrong == []
    assert BulkChange.objects.filter(finished_at__isnull=False).count() == 20
