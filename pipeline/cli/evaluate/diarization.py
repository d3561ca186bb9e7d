"""`ressenti evaluate diarization`: who spoke when, against a reference."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pipeline import store
from pipeline.cli.console import Terminal
from pipeline.config import load_config
from pipeline.errors import RessentiError
from pipeline.evaluation.diarization import Comparison, compare, total
from pipeline.evaluation.references import Reference, find_references

Json = Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")]


def diarization(
    folder: Annotated[Path, typer.Argument(help="Recordings with an RTTM beside them (and UEM where there is one)")],
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    json_file: Json = None,
) -> None:
    """Diarization error rates of recordings with a reference, with the number of speakers given and free.

    Overlap is scored. The JSON holds, per file and in total, seconds of each kind of error by collar; rates are errors
    over seconds of reference speech.
    """
    terminal = Terminal()
    rows: list[dict[str, Any]] = []
    kept: dict[str, list[Comparison]] = {"given": [], "free": []}
    failed = 0
    for reference in find_references(folder):
        row: dict[str, Any] = {"recording": reference.recording.name}
        for count, results in kept.items():
            try:
                result = _score(reference, config, free=count == "free")
            except RessentiError as error:
                failed = terminal.fail(error)
                row[count] = {"error": str(error)}
                continue
            results.append(result)
            row[count] = _figures(result)
        rows.append(row)
        terminal.err.print(f"[dim]{escape(reference.recording.name)}[/]")
    totals = {count: [_rates(asdict(error), error.rate) for error in total(results)] for count, results in kept.items()}
    terminal.out.print(_table(rows, kept, totals))
    if json_file is not None:
        figures = {"folder": str(folder), "config": config, "files": rows, "total": totals}
        store.write_whole({json_file: json.dumps(figures, indent=1) + "\n"})
    raise typer.Exit(failed if not any(kept.values()) else 0)


def _score(reference: Reference, config: str, *, free: bool) -> Comparison:
    from pipeline.audio import load
    from pipeline.diarization import choose
    from pipeline.diarization.interface import Count
    from pipeline.layout import lay_out

    options = load_config(config)
    recording, sound = load(reference.recording, options.audio)
    layout = lay_out(sound, options.audio.channels, options.audio)
    given = len({segment.speaker for segment in reference.segments})
    limits = options.diarization
    count = Count(None if free else given, limits.min_speakers, limits.max_speakers)
    found = choose(layout.mode, options.diarization).diarize(layout.audio, count)
    return compare(found.segments, reference.segments, reference.scored or [(0.0, recording.duration_s)])


def _figures(result: Comparison) -> dict[str, Any]:
    return {
        "speakers": result.speakers,
        "found": result.found,
        "errors": [_rates(asdict(error), error.rate) for error in result.errors],
        "jaccard": round(result.jaccard, 4),
        "boundary_s": None if result.boundary_s is None else round(result.boundary_s, 3),
    }


def _rates(parts: dict[str, Any], rate: float) -> dict[str, Any]:
    return {name: round(value, 6) for name, value in {**parts, "rate": rate}.items()}


def _table(
    rows: list[dict[str, Any]], kept: dict[str, list[Comparison]], totals: dict[str, list[dict[str, Any]]]
) -> Table:
    table = Table(box=None, pad_edge=False, title="DER %, overlap scored, collar per side", title_justify="left")
    table.add_column("recording", no_wrap=True)
    for count in kept:
        for heading in (f"{count}: 0 s", "0.25 s", "JER", "found"):
            table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [escape(row["recording"])]
        for count in kept:
            figures = row[count]
            if "error" in figures:
                cells += ["-", "-", "-", "error"]
                continue
            rates = [f"{100 * error['rate']:.1f}" for error in figures["errors"]]
            cells += [*rates, f"{100 * figures['jaccard']:.1f}", f"{figures['found']} of {figures['speakers']}"]
        table.add_row(*cells)
    cells = ["[bold]total[/]"]
    for count, results in kept.items():
        right = sum(r.found == r.speakers for r in results)
        cells += [*(f"{100 * error['rate']:.1f}" for error in totals[count]), "", f"{right}/{len(results)} right"]
    table.add_row(*cells)
    return table
