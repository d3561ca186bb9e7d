"""`ressenti evaluate diarization`: who spoke when, against a reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.lab.evaluation.diarization import Comparison, DiarizationError, Total, compare, total
from ressenti.pipeline.lab.evaluation.exchanges import Hits
from ressenti.pipeline.lab.evaluation.overlap import Overlap, share
from ressenti.pipeline.lab.evaluation.references import Reference, find_references
from ressenti.pipeline.lab.evaluation.turn_emotions import EmotionErrors
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.loaded_models import Models

COUNTS = ("given", "free")
"""Whether the number of speakers is given or estimated."""

_COUNTED = ("files", "right", "near", "sure", "sure_right", "monologues", "split")
_RATIOS = ("precision", "recall", "f1")

Json = Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")]


@dataclass(frozen=True)
class _Row:
    """A recording, its folder relative to the argument, and its comparison or error by count."""

    folder: str
    name: str
    results: dict[str, Comparison | RessentiError]


def diarization(
    folder: Annotated[Path, typer.Argument(help="Folder of recordings with RTTM (and UEM) files beside them.")],
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    *,
    sounds: Annotated[
        bool, typer.Option("--sounds", help="First leave out music and tones, as `analyze` does.")
    ] = False,
    json_file: Json = None,
) -> None:
    """Diarization error rates against a reference, with the number of speakers given and free.

    Overlap is scored, and measured by itself in frames of 10 ms. Interruptions and backchannels are counted in the
    reference and in what was found by the rules of an analysis; one is right if it overlaps a true one of the same
    speaker. If NAME.emotions.csv (start_s,end_s,speaker,label) lies beside a recording, errors are also counted by
    emotion. The JSON holds, for each of `files`, each of `folders` with several files and `total`, and for the count
    `given` and `free`: `errors` (seconds of each kind by collar, and `rate`: errors over seconds of reference speech),
    `jaccard` (mean over files), `boundary_s` (median), `overlap` (seconds of speech, and of overlap that is true, found
    or both; `f1`; `invented`: overlap found where there is none, over speech; and errors in true overlap without a
    collar, with their `rate`), `interruptions` and `backchannels` (how many are true, found and right; `precision`,
    `recall`, `f1`), and `by_emotion` (seconds of speech without overlap per emotion, and how many of them were missed
    or given to another speaker). Totals count the `files` whose number of speakers is `right`, `near` (right or off by
    one), `sure` (called sure) and `sure_right`, and how many `monologues` were `split`.
    """
    from ressenti.pipeline.loaded_models import Models

    terminal = Terminal()
    models = Models()
    rows = []
    failed = 0
    for reference in sorted(find_references(folder), key=lambda r: (r.recording.parent, r.recording.name)):
        place = reference.recording.parent.relative_to(folder).as_posix()
        results: dict[str, Comparison | RessentiError]
        try:
            results = dict(_scores(reference, config, models, sounds=sounds))
        except RessentiError as error:
            failed = terminal.fail(error)
            results = dict.fromkeys(COUNTS, error)
        rows.append(_Row("" if place == "." else place, reference.recording.name, results))
        by = "" if reference.source.stem == reference.recording.stem else f", reference {reference.source.name}"
        terminal.note(f"[dim]{escape(reference.recording.name + by)}[/]")
    groups = {place: list(own) for place, own in groupby(rows, key=lambda row: row.folder)}
    whole = _totals(rows)
    # totals of a folder with one file or with all files would repeat other rows
    parts = {place: _totals(own) for place, own in groups.items() if place and 1 < len(own) < len(rows)}
    terminal.show(_table(groups, parts, whole))
    scored = {**parts, "total": whole}
    for table in (_overlap_table(scored), _count_table(scored)):
        terminal.out.print()
        terminal.show(table)
    if any(part is not None and part.by_emotion for part in whole.values()):
        terminal.out.print()
        terminal.show(_emotion_table(whole))
    if json_file is not None:
        figures = {
            "folder": str(folder),
            "config": config,
            "files": [_file_figures(row) for row in rows],
            "folders": {place: _total_figures(part) for place, part in parts.items()},
            "total": _total_figures(whole),
        }
        store.write_whole({json_file: json.dumps(figures, indent=1) + "\n"})
    raise typer.Exit(0 if any(whole.values()) else failed)


def _scores(reference: Reference, config: str, models: Models, *, sounds: bool) -> Iterator[tuple[str, Comparison]]:
    """The comparison for each count; a recording is heard once for both, except by pyannote's pipelines."""
    from ressenti.pipeline.audio import load
    from ressenti.pipeline.audio.channels import lay_out
    from ressenti.pipeline.diarization.builtin import BuiltinDiarizer
    from ressenti.pipeline.diarization.channels import ChannelDiarizer
    from ressenti.pipeline.diarization.interface import Count
    from ressenti.pipeline.sounds import silenced
    from ressenti.pipeline.sounds.builtin import BuiltinSounds

    options = load_config(config)
    recording, sound = load(reference.recording, options.audio)
    layout = lay_out(sound, options.audio.channels, options.audio)
    given = len({segment.speaker for segment in reference.segments})
    limits = options.diarization
    scored = reference.scored or [(0.0, recording.duration_s)]
    diarizer = models.diarizer(layout.mode, limits, options.use)
    no_talk = BuiltinSounds(options.sounds, limits).listen(layout.audio).spans_without_talk if sounds else {}
    with silenced(layout.audio, no_talk):
        heard = diarizer.hear(layout.audio) if isinstance(diarizer, BuiltinDiarizer) else None
        channels = diarizer.hear(layout.audio) if isinstance(diarizer, ChannelDiarizer) else None
        for name in COUNTS:
            count = Count(given if name == "given" else None, limits.min_speakers, limits.max_speakers)
            if heard is not None and isinstance(diarizer, BuiltinDiarizer):
                found = diarizer.name(heard, layout.audio.duration_s, count)
            elif channels is not None and isinstance(diarizer, ChannelDiarizer):
                found = diarizer.name(channels, count)
            else:
                found = diarizer.diarize(layout.audio, count)
            yield (
                name,
                compare(
                    found.segments,
                    reference.segments,
                    scored,
                    emotions=reference.emotions,
                    sure=found.count_confidence == "high",
                    turns=options.turns,
                    dynamics=options.dynamics,
                ),
            )


