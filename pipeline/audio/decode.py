"""Recording file -> 16 kHz samples per channel: the only decoder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ressenti.pipeline import errors
from ressenti.pipeline.audio.completeness import Ending, doubts_of, notes_of
from ressenti.pipeline.audio.decoder_process import BrokeDownError, decoding
from ressenti.pipeline.audio.files import Opened, opened
from ressenti.pipeline.audio.hum import remove_hum
from ressenti.pipeline.audio.raw import Raw, raw_of
from ressenti.pipeline.audio.refusals import broke_down, refusal, too_much
from ressenti.pipeline.audio.sample_buffer import Growing, together
from ressenti.pipeline.audio.samples import RATE_HZ, Audio
from ressenti.pipeline.audio.track_channels import Party, joined
from ressenti.pipeline.audio.worker.opening import Job
from ressenti.pipeline.audio.worker.track import Limits
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Note, NoteKey, Recording

# below: no voice is left; above: no recorder writes this
LEAST_RATE_HZ, MOST_RATE_HZ = 2_000, 768_000
MOST_CHANNELS = 8
_LEFT: Mapping[str, NoteKey] = {
    "language": "tracks_language",
    "other_version": "tracks_version",
    "no_decoder": "tracks_undecodable",
}


def load(
    path: Path, options: AudioOptions, progress: Progress = ignore_progress, *, trusted: bool = False
) -> tuple[Recording, Audio]:
    """Decode a recording as a stream and check that it can be analysed.

    Returns the recording's metadata and its samples, int16 at 16 kHz, shape (channels, samples). Unless the file is
    `trusted`, FFmpeg's libraries run in a separate process that can access only the open file.
    Raises the matching subclass of `InputError` if the file is unusable, and passes on what `progress` raises.
    """
    with opened(path) as file:
        raw = raw_of(file, options.raw)
        tracks, about, end = _decoded(file, _job(file, options, raw), options, progress, trusted=trusted)
        sha256 = file.sha256()
        file.check_unchanged()
    samples = together(tracks)
    for rows in samples if options.remove_hum else ():
        remove_hum(rows)
    parties = [
        Party(found["number"], rows, tuple(found["positions"]))
        for found, rows in zip(about["tracks"], samples, strict=True)
    ]
    del samples
    codecs = {found["number"]: str(found["codec"]) for found in about["tracks"]}
    endings = {party.number: Ending.of(end, values) for party, values in zip(parties, end["tracks"], strict=True)}
    _check_samples_there(path, parties, codecs, endings)
    audio, used, notes = joined(parties, options.silent_dbfs)
    del parties
    ours = [endings[party.number] for party in used]
    doubts = doubts_of(ours)
    if doubts and not options.allow_truncated:
        raise errors.TruncatedError(
            f"{path.name}: truncated or damaged: {doubts[0]}. Copy or export it again, "
            "or set audio.allow_truncated: true in a config to analyse the part that is left."
        )
    _check_samples(path, audio, options, tracks=about["all"])
    recording = Recording(
        name=os.fsencode(path.name).decode("utf-8", "replace"),
        sha256=sha256,
        duration_s=audio.duration_s,
        channels=audio.samples.shape[0],
        sample_rate_hz=ours[0].rate_hz,
        codec=codecs[used[0].number],
        notes=(
            *notes_of(ours, truncated=bool(doubts)),
            *_track_notes(about, options),
            *notes,
            *_raw_notes(raw, end, options),
        ),
    )
    return recording, audio


def _job(file: Opened, options: AudioOptions, raw: Raw | None) -> Job:
    limits = Limits(RATE_HZ, options.max_duration_s, LEAST_RATE_HZ, MOST_RATE_HZ, MOST_CHANNELS)
    return Job(
        limits=limits,
        demuxer=raw.encoding if raw else "",
        demuxer_options=raw.options if raw else {},
        track=options.track,
        ending=file.path.suffix.lower(),
    )


def _decoded(
    file: Opened, job: Job, options: AudioOptions, progress: Progress, *, trusted: bool
) -> tuple[list[Growing], Mapping[str, Any], Mapping[str, Any]]:
    """Return the samples of every track and the decoder's `about` and `end` messages."""
    received = _Received(file, options, progress)
    try:
        with decoding(file, job, trusted=trusted, alive=received.alive) as messages:
            for message, samples in messages:
                with _understood():
                    received.take(message, samples)
                if message["is"] == "beat":
                    received.alive()
                elif message["is"] == "end":
                    received.done()
                    return received.tracks, received.about, message
    except BrokeDownError as exc:
        raise broke_down(file.path.name) from exc
    raise broke_down(file.path.name)


