"""Who is qualified for a project: by what they did, or by a manager's hand."""

from django.db import transaction
from django.db.models.functions import Now

from labeling.actions import audit
from labeling.known_queries import agreement_at_qualifying
from labeling.models import Project, Submission, Task, User


def settle_qualification(submission: Submission) -> None:
    """Whoever has done enough tasks of the qualification, and agrees enough with their answers, is qualified.

    A first revision counts, and no later one: nobody tries until it fits.
    """
    task, user = submission.assignment.task, submission.assignment.user
    if task.purpose != Task.Purpose.QUALIFY or submission.revision > 1:
        return
    project = task.project
    done, share = agreement_at_qualifying(user, project)
    if done >= project.qualification_tasks and share >= project.qualification_share:
        project.memberships.filter(user=user, qualified_at=None).update(qualified_at=Now())


@transaction.atomic
def qualify(*, project: Project, user: User, actor: User) -> None:
    """A manager's word that this person is qualified, whatever they did."""
    project.memberships.filter(user=user, qualified_at=None).update(qualified_at=Now(), qualified_by=actor)
    audit.record("qualified", actor=actor, project=project, subject=user, data={"person": str(user)})


@transaction.atomic
def lift_qualification(*, project: Project, user: User, actor: User) -> None:
    """This person has to qualify (again): with the next task of the qualification, or by a manager's word."""
    project.memberships.filter(user=user).update(qualified_at=None, qualified_by=None)
    data = {"person": str(user)}
    audit.record("qualification_lifted", actor=actor, project=project, subject=user, data=data)