def _totals(rows: Sequence[_Row]) -> dict[str, Total | None]:
    """Totals by count over the analysed recordings; None if there are none."""
    sums: dict[str, Total | None] = {}
    for count in COUNTS:
        done = [result for row in rows if isinstance(result := row.results[count], Comparison)]
        sums[count] = total(done) if done else None
    return sums


def _file_figures(row: _Row) -> dict[str, Any]:
    figures: dict[str, Any] = {"folder": row.folder, "recording": row.name}
    for count, result in row.results.items():
        if isinstance(result, Comparison):
            figures[count] = {
                "speakers": result.speakers,
                "found": result.found,
                "sure": result.sure,
                **_figures(result),
            }
        else:
            figures[count] = {"error": str(result)}
    return figures


def _total_figures(part: dict[str, Total | None]) -> dict[str, Any]:
    return {
        count: None if result is None else {name: getattr(result, name) for name in _COUNTED} | _figures(result)
        for count, result in part.items()
    }


def _figures(result: Comparison | Total) -> dict[str, Any]:
    return {
        "errors": [rounded({**asdict(error), "rate": error.rate}, 6) for error in result.errors],
        "jaccard": round(result.jaccard, 4),
        "boundary_s": None if result.boundary_s is None else round(result.boundary_s, 3),
        "overlap": _with_ratios(result.overlap, (*_RATIOS, "invented", "rate")),
        "interruptions": _with_ratios(result.interruptions, _RATIOS),
        "backchannels": _with_ratios(result.backchannels, _RATIOS),
        "by_emotion": [rounded(asdict(error), 6) for error in result.by_emotion],
    }


def _with_ratios(counts: Overlap | Hits, names: Sequence[str]) -> Any:
    return rounded({**asdict(counts), **{name: getattr(counts, name) for name in names}}, 6)


