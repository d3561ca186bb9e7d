"""Delete everything of recordings from a library: results, pages, rows, failures, log lines, leftovers.

The tombstones are written first: if a deletion is interrupted, the next batch or `check` finishes it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ressenti.pipeline.errors import ConfigError, LibraryError, NotFoundError, OutputError
from ressenti.pipeline.library import logs
from ressenti.pipeline.library.calls import Call, read_call
from ressenti.pipeline.library.failures import Failure, read_failures, write_failures
from ressenti.pipeline.library.folder import PAGE, Library, remove_asides
from ressenti.pipeline.library.index import Index
from ressenti.pipeline.library.parts import FOLDER, sweep
from ressenti.pipeline.library.storage import read_hashes
from ressenti.pipeline.library.tombstones import Tombstones, read_tombstones
from ressenti.pipeline.store.disk_errors import in_words
from ressenti.pipeline.store.result_sets import entries

_SPAN = re.compile(r"(\d{1,5})\s*([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 31, "y": 366}


@dataclass(frozen=True)
class Forgotten:
    """What was deleted: how many conversations and failures, the recordings that still lie where they were, and logs
    that could not be cleaned.
    """  # noqa: D205

    conversations: int
    failures: int
    recordings: tuple[str, ...]
    log_lines: int
    logs_left: tuple[Path, ...]


@dataclass(frozen=True)
class _Known:
    """A recording that the library knows: its hash, path, date and names."""

    conversation: str
    sha256: str | None
    path: str | None
    call: str | None
    date: datetime | None
    analysed: bool

    @property
    def unread_path(self) -> str | None:
        """The path, if no bytes of the recording were ever read."""
        return None if self.sha256 or self.analysed else self.path


def days_of(text: str) -> timedelta:
    """A span such as 90d, 12w, 6m (of 31 days) or 2y (of 366); raises `ConfigError`."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigError(f"--older-than: got {text!r}; expected a span such as 90d, 12w, 6m or 2y.")
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


def forget(library: Library, ids: Iterable[str] = (), older_than: timedelta | None = None, rule: str = "") -> Forgotten:
    """Delete recordings by the ids of conversations or calls, or all from before a time.

    The time of a recording is its date, or when it came into the library. `rule` goes into the record of the deletion.
    The caller holds the library's lock. Raises `NotFoundError` if an id is not in the library.
    """
    known = _known(library)
    wanted = set(ids)
    chosen = [one for one in known if wanted & {one.conversation, one.call}]
    missing = wanted - {name for one in chosen for name in (one.conversation, one.call)}
    if missing:
        raise NotFoundError(
            f"{sorted(missing)[0]}: no recording with this id in {library.root}. Look for it with `ressenti find`."
        )
    if older_than is not None:
        before = datetime.now(UTC).replace(tzinfo=None) - older_than
        chosen += [one for one in known if one not in chosen and one.date is not None and one.date < before]
    return _forget(library, chosen, rule)


def finish(library: Library) -> int:
    """Finish deletions that were interrupted; return how many recordings were still there."""
    tombstones = read_tombstones(library)
    if not tombstones.unfinished:
        return 0
    left = [one for one in _known(library) if _is_deleted(one, tombstones)]
    _forget(library, left, None)
    tombstones.finished().write()
    return len(left)


def _is_deleted(one: _Known, tombstones: Tombstones) -> bool:
    if one.sha256:
        return tombstones.day(tombstones.of(one.sha256)) is not None
    return one.unread_path is not None and tombstones.day(tombstones.of_path(one.unread_path)) is not None


def _forget(library: Library, chosen: list[_Known], rule: str | None) -> Forgotten:
    if not chosen:
        return Forgotten(0, 0, (), 0, ())
    if rule is not None:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        read_tombstones(library).with_deletion(
            at,
            rule,
            {one.sha256 for one in chosen if one.sha256},
            {one.unread_path for one in chosen if one.unread_path},
        ).write()
    read_hashes(library).without({one.path for one in chosen if one.path}, {one.sha256 for one in chosen if one.sha256})
    with in_words(library.root):
        (library.root / PAGE).unlink(missing_ok=True)  # it names recordings
    gone = {one.conversation for one in chosen}
    paths = {one.path for one in chosen if one.path}
    index, failures = Index(library), read_failures(library)
    left = {path: one for path, one in failures.items() if path not in paths and (one.conversation or "") not in gone}
    write_failures(library, left)
    index.set_failures([left[path] for path in sorted(left)])
    for conversation in gone:
        index.remove(conversation)
        folder = library.folder_of(conversation)
        with in_words(folder):
            shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None
            with suppress(OSError):
                folder.parent.rmdir()
    index.commit()
    sweep(library, 0.0)
    for place in (library.root, library.root / FOLDER):
        remove_asides(place)
    lines, logs_left = _clean_logs(library, gone, paths)
    read_tombstones(library).finished().write()
    there = tuple(sorted(path for path in paths if Path(path).exists()))
    return Forgotten(sum(one.analysed for one in chosen), len(failures) - len(left), there, lines, logs_left)


def _clean_logs(library: Library, gone: set[str], paths: set[str]) -> tuple[int, tuple[Path, ...]]:
    def is_about(line: dict[str, Any]) -> bool:
        told = str(line.get("message") or "")
        return line.get("conversation") in gone or line.get("recording") in paths or any(p in told for p in paths)

    lines, left = 0, []
    for log in logs.logs_of(library):
        try:
            lines += logs.clean(log, is_about)
        except FileNotFoundError:
            continue
        except (OSError, OutputError):
            left.append(log)
    return lines, tuple(left)


def _known(library: Library) -> list[_Known]:
    """All recordings that the library knows, by their folders, rows and failures."""
    out = []
    folders = set(library.ids())
    for conversation in sorted(folders | Index(library).conversations):
        call = _call(library, conversation)
        made = entries(library.folder_of(conversation), conversation)
        source = next((entry.made.source for entry in made.values()), None)
        when = (call.metadata.date or call.added.rstrip("Z")) if call else None
        date = datetime.fromisoformat(when) if when else _age(library.folder_of(conversation))
        identity = call.metadata.call_id if call else None
        out.append(_Known(conversation, source, call.path if call else None, identity, date, analysed=True))
    analysed = {one.conversation for one in out}
    failures = read_failures(library).values()
    return [*out, *(_failed(failure) for failure in failures if failure.conversation not in analysed)]


def _failed(failure: Failure) -> _Known:
    date = datetime.fromisoformat(failure.metadata.date or failure.at.rstrip("Z"))
    conversation = failure.conversation or f"path {failure.path}"
    return _Known(conversation, failure.sha256, failure.path, failure.metadata.call_id, date, analysed=False)


def _call(library: Library, conversation: str) -> Call | None:
    try:
        return read_call(library, conversation)
    except LibraryError:
        return None


def _age(folder: Path) -> datetime | None:
    """When a folder without a sidecar last changed: a recording of unknown date is not kept forever."""
    try:
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC).replace(tzinfo=None)
    except OSError:
        return None
