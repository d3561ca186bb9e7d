import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.metrics import FloatArray, IntArray, Interval, ReliabilityBin


def drawn(seed: int, classes: int = 5, size: int = 300) -> tuple[IntArray, IntArray, FloatArray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, size), rng.integers(0, 5, size), rng.random(size)


@pytest.mark.parametrize("seed", range(4))
def test_confusion_is_scikit_learns(seed: int) -> None:
    from sklearn.metrics import confusion_matrix

    truth, guess, weights = drawn(seed)
    known = confusion_matrix(truth, guess, labels=range(5))
    assert metrics.confusion(truth, guess).tolist() == known.tolist()
    weighted = confusion_matrix(truth, guess, labels=range(5), sample_weight=weights)
    assert metrics.confusion(truth, guess, weights) == pytest.approx(weighted)


@pytest.mark.parametrize("classes", [2, 4, 5])
@pytest.mark.parametrize("seed", range(3))
def test_f1_and_recall_are_scikit_learns(seed: int, classes: int) -> None:
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

    truth, guess, weights = drawn(seed, classes)  # all five are guessed, also where fewer are there
    there = np.unique(truth)
    for w in (None, weights):
        matrix = metrics.confusion(truth, guess, w)
        each = f1_score(truth, guess, average=None, labels=range(5), sample_weight=w)
        assert metrics.f1_scores(matrix) == pytest.approx(each)
        macro = f1_score(truth, guess, average="macro", labels=there, sample_weight=w)
        assert metrics.macro_f1(matrix) == pytest.approx(macro)
        micro = f1_score(truth, guess, average="micro", sample_weight=w)
        assert metrics.micro_f1(matrix) == pytest.approx(micro) == accuracy_score(truth, guess, sample_weight=w)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that classes are guessed which are not there
            recall = balanced_accuracy_score(truth, guess, sample_weight=w)
        assert metrics.unweighted_recall(matrix) == pytest.approx(recall)


def test_f1_by_hand() -> None:
    matrix = metrics.confusion(np.array([0, 0, 4, 4, 4]), np.array([0, 4, 4, 4, 0]))
    assert metrics.f1_scores(matrix) == pytest.approx([0.5, 0, 0, 0, 2 / 3])
    assert metrics.macro_f1(matrix) == pytest.approx((0.5 + 2 / 3) / 2)
    assert metrics.micro_f1(matrix) == pytest.approx(0.6)
    assert metrics.unweighted_recall(matrix) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_nothing_gives_no_figure() -> None:
    none = np.array([], dtype=np.int64)
    matrix = metrics.confusion(none, none)
    assert matrix.shape == (5, 5)
    assert metrics.f1_scores(matrix).tolist() == [0] * 5
    for figure in (metrics.macro_f1, metrics.micro_f1, metrics.unweighted_recall):
        assert np.isnan(figure(matrix))


def textbook_ccc(x: FloatArray, y: FloatArray) -> float:
    (var_x, cov), (_, var_y) = np.cov(x, y, bias=True)
    return float(2 * cov / (var_x + var_y + (x.mean() - y.mean()) ** 2))


@pytest.mark.parametrize("seed", range(4))
def test_concordance_is_the_textbooks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=50)
    estimate = 0.6 * truth + rng.normal(0.3, 0.5, 50)
    assert metrics.concordance(truth, estimate) == pytest.approx(textbook_ccc(truth, estimate))
    counts = rng.integers(1, 4, 50)
    repeated = textbook_ccc(np.repeat(truth, counts), np.repeat(estimate, counts))
    assert metrics.concordance(truth, estimate, counts.astype(float)) == pytest.approx(repeated)


def test_concordance_by_hand() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert metrics.concordance(truth, truth) == pytest.approx(1)
    assert metrics.concordance(truth, -truth + 4) == pytest.approx(-1)
    # variances 2/3, covariance 2/3, means one apart
    assert metrics.concordance(truth, truth + 1) == pytest.approx((4 / 3) / (4 / 3 + 1))
    assert metrics.concordance(truth, np.full(3, 2.0)) == 0
    assert np.isnan(metrics.concordance(np.ones(3), np.ones(3)))
    assert np.isnan(metrics.concordance(truth[:1], truth[:1]))


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=2, max_size=30))
def test_concordance_is_never_above_correlation(pairs: list[tuple[float, float]]) -> None:
    truth, estimate = np.array(pairs).T
    ccc, r = metrics.concordance(truth, estimate), metrics.correlation(truth, estimate)
    if not np.isnan(r):
        assert abs(ccc) <= abs(r) + 1e-6


def test_correlation_is_pearsons() -> None:
    from scipy.stats import pearsonr

    rng = np.random.default_rng(1)
    truth = rng.normal(size=40)
    estimate = truth + rng.normal(size=40)
    assert metrics.correlation(truth, estimate) == pytest.approx(pearsonr(truth, estimate).statistic)
    assert metrics.correlation(truth, 3 - 2 * truth) == pytest.approx(-1)
    assert np.isnan(metrics.correlation(truth, np.ones(40)))
    assert np.isnan(metrics.correlation(truth[:1], truth[:1]))


