"""Words with their times and, if known, their speaker: the common form of all transcripts (pure)."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.records import MOST_S

_TAG = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")  # <i>, <c.loud>, <00:01.500>, {\an8}
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")  # numbers beyond all characters
_SPEAKER = re.compile(r"^\s*\[(SPEAKER_\d+)\]:?\s*")  # as whisperX writes it into subtitles


@dataclass(frozen=True)
class Spoken:
    """A word of a transcript; `speaker` and `channel` are the transcript's names for them."""

    start_s: float
    end_s: float
    text: str
    speaker: str | None = None
    exact: bool = True
    channel: str | None = None


def check_times(start_s: float, end_s: float, where: str) -> tuple[float, float]:
    """Return finite, ordered, non-negative times, which may be equal; raises `TranscriptError` for others."""
    if not (math.isfinite(start_s) and math.isfinite(end_s) and 0 <= start_s <= end_s):
        raise TranscriptError(
            f"{where}: got the times {start_s:g} and {end_s:g} s; expected 0 <= start <= end. Fix the transcript."
        )
    if end_s > MOST_S:
        raise TranscriptError(
            f"{where}: got the time {end_s:g} s; expected at most {MOST_S:g} s, a week. Fix the transcript."
        )
    return start_s, end_s


def plain(text: str) -> str:
    """Text on one line, without tags and with entities resolved."""
    return " ".join(html.unescape(_NO_CHARACTER.sub("\ufffd", _TAG.sub("", text))).split())


def speaker_in(text: str) -> tuple[str | None, str]:
    """Split a leading speaker such as `[SPEAKER_01]:` (or None) from the rest of a line."""
    found = _SPEAKER.match(text)
    return (found.group(1), text[found.end() :]) if found else (None, text)


def spread(start_s: float, end_s: float, text: str, speaker: str | None = None) -> list[Spoken]:
    """Place the words of a stretch evenly by their length."""
    words = text.split()
    return between(start_s, end_s, words, [speaker] * len(words))


def of_recording(rows: Sequence[tuple[str, Sequence[Spoken]]], name: str, recording: str) -> list[Spoken]:
    """The words of one recording, of rows of several; those of the only one there is, whatever its name."""
    files = sorted({file for file, _ in rows})
    own = [file for file in files if file.casefold() == recording.casefold()]
    if len(files) > 1 and not own:
        raise TranscriptError(f"{name}: holds {', '.join(files[:5])}; expected {recording}. Choose its transcript.")
    return [word for file, words in rows if len(files) == 1 or file in own for word in words]


def between(start_s: float, end_s: float, words: Sequence[str], speakers: Sequence[str | None]) -> list[Spoken]:
    """Place words between two times in proportion to their letters; their times are not exact."""
    total, at, placed = sum(map(len, words)), 0, []
    for word, speaker in zip(words, speakers, strict=True):
        edges = [start_s + (end_s - start_s) * part / total for part in (at, at + len(word))]
        placed.append(Spoken(edges[0], edges[1], word, speaker, exact=False))
        at += len(word)
    return placed
