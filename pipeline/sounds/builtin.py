"""The built-in detector of sounds: YAMNet says what is heard, rules say which voices are announcements."""

from __future__ import annotations

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import DiarizationOptions, SoundOptions
from ressenti.pipeline.diarization import vad
from ressenti.pipeline.models import campplus, yamnet
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo, Sound
from ressenti.pipeline.records.intervals import without
from ressenti.pipeline.sounds import announcements, events
from ressenti.pipeline.sounds.interface import Announcement, HeardSounds, Span
from ressenti.pipeline.sounds.silencing import silenced


class BuiltinSounds:
    """Finds music, tones, sounds of voices, and announcements next to music and tones."""

    def __init__(self, options: SoundOptions, hearing: DiarizationOptions | None = None) -> None:
        self._options = options
        self._hearing = hearing or DiarizationOptions()
        self.models: tuple[ModelInfo, ...] = (yamnet.info(),)

    def listen(self, audio: Audio, progress: Progress = ignore_progress) -> HeardSounds:
        """Find sounds and announcements on each channel."""
        if not self._options.detect:
            return HeardSounds()
        duration_s, count = audio.duration_s, len(audio.samples)
        sounds: list[Sound] = []
        talk: list[list[Span]] = []
        for k, samples in enumerate(audio.samples):
            before_s = k * duration_s

            def tell(patches: int, before_s: float = before_s) -> None:
                progress("sounds", min(before_s + patches * yamnet.STEP_S, count * duration_s), count * duration_s)

            heard = yamnet.probabilities(samples, tell)
            sounds += events.played_in(heard, duration_s, self._options, k + 1)
            sounds += events.vocal_in(heard, duration_s, self._options, k + 1)
            speaking = events.probability_of("speech", heard) >= 0.5
            talk.append([events.span_of(a, b, duration_s) for a, b in events.runs(speaking)])
        progress("sounds", count * duration_s, count * duration_s)
        found = HeardSounds(tuple(sorted(sounds, key=lambda s: (s.start_s, s.channel, s.kind))))
        proposed: list[Announcement] = []
        for k in range(count if self._options.announcements else 0):
            others = [span for other in range(count) if other != k for span in talk[other]]
            proposed += self._announced(audio, k + 1, found, others)
        return HeardSounds(found.sounds, tuple(sorted(proposed, key=lambda a: (a.start_s, a.channel))))

    def _announced(
        self, audio: Audio, channel: int, found: HeardSounds, others: list[Span]
    ) -> tuple[Announcement, ...]:
        played = found.no_talk(channel)
        if not played:
            return ()
        samples = audio.samples[channel - 1]
        with silenced(audio, {channel: played}):
            speech = without(vad.detect_speech(samples, self._hearing), played)
        return announcements.announced(samples, speech, played, others, self._options, channel)


def announcement_models() -> tuple[ModelInfo, ...]:
    """The models that tell voices of announcements apart from those of the talk."""
    return (campplus.info(),)
