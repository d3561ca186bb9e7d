import numpy as np
import pytest

from ressenti.pipeline import turn_taking
from ressenti.pipeline.affect import dynamics
from ressenti.pipeline.config import DynamicsOptions
from ressenti.pipeline.records import AffectPoint, EmotionScores, Segment, Turn, Window

OPTIONS = DynamicsOptions()


def scene(*rows: tuple[float, float, str]) -> tuple[list[Segment], list[Turn]]:
    rows = tuple(sorted(rows))
    return [Segment(*row) for row in rows], [Turn(i, who, a, b) for i, (a, b, who) in enumerate(rows)]


def test_silence_non_talk_and_overlap_by_hand() -> None:
    segments, turns = scene((2, 10, "A"), (9, 12, "B"), (20, 22, "A"), (26, 28, "B"))
    exchange = turn_taking.exchange_of(segments, turns, 31.0, OPTIONS)
    assert exchange.speech_s == 10 + 2 + 2
    assert exchange.overlap_s == 1
    assert exchange.non_talk_s == 8 + 4  # the gaps of 2, 3 and 3 s are not longer than 3 s
    assert [(s.start_s, s.end_s) for s in exchange.silences] == [(12, 20)]


def test_no_overlap_is_never_less_than_none() -> None:
    segments, turns = scene((0.4, 1.2, "A"), (1.7, 2.1, "B"), (2.4, 2.8, "A"), (3.0, 3.8, "B"))
    exchange = turn_taking.exchange_of(segments, turns, 4.0, OPTIONS)
    assert exchange.overlap_s >= 0
    assert str(round(exchange.overlap_s, 2)) == "0.0"


def test_an_interruption_takes_the_floor() -> None:
    _, turns = scene((0, 10, "A"), (9.4, 15, "B"))
    (found,) = turn_taking.interruptions_of(turns, OPTIONS)
    assert (found.by, found.of, found.time_s) == ("B", "A", 9.4)
    assert found.overlap_s == pytest.approx(0.6)


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 10, "A"), (9.6, 15, "B")],  # overlaps for 0.4 s only
        [(0, 10, "A"), (4, 6, "B")],  # a backchannel
        [(0, 10, "A"), (10, 15, "B")],  # an answer
    ],
)
def test_what_is_no_interruption(rows: list[tuple[float, float, str]]) -> None:
    assert turn_taking.interruptions_of(scene(*rows)[1], OPTIONS) == ()


def test_backchannels_are_talk_but_take_no_turn() -> None:
    segments, turns = scene((0, 10, "A"), (4, 4.5, "B"), (11, 13, "B"), (15, 16, "A"))
    exchange = turn_taking.exchange_of(segments, turns, 16, OPTIONS)
    talk = turn_taking.talks_of("AB", segments, turns, exchange, OPTIONS)
    assert (talk["B"].turns, talk["B"].backchannels) == (1, 1)
    assert talk["B"].talk_s == 2.5
    assert talk["A"].share == pytest.approx(11 / 13.5)
    assert talk["B"].response_latency_s == 1
    assert talk["A"].response_latency_s == 2


def test_a_monologue_runs_until_another_takes_the_floor() -> None:
    segments, turns = scene((0, 10, "A"), (12, 30, "A"), (20, 20.5, "B"), (31, 33, "B"), (34, 36, "A"))
    exchange = turn_taking.exchange_of(segments, turns, 36, OPTIONS)
    assert [(m.start_s, m.end_s, m.speaker) for m in exchange.monologues] == [(0, 30, "A"), (31, 33, "B")]
    assert turn_taking.talks_of("AB", segments, turns, exchange, OPTIONS)["A"].longest_monologue_s == 30


def test_a_monologue_ends_at_a_silence_and_goes_on_over_a_pause() -> None:
    _, turns = scene((0, 4, "A"), (8.9, 10, "A"), (15.1, 22, "A"))
    (found,) = turn_taking.monologues_of(turns, OPTIONS)
    assert (found.start_s, found.end_s) == (0, 10)
    assert turn_taking.monologues_of([], OPTIONS) == ()


def test_long_gaps_are_no_answers() -> None:
    segments, turns = scene((0, 1, "A"), (20, 21, "B"))
    exchange = turn_taking.exchange_of(segments, turns, 21, OPTIONS)
    assert turn_taking.talks_of("AB", segments, turns, exchange, OPTIONS)["B"].response_latency_s is None


def test_inertia_and_instability_of_known_series() -> None:
    steady = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    swinging = np.array([0.5, -0.5] * 3)
    times = np.arange(6.0)
    assert dynamics.inertia(steady) == pytest.approx(np.sum((steady - 0.25)[1:] * (steady - 0.25)[:-1]) / 0.175)
    assert dynamics.inertia(swinging) == pytest.approx(-5 / 6)
    assert dynamics.inertia(np.ones(5)) is None
    assert dynamics.instability(times, swinging) == pytest.approx(1.0)
    assert dynamics.instability(times * 10, swinging) == pytest.approx(1.0)  # relative to the median interval
    assert dynamics.instability(np.array([0.0, 1, 2, 6]), np.array([0.0, 1, 0, 1])) == pytest.approx(
        (1 + 1 + 1 / 4) / 3
    )


def judged(index: int, start: float, end: float, valence: float, top: str = "Pleased") -> tuple[Turn, AffectPoint]:
    scores = (0.8, 0.05, 0.05, 0.05, 0.05) if top == "Pleased" else (0.05, 0.05, 0.05, 0.05, 0.8)
    emotion = EmotionScores(scores)
    turn = Turn(index, "A", start, end, windows=(Window(start, end, end - start, emotion),), emotion=emotion)
    return turn, AffectPoint((start + end) / 2, end - start, end - start, valence, 0.0, 0.1, 0.1, index)


def test_affect_of_a_speaker_by_hand() -> None:
    rows = [judged(0, 0, 3, 0.6), judged(1, 37, 38, -0.2, "Tension")]
    affect = dynamics.affect_of("A", [t for t, _ in rows], [p for _, p in rows], OPTIONS)
    assert affect is not None
    assert affect.valence.mean == pytest.approx((3 * 0.6 - 0.2) / 4)
    assert affect.class_shares == pytest.approx((0.75, 0, 0, 0, 0.25))
    assert affect.unsure_share == 0
    assert affect.valence_quarters == (pytest.approx(0.6), None, None, pytest.approx(-0.2))
    assert affect.valence_inertia is None  # two turns are too few
    assert affect.judged_s == 4
    assert affect.valence.low < affect.valence.mean < affect.valence.high


def test_dynamics_appear_with_enough_turns() -> None:
    rows = [judged(i, 4 * i, 4 * i + 2, 0.1 * (i % 3)) for i in range(OPTIONS.min_turns)]
    affect = dynamics.affect_of("A", [t for t, _ in rows], [p for _, p in rows], OPTIONS)
    assert affect is not None
    assert affect.valence_inertia is not None
    assert affect.valence_instability is not None


def test_nothing_judged_is_nothing() -> None:
    assert dynamics.affect_of("A", [Turn(0, "A", 0, 0.5, unjudged="short")], [], OPTIONS) is None
