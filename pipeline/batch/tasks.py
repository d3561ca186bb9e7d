"""What goes to a worker and comes back, and what a batch tells while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ressenti.pipeline.batch.sources import Source
from ressenti.pipeline.library.calls import Call
from ressenti.pipeline.store import Made

How = Literal["analyse", "render", "fetch"]


@dataclass(frozen=True)
class Digests:
    """SHA-256 of all that results depend on besides the recording and the program.

    `analysis` is without what only pages depend on: their language and their sound.
    """

    analysis: str
    everything: str


class Recipe(Protocol):
    """How recordings are analysed, as far as a batch asks for it."""

    def digests(self, source: Source) -> Digests:
        """Digests for a recording; raises `RessentiError` for settings that cannot be used."""

    def names(self, conversation: str) -> list[str]:
        """Names of a conversation's result files."""


@dataclass(frozen=True)
class Task:
    """One recording for a worker: its bytes' SHA-256, the folder for the results, and how they are made.

    With `render`, the stored conversation stands and only its pages and exports are written again. With `fetch`, a
    recording in storage is copied and hashed, and nothing else is known of it; `copy` is where that put it.
    """

    source: Source
    sha256: str
    folder: str
    how: How
    call: Call
    made: Made
    copy: str = ""

    @property
    def conversation(self) -> str:
        """The id of the conversation; before a recording is fetched, its address."""
        return f"c-{self.sha256[:16]}" if self.sha256 else self.source.shown


@dataclass(frozen=True)
class Done:
    """What a worker made: the rows of the tables by name (Arrow tables), the recording's length, and what to tell."""

    rows: Mapping[str, Any]
    duration_s: float
    told: str = ""


@dataclass(frozen=True)
class Fetched:
    """A copy of a recording from storage: where it is, its hash, and the mark of its version."""

    path: str
    sha256: str
    mark: str


@dataclass(frozen=True)
class Fault:
    """An error of one recording: its exit code, the name of its class, its message."""

    code: int
    error: str
    message: str


Result = Done | Fault | Fetched
Work = Callable[[Task], Result]


@dataclass(frozen=True)
class Event:
    """What happened to one recording; `message` says why it was skipped or failed, or what was done to it."""

    status: Literal["done", "skipped", "failed"]
    source: Source
    conversation: str | None = None
    message: str = ""
    code: int = 0
    error: str = ""
    seconds: float = 0.0
    duration_s: float = 0.0
    known: bool = False  # failed before with the same bytes and options, and not tried again
