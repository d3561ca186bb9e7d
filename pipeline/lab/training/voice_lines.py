"""Writes what is known of lines and strangers: `python -m ressenti.pipeline.lab.training.voice_lines LIBRISPEECH`.

From speakers that may be learned from, each heard clean and through a simulated telephone line: the mean embedding, the
directions in which the line moves it (nuisance attribute projection), and how alike strangers are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Annotated

import numpy as np
import typer

from ressenti.pipeline import voices
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.lab.evaluation.voices import QUANTILES, Strangers, Voices, first_voices, strangers
from ressenti.pipeline.lab.labelled_speech.corpora import read_clips, seen
from ressenti.pipeline.models import campplus
from ressenti.pipeline.voices import likeness

DIRECTIONS = 8  # the limit by telephone falls from .58 with one to .52 with five; more change nothing
LENGTHS_S = (3.0, 5.0, 10.0)
_LEARNED_S = 10.0
_DECIMALS = 5


def learned(found: Voices) -> tuple[FloatArray, FloatArray]:
    """Mean embedding (192,) and directions (k, 192) of what the line does to people."""
    clean, line = found[_LEARNED_S, False], found[_LEARNED_S, True]
    both = sorted(clean.keys() & line.keys())
    first, second = (np.stack([those[who] for who in both]) for those in (clean, line))
    _, _, axes = np.linalg.svd(second - first, full_matrices=False)
    return np.concatenate([first, second]).mean(axis=0), axes[:DIRECTIONS]


def spreads(rows: Sequence[Strangers]) -> dict[str, float]:
    """By seconds, the least normal spread around 0 that no way and no quantile exceeds."""
    out: dict[str, float] = {}
    for row in rows:
        needed = max(q / NormalDist().inv_cdf(p) for q, p in zip(row.quantiles, QUANTILES, strict=True))
        key = f"{row.speech_s:g}"
        out[key] = round(max(out.get(key, 0.0), needed), 4)
    return out


def main(
    folder: Annotated[Path, typer.Argument(help="LibriSpeech, with a speakers.csv")],
    out: Annotated[Path, typer.Option(help="folder for the file")] = Path(voices.__file__).parent,
) -> None:
    """Write `lines.json`."""
    found = first_voices(seen(read_clips(folder, labelled=False)), LENGTHS_S)
    mean, directions = learned(found)
    path = out / likeness.FILE
    about = {
        "source": "LibriSpeech (CC BY 4.0), Panayotov et al. 2015",
        "people": len(found[_LEARNED_S, True]),
        "model_sha256": campplus.info().sha256,
        "strangers": {},
        "mean": [round(float(x), _DECIMALS) for x in mean],
        "directions": [[round(float(x), _DECIMALS) for x in row] for row in directions],
    }
    path.write_text(json.dumps(about) + "\n", encoding="utf-8")
    likeness.lines.cache_clear()
    rows = strangers(found)
    path.write_text(json.dumps(about | {"strangers": spreads(rows)}) + "\n", encoding="utf-8")
    for row in rows:
        quantiles = " ".join(f"{q:.3f}" for q in row.quantiles)
        typer.echo(f"{row.way:22} {row.speech_s:4g} s {row.pairs:6} pairs {row.mean:.3f} {row.spread:.3f} {quantiles}")


if __name__ == "__main__":
    typer.run(main)
