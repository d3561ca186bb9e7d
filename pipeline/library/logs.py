"""Logs that batches wrote for a library: `logs.json` says where, so that deletions reach them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ressenti.pipeline.library.folder import Library, read_json, write_json
from ressenti.pipeline.store import write_whole

NAME = "logs.json"


def logs_of(library: Library) -> list[Path]:
    """Paths of all logs that were written."""
    try:
        found = read_json(library.root / NAME).get("logs", [])
    except FileNotFoundError:
        return []
    return [Path(name) for name in found if isinstance(name, str)]


def remember(library: Library, log: Path) -> None:
    """Note the path of a log."""
    path = os.path.abspath(log)  # noqa: PTH100  # without following links
    known = [str(one) for one in logs_of(library)]
    if path not in known:
        write_json({library.root / NAME: {"logs": sorted([*known, path])}})


def clean(log: Path, is_about: Callable[[dict[str, Any]], bool]) -> int:
    """Remove the lines of a log that are about something, and damaged ones if any was; return how many."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = []
    for line in lines:
        try:
            data = json.loads(line)
        except ValueError:
            data = None
        if isinstance(data, dict) and not is_about(data):
            kept.append(line)
    if len(kept) < len(lines):
        write_whole({log: "".join(kept)})
    return len(lines) - len(kept)
