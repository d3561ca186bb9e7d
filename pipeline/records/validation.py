"""Results of an emotion model on blindly labelled turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ressenti.pipeline.records.fields import ClassName, Count, Figure, Place, Record, Sha256, Share, check
from ressenti.pipeline.records.model_info import ModelInfo


@dataclass(frozen=True)
class ClassFigure(Record):
    """F1 of one class, None without labels for it; `support` counts its labels, divided by the raters of a turn."""

    name: ClassName
    f1: Share | None
    support: Annotated[float, Field(ge=0, le=1e9)]


Shares = Annotated[dict[ClassName, Annotated[float, Field(gt=0, lt=1)]], Field(min_length=5, max_length=5)]


@dataclass(frozen=True)
class Calibration(Record):
    """A correction of a model's scores, from labels: its temperature, and the shares of classes to expect.

    `priors` are the shares that the raters gave, and `assumed` those for which the model's own scores would be right.
    Above a temperature of 1 the model is too sure. It rests on `turns`. `log_loss` is the mean negative logarithm of
    the probability of what raters heard, as published, and `log_loss_unseen` that of corrected scores of labels that
    the correction did not learn from; None if a person wrote the file.
    """

    temperature: Annotated[float, Field(ge=0.05, le=20)]
    priors: Shares
    assumed: Shares
    turns: Count = 0
    log_loss: Figure | None = None
    log_loss_unseen: Figure | None = None

    def __post_init__(self) -> None:
        total = sum(self.priors.values())
        check(abs(total - 1) < 0.02, f"expected priors that sum to 1, got sum {total:g}")


@dataclass(frozen=True)
class Validation(Record):
    """Results of an emotion model on blindly labelled turns of the user's recordings.

    Made by `ressenti evaluate label` as described in `pipeline.lab.evaluation.agreement`. `turns` counts those with a
    class from a rater, out of `drawn`; `abstentions` counts "cannot tell" answers. `right` is the share of turns on
    which the model agrees with the raters, `right_sure` the share among `sure_turns`. `macro_f1_low` and
    `macro_f1_high` are a 95 % interval over speakers, None with fewer than four. Alphas (Krippendorff) are None if
    undefined, as with one rater; so are the concordances with the raters' valence and arousal. `calibration` corrects
    the model's scores where a config names this result; None if the labels support none. All figures are of the scores
    as they were labelled.
    """

    model: Place
    model_sha256: Sha256 | None
    recordings: Count
    speakers: Count
    turns: Annotated[int, Field(ge=1, lt=2**31)]
    drawn: Count
    raters: Annotated[int, Field(ge=1, lt=2**31)]
    abstentions: Count
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    alpha_class: Figure | None
    alpha_valence: Figure | None
    alpha_arousal: Figure | None
    macro_f1: Share
    macro_f1_low: Share | None
    macro_f1_high: Share | None
    classes: Annotated[tuple[ClassFigure, ...], Field(max_length=5)]
    right: Share
    right_sure: Share | None
    sure_turns: Count
    concordance_valence: Figure | None
    concordance_arousal: Figure | None
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        check(
            self.turns > 0 and self.raters > 0,
            f"expected at least one turn and one rater, got {self.turns} and {self.raters}",
        )
        check(0 <= self.macro_f1 <= 1, f"expected macro_f1 in [0, 1], got {self.macro_f1}")

    def is_of(self, models: Sequence[ModelInfo]) -> bool:
        """Whether the emotion model among these is the validated one, by name and hash."""
        return any(m.task == "emotion" and (m.name, m.sha256) == (self.model, self.model_sha256) for m in models)
