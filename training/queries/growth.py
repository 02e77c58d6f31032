"""What has come into the record since a snapshot was taken."""

from django.db.models import Exists, OuterRef

from labeling.exports import people_set_aside
from labeling.models import Assignment, Project, Submission, Task
from training.models import Snapshot, SnapshotMember


def covering_snapshot(project: Project) -> Snapshot | None:
    """The newest ready one that holds the whole record: what training usually reads."""
    return (
        Snapshot.objects.filter(
            project=project, status=Snapshot.Status.READY, contents__contains=list(Snapshot.RECORD)
        )
        .order_by("-pk")
        .first()
    )


def is_outgrown(snapshot: Snapshot) -> bool:
    """Whether a judgment, in its newest revision, or a prompt is not in it, or one in it counts no more.

    What a reviewer has returned, or is set aside while its author is suspended, is in no snapshot, so it
    makes none old.
    """
    if snapshot.project.prompts.filter(created_at__gt=snapshot.created_at).exists():
        return True
    later = Submission.objects.filter(assignment=OuterRef("assignment"), revision__gt=OuterRef("revision"))
    returned = Submission.ReviewState.RETURNED
    if SnapshotMember.objects.filter(snapshot=snapshot, submission__review_state=returned).exists():
        return True
    aside = people_set_aside(snapshot.project)
    if SnapshotMember.objects.filter(snapshot=snapshot, submission__assignment__user__in=aside).exists():
        return True
    members = SnapshotMember.objects.filter(snapshot=snapshot, submission=OuterRef("pk"))
    return (
        Submission.objects.filter(
            assignment__task__project=snapshot.project_id,
            assignment__task__purpose=Task.Purpose.COLLECT,
            assignment__status=Assignment.Status.SUBMITTED,
        )
        .filter(~Exists(later), ~Exists(members))
        .exclude(review_state=returned)
        .exclude(assignment__user__in=aside)
        .exists()
    )
