"""Made-up personal data with right checksums, as people write them and say them, in English and French."""

from __future__ import annotations

import random
from collections.abc import Callable

from num2words import num2words  # of the extras `lab` and `test`


def listed(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


KINDS = ("card", "iban", "nir", "phone", "email", "birth")
_DIGITS = "0123456789"
_NAMES = listed("jean dupont marie martin john smith lucy brown paul sophie leroy")
_DOMAINS = ["gmail", "orange", "yahoo", "outlook", "acme", "free", "laposte"]
_MONTHS = {
    "en": listed("January February March April May June July August September October November December"),
    "fr": listed("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
}
_LEADS = {
    "en": {
        "card": ("my card number is", "it's"), "iban": ("the IBAN is", "okay so"), "email": ("my email is", "write to"),
        "nir": ("my social security number is", "it is"), "phone": ("you can call me on", "my number is"),
        "birth": ("I was born on", "my date of birth is"),
    },
    "fr": {
        "card": ("mon numéro de carte c'est le", "alors"), "iban": ("l'IBAN c'est", "alors"),
        "nir": ("mon numéro de sécurité sociale c'est le", "c'est le"), "email": ("mon mail c'est", "écrivez à"),
        "phone": ("vous pouvez me joindre au", "c'est le"),
        "birth": ("je suis née le", "ma date de naissance c'est le"),
    },
}  # fmt: skip
_TAILS = {"en": "thank you very much", "fr": "merci beaucoup"}


def told(kind: str, language: str, dice: random.Random, *, aloud: bool = False) -> tuple[list[str], int, int]:
    """Words in which somebody tells such a thing, and the first and last word of the thing itself.

    With `aloud`, numbers are said digit by digit or two at a time, as people do, and never written as digits.
    """
    make: dict[str, Callable[[], str]] = {
        "card": lambda: _form(_card(dice), language, dice, aloud=aloud),
        "iban": lambda: _form(_iban(dice), language, dice, aloud=aloud),
        "nir": lambda: _form(_nir(dice), language, dice, aloud=aloud),
        "phone": lambda: _form(_phone(language, dice), language, dice, aloud=aloud),
        "email": lambda: _email(language, dice, aloud=aloud),
        "birth": lambda: _birth(language, dice, aloud=aloud),
    }
    before, thing = dice.choice(_LEADS[language][kind]).split(), make[kind]().split()
    if thing[0] == "the":
        before, thing = [*before, "the"], thing[1:]
    return [*before, *thing, *_TAILS[language].split()], len(before), len(before) + len(thing) - 1


def _some(count: int, dice: random.Random, of: str = _DIGITS) -> str:
    return "".join(dice.choice(of) for _ in range(count))


def _card(dice: random.Random) -> str:
    body = dice.choice("45") + _some(14, dice)
    doubled = [int(c) * 2 for c in body[::2]]
    total = sum(v - 9 if v > 9 else v for v in doubled) + sum(map(int, body[1::2]))
    return body + str(-total % 10)


def _iban(dice: random.Random) -> str:
    country = dice.choice(("FR", "DE", "BE", "GB"))
    length = {"FR": 23, "DE": 18, "BE": 12, "GB": 14}[country]
    body = (_some(4, dice, "ABCDEFGHKLMNPQRSTUVW") if country == "GB" else "") + _some(length, dice)
    number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
    return f"{country}{98 - number % 97:02d}{body}"


def _nir(dice: random.Random) -> str:
    body = f"{dice.choice('12')}{_some(2, dice)}{dice.randint(1, 12):02d}{dice.randint(1, 95):02d}{_some(6, dice)}"
    return f"{body}{97 - int(body) % 97:02d}"


def _phone(language: str, dice: random.Random) -> str:
    if language == "fr":
        return f"0{dice.choice('1234567')}{_some(8, dice)}"
    if dice.random() < 0.5:
        return f"0{dice.choice('127')}{_some(9, dice)}"
    return f"{dice.choice('23456789')}{_some(2, dice)}{dice.choice('23456789')}{_some(6, dice)}"


def _form(characters: str, language: str, dice: random.Random, *, aloud: bool) -> str:
    """As it is written, with groups, or said digit by digit or two at a time."""
    forms: tuple[Callable[[], str], ...] = (
        lambda: characters,
        lambda: _grouped(characters, 4, " "),
        lambda: _grouped(characters, 2, " "),
        lambda: _grouped(characters, 4, "-"),
        lambda: _grouped(characters, 2, "."),
        lambda: " ".join(characters),
        lambda: ", ".join(characters),
        lambda: " ".join(_said(c, language, dice) for c in characters),
        lambda: _in_pairs(characters, language, dice),
    )
    return dice.choice(forms[-2:] if aloud else forms)()


def _grouped(characters: str, size: int, between: str) -> str:
    return between.join(characters[k : k + size] for k in range(0, len(characters), size))


def _said(character: str, language: str, dice: random.Random) -> str:
    if character.isalpha():
        return character
    if character == "0" and language == "en" and dice.random() < 0.3:
        return "oh"
    return str(num2words(int(character), lang=language))


def _in_pairs(characters: str, language: str, dice: random.Random) -> str:
    out = []
    for k in range(0, len(characters), 2):
        two = characters[k : k + 2]
        if len(two) == 2 and two.isdigit() and two[0] != "0":
            out.append(str(num2words(int(two), lang=language)))
        else:
            out.append(" ".join(_said(c, language, dice) for c in two))
    return dice.choice((" ", ", ")).join(out)


def _email(language: str, dice: random.Random, *, aloud: bool) -> str:
    first, last, domain = dice.choice(_NAMES), dice.choice(_NAMES), dice.choice(_DOMAINS)
    ending, number = dice.choice(("com", "fr", "org", "net")), dice.choice(("", str(dice.randint(1, 99))))
    at, dot = ("at", "dot") if language == "en" else ("arobase", "point")
    forms = (
        f"{first}.{last}{number}@{domain}.{ending}",
        f"{first}-{last}@{domain}.{ending}",
        f"{first} {dot} {last} {at} {domain} {dot} {ending}",
        f"{first} {number} {at} {domain} {dot} {ending}",
    )
    return dice.choice(forms[2:] if aloud else forms)


def _birth(language: str, dice: random.Random, *, aloud: bool) -> str:
    day, month, year = dice.randint(1, 28), dice.randint(1, 12), dice.randint(1930, 2005)
    name, written = _MONTHS[language][month - 1], f"{day:02d}/{month:02d}/{year}"
    forms: tuple[str, ...]
    if language == "en":
        said, ordinal = num2words(year, lang="en", to="year"), num2words(day, to="ordinal")
        forms = (
            f"the {ordinal} of {name} {said}", f"{name} the {ordinal} {said}", f"{name} {day}, {year}",
            f"{day} {name} {year}", written, f"{day:02d} {month:02d} {year}",
        )  # fmt: skip
    else:
        number = "premier" if day == 1 else num2words(day, lang="fr")
        forms = (
            f"{number} {name} {num2words(year, lang='fr')}", f"{day} {name} {year}",
            f"{number} {name} {year % 100:02d}", written, f"{day:02d} {month:02d} {year}",
        )  # fmt: skip
    return dice.choice(forms[:2] if aloud else forms)
