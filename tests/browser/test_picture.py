"""A figure that is kept as a picture has its title and its key."""

import pytest

from browsing import FIGURES, Open
from conftest import mostly_slow

AS_SVG = """() => {
  if (window.asked !== undefined) return;
  window.asked = "";
  const made = Plotly.toImage;
  Plotly.toImage = async (figure, options) => {
    window.asked = decodeURIComponent(await made(figure, { ...options, format: "svg" }));
    return made(figure, options);
  };
}"""


@pytest.mark.parametrize("name", mostly_slow("drives Chromium through many pages", FIGURES))
@pytest.mark.slow("drives Chromium through many pages")
def test_a_picture_has_its_title_and_a_key(seen: Open, name: str) -> None:
    there = seen()
    there.drawn(name)
    there.page.evaluate(AS_SVG)
    with there.page.expect_download(timeout=60_000):
        there.page.locator(f".tools[data-for={name}] .png").click()
    asked = there.page.evaluate("window.asked")
    assert there.page.locator(f"#h-{name}").text_content() in asked
    if name in ("timeline", "shares", "course"):
        keys = there.page.evaluate(
            "[...new DOMParser().parseFromString(asked.slice(asked.indexOf(',') + 1), 'image/svg+xml')"
            ".querySelectorAll('.legendtext')].map((text) => text.textContent)"
        )
        assert {"Pleased", "Tension"} <= set(keys)
        assert len(keys) == len(set(keys))
