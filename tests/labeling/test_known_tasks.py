"""Tasks with a known answer: how they come about, that nothing tells them apart, what is measured by them."""

import re
import threading

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.urls import reverse

from labeling import actions, exports, queries
from labeling.errors import Conflict, DomainError
from labeling.exports import judgments
from labeling.known_queries import gold_agreement_of
from labeling.models import Assignment, Task
from tests.api import api_for
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db

RIGHT = [(1, 1), (2, 2), (3, 3), (4, 4)]


@pytest.fixture
def all_gold(project):
    """Whatever is ranked has a known answer while there is such a task."""
    project.gold_share = 1.0
    project.save()
    return project


def claim(user, project):
    return actions.claim_task(user=user, project=project, kind="rank")


def gold(project, manager, places=RIGHT, **fields):
    return actions.set_reference(
        task=make_ranking_task(project), places=places, purpose="gold", actor=manager, **fields
    )


def judge(assignment, by_slot, key="k"):
    places = [(number, by_slot[slot - 1]) for number, slot in enumerate(assignment.display_order, start=1)]
    return actions.submit_ranking(assignment=assignment, places=places, idempotency_key=key)


# --- an answer becomes known


def test_a_task_that_nobody_took_is_gold_itself(project, manager):
    task = make_ranking_task(project)

    known = actions.set_reference(
        task=task, places=[(1, 2), (2, 1), (3, 4), (4, 4)], purpose="gold", actor=manager
    )

    assert known == task
    assert (known.purpose, known.reference_places, known.reference_by) == ("gold", [2, 1, 3, 3], manager)
    assert known.seats_wanted == 1000


def test_of_a_task_that_is_done_a_copy_goes_to_the_others(all_gold, annotator, second_annotator, manager):
    task = make_ranking_task(all_gold)
    submission = judge(claim(annotator, all_gold), (4, 3, 2, 1))

    known = actions.set_reference(task=task, places=RIGHT, purpose="gold", actor=manager)

    assert known != task
    assert [slot.completion_id for slot in known.slots.all()] == [
        slot.completion_id for slot in task.slots.all()
    ]
    assert claim(annotator, all_gold) is None
    assert claim(second_annotator, all_gold).task == known
    assert [one for one, _completions in judgments.rankings(all_gold)] == [submission]


@pytest.mark.django_db(transaction=True)
def test_an_answer_and_a_mark_at_once_wait_for_each_other(project, manager):
    task = make_ranking_task(project)
    for _ in range(30):
        make_ranking_task(project, prompt=task.prompt)
    tasks = list(Task.objects.order_by("-pk"))
    Task.objects.update(status="withdrawn")
    wrong = []

    def repeat(do, each):
        try:
            for one in each:
                do(one)
        except OperationalError as error:
            wrong.append(str(error))
        finally:
            connection.close()

    def answer(one):
        actions.set_reference(task=one, places=RIGHT, purpose="gold", actor=manager)

    def mark(number):
        actions.mark_prompt(prompt=task.prompt, topics=["hate"] if number % 2 else [])

    threads = [
        threading.Thread(target=repeat, args=(answer, tasks)),
        threading.Thread(target=repeat, args=(mark, range(60))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert wrong == []
    assert Task.objects.filter(purpose="gold").count() == 31


def test_a_task_with_people_at_it_is_refused(project, annotator, manager):
    task = make_ranking_task(project)
    claim(annotator, project)

    with pytest.raises(Conflict, match="People are at this task"):
        actions.set_reference(task=task, places=RIGHT, purpose="gold", actor=manager)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"places": RIGHT[:3]}, "Give each output a place from 1 to 4"),
        ({"places": [(slot, 1) for slot in range(1, 5)]}, "all are equal"),
        ({"purpose": "collect"}, "Only a task to rank"),
        ({"seats": 0}, "1 to 1000 people"),
    ],
)
def test_what_is_no_answer_is_refused(project, manager, wish, said):
    task = make_ranking_task(project)

    with pytest.raises(DomainError, match=said):
        actions.set_reference(task=task, **{"places": RIGHT, "purpose": "gold", "actor": manager} | wish)


