"""The labelling page opened from disk in a real browser, used with the keyboard alone."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from typer.testing import CliRunner

from ressenti.pipeline.cli.app import app

RUN = CliRunner()
Open = Callable[..., Page]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.fixture(scope="module")
def sheet(made_calls: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of eight turns."""
    out = tmp_path_factory.mktemp("sheet") / "labels.html"
    done = RUN.invoke(app, ["evaluate", "label", str(made_calls), "--turns", "8", "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture
def trouble() -> list[str]:
    return []


@pytest.fixture
def opened(context: BrowserContext, sheet: Path, trouble: list[str]) -> Open:
    def open_page(path: Path = sheet) -> Page:
        page = context.new_page()
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: trouble.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    return open_page


def begin(page: Page, name: str, *, points: bool = True) -> None:
    page.keyboard.type(name)  # the field has the focus when the page opens
    if points:
        page.locator("#points").check()
        page.locator("#rater").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#work")).to_be_visible()


def choose(page: Page, *keys: str) -> None:
    """One key for each turn, each after the time in which a key counts as pressed twice."""
    for key in keys:
        page.wait_for_timeout(300)
        page.keyboard.press(key)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def saved(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.keyboard.press("s")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def labels_of(path: Path) -> list[tuple[str | None, float | None, float | None]]:
    labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
    return [(label["label"], label["valence"], label["arousal"]) for label in labels]


def test_labelled_with_the_keyboard_alone_and_read_back(
    opened: Open, calls: Path, trouble: list[str], tmp_path: Path
) -> None:
    page = opened()
    begin(page, "Zoë M.")
    expect(page.locator("#number")).to_have_text("1")
    press(page, "1", "ArrowRight", "ArrowRight", "Shift+ArrowUp", "Enter")
    press(page, "5", "ArrowLeft", "ArrowUp", "ArrowUp", "n")
    press(page, "u", "Enter")  # cannot tell
    press(page, "3", "ArrowUp", "Delete", "Enter")  # a point taken back
    press(page, "2", "4", "Enter")  # the last word counts
    press(page, "0", "p", "p", "n", "n")
    press(page, *["ArrowDown"] * 12, "1", "Enter", "5", "Enter")
    expect(page.locator("#number")).to_have_text("8")
    expect(page.locator("#progress")).to_have_text("Labelled: 7 of 8, with a point: 3")
    press(page, "3", "ArrowUp", "Delete")
    expect(page.locator("#message")).to_have_text(re.compile("All turns have a class"))
    path = saved(page, tmp_path)
    assert path.name == "Zoë-M.labels.json"
    assert labels_of(path) == [
        ("Pleased", 0.2, 0.02),
        ("Tension", -0.1, 0.2),
        ("cannot tell", None, None),
        ("Neutral", None, None),
        ("Sad", None, None),
        ("Pleased", 0, -1),
        ("Tension", None, None),
        ("Neutral", None, None),
    ]
    out = tmp_path / "validation.json"
    done = RUN.invoke(app, ["evaluate", "label", str(calls), "--read", str(path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    result = json.loads(out.read_text(encoding="utf-8"))
    assert (result["turns"], result["drawn"], result["abstentions"], result["raters"]) == (7, 8, 1, 1)
    assert trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_the_sound_plays_and_stops_with_space(opened: Open, trouble: list[str]) -> None:
    page = opened()
    begin(page, "A")
    page.keyboard.press("Space")
    expect(page.locator("#play-text")).to_have_text("Pause")
    page.keyboard.press("Space")
    expect(page.locator("#play-text")).to_have_text("Play")
    assert page.evaluate("document.getElementById('sound').duration") > 1
    page.keyboard.press("Enter")  # the next one plays at once
    expect(page.locator("#play-text")).to_have_text("Pause")
    expect(page.locator("#play-text")).to_have_text("Play", timeout=30_000)  # and stops at its end
    assert page.evaluate("document.getElementById('sound').ended")
    assert trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_everything_is_reached_by_tab_and_space_is_the_buttons_own(opened: Open) -> None:
    page = opened()
    begin(page, "A")
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.label || document.activeElement.id"))
        if reached[-1] == "Sad":
            page.keyboard.press("Space")
    assert reached[:8] == ["play", "Pleased", "Relaxed", "Neutral", "Sad", "Tension", "cannot tell", "plane"]
    assert {"next", "save"} <= set(reached)
    assert page.locator('[data-label="Sad"]').get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.getElementById('sound').paused")


@pytest.mark.slow("drives Chromium through many pages")
def test_who_comes_back_goes_on_and_another_rater_sees_nothing_of_it(opened: Open, tmp_path: Path) -> None:
    page = opened()
    begin(page, "Anna")
    press(page, "1", "ArrowUp", "Enter", "0", "Enter")
    page.reload()
    begin(page, "anna")
    expect(page.locator("#number")).to_have_text("3")
    expect(page.locator("#message")).to_have_text("Continuing where anna stopped (labelled: 2 of 8).")
    assert labels_of(saved(page, tmp_path)) == [("Pleased", 0, 0.1), ("cannot tell", None, None)]
    page.reload()
    begin(page, "Ben")
    expect(page.locator("#progress")).to_have_text("Labelled: 0 of 8, with a point: 0")
    assert page.locator('[aria-pressed="true"]').count() == 0


@pytest.mark.slow("drives Chromium through many pages")
def test_a_saved_file_is_taken_up_again_and_a_strange_one_is_not(
    opened: Open, context: BrowserContext, tmp_path: Path, trouble: list[str]
) -> None:
    page = opened()
    begin(page, "Anna")
    press(page, "4", "ArrowLeft")
    path = saved(page, tmp_path)
    page.evaluate("localStorage.clear()")
    strange = tmp_path / "strange.json"
    page = opened()
    for text, message in (
        ("{}", "not a labels file"),
        (path.read_text("utf-8").replace('"sample": "', '"sample": "x'), "another page"),
    ):
        strange.write_text(text, encoding="utf-8")
        page.set_input_files("#load", strange)
        expect(page.locator("#message")).to_contain_text(message)
        expect(page.locator("#work")).to_be_hidden()
    page.set_input_files("#load", path)
    expect(page.locator("#progress")).to_have_text("Labelled: 1 of 8, with a point: 1")
    assert saved(page, tmp_path / "again").read_bytes() == path.read_bytes()
    assert trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_without_a_place_to_keep_things_it_says_so(context: BrowserContext, opened: Open) -> None:
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('none'); } });")
    page = opened()
    begin(page, "Anna")
    expect(page.locator("#message")).to_contain_text("Save your labels before you close")
    press(page, "1")
    expect(page.locator("#progress")).to_have_text("Labelled: 1 of 8, with a point: 0")


@pytest.mark.slow("drives Chromium through many pages")
def test_one_key_labels_a_turn_and_plays_the_next(
    opened: Open, calls: Path, trouble: list[str], tmp_path: Path
) -> None:
    page = opened()
    page.evaluate("""() => {  // when the sound of each turn begins, and which keys are pressed
        window.begun = []; window.pressed = [];
        document.getElementById('sound').addEventListener('playing', () => window.begun.push(performance.now()));
        document.addEventListener('keydown', (event) => window.pressed.push(performance.now()), true);
    }""")
    begin(page, "Anna", points=False)
    expect(page.locator("#play-text")).to_have_text("Pause")  # the first plays unasked
    expect(page.locator(".pointed").first).to_be_hidden()
    page.evaluate("window.pressed = []")
    choose(page, "1", "5", "0", "3", "2", "4", "5")
    expect(page.locator("#number")).to_have_text("8")
    expect(page.locator("#progress")).to_have_text(re.compile("Labelled: 7 of 8 · about 1 min left"))
    expect(page.locator("#last")).to_have_text("Last: Tension")
    choose(page, "1")
    expect(page.locator("#message")).to_have_text(re.compile("All turns have a class"))
    assert page.evaluate("document.getElementById('sound').paused")
    assert page.evaluate("window.pressed.length") == 8  # keys for eight turns
    waits = page.evaluate("""() => window.pressed.slice(0, 7).map((at) => window.begun.find((t) => t > at) - at)""")
    assert max(waits) < 1000, waits  # ms until the next one is heard, on a busy machine
    path = saved(page, tmp_path)
    heard = ["Pleased", "Tension", "cannot tell", "Neutral", "Relaxed", "Sad", "Tension", "Pleased"]
    assert labels_of(path) == [(name, None, None) for name in heard]
    assert trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_a_key_can_be_taken_back_and_one_pressed_twice_counts_once(opened: Open, tmp_path: Path) -> None:
    page = opened()
    begin(page, "Anna", points=False)
    page.wait_for_timeout(300)
    press(page, "1", "1", "1")  # the others come before anybody can have heard the next turn
    expect(page.locator("#number")).to_have_text("2")
    page.wait_for_timeout(300)
    page.evaluate(
        "document.getElementById('work').dispatchEvent(new KeyboardEvent('keydown', {key: '4', repeat: true, bubbles: true}))"
    )  # a key that is held
    expect(page.locator("#number")).to_have_text("2")
    choose(page, "4")
    for key in ("z", "Backspace"):
        page.keyboard.press(key)
    expect(page.locator("#number")).to_have_text("1")
    expect(page.locator("#message")).to_have_text("Turn 1: taken back.")
    expect(page.locator("#progress")).to_have_text("Labelled: 0 of 8")
    expect(page.locator("#undo")).to_be_disabled()
    page.keyboard.press("Control+z")  # nothing is left to take back
    choose(page, "5", "p", "2")  # another class for a turn that has one, then on to the first without
    expect(page.locator("#number")).to_have_text("2")
    page.keyboard.press("Control+z")
    choose(page, "n")
    assert labels_of(saved(page, tmp_path)) == [("Tension", None, None)]


@pytest.mark.slow("drives Chromium through many pages")
def test_who_comes_back_hears_the_first_turn_without_a_class(opened: Open) -> None:
    page = opened()
    begin(page, "Anna", points=False)
    choose(page, "1", "n", "3")
    page.reload()
    begin(page, "Anna", points=False)
    expect(page.locator("#number")).to_have_text("2")
    expect(page.locator("#play-text")).to_have_text("Pause")
    choose(page, "3")
    expect(page.locator("#number")).to_have_text("4")


@pytest.mark.slow("drives Chromium through many pages")
def test_no_name_no_start(opened: Open) -> None:
    page = opened()
    press(page, "Space", "Enter")
    expect(page.locator("#message")).to_have_text("Enter your name first.")
    expect(page.locator("#work")).to_be_hidden()


@pytest.mark.parametrize(("width", "lang"), [(1440, "en"), (390, "fr")])
@pytest.mark.slow("drives Chromium through many pages")
def test_it_fits_and_a_click_places_the_point(
    opened: Open, calls: Path, tmp_path: Path, trouble: list[str], width: int, lang: str
) -> None:
    out = tmp_path / f"{lang}.html"
    RUN.invoke(app, ["evaluate", "label", str(calls), "--turns", "6", "--lang", lang, "--out", str(out)])
    page = opened(out)
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    begin(page, "Anna")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#plane").scroll_into_view_if_needed()
    box = page.locator("#plane .area").bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    comma = "," if lang == "fr" else "."
    expect(page.locator("#position")).to_have_text(re.compile(rf"\+0{comma}(49|50|51).*\+0{comma}(49|50|51)"))
    page.locator('[data-label="Relaxed"]').click()
    page.keyboard.press("Enter")  # the keys are the turn's again after a click
    expect(page.locator("#number")).to_have_text("2")
    assert trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_digits_count_by_their_place_on_french_keyboards(opened: Open) -> None:
    page = opened()
    begin(page, "A")
    page.evaluate(
        "document.getElementById('work').dispatchEvent(new KeyboardEvent('keydown', {key: '(', code: 'Digit5', bubbles: true}))"
    )
    assert page.locator('[data-label="Tension"]').get_attribute("aria-pressed") == "true"
