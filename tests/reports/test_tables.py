"""A table has what its figure shows."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from ressenti.pipeline.records import Conversation, Interruption, Silence
from ressenti.reports.tables import make_tables
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]


@pytest.fixture
def conversation(make_conversation: Make) -> Conversation:
    """With a silence and an interruption."""
    made = make_conversation()
    assert made.exchange
    interruptions = (Interruption(19.0, "S2", "S1", 1.0),)
    return replace(made, exchange=replace(made.exchange, silences=(Silence(24.6, 26.0),), interruptions=interruptions))


def noted(conversation: Conversation, figure: str, note: str) -> Iterator[list[str | float | None]]:
    """Rows with a note."""
    table = make_tables(conversation, Wording("en"))[figure]
    assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    assert table["columns"][-1] == "Note"
    return (list(row) for row in table["rows"] if row[-1] == note)


def test_lanes_why_a_turn_is_not_judged_and_silences(conversation: Conversation) -> None:
    (short,) = noted(conversation, "timeline", "too short to judge")
    assert short[1:3] == [24.2, 24.6]
    (silence,) = noted(conversation, "timeline", "Silence")
    assert silence[:3] == [None, 24.6, 26.0]


def test_talk_has_interruptions(conversation: Conversation) -> None:
    (found,) = noted(conversation, "talk", "Speaker 2 interrupts Speaker 1 (1.0\u00a0s)")
    assert found[:2] == ["Speaker 2", 19.0]


def test_the_trajectory_has_its_points(conversation: Conversation) -> None:
    points = [(p.time_s, p.valence, p.arousal) for line in conversation.trajectories for p in line.points]
    rows = [(row[1], row[2], row[5]) for row in noted(conversation, "trajectory", "a turn or window")]
    assert rows == [tuple(round(value, 3) for value in point) for point in points]


def test_the_plane_has_each_mean_with_its_interval(conversation: Conversation) -> None:
    for row, speaker in zip(
        noted(conversation, "plane", "mean with its 95% interval"), conversation.speakers, strict=True
    ):
        assert speaker.affect
        assert speaker.affect.arousal
        found = speaker.affect.arousal
        assert row[7:11] == [round(value, 3) for value in (found.mean, found.sd, found.low, found.high)]
