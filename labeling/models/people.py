"""People and what they may do in a project."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.topics import Topic


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(PublicIdModel, AbstractBaseUser, PermissionsMixin):
    class Kind(models.TextChoices):
        HUMAN = "human", _("person")
        SIMULATED = "simulated", _("simulated annotator")
        IMPORT = "import", _("author of imported texts")
        SERVICE = "service", _("service")

    kind = models.CharField(max_length=16, choices=Kind, default=Kind.HUMAN)
    email = models.EmailField(_("e-mail address"))
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # Made by a manager and shown once: whoever signs in with it chooses one of their own first.
    password_is_temporary = models.BooleanField(default=False)
    # Sensitive topics that this person has said yes to; tasks with any other are never handed to them.
    topics = ArrayField(models.CharField(max_length=16, choices=Topic), default=list, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(
                condition=models.Q(topics__contained_by=Topic.values), name="user_topics_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email


class Membership(models.Model):
    class Role(models.TextChoices):
        ANNOTATOR = "annotator", _("annotator")
        REVIEWER = "reviewer", _("reviewer")
        MANAGER = "manager", _("manager")
        ENGINEER = "engineer", _("engineer")

    class Group(models.TextChoices):
        """Whose rankings train a reward model; those of the others only measure it (InstructGPT, E.2)."""

        TRAINING = "training", _("training")
        HELD_OUT = "held_out", _("held out")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    group = models.CharField(max_length=16, choices=Group, default=Group.TRAINING)  # alike in all roles
    # In which they rank and write here, alike in all roles; empty: in every language.
    languages = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    # Since when they are qualified here, alike in all roles; by a manager's hand, or (null) what they did.
    qualified_at = models.DateTimeField(null=True)
    qualified_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project", "role"], name="membership_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.project} · {self.role}"
