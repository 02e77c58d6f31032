"""What the page of people says of each one's work, and in which order."""

import datetime

import pytest
from django.core.cache import cache
from django.urls import reverse

from labeling import actions
from labeling.models import Project
from tests.labeling.working import rank, write
from tests.making import make_demonstration_task, make_ranking_task


@pytest.fixture(autouse=True)
def nothing_is_kept():
    cache.clear()


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def shown(client, project, sort=""):
    answer = client.get(reverse("manage-people", args=[project.public_id]), {"sort": sort})
    return answer, answer.context["work"]


def test_tasks_time_reviews_agreement_and_the_last_day_of_each(
    client, project, annotator, second_annotator, manager
):
    Project.objects.update(overlap_share=1.0)
    project.refresh_from_db()
    day = datetime.date(2026, 3, 5)
    for seconds in (60, 90, 600):
        make_ranking_task(project)
        rank(annotator, project, seconds=seconds, on=day)
        rank(second_annotator, project, places=(1, 2, 4, 3), seconds=30, on=day)
    make_demonstration_task(project)
    answer = write(annotator, project, seconds=1200, on=day + datetime.timedelta(days=1))
    actions.review_submission(submission=answer, reviewer=manager, verdict="accepted")

    page, (ada, ben) = shown(client, project)

    assert (ada.user, ada.submitted, ada.ranked, ada.written) == (annotator, 4, 3, 1)
    assert (ada.seconds, ada.accepted, ada.returned) == (1950, 1, 0)
    assert (ada.ranking_pace.seconds, ada.ranking_pace.tasks) == (90, 3)
    assert (ada.writing_pace.seconds, ada.writing_pace.tasks) == (1200, 1)
    assert (ada.agreement.share, ada.agreement.pairs) == (15 / 18, 18)
    assert ada.last_day == datetime.date(2026, 3, 6)
    assert (ben.submitted, ben.ranking_pace.seconds, ben.writing_pace) == (3, 30, None)
    text = page.content.decode()
    assert "83.3 %" in text and "18 pairs" in text
    assert (
        f"{reverse('reviews', args=[project.public_id])}?state=any&amp;person={annotator.public_id}" in text
    )


def test_a_manager_who_has_worked_is_of_the_project_and_nobody_misses_their_work(client, project, manager):
    make_ranking_task(project)
    make_ranking_task(project)
    rank(manager, project, on=datetime.date(2026, 3, 5))

    _page, (mia,) = shown(client, project)
    attention = client.get(reverse("manage", args=[project.public_id])).context["attention"]

    assert (mia.user, mia.ranked, mia.is_member, mia.is_labeler) == (manager, 1, True, False)
    assert not [one.text for one in attention if "Mia" in one.names]


@pytest.mark.parametrize(
    "sort, names",
    [
        ("name", ["Ada", "Ben", "Cleo"]),
        ("tasks", ["Ben", "Ada", "Cleo"]),
        ("hours", ["Ada", "Ben", "Cleo"]),
        ("ranking", ["Ben", "Ada", "Cleo"]),
        ("seen", ["Ada", "Ben", "Cleo"]),
        ("nonsense", ["Ben", "Ada", "Cleo"]),
    ],
)
def test_the_order_is_asked_for_and_what_is_unknown_comes_last(
    client, project, annotator, second_annotator, person, sort, names
):
    person("Cleo", "annotator", project=project)
    for _ in range(3):
        make_ranking_task(project)
    rank(annotator, project, seconds=500, on=datetime.date(2026, 3, 6))
    rank(second_annotator, project, seconds=50, on=datetime.date(2026, 3, 5))
    rank(second_annotator, project, seconds=50, on=datetime.date(2026, 3, 5))

    _page, work = shown(client, project, sort)

    assert [str(row.user) for row in work] == names


def test_who_left_stays_with_their_work_and_comes_after_the_others(
    client, project, annotator, second_annotator
):
    make_ranking_task(project)
    rank(annotator, project)
    actions.give_roles(project=project, user=annotator, roles=[])

    page, work = shown(client, project)

    assert [(str(row.user), row.is_member) for row in work] == [("Ben", True), ("Ada", False)]
    assert "has left" in page.content.decode()


def test_programs_and_authors_of_imports_are_no_people(client, project, annotator, person):
    make_ranking_task(project)
    robot = person("Robot", "annotator", project=project)
    type(robot).objects.filter(pk=robot.pk).update(kind="simulated")
    robot.refresh_from_db()
    rank(robot, project)

    assert [str(row.user) for row in shown(client, project)[1]] == ["Ada"]