def test_a_task_to_write_has_no_answer_and_one_answer_is_enough(project, manager):
    with pytest.raises(DomainError, match="Only a task to rank"):
        actions.set_reference(
            task=make_demonstration_task(project), places=RIGHT, purpose="gold", actor=manager
        )
    with pytest.raises(Conflict, match="known already"):
        actions.set_reference(task=gold(project, manager), places=RIGHT, purpose="gold", actor=manager)


@pytest.mark.parametrize(
    "fields",
    [{"purpose": "gold"}, {"reference_places": [1, 2]}, {"purpose": "qualify", "reference_places": [1, 0]}],
)
def test_the_database_keeps_purpose_and_answer_together(project, fields):
    make_ranking_task(project)

    with pytest.raises(IntegrityError, match="task_reference"):
        Task.objects.update(**fields)


# --- handed out blind


def test_gold_comes_by_lot_and_whoever_gave_the_answer_is_not_asked(all_gold, annotator, manager):
    work = make_ranking_task(all_gold)
    known = gold(all_gold, manager)

    assert claim(manager, all_gold).task == work
    assert claim(annotator, all_gold).task == known


def test_what_waits_goes_down_by_one_whichever_comes(all_gold, annotator, manager):
    tasks = {make_ranking_task(all_gold), gold(all_gold, manager), gold(all_gold, manager)}
    all_gold.gold_share = 0.5
    counts, done = [], set()

    while held := claim(annotator, all_gold):
        counts.append(queries.tasks_waiting_for(annotator, all_gold, "rank"))
        judge(held, (1, 2, 3, 4))
        done.add(held.task)

    assert counts == [3, 2, 1]
    assert done == tasks


def test_a_project_without_a_share_of_gold_hands_none_out(all_gold, annotator, manager):
    work = make_ranking_task(all_gold)
    gold(all_gold, manager)
    all_gold.gold_share = 0.0

    assert queries.tasks_waiting_for(annotator, all_gold, "rank") == 1
    assert claim(annotator, all_gold).task == work
    actions.skip_task(assignment=claim(annotator, all_gold))
    assert claim(annotator, all_gold) is None


