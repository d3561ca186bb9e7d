"""Reports opened from disk in a real browser: nothing is asked of the network, everything listens and can be used."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page

from browsing import FIGURES, READY, Open, until, with_words
from conftest import mostly_slow
from ressenti import load_config, with_corrections
from ressenti.pipeline import store
from ressenti.pipeline.derive import derive
from ressenti.pipeline.records import Conversation, Corrections, Span, TurnCorrection
from ressenti.reports.page import render

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


def saved(page: Page) -> dict[str, Any]:
    with page.expect_download() as download:
        page.locator("#save").click()
    assert download.value.suggested_filename == "call.corrected.json"
    stored: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return stored


@pytest.mark.slow("drives Chromium through many pages")
def test_corrections_round_trip_and_move_figures(opened: Open, tmp_path: Path) -> None:
    there = opened(figures=False)
    page = there.page
    assert page.locator("#bar").is_hidden()
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-class").select_option("Sad")
    page.locator("#edit-note").fill("sobs")
    page.locator("#editor button[type=submit]").click()
    page.locator("#turn-1 .quiet").click()
    page.locator("#edit-speaker").select_option("S1")
    page.locator("#editor button[type=submit]").click()
    page.locator(".card [data-rename]").nth(1).click()
    page.locator("#rename-name").fill("Zoé <i>")
    page.locator("#renamer button[type=submit]").click()
    assert (page.locator(".card h3").nth(1).text_content() or "").startswith("Zoé <i>")
    assert "sobs" in (page.locator("#turn-0").text_content() or "")
    data = saved(page)
    assert data["corrections"] == {
        "names": [{"speaker": "S2", "name": "Zoé <i>"}],
        "turns": [
            {"turn": 0, "speaker": None, "emotion": "Sad", "note": "sobs"},
            {"turn": 1, "speaker": "S1", "emotion": None, "note": ""},
        ],
        "kinds": [],
    }
    conversation = store.loads(json.dumps(data))  # the format takes it
    before = {s.label: s.talk.talk_s for s in conversation.speakers if s.talk}
    derived = derive(conversation, load_config())
    after = {s.label: s.talk.talk_s for s in derived.speakers if s.talk}
    assert after["S1"] == pytest.approx(before["S1"] + 4)
    assert derived.turns[0].emotion is not None
    assert derived.turns[0].emotion.top == "Sad"
    assert derived.turns[0].original is not None
    assert derived.trajectories != conversation.trajectories
    assert derived.speaker("S2").name == "Zoé <i>"
    (tmp_path / "call.report.html").write_text(render(derived), encoding="utf-8")
    page.reload()
    until(page, READY)
    assert "corrected by a person; model: Pleased" in (page.locator("#turn-0").text_content() or "")
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-class").select_option("")  # back to what the model says
    page.locator("#edit-note").fill("")
    page.locator("#editor button[type=submit]").click()
    assert [t["turn"] for t in saved(page)["corrections"]["turns"]] == [1]
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_spans_are_silenced_as_drawn_and_their_words_go(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator("#bleep-from").fill("0:05.0")
    page.locator("#bleep-to").fill("0:05.15")
    page.locator("#bleep-form button[type=submit]").click()
    page.locator("#draw").check()
    box = page.locator("#strip").bounding_box()
    assert box
    for to, move in ((10, page.mouse.move), (20, page.mouse.move)):
        move(box["x"] + box["width"] * to / 30, box["y"] + 15)
        page.mouse.down() if to == 10 else page.mouse.up()
    assert page.locator("#bleeps li").count() == 2
    page.locator("#draw").uncheck()
    page.mouse.click(box["x"] + box["width"] * 15 / 30, box["y"] + 15)
    until(page, "document.getElementById('sound').muted")
    page.keyboard.press("Space")
    page.mouse.click(box["x"] + box["width"] * 25 / 30, box["y"] + 15)
    until(page, "!document.getElementById('sound').muted")
    data = saved(page)
    assert data["bleeps"][0] == {"start_s": 5, "end_s": 5.15}
    assert data["bleeps"][1]["start_s"] == pytest.approx(10, abs=0.1)
    said = [word["text"] for word in data["words"]]
    assert "monde1" in said
    assert "bonjour1" not in said
    assert "le1" not in said
    assert data["omissions"][0] == {"start_s": 5, "end_s": 5.2, "turn": 1}
    assert "[…]" not in said
    page.locator("#bleep-from").fill("9")
    page.locator("#bleep-to").fill("3")
    page.locator("#bleep-form button[type=submit]").click()
    assert "Enter two times" in (page.locator("#bleep-trouble").text_content() or "")
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_changes_are_undone_also_after_saving(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator(".card [data-rename]").nth(1).click()
    page.locator("#rename-name").fill("Zoé")
    page.locator("#renamer button[type=submit]").click()
    assert "Zoé" in (page.locator("#turn-1").text_content() or "")
    assert saved(page)["corrections"]["names"] == [{"speaker": "S2", "name": "Zoé"}]
    page.locator("#undo").click()
    assert "Zoé" not in (page.locator("#turn-1").text_content() or "")
    assert page.locator("#bar").is_visible()
    assert saved(page)["corrections"]["names"] == []
    assert page.locator("#bar").is_hidden()


@pytest.mark.parametrize(("lang", "said"), [("en", "before your changes"), ("fr", "avant vos modifications")])
@pytest.mark.slow("drives Chromium through many pages")
def test_what_does_not_follow_a_change_says_so(opened: Open, lang: str, said: str) -> None:
    there = opened(lang=lang, figures=False)
    page = there.page

    def marked() -> set[str]:
        marks = [mark for mark in page.locator(".stale").all() if mark.is_visible()]
        assert all(said in mark.inner_text() for mark in marks)
        near = "(here) => here.closest('section, header').querySelector('h1, h2').id || 'headline'"
        return {mark.evaluate(near) for mark in marks}

    assert marked() == set()
    page.locator("#bleep-from").fill("5")
    page.locator("#bleep-to").fill("6")
    page.locator("#bleep-form button[type=submit]").click()
    assert page.locator("#bar").is_visible()
    assert marked() == set()  # silence changes no figure
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-class").select_option("Sad")
    page.locator("#editor button[type=submit]").click()
    assert said in page.locator("#stale").inner_text()
    assert "ressenti report call.corrected.json" in page.locator("#bar code").inner_text()
    assert marked() == {"headline", "h-speakers", "h-moments", *(f"h-{name}" for name in FIGURES)}
    saved(page)
    assert "headline" in marked()  # saved, but this page is still the old one
    page.locator("#undo").click()
    assert marked() == set()
    assert page.locator("#stale").inner_text() == ""
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_filters_and_classes_follow_what_is_changed_in_the_page(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page

    def seen() -> list[str]:
        return [row.get_attribute("id") or "" for row in page.locator(".turns tbody tr:visible").all()]

    def correct(turn: int, field: str, value: str) -> None:
        page.locator(f"#turn-{turn} .quiet").click()
        page.locator(f"#edit-{field}").select_option(value)
        page.locator("#editor button[type=submit]").click()

    before = "".join((page.locator("#turn-0").text_content() or "").split())
    correct(0, "class", "Sad")
    assert (page.locator("#turn-0 .class").text_content() or "") == "Sad"
    assert page.locator("#turn-0 .class .c-Sad").count() == 1
    assert (page.locator("#turn-0 .score").text_content() or "") == ""
    page.locator("[name=class]").select_option("Sad")
    assert seen() == ["turn-0"]
    page.locator("[name=class]").select_option("")
    correct(1, "speaker", "S3")  # somebody new
    page.locator("[name=speaker]").select_option("S3")
    assert seen() == ["turn-1"]
    page.locator("[name=speaker]").select_option("S2")
    assert seen() == ["turn-3"]
    page.locator("[name=class]").select_option("corrected")
    assert seen() == []
    page.locator("#undo").click()
    assert page.locator("[name=speaker] option").count() == 3
    page.locator("[name=speaker]").select_option("")
    assert seen() == []  # nothing is corrected any more
    page.locator("[name=class]").select_option("Pleased")
    assert seen() == ["turn-0", "turn-2"]
    assert "".join((page.locator("#turn-0").text_content() or "").split()) == before
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_a_class_taken_back_in_the_page_is_the_models_again(opened: Open) -> None:
    corrections = Corrections(turns=(TurnCorrection(0, emotion="Sad"), TurnCorrection(5, emotion="Sad")))
    page = opened(change=lambda conversation: with_corrections(conversation, corrections), figures=False).page
    for turn in (0, 5):
        page.locator(f"#turn-{turn} .quiet").click()
        page.locator("#edit-class").select_option("")
        page.locator("#editor button[type=submit]").click()
    assert (page.locator("#turn-0 .class").text_content() or "") == "Pleased 90%"
    for name, turn in (("Pleased", "turn-0"), ("unsure", "turn-5")):
        page.locator("[name=class]").select_option(name)
        assert turn in [row.get_attribute("id") for row in page.locator(".turns tbody tr:visible").all()]


@pytest.mark.slow("drives Chromium through many pages")
def test_names_are_put_into_sentences_as_they_are(seen: Open) -> None:
    said = seen().page.evaluate(
        """() => page.ready.then(({ say }) => say("js_point", { who: "$& {time} {who}", time: "0:01", answer: "Sad" }))"""
    )
    assert said.startswith("$& {time} {who}, 0:01: Sad")


@pytest.mark.slow("drives Chromium through many pages")
def test_nobody_gives_an_emotion_to_those_who_are_not_scored(opened: Open) -> None:
    def one_scored(conversation: Conversation) -> Conversation:
        first, second = conversation.speakers
        return replace(
            conversation, speakers=(replace(first, not_scored="restricted"), replace(second, not_scored=None))
        )

    there = opened(preset="call-center", change=one_scored, figures=False)
    page = there.page
    page.locator("#turn-1 .quiet").click()
    page.locator("#edit-class").select_option("Sad")
    page.locator("#edit-speaker").select_option("S1")
    assert page.locator("#edit-class").is_disabled()
    page.locator("#editor button[type=submit]").click()
    assert saved(page)["corrections"]["turns"] == [{"turn": 1, "speaker": "S1", "emotion": None, "note": ""}]


@pytest.mark.slow("drives Chromium through many pages")
def test_spans_of_the_file_are_shown(opened: Open) -> None:
    there = opened(change=lambda c: replace(c, bleeps=(Span(2.0, 3.0),)), figures=False)
    page = there.page
    assert page.locator("#bleeps li").count() == 1
    assert page.locator("#bar").is_hidden()
    assert page.locator(".unrendered").is_hidden()  # nothing is silenced that this page still holds
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if len(asked) == 2 else dialog.dismiss()

    page.on("dialog", answer)
    for left in (1, 0):
        page.locator("#bleeps button").click()
        assert page.locator("#bleeps li").count() == left
    assert all("Make it audible again?" in message for message in asked)
    page.locator("#bleep-from").fill("5")
    page.locator("#bleep-to").fill("6")
    page.locator("#bleep-form button[type=submit]").click()
    assert page.locator(".unrendered").is_visible()
    page.locator("#bleeps button").click()  # not rendered yet: nobody is asked
    assert len(asked) == 2
    assert page.locator(".unrendered").is_hidden()


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
