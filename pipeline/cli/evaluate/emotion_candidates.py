"""The models that `ressenti evaluate emotion` tests, and their clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.cli.console import counted
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError

if TYPE_CHECKING:
    from ressenti.pipeline.emotion.expectation import Prior
    from ressenti.pipeline.emotion.interface import EmotionModel
    from ressenti.pipeline.lab.labelled_speech.corpora import Clip

INSTEAD = " `ressenti evaluate activation FOLDER` measures how activated voices sound, which needs no model."


@dataclass(frozen=True)
class Candidate:
    """A model, the clips to test it on, and the classes that its training lacks (None where that is not known)."""

    name: str
    model: EmotionModel
    tested: Sequence[Clip]
    lacks: tuple[str, ...] | None = None


def candidates_of(
    protocol: Any,
    clips: Sequence[Clip],
    models: Sequence[str] | None,
    config: str,
    data: Path | None,
    weights: Path | None,
    steps: int | None,
    skipped: list[str],
    *,
    expecting: bool = False,
) -> list[Candidate]:
    """Candidates of a protocol; appends excluded clips to `skipped`. Raises `ConfigError`.

    Models find all classes equally likely, unless they are `expecting` what the configuration says. Retrained weights
    are kept in `weights`, which retraining needs, and reused.
    """
    from ressenti.pipeline import emotion as models_of
    from ressenti.pipeline.lab.evaluation.heard_once import heard_once
    from ressenti.pipeline.lab.labelled_speech.corpora import read_clips

    whole = load_config(config)
    options, use = whole.emotion, whole.use
    if protocol == "shipped":
        out: list[Candidate] = []
        for name in dict.fromkeys(models or [models_of.name_of(options, use)]):
            changed = {"model": name} | ({} if expecting else {"prior": "balanced"})
            model = models_of.needed(options.model_copy(update=changed), use, INSTEAD)
            tested = [clip for clip in clips if clip.who not in model.learned]
            if not tested:
                raise ConfigError(f"{name} was trained on every speaker in the material. Test it on other speakers.")
            if len(tested) < len(clips):
                known = {clip.who for clip in clips} & model.learned
                those = counted(len(known), "speaker")
                skipped.append(f"{name}: {counted(len(clips) - len(tested), 'clip')} of {those} it learned from")
            out.append(Candidate(name, heard_once(model), tested))
        return out
    if models not in (None, [], ["builtin"]):
        raise ConfigError(f"--protocol {protocol} can retrain only the built-in model. Drop --model.")
    if weights is None:
        raise ValueError("retraining needs a folder for weights")
    prior = options.prior if expecting else "balanced"
    return _retrained(protocol, clips, read_clips(data) if data else clips, weights, steps, prior)


def _retrained(
    protocol: Any,
    clips: Sequence[Clip],
    material: Sequence[Clip],
    weights: Path,
    steps: int | None,
    prior: Prior,
) -> list[Candidate]:
    from ressenti.pipeline.emotion.builtin import BuiltinEmotion
    from ressenti.pipeline.lab.evaluation.heard_once import heard_once
    from ressenti.pipeline.lab.training.cross_validation import folds_of, lacking, retrain

    folds = folds_of(protocol, clips, material)
    outs = retrain(folds, weights, steps)
    return [
        Candidate("builtin", heard_once(BuiltinEmotion(out, prior)), fold.test, lacking(fold))
        for out, fold in zip(outs, folds, strict=True)
    ]
