"""Find personal data in words and their times: runs of digits and letters, e-mail addresses, dates of birth.

What is found is meant to be silenced, so a doubtful place counts as found: a run of six or more digits or spelled
letters is found whether or not it is a valid number of any kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ressenti.pipeline.personal_data.kinds import is_iban, kind_of
from ressenti.pipeline.personal_data.spoken_numbers import KNOWN, Item, Languages, items_of, listed
from ressenti.pipeline.text import plain

MOST_PAUSE_S = 3.0  # between two characters of one number, also across turns
LEAST_CHARACTERS = 6
ASKED_S = 20.0  # how long after it was asked for a number its kind is known
_YEARS = range(1900, 2021)  # of birth
_ANY_YEAR = range(1900, 2100)
_BESIDES_YEARS = 2  # characters that a number has besides years: "2017, a 2017 four-door" is none

_FILLERS = frozenset(
    listed(
        "uh um er erm ah eh hm hmm mm mhm okay ok yes yeah yep right so then and dash hyphen slash dot "
        "space plus comma euh heu bah ben oui ouais d accord alors puis ensuite et tiret point espace "
        "virgule donc voila vas-y allez-y"
    )
)
_SHORT_ANSWER = 4  # words of the other party between two parts of a number ("yes, go on")
_UNITS_AFTER = frozenset(
    listed(
        "euro euros dollar dollars cent cents pound pounds percent pourcent pour% miles mile km "
        "kilometres kilometers heures heure hours hour minutes minute mille thousand million millions "
        "milliard milliards metres meters kilos grammes personnes people degres degrees % € $ £"
    )
)
_ASKED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("card", re.compile(r"\b(card|carte|visa|mastercard|american express|cb)\b")),
    ("iban", re.compile(r"\b(iban|account number|rib|numero de compte|sort code)\b")),
    ("nir", re.compile(r"\b(securite sociale|numero de secu|secu|nir|social security)\b")),
    ("birth", re.compile(r"\b(born|birth|birthday|dob|nee?s?|naissance|anniversaire)\b")),
    ("email", re.compile(r"\b(e ?mail|mail|write to|ecri(re|vez))\b")),
    ("phone", re.compile(r"\b(phone|telephone|mobile|portable|cell|call (me|you|back)|(re)?joindre|rappel\w*|fixe)\b")),
)
_MONTHS = {
    name: k
    for language in (
        "january february march april may june july august september october november december",
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    )
    for k, name in enumerate(language.split(), start=1)
}
_ORDINALS = {
    name: k
    for k, name in enumerate(
        listed(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
            "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        start=1,
    )
} | {"thirtieth": 30, "premier": 1}
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}")
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*\.(com|fr|net|org|be|ch|ca|eu|uk)")
_AT = frozenset(("arobase", "arrobase", "arobas", "@"))
_DOT = frozenset(("dot", "point"))
_SITES = frozenset(("website", "site", "online", "page", "internet", "www", "visit", "us"))
_JOINS = frozenset(("dot", "point", "dash", "hyphen", "tiret", "underscore", "bas", "."))
_ENDINGS = frozenset(listed("com fr net org be ch ca eu uk de info gouv edu io co"))
_BEFORE_ADDRESS = frozenset(
    listed("c est is it s my mon mail e email adresse address sur a at the l au as an and et oui yes de")
)


@dataclass(frozen=True)
class TimedWord:
    """A word with its time (s), its speaker (None: outside all turns), and how sure it is (None: not known)."""

    text: str
    start_s: float
    end_s: float
    speaker: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Finding:
    """Personal data of a kind in the words [first, last] of those that were searched."""

    kind: str
    first: int
    last: int


Search = Callable[[Sequence[Item], Sequence[TimedWord]], Iterator[Finding]]


def find(words: Sequence[TimedWord], languages: Languages = KNOWN) -> tuple[Finding, ...]:
    """Personal data in words in the order of time. What overlaps is one, of the kind that says most."""
    items = items_of([word.text for word in words], languages)
    search: tuple[Callable[[Sequence[Item], Sequence[TimedWord]], Iterator[Finding]], ...] = (
        _addresses,
        _births,
        _runs,
    )
    return _merged([found for one in search for found in one(items, words)])


def _merged(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """One for those that overlap; addresses and births say more than a run of characters."""
    order = {"email": 0, "birth": 1, "card": 2, "iban": 3, "nir": 4, "phone": 5, "number": 6}
    out: list[Finding] = []
    for one in sorted(found, key=lambda f: (f.first, f.last)):
        if out and one.first <= out[-1].last:
            kind = min((out[-1].kind, one.kind), key=order.__getitem__)
            out[-1] = Finding(kind, out[-1].first, max(out[-1].last, one.last))
        else:
            out.append(one)
    return tuple(out)


# runs of digits and letters


def _runs(items: Sequence[Item], words: Sequence[TimedWord]) -> Iterator[Finding]:
    run: list[Item] = []
    between: list[Item] = []
    for k, item in enumerate(items):
        if item.characters and not _measures(items, k, words):
            if run and not _goes_on(run[-1], between, item, words):
                yield from _of_run(run, items, words)
                run = []
            run.append(item)
            between = []
        elif run:
            between.append(item)
    yield from _of_run(run, items, words)


def _goes_on(last: Item, between: Sequence[Item], item: Item, words: Sequence[TimedWord]) -> bool:
    """Whether a character belongs to the run before: it comes soon, after nothing but fillers or short answers."""
    if words[item.first].start_s - words[last.last].end_s > MOST_PAUSE_S:
        return False
    own = words[last.last].speaker
    others = [b for b in between if words[b.first].speaker != own]
    told = [b for b in between if words[b.first].speaker == own and b.text not in _FILLERS]
    return not told and len(others) <= _SHORT_ANSWER


def _measures(items: Sequence[Item], at: int, words: Sequence[TimedWord]) -> bool:
    """Whether digits are an amount, a share or a time, and no number of somebody."""
    item, word = items[at], words[items[at].last].text
    if not item.characters.isdigit():
        return False
    if re.search(r"[€$£%]|\d[hH]\d?|\d:\d", word) or (word[:1] in "€$£"):
        return True
    after = items[at + 1] if at + 1 < len(items) else None
    soon = after is not None and words[after.first].start_s - words[item.last].end_s < 1
    return bool(soon and after and after.text in _UNITS_AFTER)


def _of_run(run: Sequence[Item], items: Sequence[Item], words: Sequence[TimedWord]) -> Iterator[Finding]:
    """A run, if it is long enough, without the letters at its ends that may be words."""
    kept = _without_words_at_its_ends(run)
    characters = "".join(item.characters for item in kept)
    besides_years = sum(len(item.characters) for item in kept if not _is_year(item))
    if len(characters) < LEAST_CHARACTERS or besides_years < _BESIDES_YEARS:
        return
    kind = kind_of(characters)
    if kind == "number":
        kind = kind_of(re.sub(r"\D", "", characters))
    if kind == "number":
        kind = _asked(kept[0].first, words) or kind
    yield Finding(kind, kept[0].first, kept[-1].last)


def _is_year(item: Item) -> bool:
    return len(item.characters) == 4 and item.value in _ANY_YEAR


def _without_words_at_its_ends(run: Sequence[Item]) -> Sequence[Item]:
    """A run without the letters at its ends that may be words, unless they are the country of an IBAN."""
    solid = [k for k, item in enumerate(run) if not item.weak]
    if not solid:
        return ()
    first, last = solid[0], solid[-1]
    for k in range(first):
        if is_iban("".join(item.characters for item in run[k : last + 1])):
            return run[k : last + 1]
    return run[first : last + 1]


def _asked(first: int, words: Sequence[TimedWord]) -> str:
    """The kind that was last spoken of before a word; empty if none was."""
    start_s = words[first].start_s
    texts: list[str] = []
    for word in reversed(words[:first]):
        if start_s - word.end_s > ASKED_S or len(texts) > 60:
            break
        texts.append(plain(word.text))
    text = " ".join(reversed(texts))
    last = [(max((m.end() for m in pattern.finditer(text)), default=-1), kind) for kind, pattern in _ASKED]
    at, kind = max(last)
    return kind if at >= 0 else ""


# e-mail addresses


def _addresses(items: Sequence[Item], words: Sequence[TimedWord]) -> Iterator[Finding]:
    for k, item in enumerate(items):
        text = plain(words[item.first].text).strip(".,?!;: ")
        if _ADDRESS.search(text):
            yield Finding("email", item.first, item.last)
        elif _DOMAIN.fullmatch(text) and _asked(item.first, words) == "email":  # "at" was not heard as such
            yield Finding("email", items[_begins(items, k, words)].first, item.last)
        elif item.text in _AT or (item.text == "at" and _ends(items, k, words) is not None and not _is_site(items, k)):
            after = _ends(items, k, words)
            last = after if after is not None else min(k + 2, len(items) - 1)
            yield Finding("email", items[_begins(items, k, words)].first, items[last].last)


def _is_site(items: Sequence[Item], at: int) -> bool:
    """Whether what follows is where a website is, and no address of anybody."""
    return any(item.text in _SITES for item in items[max(0, at - 4) : at])


def _ends(items: Sequence[Item], at: int, words: Sequence[TimedWord]) -> int | None:
    """The item with the ending of a domain after "at", if one comes soon."""
    dotted = False
    for k in range(at + 1, min(at + 9, len(items))):
        if words[items[k].first].start_s - words[items[k - 1].last].end_s > MOST_PAUSE_S:
            return None
        text = plain(words[items[k].first].text).strip(".,?! ")
        if items[k].text in _DOT:
            dotted = True
        elif (dotted and items[k].text in _ENDINGS) or re.fullmatch(
            r"[\w-]+(\.[\w-]+)*\.(com|fr|net|org|be|ch|ca|eu|uk)", text
        ):
            further = k + 2 < len(items) and items[k + 1].text in _DOT and items[k + 2].text in _ENDINGS
            return k + 2 if further else k
    return None


def _begins(items: Sequence[Item], at: int, words: Sequence[TimedWord]) -> int:
    """The item with which an address begins: up to eight back, to a word that leads to it or the end of a sentence."""
    first, plain_words = at, 0
    for k in range(at - 1, max(at - 12, -1), -1):
        joined = bool(items[k].characters) or items[k].text in _JOINS or items[k + 1].text in _JOINS
        if words[items[k + 1].first].start_s - words[items[k].last].end_s > MOST_PAUSE_S:
            break
        if k < at - 1 and not joined and (items[k].text in _BEFORE_ADDRESS or plain_words >= 2):
            break
        if k < at - 1 and words[items[k].last].text.rstrip()[-1:] in "?!:":
            break
        plain_words += not joined
        first = k
    return first


# dates of birth


def _births(items: Sequence[Item], words: Sequence[TimedWord]) -> Iterator[Finding]:
    k = 0
    while k < len(items):
        span = _date(items, k)
        if span is None:
            k += 1
            continue
        last, year = span
        if year in _YEARS or _asked(items[k].first, words) == "birth":
            yield Finding("birth", items[k].first, items[last].last)
        k = last + 1


def _date(items: Sequence[Item], at: int) -> tuple[int, int | None] | None:
    """The last item and the year of a date that begins at an item; None if none does."""
    numeric = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})", items[at].text)
    if numeric:
        year = int(numeric[3])
        return at, year if year > 99 else 1900 + year if year > 20 else None
    day = _day(items, at)
    if day is not None:
        month = day + 1
        while month < len(items) and items[month].text in ("of", "the", "de"):
            month += 1
        if month < len(items) and items[month].text in _MONTHS:
            return _with_year(items, month)
    if items[at].text in _MONTHS:
        start = at + 1
        while start < len(items) and items[start].text in ("the", "le"):
            start += 1
        after = _day(items, start) if start < len(items) else None
        if after is not None:
            return _with_year(items, after)
    return None


def _day(items: Sequence[Item], at: int) -> int | None:
    """The last item of a day of the month that begins at an item."""
    item = items[at]
    ordinal = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th|er|e)?", item.text)
    if ordinal and 1 <= int(ordinal[1]) <= 31:
        return at
    if item.value is not None and 1 <= item.value <= 31:
        more = items[at + 1] if at + 1 < len(items) else None
        return at + 1 if item.value in (20, 30) and more is not None and more.text in _ORDINALS else at
    return at if item.text in _ORDINALS else None


def _with_year(items: Sequence[Item], month: int) -> tuple[int, int | None]:
    """The last item and the year after a month or a day; the year is None if none follows."""
    start = month + 1
    while start < len(items) and items[start].text in ("of", "in", "de", "en", "l", "an"):
        start += 1
    if start >= len(items) or items[start].value is None:
        return month, None
    digits, last = items[start].characters, start
    while len(digits) < 4 and last + 1 < len(items) and items[last + 1].characters.isdigit():
        last += 1
        digits += items[last].characters
    if len(digits) == 4:
        return last, int(digits)
    if len(items[start].characters) == 2:
        short = int(items[start].characters)
        return start, 1900 + short if short > 20 else None
    return month, None
