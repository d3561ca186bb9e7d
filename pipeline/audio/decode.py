"""Recording file -> 16 kHz samples per channel: the only decoder."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline import errors
from pipeline.audio.files import check_file, file_sha256
from pipeline.audio.hum import remove_hum
from pipeline.audio.samples import RATE_HZ, Audio, Samples
from pipeline.config import AudioOptions
from pipeline.records import Note, Progress, Recording, ignore_progress

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

_DECLARES_LENGTH = {"flac", "w64", "aiff", "au", "matroska", "webm", "mov", "mp4", "caf"}


def load(path: Path, options: AudioOptions, progress: Progress = ignore_progress) -> tuple[Recording, Audio]:
    """Decode a recording as a stream and check that there is something in it to analyse.

    Returns what is known of the file and its samples, int16 at 16 kHz, shape (channels, samples).
    Raises a subclass of `InputError` for each way in which the file can be unusable.
    """
    check_file(path)
    notes: list[Note] = []
    with _translated(path), _open(path) as container:
        if not container.streams.audio:
            raise errors.NotAudioError(_no_sound(path, f"a {container.format.long_name} file without a sound track"))
        stream = container.streams.audio[0]
        declared_s = _declared_duration_s(path, container)
        samples, damaged, packets = _decode(container, declared_s, path, progress)
        context = stream.codec_context
        codec, rate_hz = context.name, context.sample_rate
        ogg = container.format.name == "ogg"
        positions = tuple(channel.name for channel in stream.layout.channels)
    audio = Audio(samples, positions if len(positions) == len(samples) else ())
    if audio.samples.shape[1] == 0:
        raise errors.ZeroLengthError(
            f"{path.name}: a {codec} file that holds no samples; expected sound. Export the recording again."
        )
    missing_s = (declared_s or 0.0) - audio.duration_s
    why = ""
    if missing_s > max(0.25, 0.005 * audio.duration_s):
        why = f"its header says {declared_s:.1f} s, {audio.duration_s:.1f} s could be decoded"
    elif damaged > max(1, packets // 100):
        why = f"{damaged} of its {packets} packets cannot be decoded"
    elif ogg and _ends_inside_a_page(path):
        why = "it breaks off in the middle of a page"
    if why and not options.allow_truncated:
        raise errors.TruncatedError(
            f"{path.name}: truncated or damaged: {why}. Copy or export it again, "
            "or set audio.allow_truncated: true in a config to analyse what is there."
        )
    if why:
        notes.append(Note("truncated", {"got": round(audio.duration_s, 1)}))
    elif damaged:
        notes.append(Note("damaged", {"damaged": damaged, "packets": packets}))
    remove_hum(audio.samples)
    _check_samples(path, audio, options)
    recording = Recording(
        name=os.fsencode(path.name).decode("utf-8", "replace"),
        sha256=file_sha256(path),
        duration_s=audio.duration_s,
        channels=audio.samples.shape[0],
        sample_rate_hz=rate_hz,
        codec=codec,
        notes=tuple(notes),
    )
    return recording, audio


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    import av

    try:
        yield
    except av.error.InvalidDataError as exc:
        with path.open("rb") as file:
            head = file.read(12)
        if head[4:8] == b"ftyp":
            raise errors.TruncatedError(
                f"{path.name}: truncated or damaged: an MP4/M4A file without its index. Copy or export it again."
            ) from exc
        raise errors.NotAudioError(_no_sound(path, "no sound or video format that FFmpeg knows")) from exc
    except (av.error.FFmpegError, OSError, ValueError) as exc:
        raise errors.UnreadableError(f"{path.name}: cannot be read ({exc}). Copy or export it again.") from exc


def _no_sound(path: Path, got: str) -> str:
    return f"{path.name}: not audio: {got}. Expected a recording (wav, mp3, m4a, ogg, opus, flac, amr, webm, mp4, ...)."


def _open(path: Path) -> InputContainer:
    import av

    return av.open(str(path), metadata_errors="replace")


def _declared_duration_s(path: Path, container: InputContainer) -> float | None:
    """Length that the file's header promises, None where it promises none (FFmpeg then estimates from the size)."""
    names = set(container.format.name.split(","))
    stream = container.streams.audio[0]
    with path.open("rb") as file:
        head = file.read(4096)
    if head[:4] == b"RIFF":  # FFmpeg trims a wav's length to the file's size, which hides a truncated one
        return _riff_duration_s(path)
    if not names & _DECLARES_LENGTH and not ("mp3" in names and (b"Xing" in head or b"Info" in head)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    sound_alone = len(container.streams) == len(container.streams.audio)  # a picture may outlast its sound
    return container.duration / 1e6 if sound_alone and container.duration and container.duration > 0 else None


def _ends_inside_a_page(path: Path) -> bool:
    """Whether an Ogg file breaks off inside its last page (RFC 3533): truncated, though it declares no length."""
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - 131_072))
        tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return True
    lacing = tail[at + 27 : at + 27 + tail[at + 26]]
    return len(lacing) < tail[at + 26] or len(tail) < at + 27 + len(lacing) + sum(lacing)


