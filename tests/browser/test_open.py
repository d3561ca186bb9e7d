"""Reports opened from disk in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pipeline import People
from pipeline.records import Conversation
from reports.page import render

Make = Callable[..., Conversation]


@pytest.fixture
def opened(
    browser: Browser, make_conversation: Make, tmp_path: Path
) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    pages = []

    def open_page(width: int = 1280, preset: str = "default", names: tuple[str, ...] = ()) -> tuple[Page, list[str]]:
        path = tmp_path / f"{preset}.report.html"
        path.write_text(render(make_conversation(preset, people=People(names=names))), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: trouble.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        page.locator("#timeline").scroll_into_view_if_needed()
        page.wait_for_selector("#timeline .main-svg")
        return page, trouble

    yield open_page
    for page in pages:
        page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_without_trouble_and_fits(opened: Callable[..., tuple[Page, list[str]]], width: int) -> None:
    page, trouble = opened(width)
    for name in ("timeline", "trajectory", "plane", "shares"):
        page.locator(f"#{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{name} .main-svg")
        box = page.locator(f"#{name} .main-svg").first.bounding_box()
        assert box
        assert box["width"] > 250
        assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert trouble == []


def test_time_is_where_the_turns_are(opened: Callable[..., tuple[Page, list[str]]]) -> None:
    page, _ = opened()
    assert page.locator("#timeline .bars path").count() == 6
    ticks = page.locator("#timeline .xtick text").all_text_contents()
    assert ticks[0] == "0:00"
    assert ticks[-1] in ("0:28", "0:30", "0:25")


@pytest.mark.parametrize("names", [("Anna", "Anna"), ("1001", "1002"), ("<b>A</b>", "%{x}")])
def test_lanes_are_speakers_whatever_their_names(
    opened: Callable[..., tuple[Page, list[str]]], names: tuple[str, str]
) -> None:
    page, trouble = opened(names=names)
    assert sorted(page.locator("#timeline .ytick text").all_text_contents()) == sorted(names)
    bars = page.locator("#timeline .bars path")
    tops = {round(bars.nth(i).bounding_box()["y"] / 20) for i in range(6)}  # type: ignore[index]
    assert len(tops) == 2
    assert trouble == []


def test_nothing_of_emotion_where_nobody_is_scored(opened: Callable[..., tuple[Page, list[str]]]) -> None:
    page, trouble = opened(preset="recruitment")
    assert page.locator(".figure").count() == 1
    assert trouble == []
