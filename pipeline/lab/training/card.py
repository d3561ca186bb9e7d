"""The model card of a trained model: training.json for machines and README.md for people, from the same values."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ressenti.pipeline.config import Config
from ressenti.pipeline.emotion.trained import FILE, FORMAT
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.lab.training.folds import missing_classes
from ressenti.pipeline.lab.training.recipe import Recipe
from ressenti.pipeline.records import CLASSES
from ressenti.pipeline.version import PROGRAM

if TYPE_CHECKING:
    from ressenti.pipeline.lab.training.request import Made, Request

_NON_COMMERCIAL = re.compile(r"\bNC\b|non[- ]?commercial|no commercial|research only", re.IGNORECASE)


def write_papers(made: Made, request: Request, recipe: Recipe, config: Config, folder: Path) -> None:
    """Write README.md and training.json into the folder of the model's weights."""
    from jinja2 import Environment, StrictUndefined

    about = _about(made, request, recipe, config, digest_of(folder / "model.safetensors"))
    text = json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
    template = (resources.files("ressenti.pipeline.lab.training") / "card.md.jinja").read_text(encoding="utf-8")
    page = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701  # Markdown
    (folder / "README.md").write_text(page.from_string(template).render(about), encoding="utf-8")


def allows(request: Request, licence: str, base: bool | None) -> bool | None:
    """Whether the model may be used commercially, as far as its base and its licence allow; None if unknown."""
    forbidden = base is False or _NON_COMMERCIAL.search(licence)
    return False if forbidden else request.commercial or None


def _about(made: Made, request: Request, recipe: Recipe, config: Config, sha256: str) -> dict[str, Any]:
    """Every fact about the training; speakers by corpus, classes in the order of `classes`."""
    base, parts = made.base, made.material.parts
    licence = (
        request.licence or f"not stated; the base's ({base.licence or 'unknown'}) and rights in the recordings apply"
    )
    heard = {clip.who for clip in (*parts.train, *parts.validation)}
    return {
        "format": FORMAT,
        "program": PROGRAM,
        "libraries": {name: metadata.version(name) for name in ("lightning", "torch", "transformers")},
        "command": request.command,
        "sha256": sha256,
        "licence": licence,
        "commercial": allows(request, licence, base.commercial),
        "learned": _by_corpus(base.learned | heard),
        "without_examples": missing_classes(parts.train),
        "base": {
            "name": base.name,
            "sha256": base.checkpoint.sha256,
            "licence": base.licence,
            "head": "continued" if made.own_head else "begun anew",
        },
        "manifest": {"name": request.manifest.name, "sha256": _manifest_sha256(request.manifest)},
        "left_out": made.material.left_out,
        "classes": CLASSES,
        "parts": {
            name: {
                "speakers": _by_corpus({clip.who for clip in clips}),
                "clips": [sum(clip.label == k for clip in clips) for k in range(len(CLASSES))],
            }
            for name, clips in parts.named().items()
        },
        "recipe": asdict(recipe),
        "computed": f"{made.placed[1]} on {made.placed[0]}",
        "anchors": {name: config.affect.anchors[name] for name in CLASSES},
        "curve": [_figures(asdict(epoch)) for epoch in made.curve],
        "best_epoch": max(made.curve, key=lambda epoch: epoch.macro_f1).number,
        "thresholds": [cast("Mapping[str, float]", config.emotion.thresholds)[name] for name in CLASSES],
        "test": _test(made),
    }


def _test(made: Made) -> dict[str, Any]:
    found = made.figures
    return {
        "clips": found.clips,
        "speakers": found.speakers,
        "support": found.support,
        "macro_f1_interval": _figures(asdict(found.macro_f1_interval)) if found.macro_f1_interval else None,
        "f1": [round(f1, 4) for f1 in found.f1],
        "f1_at_thresholds": [round(f1, 4) for f1 in made.at_thresholds],
        **_figures({name: getattr(found, name) for name in ("macro_f1", "sure_share", "sure_right")}),
    }


def _figures(values: dict[str, Any]) -> dict[str, Any]:
    """Round floats to four decimals; NaN becomes None, since JSON has no NaN."""
    return {
        key: (None if math.isnan(value) else round(value, 4)) if isinstance(value, float) else value
        for key, value in values.items()
    }


def _by_corpus(speakers: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for corpus, name in sorted(speakers):
        out.setdefault(corpus, []).append(name)
    return out


def _manifest_sha256(path: Path) -> str:
    """SHA-256 of the manifest; for a folder, of its labels.csv files concatenated, or of its file names."""
    if is_file(path):
        return digest_of(path)
    own = [path / "labels.csv"] if is_file(path / "labels.csv") else sorted(path.glob("*/labels.csv"))
    data = b"".join(p.read_bytes() for p in own) or "\n".join(sorted(p.name for p in path.rglob("*"))).encode()
    return hashlib.sha256(data).hexdigest()
