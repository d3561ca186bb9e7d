"""Keywords against a background: what is said more often here than in the user's other conversations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ressenti.pipeline import store
from ressenti.pipeline.cli.edits import Additions
from ressenti.pipeline.config import load_config
from ressenti.pipeline.content import content_of, with_background
from ressenti.pipeline.content.keywords import PRIOR, distinctness
from ressenti.pipeline.edits.bleeps import with_bleeps
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.export import said_csv
from ressenti.pipeline.records import Conversation, Span
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.reports.page import render

Make = Callable[..., Conversation]
HERE = "the warranty of the clutch is what the customer wants and the warranty says the clutch is in the warranty"
OTHER = "the customer has a question about the appointment and what the customer wants is the clutch that is in the other one"


def said(make: Make, text: str, sha256: str = "ab" * 32, background: Path | None = None) -> Conversation:
    content: dict[str, object] = {"keyword_count": 2}
    if background is not None:
        content["background"] = str(background)
    made = make(overrides={"content": content})
    words = [Spoken(9.5 + 0.3 * k, 9.75 + 0.3 * k, part) for k, part in enumerate(text.split())]
    made = with_words(replace(made, recording=replace(made.recording, sha256=sha256)), words)
    return replace(made, transcription=None)


@pytest.fixture
def library(make_conversation: Make, tmp_path: Path) -> Path:
    """A folder of five others, one of them stored twice, of a file that is no conversation, and of one without words."""
    folder = tmp_path / "library"
    folder.mkdir()
    for k in range(5):
        text = OTHER if k else f"{OTHER} the clutch"
        (folder / f"call-{k}.json").write_text(
            store.dumps(said(make_conversation, text, f"{k}" * 64)), encoding="utf-8"
        )
    (folder / "again.json").write_text((folder / "call-0.json").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "other.json").write_text("{}", encoding="utf-8")
    silent = replace(make_conversation(), recording=replace(make_conversation().recording, sha256="f" * 64))
    (folder / "silent.json").write_text(store.dumps(silent), encoding="utf-8")
    return folder


def test_log_odds_with_a_dirichlet_prior() -> None:
    # by hand: 10 of 100 here, 10 of 900 there; the prior is a fifth of both: 4 of 200
    assert PRIOR == 0.2
    odds = math.log(14 / (100 + 200 - 14)) - math.log(14 / (900 + 200 - 14))
    assert distinctness(10, 100, 10, 900) == pytest.approx(odds / math.sqrt(1 / 14 + 1 / 14))
    assert distinctness(10, 100, 90, 900) == pytest.approx(0, abs=1e-9)
    assert distinctness(2, 1000, 0, 10_000) < 1.96 < distinctness(3, 1000, 0, 10_000) < 2.5
    assert distinctness(5, 100, 0, 900) > distinctness(2, 100, 0, 900) > 0 > distinctness(0, 100, 90, 900)


def test_distinct_terms_come_first_and_usual_ones_go(make_conversation: Make, library: Path) -> None:
    plain = content_of(said(make_conversation, HERE)).keywords
    assert {k.term for k in plain} >= {"warranty", "clutch"}
    assert all(k.distinct is None and k.elsewhere is None for k in plain)
    made = with_background(said(make_conversation, HERE, background=library))
    assert made.background
    assert (made.background.conversations, made.background.words) == (5, 5 * len(OTHER.split()) + 2)
    counts = {one.term: (one.count, one.conversations) for one in made.background.terms}
    assert counts == {"warranty": (0, 0), "clutch": (6, 5)}
    (keyword,) = content_of(made).keywords
    assert (keyword.term, keyword.count, keyword.elsewhere) == ("warranty", 3, 0)
    assert keyword.distinct == pytest.approx(distinctness(3, len(HERE.split()), 0, made.background.words))
    assert "keyword_distinctness" in said_csv(made)
    assert "5 with words" in render(made)
    assert "not compared with other conversations" in render(said(make_conversation, HERE))
    assert store.loads(store.dumps(made)).background == made.background


def test_a_conversation_is_not_its_own_background(make_conversation: Make, library: Path) -> None:
    own = said(make_conversation, HERE, "0" * 64, library)
    made = with_background(own).background
    assert made
    assert made.conversations == 4


def test_a_changed_file_is_read_again(make_conversation: Make, library: Path) -> None:
    before = with_background(said(make_conversation, HERE, background=library)).background
    text = store.dumps(said(make_conversation, f"{HERE} {HERE}", "1" * 64))
    (library / "call-1.json").write_text(text, encoding="utf-8")
    after = with_background(said(make_conversation, HERE, background=library)).background
    assert before
    assert after
    assert {one.term: one.count for one in after.terms}["warranty"] == 6


def test_no_folder_is_an_error_only_where_it_is_needed(make_conversation: Make, tmp_path: Path) -> None:
    (tmp_path / "lost").mkdir()
    lost = said(make_conversation, HERE, background=tmp_path / "lost")
    (tmp_path / "lost").rmdir()
    with pytest.raises(ConfigError, match=r"content\.background: .*lost is no folder"):
        with_background(lost)
    assert with_background(lost, needed=False) == lost
    (tmp_path / "empty").mkdir()
    alone = with_background(said(make_conversation, HERE, background=tmp_path / "empty"))
    assert alone.background
    assert alone.background.conversations == 0
    assert {k.term for k in content_of(alone).keywords} >= {"warranty", "clutch"}


def test_silenced_words_leave_the_background(make_conversation: Make, library: Path) -> None:
    made = with_background(said(make_conversation, HERE, background=library))
    assert with_bleeps(made, ()).background == made.background
    gone = with_bleeps(made, [Span(9.0, 20.0)])
    assert gone.background is None
    again = Additions(bleep="9-20").apply(made, None)
    assert "warranty" not in json.dumps(json.loads(store.dumps(again))["background"])


def test_the_folder_is_relative_to_its_config(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("content:\n  background: calls\n", encoding="utf-8")
    assert load_config(tmp_path / "mine.yaml").content.background == str(tmp_path / "calls")
