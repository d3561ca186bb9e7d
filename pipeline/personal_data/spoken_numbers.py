"""Numbers and letters in words, as they are written or as they are said, in English and French."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ressenti.pipeline.text import plain


def listed(text: str) -> list[str]:
    """The words of a text, for lists that are long."""
    return text.split()


Languages = frozenset[str]
KNOWN: Languages = frozenset(("en", "fr"))

_UNITS: Mapping[str, Mapping[str, int]] = {
    "en": {
        name: k
        for k, name in enumerate(
            listed(
                "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
                "sixteen seventeen eighteen nineteen"
            )
        )
    }
    | {"oh": 0, "nought": 0, "naught": 0},
    "fr": {
        name: k
        for k, name in enumerate(
            listed("zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize")
        )
    }
    | {"une": 1},
}
_TENS: Mapping[str, Mapping[str, int]] = {
    "en": {
        name: 10 * k for k, name in enumerate(listed(
    "twenty thirty forty fifty sixty seventy eighty ninety"
), start=2)
    }
    | {"fourty": 40},
    "fr": {
        "vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70, "huitante": 80,
        "octante": 80, "nonante": 90,
    },
}  # fmt: skip
_HUNDRED = {"en": ("hundred", "hundreds"), "fr": ("cent", "cents")}
_THOUSAND = {"en": ("thousand", "thousands"), "fr": ("mille",)}
_AND = {"en": "and", "fr": "et"}
_TIMES = {"double": 2, "triple": 3}
_SPELLED_OUT = {"double-u": "W", "double-vé": "W", "zed": "Z", "zède": "Z", "ygrec": "Y"}
_ALSO_WORDS = frozenset("aioy")  # single letters that are words of their own
_ELIDED = re.compile("^[A-Za-z]{1,2}['’]")


@dataclass(frozen=True)
class Token:
    """A part of a word: its plain text (no case, no accents), whether a pause or mark follows, and its word's index."""

    text: str
    raw: str
    word: int
    closed: bool = False


@dataclass(frozen=True)
class Item:
    """What a person says: digits or letters (`characters`), or another word (then empty), over words [first, last].

    `weak` is true for letters that may be a word ("a", "TV"). `value` is the number that was said, if it was one.
    """

    characters: str
    first: int
    last: int
    text: str
    weak: bool = False
    value: int | None = None


def tokens_of(words: Sequence[str]) -> list[Token]:
    """The parts of words at hyphens and apostrophes; words with digits stay whole."""
    out = []
    for k, word in enumerate(words):
        closed = word.rstrip()[-1:] in ",;:.!?…"
        bare = word.strip(" \t\n,;:.!?…\"'«»()[]“”’‘")
        if not bare:
            continue
        low = bare.casefold()
        if low in _SPELLED_OUT:
            out.append(Token(plain(low), _SPELLED_OUT[low], k, closed))
            continue
        parts = [(_ELIDED.sub("", bare), False)] if any(c.isdigit() or c == "@" for c in bare) else _parts(bare)
        for n, (part, elided) in enumerate(parts):
            raw = f"'{part}" if elided else part  # "c'" of "c'est" is no spelled letter
            out.append(Token(plain(part), raw, k, closed and n == len(parts) - 1))
    return out


def _parts(word: str) -> list[tuple[str, bool]]:
    """The parts of a word at hyphens and apostrophes, each with whether an apostrophe parts it."""
    pieces = [re.split("['’]", piece) for piece in re.split(r"[-\u2010-\u2013]", word)]
    return [(part, len(piece) > 1) for piece in pieces for part in piece if part]


def items_of(words: Sequence[str], languages: Languages = KNOWN) -> list[Item]:
    """Digits, letters and other words, in the order in which they were said."""
    tokens = tokens_of(words)
    out: list[Item] = []
    at = 0
    while at < len(tokens):
        item, at = _item(tokens, at, languages)
        out.append(item)
    return out


Smaller = Callable[[Sequence[Token], int, str], tuple[int, int]]


def _item(tokens: Sequence[Token], at: int, languages: Languages) -> tuple[Item, int]:
    token = tokens[at]
    times = _TIMES.get(token.text)
    if times and at + 1 < len(tokens):
        item, after = _item(tokens, at + 1, languages)
        if len(item.characters) == 1:
            return Item(item.characters * times, token.word, item.last, token.text), after
    for language in sorted(languages):
        value, after = _number(tokens, at, language)
        if after > at:
            digits = _digits(tokens[at].text, value, language)
            return Item(digits, token.word, tokens[after - 1].word, token.text, value=value), after
    return _written(token), at + 1


