"""Recognised words in a real browser: unsure ones stay lighter when words become buttons, and all can be heard and found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from browsing import Open, until, with_words
from ressenti.pipeline.records import Conversation


def recognised(conversation: Conversation) -> Conversation:
    """A conversation whose third word of each turn is unsure."""
    made = with_words(conversation)
    words = [replace(word, confidence=0.3 if k % 5 == 2 else 0.9) for k, word in enumerate(made.words)]
    return replace(made, words=tuple(words))


def test_unsure_words_are_lighter_and_can_be_heard(opened: Open) -> None:
    there = opened(figures=False, change=recognised)
    page = there.page
    until(page, "document.getElementById('sound').readyState >= 1")
    row = page.locator("tr:has(.said .faint)").first
    before = row.locator(".said .faint").all_text_contents()
    assert before
    row.hover()
    assert row.locator(".said .faint[role=button]").all_text_contents() == before
    colours = [
        row.locator(f".said span{kind}").first.evaluate("(word) => getComputedStyle(word).color")
        for kind in (".faint", ":not(.faint)")
    ]
    assert colours[0] != colours[1]
    word = row.locator(".said .faint").first
    word.click()
    assert there.played_s() == pytest.approx(float(word.get_attribute("data-t") or -1), abs=0.3)
    assert not there.trouble
