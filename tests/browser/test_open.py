"""Reports opened from disk in a real browser: nothing is asked of the network, everything listens and can be used."""

from dataclasses import replace
from pathlib import Path

import pytest

from browsing import FIGURES, Open, until, with_words
from conftest import mostly_slow
from ressenti.pipeline.records import Conversation

HOSTILE = "</script><img src=x onerror=alert(1)>'\"&%{x}"


@pytest.mark.parametrize("width", mostly_slow("drives Chromium through many pages", [1440, 390]))
def test_it_opens_without_trouble_and_fits(seen: Open, width: int) -> None:
    there = seen(width)
    for name in FIGURES:
        there.drawn(name)
        box = there.page.locator(f"#{name} .main-svg").first.bounding_box()
        assert box
        assert box["width"] > 250
        assert box["x"] + box["width"] <= width
    assert there.page.evaluate("document.documentElement.scrollWidth") <= width
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_time_is_where_the_turns_are(seen: Open) -> None:
    there = seen()
    there.drawn("timeline")
    bars = there.page.locator("#timeline .bars path")
    assert bars.count() == 6 + 2  # turns, and the overlap in both lanes
    ticks = there.page.locator("#timeline .xtick text").all_text_contents()
    assert ticks[0] == "0:00"
    assert ticks[-1] in ("0:28", "0:30", "0:25")


@pytest.mark.parametrize("names", [("Anna", "Anna"), ("1001", "1002"), ("<b>A</b>", "%{x}")])
@pytest.mark.slow("drives Chromium through many pages")
def test_lanes_are_speakers_whatever_their_names(opened: Open, names: tuple[str, str]) -> None:
    there = opened(names=names, figures=False)
    there.drawn("timeline")
    assert sorted(there.page.locator("#timeline .ytick text").all_text_contents()) == sorted(names)
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_nothing_of_emotion_where_nobody_is_scored(opened: Open) -> None:
    there = opened(preset="recruitment", figures=False)
    assert [f.get_attribute("id") for f in there.page.locator(".figure").all()] == ["timeline", "talk"]
    there.page.locator(".turns .quiet").first.click()
    assert there.page.locator("#edit-class").is_disabled()
    assert there.trouble == []


