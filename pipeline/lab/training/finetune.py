"""`ressenti train emotion`: labelled clips and a base -> a folder that works as an emotion model.

OUT/            config.json, model.safetensors, preprocessor_config.json, README.md, training.json
.OUT.partial/   during training: plan.json (the run's settings), sound.raw, the checkpoints, the unfinished folder
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import Config
from ressenti.pipeline.emotion.device import place, use_all_cores
from ressenti.pipeline.errors import ConfigError, OutputError, OutputExistsError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.paths import is_folder, is_there
from ressenti.pipeline.lab.labelled_speech.corpora import Clip, read_clips
from ressenti.pipeline.lab.training.base import Base, find_base, load_base, write_model
from ressenti.pipeline.lab.training.card import write_papers
from ressenti.pipeline.lab.training.clip_sounds import Lessons, gather
from ressenti.pipeline.lab.training.folds import Partition, divide, missing_classes, with_class
from ressenti.pipeline.lab.training.recipe import Recipe
from ressenti.pipeline.lab.training.request import Made, Material, Request
from ressenti.pipeline.lab.training.resume import go_on, kept_plan, plan_of
from ressenti.pipeline.models.folders import put_in_place
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import CLASSES
from ressenti.pipeline.turns import windows_of

if TYPE_CHECKING:
    from ressenti.pipeline.lab.evaluation.emotion import EmotionFigures
    from ressenti.pipeline.lab.training.learner import Epoch


def finetune(
    request: Request,
    recipe: Recipe,
    config: Config,
    progress: Progress = ignore_progress,
    tell: Callable[[Epoch], None] = lambda _: None,
) -> Made:
    """Train as requested, or resume the same interrupted run; OUT appears complete or not at all.

    Raises `ConfigError` for too few clips or an interrupted run with other settings, `InputError` for clips that cannot
    be read, `ModelError` for a damaged or unsuitable base, `OutputExistsError`, `OutputError` and `DiskFullError`.
    """
    from filelock import FileLock, Timeout

    work = request.out.resolve().with_name(f".{request.out.resolve().name}.partial")
    lock = work.with_name(f"{work.name}.lock")
    _check_free(request, work)
    base = find_base(request.base)
    clips, left_out = with_class(read_clips(request.manifest), config.affect)
    _check_classes(divide(clips, base.learned, recipe.seed), clips, allow_missing=request.allow_missing)
    with writing(work):
        work.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            with writing(work):
                if request.overwrite and is_there(work):
                    shutil.rmtree(work)
                work.mkdir(exist_ok=True)
            made = _finetune(request, recipe, config, base, (clips, left_out), work, progress, tell)
            with writing(work):
                shutil.rmtree(work)
    except Timeout as exc:
        raise OutputError(
            f"{request.out}: another training run is using this folder. Wait for it, or choose another --out."
        ) from exc
    lock.unlink(missing_ok=True)
    return made


def _finetune(
    request: Request,
    recipe: Recipe,
    config: Config,
    base: Base,
    labelled: tuple[list[Clip], dict[str, int]],
    work: Path,
    progress: Progress,
    tell: Callable[[Epoch], None],
) -> Made:
    from ressenti.pipeline.emotion.waveforms import Waveforms
    from ressenti.pipeline.lab.training.fit import fit
    from ressenti.pipeline.lab.training.learner import Learner, Windows, begin_at_odds

    device, dtype = place(_computed(config).emotion)
    material = _gather(request, recipe, config, base, labelled, work, progress)
    go_on(plan_of(recipe, config, base, material, (device, dtype), replaces=request.overwrite), work, request.out)
    if device == "cpu":
        use_all_cores()
    model, own_head = load_base(base, recipe.seed)
    waveforms = Waveforms(base.checkpoint.extractor, model.config)
    train, validation = material.labels("train"), material.labels("validation")
    if not own_head:
        begin_at_odds(model, list(train.values()), recipe.heaviest)
    crop = round(recipe.max_crop_s * RATE_HZ)
    lessons = Lessons(material.sounds, tuple(train), recipe.batch, crop, recipe.seed, waveforms.pads)
    windows = Windows(material.sounds, _windows(material, tuple(validation), config), validation)
    learner = Learner(model, waveforms, lessons, train, windows, recipe)
    curve = fit(learner, (device, dtype), work, progress, tell)
    folder = work / "model"
    with writing(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_model(model, base, folder)
    figures, at_thresholds = _tested(folder, material, config, progress)
    made = Made(request.out, base, own_head, material, curve, figures, at_thresholds, (device, dtype))
    with writing(request.out):
        write_papers(made, request, recipe, config, folder)
        put_in_place(folder, request.out.resolve())
    return made


def _check_free(request: Request, work: Path) -> None:
    out = request.out
    if is_there(out) and not is_folder(out):
        raise OutputError(f"{out}: is a file; expected a new folder. Choose another --out.")
    if is_folder(out) and not request.overwrite and not ((kept := kept_plan(work)) and kept.replaces):
        raise OutputExistsError(f"{out}: already exists. Add --overwrite to train again, or choose another --out.")


def _check_classes(parts: Partition, clips: Sequence[Clip], *, allow_missing: bool) -> None:
    """Raise `ConfigError` if a class has no training clip, unless that is allowed."""
    missing = missing_classes(parts.train)
    if len(missing) >= len(CLASSES) - 1:
        raise ConfigError(f"classes to train: {len(CLASSES) - len(missing)}; expected at least two. Add clips.")
    if not missing or allow_missing:
        return
    nowhere = missing_classes(clips)
    raise ConfigError(
        f"no training clip of {', '.join(missing)}"
        + (f" ({', '.join(nowhere)}: no clip at all)" if nowhere else "; only validation or test speakers have them")
        + ". Add clips, or add --allow-missing for a model without these classes; its reports will say so."
    )


def _gather(
    request: Request,
    recipe: Recipe,
    config: Config,
    base: Base,
    labelled: tuple[list[Clip], dict[str, int]],
    work: Path,
    progress: Progress,
) -> Material:
    sounds, clips, short = gather(labelled[0], work / "sound.raw", config, progress)
    parts = divide(clips, base.learned, recipe.seed)
    _check_classes(parts, clips, allow_missing=request.allow_missing)
    brief = {f"shorter than {config.emotion.min_judged_s} s": short} if short else {}
    return Material(parts, tuple(clips), sounds, labelled[1] | brief)


def _windows(material: Material, rows: Sequence[int], config: Config) -> tuple[tuple[int, int, int, float], ...]:
    """Windows of clips to score: speech without pauses, several windows if a clip is long."""
    out = []
    for clip in rows:
        length_s = material.sounds.length(clip) / RATE_HZ
        for start, end, weight in windows_of([(0.0, length_s, length_s)], config.emotion):
            out.append((clip, round(start * RATE_HZ), round(end * RATE_HZ) - round(start * RATE_HZ), weight))
    return tuple(out)


def _computed(config: Config) -> Config:
    """Replace int8, which cannot be trained, with the number format that the machine computes in."""
    if config.emotion.dtype != "int8":
        return config
    return config.model_copy(update={"emotion": config.emotion.model_copy(update={"dtype": "auto"})})


def _tested(
    folder: Path, material: Material, config: Config, progress: Progress
) -> tuple[EmotionFigures, tuple[float, ...]]:
    """Figures of the model on the test speakers, as the product uses it, and F1 of each class at its threshold."""
    from ressenti.pipeline.emotion import wav2vec2
    from ressenti.pipeline.lab.evaluation.emotion import Cut, figures_of, hear

    options = config.emotion.model_copy(update={"labels": None, "activation": "auto"})
    model = wav2vec2.load(folder, options)
    cuts = []
    for i in material.rows("test"):
        length_s = material.sounds.length(i) / RATE_HZ
        plan = tuple(windows_of([(0.0, length_s, length_s)], config.emotion))
        cuts.append(Cut(material.clips[i], material.sounds.cut(i), plan))
    progress("test", 0, None)
    heard = hear(cuts, model, config, alone=True)
    at_thresholds = []
    limits = cast("Mapping[str, float]", config.emotion.thresholds)
    for k, name in enumerate(CLASSES):
        pairs = [(h.clip.label == k, h.scores.scores[k] >= limits[name]) for h in heard]
        both, seen = sum(a and b for a, b in pairs), sum(a + b for a, b in pairs)
        at_thresholds.append(2 * both / seen if seen else 0.0)
    return figures_of(heard, config), tuple(at_thresholds)
