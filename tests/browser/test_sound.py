"""The sound of a page as a browser gets it: what is silenced is silent, and what is absent is said to be."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from typer.testing import CliRunner

from browsing import READY, Make, Open, until
from conftest import mostly_slow
from ressenti.pipeline import store
from ressenti.pipeline.cli.app import app

SPANS = [(5.0, 7.25), (20.0, 21.0)]
KEPT = "const made = URL.createObjectURL; URL.createObjectURL = (blob) => { window.kept = blob; return made(blob); };"
LEVELS = """async (spans) => {
  const bytes = window.kept ? await window.kept.arrayBuffer() : Uint8Array.from(window.given).buffer;
  const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes);
  const samples = sound.getChannelData(0);
  const level = ([from, to]) => {
    const part = samples.slice(from * 16000, to * 16000);
    return Math.sqrt(part.reduce((sum, value) => sum + value * value, 0) / part.length);
  };
  return { seconds: sound.duration, levels: spans.map(level) };
}"""


def written(make: Make, recording: Path, folder: Path, *options: str) -> Path:
    """The report of a conversation as the command writes it, with its sound."""
    (folder / "call.json").write_text(store.dumps(make()), encoding="utf-8")
    arguments = ["report", str(folder / "call.json"), "--recording", str(recording), "--overwrite", *options]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return folder / "call.report.html"


def levels(page: Page, spans: list[tuple[float, float]]) -> list[float]:
    """The level (RMS) of stretches of the sound that the page plays, decoded by the browser."""
    found: dict[str, Any] = page.evaluate(LEVELS, spans)
    assert found["seconds"] == pytest.approx(30, abs=0.1)
    return list(found["levels"])


@pytest.mark.parametrize("way", mostly_slow("drives Chromium through many pages", ["embed", "sidecar"]))
@pytest.mark.slow("drives Chromium through many pages")
def test_a_bleeped_span_is_silent_in_the_sound_of_the_page(
    browser: Browser, make_conversation: Make, recording: Path, tmp_path: Path, way: str
) -> None:
    spans = ",".join(f"{start}-{end}" for start, end in SPANS)
    path = written(make_conversation, recording, tmp_path, "--audio", way, "--bleep", spans)
    page = browser.new_page()
    page.add_init_script(KEPT)
    page.goto(path.as_uri())
    until(page, READY)
    until(page, "document.getElementById('sound').readyState >= 1")
    if way == "sidecar":
        name = page.locator("#sound").get_attribute("src") or ""
        page.evaluate("(given) => { window.given = given; }", list((tmp_path / name).read_bytes()))
    silent = levels(page, [(start + 0.1, end - 0.1) for start, end in SPANS])
    around = levels(
        page, [(start - 0.5, start - 0.1) for start, _ in SPANS] + [(end + 0.1, end + 0.5) for _, end in SPANS]
    )
    assert max(silent) < 1e-4
    assert min(around) > 0.05
    assert page.locator("#bleeps li").count() == len(SPANS)
    page.close()


@pytest.mark.parametrize(
    ("width", "lang", "said"), [(1280, "en", "it is missing or was renamed"), (390, "fr", "il manque ou a été renommé")]
)
@pytest.mark.slow("drives Chromium through many pages")
def test_a_sound_file_that_is_not_there_is_said_in_words(
    opened: Open, tmp_path: Path, width: int, lang: str, said: str
) -> None:
    there = opened(width, sound="sidecar", lang=lang, figures=False)
    page = there.page
    until(page, "document.getElementById('sound').readyState >= 1")
    assert said not in page.locator("#trouble").inner_text()
    (tmp_path / "call.report.mp3").unlink()
    page.reload()
    until(page, "document.getElementById('sound').error !== null")
    assert said in page.locator("#trouble").inner_text()
    assert page.locator("#trouble").is_visible()
    assert page.locator("#play").is_disabled()
    page.locator("#turn-2 .go").click()  # the rest of the page goes on
    assert there.clock == pytest.approx(9.5)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    assert there.clock == pytest.approx(14.5)


@pytest.mark.slow("drives Chromium through many pages")
def test_sound_that_cannot_be_decoded_is_said_in_words(opened: Open, tmp_path: Path) -> None:
    there = opened(figures=False)
    path = tmp_path / "call.report.html"
    before, after = path.read_text(encoding="utf-8").split('id="mp3">', 1)
    path.write_text(f'{before}id="mp3">AAAA{after[after.index("</script>") :]}', encoding="utf-8")
    there.page.reload()
    until(there.page, "document.getElementById('sound').error !== null")
    assert "cannot play the sound" in there.page.locator("#trouble").inner_text()