def _written(token: Token) -> Item:
    """A token with digits, a single letter, or another word."""
    raw = token.raw
    if re.fullmatch(r"\+?[\d\s./\-()*]*\d[\d\s./\-()*]*", raw):
        digits = re.sub(r"\D", "", raw)
        value = int(digits) if len(digits) <= 9 else None
        return Item(digits, token.word, token.word, raw, value=value)
    if len(raw) == 1 and raw.isalpha():
        return Item(token.text.upper(), token.word, token.word, token.text, weak=token.text in _ALSO_WORDS)
    bare = re.sub(r"[-./]", "", raw)
    if re.fullmatch(r"[A-Z0-9]{2,34}", bare) and any(c.isdigit() for c in bare):
        return Item(bare, token.word, token.word, raw)
    if re.fullmatch(r"[A-Z]{2,4}", raw):
        return Item(raw, token.word, token.word, token.text, weak=True)
    return Item("", token.word, token.word, token.text)


def _digits(first: str, value: int, language: str) -> str:
    return "0" if value == 0 and first in _UNITS[language] else str(value)


def _number(tokens: Sequence[Token], at: int, language: str) -> tuple[int, int]:
    """The number said from a token on, and the token after it; (0, at) if none begins here."""
    return _counted(tokens, at, language, _below_thousand, _THOUSAND[language], 1000)


def _below_thousand(tokens: Sequence[Token], at: int, language: str) -> tuple[int, int]:
    return _counted(tokens, at, language, _below_hundred, _HUNDRED[language], 100)


def _counted(
    tokens: Sequence[Token], at: int, language: str, smaller: Smaller, names: Sequence[str], factor: int
) -> tuple[int, int]:
    """A number with so many hundreds or thousands (`names`, `factor`) and what is `smaller` after them."""
    value, after = smaller(tokens, at, language)
    if after == at:
        if language != "fr" or tokens[at].text not in names:  # "cent", "mille": without "un" before
            return 0, at
        value, after = factor, at + 1
    elif _open(tokens, after) and tokens[after].text in names and 0 < value < factor:
        value, after = value * factor, after + 1
    else:
        return value, after
    start = after
    if _open(tokens, start) and tokens[start].text == _AND[language] and start + 1 < len(tokens):
        start += 1
    if _open(tokens, start):
        more, end = smaller(tokens, start, language)
        if end > start and more:
            return value + more, end
    return value, after


def _below_hundred(tokens: Sequence[Token], at: int, language: str) -> tuple[int, int]:
    units, tens = _UNITS[language], _TENS[language]
    text = tokens[at].text
    if language == "fr":
        if text == "quatre" and _open(tokens, at + 1) and tokens[at + 1].text in ("vingt", "vingts"):
            return _plus(tokens, 80, at + 2, language, teens=True)
        if text == "soixante":
            return _plus(tokens, 60, at + 1, language, teens=True)
        if text == "dix" and _open(tokens, at + 1) and tokens[at + 1].text in ("sept", "huit", "neuf"):
            return 10 + units[tokens[at + 1].text], at + 2
    if text in tens:
        return _plus(tokens, tens[text], at + 1, language)
    if text in units:
        return units[text], at + 1
    return 0, at


def _plus(tokens: Sequence[Token], base: int, at: int, language: str, *, teens: bool = False) -> tuple[int, int]:
    """Tens with the unit that follows, if one does."""
    units, start = _UNITS[language], at
    if language == "fr" and _open(tokens, start) and tokens[start].text == "et" and start + 1 < len(tokens):
        start += 1
        if tokens[start].text not in ("un", "une", "onze"):
            return base, at
    if not _open(tokens, start) or (language == "fr" and _is_eighty(tokens, start)):
        return base, at
    if teens:
        more, end = _below_hundred(tokens, start, language)
        return (base + more, end) if 0 < more < 20 else (base, at)
    more = units.get(tokens[start].text, 0)
    return (base + more, start + 1) if 0 < more < 10 else (base, at)


def _is_eighty(tokens: Sequence[Token], at: int) -> bool:
    """Whether a hyphenated "quatre-vingt" begins here: "cinquante quatre-vingt" is 50 and 80, not 54 and 20."""
    if tokens[at].text != "quatre" or not _open(tokens, at + 1) or tokens[at + 1].text not in ("vingt", "vingts"):
        return False
    return tokens[at - 1].word != tokens[at].word == tokens[at + 1].word


def _open(tokens: Sequence[Token], at: int) -> bool:
    """Whether there is such a token, and no pause or mark before it."""
    return 0 < at < len(tokens) and not tokens[at - 1].closed
