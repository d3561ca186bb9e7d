import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.affect import is_unsure, mean_scores, point_of
from pipeline.config import AffectOptions, EmotionOptions
from pipeline.records import EmotionScores, Window

OPTIONS = AffectOptions()


def window(*scores: float, start: float = 0.0, weight: float = 2.0, activation: str = "softmax") -> Window:
    return Window(start, start + 2, weight, EmotionScores(scores, activation))  # type: ignore[arg-type]


def test_certainty_lies_on_the_anchor_without_spread() -> None:
    point = point_of(window(0, 0, 0, 0, 1), 3, OPTIONS)
    assert point is not None
    assert (point.valence, point.arousal) == (-0.5, 0.4)
    assert (point.valence_sd, point.arousal_sd) == (0, 0)
    assert (point.time_s, point.weight_s, point.turn) == (1, 2, 3)


def test_doubt_lies_between_and_spreads() -> None:
    point = point_of(window(0.5, 0, 0, 0, 0.5), 0, OPTIONS)
    assert point is not None
    assert point.valence == pytest.approx((0.8 - 0.5) / 2)
    assert point.valence_sd == pytest.approx((0.8 + 0.5) / 2)


def test_low_independent_scores_say_nothing() -> None:
    assert point_of(window(0.1, 0.2, 0.1, 0.1, 0.1, activation="sigmoid"), 0, OPTIONS) is None
    assert point_of(window(0.1, 0.2, 0.9, 0.1, 0.1, activation="sigmoid"), 0, OPTIONS) is not None


def test_means_are_weighted_by_speech() -> None:
    scores = mean_scores([window(1, 0, 0, 0, 0, weight=3), window(0, 0, 0, 0, 1, weight=1)])
    assert scores.scores == pytest.approx((0.75, 0, 0, 0, 0.25))
    assert scores.top == "Pleased"
    assert not is_unsure(scores, EmotionOptions(unsure_below=0.75))
    assert is_unsure(scores, EmotionOptions(unsure_below=0.76))


@given(st.lists(st.floats(0.01, 1), min_size=5, max_size=5))
def test_points_stay_in_the_hull_of_the_anchors(raw: list[float]) -> None:
    point = point_of(window(*(v / sum(raw) for v in raw)), 0, OPTIONS)
    assert point is not None
    assert -0.65 <= point.valence <= 0.8
    assert -0.55 <= point.arousal <= 0.4
    assert point.valence_sd >= 0
