"""What is in a folder of a dataset: which files hold rows, and of which split.

Folders as they are on the Hugging Face Hub (`data/train-00000-of-00002.parquet`), and those that
`save_to_disk` writes (`train/data-00000-of-00001.arrow`). Whatever else lies in them (a card, descriptions,
caches) is passed over.
"""

import re
from pathlib import PurePosixPath

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".arrow": "arrow"}
TABLES = ("parquet", "arrow")
SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
SHARD = re.compile(r"(^|[-_.])\d{4,}(-of-\d+)?(-[0-9a-f]{16})?$")


def format_of(name: str) -> str:
    """What a file of this name holds; empty: no rows of a dataset."""
    path = PurePosixPath(name.replace("\\", "/"))
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    if is_hidden or path.name.startswith("cache-"):
        return ""
    return FORMATS.get(path.suffix.lower(), "")


def part_of(name: str) -> str:
    """The part of the dataset that a file belongs to: its path without the number of the shard."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = SHARD.sub("", path.stem)
    folder = path.parent.as_posix()
    if stem in {"", "data"} and folder != ".":
        return folder
    return str(path.parent / stem) if stem else path.stem


def split_in(part: str) -> str:
    """The split that the name of a part tells, in our words; empty: it does not."""
    words = re.split(r"[^a-z]+", part.casefold())
    return next((SPLITS[word] for word in reversed(words) if word in SPLITS), "")


def without_common_folder(names: list[str]) -> list[str]:
    """The names below the one folder that all of them are in, unless that tells their split."""
    paths = [PurePosixPath(name.replace("\\", "/")) for name in names]
    while len(common := {path.parent.parts[:1] for path in paths}) == 1 and (folder := common.pop()):
        if folder[0].casefold() in SPLITS:
            break
        paths = [PurePosixPath(*path.parts[1:]) for path in paths]
    return [path.as_posix() for path in paths]
