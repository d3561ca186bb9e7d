"""Text that others wrote, made safe to show: in a terminal, on a page, in a spreadsheet."""

from __future__ import annotations

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for the tab and the end of a line
    "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb"  # no width; ends of lines that are not seen
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # fillers, which look like nothing
    "\u202a-\u202e\u2066-\u2069"  # which turn the order of what follows
    "\ud800-\udfff]"  # halves of characters
)
# joiners make emoji and Persian or Indic words; beside plain letters, or at an end, they hide something
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_MARKS = re.compile("[\u200e\u200f\u061c]")  # of direction: they belong into texts with letters from right to left
_RIGHT_TO_LEFT = re.compile(
    "[\u0591-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+")  # flags alone are made of them
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def visible(text: str) -> str:
    """Text with each such character as its code; all others, of any script, as they are."""
    if text.isascii() and text.isprintable():
        return text
    for pattern in (_ACTING, _JOINERS, _TAGS):
        text = pattern.sub(_code, text)
    return text if _RIGHT_TO_LEFT.search(text) else _MARKS.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    codes = map(ord, found[0])
    return "".join(f"\\x{c:02x}" if c < 256 else f"\\u{c:04x}" if c < 65536 else f"\\U{c:08x}" for c in codes)


def guarded(text: str) -> str:
    """Text with an apostrophe before it where a spreadsheet would compute it; for text alone, not for numbers."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS) else text


def unguarded(text: str) -> str:
    """Text without the apostrophe that `guarded` put before it."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text
