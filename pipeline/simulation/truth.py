"""The truth of a conversation: every stretch of speech, whose it is and how it sounds; its files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from pipeline.errors import NotFoundError
from pipeline.records import CLASSES, Segment


@dataclass(frozen=True)
class TruthSegment:
    """Uninterrupted speech of one speaker, and how it sounds; `channel` counts from 1.

    `label` is one of `CLASSES`, empty where the speech has none of them or it is not known; `valence` and `arousal`
    are None where not known. `kind` is `turn` or `backchannel`, `source` the clip.
    """

    start_s: float
    end_s: float
    speaker: str
    channel: int
    label: str
    valence: float | None
    arousal: float | None
    kind: str
    source: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def rttm(truth: Sequence[TruthSegment], name: str) -> str:
    """Truth as RTTM of a recording."""
    return "".join(
        f"SPEAKER {name} {s.channel} {s.start_s:.3f} {s.duration_s:.3f} <NA> <NA> {s.speaker} <NA> <NA>\n"
        for s in truth
    )


def emotions_csv(truth: Sequence[TruthSegment]) -> str:
    """Truth as CSV: a row for each stretch, the fields of `TruthSegment` as columns, empty where None."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(TruthSegment)])
    writer.writerows(["" if value is None else value for value in astuple(segment)] for segment in truth)
    return out.getvalue()


def read_truth(path: Path) -> tuple[TruthSegment, ...]:
    """Truth from a NAME.emotions.csv; `NotFoundError` where it is not one.

    Only start_s, end_s, speaker and label are needed, so that truth made by hand can be read as well.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"start_s", "end_s", "speaker", "label"} <= set(rows[0]):
        raise NotFoundError(f"{path}: not a truth of emotions; expected the columns start_s, end_s, speaker, label.")
    try:
        truth = tuple(_row(row) for row in rows)
    except (ValueError, TypeError) as exc:
        raise NotFoundError(f"{path}: {exc}; expected numbers in start_s, end_s, valence, arousal.") from exc
    if unknown := {s.label for s in truth} - {"", *CLASSES}:
        raise NotFoundError(f"{path}: unknown labels {', '.join(sorted(unknown))}; expected {', '.join(CLASSES)}.")
    return truth


def _row(row: dict[str, str]) -> TruthSegment:
    valence, arousal = (float(row[axis]) if row.get(axis) else None for axis in ("valence", "arousal"))
    return TruthSegment(
        start_s=float(row["start_s"]),
        end_s=float(row["end_s"]),
        speaker=row["speaker"],
        channel=int(row.get("channel") or 1),
        label=row["label"],
        valence=valence,
        arousal=arousal,
        kind=row.get("kind") or "turn",
        source=row.get("source") or "",
    )


def as_found(truth: Sequence[TruthSegment]) -> tuple[tuple[Segment, ...], dict[str, str]]:
    """Segments as a perfect diarizer would find them, and its labels by speaker.

    Labels follow the channels where there are several, and otherwise the order of first speech.
    """
    split = len({s.channel for s in truth}) > 1
    order = sorted(truth, key=lambda s: s.start_s)
    names: dict[str, str] = {}
    for segment in order:
        names.setdefault(segment.speaker, f"S{segment.channel if split else len(names) + 1}")
    return tuple(Segment(s.start_s, s.end_s, names[s.speaker]) for s in order), names
