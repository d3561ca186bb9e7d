"""Channels -> speakers or one mix: what is analysed of a recording, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.audio import Audio, Samples, frame_levels_db
from pipeline.config import AudioOptions
from pipeline.errors import ConfigError
from pipeline.records import Note, NoteKey

_SHORTEST_SPEECH = 5  # frames of 0.1 s: what is louder for less than this is no speech


@dataclass(frozen=True)
class Layout:
    """Which channels are analysed: `mono` (one, with all voices) or `split` (one speaker per channel), and why."""

    mode: Literal["mono", "split"]
    reason: Note
    audio: Audio


def lay_out(audio: Audio, mode: Literal["auto", "mono", "split"], options: AudioOptions) -> Layout:
    """Decide whether channels are speakers, and say why.

    `auto` splits two channels when one of them leads by `dominance_db` in most of the sound, each in turn. Identical
    channels and a stereo microphone are mixed; where one channel is silent or never leads, the other is taken alone.
    Raises `ConfigError` when `split` is asked for on a single channel.
    """
    channels = audio.samples.shape[0]
    if mode == "split":
        if channels < 2:
            raise ConfigError("--channels split: the recording has 1 channel; expected 2 or more. Use auto.")
        return Layout("split", Note("split_asked", {"channels": channels}), audio)
    if channels == 1:
        return Layout("mono", Note("one_channel"), audio)
    if mode == "mono" or channels > 2:
        return _mixed(audio, Note("mono_asked" if mode == "mono" else "many_channels", {"channels": channels}))
    levels = np.stack([frame_levels_db(channel) for channel in audio.samples])
    loudest = np.sort(levels, axis=1)[:, -min(_SHORTEST_SPEECH, levels.shape[1])]
    quiet = int(np.argmin(loudest))
    if loudest[quiet] < max(options.silent_dbfs, loudest[1 - quiet] - options.silent_channel_db):
        return _alone(audio, 1 - quiet, "silent_channel", {})
    active = levels.max(axis=0) > loudest.max() - 30
    lead = levels[0, active] - levels[1, active]
    leads = [int(np.sum(sign * lead > options.dominance_db)) for sign in (1, -1)]
    share = sum(leads) / len(lead)
    values: dict[str, float | int | str] = {"percent": round(100 * share), "decibel": options.dominance_db}
    if share < options.dominance_share:
        return _mixed(audio, Note("channels_alike", values))
    if min(leads) < _SHORTEST_SPEECH:
        return _alone(audio, int(np.argmax(leads)), "one_channel_leads", values)
    return Layout("split", Note("channels_differ", values), audio)


def mix_of(layout: Layout) -> Samples:
    """All that was analysed as one channel, (n,): of channels that are speakers their mean, as of any others."""
    whole = _mixed(layout.audio, layout.reason) if layout.mode == "split" else layout
    return whole.audio.cut(0, whole.audio.duration_s)


def _alone(audio: Audio, channel: int, key: NoteKey, values: dict[str, float | int | str]) -> Layout:
    reason = Note(key, {**values, "other": 2 - channel, "used": channel + 1})
    return Layout("mono", reason, Audio(audio.samples[channel][None]))


def _mixed(audio: Audio, reason: Note) -> Layout:
    """All channels as one; where they cancel one another (one is inverted), the loudest alone."""
    mix = _mean(audio.samples)
    levels = [float(np.percentile(frame_levels_db(channel), 95)) for channel in audio.samples]
    if float(np.percentile(frame_levels_db(mix[0]), 95)) < max(levels) - 15:
        loudest = int(np.argmax(levels))
        inverted = Note("channels_cancel", {"used": loudest + 1})
        return Layout("mono", inverted, Audio(audio.samples[loudest][None]))
    return Layout("mono", reason, Audio(mix))


def _mean(samples: Samples) -> Samples:
    """Mean of the channels, (channels, n) -> (1, n), block by block."""
    out = np.empty((1, samples.shape[1]), dtype=np.int16)
    for start in range(0, samples.shape[1], 1 << 20):
        part = slice(start, start + (1 << 20))
        out[0, part] = np.round(samples[:, part].mean(axis=0, dtype=np.float32)).astype(np.int16)
    return out
