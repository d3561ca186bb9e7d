"""Open a file with FFmpeg's libraries and choose the sound tracks to decode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import formats, lengths, structure
from .source import Source
from .track import Limits, Refused
from .tracks import Track, chosen

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer


@dataclass(frozen=True)
class Job:
    """Request to the decoder.

    `demuxer` and its options are set for headerless sound. `track` counts from 1; for None see `tracks.chosen`.
    """

    limits: Limits
    demuxer: str = ""
    demuxer_options: dict[str, str] = field(default_factory=dict)
    track: int | None = None
    ending: str = ""


def open_file(source: Source, job: Job, found: lengths.Lengths) -> InputContainer:
    """Open the file with its header corrected; refuse files that are not sound or only refer to it."""
    import av

    if words := formats.description(source):
        raise Refused("description", what=words)
    source.patches, source.end = found.patches, found.end or source.size
    source.seek(0)
    demuxer, more = job.demuxer, dict(job.demuxer_options)
    if not demuxer and job.ending in formats.HEADERLESS and not formats.has_header(source):
        demuxer, more = formats.HEADERLESS[job.ending]
    options = {"protocol_whitelist": "", "format_whitelist": ",".join(formats.ALLOWED), **found.options, **more}
    try:
        return av.open(source, "r", format=demuxer or None, options=options, metadata_errors="replace")
    except av.error.MemoryError:
        raise
    except (av.error.FFmpegError, ValueError) as exc:
        if source.at(4, 4) in (b"ftyp", b"moov", b"mdat", b"wide", b"free") and not structure.moov_bytes(source, 8):
            raise Refused("no_index") from exc
        raise Refused("damaged_header" if formats.has_header(source) else "unknown_format") from exc


def tracks_of(container: InputContainer) -> tuple[Track, ...]:
    """Describe a file's sound tracks."""
    tracks = []
    for number, stream in enumerate(container.streams.audio, 1):
        context = stream.codec_context
        disposition = stream.disposition
        uses = tuple(flag.name for flag in type(disposition) if flag in disposition and flag.name)
        tracks.append(
            Track(
                number,
                context.name if context else "",
                context is not None,
                context.layout.nb_channels if context else 0,
                context.sample_rate if context else 0,
                (stream.language or "").lower(),
                stream.metadata.get("title", stream.metadata.get("handler_name", "")),
                "default" in uses,
                uses,
            )
        )
    return tuple(tracks)


def wanted_of(
    found: tuple[Track, ...], job: Job, source: Source, names: set[str]
) -> tuple[tuple[int, ...], dict[int, str]]:
    """Numbers of the tracks to decode and of those left out with the reason; refuse before any sound is read."""
    limits = job.limits
    if not found:
        raise Refused("no_sound", container=",".join(sorted(names)))
    if job.track is not None and not 1 <= job.track <= len(found):
        raise Refused("no_such_track", track=job.track, tracks=len(found))
    if names & {"mov", "mp4"}:
        _check_mp4(structure.moov_bytes(source))
    wanted, left = chosen(found, job.track)
    decodable = [number for number in wanted if found[number - 1].decodable]
    if not decodable:
        raise Refused("no_decoder", codec=_codec_name(source, job))
    for number in decodable:
        track = found[number - 1]
        if track.channels > limits.max_channels:
            raise Refused("channels", channels=track.channels, most=limits.max_channels)
        if track.rate_hz and not limits.min_rate_hz <= track.rate_hz <= limits.max_rate_hz:
            raise Refused("rate", rate=track.rate_hz, least=limits.min_rate_hz, most=limits.max_rate_hz)
    together = sum(max(1, found[number - 1].channels) for number in decodable)
    if together > limits.max_channels:
        raise Refused("many_tracks", channels=together, tracks=len(decodable), most=limits.max_channels)
    return tuple(decodable), left


def _check_mp4(moov: bytes) -> None:
    """Refuse an MP4 whose sound is encrypted or in another file."""
    if b"enca" in moov and b"schm" in moov:
        raise Refused("encrypted")
    if structure.refers_elsewhere(moov):
        raise Refused("elsewhere")


def _codec_name(source: Source, job: Job) -> str:
    """Name of a codec without decoder, from FFmpeg's log, as PyAV does not give it."""
    import re

    import av

    source.seek(0)
    level = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as lines, av.open(source, options={"protocol_whitelist": ""}):
            pass
    except (av.error.FFmpegError, ValueError):
        return ""
    finally:
        av.logging.set_level(level)
    found = re.search(r"Audio: ([\w.-]+)", " ".join(line[2] for line in lines))
    return found.group(1) if found and found.group(1) != "none" else ""


def positions_of(stream: AudioStream) -> list[str]:
    """Loudspeaker positions of a track's channels, by FFmpeg's names; empty if the track does not say."""
    layout = stream.codec_context.layout
    names = [channel.name for channel in layout.channels]
    known = len(set(names)) == layout.nb_channels and not any(n.upper() in {"", "NONE", "UNK", "UNSD"} for n in names)
    return names if known and not layout.name.endswith("channels") else []
