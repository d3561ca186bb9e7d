"""Speaker names and words of turns, as text that every format can hold (pure)."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from ressenti.pipeline.export.wording import Wording
from ressenti.pipeline.language import Lang, lang_of
from ressenti.pipeline.records import OMITTED, UNSURE, Conversation, Omission, Speaker, Turn, TurnCorrection, Word
from ressenti.pipeline.records.call_metadata import CALL_METADATA


def plain(text: str) -> str:
    """Text on one line, without control and non-characters, which XML and line-based formats reject."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (" " if c.isspace() else c for c in text if c.isspace() or _is_text(c))
    return " ".join("".join(kept).split())


def known_of(metadata: Sequence[tuple[str, str]], wording: Wording) -> tuple[tuple[str, str], ...]:
    """Names and values of a call's metadata for readers; names of the user's own stay as they are."""
    return tuple(
        (wording(f"m_{name}"), plain(value.removesuffix("T00:00:00").replace("T", " ") if name == "date" else value))
        if name in CALL_METADATA
        else (plain(name), plain(value))
        for name, value in metadata
    )


def names_of(conversation: Conversation, wording: Wording | None = None) -> dict[str, str]:
    """Display name of each speaker by label; the label is added to names that look alike.

    Without a name it is the label, or with a wording "Speaker 1" in its language, as on the page.
    """
    shown = {s.label: plain(s.name) or plain(_unnamed(s, wording)) for s in conversation.speakers}
    while alike := [label for label, n in _counted(shown).items() if n > 1]:
        shown |= {label: f"{shown[label]} ({plain(label)})" for label in alike}
    return shown


def has_words(conversation: Conversation) -> bool:
    """Whether there is a transcript, even if all its words were left out."""
    return bool(conversation.words or conversation.omissions)


def words_of(conversation: Conversation, *, marks: bool = True) -> dict[int | None, tuple[Word, ...]]:
    """Words by the index of their turn, sorted by time; words outside turns are under None.

    With `marks`, there is a mark (`mark_of`) where words were left out, and `UNSURE` follows each recognised word of
    which the model was not sure.
    """
    known = {turn.index for turn in conversation.turns}
    found: dict[int | None, list[Word]] = defaultdict(list)
    left_out = [
        Word(o.start_s, o.end_s, mark_of(o, conversation), o.turn, exact=False)
        for o in (conversation.omissions if marks else ())
    ]
    limit = _unsure_below(conversation) if marks else 0.0
    spoken = [
        replace(w, text=f"{w.text}{UNSURE}") if w.confidence is not None and w.confidence < limit else w
        for w in conversation.words
    ]
    for word in sorted([*spoken, *left_out], key=lambda w: (w.start_s, w.end_s)):
        if plain(word.text):
            found[word.turn if word.turn in known else None].append(word)
    return {turn: tuple(words) for turn, words in found.items()}


def mark_of(place: Omission, conversation: Conversation) -> str:
    """What stands where words were left out: the kind of personal data if it was some, else `OMITTED`."""
    kind = conversation.kind_omitted(place)
    return OMITTED if kind is None else Wording(_language(conversation))(f"pd_{kind}")


def _language(conversation: Conversation) -> Lang:
    return lang_of(conversation.config.get("report"))


def text_of(words: Sequence[Word]) -> str:
    """Words as one line of text."""
    return plain(" ".join(word.text for word in words))


def class_of(turn: Turn) -> str:
    """The class of a turn, with a question mark if it is unsure; empty if the turn was not judged."""
    return f"{turn.emotion.top}{'?' if turn.unsure else ''}" if turn.emotion else ""


def corrected_turns(conversation: Conversation) -> frozenset[int]:
    """Indices of turns whose speaker, class or words a person set; a note alone is no correction."""
    by_hand = {turn.index for turn in conversation.turns if turn.speaker_by_person or turn.by_person}
    return frozenset(by_hand | {found.turn for found in conversation.words_found})


def correction_of(conversation: Conversation) -> dict[int, TurnCorrection]:
    """What people corrected or noted of turns, by the turn's index."""
    return {entry.turn: entry for entry in conversation.corrections.turns}


def _unsure_below(conversation: Conversation) -> float:
    """Probability below which a recognised word is unsure, from the conversation's options."""
    options = cast("dict[str, Any]", conversation.config.get("words", {}))
    return float(options.get("unsure_below", 0.0))


def _unnamed(speaker: Speaker, wording: Wording | None) -> str:
    if wording is None:
        return speaker.label
    if speaker.is_person:
        return wording("speaker_n", n=speaker.label.removeprefix("S"))
    number = speaker.label.removeprefix("A")
    return wording("announcement") if number == "1" else wording("announcement_n", n=number)


def _is_text(c: str) -> bool:
    """Whether a character is text: no control, surrogate, byte order mark (Praat always drops it) or noncharacter."""
    return unicodedata.category(c) not in ("Cc", "Cs") and c != "\ufeff" and ord(c) & 0xFFFE != 0xFFFE


def _counted(shown: dict[str, str]) -> dict[str, int]:
    """Number of speakers with the same name as each, ignoring case."""
    folded = Counter(name.casefold() for name in shown.values())
    return {label: folded[name.casefold()] for label, name in shown.items()}
