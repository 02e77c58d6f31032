"""What managers change about many tasks at once, or about a person: who did it, and when."""

import json
import logging
from typing import Any

from labeling.models import Project, User

log = logging.getLogger("labeling.traces")


def leave_trace(what: str, *, project: Project, actor: User | None, **details: Any) -> None:
    """One line in the log, for what leaves no row of its own."""
    by = str(actor.public_id) if actor else "the system"
    said = {"project": str(project.public_id), "by": by, **details}
    log.info("%s %s", what, json.dumps(said, ensure_ascii=False))
