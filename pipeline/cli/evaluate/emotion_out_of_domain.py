"""`ressenti evaluate emotion --unlike`: how unsure models are of sounds unlike their training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, counted, number
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.records import CLASSES
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.config import Config
    from ressenti.pipeline.emotion.interface import EmotionModel

Row = dict[str, Any]
ALL = "all"


def unlike_rows(
    sources: Sequence[str], models: Sequence[tuple[str, EmotionModel]], config: Config, terminal: Terminal
) -> tuple[list[Row], int]:
    """One row per model and sound, then one per source; and the exit code of the last unreadable sound, or 0."""
    from ressenti.pipeline.lab.evaluation.out_of_domain import Doubt, doubt_of, samples_of, sounds_of, together

    rows: list[Row] = []
    failed = 0
    for source in dict.fromkeys(sources):
        sounds = list(sounds_of(source))
        found: dict[str, list[Doubt]] = {name: [] for name, _ in models}
        with terminal.progress(f"{source}, {counted(len(sounds), 'sound')}") as progress:
            for done, (label, sound) in enumerate(sounds, start=1):
                try:
                    samples = samples_of(sound)
                except RessentiError as error:
                    failed = terminal.fail(error)
                    continue
                for name, model in models:
                    found[name].append(doubt_of(label, samples, model, config))
                progress("clips", done, len(sounds))
        for name, doubts in found.items():
            total = Doubt(
                ALL,
                sum(doubt.length_s for doubt in doubts),
                together([doubt.heard for doubt in doubts]),
                together([doubt.taken for doubt in doubts]),
            )
            rows += [{"model": name, "source": source} | rounded(asdict(doubt)) for doubt in (*doubts, total)]
    return rows, failed


def show_unlike(rows: Sequence[Row], terminal: Terminal) -> None:
    """Print a table for each model and source."""
    for model, source in dict.fromkeys((row["model"], row["source"]) for row in rows):
        title = f"[bold]{escape(source)}[/], {escape(model)}: sounds unlike its training data; shares of scored seconds"
        table = Table(box=None, pad_edge=False, title=title, title_justify="left")
        table.add_column("sound", no_wrap=True)
        for heading in ("seconds", "detected", "unsure", *(name[:4] for name in CLASSES), "forced", "unsure"):
            table.add_column(heading, justify="right", no_wrap=True)
        for name in CLASSES:
            table.add_column(name[:4], justify="right", no_wrap=True)
        for row in (row for row in rows if (row["model"], row["source"]) == (model, source)):
            cells = [cell for which in ("heard", "taken") for cell in _cells(row[which])]
            table.add_row(escape(row["name"]), number(row["length_s"], 1), *cells)
        terminal.show(table, width=160)
        terminal.out.print()
    terminal.say(
        "[dim]detected: seconds that the speech detector accepts, scored as turns of one speaker; forced: all sound "
        "treated as speech. unsure, and the classes of the rest: shares of the scored seconds.[/]"
    )


def _cells(figures: Row) -> list[str]:
    classes = figures["classes"] or [None] * len(CLASSES)
    return [number(figures["judged_s"], 1), number(figures["unsure"]), *(number(share) for share in classes)]