@pytest.mark.parametrize("decimals", [1, 6])  # with ties and without
def test_ranking_is_the_area_under_the_roc_curve(decimals: int) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    high = rng.random(80) < 0.4
    estimate = np.round(rng.random(80) + 0.3 * high, decimals)
    assert metrics.ranking(high, estimate) == pytest.approx(roc_auc_score(high, estimate))
    assert metrics.ranking(np.array([True, False]), np.array([2.0, 1.0])) == 1
    assert metrics.ranking(high, np.zeros(80)) == 0.5
    assert np.isnan(metrics.ranking(np.ones(3, bool), np.arange(3.0)))
    assert np.isnan(metrics.ranking(np.zeros(3, bool), np.arange(3.0)))


def test_calibration_by_hand() -> None:
    confidence, right = np.array([0.95, 0.91, 0.82, 0.61]), np.array([True, False, True, True])
    curve = metrics.reliability(confidence, right)
    low, middle, high = curve
    assert (low, middle) == (ReliabilityBin(0.61, 1.0, 0.25), ReliabilityBin(0.82, 1.0, 0.25))
    assert (high.confidence, high.accuracy, high.share) == pytest.approx((0.93, 0.5, 0.5))
    assert metrics.calibration_error(curve) == pytest.approx(0.25 * 0.39 + 0.25 * 0.18 + 0.5 * 0.43)
    certain = metrics.reliability(np.ones(3), np.ones(3, bool))
    assert certain == (ReliabilityBin(1.0, 1.0, 1.0),)
    assert metrics.calibration_error(certain) == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 20))
def test_calibration_is_what_loops_give(rows: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    curve = metrics.reliability(confidence, right, bins)
    assert sum(b.share for b in curve) == pytest.approx(1)
    assert sum(b.share * b.accuracy for b in curve) == pytest.approx(right.mean())
    expected = 0.0
    for k in range(bins):
        own = [(c, r) for c, r in rows if min(int(c * bins), bins - 1) == k]
        expected += abs(sum(c for c, _ in own) - sum(r for _, r in own)) / len(rows)
    assert metrics.calibration_error(curve) == pytest.approx(expected)


def test_the_calibration_of_nothing_is_not_perfect() -> None:
    assert np.isnan(metrics.calibration_error(metrics.reliability(np.array([]), np.array([], bool))))


def mean_of(values: FloatArray) -> Callable[[IntArray], float]:
    return lambda rows: float(values[rows].mean())


def test_the_bootstrap_knows_only_groups() -> None:
    values = np.repeat([0.0, 1.0, 2.0, 3.0], 50)
    groups = np.repeat(["a", "b", "c", "d"], 50).tolist()
    found = metrics.bootstrap(groups, mean_of(values))
    fewer = metrics.bootstrap(groups[::50], mean_of(values[::50]))
    assert found is not None
    assert fewer is not None
    assert (found.low, found.high) == pytest.approx((fewer.low, fewer.high))  # rows of a group add nothing
    assert found.low < 0.8
    assert found.high > 2.2
    alike = metrics.bootstrap(
        ["a", "b", "c", "d"] * 48, mean_of(np.repeat([0.0, 1.0, 2.0, 3.0], 48))
    )  # every group holds the same
    assert alike == Interval(1.5, 1.5)


def test_groups_are_drawn_whole() -> None:
    groups = [0, 1, 1, 2, 2, 2, 3]
    seen: list[IntArray] = []

    def remember(rows: IntArray) -> float:
        seen.append(rows)
        return 0.0

    metrics.bootstrap(groups, remember, draws=50)
    assert len(seen) == 50
    for rows in seen:
        counts = np.bincount(rows, minlength=7)
        assert counts[1] == counts[2]
        assert counts[3] == counts[4] == counts[5]
        assert counts[[0, 1, 3, 6]].sum() == 4


def test_the_bootstrap_is_seeded() -> None:
    values = np.random.default_rng(0).normal(size=60)
    groups = (np.arange(60) // 5).tolist()
    first, again, other = (metrics.bootstrap(groups, mean_of(values), seed=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_no_interval_over_a_handful_or_where_it_is_undefined() -> None:
    values = np.arange(6.0)
    assert metrics.bootstrap(list("aabbcc"), mean_of(values)) is None
    assert metrics.bootstrap(list("abcdab"), mean_of(values)) is not None
    assert metrics.bootstrap([], mean_of(values)) is None
    assert metrics.bootstrap(list("abcdef"), lambda _: float("nan")) is None


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=4, max_size=12))
def test_an_interval_lies_within_what_groups_say(values: list[float]) -> None:
    found = metrics.bootstrap(range(len(values)), mean_of(np.array(values)), draws=40)
    assert found is not None
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(150):
        speakers = rng.normal(0, 1, 20)  # who differ from one another far more than their clips do
        values = np.repeat(speakers, 3) + rng.normal(0, 0.1, 60)
        found = metrics.bootstrap(np.repeat(np.arange(20), 3).tolist(), mean_of(values), draws=200)
        assert found is not None
        covered += found.low <= 0 <= found.high
    assert 0.86 <= covered / 150 <= 0.99
