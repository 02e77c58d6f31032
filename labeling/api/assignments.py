"""An annotator's work: claim, keep, draft, submit, skip. As blind as the page."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import access, actions
from labeling.api.base import ApiView
from labeling.api.idempotency import answered_once, submission_key
from labeling.api.kept_serializers import kept, shown
from labeling.api.serializers import (
    AssignmentShown,
    Claim,
    DraftSent,
    DraftVersion,
    Lease,
    SubmissionAnswered,
    SubmissionMade,
    SubmissionSent,
)
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Submission, Task
from labeling.rubric_queries import rubric_shown
from labeling.rubrics.answers import Given, to_fields

log = logging.getLogger(__name__)


class AssignmentView(ApiView):
    tag = "assignments"
    scope = "label"


class Assignments(AssignmentView):
    @extend_schema(
        operation_id="claim_assignment", request=Claim, responses={200: AssignmentShown, 204: None}
    )
    @answered_once
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Claim the next task.

        What you have open comes first, then what you let expire, then the next free seat that fits you; 204
        when nothing waits for you, or you have reached the project's daily cap. The lease lasts 30
        minutes unless renewed. Refused (409) while the project or the whole site is paused (`paused`), and
        when you have as many tasks open as a person may (`too_many_open`).
        """
        project = access.project_for(request.user, project_id, roles=access.LABELERS)
        assignment = actions.claim_task(user=request.user, project=project, kind=self.sent(Claim)["kind"])
        return Response(status=204) if assignment is None else Response(shown(AssignmentShown, assignment))


class OneAssignment(AssignmentView):
    @extend_schema(operation_id="get_assignment", responses=AssignmentShown)
    def get(self, request: Request, assignment_id: uuid.UUID) -> Response:
        """One of your assignments."""
        return Response(shown(AssignmentShown, access.assignment_for(request.user, assignment_id)))


class Renewal(AssignmentView):
    @extend_schema(operation_id="renew_assignment", request=None, responses=Lease)
    @answered_once
    def post(self, request: Request, assignment_id: uuid.UUID) -> Response:
        """Keep the seat for another 30 minutes."""
        assignment = access.assignment_for(request.user, assignment_id)
        if not actions.renew_lease(assignment=assignment):
            raise Conflict(
                "lease_is_over", _("You do not hold this task any more. You can claim, or still submit it.")
            )
        assignment.refresh_from_db(fields=["lease_until"])
        return Response(shown(Lease, assignment))


class Draft(AssignmentView):
    @extend_schema(operation_id="save_draft", request=DraftSent, responses=DraftVersion)
    def put(self, request: Request, assignment_id: uuid.UUID) -> Response:
        """Keep what is not yet submitted, and the seat if nobody else has it by now; the page shows it too.

        `version` is the draft_version you started from: an older one is refused (409), so that it never
        replaces a newer.
        """
        assignment = access.assignment_for(request.user, assignment_id)
        sent = self.sent(DraftSent)
        actions.keep_working(assignment=assignment)
        places = {str(n): place or "" for n, place in enumerate(sent.get("places", ()), start=1)}
        draft = {"places": places, "text": sent.get("text", ""), "comment": sent.get("comment", "")}
        draft["answers"] = to_fields(_given(sent.get("answers", ())))
        version = actions.save_draft(assignment=assignment, draft=draft, version=sent["version"])
        return Response({"draft_version": version})


def _bring_next(view: Submissions, request: Request, answer: Response, assignment_id: uuid.UUID) -> None:
    """The submission stands by now, and does so whatever becomes of the claim."""
    if not kept(SubmissionSent).fields["next"].run_validation(request.data.get("next", False)):
        return
    answer.data["next"] = None
    try:
        # Of an answer that was kept, nothing was read; whoever sends it again may be kept out by now.
        done = (view.submitted or access.assignment_for(request.user, assignment_id)).task
        assignment = actions.claim_task(user=request.user, project=done.project, kind=done.kind)
        if assignment is not None:
            answer.data["next"] = shown(AssignmentShown, assignment)
    except (Conflict, Http404):
        pass
    except DatabaseError:
        log.exception("the task after %s was not claimed", assignment_id)


class Submissions(AssignmentView):
    submitted: Assignment | None = None

    @extend_schema(
        operation_id="submit_assignment", request=SubmissionSent, responses={201: SubmissionAnswered}
    )
    @partial(answered_once, then=_bring_next)
    def post(self, request: Request, assignment_id: uuid.UUID) -> Response:
        """Submit a ranking (`places`), why there can be none (`verdict`), or a demonstration (`text`).

        Again, it is a new revision. After the lease it is taken all the same, marked late. With `next` the
        answer brings the next task; whatever becomes of that, the submission is taken.
        """
        assignment = self.submitted = access.assignment_for(request.user, assignment_id)
        sent = self.sent(SubmissionSent)
        common = {
            "assignment": assignment,
            "idempotency_key": submission_key(request),
            "active_seconds": sent["active_seconds"],
            "comment": sent["comment"],
        }
        if assignment.task.kind == Task.Kind.DEMONSTRATE:
            submission = actions.submit_demonstration(
                text=sent["text"],
                assistance=sent["ai_assistance"],
                assistance_tool=sent["ai_tool"],
                **common,
            )
        else:
            submission = self._judged(sent, common)
        return Response(shown(SubmissionMade, submission), status=201)

    def _judged(self, sent: dict[str, Any], common: dict[str, Any]) -> Submission:
        asked = str(sent["rubric_version"] or "")
        rubric = rubric_shown(common["assignment"].task.project, asked) if asked else None
        if asked and (rubric is None or str(rubric.public_id) != asked):
            message = _("There is no such rubric in this project.")
            raise DomainError("bad_rubric_version", message, {"rubric_version": message})
        common |= {"answers": _given(sent["answers"]), "rubric_version": rubric}
        if sent["verdict"] != Submission.Verdict.RANKED:
            return actions.set_aside(verdict=sent["verdict"], **common)
        places = list(enumerate(sent["places"], start=1))
        return actions.submit_ranking(places=places, strength=sent["strength"], **common)


def _given(answers: Iterable[Mapping[str, Any]]) -> list[Given]:
    return [Given(answer["question"], answer["output"], answer["value"]) for answer in answers]


class Skip(AssignmentView):
    @extend_schema(operation_id="skip_assignment", request=None, responses={204: None})
    @answered_once
    def post(self, request: Request, assignment_id: uuid.UUID) -> Response:
        """Leave the task to others; you are not asked again."""
        actions.skip_task(assignment=access.assignment_for(request.user, assignment_id))
        return Response(status=204)
