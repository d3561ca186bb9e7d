"""People's names in words: a name finder reads each turn as one text; the words that it marks are names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from ressenti.pipeline.personal_data.find import MOST_PAUSE_S
from ressenti.pipeline.records import ModelInfo, PersonalData, Word


class NameFinder(Protocol):
    """Finds people's names in texts; `ressenti.pipeline.names` has one."""

    @property
    def info(self) -> ModelInfo:
        """What the report says of it."""
        ...

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """For each text, where names or parts of names are: characters [start, end)."""
        ...


def names_in(words: Sequence[Word], finder: NameFinder) -> list[PersonalData]:
    """Names in words in the order of time. Words that follow each other in a turn, without a long pause, are one."""
    turns: dict[int | None, list[Word]] = {}
    for word in words:
        if word.text.strip():
            turns.setdefault(word.turn, []).append(word)
    texts = [" ".join(word.text for word in own) for own in turns.values()]
    found = finder.find(texts) if texts else []
    return [place for own, spans in zip(turns.values(), found, strict=True) for place in _places(own, spans)]


def _places(words: Sequence[Word], spans: Sequence[tuple[int, int]]) -> list[PersonalData]:
    """The words of one text that spans of its characters touch."""
    starts = accumulate((len(word.text) + 1 for word in words[:-1]), initial=0)
    out: list[PersonalData] = []
    before = -1
    for k, (word, at) in enumerate(zip(words, starts, strict=True)):
        if not any(start < at + len(word.text) and end > at for start, end in spans):
            continue
        if out and before == k - 1 and word.start_s - out[-1].end_s <= MOST_PAUSE_S:
            out[-1] = PersonalData("name", out[-1].start_s, max(out[-1].end_s, word.end_s))
        else:
            out.append(PersonalData("name", word.start_s, word.end_s))
        before = k
    return out
