"""STM (NIST segment time marks) -> words; each line is `file channel speaker start end [<label>] text`."""

from __future__ import annotations

import re

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.transcript.cues import Spoken, check_times, plain, spread

_LABEL = re.compile(r"^<[^<>]*>(?:\s+|$)")
_IGNORED = "ignore_time_segment_in_scoring"


def read_stm(text: str, name: str, recording: str) -> list[Spoken]:
    """Read the words of one recording (its name without the ending) from a file with one or several recordings."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(";;"):
            continue
        where = f"{name}: line {number}"
        fields = line.split(None, 5)
        try:
            file, _, speaker, start_s, end_s = fields[0], fields[1], fields[2], float(fields[3]), float(fields[4])
        except (IndexError, ValueError) as exc:
            raise TranscriptError(
                f"{where}: got {line.strip()[:60]!r}; expected STM: file channel speaker start end text."
            ) from exc
        check_times(start_s, end_s, where)
        rest = fields[5] if len(fields) > 5 else ""
        rows.append((file, spread(start_s, end_s, plain(_LABEL.sub("", rest)), speaker) if rest != _IGNORED else []))
    files = sorted({file for file, _ in rows})
    own = [file for file in files if file.casefold() == recording.casefold()]
    if len(files) > 1 and not own:
        raise TranscriptError(f"{name}: holds {', '.join(files[:5])}; expected {recording}. Choose its transcript.")
    return [word for file, words in rows if len(files) == 1 or file in own for word in words]
