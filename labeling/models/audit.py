"""What managers and the system did to a project, in the order in which they did it."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project


class AuditEvent(PublicIdModel):
    """Written once, with what it tells of; the database refuses to change or delete it (migration 0015)."""

    project = models.ForeignKey(  # null: it concerns the account alone, or the whole site
        Project, on_delete=models.PROTECT, null=True, related_name="audit_events", db_index=False
    )
    actor = models.ForeignKey(  # null: the system itself, or a command
        User, on_delete=models.PROTECT, null=True, related_name="audit_events"
    )
    action = models.CharField(max_length=40)  # a key of labeling.actions.audit.ACTIONS
    object_type = models.CharField(max_length=40, blank=True)  # a model's name in lower case
    object_id = models.UUIDField(null=True)  # its public id
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)  # a short summary

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="audit_newest_first"),
            models.Index(fields=["project", "actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["project", "action", "-id"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return self.action
