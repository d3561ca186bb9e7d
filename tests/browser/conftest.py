"""Reports opened from disk in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browsing import READY, Make, Open, Opened, until, with_words
from ressenti import People, load_config
from ressenti.pipeline.audio import encode, load
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation
from ressenti.reports.page import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def opened(browser: Browser, make_conversation: Make, recording: Path, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a conversation made with fakes, and notes all trouble and every request."""
    contexts = []

    def open_page(
        width: int = 1280,
        preset: str = "default",
        names: tuple[str, ...] = (),
        sound: str | None = "embed",
        change: Callable[[Conversation], Conversation] = with_words,
        lang: Lang = "en",
    ) -> Opened:
        path = tmp_path / "call.report.html"
        mp3 = None
        if sound:
            mp3 = encode.mp3(encode.segment(load(recording, load_config().audio)[1].samples[0]), 24_000)
            (tmp_path / "call.report.mp3").write_bytes(mp3)
        conversation = change(make_conversation(preset, people=People(names=names)))
        given = {"embed": mp3, "sidecar": "call.report.mp3", None: None}[sound]
        path.write_text(render(conversation, lang, sound=given), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        made = Opened(page)
        allowed = (path.as_uri(), "blob:", "data:", (tmp_path / "call.report.mp3").as_uri())
        page.on("console", lambda message: made.trouble.append(message.text))
        page.on("pageerror", lambda error: made.trouble.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(allowed) else made.trouble.append(r.url))
        page.goto(path.as_uri())
        until(page, READY)
        return made

    yield open_page
    for context in contexts:
        context.close()
