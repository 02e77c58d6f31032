"""What reviewers ask: what waits for them, one submission with all that belongs to it, which is next."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from labeling.differences import Piece, differences
from labeling.manager_queries import NOT_ANSWERED, Judgment, judgments_of, outputs_of
from labeling.models import (
    Assignment,
    Completion,
    Membership,
    Project,
    Review,
    Submission,
    User,
    output_letter,
)

PAGE = 50
MOST_COUNTED = 99  # a badge says 99+ for more

State = Submission.ReviewState

# Of each project what waits, by the index of review states; each counted no further than `most`.
WAITING = """
    SELECT project.id, waiting.n FROM unnest(%(projects)s::bigint[]) AS project (id) CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM (
            SELECT FROM labeling_submission AS submission
            JOIN labeling_assignment AS seat ON seat.id = submission.assignment_id
            WHERE submission.project_id = project.id AND submission.origin = 'person'
              AND submission.review_state = 'not_reviewed' AND seat.user_id <> %(reviewer)s
              AND NOT EXISTS (
                  SELECT FROM labeling_submission AS newer
                  WHERE newer.assignment_id = submission.assignment_id
                    AND newer.revision > submission.revision
              )
              AND NOT EXISTS (
                  SELECT FROM labeling_assignment AS own
                  WHERE own.task_id = seat.task_id AND own.user_id = %(reviewer)s
                    AND own.status = 'leased' AND own.lease_until > statement_timestamp()
              )
            LIMIT %(most)s
        ) AS found
    ) AS waiting
"""


@dataclass(frozen=True)
class ReviewFilter:
    """Which submissions the list shows; an empty field lets everything pass."""

    state: str = State.NOT_REVIEWED
    kind: str = ""
    person: User | None = None


@dataclass(frozen=True)
class SubmissionPage:
    submissions: list[Submission]
    after: uuid.UUID | None  # where the next page begins; None on the last


@dataclass(frozen=True)
class OutputJudged:
    """One output by its slot. letter: what its judge knows it as, whose reasons may name it so.

    former_place: in the revision that was reviewed last, where it is another.
    """

    number: int
    letter: str
    text: str
    is_sensitive: bool
    place: int | None
    former_place: int | None
    answers: list[tuple[str, str]]


@dataclass(frozen=True)
class Reviewed:
    """All that a reviewer sees of one submission."""

    submission: Submission
    outputs: list[OutputJudged]
    about_prompt: list[tuple[str, str]]
    others: list[Judgment]
    reviews: list[Review]
    # Of an answer that was reviewed before: the text of then and that of now, with what differs marked.
    rewritten: tuple[list[Piece], list[Piece]] | None

    @property
    def seen(self) -> str:
        """The newest review of this revision, so that nobody overrules one they have not read."""
        own = [review for review in self.reviews if review.submission_id == self.submission.pk]
        return str(own[0].public_id) if own else ""


def submissions_for(reviewer: User, project: Project) -> QuerySet[Submission]:
    """The newest revision of whatever somebody else submitted, but for tasks that the reviewer has open."""
    # A few at most, so they are fetched: the list keeps its index.
    opened = list(
        Assignment.objects.filter(
            user=reviewer, status=Assignment.Status.LEASED, lease_until__gt=Now()
        ).values_list("task", flat=True)
    )
    return (
        Submission.objects.filter(
            ~Exists(_newer_revisions()), project=project, origin=Submission.Origin.PERSON
        )
        .exclude(assignment__user=reviewer)
        .exclude(assignment__task__in=opened)
    )


def waiting_count(reviewer: User, project: Project) -> int:
    """How many wait for a review; counted no further than one over MOST_COUNTED."""
    return waiting_counts(reviewer, [project])[project.pk]


def waiting_counts(reviewer: User, projects: Collection[Project]) -> dict[int, int]:
    """Primary key of a project → as waiting_count, in one query for all of them."""
    if not projects:
        return {}
    asked: dict[str, Any] = {
        "projects": [project.pk for project in projects],
        "reviewer": reviewer.pk,
        "most": MOST_COUNTED + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(WAITING, asked)
        return dict(cursor.fetchall())


def page_of_submissions(
    reviewer: User, project: Project, asked: ReviewFilter, *, after: uuid.UUID | None
) -> SubmissionPage:
    """Newest first, a page by keyset."""
    found = _asked_for(reviewer, project, asked)
    if after is not None:
        start = project.submissions.filter(public_id=after).values_list("pk", flat=True).first()
        found = found.filter(pk__lt=start or 0)
    found = found.select_related("assignment__user", "assignment__task__prompt")
    rows = list(found.order_by("-pk")[: PAGE + 1])
    return SubmissionPage(rows[:PAGE], rows[PAGE - 1].public_id if len(rows) > PAGE else None)


def reviewed(submission: Submission, language: str) -> Reviewed:
    """The newest revision, what others made of the same task, and all revisions' reviews, newest first."""
    task = submission.assignment.task
    judgments = judgments_of(task, language)
    own = next(one for one in judgments if one.submission.assignment_id == submission.assignment_id)
    reviews = list(
        Review.objects.filter(submission__assignment=submission.assignment_id)
        .select_related("reviewer", "submission__ranking", "submission__demonstration__completion")
        .order_by("-pk")
    )
    revision = own.submission.revision
    former = next((one.submission for one in reviews if one.submission.revision < revision), None)
    return Reviewed(
        submission=own.submission,
        outputs=_outputs_judged(own, former, outputs_of(task)),
        about_prompt=[(name, values[0]) for name, values in own.answers if len(values) == 1],
        others=[judgment for judgment in judgments if judgment is not own],
        reviews=reviews,
        rewritten=_rewritten(former, own.submission),
    )


