"""How heavy pages are and how soon they can be used in Chromium, here and in another checkout; prints, asserts nothing.

python tests/benchmarks/pages.py --against CHECKOUT

Both render the same made-up conversations without sound; then their pages are opened in turn. Ratios are this checkout
to the other one, of medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).resolve().parents[2]
CASES = {  # turns, minutes, words a turn
    "5 minutes": (150, 5, 5),
    "60 minutes": (600, 60, 10),
    "1,000 turns": (1000, 60, 0),
    "10,000 words": (1000, 60, 10),
}
READY = "document.getElementById('clock').textContent.includes('/') ? performance.now() : 0"
VIEWPORT = {"width": 1440, "height": 900}


def main() -> None:
    """Render with both checkouts, open alternately, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, default=HERE, help="another checkout")
    parser.add_argument("--times", type=int, default=5, help="how often each page is opened")
    parser.add_argument("--render", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.render:
        render_all(options.render)
        return
    with tempfile.TemporaryDirectory() as kept:
        folders = [rendered(Path(kept) / str(k), checkout) for k, checkout in enumerate((HERE, options.against))]
        compare(folders, options.times)


def rendered(folder: Path, checkout: Path) -> Path:
    """A folder with the pages that a checkout makes."""
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": f"{checkout.resolve()}{os.pathsep}{HERE / 'tests'}"}
    command = [sys.executable, __file__, "--render", str(folder)]
    subprocess.run(command, check=True, env=environment)
    return folder


def render_all(folder: Path) -> None:
    """Write the page of each case with the product that is imported."""
    from big import big  # the checkout is known by now
    from ressenti import load_config
    from ressenti.pipeline.derive import derive
    from ressenti.pipeline.records import Word
    from ressenti.reports.page import render

    for name, (turns, minutes, words) in CASES.items():
        made = big(turns, step_s=60 * minutes / turns)
        said = tuple(
            Word(turn.start_s + 0.15 * k, turn.start_s + 0.15 * k + 0.14, f"word{(turn.index + k) % 500}", turn.index)
            for turn in made.turns
            for k in range(words)
        )
        page = render(derive(replace(made, words=said), load_config()))
        (folder / f"{name}.html").write_text(page, encoding="utf-8")


def compare(folders: list[Path], times: int) -> None:
    """Open the pages of both folders in turn and print what they took."""
    from playwright.sync_api import sync_playwright

    print("page          kB now  before  ratio   ms now  before  ratio")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in CASES:
            pages = [folder / f"{name}.html" for folder in folders]
            spent: list[list[float]] = [[], []]
            for turn in range(times + 1):
                for k, path in enumerate(pages):
                    ms = opened_ms(browser, path)
                    if turn:  # the first opening warms the disk
                        spent[k].append(ms)
            kb = [path.stat().st_size / 1000 for path in pages]
            ms = [statistics.median(own) for own in spent]
            print(
                f"{name:12} {kb[0]:7.0f} {kb[1]:7.0f} {kb[0] / kb[1]:6.2f} {ms[0]:8.0f} {ms[1]:7.0f} {ms[0] / ms[1]:6.2f}"
            )
        browser.close()


def opened_ms(browser: Browser, path: Path) -> float:
    """Milliseconds from asking for a page until it can be played and read."""
    page = browser.new_page(viewport=VIEWPORT)
    page.goto(path.as_uri())
    while not (ready := float(page.evaluate(READY))):
        time.sleep(0.005)
    page.close()
    return ready


if __name__ == "__main__":
    main()
