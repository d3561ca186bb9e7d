"""All that can be clicked can be reached and heard by keyboard, with few stops of Tab."""

import pytest
from playwright.sync_api import Page

from browsing import FIGURES, Open, Opened, until


def focused(page: Page) -> str:
    """What has the focus: its id, its words, or its row and which button of it."""
    found: str = page.evaluate(
        """() => {
          const here = document.activeElement, row = here.closest(".turns tr");
          return here.id || (row ? `${row.id} ${here.matches("span") ? here.textContent : here.className}` : here.tagName);
        }"""
    )
    return found


def press(page: Page, *keys: str) -> str:
    for key in keys:
        page.keyboard.press(key)
    return focused(page)


@pytest.mark.slow("drives Chromium through many pages")
def test_turns_and_words_are_reached_by_arrows_and_heard(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator("button[type=reset]").focus()
    assert press(page, "Tab") == "copy"
    assert press(page, "Tab") == "turn-0 go"
    assert press(page, "ArrowDown", "ArrowDown") == "turn-2 go"
    assert press(page, "ArrowRight", "ArrowRight") == "turn-2 bonjour2"
    assert press(page, "ArrowRight", "ArrowRight") == "turn-2 monde2"
    assert press(page, "ArrowRight") == "turn-3 bonjour3"  # on through what is said next
    assert press(page, "ArrowLeft", "ArrowLeft") == "turn-3 go"
    assert press(page, "ArrowLeft") == "turn-2 monde2"
    assert there.clock == 0  # arrows moved no playhead
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    until(page, "!document.getElementById('sound').paused")
    assert 9.7 <= there.played_s() < 12
    page.keyboard.press("Space")
    until(page, "document.getElementById('sound').paused")
    assert press(page, "End", "ArrowUp", "Home") == "turn-0 bonjour0"
    assert press(page, "Tab") == "timeline"
    assert press(page, "Shift+Tab") == "turn-0 bonjour0"
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_the_table_can_be_entered_wherever_it_is_filtered(opened: Open) -> None:
    page = opened(figures=False).page
    page.locator("[name=speaker]").select_option("S2")
    page.locator("button[type=reset]").focus()
    assert press(page, "Tab") == "copy"
    assert press(page, "Tab") == "turn-1 go"
    assert press(page, "ArrowDown") == "turn-3 go"
    assert press(page, "ArrowDown") == "turn-3 go"
    assert press(page, "ArrowRight", "Enter") != "turn-3 quiet"  # the dialog has it
    assert page.locator("#editor").is_visible()
    assert press(page, "Escape") == "turn-3 quiet"


@pytest.mark.slow("drives Chromium through many pages")
def test_tab_stops_are_few(opened: Open) -> None:
    page = opened().page
    page.keyboard.press("Tab")
    stops = [focused(page)]
    while len(stops) < 100 and not (focused(page) == "BODY" and len(stops) > 5):
        stops.append(press(page, "Tab"))
    assert sum(stop.startswith("turn-") for stop in stops) == 1
    assert len(stops) < 70
    assert set(FIGURES) - {"shares"} <= set(stops)


def told(page: Page, name: str) -> str:
    return page.locator(f".tools[data-for={name}] [role=status]").inner_text()


def chosen(there: Opened, name: str) -> list[tuple[float, float]]:
    boxes = [ring.bounding_box() for ring in there.page.locator(f"#{name} .chosen:visible").all()]
    return [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes if box]


@pytest.mark.parametrize("name", ["trajectory", "plane"])
@pytest.mark.slow("drives Chromium through many pages")
def test_points_are_stepped_through_in_order_of_time_and_heard(opened: Open, name: str) -> None:
    there = opened(names=("Anna", "<b>Ben</b>"), figures=False)
    page = there.page
    page.locator(f"#{name}").focus()
    until(page, f"document.querySelector('.tools[data-for={name}] [role=status]').textContent.includes('Enter')")
    said = []
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        until(page, f"document.querySelector('#{name} .chosen')")
        said.append(told(page, name))
    order = list(dict.fromkeys(said))
    assert order[0].startswith("Anna, 0:02: Pleased, valence +0.")
    assert any(text.startswith("<b>Ben</b>, 0:07: Tension, valence −0.") for text in order)
    times = [text.split(", ")[1].split(": ")[0] for text in order]
    assert times == sorted(times)
    assert len(times) > 5
    places = chosen(there, name)
    assert len(places) == (2 if name == "trajectory" else 1)
    page.keyboard.press("Home")
    assert told(page, name) == order[0]
    page.keyboard.press("ArrowDown")
    assert told(page, name).startswith("Anna, ")  # the next of the same speaker
    assert chosen(there, name) != places
    assert there.clock == 0
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    until(page, "!document.getElementById('sound').paused")
    assert 5 <= there.played_s() < 6.5  # the second point is Ben's turn
    page.keyboard.press("Tab")
    assert told(page, name) == ""
    assert chosen(there, name) == []
    assert there.trouble == []


@pytest.mark.parametrize(
    ("name", "first"), [("timeline", "Anna, 0:00.5"), ("course", "Anna, 0:00"), ("talk", "Anna, ")]
)
@pytest.mark.slow("drives Chromium through many pages")
def test_bars_are_stepped_through_too(seen: Open, name: str, first: str) -> None:
    there = seen(names=("Anna", "Ben"), figures=False)
    page = there.page
    there.drawn(name)
    page.locator(f"#{name}").focus()
    page.keyboard.press("ArrowRight")
    until(page, f"document.querySelector('#{name} .chosen')")
    assert told(page, name).startswith(first)
    (x, y), frame = chosen(there, name)[0], page.locator(f"#{name}").bounding_box()
    assert frame
    assert frame["x"] < x < frame["x"] + frame["width"]
    assert frame["y"] < y < frame["y"] + frame["height"]
    before = told(page, name)
    page.keyboard.press("ArrowRight")
    assert told(page, name) != before
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_a_click_leaves_the_keyboard_to_the_player(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    there.drawn("trajectory")
    area = page.locator("#trajectory .nsewdrag").first.bounding_box()
    assert area
    page.mouse.click(area["x"] + area["width"] * 0.6, area["y"] + 4)
    until(page, "Math.abs(document.getElementById('sound').currentTime - 18) < 1.5")
    page.keyboard.press("Space")
    until(page, "document.getElementById('sound').paused")
    before = there.played_s()
    page.keyboard.press("ArrowLeft")
    assert there.played_s() == pytest.approx(before - 5, abs=0.3)
    assert told(page, "trajectory") == ""
