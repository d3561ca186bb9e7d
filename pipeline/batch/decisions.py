"""What there is to do for a recording, from its bytes, its results and earlier failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ressenti.pipeline import store
from ressenti.pipeline.audio import checked_sha256
from ressenti.pipeline.batch.sources import Source
from ressenti.pipeline.batch.tasks import Digests, Event, How, Recipe, Task
from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.library.calls import Call, read_call
from ressenti.pipeline.library.failures import Failure
from ressenti.pipeline.library.folder import Library, remove_asides
from ressenti.pipeline.library.storage import Hashes, mark_of
from ressenti.pipeline.library.tombstones import Tombstones
from ressenti.pipeline.store import Made
from ressenti.pipeline.store.disk_errors import in_words
from ressenti.pipeline.store.rename_journal import digest_of
from ressenti.pipeline.store.result_sets import entries
from ressenti.pipeline.version import PROGRAM

MOST_DEATHS = 2
_OF_THE_FILE = {*range(7, 15), 50}  # exit codes of errors that the same bytes give again
_WHY: Mapping[store.State, str] = {
    "other_program": "made by another version",
    "other_options": "made with other options",
    "other_source": "made from other bytes",
    "incomplete": "files are missing",
    "unknown": "no record of how they were made",
}


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Decider:
    """Decides for one recording after the other; of several with the same bytes, the first is worked on."""

    library: Library
    recipe: Recipe
    failures: Mapping[str, Failure]
    tombstones: Tombstones
    redo: bool = False
    again: bool = False
    hashes: Hashes | None = None
    _owners: dict[str, str] = field(default_factory=dict)  # path by conversation

    def decide(self, source: Source, sha256: str | None = None) -> Task | Event:
        """Work for a worker, or the event if there is none; raises the errors of reading and of unusable settings.

        A recording in storage whose `sha256` is not known is fetched first.
        """
        path = source.shown
        if deleted := self._deleted(source, self.tombstones.of_path(path)):
            return deleted
        if source.url and sha256 is None and self.hashes is not None:
            sha256 = self.hashes.of(source.url, source.mark or mark_of(source.url))
            if sha256 is None:
                call = Call(path, now(), "0" * 64, source.metadata)
                return Task(source, "", "", "fetch", call, Made("", PROGRAM, ""))
        sha256 = sha256 or checked_sha256(source.path)
        identity = f"c-{sha256[:16]}"
        owner = self._owners.setdefault(identity, path)
        if owner != path:
            return Event("skipped", source, identity, f"the same bytes as {owner}")
        digests = self.recipe.digests(source)
        if not self.redo and (failed := self._failed(source, path, sha256, digests)):
            return failed
        if deleted := self._deleted(source, self.tombstones.of(sha256), identity):
            return deleted
        return self._work(source, path, sha256, digests)

    def _deleted(self, source: Source, tombstone: str, identity: str | None = None) -> Event | None:
        """The event if a recording was deleted on purpose; `again` lifts that."""
        day = self.tombstones.day(tombstone)
        if day is None:
            return None
        if self.again:
            self.tombstones = self.tombstones.without(tombstone)
            self.tombstones.write()
            return None
        return Event("skipped", source, identity, f"deleted from the library on {day}; --again lifts this")

    def _failed(self, source: Source, path: str, sha256: str, digests: Digests) -> Event | None:
        """The event if the same bytes failed before in the same way, and would again."""
        before = self.failures.get(path)
        if before is None or (before.sha256, before.program, before.options) != (sha256, PROGRAM, digests.everything):
            return None
        if before.deaths < MOST_DEATHS and before.code not in _OF_THE_FILE:
            return None
        return Event("failed", source, before.conversation, before.message, before.code, error=before.error, known=True)

    def _work(self, source: Source, path: str, sha256: str, digests: Digests) -> Task | Event:
        identity = f"c-{sha256[:16]}"
        folder = self.library.folder_of(identity)
        made = Made(sha256, PROGRAM, digests.everything)
        store.recover(folder)
        remove_asides(folder)
        state = store.state_of(folder, identity, self.recipe.names(identity), lambda: made)
        call = self._call(identity)
        asked = Call(path, call.added if call else now(), digests.analysis, source.metadata)
        if call is not None and not source.metadata:
            asked = replace(asked, metadata=call.metadata)
        if state == "changed" and not self.redo:
            why = "results were changed since they were written; --redo replaces them"
            return Event("skipped", source, identity, why)
        if state == "complete" and call is not None and not self.redo:
            if asked.metadata == call.metadata:
                return Event("skipped", source, identity, "already done")
            return Task(source, sha256, str(folder), "render", replace(asked, path=call.path), made)
        how: How = "render" if not self.redo and self._is_analysed(identity, made, digests, call) else "analyse"
        return Task(source, sha256, str(folder), how, asked, made)

    def _call(self, identity: str) -> Call | None:
        try:
            return read_call(self.library, identity)
        except LibraryError:
            return None

    def _is_analysed(self, identity: str, made: Made, digests: Digests, call: Call | None) -> bool:
        """Whether the stored conversation is what an analysis would give, but for the language and sound of pages."""
        name = f"{identity}.json"
        path = self.library.folder_of(identity) / name
        entry = entries(path.parent, identity).get(name)
        if entry is None or call is None or call.analysis != digests.analysis:
            return False
        with in_words(path):
            unchanged = digest_of(path) == entry.sha256
        return unchanged and (entry.made.source, entry.made.program) == (made.source, made.program)
