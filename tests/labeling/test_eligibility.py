"""Who is given which task: languages, topics, the day's cap, in claims, reservations and counts."""

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection
from django.db.models.functions import Now
from django.utils import timezone

from labeling import actions, queries
from labeling.actions.free_seats import TAKE_SEAT, asked_of
from labeling.actions.leases import LEASE
from labeling.days import today_in
from labeling.eligibility import WORK, Eligibility, eligibility_of
from labeling.models import Assignment, Membership, Project, Submission, Task, TaskSet, Topic, User
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def claim(user, project, kind="rank"):
    return actions.claim_task(user=user, project=project, kind=kind)


def reserve(user, project, kind="rank"):
    return actions.reserve_task(user=user, project=project, kind=kind)


def waiting(user, project, kind="rank"):
    return queries.tasks_waiting_for(user, project, kind)


def submit(assignment, key="k"):
    return actions.submit_demonstration(assignment=assignment, text="Yes.", idempotency_key=key)


def task_about(project, *topics, language="en", **fields):
    return make_ranking_task(project, prompt=make_prompt(project, topics=topics, language=language), **fields)


@pytest.fixture
def bilingual(project):
    project.languages = ["en", "zh"]
    project.save()
    return project


def works_in(user, project, *languages):
    actions.set_languages(project=project, user=user, languages=languages)


# --- languages


def test_a_person_is_given_tasks_in_their_languages_only(bilingual, annotator):
    task_about(bilingual, priority=9)
    chinese = task_about(bilingual, language="zh")
    works_in(annotator, bilingual, "zh")

    assert waiting(annotator, bilingual) == 1
    assert claim(annotator, bilingual).task == chinese
    assert reserve(annotator, bilingual) is None


def test_without_a_language_a_person_works_in_all_even_in_one_that_the_project_does_not_name(
    project, annotator
):
    french = task_about(project, language="fr")

    assert waiting(annotator, project) == 1
    assert claim(annotator, project).task == french


def test_the_best_task_of_all_languages_comes_first(bilingual, annotator):
    task_about(bilingual)
    urgent = task_about(bilingual, language="zh", priority=1)
    works_in(annotator, bilingual, "en", "zh")

    assert claim(annotator, bilingual).task == urgent


def test_an_expired_task_in_another_language_is_not_leased_again(bilingual, annotator):
    task_about(bilingual)
    held = claim(annotator, bilingual)
    Assignment.objects.filter(pk=held.pk).update(lease_until=Now() - timedelta(minutes=1))
    works_in(annotator, bilingual, "zh")

    assert claim(annotator, bilingual) is None
    assert waiting(annotator, bilingual) == 0


def test_what_is_open_is_not_lost_when_the_languages_change(bilingual, annotator):
    task_about(bilingual)
    held = claim(annotator, bilingual)
    works_in(annotator, bilingual, "zh")

    assert claim(annotator, bilingual) == held
    assert waiting(annotator, bilingual) == 1


def test_a_seat_reserved_for_another_goes_only_to_whom_its_task_fits(bilingual, annotator, second_annotator):
    task_about(bilingual)
    task_about(bilingual)
    claim(annotator, bilingual)
    assert reserve(annotator, bilingual) is not None
    works_in(second_annotator, bilingual, "zh")

    assert waiting(second_annotator, bilingual) == 0
    assert claim(second_annotator, bilingual) is None
    assert claim(annotator, bilingual).task == Task.objects.earliest("pk")


# --- topics


def test_nobody_is_given_a_topic_that_they_did_not_say_yes_to(project, annotator):
    task_about(project, "violence")
    task_about(project, "violence", "hate", priority=3)
    plain = task_about(project)

    assert waiting(annotator, project) == 1
    assert claim(annotator, project).task == plain
    assert reserve(annotator, project) is None


def test_every_topic_of_a_task_has_to_be_welcome(project, annotator):
    both = task_about(project, "hate", "violence")
    actions.choose_topics(user=annotator, topics=["violence"])
    assert claim(annotator, project) is None

    actions.choose_topics(user=annotator, topics=["violence", "hate"])

    assert claim(annotator, project).task == both


def test_a_topic_marked_meanwhile_is_not_handed_over_with_the_reservation(project, annotator):
    first, second, third = task_about(project), task_about(project), task_about(project)
    submitted = claim(annotator, project)
    held = reserve(annotator, project)
    assert (submitted.task, held.task) == (first, second)
    actions.mark_prompt(prompt=second.prompt, topics=["hate"])
    actions.skip_task(assignment=submitted)

    assert claim(annotator, project).task == third


