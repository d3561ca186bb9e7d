"""Several voices in one channel, as after a transfer or on a speakerphone; an angry voice is no second one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.builtin import BuiltinDiarizer, VoiceFeatures
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.own_speech import OwnSpeech, own_speech
from ressenti.pipeline.progress import Progress
from ressenti.pipeline.records import Diarization, Segment

_TENTH = 0.1
_DISTANCE = 0.55  # `cluster_distance` of embeddings as CAM++ makes them

Voices = tuple[tuple[Segment, ...], ...]
"""The segments of each voice of a channel, the main voice first; their speakers mean nothing yet."""


@dataclass(frozen=True)
class Further:
    """How many voices there may be beyond one per channel; without `most`, as many as are clearly heard."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class HeardChannel:
    """A channel's own speech: where it lies in the channel (`spans`, s), and, if it was listened to, what is heard."""

    spans: tuple[tuple[float, float], ...]
    own: OwnSpeech | None = None
    heard: VoiceFeatures | None = None


@dataclass(frozen=True)
class _Channel:
    """A channel and whose speech it is; without `found`, it is one voice."""

    of: HeardChannel
    found: Diarization | None = None

    @property
    def voices(self) -> int:
        return max(1, len(self.found.speakers)) if self.found else 1


class ChannelListener:
    """Listens to each channel's own speech with the built-in diarizer, and parts it among its voices."""

    def __init__(self, options: DiarizationOptions) -> None:
        self._options = options
        self._diarizer = BuiltinDiarizer(
            options.model_copy(
                update={
                    "same_speaker": options.channel_same_speaker,
                    "cluster_distance": _DISTANCE,
                    "apart_weight": 0.0,  # windows tell a voice apart from its own noise, too
                    "never_together": 0.0,
                    "least_spoken_s": options.channel_least_s,
                    "least_share": options.channel_least_share,
                }
            )
        )
        self.models = self._diarizer.models

    def hear(
        self, audio: Audio, spans: Sequence[Sequence[tuple[float, float]]], progress: Progress
    ) -> tuple[HeardChannel, ...]:
        """Hear each channel whose own speech, which lies in `spans` (s), is enough for two voices."""
        channels = []
        for index, own_spans in enumerate(spans):

            def step(stage: str, completed: float, length: float | None, at: int = index) -> None:
                progress(stage, at + completed / length if length else at, len(spans))

            own = own_speech(audio.samples[index], own_spans)
            enough = own.speech_s >= 2 * self._options.channel_least_s
            heard = _linked(self._diarizer.listen(own.samples, own.spans, step)) if enough else None
            channels.append(HeardChannel(tuple(own_spans), own, heard))
        return tuple(channels)

    def name(self, heard: Sequence[HeardChannel], further: Further) -> tuple[Voices, ...]:
        """The voices of each channel."""
        channels = self._within([self._counted(channel, further) for channel in heard], further)
        return tuple(_voices_of(channel, self._options) for channel in channels)

    def _counted(self, channel: HeardChannel, further: Further) -> _Channel:
        """The voices that are clearly apart, each with enough speech."""
        most = None if further.most is None else 1 + further.most
        while channel.heard is not None and channel.own is not None and most != 1:
            found = self._named(channel.heard, Count(at_most=most))
            if len(found.speakers) < 2 or self._are_people(found, channel.own.speech_s):
                return _Channel(channel, found)
            most = len(found.speakers) - 1
        return _Channel(channel)

    def _are_people(self, found: Diarization, speech_s: float) -> bool:
        """Whether each voice has enough speech, and one takes over from another: a mood comes and goes."""
        seconds, options = _seconds(found), self._options
        least_s = max(options.channel_least_s, options.channel_least_share * speech_s)
        return min(seconds.values()) >= least_s and all(
            alone_share(found.segments, label) >= options.channel_alone_share for label in seconds
        )

    def _within(self, channels: list[_Channel], further: Further) -> list[_Channel]:
        """Bring the number of further voices within its bounds: join those most alike, part those least alike."""
        while step := _missing(sum(channel.voices - 1 for channel in channels), further):
            tried = {
                k: replace(channel, found=self._named(channel.of.heard, Count(channel.voices + step)))
                for k, channel in enumerate(channels)
                if channel.of.heard is not None and channel.voices + step >= 1
            }
            able = [k for k, channel in tried.items() if channel.voices == channels[k].voices + step]
            if not able:
                break
            parted = tried if step > 0 else dict(enumerate(channels))
            chosen = min(able, key=lambda k: step * _likeness(parted[k]))
            channels = [tried[k] if k == chosen else channel for k, channel in enumerate(channels)]
        return channels

    def _named(self, heard: VoiceFeatures, count: Count) -> Diarization:
        return self._diarizer.name(heard, heard.spans[-1][1] + 1, count)  # the last frame may end after the speech


def alone_share(segments: Sequence[Segment], label: str) -> float:
    """A voice's share of all speech from the first to the last tenth of its own speech; segments in order of time."""
    own = np.cumsum([segment.duration_s * (segment.speaker == label) for segment in segments])
    first, last = np.searchsorted(own, [_TENTH * own[-1], (1 - _TENTH) * own[-1]]).tolist()
    inside = segments[first : last + 1]
    its_s = sum(segment.duration_s for segment in inside if segment.speaker == label)
    return float(its_s / sum(segment.duration_s for segment in inside))


def undivided(channel: HeardChannel) -> Voices:
    """A channel as one voice."""
    return (tuple(Segment(start, end, "") for start, end in channel.spans),)


def _linked(heard: VoiceFeatures) -> VoiceFeatures:
    """Only the pieces in which a voice is heard: noise that the speech detector takes for speech is nobody's.

    They are compared as CAM++ made them: `channel_same_speaker` was chosen so.
    """
    voiced = np.zeros(len(heard.pieces), dtype=bool)
    voiced[heard.links.piece] = True
    pieces = tuple(piece for piece, kept in zip(heard.pieces, voiced, strict=True) if kept)
    whole = heard.whole[voiced]
    return replace(heard, pieces=pieces, links=heard.links.only(voiced), embeddings=whole, whole=whole)


def _missing(beyond: int, further: Further) -> int:
    """1 if there are fewer further voices than there have to be, -1 if more than there may be, else 0."""
    if beyond < further.least:
        return 1
    return -1 if further.most is not None and beyond > further.most else 0


def _likeness(channel: _Channel) -> float:
    """Cosine of the two voices of a channel that are most alike."""
    voices = [np.array(vector) for _, vector in channel.found.embeddings] if channel.found else []
    return max((float(a @ b) for a, b in combinations(voices, 2)), default=1.0)


def _seconds(found: Diarization) -> dict[str, float]:
    """Seconds of speech of each voice."""
    out = dict.fromkeys(found.speakers, 0.0)
    for segment in found.segments:
        out[segment.speaker] += segment.duration_s
    return out


def _voices_of(channel: _Channel, options: DiarizationOptions) -> Voices:
    """The voices' segments in the channel, the one with most speech first."""
    if channel.found is None or channel.of.own is None or channel.voices < 2:
        return undivided(channel.of)
    seconds = _seconds(channel.found)
    parts: dict[str, list[Segment]] = {label: [] for label in sorted(seconds, key=lambda label: -seconds[label])}
    for segment in channel.found.segments:
        parts[segment.speaker] += [
            Segment(start, end, "", segment.confidence)
            for start, end in channel.of.own.in_channel(segment.start_s, segment.end_s)
            if end - start >= options.min_speech_s
        ]
    return tuple(tuple(own) for own in parts.values() if own)
