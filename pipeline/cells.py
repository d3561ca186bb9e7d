"""Text in the cells of CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(text: str) -> str:
    """Text with an apostrophe before it where a spreadsheet would compute it; for text alone, not for numbers."""
    return f"'{text}" if text.startswith(_BEGINS) or text.lstrip().startswith(_BEGINS) else text


def unguarded(text: str) -> str:
    """Text without the apostrophe that `guarded` put before it."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text
