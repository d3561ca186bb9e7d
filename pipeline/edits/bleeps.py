"""Bleeps: spans silenced in all sound that is given out, with their words removed."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import replace

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import (
    INEXACT_S,
    RECOGNISED_S,
    Conversation,
    Corrections,
    Omission,
    Span,
    Word,
    WordsFound,
    union_s,
)
from ressenti.pipeline.records.intervals import Timed, as_stored

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


def with_bleeps(conversation: Conversation, spans: Sequence[Span]) -> Conversation:
    """Add silenced spans to a conversation, and remove their words for good.

    Spans that touch or overlap become one. A span may end up to a second after the recording. A word without an exact
    time, or a recognised one, is removed if it may lie in a span. `omissions` records where words were removed, without
    their text. Raises `ConfigError` for a span outside the recording.
    """
    duration_s = conversation.recording.duration_s
    wanted = (*conversation.bleeps, *spans)
    for span in wanted:
        if span.start_s >= duration_s or span.end_s > duration_s + 1:
            raise ConfigError(
                f"bleep {span.start_s:g}-{span.end_s:g}: outside the recording, which is {duration_s:g} s long. "
                "Give spans inside it, in seconds or as minutes:seconds."
            )
    inside = [as_stored(span.start_s, min(span.end_s, duration_s)) for span in wanted]
    bleeps = tuple(Span(start, end) for start, end in union_s([*filter(None, inside)]))
    return without_silenced(replace(conversation, bleeps=bleeps))


def parse_spans(text: str, option: str = "--bleep") -> tuple[Span, ...]:
    """Parse spans such as `63.2-71.0,90-92` (seconds) or `1:03.2-1:11`; raises `ConfigError`."""
    spans = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        edges = [_TIME.fullmatch(edge.strip()) for edge in part.replace("–", "-").split("-")]
        if len(edges) != 2 or not (edges[0] and edges[1]):
            raise ConfigError(
                f"{option}: got {part!r}; expected START-END in seconds or m:ss, as in 63.2-71 or 1:03-1:11."
            )
        start_s, end_s = (_seconds(edge) for edge in edges if edge)
        if start_s >= end_s:
            raise ConfigError(f"{option}: got {part!r}, which ends before it begins; expected START-END.")
        spans.append(Span(start_s, end_s))
    if not spans:
        raise ConfigError(f"{option}: got {text!r}; expected START-END in seconds or m:ss, separated by commas.")
    return tuple(spans)


def parse_time(text: str, option: str) -> float:
    """Parse a time such as `63.2` (seconds) or `1:03.2`; raises `ConfigError`."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ConfigError(f"{option}: got {text!r}; expected seconds or m:ss, as in 63.2 or 1:03.")
    return _seconds(found)


def without_silenced(conversation: Conversation) -> Conversation:
    """Remove the words that are, or may be, in silenced spans, and add an omission at each place.

    The background goes, too, if words go: it holds terms of theirs. So does the sentiment of their turns. Where a
    person wrote words, they go from the correction and from the words that were found, too.
    """
    bleeps = Timed(conversation.bleeps)
    conversation = replace(conversation, words_found=tuple(_found_outside(f, bleeps) for f in conversation.words_found))
    words = [(word, is_silenced(word, bleeps)) for word in conversation.words]
    kept = tuple(word for word, gone in words if not gone)
    places = [*conversation.omissions, *(Omission(w.start_s, w.end_s, w.turn) for w, gone in words if gone)]
    background = conversation.background if len(kept) == len(words) else None
    lost = {w.turn for w, gone in words if gone}
    silenced = replace(
        conversation,
        words=kept,
        omissions=joined_omissions(places, kept),
        background=background,
        corrections=_said_outside(conversation.corrections, kept, lost),
    )
    return without_sentiment(silenced, lost)


def _found_outside(found: WordsFound, bleeps: Timed[Span]) -> WordsFound:
    kept = tuple(word for word in found.words if not is_silenced(word, bleeps))
    return found if len(kept) == len(found.words) else replace(found, words=kept, sentiment=None)


def _said_outside(corrections: Corrections, kept: Sequence[Word], lost: Collection[int | None]) -> Corrections:
    """Corrections with the words that are left in those turns that lost some."""
    if not any(entry.words is not None and entry.turn in lost for entry in corrections.turns):
        return corrections
    left: dict[int | None, list[str]] = {}
    for word in sorted(kept, key=lambda w: (w.start_s, w.end_s)):
        left.setdefault(word.turn, []).append(word.text)
    turns = tuple(
        replace(entry, words=" ".join(left.get(entry.turn, ())))
        if entry.words is not None and entry.turn in lost
        else entry
        for entry in corrections.turns
    )
    return replace(corrections, turns=turns)


def without_sentiment(conversation: Conversation, turns: Collection[int | None]) -> Conversation:
    """Forget what the words of some turns say, as these are other words now, or none."""
    lost = [t for t in conversation.turns if t.sentiment is not None and t.index in turns]
    if not lost:
        return conversation
    indices, places = {t.index for t in lost}, {(t.speaker, t.start_s) for t in lost}
    return replace(
        conversation,
        turns=tuple(replace(t, sentiment=None) if t.index in indices else t for t in conversation.turns),
        moments=tuple(m for m in conversation.moments if m.kind != "contrast" or (m.speaker, m.start_s) not in places),
    )


def joined_omissions(places: Sequence[Omission], kept: Sequence[Word]) -> tuple[Omission, ...]:
    """Sort omissions by time, and join adjacent ones of a turn so that nobody can count the removed words."""
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


def is_silenced(word: Word, spans: Timed[Span]) -> bool:
    """Whether a word is, or may be, in a silenced span."""
    margin_s = INEXACT_S if not word.exact else 0.0 if word.confidence is None else RECOGNISED_S
    return bool(spans.touching(word.start_s - margin_s, word.end_s + margin_s))


def _seconds(time: re.Match[str]) -> float:
    hours, minutes, seconds = time.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