@contextmanager
def _understood() -> Iterator[None]:
    """Treat invalid messages as a breakdown: after a fault in FFmpeg's libraries, the decoder may send anything."""
    try:
        yield
    except (LookupError, TypeError, ValueError) as exc:
        raise BrokeDownError(f"invalid message: {exc}") from exc


class _Received:
    """Messages received from the decoder so far."""

    def __init__(self, file: Opened, options: AudioOptions, progress: Progress) -> None:
        self.tracks: list[Growing] = []
        self.about: Mapping[str, Any] = {}
        self._file, self._options, self._progress = file, options, progress
        self._done_s = 0.0

    def alive(self) -> None:
        """Report progress; an exception from the hook ends the decoder."""
        self._progress("audio", self._done_s, self.about.get("total_s"))

    def done(self) -> None:
        """Report that everything is decoded."""
        seconds = max(track.length for track in self.tracks) / RATE_HZ
        self._progress("audio", seconds, seconds)

    def take(self, message: Mapping[str, Any], samples: bytes) -> None:
        """Store a message's content; if it is a refusal, raise its error."""
        kind = message["is"]
        if kind == "about":
            self.about = message
            self.tracks = [Growing(found["channels"]) for found in message["tracks"]]
        elif kind == "sound":
            self.tracks[message["track"]].write(message["at"], samples)
            if sum(track.nbytes for track in self.tracks) > self._options.max_decoded_mb * 1_000_000:
                raise too_much(self._file.path.name, self._options.max_decoded_mb)
        elif kind == "beat":
            self._done_s = float(message["at_s"])
        elif kind == "again":
            self.tracks = []
        elif kind == "refused":
            self._file.check_unchanged()
            raise refusal(self._file.path.name, message)


def _track_notes(about: Mapping[str, Any], options: AudioOptions) -> list[Note]:
    """Notes on tracks that were not decoded, with the reason."""
    if options.track is not None and about["all"] > 1:
        return [Note("track_chosen", {"track": options.track, "tracks": about["all"]})]
    notes = []
    for why, key in _LEFT.items():
        numbers = sorted(int(number) for number, reason in about["left"].items() if reason == why)
        if numbers:
            notes.append(Note(key, {"tracks": ", ".join(map(str, numbers)), "count": len(numbers)}))
    return notes


def _raw_notes(raw: Raw | None, end: Mapping[str, Any], options: AudioOptions) -> list[Note]:
    notes = [Note("raw_unused")] if raw is None and options.raw else []
    if raw is not None and raw.guessed:
        notes.append(Note("raw_guessed", {"encoding": raw.encoding, "rate": raw.rate_hz}))
    if end["scale"] > 2:
        notes.append(Note("scaled", {"scale": round(end["scale"])}))
    return notes


def _check_samples_there(
    path: Path, parties: Sequence[Party], codecs: Mapping[int, str], endings: Mapping[int, Ending]
) -> None:
    if any(party.samples.shape[1] for party in parties):
        return
    if any(ending.damaged for ending in endings.values()):
        raise errors.TruncatedError(f"{path.name}: damaged: no packet can be decoded. Copy or export it again.")
    raise errors.ZeroLengthError(
        f"{path.name}: this {codecs[parties[0].number]} file has no samples. Export the recording again."
    )


def _check_samples(path: Path, audio: Audio, options: AudioOptions, *, tracks: int) -> None:
    if audio.duration_s < options.min_duration_s:
        raise errors.TooShortError(
            f"{path.name}: {audio.duration_s:.2f} s of sound; an analysis needs at least {options.min_duration_s:g} s. "
            "Choose a longer recording."
        )
    peak = max(int(audio.samples.max()), -int(audio.samples.min())) / 32768
    peak_dbfs = 20 * np.log10(max(peak, 1e-10))
    if peak_dbfs < options.silent_dbfs:
        chosen = options.track is not None and tracks > 1
        advice = (
            f"choose another of its {tracks} tracks with --track" if chosen else "check the microphone or the export"
        )
        what = f"track {options.track} is silent" if chosen else "silent"
        raise errors.SilentError(
            f"{path.name}: {what} throughout (loudest sample {peak_dbfs:.0f} dBFS, limit {options.silent_dbfs:g}); "
            f"{advice}."
        )
