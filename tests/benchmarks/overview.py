"""How quickly the overview of a library opens and filters in Chromium; prints, asserts nothing.

python tests/benchmarks/library.py FOLDER --conversations 5000 && ressenti library overview FOLDER
python tests/benchmarks/overview.py FOLDER
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

FILTER = """words => {
  const field = document.querySelector('#filters [name=text]'), times = [];
  for (const word of words) {
    field.value = word;
    const began = performance.now();
    field.dispatchEvent(new Event('input', { bubbles: true }));
    times.push(Math.round(performance.now() - began));
  }
  return times;
}"""


def main() -> None:
    """Open the page three times, and filter it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    page_path = (parser.parse_args().folder / "index.html").resolve()
    print(f"{page_path.stat().st_size / 1e6:.1f} MB")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            began = time.monotonic()
            page.goto(page_path.as_uri())
            while not page.evaluate("document.getElementById('found').textContent"):
                time.sleep(0.01)
            opened_s = time.monotonic() - began
            print(
                f"opened in {opened_s:.2f} s, filtered in {page.evaluate(FILTER, ['agent 3', 'q5', 'agent 17 q2', ''])} ms"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
