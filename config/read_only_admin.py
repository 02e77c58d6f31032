"""Rows that the admin shows and nobody changes there: judgments, tasks, runs and all history."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin):
    """Changed by actions, or not at all. A list counts its rows once, and searches nothing."""

    show_full_result_count = False
    list_per_page = 50
    actions = None
    list_max_show_all = 0

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def register_read_only(
    model: type[Model], *columns: str, filters: tuple[str, ...] = (), hidden: tuple[str, ...] = ()
) -> None:
    """A read-only admin with these columns in its list."""
    names = [f.name for f in model._meta.get_fields() if f.concrete and not f.many_to_many]
    fields = [name for name in names if name not in hidden]
    relations = [f.name for f in model._meta.get_fields() if f.concrete and f.many_to_one]
    attributes = {
        "list_display": ("__str__", *columns),
        "list_filter": filters,
        "fields": fields,
        "list_select_related": tuple(relations),
        "ordering": ("-pk",),
    }
    admin.site.register(model, type(f"{model.__name__}Admin", (ReadOnlyAdmin,), attributes))
