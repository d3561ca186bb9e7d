"""A plan -> sound and its truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound
from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment
from ressenti.pipeline.lab.simulation.options import Sounding
from ressenti.pipeline.lab.simulation.plan import Placed
from ressenti.pipeline.lab.simulation.voices import LEVEL_DBFS, Voice, faded

Tracks = npt.NDArray[np.float32]
_BACKCHANNEL_DB = -6.0
_VOICES = 4  # in background babble
_CHANNELS = 2  # of split sound; a third person is on the second one


def truth_of(plan: Sequence[Placed], voices: Sequence[Voice], sound: Sounding) -> tuple[TruthSegment, ...]:
    """Every stretch of speech in a plan, sorted by time (pure)."""
    out = []
    for placed in plan:
        u = placed.utterance
        for start, end in u.stretches:
            stop = end if placed.until_s is None else min(end, placed.until_s)
            if stop <= start:
                continue
            out.append(
                TruthSegment(
                    start_s=round(placed.start_s + start, 3),
                    end_s=round(placed.start_s + stop, 3),
                    speaker=voices[placed.speaker].name,
                    channel=min(placed.speaker + 1, _CHANNELS) if sound.channels == "split" else 1,
                    label=u.label,
                    valence=u.valence,
                    arousal=u.arousal,
                    kind="turn" if placed.until_s is None else "backchannel",
                    source=u.source,
                )
            )
    return tuple(sorted(out, key=lambda s: (s.start_s, s.end_s, s.speaker)))


def render(
    plan: Sequence[Placed],
    count: int,
    length_s: float,
    options: Sounding,
    others: Voice | None,
    rng: np.random.Generator,
) -> Samples:
    """Render a plan for `count` speakers as samples (channels, n); `others` are voices for background babble.

    The order is: effort, room, level, channels and bleed, noise, telephone band, codec.
    """
    length = round(length_s * RATE_HZ)
    tracks = _tracks(plan, count, length, _efforts(len(plan), options, rng), options)
    low, high = options.t60_s
    t60_s = float(rng.uniform(low, high)) if high else 0.0
    gains_db = options.level_dbfs - LEVEL_DBFS + rng.normal(0, options.level_spread_db, count)
    for k in range(count):
        if t60_s > 0:
            tracks[k] = acoustics.reverberant(tracks[k], t60_s, options.direct_db, rng)
        tracks[k] *= np.float32(10 ** (gains_db[k] / 20))
    channels = tracks.sum(axis=0, keepdims=True)
    if options.channels == "split":
        channels = tracks if count <= _CHANNELS else np.stack([tracks[0], tracks[1:].sum(axis=0)])
        bleed = np.float32(10 ** (float(rng.uniform(*options.bleed_db)) / 20))
        channels = channels + bleed * (channels.sum(axis=0) - channels)
    snr_db, codec = float(rng.uniform(*options.snr_db)), str(rng.choice(options.codecs))
    return np.stack([line(channel, options, snr_db, codec, others, rng) for channel in channels])


def _efforts(count: int, options: Sounding, rng: np.random.Generator) -> list[float]:
    """Vocal effort of each utterance in standard deviations, at most two; all 0 without a draw if it does not vary."""
    if options.effort_db == options.tilt_db == 0:
        return [0.0] * count
    return [float(effort) for effort in np.clip(rng.normal(0, 1, count), -2, 2)]


def _tracks(plan: Sequence[Placed], count: int, length: int, efforts: Sequence[float], options: Sounding) -> Tracks:
    """Dry speech of each speaker (speakers, n)."""
    tracks = np.zeros((count, length), np.float32)
    for placed, effort in zip(plan, efforts, strict=True):
        sound = placed.utterance.sound
        if effort:
            gain = np.float32(10 ** (effort * options.effort_db / 20))
            sound = acoustics.tilted(sound * gain, effort * options.tilt_db)
        if placed.until_s is not None:
            sound = faded(sound[: round(placed.until_s * RATE_HZ)]) * np.float32(10 ** (_BACKCHANNEL_DB / 20))
        start = round(placed.start_s * RATE_HZ)
        sound = sound[: max(0, length - start)]
        tracks[placed.speaker, start : start + len(sound)] += sound
    return tracks


def line(
    channel: Sound, options: Sounding, snr_db: float, codec: str, others: Voice | None, rng: np.random.Generator
) -> Samples:
    """Add noise, telephone band and codec to one channel."""
    sound = channel
    if options.noise == "pink":
        sound = acoustics.with_noise(sound, acoustics.pink_noise(len(sound), rng), snr_db)
    elif options.noise == "babble" and others is not None:
        chosen = rng.permutation(len(others.utterances))[:_VOICES]
        talk = acoustics.babble([others.utterances[i].sound for i in chosen], len(sound), rng)
        sound = acoustics.with_noise(sound, talk, snr_db)
    if options.telephone:
        sound = acoustics.telephone(sound)
    sound = sound * np.float32(min(1.0, 0.95 / max(float(np.abs(sound).max()), 1e-9)))
    for name in acoustics.CODECS:
        if name == codec:
            sound = acoustics.through(sound, name)
    return acoustics.to_int16(sound)
