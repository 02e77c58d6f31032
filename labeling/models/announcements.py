"""What managers and site admins tell people, and who has seen enough of it."""

import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from labeling.models.base import PublicIdModel
from labeling.models.people import Membership, User
from labeling.models.project import Project


class Announcement(PublicIdModel):
    """A notice to everybody in a project, or to one of its roles; of no project: to everybody here."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="announcements")
    role = models.CharField(max_length=16, choices=Membership.Role, blank=True)  # empty: everybody
    body = models.JSONField()  # language → Markdown
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)  # null: until somebody ends it
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(project__isnull=False) | Q(role=""), name="announcement_role_is_of_a_project"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("begins_at")),
                name="announcement_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"announcement {self.public_id}"

    @property
    def last_moment(self) -> datetime.datetime | None:
        """Of its last day, where it ends with a day; None: it has no end yet."""
        return self.ends_at and self.ends_at - datetime.timedelta(microseconds=1)

    @property
    def time_zone(self) -> str:
        """In which its days begin and end."""
        return self.project.time_zone if self.project else "UTC"


class AnnouncementDismissal(models.Model):
    """This person does not want to see it any more."""

    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="dismissals")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    dismissed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["announcement", "user"], name="announcement_dismissed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.announcement}"
