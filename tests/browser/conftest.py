"""Reports opened from disk in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browsing import Make, Open, Opened, in_browser, with_words
from ressenti import People, load_config
from ressenti.pipeline.audio import encode, load
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation
from ressenti.reports.page import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def made_sound(made_recording: Path) -> bytes:
    """The sound of the recording for a page, encoded once."""
    return encode.mp3(encode.segment(load(made_recording, load_config().audio)[1].samples[0]), 24_000)


@pytest.fixture(scope="session")
def made_pages() -> dict[tuple[object, ...], str]:
    """Pages that several tests open, rendered once."""
    return {}


@pytest.fixture
def opened(
    browser: Browser,
    make_conversation: Make,
    made_sound: bytes,
    made_pages: dict[tuple[object, ...], str],
    tmp_path: Path,
) -> Iterator[Open]:
    """Opens the page of a conversation made with fakes, and notes all trouble and every request."""
    contexts = []

    def open_page(
        width: int = 1280,
        preset: str = "default",
        names: tuple[str, ...] = (),
        sound: str | None = "embed",
        change: Callable[[Conversation], Conversation] = with_words,
        lang: Lang = "en",
        figures: bool = True,
    ) -> Opened:
        if sound:
            (tmp_path / "call.report.mp3").write_bytes(made_sound)
        asked = preset, names, sound, change, lang
        if asked not in made_pages:
            given = {"embed": made_sound, "sidecar": "call.report.mp3", None: None}[sound]
            conversation = change(make_conversation(preset, people=People(names=names)))
            made_pages[asked] = render(conversation, lang, sound=given)
        context, made = in_browser(browser, made_pages[asked], tmp_path, width, figures)
        contexts.append(context)
        return made

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def seen(
    browser: Browser,
    make_once: Callable[[str, str, People | None], Conversation],
    made_sound: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Open]:
    """Such a page for tests that only look at it: each is opened once."""
    contexts = []

    @cache
    def open_page(width: int = 1440, *, names: tuple[str, ...] = (), lang: Lang = "en", figures: bool = True) -> Opened:
        page = render(with_words(make_once("default", "null", People(names=names))), lang, sound=made_sound)
        context, made = in_browser(browser, page, tmp_path_factory.mktemp("seen"), width, figures)
        contexts.append(context)
        return made

    yield open_page
    for context in contexts:
        context.close()
