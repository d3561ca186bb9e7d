"""Keywords of a conversation: words and pairs of words that were said several times and are not common ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ressenti.pipeline.config import ContentOptions
from ressenti.pipeline.content.languages import KNOWN, word_lists
from ressenti.pipeline.content.said import Part, utterances_of
from ressenti.pipeline.records import Conversation

_SHORTEST = 3  # letters of a keyword


@dataclass(frozen=True)
class Keyword:
    """A term as it was most often written, how often it was said, by whom, and when it was first said (s)."""

    term: str
    count: int
    speakers: tuple[str, ...]
    first_s: float


def keywords_of(
    conversation: Conversation, languages: Mapping[str, str | None], options: ContentOptions
) -> tuple[Keyword, ...]:
    """The most frequent terms, at most `content.keywords`; those of two words before their own words.

    A term is a word, or two words that follow one another, said at least `content.keyword_count` times by people whose
    language is known; no word of it is common in that language, a number, or shorter than three letters.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    forms: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    speakers: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    first_s: dict[tuple[str, ...], float] = {}
    for one in utterances_of(conversation):
        language = languages.get(one.speaker)
        if language not in KNOWN:
            continue
        for term, parts in _terms(one.parts, language):
            start = conversation.words[parts[0].word].start_s
            counts[term] += 1
            forms[term][_written(conversation, parts)] += 1
            speakers[term][one.speaker] = None
            first_s[term] = min(start, first_s.get(term, start))
    pairs = {term for term, count in counts.items() if len(term) == 2 and count >= options.keyword_count}
    for pair in pairs:
        for word in pair:
            counts[(word,)] -= counts[pair]
    kept = [term for term, count in counts.items() if count >= options.keyword_count]
    kept.sort(key=lambda term: (-counts[term] * len(term), first_s[term], term))
    return tuple(
        Keyword(forms[term].most_common(1)[0][0], counts[term], tuple(speakers[term]), first_s[term])
        for term in kept[: options.keywords]
    )


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