@pytest.mark.parametrize("sound", mostly_slow("drives Chromium through many pages", ["embed", "sidecar"]))
def test_turns_moments_words_and_the_strip_are_heard_when_clicked(opened: Open, sound: str) -> None:
    there = opened(sound=sound, figures=False)
    page = there.page
    until(page, "document.getElementById('sound').readyState >= 1")
    page.locator("#turn-2 .go").click()
    until(page, "!document.getElementById('sound').paused")
    assert 9.5 <= there.played_s() < 12
    until(page, "document.getElementById('sound').currentTime > 9.8")
    assert there.clock > 9.5  # the playhead moves with it
    page.keyboard.press("Space")
    until(page, "document.getElementById('sound').paused")
    page.locator("#turn-1").hover()
    page.locator("#turn-1 .said span").nth(2).click()
    assert there.played_s() == pytest.approx(5.2, abs=0.3)
    page.evaluate("document.getElementById('sound').pause()")
    page.locator(".moments .go").first.click()
    assert there.played_s() == pytest.approx(
        float(page.locator(".moments .go").first.get_attribute("data-t") or -1), abs=0.3
    )
    page.evaluate("document.getElementById('sound').pause()")
    box = page.locator("#strip").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    assert there.played_s() == pytest.approx(15, abs=0.4)
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_figures_are_heard_when_clicked_and_the_playhead_moves_through_them(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    there.drawn("timeline")
    bar = page.locator("#timeline .bars path").first.bounding_box()
    assert bar
    page.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    page.wait_for_timeout(200)
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    until(page, "!document.getElementById('sound').paused")
    starts = [0.5, 5.0, 9.5, 19.0, 24.2, 26.0]
    assert min(abs(there.played_s() - start) for start in starts) < 1
    page.evaluate("document.getElementById('sound').pause()")
    there.drawn("trajectory")
    area = page.locator("#trajectory .nsewdrag").first.bounding_box()
    assert area
    page.mouse.click(area["x"] + area["width"] * 0.6, area["y"] + 4)
    until(page, "Math.abs(document.getElementById('sound').currentTime - 18) < 1.5")
    page.evaluate("document.getElementById('sound').pause()")
    heads = {name: page.locator(f"#{name} .playhead").bounding_box() for name in ("timeline", "trajectory")}
    page.keyboard.press("ArrowLeft")
    for name, before in heads.items():
        after = page.locator(f"#{name} .playhead").bounding_box()
        assert before
        assert after
        assert after["x"] < before["x"] - 20, name
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_the_keyboard_is_enough(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.keyboard.press("Shift+ArrowRight")
    assert there.clock == pytest.approx(0.5)
    page.keyboard.press("Shift+ArrowRight")
    assert there.clock == pytest.approx(5.0)
    page.keyboard.press("ArrowRight")
    assert there.clock == pytest.approx(10.0)
    page.keyboard.press("Shift+ArrowLeft")
    assert there.clock == pytest.approx(9.5)
    page.locator("#next").click()
    page.keyboard.press("Space")  # plays, whatever was clicked before
    until(page, "!document.getElementById('sound').paused")
    page.keyboard.press("Space")
    until(page, "document.getElementById('sound').paused")
    page.locator("#speed").select_option("1.5")
    assert page.evaluate("document.getElementById('sound').playbackRate") == 1.5
    page.locator("[name=text]").fill("a b")
    page.locator("[name=text]").press("Space")  # in a field it is a blank
    assert page.evaluate("document.getElementById('sound').paused")


@pytest.mark.slow("drives Chromium through many pages")
def test_without_sound_the_playhead_still_moves(opened: Open) -> None:
    there = opened(sound=None, figures=False)
    assert there.page.locator("#play").is_disabled()
    there.page.locator("#turn-2 .go").click()
    assert there.clock == pytest.approx(9.5)
    assert "--recording" in there.page.locator("#trouble").inner_text()
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_filters_filter(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page

    def seen() -> list[str]:
        return [row.get_attribute("id") or "" for row in page.locator(".turns tbody tr:visible").all()]

    assert len(seen()) == 6
    page.locator("[name=speaker]").select_option("S2")
    assert seen() == ["turn-1", "turn-3"]
    page.locator("[name=class]").select_option("Tension")
    assert "2 of 6" in (page.locator("#found").text_content() or "")
    page.locator("button[type=reset]").click()
    until(page, "document.querySelectorAll('.turns tbody tr[hidden]').length === 0")
    page.locator("[name=text]").fill("MONDE4")
    assert seen() == ["turn-4"]
    page.locator("button[type=reset]").click()
    page.locator("[name=confidence]").fill("85")
    assert 0 < len(seen()) < 6
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_names_are_put_into_sentences_as_they_are(seen: Open) -> None:
    said = seen().page.evaluate(
        """() => page.ready.then(({ say }) => say("js_point", { who: "$& {time} {who}", time: "0:01", answer: "Sad" }))"""
    )
    assert said.startswith("$& {time} {who}, 0:01: Sad")


@pytest.mark.slow("drives Chromium through many pages")
def test_an_unsure_class_is_marked_in_the_table(seen: Open) -> None:
    page = seen().page
    assert (page.locator("#turn-5 .class").text_content() or "").endswith("?")
    assert not (page.locator("#turn-1 .class").text_content() or "").endswith("?")


@pytest.mark.slow("drives Chromium through many pages")
def test_each_figure_has_its_numbers(seen: Open) -> None:
    there = seen()
    for name in FIGURES:
        tools = there.page.locator(f".tools[data-for={name}]")
        tools.locator("summary").click()
        tools.locator("td").first.wait_for()
        rows = tools.locator("tbody tr").count()
        with there.page.expect_download() as download:
            tools.locator(".csv").click()
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
        assert len(text.strip().splitlines()) == rows + 1
        with there.page.expect_download(timeout=60_000) as picture:
            tools.locator(".png").click()
        assert Path(picture.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert there.trouble == []


def test_hostile_text_stays_text(opened: Open) -> None:
    def hostile(conversation: Conversation) -> Conversation:
        first, second = conversation.speakers
        return replace(
            with_words(conversation, HOSTILE),
            recording=replace(conversation.recording, name=HOSTILE),
            speakers=(replace(first, name=HOSTILE, role=HOSTILE), replace(second, name="=1+1")),
        )

    there = opened(change=hostile)
    page = there.page
    for name in FIGURES:
        there.drawn(name)
        page.locator(f".tools[data-for={name}] summary").click()
    page.locator("#turn-0").hover()
    page.locator("#turn-0 .said span").first.wait_for()
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-note").fill(HOSTILE)
    page.locator("#editor button[type=submit]").click()
    assert page.locator("img").count() == 0
    with page.expect_download() as download:
        page.locator(".tools[data-for=timeline] .csv").click()
    assert "'=1+1" in Path(download.value.path()).read_text(encoding="utf-8-sig")  # no formula
    assert HOSTILE in page.locator("h1").inner_text()
    assert there.trouble == []


@pytest.mark.parametrize("width", mostly_slow("drives Chromium through many pages", [1440, 390]))
@pytest.mark.slow("drives Chromium through many pages")
def test_axe_finds_nothing_serious(seen: Open, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    there = seen(width)
    for name in FIGURES:
        there.drawn(name)
    there.page.locator(".tools summary").first.click()
    found = Axe().run(there.page).response["violations"]
    serious = [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.slow("drives Chromium through many pages")
def test_print_shows_the_report_and_not_its_tools(opened: Open) -> None:
    there = opened(figures=False)  # until it is printed
    there.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for name in FIGURES:
        there.page.wait_for_selector(f"#{name} .main-svg", state="attached", timeout=30_000)
    there.page.emulate_media(media="print")
    for hidden in (".dock", ".tools", ".filters", "#h-corrections", ".quiet"):
        assert not there.page.locator(hidden).first.is_visible(), hidden
    for shown in ("h1", ".headline", ".card", "#timeline", "#turn-5", "#h-methods"):
        assert there.page.locator(shown).first.is_visible(), shown
    assert there.page.pdf()[:5] == b"%PDF-"


@pytest.mark.slow("drives Chromium through many pages")
def test_figures_are_drawn_without_being_come_to_and_fit_on_paper(opened: Open) -> None:
    there = opened(1440)
    page = there.page
    until(page, f"document.querySelectorAll('.figure .plot-container').length === {len(FIGURES)}", 60)
    widths = "[...document.querySelectorAll('.figure .main-svg:first-child')].map((svg) => svg.clientWidth)"
    assert min(page.evaluate(widths)) > 1000
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert max(page.evaluate(widths)) <= 700
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    until(page, f"Math.min(...{widths}) > 1000")
    assert page.pdf()[:5] == b"%PDF-"
    until(page, f"Math.min(...{widths}) > 1000")
    assert there.trouble == []


@pytest.mark.parametrize(("lang", "said"), [("en", "Not drawn yet."), ("fr", "Pas encore dessiné.")])
@pytest.mark.slow("drives Chromium through many pages")
def test_a_figure_that_is_printed_before_it_is_drawn_says_so(opened: Open, lang: str, said: str) -> None:
    there = opened(lang=lang, figures=False)
    waiting = """() => {
      const bare = document.querySelector(".figure").cloneNode(false);
      document.querySelector(".figure").after(bare);
      const said = getComputedStyle(bare, "::before").content;
      bare.remove();
      return said;
    }"""
    assert said in there.page.evaluate(waiting)
    there.drawn("timeline")
    drawn = there.page.evaluate("() => getComputedStyle(document.getElementById('timeline'), '::before').content")
    assert drawn == "none"
