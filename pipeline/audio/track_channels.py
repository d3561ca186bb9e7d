"""Turn the sound tracks of a file into channels: one per party, without silent tracks and copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio.levels import frame_levels_db
from ressenti.pipeline.audio.sample_buffer import zeros
from ressenti.pipeline.audio.samples import Audio, Samples
from ressenti.pipeline.records import Note, NoteKey

_BLOCK = 1 << 18
_COPY = 0.01  # share of a track's power that another track does not explain; below this it is a copy
_MIX = 0.03  # share that all others together do not explain; below this it is their mix


@dataclass(frozen=True)
class Party:
    """One decoded track: its number in the file (from 1), its samples (channels, n), its channels' positions."""

    number: int
    samples: Samples
    positions: tuple[str, ...] = ()


def joined(parties: Sequence[Party], silent_dbfs: float) -> tuple[Audio, tuple[Party, ...], tuple[Note, ...]]:
    """Return the channels to analyse, their tracks, and notes on what was done.

    A single track keeps its channels. Of several, silent tracks, copies of an earlier track and a mix of the others are
    left out; if more than one remains, each becomes one channel.
    """
    if len(parties) == 1:
        return Audio(parties[0].samples, parties[0].positions), tuple(parties), ()
    notes = []
    audible = [party for party in parties if not _is_silent(party.samples, silent_dbfs)]
    if not audible:
        return Audio(parties[0].samples, parties[0].positions), (parties[0],), ()
    if silent := [party for party in parties if party not in audible]:
        notes.append(_note("tracks_silent", silent))
    power = _powers(audible)
    copies = [k for k in range(len(audible)) if any(_copies(power, k, other) for other in range(k))]
    if copies:
        notes.append(_note("tracks_copies", [audible[k] for k in copies]))
    distinct = [k for k in range(len(audible)) if k not in copies]
    mixes = [
        k for k in distinct if len(distinct) > 2 and _is_mix(power, k, [other for other in distinct if other != k])
    ][:1]
    if mixes:
        notes.append(_note("tracks_mix", [audible[k] for k in mixes]))
    left = tuple(audible[k] for k in distinct if k not in mixes)
    if len(left) == 1:
        return Audio(left[0].samples, left[0].positions), left, (*notes, _note("track_alone", left))
    channels = zeros(len(left), left[0].samples.shape[1])
    for row, party in enumerate(left):
        for start in range(0, channels.shape[1], _BLOCK):
            channels[row, start : start + _BLOCK] = _mono(party.samples, start)
    return Audio(channels), left, (*notes, _note("tracks_joined", left))


def _note(key: NoteKey, parties: Sequence[Party]) -> Note:
    return Note(key, {"tracks": ", ".join(str(party.number) for party in parties), "count": len(parties)})


def _is_silent(samples: Samples, silent_dbfs: float) -> bool:
    """Whether less than half a second is louder than the silence limit."""
    for channel in samples:
        levels = frame_levels_db(channel)
        if np.sort(levels)[-min(5, len(levels))] >= silent_dbfs:
            return False
    return True


def _mono(samples: Samples, start: int) -> npt.NDArray[np.float32]:
    part = samples[:, start : start + _BLOCK]
    mean: npt.NDArray[np.float32] = np.round(part.mean(axis=0, dtype=np.float32))
    return mean


def _powers(parties: Sequence[Party]) -> npt.NDArray[np.float64]:
    """Products of each pair of tracks, summed over time; shape (tracks, tracks)."""
    power = np.zeros((len(parties), len(parties)))
    for start in range(0, parties[0].samples.shape[1], _BLOCK):
        block = np.stack([_mono(party.samples, start) for party in parties]).astype(np.float64)
        power += block @ block.T
    return power


def _copies(power: npt.NDArray[np.float64], one: int, other: int) -> bool:
    both = power[one, one] * power[other, other]
    return bool(both > 0 and power[one, other] > 0 and 1 - power[one, other] ** 2 / both < _COPY)


def _is_mix(power: npt.NDArray[np.float64], one: int, others: list[int]) -> bool:
    """Whether a track is a weighted sum of all the others."""
    gains, *_ = np.linalg.lstsq(power[np.ix_(others, others)], power[others, one], rcond=None)
    rest = power[one, one] - gains @ power[others, one]
    return bool((gains > 0.1).all() and rest < _MIX * power[one, one])
