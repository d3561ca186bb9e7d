"""Voices that are played and not spoken: announcements, found by rules.

A voice is proposed as an announcement where

- it is near music, tones or the start of the recording, so that no talk has begun or it is held up,
- the same voice is heard nowhere in the talk of its channel: it never answers,
- nobody answers it: no other voice speaks between its parts, on this channel or on another.

The talk is everything but islands of one voice between music, tones and the ends of the recording. A recording without
music and tones has no announcements: the first voice of a call may be anybody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import SoundOptions
from ressenti.pipeline.models import campplus
from ressenti.pipeline.records import union_s
from ressenti.pipeline.sounds.interface import Announcement, Span

_PIECE_S = 2.0  # of speech that gets an embedding
_SHORTEST_PIECE_S = 0.6
_MOST_TALK = 60  # pieces of the talk that are compared, evenly spread
_MOST_ISLAND = 30  # pieces of an island that may be an announcement
_ALIKE, _MOSTLY = 0.3, 0.8  # an island has one voice where this share of pairs of its pieces is that alike (cosine)
_LEAST_TALK_S = 6.0  # of talk, without which nothing can be told
_LONGEST_ISLAND_S = 120.0
_PAUSE_S = 2.5  # of an island, at most; after a longer one another begins
_EXCHANGE = 0.2  # share of an island in which the other channel may speak
_STRICTER = 0.15  # likeness of an announcement that runs into the talk is lower: a mood moves a voice, too
_LONGEST_OPEN_S = 30.0  # announcement that runs into the talk without a sound between


@dataclass(frozen=True)
class _Island:
    """Speech between pauses, and whether music, a tone or an end of the recording is near its start and its end."""

    spans: tuple[Span, ...]
    opens: bool
    closes: bool

    @property
    def start_s(self) -> float:
        return self.spans[0][0]

    @property
    def end_s(self) -> float:
        return self.spans[-1][1]

    @property
    def speech_s(self) -> float:
        return sum(end - start for start, end in self.spans)


@dataclass(frozen=True)
class _Piece:
    """A piece of speech, the number of its island, and the most that it is like the talk (cosine)."""

    start_s: float
    end_s: float
    island: int


def announced(
    samples: Samples,
    speech: Sequence[Span],
    played: Sequence[Span],
    others: Sequence[Span],
    options: SoundOptions,
    channel: int = 1,
) -> tuple[Announcement, ...]:
    """Announcements in a channel's samples (n,) at 16 kHz.

    `speech` are spans (s) of it, `played` those of music and tones, `others` speech on other channels.
    """
    if not played or not speech:
        return ()
    duration_s = len(samples) / RATE_HZ
    islands = _islands(speech, union_s(played), duration_s, options)
    pieces_of = [
        _spread(_pieces(island.spans, k), _MOST_ISLAND if _enclosed(island) else _MOST_TALK)
        for k, island in enumerate(islands)
    ]
    alone = [
        k for k, island in enumerate(islands)
        if _enclosed(island) and pieces_of[k] and not _answered(island.start_s, island.end_s, others)
    ]  # fmt: skip
    vectors = _embedded(samples, [p for k in alone for p in pieces_of[k]])
    enclosed = [k for k in alone if _one_voice(np.stack([vectors[p] for p in pieces_of[k]]))]
    talk = [k for k in range(len(islands)) if k not in enclosed]
    if sum(islands[k].speech_s for k in talk) < _LEAST_TALK_S:
        return ()
    half_open = [k for k in talk if islands[k].opens or islands[k].closes]
    pieces = _spread([p for k in talk for p in _pieces(islands[k].spans, k)], _MOST_TALK)
    ours = [p for k in enclosed for p in pieces_of[k]]
    edges = [p for k in half_open for p in _edge_pieces(islands[k], k)]
    if not pieces or not (ours or edges):
        return ()
    vectors |= _embedded(samples, [p for p in (*pieces, *edges) if p not in vectors])
    talked = np.stack([vectors[p] for p in pieces])
    likeness = {}
    for piece in (*ours, *edges):
        away = [
            k for k, p in enumerate(pieces)
            if p.island != piece.island or abs(p.start_s - piece.start_s) > _LONGEST_OPEN_S
        ]  # fmt: skip
        likeness[piece] = _most_alike(talked[away] @ vectors[piece]) if away else 1.0
    found = []
    for k in enclosed:
        own = [p for p in ours if p.island == k]
        found += _of_enclosed(islands[k], own, likeness, others, options, channel)
    for k in half_open:
        own = [p for p in edges if p.island == k]
        found += _of_half_open(islands[k], own, likeness, others, options, channel)
    return tuple(sorted(found, key=lambda a: a.start_s))


def _embedded(samples: Samples, pieces: Sequence[_Piece]) -> dict[_Piece, FloatArray]:
    """The embedding (64,) of each piece."""
    cuts = [samples[round(p.start_s * RATE_HZ) : round(p.end_s * RATE_HZ)] for p in pieces]
    if not cuts:
        return {}
    return dict(zip(pieces, campplus.in_space(campplus.embed_samples(cuts)), strict=True))


def _one_voice(vectors: FloatArray) -> bool:
    """Whether pieces (n, 64) are of one voice: most pairs of them are alike."""
    if len(vectors) == 1:
        return True
    pairs = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return float(np.mean(pairs >= _ALIKE)) >= _MOSTLY


def _enclosed(island: _Island) -> bool:
    """Whether an island lies between music, tones and the ends of the recording, and is short enough."""
    return island.opens and island.closes and island.end_s - island.start_s <= _LONGEST_ISLAND_S


def _most_alike(cosines: FloatArray) -> float:
    """How much a voice is like the talk: the third highest cosine, or the lowest of fewer."""
    ordered = np.sort(cosines)[::-1]
    return float(ordered[min(2, len(ordered) - 1)])


def _of_enclosed(
    island: _Island,
    pieces: Sequence[_Piece],
    likeness: dict[_Piece, float],
    others: Sequence[Span],
    options: SoundOptions,
    channel: int,
) -> list[Announcement]:
    """An island between music, tones and the ends of the recording: an announcement if all of it is foreign."""
    if island.speech_s < options.min_announcement_s or not pieces or _answered(island.start_s, island.end_s, others):
        return []
    seconds = np.array([p.end_s - p.start_s for p in pieces])
    alike = np.array([likeness[p] for p in pieces])
    mean = float((seconds * alike).sum() / seconds.sum())
    foreign = float(seconds[alike < options.announcement_likeness].sum() / seconds.sum())
    if mean >= options.announcement_likeness or foreign < 0.6:
        return []
    return [Announcement(island.start_s, island.end_s, _sure(mean, options), channel)]


def _of_half_open(
    island: _Island,
    pieces: Sequence[_Piece],
    likeness: dict[_Piece, float],
    others: Sequence[Span],
    options: SoundOptions,
    channel: int,
) -> list[Announcement]:
    """Talk that touches music or a tone: an announcement where its edge is foreign for long enough."""
    found = []
    for at_start in (True, False):
        if not (island.opens if at_start else island.closes):
            continue
        run = []
        for piece in pieces if at_start else reversed(pieces):
            if likeness[piece] >= options.announcement_likeness - _STRICTER:
                break
            run.append(piece)
        if not run or len(run) == len(pieces):
            continue
        start_s, end_s = min(p.start_s for p in run), max(p.end_s for p in run)
        speech_s = sum(p.end_s - p.start_s for p in run)
        if speech_s < 2 * options.min_announcement_s or _answered(start_s, end_s, others):
            continue
        mean = float(np.mean([likeness[p] for p in run]))
        found.append(Announcement(round(start_s, 3), round(end_s, 3), _sure(mean, options), channel))
    return found


def _sure(likeness: float, options: SoundOptions) -> float:
    """Confidence from how far a voice is from the talk: 0.5 at the limit, 1 where nothing is alike."""
    return round(float(np.clip(1 - 0.5 * max(0.0, likeness) / options.announcement_likeness, 0.5, 1)), 3)


def _answered(start_s: float, end_s: float, others: Sequence[Span]) -> bool:
    """Whether somebody on another channel speaks meanwhile."""
    shared = sum(max(0.0, min(end_s, b) - max(start_s, a)) for a, b in union_s(others))
    return shared > _EXCHANGE * (end_s - start_s)


def _islands(speech: Sequence[Span], played: Sequence[Span], duration_s: float, options: SoundOptions) -> list[_Island]:
    groups: list[list[Span]] = []
    for start, end in sorted(speech):
        last = groups[-1][-1][1] if groups else None
        if last is not None and start - last <= _PAUSE_S and not _between(played, last, start):
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
    near = options.announcement_near_s
    edges = [0.0, duration_s, *(edge for span in played for edge in span)]
    out = []
    for k, group in enumerate(groups):
        before = groups[k - 1][-1][1] if k else 0.0
        after = groups[k + 1][0][0] if k + 1 < len(groups) else duration_s
        opens = any(before - near <= edge <= group[0][0] + 1 and group[0][0] - edge <= near for edge in edges)
        closes = any(group[-1][1] - 1 <= edge <= after + near and edge - group[-1][1] <= near for edge in edges)
        out.append(_Island(tuple(group), opens, closes))
    return out


def _between(played: Sequence[Span], start_s: float, end_s: float) -> bool:
    return any(a < end_s and b > start_s for a, b in played)


def _pieces(spans: Sequence[Span], island: int) -> list[_Piece]:
    out = []
    for start, end in spans:
        count = max(1, round((end - start) / _PIECE_S))
        step = (end - start) / count
        out += [
            _Piece(start + k * step, start + (k + 1) * step, island) for k in range(count) if step >= _SHORTEST_PIECE_S
        ]
    return out


def _edge_pieces(island: _Island, number: int) -> list[_Piece]:
    """The pieces of an island within `_LONGEST_OPEN_S` of the side that is near music or a tone."""
    pieces = _pieces(island.spans, number)
    return [
        p for p in pieces
        if (island.opens and p.end_s <= island.start_s + _LONGEST_OPEN_S)
        or (island.closes and p.start_s >= island.end_s - _LONGEST_OPEN_S)
    ]  # fmt: skip


def _spread(pieces: Sequence[_Piece], most: int) -> list[_Piece]:
    """At most so many pieces, evenly spread."""
    if len(pieces) <= most:
        return list(pieces)
    return [pieces[k] for k in np.linspace(0, len(pieces) - 1, most).round().astype(int)]
