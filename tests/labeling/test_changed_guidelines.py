from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, GuidelineAcknowledgement
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def begun(project, annotator):
    """Ada has a task open, by the first version."""
    publish(project, "Be kind.\n\nBe brief.\n\nBe true.")
    for _ in range(3):
        make_ranking_task(project)
    return actions.claim_task(user=annotator, project=project, kind="rank")


def publish(project, body, language="en"):
    # A transaction has one time for all its rows; people do not publish and claim within one.
    Assignment.objects.update(created_at=Now() - timedelta(hours=1))
    project.guideline_versions.update(created_at=Now() - timedelta(hours=2))
    return actions.publish_guidelines(project=project, language=language, body=body, author=None)


def ask_for_next(client, project, follow=True):
    return client.post(reverse("next-task", args=[project.public_id, "rank"]), follow=follow)


def test_a_change_is_shown_before_the_next_task_and_nothing_open_is_lost(
    client_for, annotator, project, begun
):
    newest = publish(project, "Be kind.\n\nBe thorough.\n\nBe true.")
    client = client_for(annotator)

    page = ask_for_next(client, project).content.decode()
    went_on = client.post(
        reverse("changed-guidelines", args=[project.public_id, "rank"]), {"version": newest.public_id}
    )

    assert '<del><span class="sr-only">taken out: </span>brief</del>' in page
    assert '<ins><span class="sr-only">new: </span>thorough</ins>' in page
    assert went_on.url == reverse("assignment", args=[begun.public_id])
    acknowledged = GuidelineAcknowledgement.objects.get()
    assert (acknowledged.user, acknowledged.version) == (annotator, newest)


def test_after_a_submission_the_change_comes_before_the_next_task(client_for, annotator, project, begun):
    publish(project, "Be thorough.")

    answer = client_for(annotator).post(
        reverse("submit", args=[begun.public_id]),
        {"idempotency_key": "k", **{f"place-{n}": n for n in range(1, 5)}},
    )

    assert answer.url == reverse("changed-guidelines", args=[project.public_id, "rank"])
    begun.refresh_from_db()
    assert begun.status == "submitted"


def test_what_is_acknowledged_is_not_asked_again_and_the_next_change_is(
    client_for, annotator, project, begun
):
    second = publish(project, "Be thorough.")
    actions.acknowledge_guidelines(user=annotator, version=second)
    actions.acknowledge_guidelines(user=annotator, version=second)
    client = client_for(annotator)
    assert ask_for_next(client, project, follow=False).url == reverse("assignment", args=[begun.public_id])

    publish(project, "Be thorough and kind.")
    page = ask_for_next(client, project).content.decode()

    assert "Version 3 is in force now; you know version 2." in page
    assert GuidelineAcknowledgement.objects.count() == 1


def test_a_version_that_came_while_one_was_reading_is_shown_before_it_counts_as_read(
    client_for, annotator, project, begun
):
    seen = publish(project, "Be thorough.")
    publish(project, "Be thorough and kind.")

    answer = client_for(annotator).post(
        reverse("changed-guidelines", args=[project.public_id, "rank"]), {"version": seen.public_id}
    )

    assert answer.url == reverse("changed-guidelines", args=[project.public_id, "rank"])
    assert not GuidelineAcknowledgement.objects.exists()


def test_whoever_begins_with_the_newest_is_asked_nothing(client_for, second_annotator, project, begun):
    publish(project, "Be thorough.")

    answer = ask_for_next(client_for(second_annotator), project, follow=False)

    assert answer.url.startswith("/assignments/")


def test_the_first_guidelines_of_a_project_are_shown_whole_to_those_who_began_without(
    client_for, annotator, project
):
    make_ranking_task(project)
    actions.claim_task(user=annotator, project=project, kind="rank")
    publish(project, "# Be kind")

    page = ask_for_next(client_for(annotator), project).content.decode()

    assert "Version 1 came after you had begun" in page
    assert "<h1>Be kind</h1>" in page.replace(' id="be-kind"', "")


def test_a_change_in_a_language_one_does_not_read_asks_nothing(client_for, annotator, project, begun):
    publish(project, "要友善。", language="zh")

    answer = ask_for_next(client_for(annotator), project, follow=False)

    assert answer.url == reverse("assignment", args=[begun.public_id])


def test_hostile_guidelines_are_shown_as_text(client_for, annotator, project, begun):
    publish(project, "Be kind.\n\n<script>alert(1)</script>\n\nBe true.")

    page = ask_for_next(client_for(annotator), project).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_an_unchanged_address_leads_back(client_for, annotator, project, begun):
    client = client_for(annotator)

    assert client.get(reverse("changed-guidelines", args=[project.public_id, "rank"])).status_code == 302
    assert client.get(reverse("changed-guidelines", args=[project.public_id, "cook"])).status_code == 404
