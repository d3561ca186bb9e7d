import pytest
from hypothesis import given
from hypothesis import strategies as st

from ressenti.pipeline.affect.points import decided, is_unsure, placed, point_of
from ressenti.pipeline.affect.points import given as given_classes
from ressenti.pipeline.affect.stats import nearness
from ressenti.pipeline.config import AffectOptions, EmotionOptions
from ressenti.pipeline.records import CLASSES, EmotionScores, Window, mean_scores

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


def test_independent_scores_have_thresholds_of_their_own() -> None:
    options = EmotionOptions(thresholds={**dict.fromkeys(CLASSES, 0.5), "Sad": 0.2})  # type: ignore[dict-item]
    scores = EmotionScores((0.6, 0.1, 0.7, 0.3, 0.4), "sigmoid")
    assert given_classes(scores, options) == ("Neutral", "Pleased", "Sad")
    low = EmotionScores((0.4, 0.1, 0.4, 0.1, 0.4), "sigmoid")
    assert given_classes(low, options) == ()
    assert is_unsure(low, options)
    assert not is_unsure(scores, options)
    assert (decided(scores, options).top, decided(low, options).top) == ("Neutral", "Pleased")
    apart = EmotionOptions(thresholds={**dict.fromkeys(CLASSES, 0.8), "Sad": 0.3})  # type: ignore[dict-item]
    found = decided(EmotionScores((0.1, 0.1, 0.6, 0.4, 0.1), "sigmoid"), apart)
    assert (found.top, found.confidence, found.reached) == ("Sad", 0.4, ("Sad",))
    sad = window(0.1, 0.1, 0.1, 0.3, 0.1, activation="sigmoid")
    assert point_of(sad, 0, OPTIONS, options) is not None
    assert point_of(sad, 0, OPTIONS, EmotionOptions()) is None


def test_a_regression_is_placed_where_it_says_and_classed_by_the_anchors() -> None:
    scores = EmotionScores((0.2,) * 5, "regression", valence=-0.5, arousal=0.4)
    found = placed(Window(0, 2, 2, scores), OPTIONS)
    assert found.emotion.top == "Tension"
    moved = OPTIONS.model_copy(update={"anchors": {**OPTIONS.anchors, "Sad": (-0.5, 0.4), "Tension": (0.5, 0.9)}})
    assert placed(found, moved).emotion.top == "Sad"
    point = point_of(found, 0, OPTIONS)
    assert point is not None
    assert (point.valence, point.arousal, point.valence_sd) == (-0.5, 0.4, OPTIONS.error_sd)


def test_between_two_places_neither_is_sure() -> None:
    near = nearness((0.0, 0.0), [(0.3, 0.0), (-0.3, 0.0), (5.0, 5.0)], 0.25)
    assert near == pytest.approx((0.5, 0.5, 0.0))
    assert nearness((9.0, 9.0), [(0.3, 0.0), (-0.3, 0.0)], 0.25)[0] == pytest.approx(1)
