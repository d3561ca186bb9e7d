"""Unsure speakers in a real browser: drawn with dashes, asked for in the table, found by the filter, and confirmed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from browsing import Make, Open, applied, saved, until, with_words
from conftest import mostly_slow, told
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.records import Conversation, Corrections, TurnCorrection

CONFIDENCES = (0.95, 0.52, 0.9, 0.69, 0.3, 0.7)
BOXES = """(turns) => {
  const place = document.getElementById("timeline"), found = {};
  place.data.forEach((trace, k) => {
    const bars = place.querySelectorAll(".barlayer .trace")[k].querySelectorAll(".point path");
    (trace.customdata ?? []).forEach((turn, i) => {
      if (!turns.includes(turn)) return;
      const box = bars[i].getBoundingClientRect(), fill = getComputedStyle(bars[i]).fill;
      (found[turn] ??= []).push({ top: box.top, bottom: box.bottom, left: box.left, right: box.right, fill });
    });
  });
  return found;
}"""


def doubted(conversation: Conversation) -> Conversation:
    return with_words(told(conversation, *CONFIDENCES))


def rows(page: Page) -> list[str | None]:
    return [row.get_attribute("id") for row in page.locator(".turns tbody tr:visible").all()]


@pytest.mark.parametrize("width", mostly_slow("drives Chromium through many pages", [1440, 390]))
def test_dashes_stand_above_the_turns_of_unsure_speakers_alone(opened: Open, width: int) -> None:
    there = opened(width, change=doubted, figures=False)
    there.drawn("timeline")
    found = there.page.evaluate(BOXES, list(range(6)))
    assert [int(turn) for turn, boxes in found.items() if len(boxes) == 2] == [1, 3, 4]
    for turn in ("1", "3", "4"):
        bar, dashes = found[turn]
        assert dashes["bottom"] <= bar["top"]
        assert dashes["bottom"] - dashes["top"] >= 3
        assert dashes["left"] == pytest.approx(bar["left"], abs=1)
        assert dashes["right"] == pytest.approx(bar["right"], abs=1)
        assert dashes["fill"].startswith("url(")  # a pattern
    assert there.page.evaluate("document.documentElement.scrollWidth") <= width
    assert there.page.locator(".legend .c-who").is_visible()
    assert there.trouble == []


SHOWN = """node => {
  const copy = node.cloneNode(true);
  copy.querySelectorAll("[hidden]").forEach(part => part.remove());
  return copy.textContent;
}"""


def text(page: Page, selector: str) -> str:
    """What is not hidden there, also in a row that is not laid out as it is far away."""
    return " ".join(str(page.locator(selector).evaluate(SHOWN)).split())


@pytest.mark.slow("drives Chromium through many pages")
def test_a_page_without_doubt_has_no_dashes(opened: Open) -> None:
    there = opened(change=lambda conversation: with_words(told(conversation, *[0.9] * 6)), figures=False)
    there.drawn("timeline")
    assert {len(boxes) for boxes in there.page.evaluate(BOXES, list(range(6))).values()} == {1}
    assert there.page.locator(".c-who, .asks, [name=doubt]").count() == 0


@pytest.mark.slow("drives Chromium through many pages")
def test_the_table_asks_and_the_filter_finds_them(opened: Open) -> None:
    there = opened(change=doubted, figures=False)
    page = there.page
    assert text(page, "#turn-1 .who") == "Speaker 2?"
    assert text(page, "#turn-0 .who") == "Speaker 1"
    assert "52%" in (page.locator("#turn-1 .who .asks").get_attribute("title") or "")
    page.locator("[name=doubt]").check()
    assert rows(page) == ["turn-1", "turn-3", "turn-4"]
    page.locator("[name=speaker]").select_option("S1")
    assert rows(page) == ["turn-4"]
    page.locator("#filters [type=reset]").click()
    until(page, "document.getElementById('found').textContent === ''")
    assert len(rows(page)) == 6
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_a_person_confirms_and_moves_them(opened: Open, make_conversation: Make) -> None:
    there = opened(change=doubted, figures=False)
    page = there.page
    page.locator("#turn-1 .quiet").click()
    assert page.locator("#edit-speaker option").all_inner_texts()[:2] == ["as the model says: Speaker 2?", "Speaker 1"]
    page.locator("#editor button[type=submit]").click()  # as it is
    assert page.locator("#bar").is_hidden()
    for turn, who in ((1, "S2"), (3, "S1")):
        page.locator(f"#turn-{turn} .quiet").click()
        page.locator("#edit-speaker").select_option(who)
        page.locator("#editor button[type=submit]").click()
    assert [text(page, f"#turn-{k} .who") for k in (1, 3, 4)] == [
        "Speaker 2",
        "Speaker 1",
        "Speaker 1?",
    ]
    assert not page.locator("#turn-1 .note .asks").is_visible()
    page.locator("[name=doubt]").check()
    assert rows(page) == ["turn-4"]
    after = applied(doubted(make_conversation()), saved(page))
    assert [t.speaker for t in after.turns] == ["S1", "S2", "S1", "S1", "S1", "S1"]
    assert [t.index for t in after.turns if t.speaker_unsure] == [4]
    page.locator("#undo-all").click()
    assert rows(page) == ["turn-1", "turn-3", "turn-4"]
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_what_a_person_set_earlier_is_asked_again_when_taken_back(opened: Open) -> None:
    wanted = Corrections(turns=(TurnCorrection(1, speaker="S2"),))
    there = opened(change=lambda conversation: with_corrections(doubted(conversation), wanted), figures=False)
    page = there.page
    assert text(page, "#turn-1 .who") == "Speaker 2"
    page.locator("#turn-1 .quiet").click()
    assert page.locator("#edit-speaker").input_value() == "S2"
    page.locator("#edit-speaker").select_option("")
    page.locator("#editor button[type=submit]").click()
    assert text(page, "#turn-1 .who") == "Speaker 2?"
    assert saved(page)["corrections"]["turns"] == []
