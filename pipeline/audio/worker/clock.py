"""Place frames of sound on the recording's timeline by their time stamps (pure)."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_JUMP_S = 0.060  # smaller jumps, and jumps of up to two frames, are jitter
_MOST_DROPPED_SHARE = 0.05  # if sound runs further ahead of its stamps, the stamps are wrong


@dataclass(frozen=True)
class Place:
    """What to do before writing a frame: seconds of silence to insert, and seconds of the frame to skip."""

    fill_s: float = 0.0
    skip_s: float = 0.0


class Clock:
    """Places the frames of one track.

    If stamps jump ahead, something was not recorded, and the gap is filled. Smaller jitter is ignored, but position and
    stamp are always compared, so it cannot add up. If stamps jump back, the clock was restarted, and sound continues at
    the current position. Times are in seconds; `origin_s` is the stamp at which the recording starts.
    """

    def __init__(self, origin_s: float = 0.0) -> None:
        self.position_s = 0.0
        self.late_s = 0.0
        self._shift_s = -origin_s
        self._expected_s: float | None = None
        self._first_s = 0.0
        self._dropped_s = 0.0

    def start_at(self, origin_s: float) -> None:
        """Set the stamp at which the recording starts; call it before placing the first frame."""
        self._shift_s = -origin_s

    def place(self, stamp_s: float | None, duration_s: float) -> Place:
        """Place the next frame; `stamp_s` is None if it has no usable stamp."""
        least_s = max(LEAST_JUMP_S, 2 * duration_s)
        place = Place() if stamp_s is None else self._compare(stamp_s, duration_s, least_s)
        self.position_s += place.fill_s + duration_s - place.skip_s
        if stamp_s is not None:
            self._expected_s = stamp_s + duration_s
        elif self._expected_s is not None:
            self._expected_s += duration_s
        return place

    def jumps(self, stamp_s: float, duration_s: float) -> bool:
        """Whether a frame with this stamp would leave a gap after the previous one."""
        least_s = max(LEAST_JUMP_S, 2 * duration_s)
        return self.position_s > 0 and stamp_s + self._shift_s - self.position_s > least_s

    def _compare(self, stamp_s: float, duration_s: float, least_s: float) -> Place:
        if self._expected_s is None and self.position_s == 0:
            self._first_s = stamp_s
            late_s = stamp_s + self._shift_s
            if late_s <= least_s:  # the delay of an encoder
                self._shift_s = -stamp_s
                return Place()
            self.late_s = late_s
            return Place(fill_s=late_s)
        if self._expected_s is not None and stamp_s - self._expected_s < -least_s:
            self._shift_s = self.position_s - stamp_s
        ahead_s = stamp_s + self._shift_s - self.position_s
        if ahead_s > least_s:
            return Place(fill_s=ahead_s)
        if ahead_s < -least_s:
            skip_s = min(duration_s, -ahead_s)
            if self._dropped_s + skip_s <= 0.2 + _MOST_DROPPED_SHARE * max(0.0, stamp_s - self._first_s):
                self._dropped_s += skip_s
                return Place(skip_s=skip_s)
            self._shift_s -= ahead_s
        return Place()
