"""Turn frames of one sound track into blocks of samples on the recording's timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .clock import Clock
from .ogg import PageTimes

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

BLOCK = 1 << 17  # samples of one channel handed over at a time, at most
_SCALED = 16.0  # a float sample beyond this is not an overload: the file uses integer scale


class Refused(Exception):  # noqa: N818  # named for what it is
    """A file that cannot be analysed: a key for which the parent has a message, and its values."""

    def __init__(self, why: str, **values: float | str) -> None:
        super().__init__(why)
        self.why = why
        self.values = values


class Rescale(Exception):  # noqa: N818
    """Float samples at integer scale: the file must be measured and decoded again."""


@dataclass(frozen=True)
class Limits:
    """Limits on a file; the rest of the request is in `opening.Job`."""

    rate_hz: int
    max_duration_s: float
    min_rate_hz: int
    max_rate_hz: int
    max_channels: int


Block = tuple[int, bytes]
"""Position in samples at 16 kHz, and the samples: int16, interleaved."""


class Decoded:
    """One track being decoded: places its frames in time and resamples them to 16 kHz without mixing channels."""

    def __init__(self, limits: Limits, channels: int, clock: Clock, *, stamped: bool, scale: float = 1.0) -> None:
        self.channels = channels
        self.clock = clock
        self.pages: PageTimes | None = None
        self.gaps = self.packets = self.damaged = 0
        self.gaps_s = self.lost_s = self._owed_s = 0.0
        self.tail_packets = self.tail_bytes = 0
        self.rate_hz = 0
        self.out = 0
        self._limits = limits
        self._stamped = stamped
        self._scale = scale
        self._input_format: tuple[str, str, int] | None = None
        self._resampler: Any = None
        self._pending: list[npt.NDArray[np.int16]] = []
        self._pending_samples = self._drop = 0
        self._page: list[AudioFrame] = []
        self._page_at: int | None = None

    def take(self, frame: AudioFrame, at: int | None) -> Iterator[Block]:
        """Take a frame whose packet is at offset `at` of the file, and yield the blocks that are ready."""
        self._check(frame)
        self.tail_packets = self.tail_bytes = 0
        if self._owed_s:
            owed_s, self._owed_s = self._owed_s, 0.0
            self._bound(self.clock.position_s + owed_s)
            yield from self._silence(owed_s)
            self.clock.place(None, owed_s)
            self.lost_s += owed_s
        if self.pages is None:
            stamp = frame.time if self._stamped and frame.pts is not None and frame.time_base else None
            yield from self._place(frame, stamp, lost=False)
            return
        if at != self._page_at:
            yield from self._end_page()
            self._page_at = at
        self._page.append(frame)

    def lose(self, seconds: float, size: int) -> None:
        """Count a packet that could not be decoded; without time stamps, silence will replace it.

        Packets after the last good one are not sound of this track, but other data behind it.
        """
        self.damaged += 1
        self.tail_packets += 1
        self.tail_bytes += size
        if not self._stamped and 0 < seconds < 10:
            self._owed_s += seconds

    def finish(self) -> Iterator[Block]:
        """Yield the remaining blocks."""
        yield from self._end_page()
        if self.pages is not None and (rest_s := self.pages.rest_s()) > 0.1:
            self._bound(self.clock.position_s + rest_s)
            self.lost_s += rest_s
            yield from self._silence(rest_s)
            self.clock.place(None, rest_s)
        yield from self._flush()
        target = round(self.clock.position_s * self._limits.rate_hz)
        if target - self.out > self._limits.rate_hz // 10:
            yield target, b""
            self.out = target

    def fill_to(self, seconds: float) -> Iterator[Block]:
        """Add silence up to a time, for a complete file whose sound ends early."""
        rest_s = seconds - self.clock.position_s
        self._bound(seconds)
        self.gaps += 1
        self.gaps_s += rest_s
        yield from self._silence(rest_s)
        self.clock.place(None, rest_s)
        yield self.out, b""

    def _end_page(self) -> Iterator[Block]:
        frames, self._page = self._page, []
        if not frames or self.pages is None or self._page_at is None:
            return
        stamp, missing = self.pages.read(self._page_at, sum(f.samples / f.sample_rate for f in frames))
        if missing and self.clock.position_s == 0:  # the first pages are lost, so times count from zero
            self.clock.start_at(0.0)
        whole = [frame.samples / frame.sample_rate for frame in frames]
        if stamp is not None and not missing and self.clock.jumps(stamp, whole[0]):
            # a page is written when a packet takes it past its time limit, so the gap is before the last packet
            stamps = [*[None] * (len(frames) - 1), stamp + sum(whole[:-1])]
        else:
            stamps = [stamp, *[None] * (len(frames) - 1)]
        for frame, at in zip(frames, stamps, strict=True):
            yield from self._place(frame, at, lost=missing)
            missing = False

    def _place(self, frame: AudioFrame, stamp_s: float | None, *, lost: bool) -> Iterator[Block]:
        first = self.clock.position_s == 0
        place = self.clock.place(stamp_s, frame.samples / frame.sample_rate)
        self._bound(self.clock.position_s)
        if place.fill_s > 0:
            if lost:
                self.lost_s += place.fill_s
                self.clock.late_s = 0.0 if first else self.clock.late_s
            elif not first:
                self.gaps += 1
                self.gaps_s += place.fill_s
            yield from self._silence(place.fill_s, self.clock.position_s - frame.samples / frame.sample_rate)
        self._drop += round(place.skip_s * self._limits.rate_hz)
        yield from self._resample(frame)

    def _silence(self, seconds: float, until_s: float | None = None) -> Iterator[Block]:
        """Advance the position without writing, as unwritten samples are silent."""
        yield from self._flush()
        until = self.out + round(seconds * self._limits.rate_hz)
        if until_s is not None:
            until = max(self.out, round(until_s * self._limits.rate_hz))
        self.out = until

    def _check(self, frame: AudioFrame) -> None:
        limits, rate = self._limits, frame.sample_rate
        if not limits.min_rate_hz <= rate <= limits.max_rate_hz:
            raise Refused("rate", rate=rate, least=limits.min_rate_hz, most=limits.max_rate_hz)
        if frame.layout.nb_channels > limits.max_channels:
            raise Refused("channels", channels=frame.layout.nb_channels, most=limits.max_channels)
        self.rate_hz = self.rate_hz or rate

    def _bound(self, seconds: float) -> None:
        if seconds > self._limits.max_duration_s:
            raise Refused("too_long", most=self._limits.max_duration_s)

    def _resample(self, frame: AudioFrame) -> Iterator[Block]:
        import av

        if frame.format.name in {"flt", "fltp", "dbl", "dblp"}:
            frame = self._finite(frame)
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._input_format:  # it may change in the middle of a file
            self._drain()
            self._resampler = av.AudioResampler(format="s16", layout=frame.layout, rate=self._limits.rate_hz)
            self._input_format = kind
        frame.pts = None
        for piece in self._resampler.resample(frame):
            self._keep(piece)
        if self._pending_samples >= BLOCK:
            yield from self._hand_over()

    def _finite(self, frame: AudioFrame) -> AudioFrame:
        import av

        values = frame.to_ndarray()
        if not np.isfinite(values).all():
            raise Refused("not_numbers", at=round(self.clock.position_s, 1))
        if self._scale == 1.0:
            if frame.format.name in {"flt", "dbl"} and values.size and float(np.abs(values).max()) > _SCALED:
                raise Rescale
            return frame
        scaled = av.AudioFrame.from_ndarray(values / self._scale, format=frame.format.name, layout=frame.layout.name)
        scaled.sample_rate = frame.sample_rate
        return scaled

    def _keep(self, piece: AudioFrame) -> None:
        count = piece.layout.nb_channels
        samples = np.frombuffer(memoryview(piece.planes[0]), np.int16, piece.samples * count).reshape(-1, count)
        if self._drop:
            dropped = min(self._drop, len(samples))
            samples, self._drop = samples[dropped:], self._drop - dropped
        if count != self.channels:
            samples = _fitted(samples, self.channels)
        self._pending.append(samples.copy())
        self._pending_samples += len(samples)

    def _drain(self) -> None:
        if self._resampler is not None:
            for piece in self._resampler.resample(None):
                self._keep(piece)
        self._resampler = self._input_format = None

    def _flush(self) -> Iterator[Block]:
        self._drain()
        yield from self._hand_over()

    def _hand_over(self) -> Iterator[Block]:
        if not self._pending:
            return
        whole = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
        self._pending, self._pending_samples = [], 0
        for start in range(0, len(whole), BLOCK):
            part = whole[start : start + BLOCK]
            yield self.out, part.tobytes()
            self.out += len(part)


def _fitted(samples: npt.NDArray[np.int16], channels: int) -> npt.NDArray[np.int16]:
    """Fit samples (n, any) to a number of channels: mono is repeated, one gets the mean, others are cut or padded."""
    if samples.shape[1] == 1:
        return np.repeat(samples, channels, axis=1)
    if channels == 1:
        mean: npt.NDArray[np.int16] = np.round(samples.mean(axis=1, dtype=np.float32)).astype(np.int16)
        return mean[:, None]
    out = np.zeros((len(samples), channels), np.int16)
    both = min(channels, samples.shape[1])
    out[:, :both] = samples[:, :both]
    return out
