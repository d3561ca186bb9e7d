"""Recording file -> 16 kHz samples per channel: the only decoder."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline import errors
from pipeline.config import AudioOptions
from pipeline.records import Levels, Note, Progress, Recording, ignore_progress

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

Samples = npt.NDArray[np.int16]
RATE_HZ = 16_000
_FRAME = RATE_HZ // 10  # levels are looked at in frames of 0.1 s
_DECLARES_LENGTH = {"flac", "w64", "aiff", "au", "matroska", "webm", "mov", "mp4", "caf"}


@dataclass(frozen=True)
class Audio:
    """Samples of one recording at 16 kHz: int16, shape (channels, samples)."""

    samples: Samples

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / RATE_HZ)

    def cut(self, start_s: float, end_s: float, channel: int = 0) -> Samples:
        """Samples of one channel between two times, clipped to the recording; a view, not a copy."""
        start, end = (round(max(0.0, t) * RATE_HZ) for t in (start_s, end_s))
        return self.samples[channel, start:end]

    def joined(self, spans: Sequence[tuple[float, float]], channel: int = 0) -> Samples:
        """Samples of one channel in several spans (start_s, end_s), one after the other. Needs at least one span."""
        if len(spans) == 1:
            return self.cut(*spans[0], channel)
        return np.concatenate([self.cut(start, end, channel) for start, end in spans])


def load(path: Path, options: AudioOptions, progress: Progress = ignore_progress) -> tuple[Recording, Audio]:
    """Decode a recording as a stream and check that there is something in it to analyse.

    Returns what is known of the file and its samples, int16 at 16 kHz, shape (channels, samples).
    Raises a subclass of `InputError` for each way in which the file can be unusable.
    """
    _check_file(path)
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
    audio = Audio(samples)
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


def frame_levels_db(samples: Samples) -> npt.NDArray[np.float32]:
    """RMS level in dBFS of each 0.1 s of samples (n,); shape (n // 1600,), at least one."""
    count = max(1, len(samples) // _FRAME)
    out = np.empty(count, dtype=np.float32)
    for start in range(0, count, 600):
        block = samples[start * _FRAME : (start + 600) * _FRAME]
        block = block[: len(block) // _FRAME * _FRAME].reshape(-1, _FRAME) if len(block) >= _FRAME else block[None]
        scaled = block.astype(np.float32) / 32768
        out[start : start + len(block)] = 10 * np.log10(np.mean(scaled * scaled, axis=1) + 1e-10)
    return out


def levels_of(audio: Audio, most: int = 1200) -> Levels:
    """The recording's level over time, of the louder channel, in at most so many steps of whole tenths of a second."""
    frames = np.max([frame_levels_db(channel) for channel in audio.samples], axis=0)
    width = -(-len(frames) // most)
    padded = np.pad(frames, (0, -len(frames) % width), constant_values=-100.0).reshape(-1, width).max(axis=1)
    return Levels(width * _FRAME / RATE_HZ, tuple(round(float(level), 1) for level in padded))


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a recording's bytes; raises the `InputError` that fits where it cannot be read."""
    _check_file(path)
    return file_sha256(path)


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise errors.IsFolderError(
                f"{path}: a folder; expected a recording. Name the files in it, for example {path}/*.wav."
            )
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError as exc:
        raise errors.NotFoundError(f"{path}: no such file; expected a recording. Check the name and folder.") from exc
    except PermissionError as exc:
        raise errors.UnreadableError(
            f"{path}: not readable by this user. Ask for read permission, or copy it."
        ) from exc
    except OSError as exc:
        raise errors.UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the disk or the share.") from exc
    if size == 0:
        raise errors.EmptyFileError(f"{path.name}: an empty file (0 bytes); expected a recording. Copy it again.")


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