def _table(
    groups: dict[str, list[_Row]], parts: dict[str, dict[str, Total | None]], whole: dict[str, Total | None]
) -> Table:
    title = (
        "DER %, overlap scored, by collar per side; JER %; median boundary error (s); speakers found\n"
        "Totals: DER over all seconds; mean JER and median boundary error over files; files with the right count"
    )
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    table.add_column("recording", no_wrap=True)
    for count in COUNTS:
        for heading in (f"{count}: 0 s", "0.25 s", "JER", "bounds", "found"):
            table.add_column(heading, justify="right", no_wrap=True)
    for place, rows in groups.items():
        for row in rows:
            cells = [_file_cells(row.results[count]) for count in COUNTS]
            table.add_row(escape(row.name), *(cell for group in cells for cell in group))
        if place in parts:
            table.add_row(f"[bold]{escape(place)}[/]", *_total_cells(parts[place]))
    table.add_row("[bold]total[/]", *_total_cells(whole))
    return table


def _file_cells(result: Comparison | RessentiError) -> list[str]:
    if isinstance(result, RessentiError):
        return ["-", "-", "-", "-", "error"]
    return [*_cells(result.errors, result.jaccard, result.boundary_s), f"{result.found} of {result.speakers}"]


def _total_cells(part: dict[str, Total | None]) -> list[str]:
    cells = []
    for result in part.values():
        if result is None:
            cells += ["-", "-", "-", "-", "error"]
        else:
            cells += [*_cells(result.errors, result.jaccard, result.boundary_s), f"{result.right}/{result.files}"]
    return cells


def _cells(errors: Sequence[DiarizationError], jaccard: float, boundary_s: float | None) -> list[str]:
    boundary = "-" if boundary_s is None else f"{boundary_s:.2f}"
    return [*(f"{100 * error.rate:.1f}" for error in errors), f"{100 * jaccard:.1f}", boundary]


def _overlap_table(parts: dict[str, dict[str, Total | None]]) -> Table:
    title = (
        "Overlap and turn-taking, in % (P precision, R recall, F1): frames of overlap; DER of overlapped speech;\n"
        "overlap invented, of speech; interruptions and backchannels"
    )
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("folder", "number"):
        table.add_column(heading, no_wrap=True)
    headings = ("overlap", "found", "F1", "DER", "invented", "interr. P", "R", "F1", "backch. P", "R", "F1")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for place, part in parts.items():
        for count, result in part.items():
            cells = ["-"] * len(headings)
            if result is not None:
                overlap, events = result.overlap, (result.interruptions, result.backchannels)
                shares = (share(overlap.true_s, overlap.speech_s), share(overlap.found_s, overlap.speech_s))
                ratios = (ratio for each in events for ratio in (each.precision, each.recall, each.f1))
                cells = [_percent(v) for v in (*shares, overlap.f1, overlap.rate, overlap.invented, *ratios)]
            table.add_row(escape(place), count, *cells)
    return table


def _count_table(parts: dict[str, dict[str, Total | None]]) -> Table:
    title = "Number of speakers: files with the right one, or within one, those called sure, of these right"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("folder", "number"):
        table.add_column(heading, no_wrap=True)
    for heading in ("files", "right", "within 1", "sure", "sure: right", "monologues", "split"):
        table.add_column(heading, justify="right", no_wrap=True)
    for place, part in parts.items():
        for count, result in part.items():
            if result is None:
                continue
            sure = (result.sure, result.files), (result.sure_right, result.sure)
            cells = [f"{some} ({_percent(share(some, of))} %)" if of else "-" for some, of in sure]
            alone = (f"{result.monologues}", f"{result.split}") if result.monologues else ("-", "-")
            row = (f"{result.files}", f"{result.right}", f"{result.near}", *cells, *alone)
            table.add_row(escape(place), count, *row)
    return table


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _emotion_table(whole: dict[str, Total | None]) -> Table:
    title = "By emotion, in labelled turns without overlap: % missed, % given to another speaker"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    table.add_column("emotion", no_wrap=True)
    for count in COUNTS:
        for heading in (f"{count}: seconds", "missed", "confused"):
            table.add_column(heading, justify="right", no_wrap=True)
    by_count: dict[str, dict[str, EmotionErrors]] = {
        count: {error.label: error for error in part.by_emotion} if part else {} for count, part in whole.items()
    }
    for label in dict.fromkeys(label for errors in by_count.values() for label in errors):
        cells: list[str] = []
        for errors in by_count.values():
            error = errors.get(label)
            if error is None:
                cells += ["-", "-", "-"]
                continue
            shares = (f"{100 * seconds / error.reference_s:.1f}" for seconds in (error.missed_s, error.confusion_s))
            cells += [f"{error.reference_s:.1f}", *shares]
        table.add_row(label, *cells)
    return table
