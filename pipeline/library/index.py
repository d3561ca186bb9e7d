"""Which conversations the tables hold, and changes to them that wait to be committed together."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ressenti.pipeline.library.calls import fingerprint
from ressenti.pipeline.library.failures import Failure
from ressenti.pipeline.library.folder import Library
from ressenti.pipeline.library.parts import commit, read_results, read_snapshot
from ressenti.pipeline.library.rows import Rows, error_rows, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

MOST_WAITING = 256  # conversations, if they come fast
OFTEN_S = 30.0
SHARE = 20  # a commit waits for this many times what the last one took


@dataclass
class Index:
    """The tables of a library, changed by one writer, who holds the library's lock."""

    library: Library
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)  # part and fingerprint, by conversation
    _waiting: dict[str, Rows] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _errors: pa.Table | None = None
    _last: float = field(default_factory=time.monotonic)
    _took_s: float = 0.0

    def __post_init__(self) -> None:
        self._known = read_results(self.library, read_snapshot(self.library))

    @property
    def conversations(self) -> set[str]:
        """Ids of the conversations in the tables."""
        return set(self._known)

    def add(self, conversation: str, rows: Rows) -> None:
        """Put a conversation's rows into the tables, or in the place of those that are there."""
        self._waiting[conversation] = rows

    def refresh(self, conversation: str) -> bool:
        """Make a conversation's rows again unless they are up to date; whether that was necessary."""
        now = fingerprint(self.library, conversation)
        if now is None or self._known.get(conversation, ("", ""))[1] == now:
            return False
        self.add(conversation, rows_of(self.library, conversation))
        return True

    def remove(self, conversation: str) -> None:
        """Take a conversation's rows out of the tables."""
        self._waiting.pop(conversation, None)
        self._gone.add(conversation)

    def set_failures(self, failures: Iterable[Failure]) -> None:
        """Replace the table `errors`."""
        self._errors = error_rows(failures)

    def commit_if_due(self) -> None:
        """Commit when many conversations wait, or some for long; commits take at most a small share of the time."""
        waited_s = time.monotonic() - self._last
        due = len(self._waiting) >= MOST_WAITING or (self._waiting and waited_s >= OFTEN_S)
        if due and waited_s >= SHARE * self._took_s:
            self.commit()

    def commit(self) -> None:
        """Commit all that waits; raises the errors of `parts.commit`."""
        began = time.monotonic()
        if self._waiting or self._gone or self._errors is not None:
            drop: dict[str, set[str]] = {}
            for conversation in (*self._waiting, *self._gone):
                if conversation in self._known:
                    drop.setdefault(self._known[conversation][0], set()).add(conversation)
            snapshot = commit(self.library, list(self._waiting.values()), drop, self._errors)
            self._known = read_results(self.library, snapshot) if self._waiting or drop else self._known
            self._waiting, self._gone, self._errors = {}, set(), None
        self._last = time.monotonic()
        self._took_s = self._last - began
