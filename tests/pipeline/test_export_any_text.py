"""Whatever speakers are called and say, readers get it back, and nothing more."""

from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import parselmouth
import srt
import webvtt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from parselmouth.praat import call

from ressenti.pipeline import export
from ressenti.pipeline.export.quotes import quotes_of
from ressenti.pipeline.export.subtitles import cues_of
from ressenti.pipeline.export.turn_text import names_of, plain
from ressenti.pipeline.records import Conversation, Word

PIECES = [
    "-->",
    "</v>",
    "<v ",
    "&amp;",
    "NOTE",
    "1.",
    "- ",
    "# ",
    "\n\n2\n",
    "\x00",
    "\ufeff",
    "\u2028",
    '"',
    "`",
    "*",
    "\\",
    " ",
]
TEXT = st.lists(st.sampled_from(PIECES) | st.characters(exclude_categories=["Cs"]), max_size=6).map("".join)
WORD = st.builds(
    lambda start, length, text, turn: Word(start, start + length, text, turn),
    st.floats(0, 40),
    st.sampled_from([0.0, 1e-7, 0.2, 3.0]),
    TEXT,
    st.sampled_from([None, 0, 1, 2, 3, 5, 99]),
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(names=st.tuples(TEXT, TEXT, TEXT, TEXT), words=st.lists(WORD, max_size=25), note=TEXT)
def test_any_text_comes_back(
    make_spoken: Callable[..., Conversation],
    tmp_path: Path,
    names: tuple[str, ...],
    words: list[Word],
    note: str,
) -> None:
    made = make_spoken()
    made = replace(
        made,
        speakers=tuple(replace(s, name=name) for s, name in zip(made.speakers, names, strict=True)),
        turns=tuple(replace(t, note=note) for t in made.turns),
        words=tuple(words),
    )
    praat_finds_every_word_and_name(made, tmp_path / "any.TextGrid")
    subtitles_hold_every_cue(made)
    markdown_holds_every_quote(made)


def praat_finds_every_word_and_name(made: Conversation, path: Path) -> None:
    path.write_text(export.textgrid(made), encoding="utf-8")
    grid = parselmouth.read(str(path))
    tiers = [call(grid, "Get tier name", k) for k in range(1, call(grid, "Get number of tiers") + 1)]
    assert len(set(tiers)) == len(tiers)
    assert {f"{name}: turns" for name in names_of(made).values()} <= set(tiers)
    said = []
    for k, tier in enumerate(tiers, 1):
        if ": words" in tier or tier == "words in no turn":
            said += [
                call(grid, "Get label of interval", k, i + 1) for i in range(call(grid, "Get number of intervals", k))
            ]
    assert sorted(" ".join(said).split()) == sorted(" ".join(plain(w.text) for w in made.words).split())


def subtitles_hold_every_cue(made: Conversation) -> None:
    cues = cues_of(made)
    found = webvtt.from_string(export.vtt(made))
    assert [(unescape(c.voice or ""), " ".join(unescape(c.text).split())) for c in found] == [
        (c.speaker or "", c.text) for c in cues
    ]
    assert [" ".join(c.content.split()) for c in srt.parse(export.srt(made))] == [
        (f"{c.speaker}: {c.text}" if c.speaker else c.text).replace("-->", "-- >") for c in cues
    ]


def markdown_holds_every_quote(made: Conversation) -> None:
    tokens = MarkdownIt("commonmark").parse(export.quotes_md(made))
    blocks = ["".join(c.content for c in t.children or ()) for t in tokens if t.type == "inline"]
    document = quotes_of(made)
    expected = [document.title, *(f"{name}: {value}" for name, value in document.facts), *document.limits]
    for quote in document.quotes:
        expected += [f"[{quote.time}] {quote.speaker} · {' · '.join(quote.heard)}", *filter(None, [quote.said])]
        expected += [f"{name}: {text}" for name, text in quote.remarks]
    expected += [document.heading, *(f"{name}: {value}" for name, value in document.made)]
    assert blocks == expected