def _riff_duration_s(path: Path) -> float | None:
    """Length by a wav file's own `data` chunk, None when a streaming writer left it open."""
    bytes_per_s, at = 0, 12
    with path.open("rb") as file:
        while True:
            file.seek(at)
            header = file.read(8)
            if len(header) < 8:
                return None
            name, size = struct.unpack("<4sI", header)
            if name == b"fmt ":
                bytes_per_s = struct.unpack("<I", file.read(12)[8:12])[0]
            if name == b"data":
                open_ended = size == 0 or size >= 0x7FFFF000
                return None if open_ended or not bytes_per_s else size / bytes_per_s
            at += 8 + size + size % 2


def _decode(
    container: InputContainer, declared_s: float | None, path: Path, progress: Progress
) -> tuple[Samples, int, int]:
    """Samples (channels, n) at 16 kHz, packets that failed, packets seen."""
    import av

    stream = container.streams.audio[0]
    channels = max(1, stream.codec_context.channels)
    layout = {1: "mono", 2: "stereo"}.get(channels, stream.layout.name)
    buffer = bytearray()
    frame_bytes = 2 * channels
    total_s = declared_s or (container.duration / 1e6 if container.duration and container.duration > 0 else None)
    resampler: av.AudioResampler | None = None
    heard: tuple[str, str, int] | None = None
    damaged = packets = 0

    def keep(frame: AudioFrame | None) -> None:
        for piece in resampler.resample(frame) if resampler is not None else []:
            buffer.extend(np.ascontiguousarray(piece.to_ndarray()).tobytes())

    stream.codec_context.thread_type = "AUTO"
    for packet in container.demux(stream):
        packets += 1
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            damaged += 1
            continue
        for frame in frames:
            _check_finite(frame, path, len(buffer) / frame_bytes / RATE_HZ)
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind != heard:  # also when it changes in the middle of a file
                keep(None)
                resampler, heard = av.AudioResampler(format="s16", layout=layout, rate=RATE_HZ), kind
            keep(frame)
        if packets % 200 == 0:
            progress("audio", len(buffer) / frame_bytes / RATE_HZ, total_s)
    keep(None)
    interleaved = np.frombuffer(buffer, dtype=np.int16).reshape(-1, channels)
    progress("audio", len(interleaved) / RATE_HZ, len(interleaved) / RATE_HZ)
    return np.ascontiguousarray(interleaved.T), damaged, packets


def _check_finite(frame: AudioFrame, path: Path, at_s: float) -> None:
    if frame.format.name.startswith(("flt", "dbl")) and not np.isfinite(frame.to_ndarray()).all():
        raise errors.BadSamplesError(
            f"{path.name}: samples that are not numbers (NaN or infinite) after {at_s:.1f} s; expected finite ones. "
            "Export the recording again, best as 16-bit."
        )


def _check_samples(path: Path, audio: Audio, options: AudioOptions) -> None:
    if audio.duration_s < options.min_duration_s:
        raise errors.TooShortError(
            f"{path.name}: {audio.duration_s:.2f} s of sound; at least {options.min_duration_s:g} s are needed "
            "to judge anything. Choose a longer recording."
        )
    peak = max(int(audio.samples.max()), -int(audio.samples.min())) / 32768
    peak_dbfs = 20 * np.log10(max(peak, 1e-10))
    if peak_dbfs < options.silent_dbfs:
        raise errors.SilentError(
            f"{path.name}: silent throughout (loudest sample {peak_dbfs:.0f} dBFS, limit {options.silent_dbfs:g}). "
            "Check the microphone or the export."
        )