def newest_revision(submission: Submission) -> Submission:
    return submission.assignment.submissions.latest("revision")


def newer_one(reviewer: User, asked: ReviewFilter, submission: Submission) -> Submission | None:
    """The one before it in the list."""
    found = _asked_for(reviewer, submission.project, asked)
    return found.filter(pk__gt=submission.pk).order_by("pk").first()


def older_one(reviewer: User, asked: ReviewFilter, submission: Submission) -> Submission | None:
    """The one after it in the list."""
    found = _asked_for(reviewer, submission.project, asked)
    return found.filter(pk__lt=submission.pk).order_by("-pk").first()


def next_to_review(reviewer: User, asked: ReviewFilter, submission: Submission) -> Submission | None:
    """Where a reviewer goes on: down the list; in what waits, at its end, to its beginning again."""
    wanted = asked if asked.state else replace(asked, state=State.NOT_REVIEWED)
    older = older_one(reviewer, wanted, submission)
    if older or wanted.state != State.NOT_REVIEWED:
        return older
    return _asked_for(reviewer, submission.project, wanted).order_by("-pk").first()


def people_of(project: Project) -> QuerySet[User]:
    """Whose work may be asked for."""
    labelers = Membership.objects.filter(
        project=project,
        role__in=[Membership.Role.ANNOTATOR, Membership.Role.REVIEWER, Membership.Role.MANAGER],
    )
    return User.objects.filter(pk__in=labelers.values("user")).order_by("name", "email")


def _newer_revisions() -> QuerySet[Submission]:
    return Submission.objects.filter(assignment=OuterRef("assignment"), revision__gt=OuterRef("revision"))


def _asked_for(reviewer: User, project: Project, asked: ReviewFilter) -> QuerySet[Submission]:
    wanted = Q()
    if asked.state:
        wanted &= Q(review_state=asked.state)
    if asked.kind:
        wanted &= Q(assignment__task__kind=asked.kind)
    if asked.person:
        wanted &= Q(assignment__user=asked.person)
    return submissions_for(reviewer, project).filter(wanted)


def _rewritten(former: Submission | None, now: Submission) -> tuple[list[Piece], list[Piece]] | None:
    if former is None or now.verdict != Submission.Verdict.WRITTEN:
        return None
    return differences(former.demonstration.completion.text, now.demonstration.completion.text)


def _outputs_judged(
    judgment: Judgment, former: Submission | None, outputs: list[Completion]
) -> list[OutputJudged]:
    order = judgment.submission.assignment.display_order
    of_outputs = [(name, values) for name, values in judgment.answers if len(values) == len(outputs)]
    nowhere: list[int | None] = [None] * len(outputs)
    was_ranked = former and former.verdict == Submission.Verdict.RANKED
    before = former.ranking.places if former and was_ranked else nowhere
    places = zip(outputs, judgment.places or nowhere, before, strict=True)
    return [
        OutputJudged(
            number=slot,
            letter=output_letter(order.index(slot) + 1),
            text=output.text,
            is_sensitive=output.is_sensitive,
            place=place,
            former_place=was if was != place else None,
            answers=[
                (name, values[slot - 1]) for name, values in of_outputs if values[slot - 1] != NOT_ANSWERED
            ],
        )
        for slot, (output, place, was) in enumerate(places, start=1)
    ]
