"""What is kept of what managers do, that it stays, and the page that shows it."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from labeling import actions, exports
from labeling.actions import audit
from labeling.actions.tokens import make_token, revoke_token
from labeling.models import AuditEvent, Project, User
from labeling.rubrics.presets import PRESETS
from tests.labeling.at_work import open_period, set_rate, work
from tests.making import make_prompt, make_ranking_task

SETTINGS = {
    "name": "Poems",
    "languages": "en, zh",
    "completions_per_prompt": "6",
    "overlap_share": "15",
    "overlap_people": "3",
    "time_zone": "Asia/Shanghai",
    "criteria": "evaluation",
    "model_names": "",
}


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def address(name, *subjects):
    return reverse(name, args=[subject.public_id for subject in subjects])


def kept(action):
    return AuditEvent.objects.filter(action=action).latest("pk")


def test_settings_that_change_are_kept_with_what_they_were(client, project, manager):
    client.post(address("manage-settings", project), SETTINGS)
    client.post(address("manage-settings", project), SETTINGS)  # the same again changes nothing

    event = AuditEvent.objects.get(action="settings_changed")
    assert (event.project, event.actor) == (project, manager)
    assert (event.object_type, event.object_id) == ("project", project.public_id)
    assert event.data["name"] == {"from": "Helpful answers", "to": "Poems"}
    assert event.data["languages"] == {"from": ["en"], "to": ["en", "zh"]}
    assert "daily_cap" not in event.data and "pseudonym_key" not in event.data


def test_every_setting_is_watched_and_nothing_else():
    from labeling.actions.project import settings_of

    assert set(SETTINGS) <= set(settings_of(Project()))
    assert not {"id", "public_id", "pseudonym_key", "paused_at", "pause_reason"} & set(settings_of(Project()))


def test_people_roles_groups_and_languages(client, project, manager, annotator):
    Project.objects.update(languages=["en", "zh"])
    actions.add_by_address(
        project=project, email="nia@example.org", name="", roles=["annotator"], actor=manager
    )
    client.post(
        address("give-roles", project, annotator),
        {"roles": ["annotator", "reviewer"], "group": "held_out", "languages": ["zh"]},
    )

    assert kept("person_added").data == {"person": "nia@example.org", "roles": ["annotator"]}
    assert kept("roles_given").data["roles"] == {"from": ["annotator"], "to": ["annotator", "reviewer"]}
    assert kept("group_set").data["group"] == {"from": "training", "to": "held_out"}
    assert kept("languages_set").data["languages"] == {"from": [], "to": ["zh"]}
    assert {event.actor for event in AuditEvent.objects.exclude(action="project_created")} == {manager}
    assert kept("roles_given").object_id == annotator.public_id


def test_pauses_publications_and_files(client, project, manager):
    client.post(address("pause-project", project), {"reason": "Holidays."})
    client.post(address("resume-project", project))
    client.post(address("resume-project", project))  # it is not paused any more
    actions.publish_guidelines(project=project, language="en", body="Be kind.", author=manager)
    questions = next(iter(PRESETS.values()))
    actions.publish_rubric(project=project, questions=questions, author=manager)
    make_prompt(project)
    actions.start_export(
        project=project, user=manager, content="prompts", format="jsonl", filters=exports.Filters()
    )
    upload = actions.upload_import(
        project=project, actor=manager, file_name="p.jsonl", chunks=[b'{"prompt": "Why?"}\n']
    )
    actions.start_import(transfer=upload, actor=manager)

    assert kept("project_paused").data == {"reason": "Holidays."}
    assert AuditEvent.objects.filter(action="project_resumed").count() == 1
    assert kept("guidelines_published").data == {"language": "en", "number": 1}
    assert kept("rubric_published").data["number"] == 1
    assert kept("export_started").data["content"] == "prompts"
    assert kept("import_started").data == {"file": "p.jsonl", "bytes": 19}


def test_single_tasks_and_marks(project, manager):
    task = make_ranking_task(project)

    actions.withdraw_task(task=task, actor=manager)
    actions.reopen_task(task=task, actor=manager)
    actions.mark_prompt(prompt=task.prompt, topics=["hate"], actor=manager)
    actions.mark_prompt(prompt=task.prompt, topics=["hate"], actor=manager)

    assert kept("task_withdrawn").object_id == kept("task_reopened").object_id == task.public_id
    (event,) = AuditEvent.objects.filter(action="prompt_marked")
    assert event.data == {"topics": {"from": [], "to": ["hate"]}}


def test_pay_and_periods(client, project, manager, annotator):
    for _ in range(2):  # the same again changes nothing
        client.post(address("set-paid-by", project), {"paid_by": "task"})
    set_rate(project, manager, "20")
    set_rate(project, manager, "21.50", user=annotator)
    removed = open_period(project, manager)
    actions.remove_period(period=removed, actor=manager)
    period = open_period(project, manager)
    work(annotator, project, 600)
    actions.close_period(period=period, actor=manager)
    actions.close_period(period=period, actor=manager)
    open_period(project, manager, date(2026, 1, 16), date(2026, 1, 31))
    actions.correct_period(
        period=period, user=annotator, author=manager, reason=" One was missing. ", accepted=1
    )

    assert [event.data for event in AuditEvent.objects.filter(action="pay_basis_set")] == [
        {"paid_by": {"from": "hour", "to": "task"}}
    ]
    assert [event.data for event in AuditEvent.objects.filter(action="rate_set").order_by("pk")] == [
        {"person": "", "rate": {"from": "", "to": "20 EUR"}, "valid_from": "2026-01-01"},
        {"person": annotator.email, "rate": {"from": "20 EUR", "to": "21.5 EUR"}, "valid_from": "2026-01-01"},
    ]
    assert kept("period_removed").data == {"period": "2026-01-01 – 2026-01-15"}
    assert kept("period_removed").object_id is kept("period_opened").object_id is None
    (closed,) = AuditEvent.objects.filter(action="period_closed")
    assert (closed.actor, closed.object_id, closed.data["people"]) == (manager, period.public_id, 1)
    assert kept("period_corrected").data == {
        "period": "2026-01-01 – 2026-01-15",
        "person": annotator.email,
        "accepted": 1,
        "amount": "21.50 EUR",
        "paid_with": "2026-01-16 – 2026-01-31",
        "reason": "One was missing.",
    }


def test_notices_and_the_faq_without_their_texts(client, project, manager):
    notice = {"first_day": date(2026, 1, 5), "last_day": None, "role": "annotator"}
    announcement = actions.announce(project=project, author=manager, body={"en": "Closed."}, **notice)
    for text in ("Closed today.", "Closed today."):
        actions.change_announcement(
            announcement=announcement, actor=manager, body={"en": text}, **notice | {"role": ""}
        )
    for _ in range(2):
        client.post(address("end-announcement", announcement))
    for_all = actions.announce(project=None, author=manager, body={"en": "Hello."}, **notice | {"role": ""})
    entry = actions.publish_faq_entry(
        project=project, language="en", question="Do ties count?", answer="Yes.", author=manager
    )
    changed = actions.change_faq_entry(
        entry=entry, language="en", question="Do ties count?", answer="They do.", author=manager
    )
    for _ in range(2):
        client.post(address("retire-faq-entry", changed))

    published = AuditEvent.objects.filter(action="announcement_published", project=project).get()
    assert published.data == {
        "languages": ["en"],
        "role": "annotator",
        "first_day": "2026-01-05",
        "last_day": "",
    }
    (event,) = AuditEvent.objects.filter(action="announcement_changed")
    assert event.data == {"role": {"from": "annotator", "to": ""}, "texts": ["en"]}
    (ended,) = AuditEvent.objects.filter(action="announcement_ended")
    assert (ended.actor, ended.object_id) == (manager, announcement.public_id)
    assert kept("announcement_published").object_id == for_all.public_id
    assert kept("announcement_published").project is None
    assert kept("faq_published").object_id == entry.public_id
    assert kept("faq_changed").data == {"language": "en", "position": 1}
    (retired,) = AuditEvent.objects.filter(action="faq_retired")
    assert (retired.actor, retired.object_id) == (manager, changed.public_id)
    assert not any("Closed" in str(e.data) or "ties" in str(e.data) for e in AuditEvent.objects.all())


def test_what_has_a_page_of_its_own_is_one_click_away(client, project, manager):
    entry = actions.publish_faq_entry(
        project=project, language="en", question="Do ties count?", answer="Yes.", author=manager
    )
    announcement = actions.announce(
        project=project, author=manager, body={"en": "Hi."}, first_day=date(2026, 1, 5), last_day=None
    )
    period = actions.close_period(period=open_period(project, manager), actor=manager)

    page = client.get(address("manage-audit", project)).content.decode()

    for path in (
        address("faq-entry", entry),
        address("announcement", announcement),
        address("timesheet", period),
    ):
        assert f'href="{path}"' in page
        assert client.get(path).status_code == 200


def test_tokens_without_their_keys(manager):
    token, key = make_token(user=manager, name="Script", scopes=["read"], days=3)
    revoke_token(token=token)
    revoke_token(token=token)

    (made,) = AuditEvent.objects.filter(action="token_made")
    assert (made.actor, made.project, made.data["name"]) == (manager, None, "Script")
    assert key not in str(made.data)
    assert AuditEvent.objects.filter(action="token_revoked").count() == 1


def test_announcements_known_answers_and_who_came_in(client, project, manager, outsider):
    sent = {"first_day": "2026-01-01", "last_day": "", "role": "", "body_en": "Come on Monday."}
    client.post(address("manage-announcements", project), sent)
    notice = project.announcements.get()
    client.post(address("announcement", notice), sent | {"body_en": "Come on Tuesday."})
    client.post(address("end-announcement", notice))
    client.post(address("end-announcement", notice))
    task = make_ranking_task(project)
    actions.set_reference(
        task=task, places=[(slot, slot) for slot in range(1, 5)], purpose="gold", actor=manager
    )
    invited = actions.invite(project=project, actor=manager, roles=["annotator"])
    actions.accept_invitation(key=invited.key, user=outsider)

    for action in ("announcement_published", "announcement_changed", "announcement_ended"):
        [event] = AuditEvent.objects.filter(action=action)
        assert (event.actor, event.object_id) == (manager, notice.public_id)
        assert "Monday" not in str(event.data) and "Tuesday" not in str(event.data)
    assert (kept("answer_known").object_id, kept("answer_known").data) == (task.public_id, {"for": "gold"})
    assert (kept("invitation_accepted").actor, kept("invitation_accepted").data["roles"]) == (
        outsider,
        ["annotator"],
    )


def test_a_pause_of_the_whole_site(person):
    ann = person("Ann")
    actions.pause_site(reason="A new disk.", actor=ann)
    actions.resume_site(actor=ann)
    actions.resume_site(actor=ann)

    assert kept("site_paused").data == {"reason": "A new disk."}
    assert [event.actor for event in AuditEvent.objects.filter(action="site_resumed")] == [ann]


def test_what_is_refused_leaves_no_trace(client, project):
    before = AuditEvent.objects.count()

    client.post(address("manage-settings", project), SETTINGS | {"completions_per_prompt": "10"})
    client.post(address("pause-project", project), {"reason": " "})

    assert AuditEvent.objects.count() == before


def test_an_action_without_a_name_is_a_mistake_of_the_program(project):
    with pytest.raises(ValueError, match="painted"):
        audit.record("painted", actor=None, project=project)


@pytest.mark.parametrize("change", [lambda e: e.update(action="x"), lambda e: e.delete()])
def test_the_database_refuses_to_change_or_delete_an_event(project, change):
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        change(AuditEvent.objects.all())

    assert AuditEvent.objects.filter(action="project_created").exists()


# --- the page


def shown(client, project, **asked):
    page = client.get(address("manage-audit", project), asked).context["page"]
    return [row.event.action for row in page.events]


def test_the_log_is_read_newest_first_and_filtered_by_person_action_and_day(client, project, manager, person):
    other = person("Otto")
    audit.record("project_paused", actor=other, project=project, data={"reason": "Tea."})
    audit.record("project_resumed", actor=manager, project=project)
    audit.record("project_resumed", actor=manager, project=make_project("Another"))

    today = timezone.now().date()
    assert shown(client, project) == ["project_resumed", "project_paused", "project_created"]
    assert shown(client, project, person=str(other.public_id)) == ["project_paused"]
    assert shown(client, project, did="project_resumed") == ["project_resumed"]
    assert shown(client, project, did="nonsense", person="nobody") == shown(client, project)
    assert len(shown(client, project, since=today.isoformat(), until=today.isoformat())) == 3
    assert shown(client, project, until=(today - timedelta(days=1)).isoformat()) == []
    page = client.get(address("manage-audit", project)).content.decode()
    assert "Otto" in page and "Tea." in page and "project paused" in page


def make_project(name):
    return actions.create_project(name=name, creator=None)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "no day"])
def test_a_day_that_cannot_be_meant_is_left_out(client, project, day):
    assert len(shown(client, project, until=day, since=day)) == len(shown(client, project))


def test_a_change_reads_as_what_it_was_and_what_it_is(client, project):
    client.post(address("manage-settings", project), SETTINGS)

    page = client.get(address("manage-audit", project)).context["page"]

    details = dict(page.events[0].details)
    assert details["name"] == "Helpful answers → Poems"
    assert details["languages"] == "en → en, zh"
    assert details["overlap share"] == "0.0 → 0.15"


def test_the_log_goes_on_page_by_page_without_gaps(client, project):
    for n in range(60):
        audit.record("project_paused", actor=None, project=project, data={"reason": str(n)})
    seen, after = [], ""
    while True:
        page = client.get(address("manage-audit", project), {"after": after}).context["page"]
        seen += [row.event.pk for row in page.events]
        if page.after is None:
            break
        after = str(page.after)

    assert seen == list(AuditEvent.objects.order_by("-pk").values_list("pk", flat=True))


def test_the_log_as_csv(client, project, manager):
    audit.record("project_paused", actor=manager, project=project, data={"reason": "Tea."})

    answer = client.get(reverse("manage-csv", args=[project.public_id, "audit"]), {"did": "project_paused"})

    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert (row["email"], row["action"], row["data"]) == (
        "mia@example.org",
        "project_paused",
        '{"reason": "Tea."}',
    )
    assert User.objects.filter(email=row["email"]).exists()
