"""The folder of a library: where everything lies, its mark, and the lock for those who write.

library.json                 marks the folder; holds the salt of tombstones
conversations/XX/ID/         results of one recording: ID.json, ID.report.html, ID.call.json (metadata), ...
tables/                      Parquet (`ressenti.pipeline.library.parts`)
failures.json, errors.csv    what could not be analysed, and why
index.html                   a page over all conversations (`ressenti.pipeline.library.overview`)
forgotten.json               deletions: dates and tombstones, no content
storage.json                 hashes of recordings in object storage (`ressenti.pipeline.library.storage`)
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ressenti.pipeline.errors import ClaimedError, LibraryError, NotFoundError
from ressenti.pipeline.files.paths import is_file, is_folder, is_there
from ressenti.pipeline.files.untrusted import RefusedError, parse_json, read_text
from ressenti.pipeline.store import locks, tidy, write_whole
from ressenti.pipeline.store.disk_errors import in_folder, in_words

MARK = "library.json"
PAGE = "index.html"  # over all conversations
FORMAT = "ressenti-library"
VERSION = 1
COPIES = ".copies"  # of recordings from storage, while workers read them
_LOCK = ".ressenti.library.lock"
_MOST_BYTES = 1 << 30
_EXPECTED = "Expected a folder that `ressenti batch SOURCE --out LIBRARY` wrote."


@dataclass(frozen=True)
class Library:
    """An existing library: its folder and the salt of its tombstones."""

    root: Path
    salt: str

    def folder_of(self, conversation: str) -> Path:
        """Folder of a conversation's results, by its id."""
        return self.root / "conversations" / conversation[2:4] / conversation

    def ids(self) -> Iterator[str]:
        """Ids of all conversations that have a folder, in order."""
        top = self.root / "conversations"
        for shelf in sorted(top.iterdir()) if is_folder(top) else ():
            for folder in sorted(shelf.iterdir()) if is_folder(shelf) else ():
                if folder.name.startswith("c-") and is_folder(folder):
                    yield folder.name

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the library's lock and repair what a killed run was placing; raises `ClaimedError`, `OutputError`."""
        with ExitStack() as stack:
            with in_words(self.root):
                taken = stack.enter_context(locks.held(self.root / _LOCK))
            if not taken:
                raise ClaimedError(
                    f"{self.root}: another run is writing to this library. Wait until it ends, or end it; what it has "
                    "done is kept."
                )
            tidy(self.root)
            if is_folder(self.root / COPIES):
                shutil.rmtree(self.root / COPIES, ignore_errors=True)
            for folder in (self.root, self.root / "tables"):
                remove_asides(folder)
            yield


def remove_asides(folder: Path) -> int:
    """Remove temporary files that killed runs left in a folder; return how many.

    Only for the holder of the library's lock: nobody else writes.
    """
    count = 0
    for path in folder.glob(".ressenti-*.partial"):
        with suppress(OSError):
            path.unlink()
            count += 1
    return count


def is_library(path: Path) -> bool:
    """Whether a folder is marked as a library."""
    return is_file(path / MARK)


def open_library(root: Path) -> Library:
    """Open an existing library; raises `NotFoundError`, or `LibraryError` if it is none."""
    if not is_there(root):
        raise NotFoundError(f"{root}: no such folder; expected a library. Check the name.")
    if not is_library(root):
        raise LibraryError(f"{root}: is not a library (it has no {MARK}). {_EXPECTED}")
    mark = read_json(root / MARK)
    if mark.get("format") != FORMAT or not isinstance(mark.get("salt"), str):
        raise LibraryError(f"{root / MARK}: does not mark a library. {_EXPECTED}")
    if mark.get("version") != VERSION:
        raise LibraryError(
            f"{root}: a library of version {mark.get('version')!r}; this program reads {VERSION}. Use the program that "
            "wrote it."
        )
    return Library(root, mark["salt"])


def make_library(root: Path) -> Library:
    """Open a library, or make one in a new or empty folder; raises `LibraryError` for any other folder."""
    if is_library(root):
        return open_library(root)
    if is_there(root) and not is_folder(root):
        raise LibraryError(f"{root}: is a file; expected a folder for the library. Choose another with --out.")
    with in_words(root):
        in_folder(root, lambda: None)
        others = [entry.name for entry in os.scandir(root) if not entry.name.startswith(".ressenti")]
    if others:
        raise LibraryError(
            f"{root}: is neither a library nor empty (it has {others[0]}). Choose a new folder with --out."
        )
    salt = secrets.token_hex(32)
    write_json({root / MARK: {"format": FORMAT, "version": VERSION, "salt": salt}})
    return Library(root, salt)


def read_json(path: Path) -> dict[str, Any]:
    """Read an object that this room wrote; raises `LibraryError` if it is damaged, `OSError` if it is absent."""
    try:
        data = parse_json(read_text(path, _MOST_BYTES))
    except RefusedError as exc:
        raise LibraryError(f"{path}: damaged ({exc}). Run `ressenti library check` to mend the library.") from exc
    if not isinstance(data, dict):
        raise LibraryError(f"{path}: damaged (no object). Run `ressenti library check` to mend the library.")
    return data


def write_json(files: dict[Path, object]) -> None:
    """Write objects as JSON files, all or none."""
    write_whole({path: json.dumps(data, indent=1, sort_keys=True) + "\n" for path, data in files.items()})
