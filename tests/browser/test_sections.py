"""The page of sections in a browser: side by side, on a phone, without a script or a request; hostile texts stay text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from browsing import Opened, lengthened
from ressenti import with_corrections
from ressenti.pipeline.content.sections import Question
from ressenti.pipeline.language import Lang
from ressenti.pipeline.library.sections import Interview, topics_of
from ressenti.pipeline.records import Conversation, Corrections, TurnCorrection
from ressenti.reports.sections import render_sections

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow("drives Chromium through many pages")
HOSTILE = "</style><img src=x onerror=alert(1)>"


def interview(made: Conversation, k: int, folder: Path) -> Interview:
    """Two minutes of talk with a mark, or words of a question in the third, or neither in the fourth."""
    own = lengthened(made, 24, 120.0 + 20 * k)
    recording = replace(own.recording, name=f"person {k} {HOSTILE}.wav", sha256=f"{k:02x}" * 32)
    speakers = tuple(replace(speaker, name=HOSTILE) for speaker in own.speakers)
    words = tuple(replace(word, text=HOSTILE if word.text.startswith("six") else word.text) for word in own.words)
    words = words if k < 3 else ()
    own = replace(own, recording=recording, speakers=speakers, words=words)
    if k < 2:
        own = with_corrections(own, Corrections(turns=(TurnCorrection(4, note=f"# {HOSTILE}"),)))
    page = folder / f"person {k}#.report.html"
    page.write_text("<title>report</title>", encoding="utf-8")
    return Interview(own, page, (("agent", HOSTILE),))


@pytest.mark.parametrize(("width", "lang"), [(390, "fr"), (1440, "en")])
def test_sections_stand_side_by_side_and_are_read_without_a_script(
    width: int, lang: Lang, browser: Browser, make_conversation: Callable[..., Conversation], tmp_path: Path
) -> None:
    made = make_conversation()
    found = [interview(made, k, tmp_path) for k in range(4)]
    topics = topics_of(found, (Question("asked", "three3 four3"),), None)
    path = tmp_path / "out" / "sections.html"
    path.parent.mkdir()
    path.write_text(render_sections(topics, len(found), path, lang), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    there = Opened(page)
    page.on("console", lambda message: there.trouble.append(message.text))
    page.on("pageerror", lambda error: there.trouble.append(str(error)))
    page.on("dialog", lambda dialog: there.trouble.append(dialog.message))
    page.on("request", lambda r: None if r.url.startswith(path.as_uri()) else there.trouble.append(r.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img, script").count() == 0
    heads = page.locator("h2").all_inner_texts()
    assert heads[:2] == ["asked", HOSTILE]
    asked, marked = page.locator("main > section").nth(0), page.locator("main > section").nth(1)
    assert asked.locator(".card").count() == 3
    assert marked.locator(".card").count() == 2
    assert marked.locator(".lacking li").count() == 2
    assert "person 3" in asked.locator(".lacking").inner_text()
    boxes = marked.locator(".card > svg[role=img]").evaluate_all("own => own.map(svg => svg.getAttribute('viewBox'))")
    assert len(boxes) == 2
    assert len(set(boxes)) == 1
    across = [box["y"] for card in marked.locator(".card").all() if (box := card.bounding_box())]
    assert (across[0] == across[1]) == (width > 600)
    assert HOSTILE in marked.inner_text()
    serious = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == [], [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in serious]
    assert there.trouble == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    link = marked.locator("h3 a").first
    assert link.get_attribute("href") == f"../person%200%23.report.html#t={topics[1].parts[0].start_s:.2f}"
    link.click()
    page.wait_for_url("**/person%200%23.report.html#t=*")
    context.close()
