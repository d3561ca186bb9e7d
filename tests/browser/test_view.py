"""The view: strip and figures zoom together, the ground may be dark, and a phone's first screen has the first moment."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page

from browsing import FIGURES, Open, with_words
from ressenti.pipeline.records import Conversation, Moment
from ressenti.reports.wording import Wording

pytestmark = pytest.mark.slow("drives Chromium through many pages")
TIMED = ("timeline", "trajectory", "course", "talk")  # figures over time
VIEW = "() => page.ready.then(({ view }) => view)"
RANGES = """(names) => names.flatMap((name) => Object.entries(document.getElementById(name)._fullLayout)
  .filter(([key, axis]) => /^xaxis/.test(key) && axis.range).map(([, axis]) => [...axis.range]))"""
PINCH = """([[left, right], [to_left, to_right]]) => {
  const strip = document.getElementById("strip");
  strip.setPointerCapture = () => {};
  const tell = (type, pointerId, clientX) => strip.dispatchEvent(new PointerEvent(type, { pointerId, clientX, bubbles: true }));
  tell("pointerdown", 11, left);
  tell("pointerdown", 12, right);
  tell("pointermove", 11, to_left);
  tell("pointermove", 12, to_right);
  tell("pointerup", 11, to_left);
  tell("pointerup", 12, to_right);
  for (const pointerId of [11, 12]) tell("pointercancel", pointerId, 0);
}"""


def view(page: Page) -> tuple[float, float]:
    start, end = page.evaluate(VIEW)
    return start, end


def all_show(page: Page, names: tuple[str, ...] = TIMED) -> bool:
    """Whether all figures over time show what the strip shows."""
    page.wait_for_timeout(200)
    return all(found == pytest.approx(view(page), abs=0.01) for found in page.evaluate(RANGES, list(names)))


def drag(page: Page, place: str, start: float, end: float) -> None:
    """Drag over a part of an element's width."""
    page.locator(place).first.evaluate("(one) => one.closest('.dock') || one.scrollIntoView({ block: 'center' })")
    box = page.locator(place).first.bounding_box()
    assert box
    x, y = [box["x"] + box["width"] * part for part in (start, end)], box["y"] + box["height"] / 2
    page.mouse.move(x[0], y)
    page.mouse.down()
    page.mouse.move((x[0] + x[1]) / 2, y, steps=3)
    page.mouse.move(x[1], y, steps=3)
    page.mouse.up()
    page.wait_for_timeout(100)


def test_strip_and_figures_zoom_together(opened: Open) -> None:
    there = opened(1440, figures=False)
    page = there.page
    for name in TIMED:
        there.drawn(name)
    whole = view(page)
    assert page.locator("#zoom-out").is_disabled()
    drag(page, "#strip", 0.25, 0.75)
    assert view(page) == pytest.approx([whole[1] * 0.25, whole[1] * 0.75], abs=0.1)
    assert all_show(page)
    page.locator("#zoom-in").click()
    start, end = view(page)
    assert end - start == pytest.approx(whole[1] * 0.25, abs=0.1)
    assert all_show(page)
    page.locator("#zoom-out").click()
    page.locator("#zoom-all").click()
    assert view(page) == whole
    for name in TIMED:  # each figure leads the others
        drag(page, f"#{name} .nsewdrag", 0.2, 0.6)
        start, end = view(page)
        assert (start / whole[1], end / whole[1]) == pytest.approx((0.2, 0.6), abs=0.03), name
        assert all_show(page), name
        page.locator(f"#{name} .nsewdrag").first.dblclick()
        assert all_show(page), name
        assert view(page) == whole, name
    drag(page, "#strip", 0.25, 0.75)
    page.locator("#strip").dblclick()
    assert view(page) == whole
    assert there.trouble == []


def test_two_fingers_zoom_around_what_lies_between_them(opened: Open) -> None:
    there = opened(390, figures=False)
    page = there.page
    there.drawn("timeline")
    box = page.locator("#strip").bounding_box()
    play = page.locator("#play").bounding_box()
    assert box
    assert play
    assert box["y"] >= play["y"] + play["height"]  # a line of its own
    assert box["width"] > 350
    _, end = view(page)
    middle = box["x"] + box["width"] / 2
    page.evaluate(PINCH, [[middle - 40, middle + 40], [middle - 80, middle + 80]])
    assert view(page) == pytest.approx([end / 4, end * 3 / 4], abs=0.2)
    assert all_show(page, ("timeline",))
    assert page.evaluate("document.getElementById('sound').paused")  # it was no click
    assert there.trouble == []


def unsure(conversation: Conversation) -> Conversation:
    """With a long turn whose class is unsure, of a speaker who has another one, too."""
    turns = [replace(turn, unsure=turn.index == 2 or turn.unsure) for turn in with_words(conversation).turns]
    return replace(with_words(conversation), turns=tuple(turns))


def test_dark_ground_is_read_as_well(opened: Open) -> None:
    from axe_playwright_python.sync_playwright import Axe

    there = opened(1440, change=unsure, figures=False)
    page = there.page
    page.emulate_media(color_scheme="dark")
    for name in FIGURES:
        there.drawn(name)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in ground[4:-1].split(",")) < 64
    traces = page.evaluate("document.getElementById('timeline').data.filter((one) => one.marker?.pattern?.bgcolor)")
    hatched = [one for one in traces if one["marker"]["pattern"]["shape"] == "/"]
    assert hatched
    for one in hatched:
        assert one["marker"]["pattern"]["bgcolor"] == "#1D232B"
        assert one["textfont"]["color"] == "#E6E9EE"
        assert "#FFFFFF" not in one["textfont"]["shadow"]
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")  # paper is white
    drawn = "JSON.stringify(document.getElementById('timeline').data)"
    assert "#1D232B" not in page.evaluate(drawn)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert "#1D232B" in page.evaluate(drawn)
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(100)
    assert "#1D232B" not in page.evaluate(drawn)
    assert there.trouble == []


@pytest.mark.parametrize("lang", ["en", "fr", "es"])
def test_the_first_screen_of_a_phone_has_the_first_moment(opened: Open, lang: str) -> None:
    def change(conversation: Conversation) -> Conversation:
        made = with_words(conversation)
        return replace(made, moments=(Moment("interruption", 19.0, 20.0, "S2", values={"of": "S1", "overlap_s": 1.0}),))

    there = opened(390, change=change, lang=lang, figures=False)
    page = there.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("scrollTo(0, 0)")
    boxes = {place: page.locator(place).first.bounding_box() for place in (".headline", ".listen li", ".card", ".dock")}
    tops = {place: box["y"] for place, box in boxes.items() if box}
    assert len(tops) == 4
    assert tops[".headline"] < tops[".listen li"] < tops[".card"]
    play = page.locator(".listen .go").first.bounding_box()
    assert play
    assert play["y"] + play["height"] <= tops[".dock"]
    assert there.trouble == []


def test_scripts_write_times_as_the_page_does(opened: Open) -> None:
    page = opened(1440, figures=False).page
    words = Wording("en")
    times = (0.0, 0.49, 0.5, 1.5, 2.5, 59.5, 59.96, 60.4, 61.25, 61.35, 119.97, 3599.5, 3599.96, 7322.75)
    for decimals, tenths in ((0, False), (1, True)):
        script = "([times, tenths]) => page.ready.then(({ clock }) => times.map((time) => clock(time, tenths)))"
        assert page.evaluate(script, [list(times), tenths]) == [words.clock(time, decimals) for time in times]
