"""The section on what was said: keywords find their turns, places play."""

from dataclasses import replace

from browsing import Open, until
from ressenti.pipeline.edits.redaction import with_redaction
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.transcript.cues import Spoken


def talk(conversation: Conversation) -> Conversation:
    """A call with a keyword, a greeting and a number that is silenced."""
    lines = (
        (0.5, "Hello the clutch is for the clutch of my clutch"),
        (9.5, "My number is 06 12 34 56 78 and what can I do"),
        (20.5, "so it is what we have and then I"),
        (26.2, "will do it for you"),
    )
    words = [Spoken(at + 0.3 * k, at + 0.3 * k + 0.25, t) for at, line in lines for k, t in enumerate(line.split())]
    made = with_words(conversation, words)
    own = {**conversation.config, "content": {"least_words": 3}}
    return with_redaction(replace(made, config=own, transcription=None))


def test_a_keyword_finds_its_turns_and_a_place_is_played(opened: Open) -> None:
    there = opened(390, change=talk, figures=False)
    page = there.page
    chip = page.locator("[data-find='clutch']")
    assert chip.inner_text().startswith("clutch")
    chip.click()
    assert page.locator("#filters [name=text]").input_value() == "clutch"
    shown = page.locator(".turns tbody tr:visible")
    assert 0 < shown.count() < page.locator(".turns tbody tr").count()
    assert all("clutch" in text for text in shown.locator(".said").all_inner_texts())
    page.evaluate(
        "document.addEventListener('copy', () => { window.copied = document.getSelection().toString() || document.activeElement.value; })"
    )
    page.locator("#copy").click()
    assert page.evaluate("window.copied").startswith("[0:00] Speaker 1: Hello the clutch")
    page.locator(".said-section .go").first.click()
    until(page, "!document.getElementById('clock').textContent.startsWith('0:00.0')")
    assert "34 56" not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
