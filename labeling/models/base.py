"""What every row that people see has in common."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class PublicIdModel(models.Model):
    """A row with a random public id: what leaves the system never tells order or number."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True


class StatusChange(models.Model):
    """The history of one row's status. A subclass adds `subject`; only `transitions` modules write it."""

    from_status = models.CharField(max_length=16)
    to_status = models.CharField(max_length=16)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )  # null: the system itself
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True
        ordering = ["id"]
