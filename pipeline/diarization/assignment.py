"""Pieces, windows and speakers -> who speaks in each frame, and how sure that is (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.local_voices import FRAME_S, FRAMES, VOICES, Flags, Ints, LocalVoices, edge_s
from ressenti.pipeline.diarization.stretches import Links, Stretch

_FULL_S = 0.5  # a piece of this length counts as much as the whole of its voice
_LEAST_CHANCE = 0.4  # of a second speaker
_SHARPNESS = 10.0  # of the probabilities: so sharp, they came nearest to the truth on the development suite


@dataclass(frozen=True)
class Spoken:
    """Who of k speakers speaks in each frame, with overlap and without, and how sure that is.

    `speaking` (frames, k) has up to two speakers, `alone` (frames, k) the main one of these; `confidence` (frames, k)
    is the probability that it is this speaker who speaks there.
    """

    speaking: Flags
    alone: Flags
    confidence: FloatArray


def assign(
    voices: LocalVoices,
    audible: Flags,
    speech: Flags,
    pieces: Sequence[Stretch],
    links: Links,
    embeddings: FloatArray,
    centres: FloatArray,
) -> Spoken:
    """Who of the speakers with these centres (k, d) speaks in each frame.

    A piece goes to the speaker whom its own embedding and those of its windows' voices are most like. A window's voice
    is the speaker of most of its pieces. Where several windows cover a frame, they are averaged, those with the frame
    in their middle counting most. `audible` are the frames in which windows count, `speech` those in which somebody
    speaks even if no window hears it.
    """
    lengths = np.array([piece.last - piece.first for piece in pieces], dtype=np.float32)
    chances = _chances_of_pieces(lengths, links, embeddings, centres)
    owners = chances.argmax(axis=1)
    count, chance = _averaged(voices, _owners_of_voices(lengths, links, owners, len(centres)), len(centres))
    heard = np.minimum(np.round(count).astype(np.int64), len(centres))
    heard[~audible] = 0
    heard[speech & (heard == 0)] = 1
    main, confidence = _main(chance, heard, pieces, owners, chances)
    alone = np.zeros((voices.frames, len(centres)), dtype=bool)
    there = np.flatnonzero(main >= 0)
    alone[there, main[there]] = True
    speaking = alone.copy()
    both = np.flatnonzero((heard >= 2) & (main >= 0))
    if len(both) and len(centres) > 1:
        others = chance[both].copy()
        others[np.arange(len(both)), main[both]] = -1
        enough = others.max(axis=1) > _LEAST_CHANCE
        speaking[both[enough], others.argmax(axis=1)[enough]] = True
    sure = np.minimum(1, chance)
    sure[there, main[there]] = confidence[there]
    return Spoken(speaking, alone, sure)


def segments_of(
    flags: Flags, confidence: FloatArray, options: DiarizationOptions
) -> list[tuple[float, float, int, float]]:
    """Segments (start_s, end_s, speaker, confidence) of flags (frames, k), in order of time.

    Short gaps in which nobody else speaks are filled, then short segments left out. The confidence of a segment is the
    mean of its frames' `confidence` (frames, k).
    """
    out = []
    anybody: Flags = flags.sum(axis=1) > 0
    for speaker in range(flags.shape[1]):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], flags[:, speaker], [False]]).astype(np.int8)))
        spans: list[list[int]] = []
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            gap = slice(spans[-1][1], first) if spans else slice(0)
            if spans and (first - gap.start) * FRAME_S < options.fill_gap_s and not anybody[gap].any():
                spans[-1][1] = last
            else:
                spans.append([first, last])
        for first, last in spans:
            if (last - first) * FRAME_S >= options.min_speech_s:
                sure = confidence[first:last, speaker][flags[first:last, speaker]]
                out.append((edge_s(first), edge_s(last), speaker, float(sure.mean())))
    return sorted(out)


def _chances_of_pieces(lengths: FloatArray, links: Links, embeddings: FloatArray, centres: FloatArray) -> FloatArray:
    """Probability (pieces, k) of each speaker: by the piece itself and by the voices that it belongs to."""
    own = embeddings @ centres.T
    sums = np.zeros((links.windows * VOICES, embeddings.shape[1]), dtype=np.float32)
    np.add.at(sums, links.voice, (embeddings * lengths[:, None])[links.piece])
    likeness = (sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)) @ centres.T
    around, number = np.zeros_like(own), np.bincount(links.piece, minlength=len(own))[:, None]
    np.add.at(around, links.piece, likeness[links.voice])
    around = np.where(number > 0, around / np.maximum(number, 1), own)
    weight = np.minimum(1, lengths * FRAME_S / _FULL_S)[:, None]
    score = (weight * own + around) / (weight + 1)
    raised = np.exp(_SHARPNESS * (score - score.max(axis=1, keepdims=True)))
    out: FloatArray = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return out


def _owners_of_voices(lengths: FloatArray, links: Links, owners: Ints, count: int) -> dict[tuple[int, int], int]:
    """The speaker of each window's voices: of most of their pieces, no speaker twice in a window."""
    frames = np.zeros((links.windows * VOICES, count))
    np.add.at(frames, (links.voice, owners[links.piece]), lengths[links.piece])
    out = {}
    for window, table in enumerate(frames.reshape(links.windows, VOICES, count)):
        for voice, owner in zip(*linear_sum_assignment(-table), strict=True):
            if table[voice, owner] > 0:
                out[window, int(voice)] = int(owner)
    return out


