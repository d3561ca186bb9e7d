"""Recording file -> 16 kHz samples per channel: the only decoder, and the cutting and encoding of excerpts."""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import numpy.typing as npt

from pipeline import errors
from pipeline.config import AudioOptions
from pipeline.records import Note, Progress, Recording, ignore_progress

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from pydub import AudioSegment

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


@dataclass(frozen=True)
class Layout:
    """Which channels are analysed: `mono` (one, with all voices) or `split` (one speaker per channel), and why."""

    mode: Literal["mono", "split"]
    reason: Note
    audio: Audio


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
    audio = Audio(samples)
    if audio.samples.shape[1] == 0:
        raise errors.ZeroLengthError(
            f"{path.name}: a {codec} file that holds no samples; expected sound. Export the recording again."
        )
    missing_s = (declared_s or 0.0) - audio.duration_s
    broken = damaged > max(1, packets // 100)
    if missing_s > max(0.25, 0.005 * audio.duration_s) or broken:
        why = (
            f"its header says {declared_s:.1f} s, {audio.duration_s:.1f} s could be decoded"
            if missing_s > 0.25
            else f"{damaged} of its {packets} packets cannot be decoded"
        )
        if not options.allow_truncated:
            raise errors.TruncatedError(
                f"{path.name}: truncated or damaged: {why}. Copy or export it again, "
                "or set audio.allow_truncated: true in a config to analyse what is there."
            )
        notes.append(Note("truncated", {"got": round(audio.duration_s, 1)}))
    elif damaged:
        notes.append(Note("damaged", {"damaged": damaged, "packets": packets}))
    _check_samples(path, audio, options)
    recording = Recording(
        name=path.name,
        sha256=file_sha256(path),
        duration_s=audio.duration_s,
        channels=audio.samples.shape[0],
        sample_rate_hz=rate_hz,
        codec=codec,
        notes=tuple(notes),
    )
    return recording, audio


def lay_out(audio: Audio, mode: Literal["auto", "mono", "split"], options: AudioOptions) -> Layout:
    """Decide whether channels are speakers, and say why.

    `auto` splits two channels when each is the louder one by `dominance_db` in part of the sound and one of
    them is so in most of it; identical channels, a silent one and a stereo microphone are analysed as mono.
    Raises `ConfigError` when `split` is asked for on a single channel.
    """
    channels = audio.samples.shape[0]
    if mode == "split":
        if channels < 2:
            raise errors.ConfigError("--channels split: the recording has 1 channel; expected 2 or more. Use auto.")
        return Layout("split", Note("split_asked", {"channels": channels}), audio)
    if channels == 1:
        return Layout("mono", Note("one_channel"), audio)
    if mode == "mono" or channels > 2:
        key = "mono_asked" if mode == "mono" else "many_channels"
        return Layout("mono", Note(key, {"channels": channels}), Audio(_mix(audio.samples)))
    levels = np.stack([frame_levels_db(channel) for channel in audio.samples])
    loud = np.percentile(levels, 95, axis=1)
    quiet = int(np.argmin(loud))
    if loud[quiet] < options.silent_dbfs or loud[quiet] < loud[1 - quiet] - options.silent_channel_db:
        reason = Note("silent_channel", {"silent": quiet + 1, "used": 2 - quiet})
        return Layout("mono", reason, Audio(audio.samples[1 - quiet][None]))
    active = levels.max(axis=0) > loud.max() - 30
    lead = levels[0, active] - levels[1, active]
    first, second = (float(np.mean(sign * lead > options.dominance_db)) for sign in (1, -1))
    lead_values: dict[str, float | int | str] = {
        "percent": round(100 * (first + second)),
        "decibel": options.dominance_db,
    }
    if first + second >= options.dominance_share and min(first, second) >= 0.02:
        return Layout("split", Note("channels_differ", lead_values), audio)
    return Layout("mono", Note("channels_alike", lead_values), Audio(_mix(audio.samples)))


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


def segment(samples: Samples) -> AudioSegment:
    """Samples (n,) as a pydub segment, for cutting, levelling and silencing."""
    with warnings.catch_warnings():  # pydub looks for an FFmpeg program, which nothing here needs
        warnings.simplefilter("ignore")
        from pydub import AudioSegment

    return AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=RATE_HZ, channels=1)


