"""Decide whether channels are speakers or are mixed to one, and say why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import Audio, Samples, frame_levels_db
from ressenti.pipeline.audio.mixing import is_inverted, mixed_blocks, voice_channels, weights_of
from ressenti.pipeline.audio.sample_buffer import give_back
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Note, NoteKey

_SHORTEST_SPEECH = 5  # frames of 0.1 s; a shorter sound does not count as speech
_ACTIVE_DB = 30.0  # frames this far below the loudest do not count as speech
_VARIES_DB = 15.0  # between loud and soft frames of speech; steady noise varies less
_ALONE = 0.5  # share of a soft channel's speech during which the other is silent; bleed never occurs alone


@dataclass(frozen=True)
class Layout:
    """The channels to analyse: `mono` (one with all voices) or `split` (one speaker per channel), and the reason."""

    mode: Literal["mono", "split"]
    reason: Note
    audio: Audio


def lay_out(audio: Audio, mode: Literal["auto", "mono", "split"], options: AudioOptions) -> Layout:
    """Decide whether channels are speakers, and say why.

    `auto` splits two channels when each of them in turn is louder by `dominance_db` and together this covers most of
    the sound, or when a soft channel has speech while the other is silent. Identical channels and stereo microphones
    are mixed. If one channel is silent or never leads, only the other is analysed. LFE channels are never analysed.

    To save memory on long recordings, `audio` is consumed: the mix overwrites the first channel, and channels that are
    not analysed may be zeroed and their memory released.
    Raises `ConfigError` for `split` on a single channel.
    """
    all_channels = audio.samples.shape[0]
    audio = voice_channels(audio)
    channels = audio.samples.shape[0]
    if mode == "split":
        if channels < 2:
            raise ConfigError("--channels split: the recording has 1 channel; expected 2 or more. Use auto.")
        return Layout("split", Note("split_asked", {"channels": channels}), audio)
    if all_channels == 1:
        return Layout("mono", Note("one_channel"), audio)
    if mode == "mono" or channels != 2:
        reason = Note("mono_asked" if mode == "mono" else "many_channels", {"channels": all_channels})
        return _mixed(audio, reason, options)
    levels = np.stack([frame_levels_db(channel) for channel in audio.samples])
    loudest = _loudest(levels)
    quiet = int(np.argmin(loudest))
    soft = _talks_alone(levels, loudest, quiet, options)
    if not soft and loudest[quiet] < max(options.silent_dbfs, loudest[1 - quiet] - options.silent_channel_db):
        return _alone(audio, 1 - quiet, "silent_channel", {})
    active = levels.max(axis=0) > loudest.max() - _ACTIVE_DB
    if soft:  # compare each channel with its own loudest speech
        levels = levels - loudest[:, None]
        active = levels.max(axis=0) > -_ACTIVE_DB
    lead = levels[0, active] - levels[1, active]
    leads = [int(np.sum(sign * lead > options.dominance_db)) for sign in (1, -1)]
    share = sum(leads) / len(lead)
    values: dict[str, float | int | str] = {"percent": round(100 * share), "decibel": options.dominance_db}
    if share < options.dominance_share:
        return _mixed(audio, Note("channels_alike", values), options)
    if min(leads) < _SHORTEST_SPEECH:
        return _alone(audio, int(np.argmax(leads)), "one_channel_leads", values)
    return Layout("split", Note("channels_differ", values), audio)


def mix_of(layout: Layout) -> Samples:
    """Return everything that was analysed as one channel, (n,); split channels are averaged.

    The layout is consumed: the mean overwrites its first channel.
    """
    whole = _mixed(layout.audio, layout.reason, AudioOptions()) if layout.mode == "split" else layout
    return whole.audio.cut(0, whole.audio.duration_s)


def _loudest(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return each channel's speech peak level: the level its loudest `_SHORTEST_SPEECH` frames reach."""
    reached: npt.NDArray[np.float32] = np.sort(levels, axis=1)[:, -min(_SHORTEST_SPEECH, levels.shape[1])]
    return reached


def _talks_alone(
    levels: npt.NDArray[np.float32], loudest: npt.NDArray[np.float32], quiet: int, options: AudioOptions
) -> bool:
    """Whether a channel too soft to lead has speech of its own: it varies, mostly while the other is silent."""
    if loudest[quiet] < options.silent_dbfs or loudest[quiet] > loudest[1 - quiet] - _VARIES_DB:
        return False
    soft_db, other_db = levels[quiet], levels[1 - quiet]
    if loudest[quiet] - float(np.percentile(soft_db, 20)) < _VARIES_DB:
        return False
    talking = soft_db > loudest[quiet] - _VARIES_DB
    still = other_db[talking] < loudest[1 - quiet] - _ACTIVE_DB
    return int(still.sum()) >= _SHORTEST_SPEECH and float(still.mean()) >= _ALONE


def _alone(audio: Audio, channel: int, key: NoteKey, values: dict[str, float | int | str]) -> Layout:
    reason = Note(key, {**values, "other": 2 - channel, "used": channel + 1})
    return Layout("mono", reason, _only(audio, channel))


def _mixed(audio: Audio, reason: Note, options: AudioOptions) -> Layout:
    """Mix all audible channels; if they cancel because one is inverted, take the loudest alone."""
    levels = [frame_levels_db(channel) for channel in audio.samples]
    reached = _loudest(np.stack(levels))
    audible = [i for i in range(len(levels)) if reached[i] >= options.silent_dbfs] or [int(np.argmax(reached))]
    weights = weights_of(audio)
    mix_db = np.concatenate([frame_levels_db(mix) for _, mix in mixed_blocks(audio.samples, audible, weights)])
    loudest = max(audible, key=lambda i: float(np.percentile(levels[i], 95)))
    lost_db = float(np.percentile(levels[loudest], 95) - np.percentile(mix_db, 95))
    speech = levels[loudest] > reached[loudest] - _ACTIVE_DB
    if lost_db > options.cancelled_db and is_inverted(audio.samples, audible, loudest, speech):
        inverted = Note("channels_cancel", {"used": loudest + 1})
        return Layout("mono", inverted, _only(audio, loudest))
    for part, mix in mixed_blocks(audio.samples, audible, weights):
        audio.samples[0, part] = mix
    return Layout("mono", reason, _only(audio, 0))


def _only(audio: Audio, channel: int) -> Audio:
    """Return one channel and release the memory of the others."""
    for other in range(len(audio.samples)):
        if other != channel:
            give_back(audio.samples[other])
    return Audio(audio.samples[channel][None])
