"""One speaker per channel: speech activity in each channel, without bleed from the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from ressenti.pipeline.audio import Audio, frame_levels_db
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization import vad
from ressenti.pipeline.diarization.builtin import vad_info
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, Note, Segment

_FRAME_S = 0.1
_STILL_FRAMES = 5  # on each side: in a short pause of the other speaker, the sound is still bleed


class ChannelDiarizer:
    """Silero VAD on every channel; labels S1, S2, ... follow the channels. Overlap is kept."""

    def __init__(self, options: DiarizationOptions) -> None:
        self._options = options
        self.models = (vad_info(),)

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Find segments per channel. There is one speaker per channel; a different `count` only gives a note."""
        total = len(audio.samples)
        levels = np.stack([frame_levels_db(channel) for channel in audio.samples])
        segments: list[Segment] = []
        for index, channel in enumerate(audio.samples):

            def step(stage: str, completed: float, length: float | None, at: int = index) -> None:
                progress(stage, completed + at * (length or 0), (length or 0) * total)

            spans = vad.detect_speech(channel, self._options, step)
            others = np.delete(levels, index, axis=0).max(axis=0)
            label = f"S{index + 1}"
            segments += [Segment(s, e, label) for s, e in without_bleed(spans, levels[index], others)]
        notes = []
        if count.exactly is not None and count.exactly != total:
            notes.append(Note("channels_decided", {"asked": count.exactly, "channels": total}))
        return Diarization(
            segments=tuple(sorted(segments, key=lambda s: (s.start_s, s.speaker))),
            count="channels",
            count_confidence="high",
            models=self.models,
            hears_overlap=True,
            notes=tuple(notes),
        )


def without_bleed(
    spans: list[tuple[float, float]],
    own_db: npt.NDArray[np.float32],
    other_db: npt.NDArray[np.float32],
    bleed_db: float = 12.0,
    shortest_s: float = 0.2,
    still_db: float = 30.0,
) -> list[tuple[float, float]]:
    """Remove the stretches of spans in which the other channel is louder by `bleed_db` and bleeds in (pure).

    While the other channel is silent for some time (`still_db` below its loudest half second), it does not bleed,
    however soft this channel is. Levels are dBFS in frames of 0.1 s; single frames follow their neighbours. Remaining
    parts of a cut span that are shorter than `shortest_s` are dropped.
    """
    loudest = np.sort(other_db)[-min(5, len(other_db))]
    still = maximum_filter1d(other_db, 2 * _STILL_FRAMES + 1) < loudest - still_db
    audible = np.convolve((own_db - other_db > -bleed_db) | still, np.ones(3), "same") >= 2
    remaining: list[tuple[float, float]] = []
    for start, end in spans:
        first, last = int(start / _FRAME_S), min(len(audible), int(np.ceil(end / _FRAME_S)))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], audible[first:last], [False]]).astype(int))) + first
        pieces = [
            (max(start, begin * _FRAME_S), end if stop == last else min(end, stop * _FRAME_S))
            for begin, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        ]
        remaining += [piece for piece in pieces if piece[1] - piece[0] >= shortest_s or piece == (start, end)]
    return remaining
