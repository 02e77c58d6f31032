"""Who has yet to qualify is given the tasks of the qualification and no others, until they pass."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions, queries
from labeling.eligibility import eligibility_of
from labeling.history_queries import why_nothing
from labeling.known_queries import Qualification, qualification_of
from labeling.models import Membership, User
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db

RIGHT, HALF, WRONG = (1, 2, 3, 4), (1, 1, 1, 1), (4, 3, 2, 1)


@pytest.fixture
def screened(project, manager):
    """Two tasks of three to do, three quarters of the pairs to agree."""
    project.requires_qualification, project.qualification_tasks = True, 2
    project.save()
    for _ in range(3):
        actions.set_reference(
            task=make_ranking_task(project),
            places=[(slot, slot) for slot in range(1, 5)],
            purpose="qualify",
            actor=manager,
        )
    return project


def claim(user, project, kind="rank"):
    return actions.claim_task(user=user, project=project, kind=kind)


def judge(user, project, by_slot, key="k"):
    held = claim(user, project)
    places = [(number, by_slot[slot - 1]) for number, slot in enumerate(held.display_order, start=1)]
    actions.submit_ranking(assignment=held, places=places, idempotency_key=key)
    return held


def is_qualified(user, project):
    return not eligibility_of(user, project).must_qualify


def test_nothing_else_is_given_until_somebody_passes(screened, annotator):
    work = make_ranking_task(screened, priority=9)
    writing = make_demonstration_task(screened)
    assert queries.all_waiting_for(annotator, screened) == {"rank": 3, "demonstrate": 0}
    assert claim(annotator, screened, "demonstrate") is None

    judge(annotator, screened, RIGHT)
    assert not is_qualified(annotator, screened)
    assert judge(annotator, screened, RIGHT).task.purpose == "qualify"

    assert is_qualified(annotator, screened)
    assert queries.all_waiting_for(annotator, screened) == {"rank": 1, "demonstrate": 1}
    assert claim(annotator, screened).task == work
    assert claim(annotator, screened, "demonstrate").task == writing


def test_passing_has_a_date_and_nobodys_hand(screened, annotator):
    judge(annotator, screened, RIGHT)
    judge(annotator, screened, RIGHT)

    membership = Membership.objects.get(user=annotator)
    assert membership.qualified_at is not None
    assert membership.qualified_by is None


def test_too_little_agreement_goes_on_with_what_is_left_and_the_share_is_of_all(screened, annotator):
    judge(annotator, screened, RIGHT)
    judge(annotator, screened, HALF)
    assert is_qualified(annotator, screened)  # 9 of 12 pairs
    second = screened.memberships.exclude(user=annotator)
    assert not second.filter(qualified_at__isnull=False).exists()


def test_who_fails_with_all_tasks_done_is_told_so(client_for, screened, annotator):
    for _ in range(3):
        judge(annotator, screened, WRONG)

    assert claim(annotator, screened) is None
    why = why_nothing(annotator, screened, "rank")
    assert (why.reason, why.qualification) == ("qualify", Qualification(3, 2, 0.0))
    page = client_for(annotator).get("/").content.decode()
    assert "Your qualification: 3 of 2 tasks done." in page
    assert "They agree too little with the known answers so far" in page


def test_the_first_page_says_how_far_one_is(client_for, screened, annotator):
    judge(annotator, screened, RIGHT)

    page = client_for(annotator).get("/").content.decode()

    assert "Your qualification: 1 of 2 tasks done." in page
    page = client_for(annotator).get(reverse("nothing-to-do", args=[screened.public_id, "demonstrate"]))
    assert "Your qualification: 1 of 2 tasks done." in page.content.decode()


def test_nobody_tries_until_it_fits(screened, annotator):
    first = judge(annotator, screened, WRONG)
    judge(annotator, screened, WRONG)
    places = [(number, slot) for number, slot in enumerate(first.display_order, start=1)]
    actions.submit_ranking(assignment=first, places=places, idempotency_key="again")

    assert qualification_of(annotator, screened) == Qualification(2, 2, 0.0)


def test_a_task_that_was_set_aside_is_done_and_agrees_in_nothing(screened, annotator):
    actions.set_aside(assignment=claim(annotator, screened), verdict="none_usable", idempotency_key="k")
    judge(annotator, screened, RIGHT)

    assert qualification_of(annotator, screened) == Qualification(2, 2, 0.5)


def test_a_managers_hand_gives_and_lifts_it(client_for, screened, annotator, manager):
    client = client_for(manager)
    address = reverse("change-qualification", args=[screened.public_id, annotator.public_id])

    client.post(address, {"give": "yes"})
    assert is_qualified(annotator, screened)
    assert Membership.objects.get(user=annotator).qualified_by == manager
    people = client.get(reverse("manage-people", args=[screened.public_id])).content.decode()
    assert "Qualification: 0 of 2 tasks, 0 %" in people  # the manager's own
    client.post(address, {"lift": "yes"})

    assert not is_qualified(annotator, screened)


def test_the_page_of_people_costs_the_same_queries_for_two_and_for_ten(
    client_for, screened, annotator, manager, person
):
    client = client_for(manager)

    def cost():
        with CaptureQueriesContext(connection) as captured:
            page = client.get(reverse("manage-people", args=[screened.public_id]))
        assert page.content.decode().count("Qualification: 0 of 2 tasks") == screened.memberships.count()
        return len(captured)

    cost()
    of_two = cost()
    for n in range(8):
        person(f"P{n}", "annotator", project=screened)

    assert cost() == of_two


def test_a_further_role_is_qualified_alike(screened, annotator, manager):
    actions.qualify(project=screened, user=annotator, actor=manager)

    actions.give_roles(project=screened, user=annotator, roles=["annotator", "reviewer"])

    assert screened.memberships.filter(user=annotator, qualified_at__isnull=False).count() == 2
    actions.give_roles(project=screened, user=annotator, roles=["reviewer"])
    assert is_qualified(annotator, screened)


def test_a_project_that_asks_nobody_hands_out_no_task_of_the_qualification(screened, annotator):
    screened.requires_qualification = False
    screened.save()

    assert claim(annotator, screened) is None
    assert qualification_of(annotator, screened) is None


def test_simulated_annotators_need_none(screened):
    simulated = actions.add_person(email="s@simulated.invalid", name="S", kind=User.Kind.SIMULATED)
    work = make_ranking_task(screened)

    assert claim(simulated, screened).task == work


def test_what_was_begun_before_it_was_asked_for_can_be_finished(project, annotator):
    work = make_ranking_task(project)
    held = claim(annotator, project)
    project.requires_qualification = True
    project.save()

    assert claim(annotator, project) == held
    assert held.task == work
