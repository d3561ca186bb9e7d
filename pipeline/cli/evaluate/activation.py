"""`ressenti evaluate activation`: how well activation by rule ranks labelled speech."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ressenti.pipeline.lab.evaluation.activation import ActivationFigures


def activation(
    folder: Annotated[Path, typer.Argument(help="Labelled speech: a manifest, or a folder with one.")],
    condition: Annotated[
        list[str] | None, typer.Option(help="clean, phone, mp3, babble, noise and others; may be repeated.")
    ] = None,
    development: Annotated[
        bool, typer.Option("--development", help="Take speakers that may be learned from, not those held out.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """How well activation by rule ranks clips of high against low arousal, each against its speaker's other clips.

    No model takes part. Only held-out speakers of our corpora are heard, and all of other corpora. *calm* ranks high
    arousal against neutral and calm clips alone; *within* is the mean over speakers. Intervals (95 %) are a bootstrap
    over speakers. The JSON holds the fields of `pipeline.lab.evaluation.activation.ActivationFigures`.
    """
    from ressenti.pipeline.lab.evaluation import activation as lab
    from ressenti.pipeline.lab.labelled_speech.conditions import CONDITIONS
    from ressenti.pipeline.lab.labelled_speech.corpora import read_clips, seen, unseen

    if unknown := set(condition or []) - set(CONDITIONS):
        raise ConfigError(
            f"--condition: got {', '.join(sorted(unknown))}; expected one or more of {', '.join(CONDITIONS)}."
        )
    terminal, options = Terminal(), load_config().diarization
    clips = [clip for clip in (seen if development else unseen)(read_clips(folder)) if clip.emotion]
    if not clips:
        raise ConfigError(f"{folder}: no clips that may take part; expected labelled clips of unseen speakers.")
    rows = []
    for place in CONDITIONS:
        if place in (condition or ["clean"]):
            with terminal.progress(f"{folder} {place}") as progress:
                heard, unvoiced = lab.hear(clips, place, options, progress)
            rows.append(lab.figures_of(heard, place, unvoiced))
    terminal.show(_table(rows))
    if json_file is not None:
        figures = {"folder": str(folder), "rows": [asdict(row) for row in rows]}
        store.write_whole({json_file: json.dumps(rounded(figures), indent=1) + "\n"})


def _table(rows: Sequence[ActivationFigures]) -> Table:
    emotions = list(dict.fromkeys(name for row in rows for name in row.by_emotion))
    table = Table(
        *("condition", "clips", "speakers", "AUC", "95 %", "calm", "within"), *emotions, box=None, pad_edge=False
    )
    for row in rows:
        table.add_row(
            row.condition,
            str(row.clips),
            str(row.speakers),
            _figure(row.auc),
            f"{row.interval.low:.2f}-{row.interval.high:.2f}" if row.interval else "–",
            _figure(row.auc_calm),
            _figure(row.within),
            *(f"{row.by_emotion.get(name, 0):+.2f}" for name in emotions),
        )
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
