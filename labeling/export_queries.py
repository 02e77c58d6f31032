"""What the page of exports shows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from labeling.actions.exports import ARCHIVE, MANIFEST, folder_of
from labeling.models import Project, Transfer

MOST_LANGUAGES = 40


@dataclass(frozen=True)
class Download:
    """A file of an export, as it lies on disk and as it is called when it arrives."""

    name: str
    saved_as: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class ExportShown:
    transfer: Transfer
    filters: str
    # Judgments or prompts a second, and the seconds left; None while that cannot be told.
    rate: float | None
    seconds_left: float | None
    # The one file most people want first: the only data file, or all of them in one.
    main: Download | None
    others: tuple[Download, ...]

    @property
    def is_cancelling(self) -> bool:
        return self.transfer.cancel_requested_at is not None and not self.transfer.is_over


def exports_of(project: Project) -> QuerySet[Transfer]:
    return (
        Transfer.objects.filter(project=project, direction=Transfer.Direction.EXPORT)
        .select_related("created_by")
        .order_by("-pk")
    )


def shown(transfer: Transfer) -> ExportShown:
    downloads = downloads_of(transfer)
    main = downloads[-2] if len(downloads) > 1 else None  # the last is the manifest
    others = tuple(download for download in downloads if download is not main)
    rate, seconds_left = _pace(transfer)
    return ExportShown(transfer, filters_in_words(transfer.options), rate, seconds_left, main, others)


def downloads_of(transfer: Transfer) -> list[Download]:
    """Data files in the order of their splits, the archive if there is one, the manifest."""
    if not transfer.path:
        return []
    folder = folder_of(transfer)
    found = [
        Download(file["name"], _saved_as(folder, file["name"]), file["rows"], file["bytes"])
        for file in transfer.counts["files"]
    ]
    manifest = Download(MANIFEST, f"{folder}-{MANIFEST}", 0, 0)
    return [*found, manifest]


def path_of(transfer: Transfer, download: Download) -> Path:
    return Path(settings.ARTIFACTS_DIR) / transfer.path / download.name


def languages_of(project: Project) -> list[str]:
    """The languages that prompts of the project are in."""
    languages = project.prompts.order_by("language").values_list("language", flat=True).distinct()
    return list(languages[:MOST_LANGUAGES])


def rounds_of(project: Project) -> list[int]:
    return list(project.tasks.order_by("round").values_list("round", flat=True).distinct())


def _saved_as(folder: str, name: str) -> str:
    return f"{folder}.zip" if name == ARCHIVE else f"{folder}-{name}"


def _pace(transfer: Transfer) -> tuple[float | None, float | None]:
    """Both ends by the database's clock: the last heartbeat wrote what was done by then."""
    if transfer.status != Transfer.Status.RUNNING or not transfer.progress_done or not transfer.heartbeat_at:
        return None, None
    assert transfer.started_at is not None
    seconds = (transfer.heartbeat_at - transfer.started_at).total_seconds()
    if seconds <= 0:
        return None, None
    rate = transfer.progress_done / seconds
    return rate, max(0, (transfer.progress_total or 0) - transfer.progress_done) / rate


def filters_in_words(options: dict[str, Any]) -> str:
    """train, valid · person · round 2: short, for a row of the table."""
    parts = []
    for name, value in options.items():
        if isinstance(value, list):
            parts.append(", ".join(map(str, value)))
        elif value is True:
            parts.append(name.replace("_", " "))
        elif name in {"since", "until"}:
            parts.append(f"{name} {value[:16].replace('T', ' ')}")
        else:
            parts.append(f"{name} {value}")
    return " · ".join(parts)
