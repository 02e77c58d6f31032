"""How long a text is in tokens of the project's model: by its tokenizer alone, without torch."""

import logging
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from tokenizers import Tokenizer

from labeling.models import Project

logger = logging.getLogger(__name__)

MOST_CHARACTERS = 100_000


def token_count(project: Project, text: str) -> int | None:
    """Tokens of the text alone, without those that begin and end a turn; None where nobody can count them."""
    if not project.tokenizer_path:
        return None
    path = Path(settings.ARTIFACTS_DIR) / project.tokenizer_path
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        _tell_once(str(path), str(error))
        return None
    tokenizer = _tokenizer(str(path), changed)
    return None if tokenizer is None else len(tokenizer.encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=4)
def _tokenizer(path: str, changed: int) -> Tokenizer | None:
    """Read once for each state of the file, be it broken."""
    try:
        return Tokenizer.from_file(path)
    except Exception as error:  # the library raises nothing more special
        _tell_once(path, str(error))
        return None


@lru_cache(maxsize=64)
def _tell_once(path: str, reason: str) -> None:
    logger.warning("No tokens are counted: %s cannot be read (%s).", path, reason)
