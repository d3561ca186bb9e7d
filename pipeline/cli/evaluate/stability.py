"""`ressenti evaluate stability`: whether answers stay on real talk, and how much of calm talk is not neutral."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal, counted, number
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.lab.evaluation.stability import Stability


def stability(
    sources: Annotated[list[str], typer.Argument(help="Recordings, or folders of them; each is one row.")],
    model: Annotated[str | None, typer.Option(help="builtin, or a folder of weights.")] = None,
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """How much of real talk is sure, how much of that is not neutral, and whether sure answers stay.

    No labels are needed. Each recording is analysed as usual, without words; then the same excerpts are scored again by
    telephone (300-3,400 Hz, mu-law), as MP3 (24 kb/s), and without their first 0.3 s. *kept* is the share of sure
    excerpts whose class stays. In speech read aloud and in calm meetings, nearly all that is sure and not neutral is
    wrong. The JSON holds the fields of `pipeline.lab.evaluation.stability.Stability` by source.
    """
    from ressenti.pipeline import emotion as models_of
    from ressenti.pipeline.lab.evaluation import stability as lab
    from ressenti.pipeline.lab.evaluation.out_of_domain import check_source, sounds_of
    from ressenti.pipeline.loaded_models import Models

    terminal, options = Terminal(), load_config(config)
    chosen = options.emotion if model is None else options.emotion.model_copy(update={"model": model})
    judge = models_of.needed(chosen, options.use)
    rows: dict[str, Stability] = {}
    failed = 0
    for source in dict.fromkeys(sources):
        check_source(source)
    models = Models()
    for source in dict.fromkeys(sources):
        paths = [path for _, path in sounds_of(source) if isinstance(path, Path)]
        found = []
        with terminal.progress(f"{source}, {counted(len(paths), 'recording')}") as progress:
            for done, path in enumerate(paths, start=1):
                try:
                    found.append(lab.answers_of(path, judge, models, options))
                except RessentiError as error:
                    failed = terminal.fail(error)
                progress("recordings", done, len(paths))
            rows[source] = lab.stability_of(found, judge, options)
    terminal.show(_table(rows))
    if json_file is not None:
        figures = {"model": judge.info.name, "sources": {name: asdict(row) for name, row in rows.items()}}
        store.write_whole({json_file: json.dumps(rounded(figures), indent=1) + "\n"})
    if failed:
        raise typer.Exit(failed)


def _table(rows: dict[str, Stability]) -> Table:
    from ressenti.pipeline.lab.evaluation.stability import SAME

    headings = ("talk", "seconds", "sure", "sure, not neutral", "excerpts sure", *(f"kept: {name}" for name in SAME))
    table = Table(*headings, box=None, pad_edge=False)
    for source, row in rows.items():
        kept = [number(row.kept[name]) for name in SAME]
        shares = (number(row.sure), number(row.sure_not_neutral, 3))
        table.add_row(escape(Path(source).name), number(row.scored_s, 0), *shares, str(row.asked), *kept)
    return table
