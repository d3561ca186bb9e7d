"""JSON of the Whisper family -> words: openai-whisper, whisperX, faster-whisper (a list of segments), whisper.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.files.untrusted import RefusedError, parse_json, short
from ressenti.pipeline.transcript.cues import Spoken, between, check_times, plain, spread

_EXPECTED = "Expected the JSON of whisper, whisperX or faster-whisper: segments with start, end and text"


def read_whisper(text: str, name: str) -> list[Spoken]:
    """Read words with their times; words without times are placed evenly within their segment."""
    try:
        data = parse_json(text)
    except RefusedError as exc:
        raise TranscriptError(f"{name}: {exc}. {_EXPECTED}.") from exc
    if isinstance(data, dict) and {"recording", "turns", "version"} <= data.keys():
        raise TranscriptError(f"{name}: a conversation written by analyze, not a transcript. {_EXPECTED}.")
    segments = data.get("segments", data.get("transcription")) if isinstance(data, dict) else data
    if not isinstance(segments, list) or not all(isinstance(segment, dict) for segment in segments):
        raise TranscriptError(f"{name}: JSON without segments. {_EXPECTED}.")
    return [word for k, segment in enumerate(segments, 1) for word in _segment(segment, f"{name}: segment {k}")]


def _segment(segment: dict[str, Any], where: str) -> list[Spoken]:
    words = segment.get("words") or []
    if not isinstance(words, list) or not all(isinstance(word, dict) for word in words):
        raise TranscriptError(f"{where}: `words` is not a list of words. {_EXPECTED}.")
    speaker = _speaker(segment.get("speaker"))
    timed = [edge for word in words for edge in _edges(word, where)]
    start_s, end_s = _edges(segment, where) or ((min(timed), max(timed)) if timed else (None, None))
    if start_s is None or end_s is None:
        raise TranscriptError(f"{where}: no times, neither its own nor its words'. {_EXPECTED}.")
    check_times(start_s, end_s, where)
    if not timed:
        return spread(start_s, end_s, plain(_text(segment.get("text", ""), where)), speaker)
    return _with_own_times(words, (start_s, end_s), speaker, where)


def _with_own_times(
    words: Sequence[dict[str, Any]], span: tuple[float, float], speaker: str | None, where: str
) -> list[Spoken]:
    """Place words by their times, and those without (such as numbers in whisperX) evenly between their neighbours."""
    placed: list[Spoken] = []
    waiting: list[tuple[str, str | None]] = []
    at = span[0]

    def place(until: float) -> None:
        placed.extend(between(at, max(at, until), [w for w, _ in waiting], [s for _, s in waiting]))
        waiting.clear()

    for word in words:
        text = plain(_text(word.get("word", word.get("text", "")), where))
        who = _speaker(word.get("speaker")) or speaker
        edges = _edges(word, where)
        if not text:
            continue
        if not edges:
            waiting.append((text, who))
            continue
        start_s, end_s = check_times(*edges, where)
        place(start_s)
        placed.append(Spoken(start_s, end_s, text, who))
        at = end_s
    place(span[1])
    return placed


def _edges(entry: dict[str, Any], where: str) -> tuple[float, float] | tuple[()]:
    """Start and end in seconds, or () if one is missing."""
    offsets = entry.get("offsets")  # whisper.cpp, in milliseconds
    edges = [entry.get("start"), entry.get("end")]
    if isinstance(offsets, dict) and None in edges:
        edges = [v / 1000 if isinstance(v, int | float) else v for v in (offsets.get("from"), offsets.get("to"))]
    if None in edges:
        return ()
    if not all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in edges):
        raise TranscriptError(
            f"{where}: got {short(repr(edges[0]))} and {short(repr(edges[1]))} as times. Expected seconds as numbers."
        )
    return float(edges[0]), float(edges[1])  # type: ignore[arg-type]  # just seen to be numbers


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise TranscriptError(f"{where}: got {short(repr(value))} as text. {_EXPECTED}.")
    return value


def _speaker(value: object) -> str | None:
    return short(str(value), 200) if isinstance(value, str | int | float) and value != "" else None
