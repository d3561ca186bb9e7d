"""A call of four minutes is printed on four pages, and none of them is half empty."""

from __future__ import annotations

import re
import zlib

import pytest

from browsing import FIGURES, Open, lengthened, with_words
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation

MOST_PAGES = 4
TURNS, SECONDS = 46, 245.0
WORDS = " ".join(["talking"] * 13)  # of each turn, as in real calls of this length
Matrix = tuple[float, float, float, float, float, float]


def call_of_four_minutes(conversation: Conversation) -> Conversation:
    return with_words(lengthened(conversation, TURNS, SECONDS), WORDS)


def times(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def lowest_texts(pdf: bytes) -> list[float]:
    """For each page of a PDF that Chromium wrote, how far down its lowest text stands: 0 at the top, 1 at the bottom."""
    objects = {int(found[1]): found[2] for found in re.finditer(rb"(\d+) 0 obj\s(.*?)endobj", pdf, re.DOTALL)}
    found = []
    for page in objects.values():
        if not re.search(rb"/Type\s*/Page\b", page):
            continue
        box, content = re.search(rb"/MediaBox\s*\[([^]]*)\]", page), re.search(rb"/Contents (\d+) 0 R", page)
        assert box
        assert content
        height = float(box[1].split()[3])
        stream = objects[int(content[1])].split(b"stream", 1)[1].lstrip(b"\r\n")
        found.append(1 - min(_heights(zlib.decompressobj().decompress(stream))) / height)
    return found


def _heights(drawing: bytes) -> list[float]:
    """Heights of the texts of a page above its bottom."""
    now: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    kept: list[Matrix] = []
    heights = []
    for line in drawing.split(b"\n"):
        *values, operator = line.split(b" ")
        if operator == b"q":
            kept.append(now)
        elif operator == b"Q":
            now = kept.pop()
        elif operator in (b"cm", b"Tm"):
            a, b, c, d, e, f = map(float, values[-6:])
            placed = times((a, b, c, d, e, f), now)
            if operator == b"cm":
                now = placed
            else:
                heights.append(placed[5])
    return heights


@pytest.mark.parametrize("lang", ["en", "fr", "es"])
@pytest.mark.slow("drives Chromium through many pages")
def test_four_minutes_are_four_pages_and_none_is_half_empty(opened: Open, lang: Lang) -> None:
    there = opened(figures=False, change=call_of_four_minutes, lang=lang)
    there.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for name in FIGURES:
        there.page.wait_for_selector(f"#{name} .main-svg", state="attached", timeout=30_000)
    lowest = lowest_texts(there.page.pdf(format="A4"))
    print(f"{TURNS} turns in {lang}: text reaches down to {', '.join(f'{part:.0%}' for part in lowest)} of pages")  # noqa: T201  # to be read
    assert 2 <= len(lowest) <= MOST_PAGES
    assert min(lowest) > 0.5


def test_the_lowest_text_is_found_where_it_is() -> None:
    drawing = zlib.compress(b".5 0 0 -.5 0 800 cm\nq\n2 0 0 2 0 100 cm\n1 0 0 -1 0 10 Tm\nQ\n1 0 0 -1 0 400 Tm")
    pdf = b"1 0 obj\n<</Type /Page\n/MediaBox [0 0 600 800]\n/Contents 2 0 R>>\nendobj\n2 0 obj\n<<>> stream\n"
    assert lowest_texts(pdf + drawing + b"\nendstream\nendobj\n") == [0.25]
