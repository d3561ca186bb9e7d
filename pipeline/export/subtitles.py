"""Conversation -> SubRip (SRT) and WebVTT; one cue per turn, long turns split between words.

WebVTT follows the W3C; SRT has no standard, so this is what players agree on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from ressenti.pipeline.export.turn_text import known_of, names_of, text_of, words_of
from ressenti.pipeline.export.wording import Wording, silenced, wording_of
from ressenti.pipeline.records import Conversation, Turn, Word

LINE, LINES, LONGEST_S = 42, 2, 7.0
"""Maximum characters per line, lines per cue and seconds per cue (Netflix Timed Text Style Guide)."""


@dataclass(frozen=True)
class Cue:
    """Text shown from start to end, in milliseconds.

    `speaker` has a question mark if the speaker is unsure, `voice` never; both are None for words outside turns and for
    silenced spans.
    """

    start_ms: int
    end_ms: int
    speaker: str | None
    text: str
    voice: str | None


def srt(conversation: Conversation) -> str:
    """SubRip: `Name: text`, or the class in brackets if a turn has no words. Times are rounded to milliseconds.

    The name of an unsure speaker has a question mark. A silenced span is a cue of its own, without a name; `[…]` marks
    places where words were left out.
    """
    blocks = [
        f"{k}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n"
        + "\n".join(_lines(_unarrowed(f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text)))
        for k, cue in enumerate(cues_of(conversation), 1)
    ]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def vtt(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """WebVTT: like `srt`, with speakers as voices (`<v Name>`) and all text escaped.

    An unsure speaker has no question mark, because programs tell speakers apart by their voices. Notes at the top list
    the call's metadata and what is silenced, and explain where words were left out.
    """
    wording = wording_of(conversation)
    about = "\n".join(
        _escaped(_unarrowed(f"{name}{wording('colon')}{value}")) for name, value in known_of(metadata, wording)
    )
    blocks = ["WEBVTT", *("NOTE\n" + text for text in (about, *silenced(conversation)) if text)]
    for cue in cues_of(conversation):
        text = _escaped("\n".join(_lines(cue.text)))
        voiced = f"<v {_voice(cue.voice)}>{text}</v>" if cue.voice else text
        blocks.append(f"{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{voiced}")
    return "\n\n".join(blocks) + "\n"


def cues_of(conversation: Conversation) -> tuple[Cue, ...]:
    """All cues sorted by time: for turns, for words outside turns, and for silenced spans."""
    words, wording = words_of(conversation), wording_of(conversation)
    names = names_of(conversation, wording)
    cues = [
        replace(cue, voice=names[turn.speaker])
        for turn in conversation.turns
        for cue in _of_turn(turn, words.get(turn.index, ()), wording.who(turn, names[turn.speaker]), wording)
    ]
    cues += _of_words(words.get(None, ()), None)
    cues += [_cue(span.start_s, span.end_s, None, f"[{wording('silenced_cue')}]") for span in conversation.bleeps]
    return tuple(sorted(cues, key=lambda c: (c.start_ms, c.end_ms)))


def _of_turn(turn: Turn, words: Sequence[Word], name: str, wording: Wording) -> list[Cue]:
    if not words:
        text = wording.heard(turn) if turn.emotion else wording("speech")
        return [_cue(turn.start_s, turn.end_s, name, f"[{text}]")]
    parts = _of_words(words, name)
    if len(parts) == 1 and turn.duration_s <= LONGEST_S:
        return [_cue(turn.start_s, turn.end_s, name, text_of(words))]
    return parts


def _of_words(words: Sequence[Word], name: str | None) -> list[Cue]:
    """Cues of words, sorted by time; each ends no later than the next begins."""
    parts = list(_parts(words, name))
    limits = [part[0].start_s for part in parts[1:]]
    ends = [max(word.end_s for word in part) for part in parts]
    cut = [*(min(end, limit) for end, limit in zip(ends, limits, strict=False)), *ends[-1:]]
    return [_cue(part[0].start_s, end, name, text_of(part)) for part, end in zip(parts, cut, strict=True)]


def _parts(words: Sequence[Word], name: str | None) -> Iterator[list[Word]]:
    """Split words into readable parts of at most two lines and seven seconds, ending at a sentence end if possible.

    A part that gets too long is cut after a late comma or similar, if there is one, so that no last word stands alone.
    """
    part: list[Word] = []
    for word in words:
        if part and _is_done(text_of(part)):
            yield part
            part = []
        elif part and not _fits([*part, word], name):
            at = _last_clause(part)
            yield part[:at]
            part = part[at:]
        part.append(word)
    if part:
        yield part


def _is_done(text: str) -> bool:
    return len(text) >= LINE and text.endswith((".", "?", "!", "…"))


def _last_clause(part: Sequence[Word]) -> int:
    """Number of words before the last clause, at least half a line; all words if no clause ends that late."""
    ends = [k for k in range(1, len(part)) if part[k - 1].text.rstrip().endswith((",", ";", ":", *".?!…"))]
    return next((k for k in reversed(ends) if len(text_of(part[:k])) >= LINE // 2), len(part))


def _fits(part: Sequence[Word], name: str | None) -> bool:
    shown = f"{name[: LINE // 2]}: {text_of(part)}" if name else text_of(part)
    return len(_lines(shown)) <= LINES and part[-1].end_s - part[0].start_s <= LONGEST_S


def _cue(start_s: float, end_s: float, name: str | None, text: str) -> Cue:
    start_ms = round(start_s * 1000)
    return Cue(start_ms, max(start_ms + 1, round(end_s * 1000)), name, text, name)


def _lines(text: str) -> list[str]:
    return wrap(text, LINE, break_long_words=False, break_on_hyphens=False)


def _time(millis: int, point: str) -> str:
    seconds, rest = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{rest:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _voice(name: str) -> str:
    """A name as a voice; a final dash is escaped, since it would form an arrow with the end of the tag."""
    escaped = _escaped(name)
    return f"{escaped[:-1]}&#45;" if escaped.endswith("-") else escaped


def _unarrowed(text: str) -> str:
    """Break up arrows in a text: SRT uses them between times and has no escaping."""
    return text.replace("-->", "-- >")
