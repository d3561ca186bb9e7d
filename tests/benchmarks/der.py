"""Diarization error rate of every recording with a reference: `python tests/benchmarks/der.py FOLDER`.

References are NAME.rttm beside NAME.flac or NAME.wav, or an RTTM of several recordings that names them; a recording
whose name begins with a reference's (`call_stereo8k`, `call.rttm`) is scored against it too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline import analyze, load_config
from pipeline.errors import RessentiError
from pipeline.evaluation.diarization import compare, read_rttm
from pipeline.records import Segment


def references(folder: Path) -> dict[Path, tuple[Segment, ...]]:
    """Reference segments of each recording that has them."""
    found = {}
    recordings = [p for p in sorted(folder.rglob("*")) if p.suffix in (".flac", ".wav")]
    for rttm in sorted(folder.rglob("*.rttm")):
        uris = {line.split()[1] for line in rttm.read_text(encoding="utf-8").splitlines() if line.strip()}
        for recording in recordings:
            if recording.parent != rttm.parent:
                continue
            if recording.stem in uris:
                found[recording] = read_rttm(rttm, recording.stem)
            elif recording not in found and recording.stem.startswith(rttm.stem):
                found[recording] = read_rttm(rttm)
    return dict(sorted(found.items()))


def row(recording: Path, truth: Sequence[Segment]) -> str:
    """One line of the table: with the number of speakers given, and free."""
    count = len({s.speaker for s in truth})
    cells = [recording.stem, str(count)]
    for asked in (count, None):
        try:
            config = load_config("default", {"diarization": {"speakers": asked}})
            conversation = analyze(recording, config)
        except RessentiError as error:
            cells += [type(error).__name__, "-", "-"]
            continue
        result = compare(conversation.diarization.segments, truth, conversation.recording.duration_s)
        cells += [*(f"{100 * error.rate:.1f}" for error in result.errors), str(len(conversation.diarization.speakers))]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    print("| recording | speakers | given: DER % | collar 0.25 s | found | free: DER % | collar 0.25 s | found |")
    print("|---" * 8 + "|")
    for recording, truth in references(Path(sys.argv[1])).items():
        print(row(recording, truth))


if __name__ == "__main__":
    main()
