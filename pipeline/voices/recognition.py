"""The voices of a recording's speakers, and their names by known voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import VoiceOptions
from ressenti.pipeline.models import campplus
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Segment, Speaker
from ressenti.pipeline.voices.hearing import HeardVoice, Spans, alone, hear
from ressenti.pipeline.voices.known import KnownVoice, known_voices
from ressenti.pipeline.voices.naming import name_speakers, usable


def asked_voices(options: VoiceOptions) -> tuple[KnownVoice, ...]:
    """The known voices that the options ask for; raises as `known_voices` and `usable` do."""
    return usable(known_voices(), campplus.info().sha256 or "") if options.use else ()


def hear_speakers(
    audio: Audio,
    channels: Mapping[str, int],
    segments: Sequence[Segment],
    labels: Sequence[str],
    silenced: Spans = (),
    progress: Progress = ignore_progress,
) -> dict[str, HeardVoice]:
    """The voices of these speakers in the sound that was analysed, where nobody else speaks.

    `channels` are the speakers' channels (from 1) where channels are parties; empty where one channel holds all.
    Whoever speaks too little is left out.
    """
    out = {}
    for done, label in enumerate(labels):
        heard = hear(audio, alone(segments, label, silenced), channels.get(label, 1) - 1)
        progress("known", done + 1, len(labels))
        if heard is not None:
            out[label] = heard
    return out


def recognised(
    speakers: Sequence[Speaker],
    audio: Audio,
    channels: Mapping[str, int],
    segments: Sequence[Segment],
    known: Sequence[KnownVoice],
    options: VoiceOptions,
    progress: Progress = ignore_progress,
) -> tuple[Speaker, ...]:
    """Speakers with names by known voices, as `name_speakers` gives them; those with a name are not heard."""
    unnamed = [speaker.label for speaker in speakers if not speaker.name]
    heard = hear_speakers(audio, channels, segments, unnamed, progress=progress)
    return name_speakers(speakers, heard, known, options.false_alarm)
