"""A detector of sounds with fixed answers, for tests and experiments."""

from __future__ import annotations

from collections.abc import Sequence

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo, Sound
from ressenti.pipeline.sounds.interface import Announcement, HeardSounds


class FakeSounds:
    """Returns fixed sounds and announcements for any audio."""

    models: tuple[ModelInfo, ...] = ()

    def __init__(self, sounds: Sequence[Sound] = (), announcements: Sequence[Announcement] = ()) -> None:
        self._heard = HeardSounds(tuple(sounds), tuple(announcements))

    def listen(self, audio: Audio, progress: Progress = ignore_progress) -> HeardSounds:
        """Return them."""
        progress("sounds", audio.duration_s, audio.duration_s)
        return self._heard
