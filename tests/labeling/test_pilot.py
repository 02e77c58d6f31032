"""A pilot: how it is drawn, who does what in it, what came of it, and the way on."""

import pytest

from labeling import actions, pilot_queries
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Membership, Pilot, Project, Submission, Task
from labeling.pilots import shares_of
from tests.labeling.test_opening import with_outputs
from tests.making import make_prompt, make_ranking_task


@pytest.fixture
def bilingual(project):
    Project.objects.update(languages=["en", "zh"])
    project.refresh_from_db()
    return project


def works_in(user, *languages):
    Membership.objects.filter(user=user).update(languages=list(languages))


def rank(user, project, places):
    """The next task, its slots placed like this, whatever order they are shown in."""
    assignment = actions.claim_task(user=user, project=project, kind="rank")
    shown = [(number, places[slot - 1]) for number, slot in enumerate(assignment.display_order, start=1)]
    return actions.submit_ranking(
        assignment=assignment, places=shown, idempotency_key="k", active_seconds=None
    )


# --- shares


@pytest.mark.parametrize(
    "counts, size, shares",
    [
        ({"en": 1500, "zh": 500}, 50, {"en": 38, "zh": 12}),
        ({"en": 1999, "zh": 1}, 50, {"en": 49, "zh": 1}),
        ({"en": 10, "zh": 10}, 50, {"en": 10, "zh": 10}),
        ({"de": 5, "en": 5, "zh": 5}, 2, {"de": 1, "en": 1}),
        ({"de": 1, "en": 1, "zh": 98}, 10, {"de": 1, "en": 1, "zh": 8}),
        ({"en": 5, "zh": 0}, 3, {"en": 3}),
        ({}, 50, {}),
    ],
)
def test_each_language_has_its_share_and_one_at_least(counts, size, shares):
    assert shares_of(counts, size) == shares


# --- starting


def test_every_annotator_gets_every_task_of_their_languages(bilingual, annotator, second_annotator, manager):
    works_in(annotator, "en")
    for n in range(8):
        with_outputs(bilingual, language="zh" if n < 2 else "en")

    pilot = actions.start_pilot(project=bilingual, actor=manager, kind="rank", size=4)

    tasks = list(pilot.tasks.order_by("language").values_list("language", "seats_wanted", "priority"))
    assert tasks == [("en", 2, 100)] * 3 + [("zh", 1, 100)]
    assert Task.objects.count() == 4


def test_who_comes_in_later_gets_a_seat_at_each_task_too(
    bilingual, annotator, second_annotator, manager, person
):
    works_in(annotator, "en")
    works_in(second_annotator, "en")
    for n in range(4):
        with_outputs(bilingual, language="zh" if n < 2 else "en")
    works_in(manager, "zh")
    actions.add_member(project=bilingual, user=manager, role="annotator")
    pilot = actions.start_pilot(project=bilingual, actor=manager, kind="rank", size=4)
    gone = pilot.tasks.filter(language="en").first()
    actions.withdraw_task(task=gone, actor=manager)
    for user in (annotator, second_annotator):
        rank(user, bilingual, [1, 2])
    [full] = Task.objects.filter(status="complete")

    actions.add_member(project=bilingual, user=person("Late"), role="annotator")

    assert actions.widen_pilots() == 3
    assert actions.widen_pilots() == 0
    wanted = sorted(pilot.tasks.exclude(pk=gone.pk).values_list("language", "seats_wanted", "status"))
    assert wanted == [("en", 3, "open"), ("zh", 2, "open"), ("zh", 2, "open")]
    assert full.status_changes.last().actor is None
    actions.end_pilot(pilot=pilot, actor=manager)
    actions.add_member(project=bilingual, user=person("Later"), role="annotator")
    assert actions.widen_pilots() == 0


def test_no_seat_waits_for_somebody_who_is_suspended(project, annotator, second_annotator, manager):
    actions.suspend_member(
        project=project, user=annotator, actor=manager, reason="Pasted answers.", sets_aside=False
    )
    with_outputs(project)

    pilot = actions.start_pilot(project=project, actor=manager, kind="rank", size=1)

    assert pilot.tasks.get().seats_wanted == 1
    assert [one.user for one in pilot_queries.figures_of(pilot).people] == [second_annotator]


def test_a_task_that_is_open_and_not_begun_becomes_the_pilots(project, annotator, second_annotator):
    mine, others = make_ranking_task(project), make_ranking_task(project)
    begun = make_ranking_task(project)
    Task.objects.filter(pk=begun.pk).update(seats_taken=1)

    pilot = actions.start_pilot(project=project, actor=None, kind="rank", size=50)

    assert set(pilot.tasks.all()) == {mine, others}
    assert set(pilot.tasks.values_list("seats_wanted", "priority")) == {(2, 100)}
    assert Task.objects.count() == 3


def test_a_pilot_of_writing_leaves_out_test_prompts_and_sensitive_ones(project, annotator):
    chosen = make_prompt(project)
    make_prompt(project, split="test")
    make_prompt(project, topics=["hate"])

    pilot = actions.start_pilot(project=project, actor=None, kind="demonstrate")

    assert [task.prompt for task in pilot.tasks.all()] == [chosen]


