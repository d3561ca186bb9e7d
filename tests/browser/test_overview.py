"""The overview of a library in a browser: filters, order, places, neighbours, phones; and hostile metadata stay text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from browsing import Opened, until
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation
from ressenti.reports.overview import (
    CallRow,
    Comparison,
    FailureRow,
    Group,
    Overview,
    Pick,
    Spread,
    render_overview,
)
from ressenti.reports.page import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow("drives Chromium through many pages")
HOSTILE = "</script><img src=x onerror=alert(1)>"
SHOWN = "#calls tbody tr:not(.gap)"


def call(k: int, **changes: object) -> CallRow:
    made = CallRow(
        conversation=f"c-{k:016x}",
        title=f"call {k}",
        date=f"2026-{1 + k // 28 % 12:02}-{1 + k % 28:02}T10:00:00",
        agent=f"Agent {k % 7}",
        queue=HOSTILE if k % 2 else "sales",
        direction=None,
        language="en",
        duration_s=60.0 + k,
        people=2,
        speech=0.8,
        silence=k / 1000,
        longest_silence_s=k / 10,
        silence_at=12.5,
        overlap=0.05,
        interruptions=k % 5,
        agent_share=None,
        tension=None if k % 3 else 0.02,
        tense_s=4.0,
        tense_at=None if k % 3 else 30.0,
        unsure=0.2,
        corrected=False,
        page=f"conversations/00/c-{k:016x}/c-{k:016x}.report.html",
        more=(("campaign", "Été" if k == 5 else "spring"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def overview(calls: int = 300) -> Overview:
    spreads = (Spread(70.0, 65.0, 75.0), Spread(0.1, None, None), None)
    groups = tuple(Group(name, 9, spreads) for name in ("Agent 2", HOSTILE))
    return Overview(
        name=f"calls {HOSTILE}",
        total=calls,
        total_s=3600.0,
        calls=tuple(call(k) for k in range(calls)),
        strata=("queue",),
        seed=1,
        sample=((3, (HOSTILE,), 15.0), (8, ("sales",), 15.0)),
        picks=(Pick("silence", 299, 29.9, 12.5), Pick("silence", 298, 29.8, 12.5), Pick("short", 0, 60.0, None)),
        comparisons=(Comparison("agent", ("duration_s", "silence", "overlap"), groups),),
        failures=(FailureRow(f"/calls/{HOSTILE}.wav", "UnreadableError", "is empty.", "Record it again."),),
        failed=1,
    )


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    contexts = []

    def open_page(width: int = 1440, lang: Lang = "en", found: Overview | None = None) -> Opened:
        path = tmp_path / "index.html"
        path.write_text(render_overview(found or overview(), lang), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB")
        contexts.append(context)
        page = context.new_page()
        made = Opened(page)
        page.on("console", lambda message: made.trouble.append(message.text))
        page.on("pageerror", lambda error: made.trouble.append(str(error)))
        page.on("dialog", lambda dialog: made.trouble.append(dialog.message))
        page.on(
            "request",
            lambda r: None if r.url.startswith((path.as_uri(), "data:", "blob:")) else made.trouble.append(r.url),
        )
        page.goto(path.as_uri())
        until(page, "document.getElementById('found').textContent !== ''")
        page.wait_for_selector("#bins .main-svg", state="attached", timeout=30_000)
        return made

    yield open_page
    for context in contexts:
        context.close()


def titles(there: Opened) -> list[str]:
    return there.page.locator(f"{SHOWN} td.title").all_inner_texts()


def test_calls_are_filtered_sorted_and_only_those_in_view_are_there(shown: Callable[..., Opened]) -> None:
    there = shown()
    page = there.page
    assert page.locator("#found").inner_text().startswith("300 of 300")
    assert 10 < page.locator(SHOWN).count() < 60
    page.locator("th.longest_silence_s button").click()
    assert titles(there)[0] == "call 299"
    assert page.locator("th.longest_silence_s").get_attribute("aria-sort") == "descending"
    page.locator("th.longest_silence_s button").click()
    assert titles(there)[0] == "call 0"
    page.locator("th.tension button").click()
    assert page.locator(f"{SHOWN} td.tension").first.inner_text().strip() == "2.0%"  # what is not known comes last
    page.locator("th.title button").click()
    assert titles(there)[:3] == ["call 0", "call 1", "call 2"]
    page.locator("#calls").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    until(page, "[...document.querySelectorAll('#calls td.title')].at(-1).textContent === 'call 299'")
    page.locator("#filters [name=queue]").select_option(HOSTILE)
    assert page.locator("#found").inner_text().startswith("150 of 300")
    page.locator("#filters [name=text]").fill("ete")
    assert titles(there) == ["call 5"]
    page.locator("#filters [name=text]").fill("nothing like it")
    assert page.locator("#empty").is_visible()
    page.locator("#filters [type=reset]").click()
    until(page, "document.getElementById('found').textContent.startsWith('300')")
    page.locator("#filters [name=from]").fill("2026-03-01")
    page.locator("#filters [name=to]").fill("2026-03-02")
    assert sorted(titles(there)) == ["call 56", "call 57"]
    page.locator("#measure").select_option("silence")
    until(page, "document.getElementById('spread').textContent.includes('5.')")
    assert page.locator("h1").inner_text() == f"calls {HOSTILE}"
    assert there.trouble == []


def test_links_lead_to_the_second_and_name_the_calls_around(shown: Callable[..., Opened]) -> None:
    there = shown()
    page = there.page
    first = page.locator("ol.calls a").first
    assert first.inner_text() == "call 299"
    href = first.get_attribute("href")
    assert href == f"conversations/00/c-{299:016x}/c-{299:016x}.report.html#t=12.5&calls={299:016x},{298:016x}"
    page.locator("th.title button").click()
    place = page.locator(f"{SHOWN} td.longest_silence_s a").nth(3).get_attribute("href")
    assert place is not None
    assert place.startswith(f"conversations/00/c-{4:016x}/")  # the first has no silence
    assert "#t=12.5&calls=" in place
    assert len(place.split("calls=")[1].split(",")) == 17  # twelve after it, and the four before
    assert there.trouble == []


@pytest.mark.parametrize("width", [390, 1440])
def test_phones_french_and_the_rules_of_access(shown: Callable[..., Opened], width: int) -> None:
    there = shown(width, "fr")
    page = there.page
    assert "Que faut-il écouter d’abord" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(SHOWN).count() > 5
    assert "300 sur 300" in page.locator("#found").inner_text()
    serious = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == [], [(v["id"], [n["html"] for n in v["nodes"]][:3]) for v in serious]
    assert there.trouble == []


def test_a_library_without_calls_says_so(browser: Browser, tmp_path: Path) -> None:
    found = replace(overview(0), sample=(), picks=(), comparisons=())
    (tmp_path / "index.html").write_text(render_overview(found, "en"), encoding="utf-8")
    page = browser.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto((tmp_path / "index.html").as_uri())
    assert "No conversation is here yet." in page.inner_text("main")
    assert "Record it again." in page.inner_text("main")
    assert trouble == []
    page.close()


def test_a_report_opens_at_the_second_and_leads_to_its_neighbours(
    browser: Browser, make_conversation: Callable[..., Conversation], tmp_path: Path
) -> None:
    made = make_conversation()
    path = tmp_path / "call.report.html"
    path.write_text(render(made, "en", metadata=(("agent", "Anna"), ("team", HOSTILE))), encoding="utf-8")
    own, other = made.id.removeprefix("c-"), "00" * 8
    page = browser.new_page()
    page.goto(f"{path.as_uri()}#t=12.5&calls={other},{own},{'f' * 16}")
    until(page, "document.getElementById('clock').textContent.startsWith('0:12.5')")
    assert page.locator("#neighbours").inner_text().split("\n")[0].startswith("← Previous")
    assert "2 of 3" in page.locator("#place").inner_text()
    href = page.locator("#earlier").get_attribute("href")
    assert href == f"../../00/c-{other}/c-{other}.report.html#calls={other},{own},{'f' * 16}"
    assert f"team: {HOSTILE}" in page.inner_text("header")
    page.goto(f"{path.as_uri()}#t=1e9&calls=../../evil,{own}x")
    page.reload()
    until(page, "document.getElementById('clock').textContent.includes('/')")
    assert not page.locator("#neighbours").is_visible()
    page.close()
