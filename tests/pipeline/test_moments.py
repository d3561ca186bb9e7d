from dataclasses import replace

import numpy as np
import pytest

from ressenti.pipeline.affect.moments import moments_of
from ressenti.pipeline.affect.points import points_of
from ressenti.pipeline.affect.trajectory import make_trajectory
from ressenti.pipeline.config import AffectOptions, MomentOptions, TrajectoryOptions
from ressenti.pipeline.records import EmotionScores, Exchange, Interruption, Moment, Monologue, Silence, Turn, Window

SMOOTHING, OPTIONS = TrajectoryOptions(), MomentOptions()
QUIET = Exchange(100, 0, 0, (), ())


def turns_of(tension: list[float], length_s: float = 4.0, every_s: float = 6.0, speaker: str = "S1") -> list[Turn]:
    """A turn for each score of Tension; the rest is Neutral."""
    out = []
    for i, t in enumerate(tension):
        start = i * every_s
        scores = EmotionScores((0.0, 0.0, 1 - t, 0.0, t))
        window = Window(start, start + length_s, length_s, scores)
        out.append(Turn(i, speaker, start, start + length_s, windows=(window,), emotion=scores))
    return out


def found(turns: list[Turn], exchange: Exchange = QUIET, options: MomentOptions = OPTIONS) -> list[Moment]:
    lines = [
        make_trajectory(s, points_of(turns, s, AffectOptions()), SMOOTHING) for s in sorted({t.speaker for t in turns})
    ]
    return list(moments_of(turns, lines, exchange, SMOOTHING, options))


def test_a_clear_peak_of_tension_is_found_where_it_is_and_is_certain() -> None:
    tension = [0.02] * 100
    tension[50:62] = [0.98] * 12
    (peak,) = [m for m in found(turns_of(tension)) if m.kind == "tension"]
    assert peak.certain
    assert 300 < (peak.start_s + peak.end_s) / 2 < 372
    assert peak.speaker == "S1"
    assert float(peak.values["low"]) <= float(peak.values["tension"]) <= float(peak.values["high"])
    assert float(peak.values["usual"]) == pytest.approx(0.02 + 0.96 * 0.12, abs=0.001)


def test_two_peaks_that_are_apart_are_two_and_no_more_than_asked_for() -> None:
    tension = [0.02] * 100
    for at in (20, 50, 80):
        tension[at : at + 8] = [0.98] * 8
    peaks = [m for m in found(turns_of(tension)) if m.kind == "tension"]
    assert len(peaks) == 2
    assert abs(peaks[0].start_s - peaks[1].start_s) >= OPTIONS.apart_s
    assert len([m for m in found(turns_of(tension), options=MomentOptions(peaks=5)) if m.kind == "tension"]) == 3


def test_evenly_tense_speech_has_no_peak() -> None:
    assert [m for m in found(turns_of([0.9] * 60)) if m.kind == "tension"] == []


def test_chance_is_seldom_called_certain() -> None:
    """Of conversations in which nothing changes, at most about one in twenty may have a certain peak or change."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(100):
        scores = rng.random(60) < 0.3
        made = found(turns_of([0.95 if s else 0.05 for s in scores]))
        wrong += any(m.certain for m in made if m.kind in ("tension", "valence", "arousal"))
    assert wrong <= 10


def test_a_clear_change_is_certain_and_has_its_size() -> None:
    made = found(turns_of([0.02] * 60 + [0.98] * 60))
    changes = {m.kind: m for m in made if m.kind in ("valence", "arousal")}
    assert set(changes) == {"valence", "arousal"}
    for kind, anchor in (("valence", -0.5), ("arousal", 0.4)):
        change = changes[kind]
        assert change.certain
        assert change.start_s < 360 < change.end_s
        assert np.sign(float(change.values["change"])) == np.sign(anchor)
        values = {name: float(value) for name, value in change.values.items()}
        assert values["change"] == pytest.approx(values["to"] - values["from"])
        assert abs(values["change"]) > 0.6 * abs(anchor)


def test_a_smaller_change_than_asked_for_is_none_however_sure() -> None:
    turns = turns_of([0.02] * 60 + [0.98] * 60)
    sizes = {m.kind: abs(float(m.values["change"])) for m in found(turns) if m.certain and m.kind != "tension"}
    assert 0.25 < sizes["arousal"] < sizes["valence"]
    between = (sizes["arousal"] + sizes["valence"]) / 2
    for least, left in ((0.0, {"valence", "arousal"}), (between, {"valence"}), (0.6, set())):
        made = found(turns, options=MomentOptions(least_change=least))
        assert {m.kind for m in made} & {"valence", "arousal"} == left, least


def test_what_hardly_changes_has_no_change_also_none_that_may_be_chance() -> None:
    turns = turns_of([0.4] * 30 + [0.5] * 30)
    assert {m.kind for m in found(turns, options=MomentOptions(least_change=0.0))} & {"valence", "arousal"}
    assert not {m.kind for m in found(turns)} & {"valence", "arousal"}


def test_a_moment_says_how_far_it_rests_on_what_a_person_set() -> None:
    tension = [0.02] * 100
    tension[50:62] = [0.98] * 12
    turns = turns_of(tension)
    assert {m.values["by_person"] for m in found(turns)} == {0.0}
    heard = EmotionScores((0.0, 0.0, 0.0, 0.0, 1.0), "human")
    for i in range(50, 62):
        window = replace(turns[i].windows[0], emotion=heard)
        turns[i] = replace(turns[i], windows=(window,), emotion=heard)
    by_kind = {m.kind: float(m.values["by_person"]) for m in found(turns)}
    assert by_kind["tension"] > 0.85  # the kernel reaches a little beyond what was set
    for kind in ("valence", "arousal"):  # one end of a change lies within what was set, the other outside
        assert 0.3 < by_kind[kind] < 0.6


def test_with_one_voice_a_silence_is_no_moment() -> None:
    """Where the others are not in the recording, they may speak there."""
    quiet = Exchange(100, 0, 0, (Silence(40, 50),), ())
    alone = turns_of([0.02] * 6)
    with_another = [*alone, replace(alone[-1], index=6, speaker="S2", start_s=60, end_s=64)]
    assert [m.kind for m in found(alone, quiet)] == []
    assert [m.kind for m in found(with_another, quiet)] == ["silence"]


def test_longest_silence_monologue_and_interruptions() -> None:
    turns = [Turn(0, "S1", 0, 40), Turn(1, "S2", 50, 55), Turn(2, "S1", 60, 95)]
    exchange = Exchange(
        80,
        1,
        10,
        (Silence(40, 50), Silence(55, 60.5)),
        tuple(Interruption(float(10 * k), "S2", "S1", 0.5 + k / 10) for k in range(5)),
        (Monologue(0, 45, "S1"), Monologue(50, 55, "S2")),
    )
    made = found(turns, exchange)
    by_kind = {kind: [m for m in made if m.kind == kind] for kind in ("silence", "monologue", "interruption")}
    assert [(m.start_s, m.end_s) for m in by_kind["silence"]] == [(40, 50)]
    assert [(m.start_s, m.end_s, m.speaker) for m in by_kind["monologue"]] == [(0, 45, "S1")]
    brief = replace(exchange, monologues=(Monologue(50, 55, "S2"),))
    assert not any(m.kind == "monologue" for m in found(turns, brief))
    assert [m.start_s for m in by_kind["interruption"]] == [20, 30, 40]
    assert made == sorted(made, key=lambda m: (m.start_s, m.kind))
    assert found([Turn(0, "S1", 0, 5)]) == []
    assert found([]) == []
