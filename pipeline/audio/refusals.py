"""Turn the decoder's refusals, and with them FFmpeg's errors, into our errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ressenti.pipeline import errors

_EXPECTED = "Expected a recording (wav, mp3, m4a, ogg, opus, flac, amr, webm, mp4, ...)"
_CODECS = {
    "ac4": "AC-4",
    "mace3": "MACE 3:1",
    "truespeech": "TrueSpeech",
    "sipr": "SIPR",
    "mpegh_3d_audio": "MPEG-H 3D Audio",
    "acelp.kelvin": "ACELP.kelvin",
}


def refusal(name: str, about: Mapping[str, Any]) -> errors.RessentiError:
    """The error for a refusal message about the file `name`."""
    values = {key: value for key, value in about.items() if key not in {"is", "why"}}
    make = _REFUSALS.get(str(about.get("why")))
    return make(name, **values) if make else broke_down(name)


def broke_down(name: str) -> errors.RessentiError:
    """The error for a file that crashed the decoder."""
    return errors.TruncatedError(
        f"{name}: damaged: the decoder failed on it. Copy or export it again, as wav or flac if you can."
    )


def _unknown_format(name: str) -> errors.RessentiError:
    return errors.NotAudioError(
        f"{name}: not audio: not a known sound or video format. {_EXPECTED}. "
        "For sound without a header, give its encoding with --raw, as in --raw mulaw:8000."
    )


def _damaged_header(name: str) -> errors.RessentiError:
    return errors.TruncatedError(
        f"{name}: damaged: it starts like a recording, but nothing in it can be read. Copy or export it again."
    )


def _description(name: str, what: str) -> errors.RessentiError:
    return errors.NotAudioError(
        f"{name}: not audio: {what}, which only refers to other files. Give the recording itself."
    )


def _no_sound(name: str, container: str) -> errors.RessentiError:
    return errors.NotAudioError(f"{name}: not audio: a file ({container}) without a sound track. {_EXPECTED}.")


def _no_decoder(name: str, codec: str) -> errors.RessentiError:
    what = _CODECS.get(codec, codec) or "unknown"
    return errors.NotAudioError(
        f"{name}: no decoder for its sound (codec: {what}); {_EXPECTED[0].lower()}{_EXPECTED[1:]}. "
        "Export it in one of these formats."
    )


def _encrypted(name: str) -> errors.RessentiError:
    return errors.NotAudioError(f"{name}: its sound is encrypted (DRM). Export it without encryption.")


def _no_index(name: str) -> errors.RessentiError:
    return errors.TruncatedError(
        f"{name}: truncated or damaged: an MP4/M4A file without its index. Copy or export it again."
    )


def _elsewhere(name: str) -> errors.RessentiError:
    return errors.NotAudioError(
        f"{name}: not audio: its sound is in another file, which is not opened. Give that file, or export both as one."
    )


def _rate(name: str, rate: int, least: int, most: int) -> errors.RessentiError:
    return errors.TooLargeError(
        f"{name}: {rate} samples per second; expected {least} to {most}. "
        "If its header is wrong, export it again, or export it without a header and use --raw."
    )


def _channels(name: str, channels: int, most: int) -> errors.RessentiError:
    return errors.TooLargeError(f"{name}: {channels} channels; expected at most {most}. Export those with speech.")


def _many_tracks(name: str, channels: int, tracks: int, most: int) -> errors.RessentiError:
    return errors.TooLargeError(
        f"{name}: {tracks} sound tracks with {channels} channels in total; expected at most {most}. "
        "Choose one with --track 1 (or audio.track in a config)."
    )


def _no_such_track(name: str, track: int, tracks: int) -> errors.RessentiError:
    there = "1 sound track" if tracks == 1 else f"{tracks} sound tracks"
    return errors.ConfigError(f"--track {track}: {name} has {there}; expected a number from 1 to {tracks}.")


def _too_long(name: str, most: float) -> errors.RessentiError:
    return errors.TooLargeError(
        f"{name}: longer than {most / 3600:g} h, gaps included. "
        "Cut it, or raise audio.max_duration_s in a config if it really is that long."
    )


def too_much(name: str, most_mb: int) -> errors.RessentiError:
    """The error for samples that exceed the memory limit."""
    return errors.TooLargeError(
        f"{name}: its samples need more than {most_mb} MB of memory. "
        "Cut it, drop channels, or raise audio.max_decoded_mb in a config if there is enough memory."
    )


def _not_numbers(name: str, at: float) -> errors.RessentiError:
    return errors.BadSamplesError(
        f"{name}: invalid samples (NaN, infinite or out of range) after {at:.1f} s. "
        "Export the recording again, best as 16-bit."
    )


def _unreadable(name: str, reason: str) -> errors.RessentiError:
    return errors.UnreadableError(f"{name}: cannot be read ({reason}). Check the disk or the share.")


_REFUSALS: Mapping[str, Callable[..., errors.RessentiError]] = {
    "unknown_format": _unknown_format,
    "damaged_header": _damaged_header,
    "description": _description,
    "no_sound": _no_sound,
    "no_decoder": _no_decoder,
    "encrypted": _encrypted,
    "no_index": _no_index,
    "elsewhere": _elsewhere,
    "rate": _rate,
    "channels": _channels,
    "many_tracks": _many_tracks,
    "no_such_track": _no_such_track,
    "too_long": _too_long,
    "not_numbers": _not_numbers,
    "unreadable": _unreadable,
    "broke_down": broke_down,
}
