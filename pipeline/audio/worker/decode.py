"""Decode an open file into messages: its tracks, their samples block by block, and how decoding ended."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import formats, lengths, ogg, structure
from .clock import Clock
from .opening import Job, open_file, positions_of, tracks_of, wanted_of
from .source import Source
from .track import Decoded, Refused, Rescale
from .tracks import Track

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

Message = tuple[dict[str, Any], bytes]
"""Kind of message (`is`) with its values, and samples if any: int16, interleaved."""

_GRANULES = {"opus": 48_000}
_PLAIN_BYTES = {"pcm_u8": 1, "pcm_s8": 1, "pcm_mulaw": 1, "pcm_alaw": 1, "pcm_s16le": 2, "pcm_s16be": 2}
_PACKETS_A_BEAT = 256
_MOST_LATE_PACKETS = 100_000
_LEAST_TAIL_BYTES = 4096  # after the sound, which do not count as damage


def messages(source: Source, job: Job) -> Iterator[Message]:
    """Yield all messages about a file; the last one is `end` or `refused`."""
    try:
        try:
            yield from _Reading(source, job).run()
        except Rescale:
            yield {"is": "again"}, b""
            yield from _Reading(source, job, _scale_of(source, job)).run()
    except Refused as refused:
        yield {"is": "refused", "why": refused.why, **refused.values}, b""
    except MemoryError:
        yield {"is": "refused", "why": "broke_down"}, b""
    except OSError as exc:  # from the disk; FFmpeg's own errors are caught where they occur
        yield {"is": "refused", "why": "unreadable", "reason": exc.strerror or "input/output error"}, b""


class _Reading:
    """One pass over a file."""

    def __init__(self, source: Source, job: Job, scale: float = 1.0) -> None:
        self.source = source
        self.job = job
        self.scale = scale
        self.unread = 0
        self.lengths = lengths.lengths_of(source)
        self.at = 0

    def run(self) -> Iterator[Message]:
        import av

        with open_file(self.source, self.job, self.lengths) as container:
            names = set(container.format.name.split(","))
            found = tracks_of(container)
            wanted, left = wanted_of(found, self.job, self.source, names)
            streams = {container.streams.audio[n - 1].index: container.streams.audio[n - 1] for n in wanted}
            origin_s = _origin_s(container, names, self.source)
            stamped = bool(names & formats.STAMPED)
            tracks = {
                index: Decoded(
                    self.job.limits,
                    stream.codec_context.layout.nb_channels or 1,
                    Clock(origin_s if origin_s is not None else _start_s(stream)),
                    stamped=stamped,
                    scale=self.scale,
                )
                for index, stream in streams.items()
            }
            pages = ogg.pages_of(self.source) if "ogg" in names else {}
            for index, stream in streams.items() if pages else ():
                rate_hz = _GRANULES.get(stream.codec_context.name, stream.codec_context.sample_rate)
                if not rate_hz:
                    continue
                most = int(self.job.limits.max_duration_s * rate_hz)
                if len(container.streams) == 1 and ogg.last_longer(pages, self.source, most):
                    raise Refused("too_long", most=self.job.limits.max_duration_s)
                tracks[index].pages = ogg.PageTimes(pages, rate_hz, self.source.size)
            for stream in streams.values() if not pages else ():
                self._check_plain(stream, len(container.streams))
            yield self._about(container, found, wanted, left), b""
            order = {index: number for number, index in enumerate(streams)}
            for index, (at, samples) in self._decode(container, streams, tracks):
                yield {"is": "sound", "track": order[index], "at": at}, samples
                yield {"is": "beat", "at_s": tracks[index].clock.position_s}, b""
            declared_s = {
                index: self._declared_s(container, stream, names, tracks[index].clock, origin_s or 0.0)
                for index, stream in streams.items()
            }
            sound_alone = len(container.streams) == len(container.streams.audio)
            for index, track in tracks.items():
                try:
                    blocks = list(track.finish())
                except av.error.FFmpegError:
                    track.damaged += 1
                    blocks = []
                for at, samples in blocks:
                    yield {"is": "sound", "track": order[index], "at": at}, samples
                yield from self._fill(track, order[index], declared_s[index], names, sound_alone=sound_alone)
            yield self._end(tracks, declared_s, pages, names), b""

    def _check_plain(self, stream: AudioStream, streams: int) -> None:
        """Refuse uncompressed sound that is too long for its bytes, before decoding hours of it."""
        context = stream.codec_context
        there = self.lengths.there or (self.source.size if self.job.demuxer else 0)
        second = _PLAIN_BYTES.get(context.name, 0) * context.layout.nb_channels * context.sample_rate
        if streams == 1 and second and there / second > self.job.limits.max_duration_s:
            raise Refused("too_long", most=self.job.limits.max_duration_s)

    def _decode(
        self, container: InputContainer, streams: dict[int, AudioStream], tracks: dict[int, Decoded]
    ) -> Iterator[tuple[int, tuple[int, bytes]]]:
        for stream in streams.values():
            stream.codec_context.thread_type = "NONE"
        for number, packet in enumerate(self._packets(container, streams), 1):
            track = tracks.get(packet.stream.index)
            if track is None:  # a stream that appeared after the file was opened
                continue
            if packet.size:
                track.packets += 1
                if packet.pos is not None and packet.pos >= 0:
                    self.at = max(self.at, packet.pos + packet.size)
            for block in self._packet(packet, track):
                yield packet.stream.index, block
            if number % _PACKETS_A_BEAT == 0:
                yield packet.stream.index, (track.out, b"")

    def _packets(self, container: InputContainer, streams: dict[int, AudioStream]) -> Iterator[Packet[AudioStream]]:
        """Yield packets of the streams until FFmpeg gives up."""
        import av

        late = 0
        packets = container.demux(*streams.values())
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except IndexError:  # PyAV does not know streams that appear after the file was opened
                packets = container.demux(*streams.values())
                late += 1
                if late > _MOST_LATE_PACKETS:
                    raise
                continue
            except av.error.MemoryError:
                raise
            except av.error.FFmpegError:
                self.unread = max(1, self.source.size - self.at)
                return
            yield cast("Packet[AudioStream]", packet)

    def _packet(self, packet: Packet[AudioStream], track: Decoded) -> Iterator[tuple[int, bytes]]:
        import av

        try:
            frames = packet.decode()
        except av.error.MemoryError:
            raise
        except (av.error.FFmpegError, ValueError):
            seconds = float((packet.duration or 0) * (packet.time_base or 0))
            track.lose(seconds, packet.size)
            return
        for frame in frames:
            try:
                yield from track.take(frame, packet.pos)
            except (av.error.FFmpegError, ValueError):
                track.damaged += 1

    def _declared_s(
        self, container: InputContainer, stream: AudioStream, names: set[str], clock: Clock, origin_s: float
    ) -> float | None:
        """End of the sound in seconds according to the header; None if it holds no length (estimates do not count)."""
        if "mp3" in names:
            return structure.mp3_promise_s(self.source)
        if not names & {"flac", "matroska", "webm", "mov", "mp4", "tta", "ape", "wv", "flv"}:
            return None
        if stream.duration is not None and stream.time_base is not None and stream.duration > 0:
            return float(stream.duration * stream.time_base) + clock.late_s
        sound_alone = len(container.streams) == len(container.streams.audio)  # video may outlast its sound
        if not sound_alone or not container.duration or container.duration <= 0:
            return None
        return container.duration / 1e6 - max(0.0, origin_s)  # Matroska counts from zero, not from its start

    def _fill(
        self, track: Decoded, number: int, declared_s: float | None, names: set[str], *, sound_alone: bool
    ) -> Iterator[Message]:
        """Add silence if the sound of a complete file ends before its length: the rest was muted."""
        missing_s = (declared_s or 0.0) - track.clock.position_s
        if not sound_alone or missing_s <= 0.25 or not track.packets or track.damaged or self.unread:
            return
        if not self._whole(names):
            return
        for at, samples in track.fill_to(declared_s or 0.0):
            yield {"is": "sound", "track": number, "at": at}, samples

    def _whole(self, names: set[str]) -> bool:
        if names & {"mov", "mp4"}:
            return structure.mp4_is_whole(self.source)
        return bool(names & {"matroska", "webm"}) and structure.matroska_is_whole(self.source)

    def _about(
        self,
        container: InputContainer,
        found: tuple[Track, ...],
        wanted: tuple[int, ...],
        left: dict[int, str],
    ) -> dict[str, Any]:
        estimated_s = container.duration / 1e6 if container.duration and container.duration > 0 else None
        return {
            "is": "about",
            "total_s": estimated_s,
            "all": len(found),
            "left": {str(number): why for number, why in left.items()},
            "tracks": [
                {
                    "number": number,
                    "codec": found[number - 1].codec,
                    "channels": max(1, found[number - 1].channels),
                    "positions": positions_of(container.streams.audio[number - 1]),
                }
                for number in wanted
            ],
        }

    def _end(
        self,
        tracks: dict[int, Decoded],
        declared_s: dict[int, float | None],
        pages: dict[int, ogg.Page],
        names: set[str],
    ) -> dict[str, Any]:
        for track in tracks.values():
            if track.tail_bytes <= max(_LEAST_TAIL_BYTES, self.source.size // 100) and track.out:
                track.damaged -= track.tail_packets
                track.packets -= track.tail_packets
                self.unread += track.tail_bytes
        if (other := structure.another_file(self.source, names, self.at)) is not None:  # files joined by `cat`
            self.unread = max(self.unread, self.source.size - other)
        gaps = any(track.gaps for track in tracks.values())
        broken = gaps and bool(names & {"matroska", "webm", "mov", "mp4"}) and not self._whole(names)
        if "flac" in names or broken:  # no frame may be missing here, so every gap is a loss
            for track in tracks.values():
                track.lost_s, track.gaps_s, track.gaps = track.lost_s + track.gaps_s, 0.0, 0
        return {
            "is": "end",
            "scale": self.scale,
            "unread": self.unread,
            "size": self.source.size,
            "promised": self.lengths.promised,
            "there": self.lengths.there,
            "inside_page": bool(pages) and ogg.ends_inside_a_page(pages, self.source),
            "tracks": [
                {
                    "rate_hz": track.rate_hz or self.job.limits.min_rate_hz,
                    "end_s": track.clock.position_s,
                    "late_s": track.clock.late_s,
                    "declared_s": declared_s[index],
                    "packets": track.packets,
                    "damaged": track.damaged,
                    "gaps": track.gaps,
                    "gaps_s": track.gaps_s,
                    "lost_s": track.lost_s,
                }
                for index, track in tracks.items()
            ],
        }


def _start_s(stream: AudioStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)


def _origin_s(container: InputContainer, names: set[str], source: Source) -> float | None:
    """Stamp at which a player starts: that of the earliest track, or zero in an unfragmented MP4."""
    if names & {"mov", "mp4"} and not structure.is_fragmented(source):
        return 0.0
    starts = [
        float(Fraction(stream.start_time) * stream.time_base)
        for stream in container.streams
        if stream.type in ("audio", "video") and stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts) if starts else None


def _scale_of(source: Source, job: Job) -> float:
    """Divisor for float samples stored at integer scale; nearly 1.0 if they merely clip."""
    import av

    peak, loud, nonzero = 0.0, 0, 0
    with open_file(source, job, lengths.lengths_of(source)) as container:
        try:
            for frame in container.decode(audio=(job.track or 1) - 1):
                values = np.abs(frame.to_ndarray())
                if not np.isfinite(values).all():
                    raise Refused("not_numbers", at=round(frame.time or 0.0, 1))
                peak = max(peak, float(values.max(initial=0.0)))
                loud, nonzero = loud + int((values > 1).sum()), nonzero + int((values > 0).sum())
        except av.error.FFmpegError:
            pass
    if loud < 0.05 * nonzero:
        return 1.0 + 1e-9  # a spike: clipped like any other, and not measured again
    for scale in (2.0**15, 2.0**23, 2.0**31):
        if peak <= scale * 1.01:
            return scale
    raise Refused("not_numbers", at=0.0)
