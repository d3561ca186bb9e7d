"""STM (NIST segment time marks) -> words; each line is `file channel speaker start end [<label>] text`."""

from __future__ import annotations

import re
from dataclasses import replace

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.transcript.cues import Spoken, check_times, of_recording, plain, spread

_LABEL = re.compile(r"^<[^<>]*>(?:\s+|$)")
_IGNORED = "ignore_time_segment_in_scoring"


def read_stm(text: str, name: str, recording: str) -> list[Spoken]:
    """Read the words of one recording (its name without the ending) from a file with one or several recordings."""
    rows: list[tuple[str, list[Spoken]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(";;"):
            continue
        where = f"{name}: line {number}"
        fields = line.split(None, 5)
        try:
            file, channel, speaker = fields[:3]
            start_s, end_s = float(fields[3]), float(fields[4])
        except (IndexError, ValueError) as exc:
            raise TranscriptError(
                f"{where}: got {line.strip()[:60]!r}; expected STM: file channel speaker start end text."
            ) from exc
        check_times(start_s, end_s, where)
        rest = fields[5] if len(fields) > 5 else ""
        said = spread(start_s, end_s, plain(_LABEL.sub("", rest)), speaker) if rest != _IGNORED else []
        rows.append((file, [replace(word, channel=channel) for word in said]))
    return of_recording(rows, name, recording)
