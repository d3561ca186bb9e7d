"""What the tests of pages in a browser share: an opened page, waiting, and conversations to open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from ressenti import load_config, with_corrections
from ressenti.pipeline.derive import derive
from ressenti.pipeline.records import Conversation, Corrections, Levels, Word

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FIGURES = ("timeline", "trajectory", "plane", "shares", "course", "talk")
ASK = "(name) => page.ready.then(({ figures }) => window.undrawn && figures.show(document.getElementById(name)))"
READY = "document.getElementById('clock').textContent.includes('/')"
UNDRAWN = """
window.undrawn = true;
window.requestIdleCallback = () => 0;
window.IntersectionObserver = class { observe() {} unobserve() {} };
"""


@dataclass
class Opened:
    """A page, and all that went wrong on it."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def drawn(self, name: str) -> None:
        """Come to a figure and wait for it; ask for it on a page that draws none by itself."""
        self.page.locator(f"#{name}").scroll_into_view_if_needed()
        self.page.evaluate(ASK, name)
        self.page.wait_for_selector(f"#{name} .main-svg", state="attached", timeout=30_000)

    @property
    def clock(self) -> float:
        minutes, seconds = self.page.locator("#clock").inner_text().split(" / ")[0].split(":")
        return 60 * int(minutes) + float(seconds.replace(",", "."))

    def played_s(self) -> float:
        return float(self.page.evaluate("document.getElementById('sound').currentTime"))


Open = Callable[..., Opened]
Make = Callable[..., Conversation]


def until(page: Page, expression: str, seconds: float = 10.0) -> None:
    """Wait for an expression to be true; playwright's own way needs eval, which the page's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:g} s: {expression}")
        page.wait_for_timeout(50)


def in_browser(
    browser: Browser, text: str, folder: Path, width: int, figures: bool = True
) -> tuple[BrowserContext, Opened]:
    """A page in a context of its own, when it is ready; without `figures`, these are drawn only when asked for."""
    path = folder / "call.report.html"
    path.write_text(text, encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.add_init_script("delete window.showSaveFilePicker")  # a dialog of the system; files are downloaded instead
    if not figures:
        page.add_init_script(UNDRAWN)
    made = Opened(page)
    allowed = (path.as_uri(), "blob:", "data:", (folder / "call.report.mp3").as_uri())
    page.on("console", lambda message: made.trouble.append(message.text))
    page.on("pageerror", lambda error: made.trouble.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(allowed) else made.trouble.append(r.url))
    page.goto(path.as_uri())
    until(page, READY)
    return context, made


def with_words(conversation: Conversation, text: str = "bonjour le monde") -> Conversation:
    made = []
    for turn in conversation.turns:
        for k, part in enumerate(text.split(" ")):
            at = turn.start_s + 0.1 * k
            made.append(Word(at, at + 0.1, f"{part}{turn.index}", turn.index))
    return replace(conversation, words=tuple(made))


def lengthened(conversation: Conversation, turns: int, seconds: float) -> Conversation:
    """The same turns again and again, evenly over so many seconds, with words and with all that follows from them."""
    step, made = seconds / turns, []
    for k in range(turns):
        turn = conversation.turns[k % len(conversation.turns)]
        start, end = k * step, k * step + 0.9 * step
        windows = tuple(replace(w, start_s=start, end_s=end, weight_s=0.9 * step) for w in turn.windows[:1])
        made.append(replace(turn, index=k, start_s=start, end_s=end, overlap_s=0.0, windows=windows))
    levels = Levels(seconds / 1200, tuple(-60.0 + 7 * (k % 8) for k in range(1200)))
    recording = replace(conversation.recording, duration_s=seconds)
    long = replace(conversation, recording=recording, turns=tuple(made), levels=levels)
    return with_words(derive(long, load_config()), "one two three four five six")


def saved(page: Page) -> dict[str, Any]:
    """The file of corrections that the page saves."""
    with page.expect_download() as download:
        page.locator("#save").click()
    assert download.value.suggested_filename == "call.corrections.json"
    found: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return found


def unsigned(corrections: dict[str, Any]) -> dict[str, Any]:
    """Corrections without who wrote them when."""
    return {
        key: [{k: v for k, v in one.items() if k not in ("by", "at")} for one in own] if isinstance(own, list) else own
        for key, own in corrections.items()
    }


def applied(conversation: Conversation, data: dict[str, Any]) -> Conversation:
    """The conversation with the corrections of a saved file."""
    return with_corrections(conversation, TypeAdapter(Corrections).validate_python(data["corrections"]))
