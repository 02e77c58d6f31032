"""Writing notices, and who is shown which."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from labeling import actions, announcement_queries
from labeling.errors import DomainError
from labeling.models import Announcement, Membership

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()


@pytest.fixture
def announce(project, manager):
    def write(text="Hello.", **fields):
        wish = {"project": project, "body": {"en": text}, "first_day": TODAY, "last_day": None, "role": ""}
        return actions.announce(author=manager, **(wish | fields))

    return write


def read_by(user, language="en", **of):
    return [notice.text for notice in announcement_queries.notices_for(user, language, **of)]


def test_everybody_in_the_project_or_one_role_is_told(
    announce, project, annotator, manager, engineer, outsider
):
    announce("To all.")
    announce("To annotators.", role="annotator")

    assert read_by(annotator) == ["To annotators.", "To all."]
    assert read_by(engineer) == ["To all."]
    assert read_by(outsider) == []


def test_those_of_the_site_reach_everybody_on_every_project_s_page(announce, project, annotator, outsider):
    other = actions.create_project(name="Other", creator=None)
    announce("Maintenance.", project=None)
    announce("Of another.", project=other)
    Membership.objects.create(user=annotator, project=other, role="annotator")

    assert read_by(outsider) == ["Maintenance."]
    assert read_by(annotator, project=project) == ["Maintenance."]
    assert read_by(annotator) == ["Of another.", "Maintenance."]


def test_it_is_shown_from_its_first_day_to_its_last_by_the_project_s_calendar(announce, project, annotator):
    project.time_zone = "Asia/Shanghai"
    project.save()

    one = announce(first_day=date(2026, 1, 5), last_day=date(2026, 1, 6))

    assert (one.begins_at, one.ends_at) == (
        datetime(2026, 1, 4, 16, tzinfo=UTC),
        datetime(2026, 1, 6, 16, tzinfo=UTC),
    )
    assert read_by(annotator) == []
    now = timezone.now()
    for begins, ends, shown in ((-1, 1, True), (1, 2, False), (-2, -1, False), (-1, None, True)):
        ends_at = None if ends is None else now + timedelta(hours=ends)
        Announcement.objects.update(begins_at=now + timedelta(hours=begins), ends_at=ends_at)
        assert bool(read_by(annotator)) is shown


def test_each_reads_it_in_their_own_language_as_far_as_there_is_one(announce, annotator):
    announce(body={"en": "Hello.", "zh": "你好。", "de": " "})

    assert read_by(annotator, "zh-hans") == ["你好。"]
    assert read_by(annotator, "de") == ["Hello."]


def test_whoever_puts_it_away_sees_it_no_more_until_it_is_to_be_shown_again(
    announce, annotator, second_annotator
):
    one = announce()
    for _ in range(2):
        actions.dismiss_announcement(announcement=one, user=annotator)
    wish = {"body": {"en": "Hello!"}, "first_day": TODAY, "last_day": None}

    actions.change_announcement(announcement=one, actor=None, **wish)
    assert (read_by(annotator), read_by(second_annotator)) == ([], ["Hello!"])
    actions.change_announcement(announcement=one, actor=None, **wish, show_again=True)

    assert read_by(annotator) == ["Hello!"]


def test_it_can_be_ended_also_before_it_begins(announce, annotator):
    running, coming = announce(), announce(first_day=TODAY + timedelta(days=3))

    for one in (running, coming, running):
        actions.end_announcement(announcement=one, actor=None)

    running.refresh_from_db()
    coming.refresh_from_db()
    assert read_by(annotator) == []
    assert running.begins_at < running.ends_at <= timezone.now()
    assert coming.ends_at == coming.begins_at


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"body": {"en": " "}}, "says_nothing"),
        ({"body": {"en": "x" * 10_001}}, "too_long"),
        ({"body": {"en": "\x00"}}, "bad_character"),
        ({"role": "king"}, "unknown_role"),
        ({"project": None, "role": "annotator"}, "unknown_role"),
        ({"last_day": TODAY - timedelta(days=1)}, "bad_days"),
        ({"last_day": date(9999, 12, 31)}, "bad_day"),
    ],
)
def test_what_is_no_notice_is_refused(announce, fields, code):
    with pytest.raises(DomainError) as refusal:
        announce(**fields)

    assert refusal.value.code == code
    assert not Announcement.objects.exists()
