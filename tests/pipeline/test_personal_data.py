import random
from collections.abc import Sequence

import pytest

from ressenti.pipeline.lab.labelled_speech.made_up_numbers import KINDS, told
from ressenti.pipeline.personal_data import kinds
from ressenti.pipeline.personal_data.find import Finding, TimedWord, find
from ressenti.pipeline.personal_data.spoken_numbers import KNOWN, items_of


def said(text: str, speaker: str = "S1", start_s: float = 0.0) -> list[TimedWord]:
    return [TimedWord(word, start_s + 0.5 * k, start_s + 0.5 * k + 0.4, speaker) for k, word in enumerate(text.split())]


def shown(words: Sequence[TimedWord], found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(f.kind, " ".join(w.text for w in words[f.first : f.last + 1])) for f in found]


def found_in(text: str) -> list[tuple[str, str]]:
    words = said(text)
    return shown(words, find(words))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quatre-vingt-dix-neuf", ["99"]),
        ("zéro six douze trente-quatre cinquante-six soixante-dix-huit", ["0", "6", "12", "34", "56", "78"]),
        ("soixante et onze vingt et un", ["71", "21"]),
        ("cinquante quatre-vingt", ["50", "80"]),
        ("cinquante-quatre vingt", ["54", "20"]),
        ("oh seven double five twenty one", ["0", "7", "55", "21"]),
        ("mille neuf cent quatre-vingt-quatre", ["1984"]),
        ("two thousand and five", ["2005"]),
        ("twenty, one", ["20", "1"]),
        ("c'est l'12 I'm", ["c", "est", "12", "i", "m"]),
        ("A-B-C", ["A", "B", "C"]),
    ],
)
def test_numbers_are_read_as_they_are_said(text: str, expected: list[str]) -> None:
    assert [item.characters or item.text for item in items_of(text.split())] == expected


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_of_200_made_up_numbers_at_least_99_in_100_are_found_whole_and_named(kind: str, language: str) -> None:
    dice = random.Random(f"{kind} {language}")  # noqa: S311
    whole = named = more = 0
    for k in range(200):
        texts, first, last = told(kind, language, dice)
        words = said(" ".join(texts))
        found = find(words, frozenset({language}) if k % 3 else KNOWN)
        covered = {k for f in found for k in range(f.first, f.last + 1)}
        whole += covered.issuperset(range(first, last + 1))
        named += any(f.kind == kind and f.first <= last and f.last >= first for f in found)
        more += any(k > last for k in covered)
    assert whole >= 198
    assert named >= 198
    assert more == 0


@pytest.mark.parametrize(
    "text",
    [
        "it costs 250,000 dollars and we were 12 people in 2019",
        "rendez-vous à 10h30 le 12 mars 2024 pour 1 250 000 euros",
        "call us back at 14:30 in room 12",
        "j'ai 2 enfants et 3 chiens",
        "look at the point at the end dot",
        "one two three go",
        "our website at acmebank.com has it",
        "it is a 2017. 2017 four-door Ford",
        "I have a plan b and a plan c",
    ],
)
def test_amounts_times_and_years_are_no_personal_data(text: str) -> None:
    assert found_in(text) == []


def test_a_long_number_is_found_even_if_it_is_none_that_is_known() -> None:
    assert found_in("the file is 12 34 56 thanks") == [("number", "12 34 56")]
    assert found_in("it is spelled D U P O N T yes") == [("number", "D U P O N T")]


def test_an_address_is_found_though_its_at_was_not_heard() -> None:
    assert found_in("my email is Marie tiafu.com thanks") == [("email", "Marie tiafu.com")]
    assert found_in("we found it on tiafu.com thanks") == []


def test_a_number_goes_on_across_turns_and_short_answers_but_not_across_a_long_pause() -> None:
    parts = [*said("zéro six douze", "S1"), *said("oui allez-y", "S2", 2.0), *said("trente-quatre dix", "S1", 3.5)]
    assert [(f.kind, f.first, f.last) for f in find(parts)] == [("number", 0, 6)]
    late = [*said("zéro six douze", "S1"), *said("trente-quatre dix", "S1", 9.0)]
    assert find(late) == ()


def test_a_kind_that_was_asked_for_names_what_has_no_shape() -> None:
    words = [*said("what is your card number", "S1"), *said("1234 5678", "S2", 4.0)]
    assert [f.kind for f in find(words)] == ["card"]


def test_a_date_is_one_of_birth_if_it_may_be_one_or_birth_was_spoken_of() -> None:
    assert found_in("the fair on 12 May 2026 opens") == []
    assert found_in("my birthday is 12 May") == [("birth", "12 May")]
    assert found_in("le 3 mars 1971 à Lyon") == [("birth", "3 mars 1971")]


def test_checksums() -> None:
    assert kinds.passes_luhn("4242424242424242")
    assert not kinds.passes_luhn("4242424242424241")
    assert kinds.is_iban("FR7630006000011234567890189")
    assert not kinds.is_iban("FR7630006000011234567890188")
    assert kinds.is_nir("255081416802538")
    assert not kinds.is_nir("255081416802539")
    assert kinds.kind_of("0612345678") == "phone"


def test_nothing_is_found_in_no_words() -> None:
    assert find([]) == ()
