"""The words that figures of a language count, and text as it is compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from ressenti.pipeline.text import plain

KNOWN = ("en", "fr")
_BETWEEN = re.compile(r"[^\w€$£%]+|_")


@dataclass(frozen=True)
class WordLists:
    """Of one language: what counts as hesitation, greeting, farewell and currency, and words too common for keywords.

    Phrases are tuples of words as `parts_of` gives them.
    """

    hesitations: frozenset[str]
    greetings: tuple[tuple[str, ...], ...]
    farewells: tuple[tuple[str, ...], ...]
    currencies: frozenset[str]
    common: frozenset[str]


@cache
def word_lists(language: str | None) -> WordLists | None:
    """The lists of a language; None if we have none, and then no figure that needs them is claimed."""
    if language not in KNOWN:
        return None
    place = resources.files("ressenti.pipeline.content") / "word_lists" / f"{language}.yaml"
    read = yaml.safe_load(place.read_text(encoding="utf-8"))
    return WordLists(
        hesitations=frozenset(read["hesitations"]),
        greetings=tuple(tuple(phrase.split()) for phrase in read["greetings"]),
        farewells=tuple(tuple(phrase.split()) for phrase in read["farewells"]),
        currencies=frozenset(read["currencies"]),
        common=frozenset(read["common"].split()),
    )


@cache
def parts_of(word: str) -> tuple[str, ...]:
    """A word as it is compared: lower case, no accents or punctuation, parted at hyphens and apostrophes."""
    return tuple(part for part in _BETWEEN.split(plain(word)) if part)


LEAST_PARTS = 20  # to guess a language by
_CLEAR = 0.25  # share of common words in a language that is spoken
_AHEAD = 1.5


def guessed(parts: list[str]) -> str | None:
    """The language of words by their share of common ones; None if it is not clear, or if we have no lists for it."""
    if len(parts) < LEAST_PARTS:
        return None
    shares = {}
    for language in KNOWN:
        lists = word_lists(language)
        shares[language] = sum(part in lists.common for part in parts) / len(parts) if lists else 0.0
    best, second = sorted(shares, key=shares.__getitem__, reverse=True)[:2]
    return best if shares[best] >= _CLEAR and shares[best] >= _AHEAD * shares[second] else None
