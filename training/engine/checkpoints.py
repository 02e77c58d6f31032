"""Checkpoints of a run: a directory is one when its manifest exists and its hashes agree."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.engine.distributed import ALONE, Processes
from training.engine.events import EventLog
from training.engine.files import new_directory, sha256_of, write_json
from training.engine.sharding import has_shards, join_shards, load_shards, part_shards, save_shards

_NAME = re.compile(r"step-(\d+)-attempt-(\d+)")
STATE_FILE = "state.pt"


@dataclass(frozen=True)
class Checkpoint:
    """State after `step` steps, and where it was found."""

    step: int
    path: Path
    state: dict[str, Any]


def save_checkpoint(
    root: Path, *, step: int, attempt: int, state: dict[str, Any], keep: int, processes: Processes = ALONE
) -> Path:
    """Write the state after `step` steps and drop all but the newest `keep` checkpoints.

    The first process writes what all have alike, each its part of what is sharded: all must call it.
    DiskFull when there is no room for it: then all older ones are still there.
    """
    path = root / f"step-{step:06d}-attempt-{attempt}"
    alike, shards = part_shards(state)
    beside = new_directory(path, size=bytes_of(state)) if processes.is_first else nullcontext()
    with beside as own:
        temporary = processes.first(own)
        assert temporary is not None
        if shards:
            save_shards(shards, temporary)
        if processes.is_first:
            torch.save(alike, temporary / STATE_FILE)
            hashes = {file.name: sha256_of(file) for file in sorted(temporary.iterdir())}
            write_json(temporary / "manifest.json", {"step": step, "attempt": attempt, "files": hashes})
    if processes.is_first:
        for old in _by_age(root)[keep:]:
            shutil.rmtree(old, ignore_errors=True)
    return path


def bytes_of(state: Any) -> int:
    """Bytes of all tensors in nested dictionaries and lists."""
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    entries = state.values() if isinstance(state, dict) else state if isinstance(state, list) else ()
    return sum(bytes_of(entry) for entry in entries)


def newest_checkpoint(root: Path, events: EventLog, processes: Processes = ALONE) -> Checkpoint | None:
    """The newest valid checkpoint; a half-written or corrupt one is skipped with a warning event.

    The first process chooses it for all. What was sharded may be shared by another number of processes now.
    """
    path = processes.first(_newest_valid(root, events) if processes.is_first else None)
    if path is None:
        return None
    state = torch.load(path / STATE_FILE, map_location="cpu", weights_only=True)
    if has_shards(path):
        state = join_shards(state, load_shards(path, processes))
    return Checkpoint(step=_step_of(path), path=path, state=state)


def newest_step(root: Path) -> int | None:
    """The steps that the newest valid checkpoint is after; None when there is none."""
    valid = (path for path in _by_age(root) if _problem_of(path) is None)
    return next((_step_of(path) for path in valid), None)


def _newest_valid(root: Path, events: EventLog) -> Path | None:
    for leftover in root.glob(".step-*.writing"):
        shutil.rmtree(leftover, ignore_errors=True)
    for path in _by_age(root):
        problem = _problem_of(path)
        if problem is None:
            return path
        events.message(f"checkpoint {path.name} is skipped: {problem}", level="warning")
    return None


def _by_age(root: Path) -> list[Path]:
    """Checkpoint directories, newest first: by step, then by attempt."""
    named = [(match, path) for path in root.glob("step-*") if (match := _NAME.fullmatch(path.name))]
    ordered = sorted(named, key=lambda pair: (int(pair[0][1]), int(pair[0][2])), reverse=True)
    return [path for _, path in ordered]


def _step_of(path: Path) -> int:
    return int(path.name.split("-")[1])


def _problem_of(path: Path) -> str | None:
    try:
        files = json.loads((path / "manifest.json").read_text())["files"]
        if STATE_FILE not in files:
            return f"its manifest does not name {STATE_FILE}"
        for name, digest in files.items():
            if sha256_of(path / name) != digest:
                return f"{name} does not match its hash"
    except FileNotFoundError as error:
        return f"{Path(str(error.filename)).name} is missing"
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AttributeError, TypeError):
        return "its manifest cannot be read"
    return None
