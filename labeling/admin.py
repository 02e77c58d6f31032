"""The admin, for site admins: accounts can be changed here, everything that is a record can only be read."""

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from config.read_only_admin import register_read_only
from labeling import models


class AccountAdmin(UserAdmin):
    """Accounts can be made, renamed, closed and given a password; nobody is deleted, for their work stays."""

    ordering = ("email",)
    list_display = ("email", "name", "kind", "is_active", "is_superuser", "last_login")
    list_filter = ("kind", "is_active", "is_superuser")
    search_fields = ("email", "name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "created_at", "public_id")
    actions = None
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "kind")}),
        (
            _("What they may do"),
            {"fields": ("is_active", "is_staff", "is_superuser", "password_is_temporary")},
        ),
        (_("Where they are"), {"fields": ("language", "time_zone")}),
        (_("Record"), {"fields": ("last_login", "created_at", "public_id")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.User]:
        return super().get_queryset(request).order_by("email")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def sign_in(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """By the site's own page, which slows down guessing; for others than site admins nothing is here."""
    if request.user.is_authenticated:
        raise Http404
    return redirect_to_login(request.GET.get("next", request.path))


admin.site.login = sign_in  # type: ignore[method-assign]
admin.site.site_header = _("Preceptor · site administration")
admin.site.site_title = "Preceptor"
admin.site.index_title = _("Accounts can be changed; everything else is a record, to be read")
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)  # an account's address is its login, and in the account itself
admin.site.unregister(UserSession)  # its key is what signs a browser in
admin.site.register(models.User, AccountAdmin)

register_read_only(models.Project, "paused_at", "created_at", hidden=("pseudonym_key",))
register_read_only(models.Membership, "role", filters=("role",))
register_read_only(models.Plan, "project", "finish_on", "created_at")
register_read_only(models.Pilot, "project", "kind", "created_at", "ended_at")
register_read_only(
    models.Invitation, "created_by", "expires_at", "uses_left", "revoked_at", hidden=("digest",)
)
register_read_only(models.InvitationAcceptance, "accepted_at")
register_read_only(models.Suspension, "sets_aside", "suspended_by", "created_at", "lifted_by", "lifted_at")
register_read_only(models.Pause, "project", "paused_by", "paused_at", "resumed_by", "resumed_at")
register_read_only(models.GuidelineVersion, "author", "created_at")
register_read_only(models.Prompt, "project", "category", "language", "split", filters=("split", "category"))
register_read_only(models.PromptDraft, "user", "project")
register_read_only(models.Completion, "origin", "created_at", filters=("origin",))
register_read_only(models.Task, "kind", "status", "created_at", filters=("kind", "purpose", "status"))
register_read_only(models.TaskSet, "project", "name", "group")
register_read_only(models.TaskCompletion, "task")
register_read_only(models.Assignment, "user", "status", "claimed_at", filters=("status",))
register_read_only(models.QueuePlace, "user", "project", "kind", "reached", "looked_at")
register_read_only(models.GuidelineAcknowledgement, "user", "version", "acknowledged_at")
register_read_only(models.TaskWish, "user", "project", "kind", "created_at", "told_at")
register_read_only(models.Thread, "assignment", "created_at", "closed_at")
register_read_only(models.ThreadMessage, "author", "kind", "created_at", filters=("kind",))
register_read_only(models.FaqEntry, "project", "language", "created_at", "retired_at")
register_read_only(models.Submission, "origin", "revision", "is_late", "created_at", filters=("origin",))
register_read_only(models.Review, "reviewer", "verdict", "created_at", filters=("verdict",))
register_read_only(models.WorkTime, "project", "user", "begun_at", "seconds")
register_read_only(models.Rate, "project", "user", "amount", "currency", "valid_from")
register_read_only(models.TimesheetPeriod, "project", "begin", "end", "closed_at")
register_read_only(models.TimesheetLine, "user", "period", "seconds", "amount", "currency")
register_read_only(models.Announcement, "project", "role", "begins_at", "ends_at")
register_read_only(models.AnnouncementDismissal, "announcement", "user", "dismissed_at")
register_read_only(models.RubricVersion, "project", "number", "created_at")
register_read_only(models.Answer, "question")
register_read_only(models.Ranking)
register_read_only(models.Demonstration)
register_read_only(
    models.Transfer, "project", "direction", "status", "created_at", filters=("direction", "status")
)
register_read_only(models.ApiToken, "user", "expires_at", "revoked_at", hidden=("digest",))
register_read_only(models.StageCount, "project", "language", "category", "kind", "status")
register_read_only(models.DailyWork, "project", "day", "user", "kind", "submissions", filters=("kind",))
register_read_only(models.AuditEvent, "project", "actor", "action", "created_at", filters=("action",))
register_read_only(models.BulkChange, "project", "actor", "action", "total", "created_at")
for history in (models.TaskStatusChange, models.AssignmentStatusChange, models.TransferStatusChange):
    register_read_only(history, "from_status", "to_status", "actor", "changed_at")
