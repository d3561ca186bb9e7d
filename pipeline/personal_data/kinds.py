"""Which kind of personal data a run of digits and letters is: checksums and shapes, as their standards say.

Card numbers: ISO/IEC 7812 (Luhn). IBAN: ISO 13616 (remainder 97). French NIR: key of two digits, 97 minus the
remainder of the first thirteen.
"""

from __future__ import annotations

import re

_NIR = re.compile(r"[1-478]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d{2}|2[AB])\d{6}")
_PHONE = re.compile(
    r"0[1-9]\d{8}|(?:00)?(?:33|32|41|352)[1-9]\d{7,8}|0\d{9,10}|(?:00)?44[1-9]\d{8,9}|1?[2-9]\d{2}[2-9]\d{6}"
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812)."""
    total = 0
    for k, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if k % 2 else 1)
        total += value - 9 if value > 9 else value
    return bool(digits) and total % 10 == 0


def is_card(characters: str) -> bool:
    """Whether this is a payment card number: 13 to 19 digits that begin as issuers' do, with a right check digit."""
    return re.fullmatch(r"[2-6]\d{12,18}", characters) is not None and passes_luhn(characters)


def is_iban(characters: str) -> bool:
    """Whether this is an IBAN with right check digits."""
    if not _IBAN.fullmatch(characters):
        return False
    turned = characters[4:] + characters[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def is_nir(characters: str) -> bool:
    """Whether this is a French social security number of 13 characters, or of 15 with a right key."""
    body, key = characters[:13], characters[13:]
    if not _NIR.fullmatch(body):
        return False
    if not key:
        return True
    number = int(body.replace("2A", "19").replace("2B", "18"))
    return key.isdigit() and len(key) == 2 and int(key) == 97 - number % 97


def is_phone(characters: str) -> bool:
    """Whether digits have the shape of a French, Belgian, Swiss, British or North American telephone number."""
    return _PHONE.fullmatch(characters) is not None


def kind_of(characters: str) -> str:
    """The kind of a run of digits and capital letters: iban, nir, card, phone or, of none of these shapes, number."""
    if any(is_iban(characters[k:]) for k in range(max(1, len(characters) - 14))):
        return "iban"
    if is_nir(characters) and (len(characters) == 15 or not is_card(characters)):
        return "nir"
    if is_card(characters):
        return "card"
    return "phone" if is_phone(characters) else "number"
