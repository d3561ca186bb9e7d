"""Recordings that arrive while a batch watches: those that nobody is writing any more, each once.

Folders are looked through again and again: a network share tells nobody what others drop into it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ressenti.pipeline.batch.sources import Source

State = tuple[int, int]  # size and time of the last change (ns)


@dataclass
class Arrivals:
    """Notices recordings whose size and time stayed the same for `settle_s` seconds."""

    settle_s: float
    _seen: dict[Path, tuple[State, float]] = field(default_factory=dict)  # and since when
    _taken: dict[Path, State] = field(default_factory=dict)

    def ready(self, sources: Iterable[Source], at_s: float) -> list[Source]:
        """Those of the sources that are finished and were not given out in this state before; `at_s` is the time."""
        out = []
        for source in sources:
            state = _state(source.path)
            if state is None:
                continue
            before = self._seen.get(source.path)
            if before is None or before[0] != state:
                self._seen[source.path] = before = (state, at_s)
            if at_s - before[1] >= self.settle_s and self._taken.get(source.path) != state:
                self._taken[source.path] = state
                out.append(source)
        return out

    def again(self, source: Source) -> None:
        """Give a source out again later, as it was still being written after all."""
        self._taken.pop(source.path, None)
        self._seen.pop(source.path, None)


def _state(path: Path) -> State | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns
