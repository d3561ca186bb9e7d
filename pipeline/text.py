"""Untrusted text, made safe to show in a terminal, on a page or in a spreadsheet; and text as it is compared."""

from __future__ import annotations

import re
import unicodedata

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, except tab and newline
    "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb"  # zero width; invisible line ends
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # invisible fillers
    "\u202a-\u202e\u2066-\u2069"  # reverse the direction of the text that follows
    "\ud800-\udfff]"  # lone surrogates
)
# joiners are needed in emoji and in Persian or Indic words; beside ASCII, or at an end, they are suspicious
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_MARKS = re.compile("[\u200e\u200f\u061c]")  # of direction: allowed in text with right-to-left letters
_RIGHT_TO_LEFT = re.compile(
    "[\u0591-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+")  # allowed in flags only
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def visible(text: str) -> str:
    """Replace invisible and control characters by their codes; keep all others, in any script."""
    if text.isascii() and text.isprintable():
        return text
    for pattern in (_ACTING, _JOINERS, _TAGS):
        text = pattern.sub(_code, text)
    return text if _RIGHT_TO_LEFT.search(text) else _MARKS.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    codes = map(ord, found[0])
    return "".join(f"\\x{c:02x}" if c < 256 else f"\\u{c:04x}" if c < 65536 else f"\\U{c:08x}" for c in codes)


def guarded(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula; not for numbers."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS) else text


def unguarded(text: str) -> str:
    """Remove the apostrophe added by `guarded`."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


def plain(text: str) -> str:
    """Text as words are compared: in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))
