import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ressenti.pipeline.affect.trajectory import make_trajectory
from ressenti.pipeline.config import TrajectoryOptions
from ressenti.pipeline.records import AffectPoint

OPTIONS = TrajectoryOptions(smoothing_s=10, step_s=1, reach=2)


def point(time_s: float, valence: float, sd: float = 0.1, weight_s: float = 2.0) -> AffectPoint:
    return AffectPoint(time_s, weight_s, weight_s, valence, -valence, sd, sd, 0)


def test_nobody_judged_gives_an_empty_line() -> None:
    assert make_trajectory("S1", [], OPTIONS).times_s == ()


def test_one_point_is_a_level_with_its_own_spread() -> None:
    line = make_trajectory("S1", [point(5, 0.3, sd=0.2)], OPTIONS)
    assert line.times_s == (5,)
    assert line.valence == (0.3,)
    assert line.valence_high[0] == pytest.approx(0.3 + 1.959964 * 0.2)


def test_a_constant_speaker_is_constant_and_more_speech_narrows_the_band() -> None:
    few = make_trajectory("S1", [point(t, 0.2) for t in range(0, 100, 20)], OPTIONS)
    many = make_trajectory("S1", [point(t, 0.2) for t in range(0, 100, 2)], OPTIONS)
    assert np.allclose(np.array(many.valence, float), 0.2)
    width = [np.nanmean(np.array(t.valence_high, float) - np.array(t.valence_low, float)) for t in (few, many)]
    assert width[1] < width[0] / 2


def test_a_step_is_smoothed_in_seconds_not_in_turns() -> None:
    points = [point(t, -0.5) for t in range(0, 50, 2)] + [point(t, 0.5) for t in range(50, 100, 2)]
    line = make_trajectory("S1", points, OPTIONS)
    values = dict(zip(line.times_s, line.valence, strict=True))
    assert values[10.0] == pytest.approx(-0.5, abs=0.02)
    assert values[49.0] == pytest.approx(0.0, abs=0.05)
    assert values[90.0] == pytest.approx(0.5, abs=0.02)


def test_the_line_breaks_where_nobody_was_judged() -> None:
    line = make_trajectory("S1", [point(0, 0.1), point(100, 0.2)], OPTIONS)
    values = dict(zip(line.times_s, line.valence, strict=True))
    assert values[15.0] is not None
    assert values[50.0] is None
    assert values[85.0] is not None


def test_more_windows_of_the_same_sound_do_not_narrow_the_band() -> None:
    apart = [AffectPoint(4 + 8 * i, 8, 8, 0.2, 0, 0.3, 0.3, 0) for i in range(8)]
    sharing = [AffectPoint(4 + 2 * i, 8, 2, 0.2, 0, 0.3, 0.3, 0) for i in range(32)]
    widths = []
    for points in (apart, sharing):
        line = make_trajectory("S1", points, OPTIONS)
        widths.append(np.mean(np.array(line.valence_high, float)[10:50] - np.array(line.valence_low, float)[10:50]))
    assert widths[1] == pytest.approx(widths[0], rel=0.15)


@given(
    st.lists(
        st.tuples(st.floats(0, 600), st.floats(-1, 1), st.floats(0, 0.8), st.floats(0.1, 8)), min_size=1, max_size=30
    )
)
def test_bands_hold_their_line_and_stay_in_the_plane(rows: list[tuple[float, float, float, float]]) -> None:
    line = make_trajectory("S1", [point(*row) for row in sorted(rows)], OPTIONS)
    low, middle, high = (np.array(v, float) for v in (line.valence_low, line.valence, line.valence_high))
    known = ~np.isnan(middle)
    assert known.any()
    assert np.all(low[known] <= middle[known] + 1e-9)
    assert np.all(middle[known] <= high[known] + 1e-9)
    assert np.all(np.abs(np.concatenate([low[known], high[known]])) <= 1)
    values = [row[1] for row in rows]
    assert np.all(middle[known] >= min(values) - 1e-6)
    assert np.all(middle[known] <= max(values) + 1e-6)
