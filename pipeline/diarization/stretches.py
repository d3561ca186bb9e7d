"""Stretches in which one voice speaks alone, cut from the windows and the speech detector (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from ressenti.pipeline.diarization.local_voices import FRAME_S, FRAMES, VOICES, Flags, Ints, LocalVoices, frame_at

_PAUSE_S = 0.25  # within a stretch
_BEYOND_S = 0.25  # a voice may reach so far beyond what the speech detector hears
_SAME = 0.5  # least share of common frames (intersection over union) that makes two windows' voices one
_ALONE = 0.7  # least share of a piece in which a window's voice has to speak alone to be the piece's
_NOBODY, _UNKNOWN = -1, -2


@dataclass(frozen=True)
class Stretch:
    """Frames first..last (exclusive) in which one person speaks alone."""

    first: int
    last: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return (self.last - self.first) * FRAME_S


@dataclass(frozen=True)
class Links:
    """Which pieces are speech of which windows' voices: pairs (m,) of a piece and window * 3 + voice.

    A piece that several windows cover has a link to a voice of each, if one voice speaks alone in most of it.
    """

    piece: Ints
    voice: Ints
    windows: int

    def only(self, pieces: Flags) -> Links:
        """The links of some of the pieces (n,), which are numbered anew."""
        kept = pieces[self.piece]
        return Links((np.cumsum(pieces) - 1)[self.piece[kept]], self.voice[kept], self.windows)


def links_of(voices: LocalVoices, pieces: Sequence[Stretch]) -> Links:
    """Link pieces with the windows' voices."""
    found = []
    for number, piece in enumerate(pieces):
        for window in voices.over(piece.first, piece.last):
            start = int(voices.starts[window])
            inside = voices.speaking[window, max(0, piece.first - start) : max(0, piece.last - start)]
            alone = (inside & (inside.sum(axis=1) == 1)[:, None]).sum(axis=0)
            voice = int(alone.argmax())
            if alone[voice] >= _ALONE * (piece.last - piece.first):
                found.append((number, window * VOICES + voice))
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Links(pairs[:, 0], pairs[:, 1], len(voices.starts))


def speech_frames(spans: Sequence[tuple[float, float]], frames: int, beyond_s: float = 0.0) -> Flags:
    """Which of the frames lie in spans (s) of speech, widened by `beyond_s` on each side."""
    out = np.zeros(frames, dtype=bool)
    for start, end in spans:
        out[frame_at(start - beyond_s) : frame_at(end + beyond_s)] = True
    return out


def audible(spans: Sequence[tuple[float, float]], frames: int) -> Flags:
    """Frames in which the windows' voices count: elsewhere, the speech detector hears music, noise or nothing."""
    return speech_frames(spans, frames, _BEYOND_S)


def stretches_of(voices: LocalVoices, spans: Sequence[tuple[float, float]]) -> list[Stretch]:
    """Stretches of one voice alone, in order: by the nearest window's voices where there are any, else by `spans`.

    `spans` (s) are what the speech detector hears. A stretch ends where another voice begins, also without a pause,
    and where two speak at once.
    """
    voice = _voice_alone(voices, spans)
    same = _links(voices)
    out: list[tuple[int, int, int]] = []
    for first, last, label in _runs(voice):
        if out and label >= 0 and out[-1][2] >= 0 and (first - out[-1][1]) * FRAME_S <= _PAUSE_S:
            begin, _, before = out[-1]
            if label == before or same.get(label) == before:
                out[-1] = (begin, last, label)
                continue
        out.append((first, last, label))
    return [Stretch(first, last) for first, last, _ in out]


def pieces_of(stretches: Sequence[Stretch], shortest_s: float, longest_s: float) -> list[Stretch]:
    """Cut stretches into equal pieces of at most `longest_s`; those shorter than `shortest_s` are left out."""
    out: list[Stretch] = []
    for stretch in stretches:
        if stretch.duration_s < shortest_s:
            continue
        count = int(np.ceil(stretch.duration_s / longest_s - 1e-9))
        edges = np.linspace(stretch.first, stretch.last, count + 1).round().astype(int).tolist()
        out += [Stretch(first, last) for first, last in pairwise(edges)]
    return out


def _voice_alone(voices: LocalVoices, spans: Sequence[tuple[float, float]]) -> Ints:
    """For each frame: window * 3 + voice that speaks alone, `_UNKNOWN` if only the speech detector hears, or none."""
    middles = voices.starts + FRAMES / 2
    lines = np.arange(voices.frames)
    window = np.searchsorted((middles[1:] + middles[:-1]) / 2, lines, side="right")
    speaking = voices.speaking[window, np.clip(lines - voices.starts[window], 0, FRAMES - 1)]
    many = speaking.sum(axis=1)
    out = np.where(many == 1, window * VOICES + speaking.argmax(axis=1), _NOBODY)
    out[~audible(spans, voices.frames)] = _NOBODY
    out[speech_frames(spans, voices.frames) & (many == 0)] = _UNKNOWN
    return out


def _links(voices: LocalVoices) -> dict[int, int]:
    """Which voice of the window before is the same, by what they share where both windows hear."""
    out: dict[int, int] = {}
    for window in range(1, len(voices.starts)):
        moved = int(voices.starts[window] - voices.starts[window - 1])
        if moved >= FRAMES:
            continue
        before = voices.speaking[window - 1, moved:].astype(np.int64)
        after = voices.speaking[window, : FRAMES - moved].astype(np.int64)
        both = before.T @ after
        either = before.sum(axis=0)[:, None] + after.sum(axis=0) - both
        for i, j in zip(*linear_sum_assignment(-both), strict=True):
            if both[i, j] >= _SAME * max(1, either[i, j]):
                out[window * VOICES + int(j)] = (window - 1) * VOICES + int(i)
    return out


def _runs(labels: Ints) -> Iterator[tuple[int, int, int]]:
    """Runs (first, last, label) of equal labels, without nobody's."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    for first, last in zip([0, *edges.tolist()], [*edges.tolist(), len(labels)], strict=True):
        if labels[first] != _NOBODY:
            yield first, last, int(labels[first])
