"""Announcements in a real browser: one click makes one a person, another makes a person an announcement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from browsing import Make, Open, applied, saved, unsigned, until, with_words
from ressenti.pipeline.config import build_config
from ressenti.pipeline.derive import derive, with_corrections
from ressenti.pipeline.records import Conversation, Corrections, Sound, SpeakerKind
from ressenti.reports.page import render

pytestmark = pytest.mark.slow("drives Chromium")


def announced(conversation: Conversation) -> Conversation:
    """S1 is an announcement, there is music, and S2 laughs."""
    speakers = tuple(
        replace(s, kind="announcement", not_scored="announcement", announced=0.9) if s.label == "S1" else s
        for s in conversation.speakers
    )
    sounds = (Sound("music", 20.5, 23.0, 0.9), Sound("laughter", 6.0, 6.5, 0.7))
    made = replace(with_words(conversation), speakers=speakers, sounds=sounds)
    return derive(made, build_config(made.config))


def test_one_click_makes_an_announcement_a_person_and_everything_follows(opened: Open, make_conversation: Make) -> None:
    there = opened(change=announced, figures=False)
    page = there.page
    card = page.locator("[data-speaker=S1]")
    assert "Announcement" in card.inner_text()
    assert "Talk time" not in card.inner_text()
    assert page.locator("#bar").is_hidden()
    button = page.locator("[data-kind=S1]")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert "person" in card.locator("h3").inner_text()
    assert not page.locator("#bar").is_hidden()
    data = saved(page)
    assert unsigned(data["corrections"])["kinds"] == [{"speaker": "S1", "kind": "person"}]
    follows = applied(announced(make_conversation()), data)
    assert [s.label for s in follows.people] == ["S1", "S2"]
    assert follows.speaker("S1").talk is not None
    assert "Talk time" in render(follows, "en")
    button.click()  # and back
    assert button.get_attribute("aria-pressed") == "false"
    until(page, "document.getElementById('unsaved').textContent !== ''")  # the file that was saved says otherwise
    assert there.trouble == []


def test_a_person_becomes_an_announcement_and_undo_takes_it_back(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator("[data-kind=S2]").click()
    assert "announcement" in page.locator("[data-speaker=S2] h3").inner_text()
    page.locator("#undo").click()
    assert page.locator("[data-kind=S2]").get_attribute("aria-pressed") == "false"
    assert page.locator("#unsaved").inner_text() == ""
    assert there.trouble == []


def test_what_a_person_said_before_is_taken_back_by_a_click(opened: Open) -> None:
    there = opened(change=said_before, figures=False)
    page = there.page
    assert "Announcement" in page.locator("[data-speaker=S2]").inner_text()
    page.locator("[data-kind=S2]").click()
    assert saved(page)["corrections"]["kinds"] == []
    assert there.trouble == []


def said_before(conversation: Conversation) -> Conversation:
    return with_corrections(conversation, Corrections(kinds=(SpeakerKind("S2", "announcement"),)))


@pytest.mark.parametrize("width", [1440, 390])
def test_music_and_marks_are_drawn_and_listed(opened: Open, width: int) -> None:
    there = opened(width, change=announced)
    page = there.page
    there.drawn("timeline")
    text = page.locator("#timeline").inner_text()
    assert "Music, tones" in text
    assert page.locator("#timeline .scatterlayer .points path").count() == 1
    page.locator(".sounds summary").click()
    assert page.locator(".sounds li").count() == 2
    page.locator(".sounds .go").first.click()
    assert there.clock == pytest.approx(5.0, abs=0.2)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert there.trouble == []