def loudness_dbfs(samples: Samples) -> float | None:
    """RMS level of samples (n,) in dBFS, or None where there is no sound at all."""
    level = float(segment(samples).dBFS)
    return level if np.isfinite(level) else None


def excerpt(samples: Samples, level_dbfs: float | None = None, fade_s: float = 0.01) -> AudioSegment:
    """An excerpt with short fades against clicks, levelled to `level_dbfs` (without clipping) where it is given."""
    sound = segment(samples)
    if level_dbfs is not None and np.isfinite(sound.dBFS):
        sound = sound.apply_gain(min(level_dbfs - sound.dBFS, -sound.max_dBFS))
    fade_ms = min(int(fade_s * 1000), len(sound) // 2)
    return sound.fade_in(fade_ms).fade_out(fade_ms)


def encode(sound: AudioSegment, path: Path) -> None:
    """Write a pydub segment with PyAV in the format that the file's ending names (wav, flac, mp3, opus, ...)."""
    import av

    codecs = {".wav": "pcm_s16le", ".flac": "flac", ".mp3": "libmp3lame", ".opus": "libopus", ".ogg": "libopus"}
    codec = codecs.get(path.suffix.lower())
    if codec is None:
        raise errors.OutputError(f"{path.name}: cannot encode {path.suffix!r}; expected one of {', '.join(codecs)}.")
    rate_hz = 48_000 if codec == "libopus" else sound.frame_rate
    with av.open(str(path), "w") as container:
        stream = cast("AudioStream", container.add_stream(codec, rate=rate_hz, layout="mono"))
        frame = av.AudioFrame.from_ndarray(np.frombuffer(sound.raw_data, np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = sound.frame_rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout="mono",
            rate=rate_hz,
            frame_size=stream.codec_context.frame_size or None,
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    except (av.error.FFmpegError, OSError) as exc:
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
    return container.duration / 1e6 if container.duration and container.duration > 0 else None


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
    resampler = av.AudioResampler(format="s16p", layout=layout, rate=RATE_HZ)
    buffers = [bytearray() for _ in range(channels)]
    damaged = packets = 0
    total_s = declared_s or (container.duration / 1e6 if container.duration and container.duration > 0 else None)

    def keep(frame: AudioFrame | None) -> None:
        for piece in resampler.resample(frame):
            for buffer, plane in zip(buffers, piece.to_ndarray(), strict=True):
                buffer.extend(plane.tobytes())

    stream.codec_context.thread_type = "AUTO"
    for packet in container.demux(stream):
        packets += 1
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            damaged += 1
            continue
        for frame in frames:
            _check_finite(frame, path, len(buffers[0]) / 2 / RATE_HZ)
            keep(frame)
        if packets % 200 == 0:
            progress("audio", len(buffers[0]) / 2 / RATE_HZ, total_s)
    if buffers[0] or packets > damaged + 1:
        keep(None)
    return np.stack([np.frombuffer(buffer, dtype=np.int16) for buffer in buffers]), damaged, packets


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


def _mix(samples: Samples) -> Samples:
    """Mean of the channels, (channels, n) -> (1, n), block by block."""
    out = np.empty((1, samples.shape[1]), dtype=np.int16)
    for start in range(0, samples.shape[1], 1 << 20):
        part = slice(start, start + (1 << 20))
        out[0, part] = np.round(samples[:, part].mean(axis=0, dtype=np.float32)).astype(np.int16)
    return out


__all__ = ["RATE_HZ", "Audio", "Layout", "encode", "excerpt", "file_sha256", "lay_out", "load"]
