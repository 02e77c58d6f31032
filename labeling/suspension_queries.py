"""What can be asked of suspensions: who is kept out, and the history."""

from django.db.models import QuerySet

from labeling.models import Project, Suspension, User


def suspensions_in(project: Project) -> QuerySet[Suspension]:
    """All there ever were in the project, newest first."""
    return _with_people(project.suspensions.all())


def suspensions_of(user: User) -> QuerySet[Suspension]:
    """Of this person, in projects and of the account, newest first."""
    return _with_people(user.suspensions.all())


def suspended_in(project: Project) -> QuerySet[Suspension, int]:
    """Keys of the people who are kept out of the project now; closed accounts are told by themselves."""
    return project.suspensions.filter(lifted_at=None).order_by().values_list("user", flat=True)


def _with_people(suspensions: QuerySet[Suspension]) -> QuerySet[Suspension]:
    return suspensions.select_related("user", "project", "suspended_by", "lifted_by").order_by("-pk")
