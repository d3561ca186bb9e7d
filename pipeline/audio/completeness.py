"""Judge from the decoder's last message whether a recording is complete, and make notes for the reader (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ressenti.pipeline.records import Note

LOST_SHARE = 0.05  # largest share of sound that a usable file may have lost


@dataclass(frozen=True)
class Ending:
    """Result of decoding one track: seconds of sound, and what is missing.

    `gaps_s` was never recorded (a muted microphone), `lost_s` was damaged; both are silent now. `promised` and `there`
    are the bytes of sound according to the header and in the file, `unread` those after the decoder stopped, of `size`.
    """

    rate_hz: int
    end_s: float
    late_s: float
    declared_s: float | None
    packets: int
    damaged: int
    gaps: int
    gaps_s: float
    lost_s: float
    promised: int | None
    there: int
    unread: int
    size: int
    inside_page: bool

    @classmethod
    def of(cls, end: Mapping[str, Any], track: Mapping[str, Any]) -> Self:
        """Make it from the decoder's last message."""
        whole = {key: end[key] for key in ("promised", "there", "unread", "size", "inside_page")}
        return cls(**track, **whole)

    @property
    def said_s(self) -> float | None:
        """Seconds of sound according to the header."""
        if self.promised is not None and self.there > 0:
            return self.end_s * self.promised / self.there
        return self.declared_s


def doubts_of(endings: Sequence[Ending]) -> tuple[str, ...]:
    """Reasons why a recording is incomplete, as text; empty if it is complete."""
    return tuple(dict.fromkeys(doubt for ending in endings for doubt in _doubts(ending)))


def _doubts(ending: Ending) -> Iterator[str]:
    promised_s = ending.said_s
    if promised_s is not None and promised_s - ending.end_s > max(0.25, 0.005 * ending.end_s):
        yield f"its header says {promised_s:.1f} s, but only {ending.end_s:.1f} s could be decoded"
    if ending.damaged > max(1, ending.packets // 100):
        yield f"{ending.damaged} of its {ending.packets} packets cannot be decoded"
    if ending.lost_s > LOST_SHARE * ending.end_s:
        yield f"{ending.lost_s:.1f} of its {ending.end_s:.1f} s are lost"
    if ending.unread > max(4096, ending.size // 50):
        yield f"its last {ending.unread} of {ending.size} bytes cannot be decoded"
    if ending.inside_page:
        yield "it ends in the middle of a page"


def notes_of(endings: Sequence[Ending], *, truncated: bool) -> tuple[Note, ...]:
    """Notes for the reader on how the recording was read; with several tracks, the largest figure of each kind."""
    notes = []
    end_s = max(ending.end_s for ending in endings)
    if truncated:
        notes.append(Note("truncated", {"got": round(end_s, 1)}))
    damaged = max(endings, key=lambda ending: ending.damaged)
    if damaged.damaged and not truncated:
        notes.append(Note("damaged", {"damaged": damaged.damaged, "packets": damaged.packets}))
    gaps = max(endings, key=lambda ending: ending.gaps_s)
    if gaps.gaps:
        notes.append(Note("gaps_filled", {"seconds": round(gaps.gaps_s, 1), "count": gaps.gaps}))
    lost_s = max(ending.lost_s for ending in endings)
    if lost_s > 0:
        notes.append(Note("lost_filled", {"seconds": round(lost_s, 2), "percent": round(100 * lost_s / end_s, 1)}))
    late_s = min(ending.late_s for ending in endings)
    if late_s > 0:
        notes.append(Note("late_start", {"seconds": round(late_s, 1)}))
    first = endings[0]
    if first.promised is not None and first.there > first.promised + max(4096, first.there // 200):
        promised_s = first.end_s * first.promised / first.there
        notes.append(Note("early_header", {"said": round(promised_s, 1), "read": round(first.end_s, 1)}))
    if first.unread and not truncated:
        notes.append(Note("trailing_bytes", {"bytes": first.unread}))
    return tuple(notes)