def _averaged(voices: LocalVoices, owners: dict[tuple[int, int], int], count: int) -> tuple[FloatArray, FloatArray]:
    """Mean number of voices (frames,), and the probability (frames, k) that each speaker speaks."""
    weights = (np.hamming(FRAMES) + 0.02).astype(np.float32)
    number, total = np.zeros(voices.frames, np.float32), np.zeros(voices.frames, np.float32)
    chance = np.zeros((voices.frames, count), np.float32)
    for window in range(len(voices.starts)):
        span, length = voices.covered(window)
        total[span] += weights[:length]
        number[span] += weights[:length] * voices.speaking[window, :length].sum(axis=1)
        for voice in range(VOICES):
            owner = owners.get((window, voice))
            if owner is not None:
                chance[span, owner] += weights[:length] * voices.chance[window, :length, voice]
    _add_the_rest(voices, owners, chance, weights)
    total = np.maximum(total, 1e-6)
    return number / total, chance / total[:, None]


def _add_the_rest(
    voices: LocalVoices, owners: dict[tuple[int, int], int], chance: FloatArray, weights: FloatArray
) -> None:
    """Give voices that never speak alone to whoever speaks there by other windows, if anybody does."""
    for window in range(len(voices.starts)):
        span, length = voices.covered(window)
        taken = [owners[window, voice] for voice in range(VOICES) if (window, voice) in owners]
        free = np.setdiff1d(np.arange(chance.shape[1]), taken)
        for voice in range(VOICES):
            speaking = voices.speaking[window, :length, voice]
            if (window, voice) in owners or not len(free) or not speaking.any():
                continue
            near = chance[span][:, free][speaking].sum(axis=0)
            if near.max() > weights.min():
                chance[span, free[int(near.argmax())]] += weights[:length] * voices.chance[window, :length, voice]


def _main(
    chance: FloatArray, heard: Ints, pieces: Sequence[Stretch], owners: Ints, chances: FloatArray
) -> tuple[Ints, FloatArray]:
    """The main speaker of each frame (-1 where nobody speaks) and its confidence.

    By the pieces where there are any, else by the windows, else by the nearest frame with a speaker.
    """
    main = np.where(chance.max(axis=1, initial=0) > 0.05, chance.argmax(axis=1), -1)
    confidence = (chance.max(axis=1, initial=0) / np.maximum(chance.sum(axis=1), 1e-6)).astype(np.float32)
    for piece, owner, own in zip(pieces, owners.tolist(), chances, strict=True):
        main[piece.first : piece.last] = owner
        confidence[piece.first : piece.last] = own[owner]
    spoken = heard > 0
    known, unknown = np.flatnonzero(spoken & (main >= 0)), np.flatnonzero(spoken & (main < 0))
    if len(known) and len(unknown):
        after = np.searchsorted(known, unknown)
        left, right = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
        nearest = np.where(np.abs(unknown - left) <= np.abs(right - unknown), left, right)
        main[unknown] = main[nearest]
        confidence[unknown] = 0.5 * confidence[nearest]
    main[~spoken] = -1
    return main, confidence
