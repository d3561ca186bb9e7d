"""Channels -> speakers or one mix: what is analysed of a recording, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import Audio, Samples, frame_levels_db
from ressenti.pipeline.audio.growing import give_back
from ressenti.pipeline.audio.mixing import is_inverted, mixed_blocks, voice_channels, weights_of
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Note, NoteKey

_SHORTEST_SPEECH = 5  # frames of 0.1 s: what is louder for less than this is no speech
_ACTIVE_DB = 30.0  # frames this far below the loudest are no speech
_VARIES_DB = 15.0  # between the loud and the soft frames of talk; steady noise varies less
_ALONE = 0.5  # share of a soft channel's talk in which the other is still; bleed is never heard alone


@dataclass(frozen=True)
class Layout:
    """Which channels are analysed: `mono` (one, with all voices) or `split` (one speaker per channel), and why."""

    mode: Literal["mono", "split"]
    reason: Note
    audio: Audio


def lay_out(audio: Audio, mode: Literal["auto", "mono", "split"], options: AudioOptions) -> Layout:
    """Decide whether channels are speakers, and say why.

    `auto` splits two channels when one of them leads by `dominance_db` in most of the sound, each in turn, or when a
    soft one talks while the other is still. Identical channels and a stereo microphone are mixed; where one channel is
    silent or never leads, the other is taken alone. A channel for deep effects (LFE) is never analysed.

    The samples that were given are used up: a mix takes the place of the first channel, and channels that are not
    analysed may be silent afterwards, their memory given back. Of hours there is no room for more.
    Raises `ConfigError` when `split` is asked for on a single channel.
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
    if soft:  # judged by their own levels: each channel's talk is heard beside the other's
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
    """All that was analysed as one channel, (n,): of channels that are speakers their mean, as of any others.

    The layout is used up: the mean takes the place of the first of these channels.
    """
    whole = _mixed(layout.audio, layout.reason, AudioOptions()) if layout.mode == "split" else layout
    return whole.audio.cut(0, whole.audio.duration_s)


def _loudest(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The level of each channel (channels, frames) that its speech reaches for as long as speech lasts."""
    reached: npt.NDArray[np.float32] = np.sort(levels, axis=1)[:, -min(_SHORTEST_SPEECH, levels.shape[1])]
    return reached


def _talks_alone(
    levels: npt.NDArray[np.float32], loudest: npt.NDArray[np.float32], quiet: int, options: AudioOptions
) -> bool:
    """Whether a channel so soft that it never leads has talk of its own: it varies, mostly while the other is still."""
    if loudest[quiet] < options.silent_dbfs or loudest[quiet] > loudest[1 - quiet] - _VARIES_DB:
        return False
    own, other = levels[quiet], levels[1 - quiet]
    if loudest[quiet] - float(np.percentile(own, 20)) < _VARIES_DB:
        return False
    talking = own > loudest[quiet] - _VARIES_DB
    still = other[talking] < loudest[1 - quiet] - _ACTIVE_DB
    return int(still.sum()) >= _SHORTEST_SPEECH and float(still.mean()) >= _ALONE


def _alone(audio: Audio, channel: int, key: NoteKey, values: dict[str, float | int | str]) -> Layout:
    reason = Note(key, {**values, "other": 2 - channel, "used": channel + 1})
    return Layout("mono", reason, _only(audio, channel))


def _mixed(audio: Audio, reason: Note, options: AudioOptions) -> Layout:
    """All channels that are not silent as one; where they cancel one another (one is inverted), the loudest alone."""
    levels = [frame_levels_db(channel) for channel in audio.samples]
    reached = _loudest(np.stack(levels))
    heard = [i for i in range(len(levels)) if reached[i] >= options.silent_dbfs] or [int(np.argmax(reached))]
    weights = weights_of(audio)
    mix_db = np.concatenate([frame_levels_db(mix) for _, mix in mixed_blocks(audio.samples, heard, weights)])
    loudest = max(heard, key=lambda i: float(np.percentile(levels[i], 95)))
    lost_db = float(np.percentile(levels[loudest], 95) - np.percentile(mix_db, 95))
    spoken = levels[loudest] > reached[loudest] - _ACTIVE_DB
    if lost_db > options.cancelled_db and is_inverted(audio.samples, heard, loudest, spoken):
        inverted = Note("channels_cancel", {"used": loudest + 1})
        return Layout("mono", inverted, _only(audio, loudest))
    for part, mix in mixed_blocks(audio.samples, heard, weights):
        audio.samples[0, part] = mix
    return Layout("mono", reason, _only(audio, 0))


def _only(audio: Audio, channel: int) -> Audio:
    """One channel; the memory of the others is given back."""
    for other in range(len(audio.samples)):
        if other != channel:
            give_back(audio.samples[other])
    return Audio(audio.samples[channel][None])
