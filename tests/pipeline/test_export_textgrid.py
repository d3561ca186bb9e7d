"""TextGrids are read back by Praat itself (parselmouth) and by praatio."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import parselmouth
import pytest
from parselmouth.praat import call
from praatio import textgrid as praatio

from ressenti.pipeline.export import textgrid
from ressenti.pipeline.records import Conversation

Rows = list[tuple[float, float, str]]
ZOE = 'Zoé "la Voix" (S1)'


def by_praat(path: Path) -> dict[str, Rows]:
    """What Praat finds in each tier: start, end and label, of points the time twice; no empty intervals."""
    grid = parselmouth.read(str(path))
    tiers: dict[str, Rows] = {}
    for k in range(1, call(grid, "Get number of tiers") + 1):
        rows: Rows = []
        if call(grid, "Is interval tier", k):
            for i in range(1, call(grid, "Get number of intervals", k) + 1):
                start, end = (call(grid, f"Get {edge} time of interval", k, i) for edge in ("start", "end"))
                rows.append((start, end, call(grid, "Get label of interval", k, i)))
            assert rows[0][0] == 0
            assert all(a[1] == b[0] and b[1] > b[0] for a, b in pairwise(rows))
        else:
            for i in range(1, call(grid, "Get number of points", k) + 1):
                at = call(grid, "Get time of point", k, i)
                rows.append((at, at, call(grid, "Get label of point", k, i)))
        tiers[call(grid, "Get tier name", k)] = [row for row in rows if row[2]]
    return tiers


def by_praatio(path: Path) -> dict[str, Rows]:
    grid = praatio.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    found = {}
    for tier in grid.tiers:
        rows = [tuple(entry) for entry in tier.entries]
        found[tier.name] = [(r[0], r[-2] if len(r) == 3 else r[0], r[-1]) for r in rows]
    return found


@pytest.fixture(params=[by_praat, by_praatio], ids=["praat", "praatio"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Conversation], dict[str, Rows]]:
    def reader(conversation: Conversation) -> dict[str, Rows]:
        path = tmp_path / "call.TextGrid"
        path.write_text(textgrid(conversation), encoding="utf-8")
        return request.param(path)  # type: ignore[no-any-return]

    return reader


def near(rows: Rows) -> list[tuple[object, object, str]]:
    return [(pytest.approx(a, abs=1e-6), pytest.approx(b, abs=1e-6), text) for a, b, text in rows]


def test_turns_say_their_words_and_overlapping_ones_of_a_speaker_have_another_tier(
    read: Callable[[Conversation], dict[str, Rows]], spoken: Conversation
) -> None:
    tiers = read(spoken)
    long = " ".join(f"word{k}{'.' if k % 9 == 8 else ''}" for k in range(60))
    assert tiers[f"{ZOE}: turns"] == near([(0.5, 4.0, "Bonjour, c’est Zoé."), (9.5, 29.5, long)])
    assert tiers[f"{ZOE}: turns 2"] == near([(28.0, 31.0, "taken by a person")])
    assert tiers[f"{ZOE}: classes"] == near([(0.5, 4.0, "Pleased"), (9.5, 29.5, "Pleased?")])
    assert tiers[f"{ZOE}: classes 2"] == near([(28.0, 31.0, "Sad")])
    assert tiers["S4: turns"] == near([(34.0, 37.0, "[speech]")])
    assert tiers["S4: classes"] == []


def test_names_that_are_alike_stay_apart_and_hostile_ones_stay_text(
    read: Callable[[Conversation], dict[str, Rows]], spoken: Conversation
) -> None:
    tiers = read(spoken)
    assert tiers['Zoé "LA Voix" (S2): turns'] == near(
        [
            (3.234568, 9.0, '--> </v> <v Eve> &lt; # 1. "quoted" 2 été 日本語'),
            (29.0, 33.25, "Pleased"),
        ]
    )
    hostile = '<b onload=x>&amp; "Max" --> *bold* [x](http://x) `c` \\n $1$ | ~~no~~ 😀'
    assert tiers[f"{hostile}: turns"] == near([(12.0, 14.0, "no length at all"), (31.1, 31.3, "[speech]")])


def test_words_are_intervals_that_do_not_overlap(
    read: Callable[[Conversation], dict[str, Rows]], spoken: Conversation
) -> None:
    tiers = read(spoken)
    own = [w for w in spoken.words if w.turn in (0, 2)]
    assert tiers[f"{ZOE}: words"] == near([(w.start_s, w.end_s, w.text) for w in own])
    hostile = next(rows for name, rows in tiers.items() if name.startswith("<b") and name.endswith(": words"))
    assert hostile == near([(12.1, 12.101, "no length"), (12.5, 13.9, "at all")])
    assert [text for *_, text in tiers["words in no turn"]] == ["nobody", "said", "this"]
    second = tiers['Zoé "LA Voix" (S2): words']
    assert [text for *_, text in second] == [
        "-->",
        "</v>",
        "<v",
        "Eve>",
        "&lt;",
        "#",
        "1.",
        '"quoted"',
        "2",
        "été",
        "日本語",
    ]
    assert second[0][1] == pytest.approx(second[1][0])  # the first word was longer than its time


def test_silenced_spans_have_a_tier_and_words_left_out_a_mark(
    read: Callable[[Conversation], dict[str, Rows]], silenced: Conversation, empty: Conversation
) -> None:
    tiers = read(silenced)
    spans = [(2.1, 2.5), (14.5, 14.8), (33.0, 34.5), (37.6, 37.8)]
    assert tiers["silenced"] == near([(start, end, "[silenced]") for start, end in spans])
    assert tiers[f"{ZOE}: turns"][0] == near([(0.5, 4.0, "Bonjour, c’est […]")])[0]
    assert (2.2, 2.84, "[…]") in near(tiers[f"{ZOE}: words"])
    hostile = next(rows for name, rows in tiers.items() if name.startswith("<b") and name.endswith(": words"))
    assert [text for *_, text in hostile] == ["no length", "[…]"]
    assert [text for *_, text in tiers["words in no turn"]] == ["[…]", "said", "this"]
    assert "silenced" not in read(empty)


def test_points_are_where_the_windows_are(
    read: Callable[[Conversation], dict[str, Rows]], spoken: Conversation
) -> None:
    tiers = read(spoken)
    points = {t.speaker: t.points for t in spoken.trajectories}["S1"]
    for axis in ("valence", "arousal"):
        assert [(at, float(mark)) for at, _, mark in tiers[f"{ZOE}: {axis}"]] == [
            (pytest.approx(p.time_s, abs=1e-6), pytest.approx(getattr(p, axis), abs=5e-4)) for p in points
        ]
    assert "S4: valence" not in tiers


def test_without_a_transcript_turns_say_their_class(
    read: Callable[[Conversation], dict[str, Rows]], unspoken: Conversation
) -> None:
    tiers = read(unspoken)
    assert tiers[f"{ZOE}: turns"] == near([(0.5, 4.0, "Pleased"), (9.5, 29.5, "Pleased?")])
    assert not [name for name in tiers if "words" in name]


def test_a_conversation_without_speakers_is_a_text_grid_too(empty: Conversation, tmp_path: Path) -> None:
    path = tmp_path / "empty.TextGrid"
    path.write_text(textgrid(empty), encoding="utf-8")
    grid = parselmouth.read(str(path))
    assert (call(grid, "Get number of tiers"), call(grid, "Get end time")) == (0, 40.0)
