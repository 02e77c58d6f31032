"""The page's requests: drafts, leases, double clicks, the back button."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from labeling import actions
from labeling.models import Assignment, Submission
from tests.making import make_demonstration_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment(project, annotator):
    make_demonstration_task(project)
    return actions.claim_task(user=annotator, project=project, kind="demonstrate")


@pytest.fixture
def client(client_for, annotator):
    return client_for(annotator)


def save(client, assignment, **message):
    address = reverse("draft", args=[assignment.public_id])
    return client.post(address, message, content_type="application/json")


def submit(client, assignment, text, **fields):
    return client.post(
        reverse("submit", args=[assignment.public_id]),
        {"text": text, "idempotency_key": "page", **fields},
    )


def let_run_out():
    Assignment.objects.update(lease_until=Now() - timedelta(seconds=1))
    actions.expire_leases()


def texts():
    found = Submission.objects.order_by("revision")
    return [submission.demonstration.completion.text for submission in found]


def test_an_older_draft_is_refused_with_the_newer_one(client, assignment):
    save(client, assignment, draft={"text": "Newer."}, version=0)

    answer = save(client, assignment, draft={"text": "Older."}, version=0)

    assert answer.status_code == 409
    told = answer.json()
    assert (told["code"], told["draft"], told["version"]) == ("newer_draft", {"text": "Newer."}, 1)
    assert Assignment.objects.get().draft == {"text": "Newer."}


def test_without_a_draft_it_keeps_the_lease_and_tells_the_version(client, assignment):
    save(client, assignment, draft={"text": "A"}, version=0)
    Assignment.objects.update(lease_until=Now() + timedelta(seconds=5))

    answer = save(client, assignment, version=0)

    assert answer.json() == {"version": 1, "status": "leased", "holds_seat": True}
    assert Assignment.objects.filter(lease_until__gt=Now() + timedelta(minutes=29)).exists()
    assert Assignment.objects.get().draft == {"text": "A"}


@pytest.mark.parametrize("become", ["expired", "skipped", "submitted"])
def test_a_draft_is_kept_whatever_has_become_of_the_task(client, assignment, second_annotator, become):
    if become == "expired":
        let_run_out()
        actions.claim_task(user=second_annotator, project=assignment.task.project, kind="demonstrate")
    elif become == "skipped":
        actions.skip_task(assignment=assignment)
    else:
        actions.submit_demonstration(assignment=assignment, text="First.", idempotency_key="k")
    version = Assignment.objects.get(pk=assignment.pk).draft_version

    answer = save(client, assignment, draft={"text": "Kept."}, version=version)

    assert answer.json() == {"version": version + 1, "status": become, "holds_seat": False}
    page = client.get(reverse("assignment", args=[assignment.public_id])).content.decode()
    assert ">Kept.</textarea>" in page


def test_a_draft_that_arrives_after_the_submission_does_not_come_back(client, assignment):
    submit(client, assignment, "Done.")

    answer = save(client, assignment, draft={"text": "Don"}, version=0)

    assert answer.status_code == 409
    assert answer.json()["status"] == "submitted"
    assert Assignment.objects.get().draft == {}


def test_a_lost_seat_is_not_taken_back_for_a_second_open_task(client, assignment, annotator, project):
    let_run_out()
    actions.skip_task(assignment=assignment)
    Assignment.objects.filter(pk=assignment.pk).update(status="expired")
    other = make_demonstration_task(project)
    other.assignments.create(user=annotator, status="leased", lease_until=Now() + timedelta(minutes=9))

    answer = save(client, assignment, draft={"text": "Old window."}, version=0)

    assert answer.json()["holds_seat"] is False


def test_the_page_of_a_reserved_task_takes_it_up_as_it_is_used(client, assignment, annotator, project):
    make_demonstration_task(project)
    held = actions.reserve_task(user=annotator, project=project, kind="demonstrate")
    actions.submit_demonstration(assignment=assignment, text="Done.", idempotency_key="k")

    answer = save(client, held, draft={"text": "Begun."}, version=0)

    assert answer.json()["status"] == "leased"


def test_a_double_click_is_one_and_a_page_changed_after_it_is_a_revision(client, assignment):
    submit(client, assignment, "First.", active_seconds="3")
    submit(client, assignment, "First.", active_seconds="4")
    submit(client, assignment, "Second.")

    assert texts() == ["First.", "Second."]


def test_a_submission_behind_the_newest_draft_is_asked_about_once(client, assignment):
    save(client, assignment, draft={"text": "Newer, elsewhere."}, version=0)

    refused = submit(client, assignment, "Older.", draft_version="0")
    assert refused.status_code == 409
    assert ">Older.</textarea>" in refused.content.decode()
    assert 'name="draft_version" value="1"' in refused.content.decode()
    submit(client, assignment, "Older.", draft_version="1")

    assert texts() == ["Older."]


def test_what_was_late_stays_late_in_its_revisions(client, assignment, second_annotator, project):
    let_run_out()
    other = actions.claim_task(user=second_annotator, project=project, kind="demonstrate")
    actions.submit_demonstration(assignment=other, text="Faster.", idempotency_key="k")
    submit(client, assignment, "Late.")

    submit(client, assignment, "Late and better.")

    own = Submission.objects.filter(assignment=assignment)
    assert set(own.values_list("revision", "is_late")) == {(1, True), (2, True)}
    assert not Assignment.objects.get(pk=assignment.pk).holds_seat