def test_a_reservation_that_does_not_fit_any_more_is_replaced(project, annotator):
    task_about(project)
    second, third = task_about(project), task_about(project)
    claim(annotator, project)
    held = reserve(annotator, project)
    actions.mark_prompt(prompt=second.prompt, topics=["hate"])

    assert reserve(annotator, project).task == third
    held.refresh_from_db()
    assert held.status == "expired"


def test_an_open_task_whose_topic_is_not_welcome_is_not_handed_over_again_and_can_be_submitted(
    project, annotator
):
    make_demonstration_task(project)
    held = claim(annotator, project, "demonstrate")
    actions.mark_prompt(prompt=held.task.prompt, topics=["self_harm"])

    assert claim(annotator, project, "demonstrate") is None
    assert waiting(annotator, project, "demonstrate") == 0
    assert submit(held).revision == 1


def test_simulated_annotators_read_nothing_and_are_given_everything(project):
    task_about(project, "sexual")
    simulated = actions.add_person(email="s@simulated.invalid", name="S", kind=User.Kind.SIMULATED)
    Project.objects.update(daily_cap=1)
    project.refresh_from_db()

    assert eligibility_of(simulated, project) == Eligibility(topics=tuple(Topic.values))
    assert claim(simulated, project) is not None


def test_simulated_annotators_are_of_no_group(project):
    simulated = actions.add_person(email="s@simulated.invalid", name="S", kind=User.Kind.SIMULATED)
    actions.add_member(project=project, user=simulated, role=Membership.Role.ANNOTATOR)
    experts = TaskSet.objects.create(project=project, name="Experts", group=Membership.Group.TRAINING)
    named = TaskSet.objects.create(project=project, name="Theirs")
    named.people.add(simulated)

    assert eligibility_of(simulated, project).sets == (named.pk,)
    person = actions.add_person(email="p@example.org", name="P")
    actions.add_member(project=project, user=person, role=Membership.Role.ANNOTATOR)
    assert eligibility_of(person, project).sets == (experts.pk,)


# --- the day's cap


@pytest.fixture
def capped(project):
    """Two submissions a day, and plenty to write."""
    project.daily_cap = 2
    project.time_zone = "Asia/Shanghai"
    project.save()
    for _ in range(4):
        make_demonstration_task(project)
    return project


def write(user, project, key="k"):
    assignment = claim(user, project, "demonstrate")
    submit(assignment, key)
    return assignment


def test_after_the_days_submissions_nothing_is_handed_out(capped, annotator, second_annotator):
    assert waiting(annotator, capped, "demonstrate") == 2
    write(annotator, capped)
    assert waiting(annotator, capped, "demonstrate") == 1
    write(annotator, capped)

    assert waiting(annotator, capped, "demonstrate") == 0
    assert claim(annotator, capped, "demonstrate") is None
    assert claim(second_annotator, capped, "demonstrate") is not None


def test_what_is_open_counts_and_comes_back_and_can_be_submitted(capped, annotator):
    write(annotator, capped)
    held = claim(annotator, capped, "demonstrate")
    make_ranking_task(capped)

    assert reserve(annotator, capped, "demonstrate") is None
    assert claim(annotator, capped, "rank") is None
    assert waiting(annotator, capped, "demonstrate") == 1
    assert claim(annotator, capped, "demonstrate") == held
    assert submit(held).revision == 1


def test_revisions_do_not_count(capped, annotator):
    first = write(annotator, capped)
    submit(first, "again")
    submit(first, "and again")

    assert eligibility_of(annotator, capped).left_today == 1


def test_skipping_does_not_count(capped, annotator):
    actions.skip_task(assignment=claim(annotator, capped, "demonstrate"))

    assert eligibility_of(annotator, capped).left_today == 2


def test_a_day_is_the_projects_and_not_the_servers(capped, annotator):
    write(annotator, capped)
    write(annotator, capped)
    today = today_in(capped)
    assert str(today.begin.tzinfo) == "Asia/Shanghai"
    assert (today.begin.hour, today.end - today.begin) == (0, timedelta(days=1))

    Submission.objects.update(created_at=today.begin - timedelta(seconds=1))
    assert eligibility_of(annotator, capped).left_today == 2
    Submission.objects.update(created_at=today.begin)
    assert eligibility_of(annotator, capped).left_today == 0


