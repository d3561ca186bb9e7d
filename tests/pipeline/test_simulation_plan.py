"""Simulated conversations: who talks when."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_talk import RATE, said

from ressenti.pipeline.lab.simulation.options import Phase, Scene, Talk
from ressenti.pipeline.lab.simulation.plan import Placed, make_plan, overlap_rate
from ressenti.pipeline.lab.simulation.voices import Voice, shortened

TALKS: dict[str, Any] = {
    "turn_s": st.floats(0.1, 10),
    "turn_spread": st.floats(0, 1.5),
    "overlap_share": st.floats(0, 1),
    "overlap_s": st.floats(0.05, 2),
    "gap_s": st.floats(0.01, 2),
    "backchannel_share": st.floats(0, 0.9),
    "return_share": st.floats(0, 1),
}
SPOKEN = [Voice(f"v{k}", said(0.4, 0.9, 1.7, 3.0, 5.5)) for k in range(8)]


def plan_of(seed: int = 0, count: int = 2, script: Sequence[Phase] = (), **scene: Any) -> list[Placed]:
    options = Scene.model_validate({"minutes": 5, "corpora": {"x": 1}, "speakers": (count, count), **scene})
    return make_plan(SPOKEN[:count], options, script, np.random.default_rng(seed))


@settings(max_examples=30, deadline=None)
@given(st.fixed_dictionaries(TALKS), st.integers(1, 8), st.integers(0, 10_000))
def test_nobody_talks_over_himself(talk: dict[str, float], count: int, seed: int) -> None:
    plan = plan_of(seed, count, minutes=0.7, talk=talk)
    assert plan == sorted(plan, key=lambda p: p.start_s)
    assert plan[0].start_s >= 0.5
    for k in range(count):
        own = [p for p in plan if p.speaker == k]
        for one_, next_ in pairwise(own):
            assert next_.start_s >= one_.end_s - 1e-6
    for p in plan:
        assert p.until_s is None or 0 < p.until_s <= p.utterance.duration_s


def turns_in(plan: Sequence[Placed]) -> list[tuple[int, float, float]]:
    """(speaker, start_s, end_s) of turns, without backchannels."""
    out: list[tuple[int, float, float]] = []
    for p in plan:
        if p.until_s is not None:
            continue
        if out and out[-1][0] == p.speaker:
            out[-1] = (p.speaker, out[-1][1], p.end_s)
        else:
            out.append((p.speaker, p.start_s, p.end_s))
    return out


def test_talk_over_a_long_time_is_as_asked() -> None:
    plan = plan_of(minutes=60)
    turns = turns_in(plan)
    offsets = np.array([b[1] - a[2] for a, b in pairwise(turns)])
    assert (offsets < 0).mean() == pytest.approx(0.4, abs=0.05)
    assert float(np.median(-offsets[offsets < 0])) == pytest.approx(0.2, abs=0.03)
    assert float(np.median(offsets[offsets > 0])) == pytest.approx(0.3, abs=0.05)
    units = [p for p in plan if p.until_s is None]
    pauses = [b.start_s - a.end_s for a, b in pairwise(units) if a.speaker == b.speaker]
    assert float(np.median(pauses)) == pytest.approx(0.5, abs=0.06)
    share = np.mean([p.until_s is not None for p in plan])
    assert 0.05 < share < 0.25  # a fifth are wanted; those that would not fit are left out


def test_options_of_talk_do_what_they_say() -> None:
    def lengths(**talk: float) -> float:
        return float(np.mean([end - start for _, start, end in turns_in(plan_of(minutes=10, talk=talk))]))

    def offsets(**talk: float) -> np.ndarray:
        turns = turns_in(plan_of(minutes=10, talk=talk))
        return np.array([b[1] - a[2] for a, b in pairwise(turns)])

    def pauses(**talk: float) -> np.ndarray:
        plan = plan_of(count=1, minutes=5, talk={"turn_s": 600, "turn_spread": 0, **talk})
        return np.array([b.start_s - a.end_s for a, b in pairwise(plan)])

    def returns(share: float) -> float:
        turns = turns_in(plan_of(count=4, minutes=10, talk={"return_share": share, "overlap_share": 0}))
        return float(np.mean([a[0] == c[0] for a, c in zip(turns, turns[2:], strict=False)]))

    assert lengths(turn_s=12) > 1.5 * lengths(turn_s=3)
    assert lengths(turn_spread=1.5) > lengths(turn_spread=0)
    assert (offsets(overlap_share=0) > 0).all()
    assert (offsets(overlap_share=1) <= 0).all()
    assert offsets(overlap_share=1, overlap_s=0.4).mean() < offsets(overlap_share=1, overlap_s=0.1).mean()
    assert offsets(overlap_share=1, overlap_spread=0).std() < offsets(overlap_share=1, overlap_spread=0.8).std()
    assert np.median(offsets(overlap_share=0, gap_s=2)) == pytest.approx(2, rel=0.2)
    assert offsets(overlap_share=0, gap_spread=0) == pytest.approx(0.3, abs=2e-3)
    assert np.median(pauses(pause_s=1.5)) == pytest.approx(1.5, rel=0.2)
    assert pauses(pause_spread=0) == pytest.approx(0.5, abs=2e-3)
    assert not [p for p in plan_of(talk={"backchannel_share": 0}) if p.until_s is not None]
    assert returns(0.9) > returns(0.6) > returns(0.1)
    assert set(Talk.model_fields) == {
        "turn_s", "turn_spread", "overlap_share", "overlap_s", "overlap_spread", "gap_s", "gap_spread",
        "pause_s", "pause_spread", "backchannel_share", "return_share", "longest_overlap_s", "overlap_rate", "cut",
        "least_talk_s",
    }  # fmt: skip


LIVELY: dict[str, Any] = {"turn_s": 3, "cut": True, "overlap_s": 1, "longest_overlap_s": 2.5, "backchannel_share": 0.35}


@pytest.mark.parametrize("count", [2, 4])
def test_speech_overlaps_as_much_as_asked(count: int) -> None:
    for wanted in (0.1, 0.2):
        plan = plan_of(count=count, minutes=6, talk={**LIVELY, "overlap_rate": (wanted, wanted)})
        assert overlap_rate(plan) == pytest.approx(wanted, abs=0.02)
    talk = {**LIVELY, "overlap_rate": (0.05, 0.25)}
    drawn = [overlap_rate(plan_of(seed, count, minutes=2, talk=talk)) for seed in range(8)]
    assert max(drawn) - min(drawn) > 0.08
    long = plan_of(minutes=3, talk={**LIVELY, "overlap_rate": (0.2, 0.2), "overlap_s": 5})
    assert min(b[1] - a[2] for a, b in pairwise(turns_in(long))) >= -2.5


def test_the_overlap_of_a_plan() -> None:
    ten, one_, two = said(10.0, 1.0, 2.0)
    pause = replace(ten, stretches=((0.0, 4.0), (6.0, 10.0)))
    assert overlap_rate([]) == 0
    assert overlap_rate([Placed(1, 0, ten)]) == 0
    assert overlap_rate([Placed(1, 0, ten), Placed(11, 1, two)]) == 0
    assert overlap_rate([Placed(1, 0, ten), Placed(3, 1, two), Placed(4, 2, two, 0.5)]) == pytest.approx(0.2)
    assert overlap_rate([Placed(0, 0, pause), Placed(5, 1, two)]) == pytest.approx(1 / 9)  # one second in the pause
    assert overlap_rate([Placed(0, 0, one_), Placed(0, 1, one_)]) == 1


def test_cut_turns_last_as_long_as_asked() -> None:
    (whole,) = said(8.0)
    noise = np.random.default_rng(0).normal(0, 0.1, len(whole.sound)).astype(np.float32)
    talk = {"turn_s": 2.3, "turn_spread": 0.95, "cut": True, "backchannel_share": 0}
    scene = Scene.model_validate({"minutes": 30, "corpora": {"x": 1}, "talk": talk})
    voices = [Voice(name, (replace(whole, sound=noise),)) for name in "ab"]
    plan = make_plan(voices, scene, (), np.random.default_rng(0))
    lengths = [end - start for _, start, end in turns_in(plan)]
    assert np.percentile(lengths, (10, 50, 90)) == pytest.approx([0.68, 2.3, 7.8], rel=0.15)


def test_an_utterance_is_cut_at_a_quiet_moment() -> None:
    (whole,) = said(3.0)
    whole.sound[int(1.9 * RATE) : int(1.95 * RATE)] = 0
    short = shortened(whole, 2.0)
    assert 1.9 <= short.duration_s <= 1.95
    assert short.stretches == ((0.0, short.duration_s),)
    assert (short.source, short.emotion) == (whole.source, whole.emotion)
    assert abs(float(short.sound[-1])) < 1e-6
    assert shortened(whole, 3.5) == whole
    assert 0.14 < shortened(whole, 0.01).duration_s < 0.35
    parts = replace(whole, stretches=((0.0, 1.0), (1.8, 3.0)))
    assert shortened(parts, 1.5).stretches == ((0.0, 1.0),)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_everybody_talks_for_as_long_as_asked(count: int) -> None:
    plan = plan_of(count=count, minutes=2, talk={"least_talk_s": 30, "return_share": 0.9})
    for k in range(count):
        assert sum(end - start for p in plan if p.speaker == k for start, end in p.speech) >= 30
