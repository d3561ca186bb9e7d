"""What people add to an analysed conversation: its words, stretches that nobody is to hear, pseudonyms."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Conversation, union_s
from ressenti.pipeline.records.edits import INEXACT_S, Corrections, Omission, Span, Word
from ressenti.pipeline.records.intervals import Timed
from ressenti.pipeline.transcript.align import align
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcript.files import read_transcript

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


def with_transcript(conversation: Conversation, path: str | Path) -> Conversation:
    """The conversation with the words of a transcript (SRT, WebVTT, STM, JSON of whisper and its kin), by turns.

    Raises `TranscriptError`.
    """
    recording = PurePath(conversation.recording.name).stem
    return with_words(conversation, read_transcript(Path(path), recording))


def with_words(conversation: Conversation, words: Sequence[Spoken]) -> Conversation:
    """The conversation with these words instead of any others, without those that are silenced or beyond its end."""
    placed = align(words, conversation.turns, conversation.recording.duration_s)
    beyond = len(words) - len(placed)
    return _without_silenced(replace(conversation, words=placed, words_beyond=beyond, omissions=()))


def with_bleeps(conversation: Conversation, spans: Sequence[Span]) -> Conversation:
    """The conversation with these spans silenced besides its own: in all sound given out, and in its words for good.

    Spans that touch or overlap become one, and one may reach a second over the end. A word without a time of its own
    is dropped too where it may be within a span. Where words were dropped is noted in `omissions`, without what was
    said. Raises `ConfigError` for a span outside the recording.
    """
    duration_s = conversation.recording.duration_s
    wanted = (*conversation.bleeps, *spans)
    for span in wanted:
        if span.start_s >= duration_s or span.end_s > duration_s + 1:
            raise ConfigError(
                f"bleep {span.start_s:g}-{span.end_s:g}: outside the recording, which is {duration_s:g} s long. "
                "Expected spans inside it, in seconds or as minutes:seconds."
            )
    inside = [(span.start_s, min(span.end_s, duration_s)) for span in wanted]
    bleeps = tuple(Span(start, end) for start, end in union_s(inside))
    return _without_silenced(replace(conversation, bleeps=bleeps))


def parse_spans(text: str) -> tuple[Span, ...]:
    """Spans as people write them: `63.2-71.0,90-92` in seconds, or `1:03.2-1:11`; `ConfigError` for other things."""
    spans = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        edges = [_TIME.fullmatch(edge.strip()) for edge in part.replace("–", "-").split("-")]
        if len(edges) != 2 or not (edges[0] and edges[1]):
            raise ConfigError(
                f"--bleep: got {part!r}; expected START-END in seconds or m:ss, as in 63.2-71 or 1:03-1:11."
            )
        start_s, end_s = (_seconds(edge) for edge in edges if edge)
        if start_s >= end_s:
            raise ConfigError(f"--bleep: got {part!r}, which ends before it begins; expected START-END.")
        spans.append(Span(start_s, end_s))
    if not spans:
        raise ConfigError(f"--bleep: got {text!r}; expected START-END in seconds or m:ss, with commas between.")
    return tuple(spans)


def pseudonym(sha256: str) -> str:
    """What a recording is called where its own name is not to be seen."""
    return f"conversation-{sha256[:6]}"


def pseudonymised(conversation: Conversation) -> Conversation:
    """The conversation without names: the recording's, the speakers', those of folders in its options; no embeddings.

    Labels and roles stay, and so do words, notes and the reason for judging restricted roles: whoever wrote them is to
    read them again. The SHA-256 stays too; who has the recording can tell that it is this one.
    """
    return replace(
        conversation,
        recording=replace(conversation.recording, name=pseudonym(conversation.recording.sha256)),
        diarization=replace(conversation.diarization, embeddings=()),
        speakers=tuple(replace(speaker, name="", original_name=None) for speaker in conversation.speakers),
        corrections=Corrections(turns=conversation.corrections.turns),
        config={group: _without_folders(values) for group, values in conversation.config.items()},
    )


def _without_folders(values: object) -> object:
    """Options of a group, of each path of a folder or file its last part alone."""
    if not isinstance(values, dict):
        return values
    paths: dict[str, Any] = {
        key: PurePath(value).name
        for key, value in values.items()
        if key in ("model", "validation") and isinstance(value, str) and _is_path(key, PurePath(value))
    }
    return values | paths


def _is_path(key: str, path: PurePath) -> bool:
    """Whether an option is a path and not the id of a model, which may have one slash."""
    return key == "validation" or path.is_absolute() or path.parts[:1] in (("..",), ("~",)) or len(path.parts) > 2


def _without_silenced(conversation: Conversation) -> Conversation:
    """The conversation without the words that are, or may be, in its silenced spans, and with a note of each place."""
    bleeps = Timed(conversation.bleeps)
    words = [(word, _within(word, bleeps)) for word in conversation.words]
    kept = tuple(word for word, gone in words if not gone)
    places = [*conversation.omissions, *(Omission(w.start_s, w.end_s, w.turn) for w, gone in words if gone)]
    return replace(conversation, words=kept, omissions=_joined(places, kept))


def _joined(places: Sequence[Omission], kept: Sequence[Word]) -> tuple[Omission, ...]:
    """Omissions by time, those of a turn between which no word is left as one: nobody is to count what was said."""
    left = {turn: sorted(word.start_s for word in kept if word.turn == turn) for turn in {p.turn for p in places}}
    out: list[Omission] = []
    for place in sorted(places, key=lambda p: (-1 if p.turn is None else p.turn, p.start_s)):
        last, starts = out[-1] if out else None, left[place.turn]
        between = last and bisect_left(starts, place.start_s) - bisect_right(starts, last.start_s) > 0
        near = last and (place.turn is not None or place.start_s - last.end_s <= INEXACT_S)
        if last and last.turn == place.turn and near and not between:
            out[-1] = replace(last, end_s=max(last.end_s, place.end_s))
        else:
            out.append(place)
    return tuple(sorted(out, key=lambda p: (p.start_s, p.end_s)))


def _within(word: Word, spans: Timed[Span]) -> bool:
    margin_s = 0.0 if word.exact else INEXACT_S
    return bool(spans.touching(word.start_s - margin_s, word.end_s + margin_s))


def _seconds(time: re.Match[str]) -> float:
    hours, minutes, seconds = time.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