def test_one_pilot_at_a_time(project, annotator):
    for _ in range(4):
        make_prompt(project)
    pilot = actions.start_pilot(project=project, actor=None, kind="demonstrate", size=2)

    with pytest.raises(Conflict):
        actions.start_pilot(project=project, actor=None, kind="demonstrate", size=2)
    actions.end_pilot(pilot=pilot, actor=None)
    second = actions.start_pilot(project=project, actor=None, kind="demonstrate", size=2)

    assert (second.tasks.count(), Pilot.objects.count()) == (2, 2)


@pytest.mark.parametrize(
    "kind, size, code",
    [
        ("dance", 5, "unknown_kind"),
        ("rank", 0, "bad_size"),
        ("rank", 501, "bad_size"),
        ("rank", 5, "nothing_to_pilot"),
        ("demonstrate", 5, "nobody_in_language"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_opened(project, kind, size, code):
    make_prompt(project)

    with pytest.raises(DomainError) as refused:
        actions.start_pilot(project=project, actor=None, kind=kind, size=size)

    assert refused.value.code == code
    assert not Task.objects.exists() and not Pilot.objects.exists()


# --- what came of it


def test_the_figures_of_a_pilot(project, annotator, second_annotator):
    for n in range(2):
        make_ranking_task(project, ["one apple", "two bridges", "three candles"], round=n + 1)
    pilot = actions.start_pilot(project=project, actor=None, kind="rank", size=2)
    rank(annotator, project, [1, 2, 3])
    rank(second_annotator, project, [1, 3, 2])
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    actions.ask_question(assignment=assignment, body="Which?", idempotency_key="q")
    actions.set_aside(assignment=assignment, verdict="none_usable", idempotency_key="k")
    skipped = actions.claim_task(user=second_annotator, project=project, kind="rank")
    actions.skip_task(assignment=skipped)
    for seconds, user in ((120, annotator), (300, second_annotator)):
        Submission.objects.filter(assignment__user=user).update(active_seconds=seconds)

    figures = pilot_queries.figures_of(pilot)

    assert (figures.tasks, figures.wanted, figures.submitted) == (2, 4, 3)
    assert figures.agreement.share == pytest.approx(2 / 3)
    assert (figures.agreement.pairs, figures.agreement.tasks) == (3, 1)
    assert (figures.none_usable, figures.prompt_problems, figures.questions) == (1, 0, 1)
    assert figures.minutes == 2.0
    ada, ben = figures.people
    assert (ada.user, ada.wanted, ada.submitted, ada.skipped, ada.minutes) == (annotator, 2, 2, 0, 2.0)
    assert (ben.user, ben.wanted, ben.submitted, ben.skipped, ben.minutes) == (second_annotator, 2, 1, 1, 5.0)


def test_only_the_newest_revision_counts(project, annotator, second_annotator):
    make_ranking_task(project, ["one apple", "two bridges"])
    pilot = actions.start_pilot(project=project, actor=None, kind="rank")
    rank(annotator, project, [1, 2])
    submission = rank(second_annotator, project, [2, 1])
    order = submission.assignment.display_order
    shown = [(number, slot) for number, slot in enumerate(order, start=1)]
    actions.submit_ranking(assignment=submission.assignment, places=shown, idempotency_key="again")

    agreement = pilot_queries.figures_of(pilot).agreement

    assert (agreement.share, agreement.pairs) == (1.0, 1)


def test_the_figures_cost_the_same_queries_whoever_works(project, person, django_assert_num_queries):
    make_ranking_task(project)
    people = [person(f"P{n}", "annotator", project=project) for n in range(3)]
    pilot = actions.start_pilot(project=project, actor=None, kind="rank")

    with django_assert_num_queries(7):
        pilot_queries.figures_of(pilot)
    for user in people:
        rank(user, project, [1, 2, 3, 4])
    with django_assert_num_queries(7):
        assert pilot_queries.figures_of(pilot).is_done


# --- the way on


def test_go_ends_the_pilot_and_opens_the_rest(project, annotator, manager):
    for _ in range(5):
        with_outputs(project)
    pilot = actions.start_pilot(project=project, actor=manager, kind="rank", size=2)

    opening = actions.open_the_rest(pilot=pilot, actor=manager)
    actions.run_opening(transfer_id=opening.pk)

    pilot.refresh_from_db()
    assert pilot.ended_at is not None
    assert Task.objects.count() == 5
    assert set(Task.objects.exclude(pilots=pilot).values_list("priority", flat=True)) == {0}


def test_where_all_have_a_task_there_is_nothing_left_to_open(project, annotator):
    make_ranking_task(project)
    pilot = actions.start_pilot(project=project, actor=None, kind="rank")

    assert actions.open_the_rest(pilot=pilot, actor=None) is None


def test_the_pilots_tasks_come_before_all_others(project, annotator):
    first = make_ranking_task(project)
    Task.objects.filter(pk=first.pk).update(seats_taken=1, seats_wanted=2)  # begun, so not the pilot's
    with_outputs(project)
    pilot = actions.start_pilot(project=project, actor=None, kind="rank")

    assignment = actions.claim_task(user=annotator, project=project, kind="rank")

    assert assignment.task in pilot.tasks.all()
    assert Assignment.objects.count() == 1
