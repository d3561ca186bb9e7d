"""`ressenti evaluate voices`: how surely known voices are known again, and how seldom strangers are taken for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal, number
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.lab.evaluation.voices import Strangers, VoiceFigures


def voices(
    folder: Annotated[Path, typer.Argument(help="Labelled speech: a manifest, or a folder with one.")],
    false_alarm: Annotated[
        float, typer.Option(help="Probability that a stranger is named.", min=1e-5, max=0.1)
    ] = 0.001,
    strangers: Annotated[
        bool, typer.Option("--strangers", help="Show likenesses of strangers, which limits come from.")
    ] = False,
    development: Annotated[
        bool, typer.Option("--development", help="Take speakers that may be learned from, not those held out.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Misses of known voices and false alarms of strangers, clean and by telephone, by seconds of speech and emotion.

    People are enrolled with up to 30 seconds of their clips and heard in others; with emotions, enrolled with neutral
    and calm clips. Only held-out speakers of our corpora take part, and all of other corpora. Each heard voice is
    compared with one known voice at a time. Intervals (95 %) are a bootstrap over people. The JSON holds the fields of
    `pipeline.lab.evaluation.voices.VoiceFigures`, or of `Strangers` with --strangers.
    """
    from ressenti.pipeline.lab.evaluation import voices as lab
    from ressenti.pipeline.lab.labelled_speech.corpora import read_clips, seen, unseen

    terminal = Terminal()
    clips = (seen if development else unseen)(read_clips(folder, labelled=False))
    people = {clip.who for clip in clips}
    if len(people) < 2:
        raise ConfigError(f"{folder}: {len(people)} speakers that may take part; expected two or more.")
    rows: Sequence[Strangers] | Sequence[VoiceFigures]
    with terminal.progress(str(folder)) as progress:
        if strangers:
            rows = alike = lab.strangers(lab.first_voices(clips, progress=progress))
            table = _strangers_table(alike)
        else:
            rows = found = lab.figures_of(list(lab.enrolments(clips, progress=progress)), false_alarm)
            table = _table(found, false_alarm)
    terminal.show(table)
    terminal.say(f"{len(people)} people, {len(clips)} clips")
    if json_file is not None:
        figures = {"folder": str(folder), "false_alarm": false_alarm, "rows": [asdict(row) for row in rows]}
        store.write_whole({json_file: json.dumps(rounded(figures), indent=1) + "\n"})


def _table(rows: Sequence[VoiceFigures], asked: float) -> Table:
    table = Table(
        *("enrolled, heard", "emotion", "enrolled s", "heard s", "people", "trials", "limit", "miss %", "95 %"),
        *("false alarms %", "of", f"miss % at {100 * asked:g} %", "likeness own / strangers"),
        box=None,
        pad_edge=False,
    )
    for row in rows:
        found = row.miss_interval
        table.add_row(
            row.way,
            row.emotion or "any",
            number(row.enrolled_s, 0),
            number(row.speech_s, 0),
            str(row.people),
            str(row.trials),
            number(row.limit),
            number(100 * row.miss, 1),
            f"{100 * found.low:.1f}-{100 * found.high:.1f}" if found else "–",
            number(100 * row.false_alarm, 2),
            str(row.strangers),
            number(100 * row.miss_at_own, 1),
            f"{row.mean_own:.2f} / {row.mean_strangers:.2f}",
        )
    return table


def _strangers_table(rows: Sequence[Strangers]) -> Table:
    from ressenti.pipeline.lab.evaluation.voices import QUANTILES

    table = Table(
        *("enrolled, heard", "seconds", "people", "pairs", "mean", "spread", *(f"{100 * q:g} %" for q in QUANTILES)),
        box=None,
        pad_edge=False,
    )
    for row in rows:
        figures = [number(x, 3) for x in (row.mean, row.spread, *row.quantiles)]
        table.add_row(row.way, number(row.speech_s, 0), str(row.people), str(row.pairs), *figures)
    return table
