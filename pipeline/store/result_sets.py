"""Results of one recording as a set: their sources, whether they are complete, and which run is working on them.

A hidden manifest in the same folder, `.NAME.ressenti`, is placed last. It lists each file's size, SHA-256 and sources.
A set is complete if the manifest exists and every file matches it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from ressenti.pipeline.errors import ClaimedError
from ressenti.pipeline.store import locks
from ressenti.pipeline.store.disk_errors import in_folder, in_words
from ressenti.pipeline.store.files import write_whole
from ressenti.pipeline.store.rename_journal import digest_of

MANIFEST = ".ressenti"  # no .json, so that searches for conversations skip it
_CLAIM = ".ressenti.claim"
_LONGEST_NAME = 255  # bytes
_LONGEST = 4 << 20  # bytes of a manifest

State = Literal[
    "absent", "complete", "incomplete", "other_source", "other_program", "other_options", "changed", "unknown"
]
"""State of the wanted files: none exists; all exist and are up to date; some do and the rest is missing.

Or a file was made from another source, by another version or with other options, was changed since, or is not listed.
"""


@dataclass(frozen=True)
class Made:
    """What a result was made from: SHA-256 of the source, the program's version, SHA-256 of all options."""

    source: str
    program: str
    options: str


@dataclass(frozen=True)
class Entry:
    """A written file in the manifest."""

    size: int
    sha256: str
    made: Made


@dataclass(frozen=True)
class _Manifest:
    ressenti: Literal[1]
    files: dict[str, Entry]


def hidden(folder: Path, stem: str, ending: str) -> Path:
    """Path of a hidden file for the results called `stem`; long names are hashed."""
    name = f".{stem}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(stem)).hexdigest()}{ending}"
    return folder / name


def write_set(folder: Path, stem: str, files: Mapping[str, str | bytes], made: Made) -> None:
    """Write results by file name and then their manifest, all or none; entries of other existing results are kept.

    Raises the errors of `write_whole`.
    """
    raw = {name: text.encode("utf-8") if isinstance(text, str) else text for name, text in files.items()}
    fresh = {name: Entry(len(data), hashlib.sha256(data).hexdigest(), made) for name, data in raw.items()}

    def manifest() -> dict[Path, str]:
        others = {name: entry for name, entry in entries(folder, stem).items() if os.path.lexists(folder / name)}
        data = asdict(_Manifest(1, dict(sorted((others | fresh).items()))))
        return {hidden(folder, stem, MANIFEST): json.dumps(data, indent=1) + "\n"}

    write_whole({folder / name: data for name, data in raw.items()}, manifest)


def entries(folder: Path, stem: str) -> dict[str, Entry]:
    """Manifest entries for the results called `stem`, by file name; empty without a readable manifest."""
    try:
        with hidden(folder, stem, MANIFEST).open("rb") as file:
            return TypeAdapter(_Manifest).validate_python(json.loads(file.read(_LONGEST))).files
    except (OSError, ValueError, RecursionError):
        return {}


def state_of(folder: Path, stem: str, names: Sequence[str], made: Callable[[], Made]) -> State:
    """State of the wanted results called `stem`, compared with what they would be made from now.

    `made` is called only if all existing files are unchanged. Raises `OutputError` for an invalid file name, and what
    `made` raises.
    """
    found: dict[str, str] = {}
    for name in names:
        with in_words(folder / name):
            digest = digest_of(folder / name)
        if digest is not None:
            found[name] = digest
    if not found:
        return "absent"
    known = entries(folder, stem)
    if not found.keys() <= known.keys():
        return "unknown"
    if any(known[name].sha256 != digest for name, digest in found.items()):
        return "changed"
    now = made()
    for what, state in _OTHERS:
        if any(getattr(known[name].made, what) != getattr(now, what) for name in found):
            return state
    return "complete" if len(found) == len(names) else "incomplete"


_OTHERS: tuple[tuple[str, State], ...] = (
    ("source", "other_source"),
    ("program", "other_program"),
    ("options", "other_options"),
)


@contextmanager
def claim(folder: Path, stem: str) -> Iterator[None]:
    """Claim the results called `stem` for this run; raises `ClaimedError` if another run has them, and `OutputError`.

    A claim ends with its run, even if that is killed. A folder created for it is removed if it stays empty.
    """
    made = [part for part in (folder, *folder.parents) if not os.path.lexists(part)]
    path = hidden(folder, stem, _CLAIM)
    try:
        with ExitStack() as stack:
            with in_words(folder):
                alone = in_folder(folder, lambda: stack.enter_context(locks.held(path)))
            if not alone:
                raise ClaimedError(
                    f"{folder / stem}: another run is working on it. Wait until it finishes, or end it and start again."
                )
            yield
    finally:
        for part in made:
            with suppress(OSError):
                part.rmdir()