def without_what_differs(text):
    """A page or an answer of the API without ids, tokens and counts."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9]{64}|number \d+|\d\d:\d\d|[\dT:.Z-]{20,}", "_", text)
    return re.sub(r'nonce="[^"]*"', "", text)


def test_neither_page_nor_api_tells_gold_from_work(
    client_for, all_gold, annotator, second_annotator, manager
):
    task = make_ranking_task(all_gold)
    known = gold(all_gold, manager)
    Assignment.objects.filter(task=known).delete()
    assert claim(annotator, all_gold).task == known
    Task.objects.filter(pk=known.pk).update(seats_wanted=1)
    assert claim(second_annotator, all_gold).task == task
    Assignment.objects.update(display_order=[1, 2, 3, 4], lease_until="2099-01-01T00:00:00Z")
    shown, said = [], []

    for user in (annotator, second_annotator):
        held = user.assignments.get()
        client = client_for(user)
        shown.append(client.get(reverse("assignment", args=[held.public_id])).content.decode())
        said.append(api_for(user, "label").get(f"assignments/{held.public_id}/").content.decode())

    for pages in (shown, said):
        gold_page, work_page = (without_what_differs(page).replace("Ada", "Ben") for page in pages)
        for word in ("gold", "reference_places", "purpose", "qualify"):
            assert word not in gold_page
        assert len(gold_page) == len(work_page)


def test_what_has_a_known_answer_leaves_in_no_export_unless_it_is_asked_for(all_gold, annotator, manager):
    gold(all_gold, manager)
    submission = judge(claim(annotator, all_gold), (1, 2, 3, 4))

    assert judgments.ranking_count(all_gold) == 0
    assert list(exports.ranking_records(all_gold)) == []
    asked = exports.Filters(purposes=("gold",))
    assert [one for one, _completions in judgments.rankings(all_gold, asked)] == [submission]
    assert exports.Filters.from_options(asked.as_options()) == asked


# --- what is measured


def test_agreement_with_the_known_answers_person_by_person(all_gold, annotator, second_annotator, manager):
    for _ in range(2):
        gold(all_gold, manager)
    judge(claim(annotator, all_gold), (1, 2, 3, 4))
    judge(claim(annotator, all_gold), (1, 2, 4, 3))
    judge(claim(second_annotator, all_gold), (1, 1, 1, 1))

    first, second = gold_agreement_of(all_gold)

    assert (first.user, first.tasks, first.pairs) == (annotator, 2, 12)
    assert first.share == pytest.approx(11 / 12)
    assert (second.user, second.tasks, second.pairs, second.share) == (second_annotator, 1, 6, 0.5)
    assert second.low < 0.5 < second.high
    assert first.high - first.low < second.high - second.low


def test_only_a_first_revision_counts_and_what_was_set_aside_agrees_in_nothing(all_gold, annotator, manager):
    gold(all_gold, manager)
    gold(all_gold, manager)
    held = claim(annotator, all_gold)
    judge(held, (4, 3, 2, 1))
    judge(held, (1, 2, 3, 4), "again")
    actions.set_aside(assignment=claim(annotator, all_gold), verdict="none_usable", idempotency_key="k")

    [found] = gold_agreement_of(all_gold)

    assert (found.tasks, found.pairs, found.share) == (2, 12, 0.0)


def test_managers_see_it_beside_the_people(client_for, all_gold, annotator, manager):
    gold(all_gold, manager)
    judge(claim(annotator, all_gold), (1, 2, 3, 4))

    page = client_for(manager).get(reverse("manage-people", args=[all_gold.public_id])).content.decode()

    assert "Gold: 100 % [21, 100], n = 1" in page


# --- the page


def test_a_manager_gives_the_answer_on_the_tasks_page(client_for, project, manager):
    task = make_ranking_task(project)
    sent = {"purpose": "gold"} | {f"place-{slot}": str(slot) for slot in range(1, 5)}

    page = client_for(manager).post(reverse("set-reference", args=[task.public_id]), sent, follow=True)

    assert "Its answer is known from now on." in page.content.decode()
    assert "1: 1 · 2: 2 · 3: 3 · 4: 4" in page.content.decode()


def test_an_answer_without_all_places_is_said(client_for, project, manager):
    task = make_ranking_task(project)

    page = client_for(manager).post(
        reverse("set-reference", args=[task.public_id]), {"purpose": "gold", "place-1": "1"}, follow=True
    )

    assert "Give each output a place from 1 to 4" in page.content.decode()
    task.refresh_from_db()
    assert task.purpose == "collect"


def test_no_number_tells_an_annotator_what_was_gold(project, annotator, manager, client_for):
    project.gold_share = 0.5
    project.save()
    make_ranking_task(project)
    page, api = reverse("project", args=[project.public_id]), f"projects/{project.public_id}/"

    seen = api_for(annotator).get(api).json()["counts"]["rank"]

    assert (seen["open"], seen["complete"], seen["waiting_for_you"]) == (None, None, 1)
    assert "task open" not in client_for(annotator).get(page).content.decode()
    assert api_for(manager).get(api).json()["counts"]["rank"]["open"] == 1
    assert "1 task open" in client_for(manager).get(page).content.decode()
    project.gold_share = 0
    project.save()
    assert api_for(annotator).get(api).json()["counts"]["rank"]["open"] == 1
    assert "1 task open" in client_for(annotator).get(page).content.decode()
