"""The results of one recording as a set: what they were made of, whether all are there, and who is working on them.

A hidden manifest beside them, `.NAME.ressenti`, is placed last. It has an entry for each file: its size and
SHA-256, and what it was made of. A set is complete where the manifest is there and every file is as it says.
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
from ressenti.pipeline.store.faults import in_folder, in_words
from ressenti.pipeline.store.files import write_whole
from ressenti.pipeline.store.journal import digest_of

MANIFEST = ".ressenti"  # no .json: nothing that looks for conversations finds it
_CLAIM = ".ressenti.claim"
_LONGEST_NAME = 255  # bytes
_LONGEST = 4 << 20  # bytes of a manifest

State = Literal[
    "absent", "complete", "incomplete", "other_source", "other_program", "other_options", "changed", "unknown"
]
"""Of the wanted files: none is there; all are, as they would be made again; some are, and the rest is gone.

Or one that is there was made of something else, was changed since, or is of unknown making.
"""


@dataclass(frozen=True)
class Made:
    """What a result was made of: SHA-256 of the source, the program's version, SHA-256 of all options."""

    source: str
    program: str
    options: str


@dataclass(frozen=True)
class Entry:
    """A file as it was written."""

    size: int
    sha256: str
    made: Made


@dataclass(frozen=True)
class _Manifest:
    ressenti: Literal[1]
    files: dict[str, Entry]


def hidden(folder: Path, stem: str, ending: str) -> Path:
    """A hidden file that belongs to the results of a name, however long that is."""
    name = f".{stem}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(stem)).hexdigest()}{ending}"
    return folder / name


def write_set(folder: Path, stem: str, files: Mapping[str, str | bytes], made: Made) -> None:
    """Write results by file name, and last their manifest, all or none; other results of the name keep their entries.

    Raises what `write_whole` does.
    """
    raw = {name: text.encode("utf-8") if isinstance(text, str) else text for name, text in files.items()}
    fresh = {name: Entry(len(data), hashlib.sha256(data).hexdigest(), made) for name, data in raw.items()}

    def manifest() -> dict[Path, str]:
        kept = {name: entry for name, entry in entries(folder, stem).items() if os.path.lexists(folder / name)}
        data = asdict(_Manifest(1, dict(sorted((kept | fresh).items()))))
        return {hidden(folder, stem, MANIFEST): json.dumps(data, indent=1) + "\n"}

    write_whole({folder / name: data for name, data in raw.items()}, manifest)


def entries(folder: Path, stem: str) -> dict[str, Entry]:
    """What the manifest says of the results of a name, by file name; nothing where there is none that can be read."""
    try:
        with hidden(folder, stem, MANIFEST).open("rb") as file:
            return TypeAdapter(_Manifest).validate_python(json.loads(file.read(_LONGEST))).files
    except (OSError, ValueError, RecursionError):
        return {}


def state_of(folder: Path, stem: str, names: Sequence[str], made: Callable[[], Made]) -> State:
    """How the wanted results of a name stand, against what they would be made of now.

    `made` is asked only where all that is there is as it was written. Raises `OutputError` where a name cannot be one,
    and what `made` raises.
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
    """Work on the results of a name alone; `ClaimedError` where another run does, and `OutputError`.

    A claim ends with the run that has it, also where that is killed. A folder made for it is removed if it stays empty.
    """
    made = [part for part in (folder, *folder.parents) if not os.path.lexists(part)]
    path = hidden(folder, stem, _CLAIM)
    try:
        with ExitStack() as stack:
            with in_words(folder):
                alone = in_folder(folder, lambda: stack.enter_context(locks.held(path)))
            if not alone:
                raise ClaimedError(
                    f"{folder / stem}: another run is working on it. Let it finish; or end it, and start again."
                )
            yield
    finally:
        for part in made:
            with suppress(OSError):
                part.rmdir()
