"""A folder of recordings -> those with a reference, and the spans of them that are scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline.errors import InputError, NotFoundError
from ressenti.pipeline.files.paths import existing, is_file
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.lab.evaluation.turn_emotions import SpokenEmotion
from ressenti.pipeline.lab.labelled_speech.truth import read_truth
from ressenti.pipeline.records import Segment

ENDINGS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".mp4", ".webm")


@dataclass(frozen=True)
class Reference:
    """A recording with its true segments and, if known, the emotions of its turns.

    `source` is the RTTM; `scored` are the spans of a UEM file, None if the whole recording is scored.
    """

    recording: Path
    segments: tuple[Segment, ...]
    source: Path
    scored: tuple[tuple[float, float], ...] | None = None
    emotions: tuple[SpokenEmotion, ...] = ()


def find_references(folder: Path) -> list[Reference]:
    """Find every recording under a folder that has a reference, by name.

    A reference is an RTTM in the recording's folder that names it (several may share a file), or else one whose file
    name begins the recording's (`call.rttm` for `call_stereo8k.flac`). UEM files beside it limit what is scored, and
    NAME.emotions.csv has the emotions of its turns. Raises `NotFoundError` if there is no reference.
    """
    existing(folder, "a folder of recordings with an RTTM beside each")
    found: dict[Path, tuple[tuple[Segment, ...], Path]] = {}
    recordings = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS]
    for rttm in sorted(folder.rglob("*.rttm")):
        named = {line.split()[1] for line in rttm.read_text(encoding="utf-8").splitlines() if len(line.split()) > 1}
        for recording in recordings:
            if recording.parent != rttm.parent:
                continue
            if recording.stem in named:
                found[recording] = read_rttm(rttm, recording.stem), rttm
            elif recording not in found and recording.stem.startswith(rttm.stem):
                found[recording] = read_rttm(rttm), rttm
    if not found:
        raise NotFoundError(
            f"{folder}: no recording with an RTTM beside it; expected NAME.wav (or flac, ...) and NAME.rttm."
        )
    return [
        Reference(path, own, rttm, _scored(path), _emotions(path, own)) for path, (own, rttm) in sorted(found.items())
    ]


def recording_beside(path: Path, ending: str) -> Path:
    """Find the recording beside a truth file, by name; raises `NotFoundError` if there is none."""
    stem = path.name.removesuffix(ending)
    for candidate in (path.with_name(stem + sound) for sound in ENDINGS):
        if is_file(candidate):
            return candidate
    raise NotFoundError(f"{path}: no recording beside it; expected {stem}.flac (or wav, ...).")


def _emotions(recording: Path, segments: tuple[Segment, ...]) -> tuple[SpokenEmotion, ...]:
    path = recording.with_name(f"{recording.stem}.emotions.csv")
    if not is_file(path):
        return ()
    emotions = tuple(SpokenEmotion(s.start_s, s.end_s, s.speaker, s.label) for s in read_truth(path) if s.label)
    strange = {e.speaker for e in emotions} - {s.speaker for s in segments}
    if strange:
        raise InputError(f"{path}: speakers {sorted(strange)} are not in the RTTM. Use the same names in both files.")
    return emotions


def _scored(recording: Path) -> tuple[tuple[float, float], ...] | None:
    spans = []
    for uem in sorted(recording.parent.glob("*.uem")):
        for line in uem.read_text(encoding="utf-8").splitlines():
            fields = line.split()
            if len(fields) >= 4 and fields[0] == recording.stem:
                spans.append((float(fields[2]), float(fields[3])))
    return tuple(spans) or None
