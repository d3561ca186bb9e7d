"""Tombstones: recordings that were deleted on purpose are known again by a salted hash, so that they stay away."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.library.folder import Library, read_json, write_json

NAME = "forgotten.json"


@dataclass
class Tombstones:
    """Deletions of a library: each has the day, the rule that asked for it, and tombstones; nothing else.

    A tombstone is HMAC-SHA256 of the recording's SHA-256 under the library's salt: it tells nothing to those who do not
    have the recording itself. A recording whose bytes could never be read has one of its path.
    """

    library: Library
    deletions: list[dict[str, Any]] = field(default_factory=list)
    _days: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for deletion in self.deletions:
            for tombstone in deletion["tombstones"]:
                self._days[tombstone] = deletion["at"][:10]

    def of(self, sha256: str) -> str:
        """The tombstone of a recording."""
        return hmac.new(bytes.fromhex(self.library.salt), bytes.fromhex(sha256), "sha256").hexdigest()

    def of_path(self, path: str) -> str:
        """The tombstone of a recording whose bytes could never be read."""
        named = b"path " + path.encode("utf-8", "replace")
        return hmac.new(bytes.fromhex(self.library.salt), named, "sha256").hexdigest()

    def day(self, tombstone: str) -> str | None:
        """The day of a deletion; None if there was none, or if it was lifted."""
        return self._days.get(tombstone)

    def with_deletion(self, at: str, rule: str, hashes: Iterable[str], paths: Iterable[str] = ()) -> Tombstones:
        """The same with a further deletion, of recordings by their hashes, and by paths where no bytes were read."""
        tombstones = sorted([*map(self.of, hashes), *map(self.of_path, paths)])
        added = {"at": at, "rule": rule, "tombstones": tombstones, "finished": 0}
        return Tombstones(self.library, [*self.deletions, added])

    @property
    def unfinished(self) -> bool:
        """Whether a deletion was interrupted."""
        return any(not deletion.get("finished") for deletion in self.deletions)

    def finished(self) -> Tombstones:
        """The same with all deletions finished."""
        return Tombstones(self.library, [{**one, "finished": 1} for one in self.deletions])

    def without(self, tombstone: str) -> Tombstones:
        """The same without a tombstone; the dated record stays."""
        kept = [{**one, "tombstones": [t for t in one["tombstones"] if t != tombstone]} for one in self.deletions]
        return Tombstones(self.library, kept)

    def data(self) -> dict[str, object]:
        """As it is stored."""
        return {"deletions": self.deletions}

    def write(self) -> None:
        """Store them."""
        write_json({self.library.root / NAME: self.data()})


def read_tombstones(library: Library) -> Tombstones:
    """The library's tombstones; raises `LibraryError` if they are damaged: nothing may come back unseen."""
    path = library.root / NAME
    shape = TypeAdapter(list[dict[str, str | int | list[str]]])
    try:
        data = shape.validate_python(read_json(path).get("deletions"))
        return Tombstones(library, data)
    except FileNotFoundError:
        return Tombstones(library)
    except (ValidationError, KeyError, TypeError) as exc:
        raise LibraryError(f"{path}: damaged. Restore it from a backup, or move it away to allow all imports.") from exc
