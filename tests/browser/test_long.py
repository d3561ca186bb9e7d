"""An hour and 1,000 turns: what is drawn as the playhead moves does not grow with them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from browsing import FIGURES, Open, Opened, in_browser, lengthened, until, with_words
from ressenti import People
from ressenti.pipeline.records import Conversation
from ressenti.reports.page import render

TICKS = 50


@pytest.fixture(scope="module")
def long(
    browser: Browser,
    make_once: Callable[[str, str, People | None], Conversation],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Opened]:
    """A page of an hour and 1,000 turns; its figures are drawn when asked for."""
    page = render(lengthened(make_once("default", "null", People()), 1000, 3600.0))
    context, made = in_browser(browser, page, tmp_path_factory.mktemp("long"), 1280, figures=False)
    yield made
    context.close()


def ticks(page: Page) -> dict[str, Any]:
    """Move the playhead on, and tell how many strokes were drawn and how many milliseconds it took, each."""
    found: dict[str, Any] = page.evaluate(
        """(count) => {
          const pen = CanvasRenderingContext2D.prototype, fill = pen.fillRect, strip = document.getElementById("strip");
          const context = strip.getContext("2d");
          let strokes = 0;
          pen.fillRect = function (...place) { strokes += 1; return fill.apply(this, place); };
          const from = performance.now();
          for (let i = 0; i < count; i += 1) {
            document.dispatchEvent(new CustomEvent("seek", { detail: { to: 60 + 60 * i } }));
            context.getImageData(0, 0, 1, 1); // what was asked for is painted
          }
          const spent = performance.now() - from;
          pen.fillRect = fill;
          return { strokes: strokes / count, ms: spent / count };
        }""",
        TICKS,
    )
    return found


@pytest.mark.slow("draws hours of talk")
def test_the_strip_is_not_drawn_anew_as_the_playhead_moves(long: Opened) -> None:
    ticks(long.page)
    found = ticks(long.page)
    print(f"one move of the playhead, an hour and 1,000 turns: {found['ms']:.2f} ms, {found['strokes']:g} strokes")  # noqa: T201  # to be read
    assert found["strokes"] <= 5


@pytest.mark.slow("draws hours of talk")
def test_figures_follow_the_playhead(long: Opened) -> None:
    for name in FIGURES:
        long.drawn(name)
    ticks(long.page)
    found = ticks(long.page)
    print(f"the same with all figures drawn: {found['ms']:.2f} ms")  # noqa: T201  # to be read
    assert found["strokes"] <= 5
    for name in ("timeline", "trajectory", "course", "talk"):
        assert long.page.locator(f"#{name} .playhead").count() == 1
    assert [said for said in long.trouble if "Canvas2D" not in said] == []  # that is of reading the strip back


def columns(page: Page) -> list[str]:
    """What the strip shows at 20, 40, 60 and 80 % of its width, by the colour of its rail."""
    found: list[str] = page.evaluate(
        """() => {
          const strip = document.getElementById("strip"), pen = strip.getContext("2d");
          const names = { "43,76,126": "past", "157,176,200": "coming", "180,35,24": "head" };
          return [0.2, 0.4, 0.6, 0.8].map((share) => {
            const at = pen.getImageData(Math.round(share * strip.width), strip.height - 2, 1, 1).data.slice(0, 3).join();
            return names[at] ?? "silenced";
          });
        }"""
    )
    return found


@pytest.mark.slow("drives Chromium through many pages")
def test_the_strip_shows_where_it_is_and_what_is_silenced(opened: Open) -> None:
    page = opened(sound=None, change=lambda conversation: replace(conversation, levels=None), figures=False).page

    def seek(to: float) -> None:
        page.evaluate("(to) => document.dispatchEvent(new CustomEvent('seek', { detail: { to } }))", to)

    seek(12)
    assert columns(page) == ["past", "head", "coming", "coming"]
    page.set_viewport_size({"width": 700, "height": 900})
    until(page, "document.getElementById('strip').width < 500")
    assert columns(page) == ["past", "head", "coming", "coming"]
    seek(18)
    page.locator("#bleep-from").fill("22")
    page.locator("#bleep-to").fill("26")
    page.locator("#bleep-form button[type=submit]").click()
    assert columns(page) == ["past", "past", "head", "silenced"]
    page.locator("#undo").click()
    assert columns(page) == ["past", "past", "head", "coming"]


@pytest.mark.slow("draws hours of talk")
def test_a_thousand_turns_open_whole(long: Opened) -> None:
    there = long
    assert there.page.locator(".turns tbody tr").count() == 1000
    ms: dict[str, float] = there.page.evaluate(
        """() => {
          const way = performance.getEntriesByType("navigation")[0];
          const painted = performance.getEntriesByName("first-contentful-paint")[0];
          return { painted: painted?.startTime ?? NaN, usable: way.domInteractive, loaded: way.loadEventEnd };
        }"""
    )
    print(f"an hour and 1,000 turns: {', '.join(f'{name} {value:.0f} ms' for name, value in ms.items())}")  # noqa: T201  # to be read
    assert 0 < ms["usable"] <= ms["loaded"]


WORDS = " ".join(("the", "clutch", "pedal", "feels", "soft", "and", "slips", "uphill"))


@pytest.fixture(scope="module")
def wordy(
    browser: Browser,
    make_once: Callable[[str, str, People | None], Conversation],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Opened]:
    """A page of an hour, 1,250 turns and 10,000 words."""
    long = with_words(lengthened(make_once("default", "null", People()), 1250, 3600.0), WORDS)
    assert len(long.words) == 10_000
    context, made = in_browser(browser, render(long), tmp_path_factory.mktemp("wordy"), 1280, figures=False)
    yield made
    context.close()


SEARCH = """(typed) => new Promise((done) => {
  const field = document.getElementById("filters").elements.text, from = performance.now();
  field.value = typed;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  const worked = performance.now() - from;
  let last = from, longest = 0, painted = 0;
  const frame = () => setTimeout(() => {
    const now = performance.now();
    painted ||= now - from;
    longest = Math.max(longest, now - last);
    last = now;
    if (document.querySelector(".turns tr.later") || now - from < 100) requestAnimationFrame(frame);
    else done({ worked, painted, longest, all: now - from });
  });
  requestAnimationFrame(frame);
})"""


@pytest.mark.slow("draws hours of talk")
def test_ten_thousand_words_open_and_are_searched(wordy: Opened) -> None:
    page = wordy.page
    opened: dict[str, float] = page.evaluate(
        """() => {
          const way = performance.getEntriesByType("navigation")[0];
          return { usable: way.domInteractive, loaded: way.loadEventEnd };
        }"""
    )
    print(f"10,000 words: {', '.join(f'{name} {value:.0f} ms' for name, value in opened.items())}")  # noqa: T201  # to be read
    for typed, shown in (
        ("c", 1250),
        ("cl", 1250),
        ("clutch77", 11),
        ("clutch77 pedal77", 1),
        ("nowhere", 0),
        ("", 1250),
    ):
        took: dict[str, float] = page.evaluate(SEARCH, typed)
        print(f"  {typed!r}: {', '.join(f'{name} {value:.0f} ms' for name, value in took.items())}")  # noqa: T201  # to be read
        assert page.locator(".turns tbody tr:visible").count() == shown
    assert not wordy.trouble
