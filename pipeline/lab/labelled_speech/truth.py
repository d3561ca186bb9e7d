"""The truth of a conversation: every stretch of speech with its speaker and emotion, and its files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ressenti.pipeline.errors import InputError, UnreadableError
from ressenti.pipeline.records import CLASSES, Segment
from ressenti.pipeline.text import guarded, unguarded


@dataclass(frozen=True)
class TruthSegment:
    """Uninterrupted speech of one speaker, and its emotion; `channel` counts from 1.

    `label` is one of `CLASSES`, or empty if none applies or it is unknown; `valence` and `arousal` are None if unknown.
    `kind` is `turn` or `backchannel`, `source` the clip.
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
    """Truth as RTTM for a recording."""
    return "".join(
        f"SPEAKER {name} {s.channel} {s.start_s:.3f} {s.duration_s:.3f} <NA> <NA> {s.speaker} <NA> <NA>\n"
        for s in truth
    )


def emotions_csv(truth: Sequence[TruthSegment]) -> str:
    """Truth as CSV: a row for each segment, the fields of `TruthSegment` as columns, None as an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields(TruthSegment)])
    writer.writerows([_cell(value) for value in astuple(segment)] for segment in truth)
    return out.getvalue()


def _cell(value: float | str | None) -> float | str:
    return "" if value is None else guarded(value) if isinstance(value, str) else value


def read_truth(path: Path) -> tuple[TruthSegment, ...]:
    """Read truth from a NAME.emotions.csv; hand-made truth needs only start_s, end_s, speaker and label.

    Raises `InputError` if one of these columns is missing, or for a row with an invalid time or label.
    """
    truth = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {"start_s", "end_s", "speaker", "label"} - set(rows.fieldnames or ())
            if missing:
                raise InputError(
                    f"{path}: missing column {', '.join(sorted(missing))}; expected start_s,end_s,speaker,label."
                )
            truth += [_row(row) for row in rows]
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the permissions.") from exc
    except (ValueError, csv.Error) as exc:  # also undecodable text and invalid records
        raise InputError(f"{path}, line {rows.line_num}: {exc}. Fix the line or remove the file.") from exc
    return tuple(truth)


def _row(row: dict[str, str | None]) -> TruthSegment:
    cells = {name: unguarded((value or "").strip()) for name, value in row.items() if isinstance(name, str)}
    if cells["label"] not in ("", *CLASSES):
        raise ValueError(f"label {cells['label']!r}, expected one of {', '.join(CLASSES)}, or nothing")
    span = Segment(float(cells["start_s"] or "nan"), float(cells["end_s"] or "nan"), cells["speaker"])
    valence, arousal = (float(cells[axis]) if cells.get(axis) else None for axis in ("valence", "arousal"))
    if not all(value is None or -1 <= value <= 1 for value in (valence, arousal)):
        raise ValueError(f"valence {valence}, arousal {arousal}, expected values in [-1, 1]")
    return TruthSegment(
        start_s=span.start_s,
        end_s=span.end_s,
        speaker=span.speaker,
        channel=int(cells.get("channel") or 1),
        label=cells["label"],
        valence=valence,
        arousal=arousal,
        kind=cells.get("kind") or "turn",
        source=cells.get("source") or "",
    )


def as_found(truth: Sequence[TruthSegment]) -> tuple[tuple[Segment, ...], dict[str, str]]:
    """Segments that a perfect diarizer would find, and its label for each speaker.

    Labels follow the channels if there are several, else the order of first speech.
    """
    split = len({s.channel for s in truth}) > 1
    order = sorted(truth, key=lambda s: s.start_s)
    names: dict[str, str] = {}
    for segment in order:
        names.setdefault(segment.speaker, f"S{segment.channel if split else len(names) + 1}")
    return tuple(Segment(s.start_s, s.end_s, names[s.speaker]) for s in order), names
