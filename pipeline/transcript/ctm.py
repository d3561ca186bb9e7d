"""CTM (NIST conversation time marks) -> words.

Each line is `file channel start duration word`, and perhaps `confidence type speaker`.
"""

from __future__ import annotations

from dataclasses import replace

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.transcript.cues import Spoken, check_times, of_recording, plain

_NO_WORDS = frozenset(("@", "sil", "sp", "<eps>"))
_ALTERNATIVES = ("<ALT_BEGIN>", "<ALT>", "<ALT_END>")


def read_ctm(text: str, name: str, recording: str) -> list[Spoken]:
    """Read the words of one recording (its name without the ending) from a file with one or several recordings.

    Of alternatives, the first is read. Words have the speaker of the eighth field; where no line has one and there are
    several channels, a channel is a speaker.
    """
    rows: list[tuple[str, list[Spoken]]] = []
    alternative = 1
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith(";;"):
            continue
        where = f"{name}: line {number}"
        if len(fields) > 4 and fields[4] in _ALTERNATIVES:
            alternative = alternative + 1 if fields[4] == "<ALT>" else 1
            continue
        try:
            file, channel, start_s, length_s, said = fields[0], fields[1], float(fields[2]), float(fields[3]), fields[4]
        except (IndexError, ValueError) as exc:
            raise TranscriptError(
                f"{where}: got {line.strip()[:60]!r}; expected CTM: file channel start duration word."
            ) from exc
        check_times(start_s, start_s + length_s, where)
        if alternative > 1 or said.casefold() in _NO_WORDS or not plain(said):
            rows.append((file, []))
            continue
        speaker = fields[7] if len(fields) > 7 else None
        rows.append((file, [Spoken(start_s, start_s + length_s, plain(said), speaker, channel=channel)]))
    words = of_recording(rows, name, recording)
    if any(word.speaker for word in words) or len({word.channel for word in words}) < 2:
        return words
    return [replace(word, speaker=word.channel) for word in words]
