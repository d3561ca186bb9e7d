"""Recordings of a batch, with what is known of them and how each is analysed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ressenti.pipeline.library.failures import shown_path
from ressenti.pipeline.library.metadata import Metadata


@dataclass(frozen=True)
class Settings:
    """What a manifest says about how one recording is analysed; None leaves it to the command."""

    speakers: int | None = None
    names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    language: str | None = None
    transcript: Path | None = None


@dataclass(frozen=True)
class Source:
    """A recording with what is known of it."""

    path: Path
    metadata: Metadata = field(default_factory=Metadata)
    settings: Settings = field(default_factory=Settings)
    url: str = ""  # of a recording in storage; then `path` is no path
    mark: str = ""  # of its version, if a listing told it

    @property
    def shown(self) -> str:
        """The path or address as it is stored and shown."""
        from ressenti.pipeline.library.storage import shown_url

        return shown_url(self.url) if self.url else shown_path(self.path)
