"""Saying of a submission whether it stands."""

from django.db import transaction
from django.utils.translation import gettext as _

from labeling import transitions
from labeling.actions.texts import check_storable
from labeling.errors import Conflict, DomainError
from labeling.models import Assignment, Review, Submission, User


@transaction.atomic
def review_submission(
    *, submission: Submission, reviewer: User, verdict: str, note: str = "", seen: str = ""
) -> Review:
    """Accept a submission, or return it to its author with a note that says what to change.

    The newest review of a revision counts, older ones stay. seen: public id of the newest review that the
    reviewer knew of, or empty. Refuses a return without a note and one's own submission; what its author
    has revised or somebody else has reviewed meanwhile is a Conflict. The same twice is the same as once.
    """
    if verdict not in Review.Verdict.values:
        raise DomainError("bad_review", _("Accept it or return it; nothing was sent."))
    check_storable("note", note)
    note = note.strip()
    if verdict == Review.Verdict.RETURNED and not note:
        message = _("Write what to change first: whoever gets it back reads it.")
        raise DomainError("no_note", message, {"note": message})
    assignment = Assignment.objects.select_for_update().get(pk=submission.assignment_id)
    if assignment.user_id == reviewer.pk:
        raise DomainError("own_submission", _("This is your own: somebody else reviews it."))
    if assignment.submissions.filter(revision__gt=submission.revision).exists():
        raise Conflict("revised", _("Its author has revised it meanwhile: look at the new revision."))
    newest = submission.reviews.select_related("reviewer").first()
    if newest is not None and str(newest.public_id) != seen:
        if (newest.reviewer_id, newest.verdict, newest.note) == (reviewer.pk, verdict, note):
            return newest
        message = _(
            "%s has reviewed it meanwhile. Look at what they said, and send yours again if it stands."
        )
        raise Conflict("reviewed", message % newest.reviewer)
    return transitions.add_review(submission, Review.Verdict(verdict), reviewer=reviewer, note=note)
