"""The settings of an unfinished run, saved beside its checkpoints so that only the same run resumes from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.config import Config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.lab.training.base import Base
from ressenti.pipeline.lab.training.recipe import Recipe

if TYPE_CHECKING:
    from ressenti.pipeline.lab.training.request import Material

_FILE = "plan.json"


@dataclass(frozen=True)
class Plan:
    """Everything that the weights depend on, by name; `replaces` if the result may overwrite an older one."""

    depends: dict[str, Any]
    replaces: bool = False


def plan_of(
    recipe: Recipe, config: Config, base: Base, material: Material, placed: tuple[str, str], *, replaces: bool
) -> Plan:
    """The plan of a training run; long values are hashed."""
    part_of = {clip.path: part for part, own in material.parts.named().items() for clip in own}
    clips = [f"{clip.corpus}\t{clip.speaker}\t{clip.label}\t{part_of[clip.path]}" for clip in material.clips]
    settings = [base.checkpoint.config, base.checkpoint.extractor]
    depends = asdict(recipe) | {
        "weights of the base": base.checkpoint.sha256,
        "settings of the base": _hash(json.dumps(settings, sort_keys=True)),
        "clips, their speakers, classes and parts": _hash("\n".join(clips)),
        "sound of the clips": material.sounds.sha256,
        "emotion.window_s, window_step_s": [config.emotion.window_s, config.emotion.window_step_s],
        "computed in": f"{placed[1]} on {placed[0]}",
    }
    return Plan(depends, replaces)


def kept_plan(work: Path) -> Plan | None:
    """The plan of the run that was interrupted in this folder, or None."""
    try:
        found = json.loads((work / _FILE).read_text(encoding="utf-8"))
        return Plan(dict(found["depends"]), bool(found["replaces"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def go_on(plan: Plan, work: Path, out: Path) -> None:
    """Save the plan in the folder; raises `ConfigError` if a run with another plan was started there."""
    kept = kept_plan(work)
    if kept is None:
        for path in work.glob("*.ckpt*"):  # of unknown origin
            path.unlink()
        aside = work / f"{_FILE}.partial"
        with writing(aside):
            aside.write_text(json.dumps(asdict(plan), indent=1) + "\n", encoding="utf-8")
            aside.replace(work / _FILE)
        return
    changed = [
        f"{name}: {_short(kept.depends.get(name))} before, {_short(value)} now"
        for name, value in plan.depends.items()
        if kept.depends.get(name) != value
    ]
    if changed:
        raise ConfigError(
            f"{out}: the interrupted training run there has other settings ({'; '.join(changed)}). Repeat its command "
            "to resume it, or add --overwrite to start again."
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _short(value: object) -> object:
    return value[:12] if isinstance(value, str) and len(value) == 64 else value
