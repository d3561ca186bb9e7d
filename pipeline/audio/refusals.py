"""What the decoder refuses, in words: one place where all that FFmpeg's libraries can say becomes an error of ours."""

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
    """The error for what the decoder refused in a file of that name."""
    values = {key: value for key, value in about.items() if key not in {"is", "why"}}
    make = _REFUSALS.get(str(about.get("why")))
    return make(name, **values) if make else broke_down(name)


def broke_down(name: str) -> errors.RessentiError:
    """The error for a file at which the decoder broke down."""
    return errors.TruncatedError(
        f"{name}: damaged: the decoder broke down on it. Copy or export it again, as wav or flac if you can."
    )


def _unknown_format(name: str) -> errors.RessentiError:
    return errors.NotAudioError(
        f"{name}: not audio: no sound or video format that is known. {_EXPECTED}; "
        "say how sound without a header is encoded with --raw, as in --raw mulaw:8000."
    )


def _damaged_header(name: str) -> errors.RessentiError:
    return errors.TruncatedError(
        f"{name}: damaged: it begins like a recording, but nothing in it can be read. Copy or export it again."
    )


def _description(name: str, what: str) -> errors.RessentiError:
    return errors.NotAudioError(
        f"{name}: not audio: {what}, which holds no sound and names other files. Name the recording itself."
    )


def _no_sound(name: str, container: str) -> errors.RessentiError:
    return errors.NotAudioError(f"{name}: not audio: a file ({container}) without a sound track. {_EXPECTED}.")


def _no_decoder(name: str, codec: str) -> errors.RessentiError:
    what = _CODECS.get(codec, codec) or "of a kind that is not known"
    return errors.NotAudioError(
        f"{name}: its sound is {what}, for which there is no decoder; {_EXPECTED[0].lower()}{_EXPECTED[1:]}. "
        "Export it in one of these."
    )


def _encrypted(name: str) -> errors.RessentiError:
    return errors.NotAudioError(
        f"{name}: its sound is encrypted (DRM); expected a recording that anybody can play. Export it without."
    )


def _no_index(name: str) -> errors.RessentiError:
    return errors.TruncatedError(
        f"{name}: truncated or damaged: an MP4/M4A file without its index. Copy or export it again."
    )


def _elsewhere(name: str) -> errors.RessentiError:
    return errors.NotAudioError(
        f"{name}: not audio: its sound lies in another file, which is not opened. Name that file, or export it as one."
    )


def _rate(name: str, rate: int, least: int, most: int) -> errors.RessentiError:
    return errors.TooLargeError(
        f"{name}: {rate} samples a second; expected {least} to {most}, which is all that recorders write. "
        "If its header is wrong, export it again, or without a header and read that with --raw."
    )


def _channels(name: str, channels: int, most: int) -> errors.RessentiError:
    return errors.TooLargeError(f"{name}: {channels} channels; expected at most {most}. Export those that hold speech.")


def _many_tracks(name: str, channels: int, tracks: int, most: int) -> errors.RessentiError:
    return errors.TooLargeError(
        f"{name}: {tracks} sound tracks with {channels} channels together; expected at most {most}. "
        "Choose one with --track 1 (or audio.track in a config)."
    )


def _no_such_track(name: str, track: int, tracks: int) -> errors.RessentiError:
    there = "1 sound track" if tracks == 1 else f"{tracks} sound tracks"
    return errors.ConfigError(f"--track {track}: {name} has {there}; expected a number from 1 to {tracks}.")


def _too_long(name: str, most: float) -> errors.RessentiError:
    return errors.TooLargeError(
        f"{name}: longer than {most / 3600:g} h, its gaps included; expected less. "
        "Raise audio.max_duration_s in a config if it really is, or cut it."
    )


def too_much(name: str, most_mb: int) -> errors.RessentiError:
    """The error for samples that take more memory than they may."""
    return errors.TooLargeError(
        f"{name}: its samples take more than {most_mb} MB of memory; expected less. "
        "Raise audio.max_decoded_mb in a config if there is room, or cut it or drop channels."
    )


def _not_numbers(name: str, at: float) -> errors.RessentiError:
    return errors.BadSamplesError(
        f"{name}: samples that are not numbers (NaN, infinite or beyond any scale) after {at:.1f} s; "
        "expected finite ones. Export the recording again, best as 16-bit."
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
