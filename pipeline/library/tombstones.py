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
    have the recording itself.
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

    def day_of(self, sha256: str) -> str | None:
        """The day on which a recording was deleted; None if it was not, or if that was lifted."""
        return self._days.get(self.of(sha256)) if self._days else None

    def with_deletion(self, at: str, rule: str, hashes: Iterable[str]) -> Tombstones:
        """The same with a further deletion."""
        added = {"at": at, "rule": rule, "tombstones": sorted(map(self.of, hashes)), "finished": 0}
        return Tombstones(self.library, [*self.deletions, added])

    @property
    def unfinished(self) -> bool:
        """Whether a deletion was interrupted."""
        return any(not deletion.get("finished") for deletion in self.deletions)

    def finished(self) -> Tombstones:
        """The same with all deletions finished."""
        return Tombstones(self.library, [{**one, "finished": 1} for one in self.deletions])

    def without(self, sha256: str) -> Tombstones:
        """The same without the tombstone of a recording; the dated record stays."""
        gone = self.of(sha256)
        kept = [{**one, "tombstones": [t for t in one["tombstones"] if t != gone]} for one in self.deletions]
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
