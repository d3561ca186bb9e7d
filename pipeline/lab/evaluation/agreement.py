"""Labels of one or more raters -> agreement among the raters and between them and the model (pure).

If raters differ, they share the item's truth: each of its n class labels is a row with 1/n of the item's weight.
Disagreements stay in and count against every model, as they should. If one rater cannot tell, the other's label
counts. Valence and arousal are compared with the raters' mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.extras import need
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.labelling import Item, Sample, check_sample
from ressenti.pipeline.lab.evaluation.labels import Answer, Rating
from ressenti.pipeline.records import CLASSES, ClassFigure, Validation

FloatArray = metrics.FloatArray


@dataclass(frozen=True)
class Rows:
    """Class labels as rows (n,): indices in `CLASSES`, weights in turns, whether the model was sure, and speakers.

    `parts` are 1 over the number of labels of the row's item.
    """

    truth: metrics.IntArray
    guess: metrics.IntArray
    weights: FloatArray
    parts: FloatArray
    sure: npt.NDArray[np.bool_]
    speakers: tuple[tuple[str, str], ...]


def validate(sample: Sample, ratings: Sequence[Rating]) -> Validation:
    """Agreement among raters and between them and the model, weighted to the turns of the conversations.

    Only the alphas are unweighted, for the sample as drawn. Raises `LabelsError` for labels of another sample.
    """
    check_sample(sample, ratings)
    answers = [{answer.item: answer for answer in rating.labels} for rating in ratings]
    rows = rows_of(sample, answers)
    matrix = metrics.confusion(rows.truth, rows.guess, rows.weights)
    interval = metrics.bootstrap(
        rows.speakers,
        lambda i: metrics.macro_f1(metrics.confusion(rows.truth[i], rows.guess[i], rows.weights[i])),
    )
    support = np.bincount(rows.truth, rows.parts, minlength=len(CLASSES))
    scores = metrics.f1_scores(matrix)
    sure = metrics.confusion(rows.truth[rows.sure], rows.guess[rows.sure], rows.weights[rows.sure])
    labelled = {item.id: item for item in sample.items if any(_place(own, item) is not None for own in answers)}
    places = [[_place(own, item) for item in sample.items] for own in answers]
    return Validation(
        model=sample.model.name,
        model_sha256=sample.model.sha256,
        recordings=len({item.sha256 for item in labelled.values()}),
        speakers=len(set(rows.speakers)),
        turns=len(labelled),
        drawn=len(sample.items),
        raters=len(ratings),
        abstentions=sum(answer.label == "cannot tell" for own in answers for answer in own.values()),
        seed=sample.seed,
        alpha_class=alpha(places, "nominal"),
        alpha_valence=alpha(_points(sample, answers, "valence"), "interval"),
        alpha_arousal=alpha(_points(sample, answers, "arousal"), "interval"),
        macro_f1=metrics.macro_f1(matrix),
        macro_f1_low=interval.low if interval else None,
        macro_f1_high=interval.high if interval else None,
        classes=tuple(
            ClassFigure(name, float(scores[k]) if support[k] else None, float(support[k]))  # type: ignore[arg-type]
            for k, name in enumerate(CLASSES)
        ),
        right=metrics.micro_f1(matrix),
        right_sure=_defined(metrics.micro_f1(sure)),
        sure_turns=sum(not item.turn.unsure for item in labelled.values()),
        concordance_valence=_concordance(sample, answers, "valence"),
        concordance_arousal=_concordance(sample, answers, "arousal"),
    )


def rows_of(sample: Sample, answers: Sequence[dict[str, Answer]]) -> Rows:
    """A row for each class label of each rater; "cannot tell" is an answer but gives no row."""
    weights = sample.weights(a.item for own in answers for a in own.values() if a.label is not None)
    labels = [
        (item, place, len(own))
        for item in sample.items
        for own in [[p for p in (_place(rater, item) for rater in answers) if p is not None]]
        for place in own
    ]
    parts = np.array([1 / n for _, _, n in labels])
    return Rows(
        truth=np.array([place for _, place, _ in labels], dtype=np.int64),
        guess=np.array([item.guess for item, _, _ in labels], dtype=np.int64),
        weights=parts * np.array([weights[item.id] for item, _, _ in labels]),
        parts=parts,
        sure=np.array([not item.turn.unsure for item, _, _ in labels], dtype=bool),
        speakers=tuple((item.sha256, item.turn.speaker) for item, _, _ in labels),
    )


def alpha(values: Sequence[Sequence[float | None]], level: Literal["nominal", "interval"]) -> float | None:
    """Krippendorff's alpha of values (raters, items), None for no answer (Krippendorff 2011).

    Returns None if it is not defined: if no item has two answers, or all paired answers are the same.
    """
    need("krippendorff", "The agreement of raters")
    import krippendorff

    table = np.array([[np.nan if v is None else v for v in row] for row in values], dtype=np.float64)
    paired = table[:, np.sum(~np.isnan(table), axis=0) >= 2]
    if len(np.unique(paired[~np.isnan(paired)])) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=paired, level_of_measurement=level))


def _concordance(
    sample: Sample, answers: Sequence[dict[str, Answer]], axis: Literal["valence", "arousal"]
) -> float | None:
    """Lin's concordance between the model's values and the raters' mean, over items with a point."""
    weights = sample.weights(a.item for own in answers for a in own.values() if a.valence is not None)
    heard, estimated, counts = [], [], []
    for item, own in zip(sample.items, zip(*_points(sample, answers, axis), strict=True), strict=True):
        said = [value for value in own if value is not None]
        estimate = cast("float | None", getattr(item, axis))
        if said and estimate is not None:
            heard.append(sum(said) / len(said))
            estimated.append(estimate)
            counts.append(weights[item.id])
    return _defined(metrics.concordance(np.array(heard), np.array(estimated), np.array(counts)))


def _points(
    sample: Sample, answers: Sequence[dict[str, Answer]], axis: Literal["valence", "arousal"]
) -> list[list[float | None]]:
    return [
        [cast("float | None", getattr(own[item.id], axis)) if item.id in own else None for item in sample.items]
        for own in answers
    ]


def _place(own: dict[str, Answer], item: Item) -> int | None:
    return own[item.id].place if item.id in own else None


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value
