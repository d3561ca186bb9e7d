"""One party per channel: speech activity in each channel without bleed from the others, and the voices of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from ressenti.pipeline.audio import Audio, frame_levels_db
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization import vad
from ressenti.pipeline.diarization.builtin import vad_info
from ressenti.pipeline.diarization.channel_voices import ChannelListener, Further, HeardChannel, Voices, undivided
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, Note, Segment

_FRAME_S = 0.1
_STILL_FRAMES = 5  # on each side: in a short pause of the other speaker, the sound is still bleed
_ANY = Count()

Spans = list[tuple[float, float]]


class ChannelDiarizer:
    """Silero VAD on every channel; a channel is one speaker unless clearly several voices are heard in it.

    Labels S1, S2, ... are the channels' main voices: those with most speech. Further voices come after them, in order
    of first speech. Overlap is kept.
    """

    def __init__(self, options: DiarizationOptions) -> None:
        self._options = options
        self._listener = None if options.channel_voices == "one" else ChannelListener(options)
        self.models = self._listener.models if self._listener else (vad_info(),)

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Find segments per channel, and the further voices that `count` lets a channel have."""
        return self.name(self.hear(audio, progress, count), count)

    def hear(self, audio: Audio, progress: Progress = ignore_progress, count: Count = _ANY) -> tuple[HeardChannel, ...]:
        """The slow part of `diarize`: each channel's speech, and its voices if `count` lets a channel have several."""
        spans = self._speech(audio, progress)
        if self._listener is None or further_of(count, len(spans), self._options).most == 0:
            return tuple(HeardChannel(tuple(own)) for own in spans)
        return self._listener.hear(audio, spans, progress)

    def name(self, heard: Sequence[HeardChannel], count: Count) -> Diarization:
        """The quick part of `diarize`: who speaks in each channel."""
        total = len(heard)
        further = further_of(count, total, self._options)
        voices = self._listener.name(heard, further) if self._listener else tuple(map(undivided, heard))
        segments, channels = _labelled(voices)
        more = len(channels) - total
        given = count.exactly is not None and count.exactly > total and self._listener is not None
        return Diarization(
            segments=segments,
            count="given" if given else "estimated" if more else "channels",
            count_confidence="low" if more and not given and further.least else "high",
            models=self.models if any(channel.heard for channel in heard) else (vad_info(),),
            hears_overlap=True,
            notes=(*_notes_of_voices(voices), *_notes_of_count(count, total, more, given=given)),
            channels=channels,
        )

    def _speech(self, audio: Audio, progress: Progress) -> list[Spans]:
        """Spans (s) of each channel's own speech."""
        total = len(audio.samples)
        levels = np.stack([frame_levels_db(channel) for channel in audio.samples])
        found = []
        for index, channel in enumerate(audio.samples):

            def step(stage: str, completed: float, length: float | None, at: int = index) -> None:
                progress(stage, completed + at * (length or 0), (length or 0) * total)

            others = np.delete(levels, index, axis=0).max(axis=0)
            found.append(without_bleed(vad.detect_speech(channel, self._options, step), levels[index], others))
        return found


def further_of(count: Count, channels: int, options: DiarizationOptions) -> Further:
    """How many voices there may be beyond one per channel (pure).

    A number as large as that of the channels leaves none, unless `channel_voices` is `free`.
    """
    if options.channel_voices == "one":
        return Further(0, 0)
    if count.exactly is not None:
        beyond = max(0, count.exactly - channels)
        return Further() if options.channel_voices == "free" and not beyond else Further(beyond, beyond)
    most = None if count.at_most is None else max(0, count.at_most - channels)
    return Further(max(0, count.at_least - channels), most)


def without_bleed(
    spans: Spans,
    own_db: npt.NDArray[np.float32],
    other_db: npt.NDArray[np.float32],
    bleed_db: float = 12.0,
    shortest_s: float = 0.2,
    still_db: float = 30.0,
) -> Spans:
    """Remove the stretches of spans in which the other channel is louder by `bleed_db` and bleeds in (pure).

    While the other channel is silent for some time (`still_db` below its loudest half second), it does not bleed,
    however soft this channel is. Levels are dBFS in frames of 0.1 s; single frames follow their neighbours. Remaining
    parts of a cut span that are shorter than `shortest_s` are dropped.
    """
    loudest = np.sort(other_db)[-min(5, len(other_db))]
    still = maximum_filter1d(other_db, 2 * _STILL_FRAMES + 1) < loudest - still_db
    audible = np.convolve((own_db - other_db > -bleed_db) | still, np.ones(3), "same") >= 2
    remaining: Spans = []
    for start, end in spans:
        first, last = int(start / _FRAME_S), min(len(audible), int(np.ceil(end / _FRAME_S)))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], audible[first:last], [False]]).astype(int))) + first
        pieces = [
            (max(start, begin * _FRAME_S), end if stop == last else min(end, stop * _FRAME_S))
            for begin, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        ]
        remaining += [piece for piece in pieces if piece[1] - piece[0] >= shortest_s or piece == (start, end)]
    return remaining


def _labelled(voices: Sequence[Voices]) -> tuple[tuple[Segment, ...], tuple[tuple[str, int], ...]]:
    """Segments with labels, in order of time, and each label's channel (from 1)."""
    told = [(f"S{k}", k, own[0]) for k, own in enumerate(voices, 1)]
    later = [(voice, k) for k, own in enumerate(voices, 1) for voice in own[1:]]
    later.sort(key=lambda one: min(segment.start_s for segment in one[0]))
    told += [(f"S{k}", channel, voice) for k, (voice, channel) in enumerate(later, len(voices) + 1)]
    segments = [replace(segment, speaker=label) for label, _, voice in told for segment in voice]
    return (
        tuple(sorted(segments, key=lambda s: (s.start_s, s.speaker))),
        tuple((label, channel) for label, channel, _ in told),
    )


def _notes_of_voices(voices: Sequence[Voices]) -> list[Note]:
    return [
        Note("channel_voices", {"channel": channel, "voices": len(own)})
        for channel, own in enumerate(voices, 1)
        if len(own) > 1
    ]


def _notes_of_count(count: Count, channels: int, more: int, *, given: bool) -> list[Note]:
    """What became of the number that was asked for."""
    if count.exactly is None or count.exactly == channels + more:
        return []
    if given:
        return [Note("fewer_speakers", {"asked": count.exactly, "found": channels + more})]
    return [] if more else [Note("channels_decided", {"asked": count.exactly, "channels": channels})]
