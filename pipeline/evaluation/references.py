"""A folder of recordings -> those whose speakers are known, with their references and what of them is scored."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError, NotFoundError, UnreadableError
from pipeline.evaluation.diarization import read_rttm
from pipeline.evaluation.turn_emotions import SpokenEmotion
from pipeline.records import CLASSES, Segment

ENDINGS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".mp4", ".webm")


@dataclass(frozen=True)
class Reference:
    """A recording with its true segments, and the emotions of its turns where they are known.

    `scored` are spans of a UEM file, None where the whole is scored.
    """

    recording: Path
    segments: tuple[Segment, ...]
    scored: tuple[tuple[float, float], ...] | None = None
    emotions: tuple[SpokenEmotion, ...] = ()


def find_references(folder: Path) -> list[Reference]:
    """Every recording under a folder that has a reference, by name.

    A reference is an RTTM in the recording's folder that names it (several may share a file), or else one whose own
    name begins the recording's (`call.rttm` for `call_stereo8k.flac`). UEM files beside it limit what is scored, and
    NAME.emotions.csv tells the emotions of its turns. Raises `NotFoundError` where there is none.
    """
    found: dict[Path, tuple[Segment, ...]] = {}
    recordings = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS]
    for rttm in sorted(folder.rglob("*.rttm")):
        named = {line.split()[1] for line in rttm.read_text(encoding="utf-8").splitlines() if len(line.split()) > 1}
        for recording in recordings:
            if recording.parent != rttm.parent:
                continue
            if recording.stem in named:
                found[recording] = read_rttm(rttm, recording.stem)
            elif recording not in found and recording.stem.startswith(rttm.stem):
                found[recording] = read_rttm(rttm)
    if not found:
        raise NotFoundError(
            f"{folder}: no recording with an RTTM beside it; expected NAME.wav (or flac, ...) and NAME.rttm."
        )
    return [Reference(path, own, _scored(path), _emotions(path, own)) for path, own in sorted(found.items())]


def read_emotions(path: Path) -> tuple[SpokenEmotion, ...]:
    """Rows of a CSV of turns (start_s, end_s, speaker, label) whose label is known, that is, not empty.

    Raises `InputError` for a file without these columns, and for a row that is no turn or has another label.
    """
    known = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {"start_s", "end_s", "speaker", "label"} - set(rows.fieldnames or ())
            if missing:
                raise InputError(
                    f"{path}: no column {', '.join(sorted(missing))}; expected start_s,end_s,speaker,label."
                )
            for row in rows:
                label = (row["label"] or "").strip()
                if label not in (*CLASSES, ""):
                    raise ValueError(f"label {label!r}, expected one of {', '.join(CLASSES)}, or nothing")
                turn = Segment(
                    float(row["start_s"] or "nan"), float(row["end_s"] or "nan"), (row["speaker"] or "").strip()
                )
                if label:
                    known.append(SpokenEmotion(turn.start_s, turn.end_s, turn.speaker, label))
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the permissions.") from exc
    except (ValueError, csv.Error) as exc:  # also what is no text, and records that refuse
        raise InputError(f"{path}, line {rows.line_num}: {exc}. Correct it, or move it away.") from exc
    return tuple(known)


def _emotions(recording: Path, segments: tuple[Segment, ...]) -> tuple[SpokenEmotion, ...]:
    path = recording.with_name(f"{recording.stem}.emotions.csv")
    if not path.is_file():
        return ()
    emotions = read_emotions(path)
    strange = {e.speaker for e in emotions} - {s.speaker for s in segments}
    if strange:
        raise InputError(f"{path}: speakers {sorted(strange)} that the RTTM does not know; expected the same names.")
    return emotions


def _scored(recording: Path) -> tuple[tuple[float, float], ...] | None:
    spans = []
    for uem in sorted(recording.parent.glob("*.uem")):
        for line in uem.read_text(encoding="utf-8").splitlines():
            fields = line.split()
            if len(fields) >= 4 and fields[0] == recording.stem:
                spans.append((float(fields[2]), float(fields[3])))
    return tuple(spans) or None
