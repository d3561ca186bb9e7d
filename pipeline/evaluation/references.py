"""A folder of recordings -> those whose speakers are known, with their references and what of them is scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import NotFoundError
from pipeline.evaluation.diarization import read_rttm
from pipeline.records import Segment

ENDINGS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".mp4", ".webm")


@dataclass(frozen=True)
class Reference:
    """A recording with its true segments; `scored` are spans of a UEM file, None where the whole is scored."""

    recording: Path
    segments: tuple[Segment, ...]
    scored: tuple[tuple[float, float], ...] | None = None


def find_references(folder: Path) -> list[Reference]:
    """Every recording under a folder that has a reference, by name.

    A reference is an RTTM in the recording's folder that names it (several may share a file), or else one whose own
    name begins the recording's (`call.rttm` for `call_stereo8k.flac`). UEM files beside it limit what is scored.
    Raises `NotFoundError` where there is none.
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
    return [Reference(path, segments, _scored(path)) for path, segments in sorted(found.items())]


def _scored(recording: Path) -> tuple[tuple[float, float], ...] | None:
    spans = []
    for uem in sorted(recording.parent.glob("*.uem")):
        for line in uem.read_text(encoding="utf-8").splitlines():
            fields = line.split()
            if len(fields) >= 4 and fields[0] == recording.stem:
                spans.append((float(fields[2]), float(fields[3])))
    return tuple(spans) or None
