"""Keywords of a conversation: words and pairs of words that were said several times and are not common ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ressenti.pipeline.config import ContentOptions
from ressenti.pipeline.content.languages import KNOWN, word_lists
from ressenti.pipeline.content.said import Part, Utterance, utterances_of
from ressenti.pipeline.records import Conversation

_SHORTEST = 3  # letters of a keyword


# what both say together is the prior, worth this share of it; so a term said three times here and never in ten times as
# many words there is just distinct (z = 2.2), and one said twice is not (1.8)
PRIOR = 0.2


@dataclass(frozen=True)
class Keyword:
    """A term as it was most often written, how often it was said, by whom, and when it was first said (s).

    With a background, `distinct` says by how many standard deviations it is said more often here than there, and
    `elsewhere` in how many of the other conversations it was said; both are None without one.
    """

    term: str
    count: int
    speakers: tuple[str, ...]
    first_s: float
    distinct: float | None = None
    elsewhere: int | None = None


@dataclass
class TermFound:
    """What is counted of a term while words are gone through."""

    count: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    speakers: dict[str, None] = field(default_factory=dict)
    first_s: float = math.inf


def keywords_of(
    conversation: Conversation, languages: Mapping[str, str | None], options: ContentOptions
) -> tuple[Keyword, ...]:
    """The most frequent terms, at most `content.keywords`; those of two words before their own words.

    A term is a word, or two words that follow one another, said at least `content.keyword_count` times by people whose
    language is known; no word of it is common in that language, a number, or shorter than three letters. With a
    background, a term is a keyword only if it is said more often here than there by `content.distinct` standard
    deviations, and the most distinct ones come first.
    """
    found = counted_terms(conversation, languages)
    whole = {term: own.count for term, own in found.items()}
    pairs = {term for term, own in found.items() if len(term) == 2 and own.count >= options.keyword_count}
    counts = dict(whole)
    for pair in pairs:
        for word in pair:
            counts[(word,)] -= counts[pair]
    kept = [term for term, count in counts.items() if count >= options.keyword_count]
    background = conversation.background
    distinct: dict[tuple[str, ...], float] = {}
    elsewhere: dict[tuple[str, ...], int] = {}
    if background is not None and background.words:
        said = {tuple(one.term.split(" ")): one for one in background.terms}
        words = words_in(conversation, languages)
        for term in kept:
            there = said.get(term)
            distinct[term] = distinctness(whole[term], words, there.count if there else 0, background.words)
            elsewhere[term] = there.conversations if there else 0
        kept = [term for term in kept if distinct[term] >= options.distinct]
    kept.sort(key=lambda term: (-distinct.get(term, 0.0), -counts[term] * len(term), found[term].first_s, term))
    return tuple(
        Keyword(
            found[term].forms.most_common(1)[0][0],
            counts[term],
            tuple(found[term].speakers),
            found[term].first_s,
            distinct.get(term),
            elsewhere.get(term),
        )
        for term in kept[: options.keywords]
    )


def counted_terms(conversation: Conversation, languages: Mapping[str, str | None]) -> dict[tuple[str, ...], TermFound]:
    """Every term that people of known languages say, counted; `languages` by speaker."""
    found: dict[tuple[str, ...], TermFound] = {}
    for one in _of_people(conversation):
        language = languages.get(one.speaker)
        if language not in KNOWN:
            continue
        for term, parts in _terms(one.parts, language):
            own = found.setdefault(term, TermFound())
            own.count += 1
            own.forms[_written(conversation, parts)] += 1
            own.speakers[one.speaker] = None
            own.first_s = min(conversation.words[parts[0].word].start_s, own.first_s)
    return found


def words_in(conversation: Conversation, languages: Mapping[str, str | None]) -> int:
    """Words of people of known languages, parted as they are compared."""
    return sum(len(one.parts) for one in _of_people(conversation) if languages.get(one.speaker) in KNOWN)


def _of_people(conversation: Conversation) -> Iterator[Utterance]:
    """What people say; an announcement is the same in every call."""
    people = {speaker.label for speaker in conversation.people}
    return (one for one in utterances_of(conversation) if one.speaker in people)


def distinctness(count: int, words: int, other_count: int, other_words: int) -> float:
    """How many standard deviations a term's odds here lie above those elsewhere.

    It was said `count` times in `words` words here, `other_count` times in `other_words` words there. Log-odds ratio
    with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, eqs. 16 to 22): both together, worth the share
    `PRIOR` of their words.
    """
    prior, whole = PRIOR * (count + other_count), PRIOR * (words + other_words)
    here, there = count + prior, other_count + prior
    odds = math.log(here / (words + whole - here)) - math.log(there / (other_words + whole - there))
    return odds / math.sqrt(1 / here + 1 / there)


def _terms(parts: Sequence[Part], language: str) -> list[tuple[tuple[str, ...], tuple[Part, ...]]]:
    lists = word_lists(language)
    assert lists is not None  # noqa: S101  # the caller asks for known languages alone
    good = [
        len(part.text) >= _SHORTEST
        and not any(c.isdigit() for c in part.text)
        and part.text not in lists.common
        and part.text not in lists.hesitations
        for part in parts
    ]
    single = [((part.text,), (part,)) for part, fits in zip(parts, good, strict=True) if fits]
    double = [
        ((a.text, b.text), (a, b))
        for k, (a, b) in enumerate(pairwise(parts))
        if good[k] and good[k + 1] and a.text != b.text
    ]
    return [*single, *double]


def _written(conversation: Conversation, parts: Sequence[Part]) -> str:
    """A term as it stands in the words, without the punctuation around it."""
    texts = dict.fromkeys(part.word for part in parts)
    return " ".join(conversation.words[k].text.strip(" .,;:!?…\"'«»()[]“”") for k in texts)
