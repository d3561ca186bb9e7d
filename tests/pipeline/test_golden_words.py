"""Recognised words that are stored here go through JSON, page and exports, and come out as they did.

`tests/golden/words.json` is a conversation with words, made with fakes; the other files are written from it. After a change
on purpose, write them anew with `PYTHONPATH=.:tests python tests/pipeline/test_golden_words.py`, and say in the commit what changed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ressenti.pipeline import export, store
from ressenti.pipeline.records import Conversation
from ressenti.reports.page import render

GOLDEN = Path(__file__).parent.parent / "golden" / "words"
WRITERS = {
    "words.TextGrid": export.textgrid,
    "words.srt": export.srt,
    "words.vtt": export.vtt,
    "words.quotes.md": export.quotes_md,
    "words.said.csv": export.said_csv,
    "words.turns.csv": export.turns_csv,
}
