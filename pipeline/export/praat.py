"""Conversation -> Praat TextGrid, in the long text format.

Source: "TextGrid file formats" in Praat's manual. The intervals of a tier must cover it without overlap. Overlapping
turns of one speaker (possible after a correction) therefore go to extra tiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from ressenti.pipeline.export.turn_text import class_of, has_words, names_of, plain, text_of, words_of
from ressenti.pipeline.records import Conversation, Turn, Word

_LEAST_S = 0.001
_SPEECH, _SILENCED = "[speech]", "[silenced]"

Interval = tuple[float, float, str]
"""Start and end in seconds, and the label."""


def textgrid(conversation: Conversation) -> str:
    """Praat TextGrid with tiers of turns, classes, words, valence and arousal for each speaker.

    A turn shows its words if there is a transcript, else its class. The class has a question mark if it is unsure and
    is empty if the turn was not judged. If the diarizer tells how sure it is, a tier has the probability of each turn's
    speaker, with a question mark if the speaker is unsure. Valence and arousal are points at the middle of each scored
    window. Silenced spans have their own tier, and `[…]` marks places where words were left out. Times have six
    decimals.
    """
    end_s = _end_s(conversation)
    names, words = names_of(conversation), words_of(conversation)
    tiers: list[str] = []
    for label, name in names.items():
        lanes = _lanes([turn for turn in conversation.turns if turn.speaker == label])
        for k, lane in enumerate(lanes):
            more = f" {k + 1}" if k else ""
            said = [words.get(turn.index, ()) for turn in lane]
            spoken = [_interval(t, text_of(w) or class_of(t) or _SPEECH) for t, w in zip(lane, said, strict=True)]
            tiers.append(_tier(f"{name}: turns{more}", spoken, end_s))
            tiers.append(_tier(f"{name}: classes{more}", [_interval(t, class_of(t)) for t in lane], end_s))
            if any(turn.speaker_confidence is not None for turn in conversation.turns):
                tiers.append(_tier(f"{name}: speaker confidence{more}", [_interval(t, _who(t)) for t in lane], end_s))
            if has_words(conversation):
                own = [word for group in said for word in group]
                tiers.append(_tier(f"{name}: words{more}", _word_intervals(own, end_s), end_s))
        tiers += _place_tiers(conversation, label, name, end_s)
    if None in words:
        tiers.append(_tier("words in no turn", _word_intervals(words[None], end_s), end_s))
    if conversation.bleeps:
        spans = [(span.start_s, min(span.end_s, end_s), _SILENCED) for span in conversation.bleeps]
        tiers.append(_tier("silenced", spans, end_s))
    head = (
        f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0 \nxmax = {_time(end_s)} \ntiers? <exists> \n'
    )
    body = "".join(f"    item [{k}]:\n{tier}" for k, tier in enumerate(tiers, 1))
    return f"{head}size = {len(tiers)} \nitem []: \n{body}"


def _lanes(turns: Iterable[Turn]) -> list[list[Turn]]:
    """Turns in as few rows as possible without overlap in any row; at least one row."""
    lanes: list[list[Turn]] = [[]]
    for turn in sorted(turns, key=lambda t: (t.start_s, t.end_s)):
        free = next((lane for lane in lanes if not lane or lane[-1].end_s <= turn.start_s), None)
        if free is None:
            lanes.append([turn])
        else:
            free.append(turn)
    return lanes


def _word_intervals(words: Sequence[Word], end_s: float) -> list[Interval]:
    """Words as intervals; each ends no later than the next begins, and words with the same start share one."""
    groups: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (w.start_s, w.end_s)):
        if groups and word.start_s - groups[-1][0].start_s < _LEAST_S:
            groups[-1].append(word)
        else:
            groups.append([word])
    starts = [group[0].start_s for group in groups]
    limits = [*starts[1:], end_s]
    return [
        (start, min(limit, max(start + _LEAST_S, *(w.end_s for w in group))), text_of(group))
        for group, start, limit in zip(groups, starts, limits, strict=False)
    ]


def _place_tiers(conversation: Conversation, label: str, name: str, end_s: float) -> list[str]:
    points = [p for t in conversation.trajectories if t.speaker == label for p in t.points]
    by_time = {_time(p.time_s): p for p in sorted(points, key=lambda p: p.time_s)}  # Praat allows one point per time
    if not by_time:
        return []
    return [
        _tier_text("TextTier", f"{name}: {axis}", end_s, [_point(at, getattr(p, axis)) for at, p in by_time.items()])
        for axis in ("valence", "arousal")
    ]


def _tier(name: str, intervals: Sequence[Interval], end_s: float) -> str:
    """An interval tier from 0 to the end; gaps become empty intervals."""
    rows: list[Interval] = []
    ordered = sorted(intervals)
    for (_, before, _), (start, end, text) in pairwise([(0.0, 0.0, ""), *ordered]):
        if _time(start) != _time(before):
            rows.append((before, start, ""))
        rows.append((start, end, text))
    last = rows[-1][1] if rows else 0.0
    if _time(last) != _time(end_s):
        rows.append((last, end_s, ""))
    written = [
        f"            xmin = {_time(start)} \n            xmax = {_time(end)} \n            text = {_quoted(text)} \n"
        for start, end, text in rows
    ]
    return _tier_text("IntervalTier", name, end_s, written)


def _tier_text(kind: str, name: str, end_s: float, rows: Sequence[str]) -> str:
    what = "intervals" if kind == "IntervalTier" else "points"
    head = f"        class = {_quoted(kind)} \n        name = {_quoted(name)} \n        xmin = 0 \n"
    size = f"        xmax = {_time(end_s)} \n        {what}: size = {len(rows)} \n"
    return head + size + "".join(f"        {what} [{k}]:\n{row}" for k, row in enumerate(rows, 1))


def _point(at: str, value: float) -> str:
    return f"            number = {at} \n            mark = {_quoted(f'{value:.3f}')} \n"


def _who(turn: Turn) -> str:
    """The probability of the speaker, with a question mark if it is unsure; empty if it is not known."""
    known = turn.speaker_confidence
    return "" if known is None else f"{known:.3f}{'?' if turn.speaker_unsure else ''}"


def _interval(turn: Turn, text: str) -> Interval:
    return turn.start_s, turn.end_s, text


def _end_s(conversation: Conversation) -> float:
    """The end of the recording, or of the last turn or word if rounding makes that later."""
    said = [word for words in words_of(conversation).values() for word in words]
    ends = [turn.end_s for turn in conversation.turns] + [max(w.end_s, w.start_s + _LEAST_S) for w in said]
    return max([conversation.recording.duration_s, *ends])


def _time(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return '"' + plain(text).replace('"', '""') + '"'
