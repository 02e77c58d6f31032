"""People at work on days of the past, for tests of hours."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from labeling import actions
from labeling.models import Review, Submission, WorkTime
from tests.making import make_demonstration_task

BEGIN, END = date(2026, 1, 1), date(2026, 1, 15)


def at(text, zone="UTC"):
    """2026-01-05 10:00 in a time zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def open_period(project, manager, begin=BEGIN, end=END):
    return actions.open_period(project=project, begin=begin, end=end, actor=manager)


def work(user, project, seconds, moment="2026-01-05 10:00"):
    WorkTime.objects.create(project=project, user=user, begun_at=at(moment), seconds=seconds)


def submit(user, project, moment="2026-01-05 10:00"):
    """Somebody's first revision of a task."""
    make_demonstration_task(project)
    assignment = actions.claim_task(user=user, project=project, kind="demonstrate")
    submission = actions.submit_demonstration(assignment=assignment, text="An answer.", idempotency_key="k")
    Submission.objects.filter(pk=submission.pk).update(created_at=at(moment))
    return submission


def review(submission, reviewer, verdict, moment="2026-01-06 10:00"):
    newest = submission.reviews.first()
    made = actions.review_submission(
        submission=submission,
        reviewer=reviewer,
        verdict=verdict,
        note="Look again." if verdict == "returned" else "",
        seen=str(newest.public_id) if newest else "",
    )
    Review.objects.filter(pk=made.pk).update(created_at=at(moment))
    return made


def set_rate(project, author, amount, *, user=None, currency="EUR", valid_from=BEGIN):
    return actions.set_rate(
        project=project,
        user=user,
        amount=Decimal(amount),
        currency=currency,
        valid_from=valid_from,
        author=author,
    )
