"""Words of turns as a person wrote them: aligned to the words that were found, which come back with its end (pure)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from ressenti.pipeline.edits.bleeps import is_silenced, joined_omissions
from ressenti.pipeline.errors import CorrectionsError
from ressenti.pipeline.records import (
    MOST_LETTERS,
    MOST_WORDS,
    OMITTED,
    Conversation,
    Omission,
    Span,
    Turn,
    TurnCorrection,
    Word,
    WordsFound,
)
from ressenti.pipeline.records.intervals import Timed

_MOST_PAIRS = 4_000_000  # of words that are compared; longer texts are not aligned between their equal ends
_ROUNDS = 10


def one_line(text: str) -> str:
    """A text with one space between its words, without marks of words that were left out."""
    return " ".join(part for part in text.split() if part != OMITTED)


def written(text: str) -> list[str]:
    """The words of a text; one with more letters than a word may have becomes several."""
    parts = one_line(text).split()
    return [part[k : k + MOST_LETTERS] for part in parts for k in range(0, len(part), MOST_LETTERS)]


def with_found_words(conversation: Conversation) -> Conversation:
    """The conversation with the words that were found, and with what they say."""
    found = {entry.turn: entry for entry in conversation.words_found}
    if not found:
        return conversation
    words = [word for word in conversation.words if word.turn not in found]
    words += [word for entry in found.values() for word in entry.words]
    return replace(
        conversation,
        words=tuple(sorted(words, key=_in_time)),
        words_found=(),
        turns=tuple(
            replace(turn, sentiment=found[turn.index].sentiment) if turn.index in found else turn
            for turn in conversation.turns
        ),
    )


def with_written_words(conversation: Conversation) -> Conversation:
    """Give turns the words that people wrote, except those in silenced spans, and keep the words that were found.

    A word that was found, too, keeps its time and confidence; others are placed between them without an exact time.
    What the words that were found say is forgotten. Words that may be silenced are removed from the correction, too.
    Raises `CorrectionsError` for too many words.
    """
    wanted = {entry.turn: entry for entry in conversation.corrections.turns if entry.words is not None}
    if not wanted:
        return conversation
    found = _words_of(conversation, wanted.keys())
    bleeps = Timed(conversation.bleeps)
    said: list[Word] = [word for word in conversation.words if word.turn not in wanted]
    gone: list[Word] = []
    entries: list[WordsFound] = []
    left: dict[int, TurnCorrection] = {}
    for turn in conversation.turns:
        if turn.index not in wanted:
            continue
        entry, own = wanted[turn.index], found[turn.index]
        placed, lost = _heard(written(entry.words or ""), own, turn, bleeps)
        said += placed
        gone += lost
        entries.append(WordsFound(turn.index, tuple(own), turn.sentiment))
        if lost:
            left[turn.index] = replace(entry, words=" ".join(word.text for word in placed))
    if len(said) > MOST_WORDS:
        raise CorrectionsError(
            f"corrections: {len(said):,} words; expected at most {MOST_WORDS:,} in all. Write shorter texts."
        )
    omissions = conversation.omissions
    if gone:
        places = [*omissions, *(Omission(w.start_s, w.end_s, w.turn) for w in gone)]
        omissions = joined_omissions(places, said)
    corrections = conversation.corrections
    if left:
        turns = tuple(left.get(entry.turn, entry) for entry in corrections.turns)
        corrections = replace(corrections, turns=turns)
    return replace(
        conversation,
        words=tuple(sorted(said, key=_in_time)),
        words_found=tuple(entries),
        omissions=omissions,
        corrections=corrections,
        turns=tuple(replace(t, sentiment=None) if t.index in wanted else t for t in conversation.turns),
    )


def texts_found(conversation: Conversation, turns: Collection[int]) -> dict[int, list[str]]:
    """The words that were found in some turns."""
    found = _words_of(conversation, turns)
    return {turn: [part for word in own for part in word.text.split()] for turn, own in found.items()}


def placed_words(texts: Sequence[str], found: Sequence[Word], turn: Turn) -> list[Word]:
    """Words of a turn for these texts: those found, too, keep their place, and the others lie evenly between them."""
    kept: list[tuple[int, Word]] = [
        (k, own if own.text == texts[k] else replace(own, text=texts[k]))
        for k, own in ((k, found[at]) for k, at in _alike([_bare(t) for t in texts], [_bare(w.text) for w in found]))
    ]
    out: list[Word] = []
    at, since_s = 0, min([turn.start_s, *(word.start_s for _, word in kept[:1])])
    for k, word in kept:
        out += _spread(texts[at:k], min(since_s, word.start_s), word.start_s, turn.index)
        out.append(word)
        at, since_s = k + 1, max(since_s, word.end_s)
    return [*out, *_spread(texts[at:], since_s, max(turn.end_s, since_s), turn.index)]


def _heard(texts: list[str], found: Sequence[Word], turn: Turn, bleeps: Timed[Span]) -> tuple[list[Word], list[Word]]:
    """Words of a turn outside silenced spans, and those that may be in one.

    Fewer words are placed elsewhere, so that it takes some rounds until none may be silenced.
    """
    gone: list[Word] = []
    for left in range(_ROUNDS, -1, -1):
        placed = placed_words(texts, found, turn)
        lost = [word for word in placed if is_silenced(word, bleeps) or (not left and not word.exact)]
        if not lost:
            return placed, gone
        gone += lost
        away = set(map(id, lost))
        texts = [word.text for word in placed if id(word) not in away]
    return [], gone


def _alike(texts: Sequence[str], found: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Places of equal words in both, in order; equal beginnings and ends are compared first."""
    first, shorter = 0, min(len(texts), len(found))
    while first < shorter and texts[first] == found[first]:
        yield first, first
        first += 1
    last = 0
    while last < shorter - first and texts[-1 - last] == found[-1 - last]:
        last += 1
    ours, theirs = texts[first : len(texts) - last], found[first : len(found) - last]
    if len(ours) * len(theirs) <= _MOST_PAIRS:
        for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
            yield from ((first + block.a + k, first + block.b + k) for k in range(block.size))
    for k in range(last, 0, -1):
        yield len(texts) - k, len(found) - k


def _spread(texts: Sequence[str], start_s: float, end_s: float, turn: int) -> Iterator[Word]:
    """Words without an exact time, each as long as its share of the letters."""
    letters = sum(map(len, texts))
    at = 0
    for text in texts:
        begins = start_s + (end_s - start_s) * at / letters
        at += len(text)
        yield Word(begins, start_s + (end_s - start_s) * at / letters, text, turn, exact=False)


def _bare(text: str) -> str:
    """A word as it is compared: without case and punctuation, unless it is nothing else."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return "".join(c for c in folded if c.isalnum()) or folded


def _words_of(conversation: Conversation, turns: Collection[int]) -> dict[int, list[Word]]:
    """The words of some turns, in order of time."""
    found: dict[int, list[Word]] = {turn: [] for turn in turns}
    for word in conversation.words:
        if word.turn is not None and word.turn in found:
            found[word.turn].append(word)
    return {turn: sorted(own, key=_in_time) for turn, own in found.items()}


def _in_time(word: Word) -> tuple[float, float]:
    return word.start_s, word.end_s
