"""How programs come in: tokens, and the answers that retries get again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.people import User


class ApiToken(PublicIdModel):
    """A key for programs. Only its SHA-256 is kept; it is shown once, when it is made."""

    class Scope(models.TextChoices):
        READ = "read", _("read")
        LABEL = "label", _("claim and submit tasks")
        TRAIN = "train", _("take snapshots, run, promote")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12)  # enough to recognise it in a list
    scopes = ArrayField(models.CharField(max_length=16), default=list)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"


class IdempotentRequest(models.Model):
    """What a request with an Idempotency-Key was answered, so that a retry gets the same answer."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    # SHA-256 of method, path and body: the same key for another request is an error of the caller.
    fingerprint = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)  # null while the first one is being answered
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotent_request_unique")]
        indexes = [models.Index(fields=["created_at"], name="idempotent_request_age")]

    def __str__(self) -> str:
        return self.key
