"""Answers to a request for a number, or to spell something, that were not understood: they are silenced whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ressenti.pipeline.personal_data.find import TimedWord
from ressenti.pipeline.text import plain

WITHIN_S = 15.0  # after the request, the answer begins
_REQUEST = re.compile(
    r"\b(card number|numero de (votre |la )?carte"
    r"|(phone|telephone|mobile|account|social security|customer|policy) number"
    r"|numero de (telephone|portable|compte|securite sociale|client|dossier)|date of birth|date de naissance"
    r"|iban|e ?mail address|adresse (e ?)?mail|security code|cryptogramme|sort code|numero de secu|your number"
    r"|votre numero|code secret|expiry date|date d expiration"
    r"|(spell|spelled|spelling)( (it|that|this|your|the|out)| for)*|epeler|epelez|comment (ca|cela) s ecrit)\b"
)
_SPELLED = re.compile(r"(?:[A-Za-z][-. ]){2,}[A-Za-z]?")  # as in S-I-T
_MARKS = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Answer:
    """An answer in words [first, last], and the last word of what was asked."""

    request: int
    first: int
    last: int


def unsure_answers(words: Sequence[TimedWord], unsure_below: float) -> Iterator[Answer]:
    """The first answer by somebody else after each request, if half of its words are unsure, or it spells letters.

    A word without a confidence counts as sure.
    """
    for last in _requests(words):
        answer = _answer(words, last)
        if not answer:
            continue
        unsure = sum(_is_unsure(words[k], unsure_below) for k in answer)
        spelled = any(_SPELLED.fullmatch(words[k].text.strip(" .,?!")) for k in answer)
        if spelled or 2 * unsure >= len(answer):
            yield Answer(last, answer[0], answer[-1])


def _requests(words: Sequence[TimedWord]) -> Iterator[int]:
    """The last word of each request."""
    text, owners = "", []
    for k, word in enumerate(words):
        bare = _MARKS.sub(" ", plain(word.text)).strip()
        text += f"{bare} "
        owners += [k] * (len(bare) + 1)
    for found in _REQUEST.finditer(text):
        yield owners[found.end() - 1]


def _answer(words: Sequence[TimedWord], last: int) -> list[int]:
    """The words that the next other speaker says, until somebody else speaks."""
    asker, answer = words[last].speaker, list[int]()
    for k in range(last + 1, len(words)):
        if words[k].speaker in (asker, None):
            if answer:
                break
            continue
        if not answer and words[k].start_s - words[last].end_s > WITHIN_S:
            break
        if answer and words[k].speaker != words[answer[0]].speaker:
            break
        answer.append(k)
    return answer


def _is_unsure(word: TimedWord, below: float) -> bool:
    return word.confidence is not None and word.confidence < below