def test_a_day_in_which_the_clocks_change_ends_at_midnight(project, monkeypatch):
    project.time_zone = "Europe/Berlin"
    noon = timezone.datetime(2026, 3, 29, 10, tzinfo=timezone.get_fixed_timezone(0))
    monkeypatch.setattr("labeling.days.timezone.now", lambda: noon)

    day = today_in(project)

    assert day.end.isoformat() == "2026-03-30T00:00:00+02:00"
    assert day.end.timestamp() - day.begin.timestamp() == 23 * 3600


def test_a_cap_of_nothing_is_impossible(project):
    with pytest.raises(Exception, match="project_daily_cap"):
        Project.objects.update(daily_cap=0)


# --- one rule


@pytest.mark.parametrize("languages", [(), ("en",), ("en", "zh"), ("fr",)])
@pytest.mark.parametrize("topics", [(), ("hate",), ("violence", "hate"), tuple(Topic.values)])
def test_the_rule_is_the_same_in_python_in_the_orm_and_in_the_claim(
    project, annotator, second_annotator, languages, topics
):
    theirs = TaskSet.objects.create(project=project, name="Ada's")
    theirs.people.add(annotator)
    foreign = TaskSet.objects.create(project=project, name="Ben's")
    foreign.people.add(second_annotator)
    for n, language in enumerate(("en", "zh", "ja")):
        for about in ((), ("hate",), ("hate", "violence"), ("sexual",)):
            for task_set in (None, theirs, foreign)[: 3 - n]:
                task_about(project, *about, language=language, task_set=task_set)
    Membership.objects.update(languages=list(languages))
    User.objects.update(topics=[topic for topic in Topic.values if topic in topics])
    annotator.refresh_from_db()
    may = eligibility_of(annotator, project)

    by_python = {task.pk for task in Task.objects.all() if may.allows(task)}
    by_orm = set(Task.objects.filter(may.fits()).values_list("pk", flat=True))
    by_claim = []
    while (assignment := claim(annotator, project)) is not None:
        by_claim.append(assignment.task_id)
        actions.skip_task(assignment=assignment)

    assert by_python == by_orm == set(by_claim)
    assert by_claim == sorted(by_claim)  # the oldest first, whatever pool it is in


@pytest.mark.django_db(transaction=True)
def test_twelve_people_at_once_each_get_a_task_from_one_of_three_pools(project):
    """Somebody whose best pool is taken by others goes on to the next one."""
    people = [actions.add_person(email=f"p{n}@example.org", name=f"P{n}") for n in range(12)]
    for person in people:
        actions.add_member(project=project, user=person, role="annotator")
        actions.choose_topics(user=person, topics=["hate"])
    for n in range(12):
        task_about(project, *[["hate"], [], []][n % 3], language=["en", "en", "zh"][n % 3], priority=n % 3)
    barrier = threading.Barrier(12)
    got = []

    def work(user):
        barrier.wait(timeout=10)
        got.append(getattr(claim(user, project), "task_id", None))
        close_old_connections()

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(got) == sorted(Task.objects.values_list("pk", flat=True))


def test_the_claim_walks_past_nothing_that_does_not_fit(project, annotator):
    """A needle in a haystack of other languages, topics nobody asked for, other people's sets, and gold."""
    others = TaskSet.objects.create(project=project, name="Held out", group="held_out")
    gold = {"purpose": "gold", "reference_places": [1, 2]}
    hay = [
        {"language": "en"},
        {"language": "en", "topics": ["violence"]},
        {"language": "zh", "topics": ["hate"]},
        {"language": "zh", "topics": ["sexual", "hate"]},
        {"language": "zh", "task_set": others},
        {"language": "zh", **gold},
    ]
    prompt = make_prompt(project)
    Task.objects.bulk_create(
        Task(project=project, prompt=prompt, kind="rank", **fields) for fields in 1000 * hay
    )
    needle = task_about(project, language="zh")
    Membership.objects.update(languages=["zh"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE labeling_task")
        may = eligibility_of(annotator, project)
        asked = asked_of(annotator, project, "rank", may, WORK, Assignment.Status.LEASED, LEASE)
        asking = TAKE_SEAT.asking(**asked)
        TAKE_SEAT.prepare()
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {TAKE_SEAT.call}", asking.values)
        plan = cursor.fetchone()[0][0]["Plan"]

    needle.refresh_from_db()
    assert needle.seats_taken == 1
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 200
