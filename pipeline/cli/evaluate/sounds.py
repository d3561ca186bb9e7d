"""`ressenti evaluate sounds`: what is no talk, and which voices are announcements."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import NotFoundError, RessentiError
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.lab.evaluation.sounds import SoundFigures, TrueSound, compare_sounds
from ressenti.pipeline.rounding import rounded

_ENDINGS = {".flac", ".wav", ".mp3", ".opus", ".ogg", ".m4a"}


def sounds(
    folder: Annotated[Path, typer.Argument(help="Folder of recordings, with RTTM and .sounds.csv files beside them.")],
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Music, tones, announcements and sounds of voices against a known truth.

    NAME.sounds.csv (start_s,end_s,kind) says what is to be heard, as `ressenti simulate` writes it; a recording without
    one has no such sounds. Talk is from NAME.rttm. Emotion is not computed. The JSON holds `files`, `folders` and
    `total` with the seconds and counts of `SoundFigures`.
    """
    terminal = Terminal()
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS)
    if not found:
        raise NotFoundError(f"{folder}: no recordings; expected some with NAME.sounds.csv beside them.")
    by_folder: dict[str, SoundFigures] = {}
    files: dict[str, SoundFigures] = {}
    failed = 0
    for path in found:
        place = path.parent.relative_to(folder).as_posix()
        try:
            figures = _figures(path, config)
        except RessentiError as error:
            failed = terminal.fail(error)
            continue
        by_folder[place] = by_folder.get(place, SoundFigures()) + figures
        files[path.relative_to(folder).as_posix()] = figures
        terminal.note(f"[dim]{escape(path.name)}: {figures.called_s:.1f} s announced[/]")
    total = sum(files.values(), SoundFigures())
    parts = by_folder if len(by_folder) > 1 else {}
    terminal.show(_table({**parts, "total": total}))
    if total.voices:
        terminal.out.print()
        terminal.show(_voice_table(total))
    if json_file is not None:
        data = {
            "folder": str(folder),
            "config": config,
            "files": {name: rounded(asdict(own)) for name, own in files.items()},
            "folders": {name: rounded(asdict(own)) for name, own in parts.items()},
            "total": rounded(asdict(total)),
        }
        store.write_whole({json_file: json.dumps(data, indent=1) + "\n"})
    raise typer.Exit(0 if files else failed)


def _figures(path: Path, config: str) -> SoundFigures:
    from ressenti.pipeline.emotion.fake import FakeEmotion
    from ressenti.pipeline.run import analyze

    about, spoken = path.with_suffix(".sounds.csv"), path.with_suffix(".rttm")
    truth = _truth(about) if about.is_file() else ()
    talk = read_rttm(spoken) if spoken.is_file() else None
    conversation = analyze(path, load_config(config), emotion_model=FakeEmotion())
    return compare_sounds(conversation, truth, talk)


def _truth(path: Path) -> tuple[TrueSound, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(TrueSound(float(row["start_s"]), float(row["end_s"]), row["kind"]) for row in rows)


def _table(parts: dict[str, SoundFigures]) -> Table:
    table = Table(title="Sounds that are no talk", title_justify="left")
    table.add_column("recordings")
    for name in (
        "music, tones: s",
        "taken for speech",
        "announcements: s",
        "recognised",
        "talk: s",
        "called announced",
    ):
        table.add_column(name, justify="right")
    table.add_column("false marks in 10 min", justify="right")
    for name, own in parts.items():
        table.add_row(
            escape(name),
            f"{own.played_s:.0f}",
            _percent(own.played_spoken_s, own.played_s),
            f"{own.announced_s:.0f}",
            _percent(own.recognised_s, own.announced_s),
            f"{own.talk_s:.0f}",
            _percent(own.wrongly_s, own.talk_s) if own.talk_s else f"{own.called_s:.1f} s",
            f"{own.false_per_10_min:.1f}",
        )
    return table


def _voice_table(total: SoundFigures) -> Table:
    table = Table(title="Sounds of voices", title_justify="left")
    for name in ("sound", "number", "marked as such", "marked at all"):
        table.add_column(name, justify="left" if name == "sound" else "right")
    everything = tuple(sum(values) for values in zip(*total.voices.values(), strict=True))
    for kind, (count, right, any_) in [*sorted(total.voices.items()), ("all", everything)]:
        table.add_row(kind, str(count), f"{right / count:.2f}", f"{any_ / count:.2f}")
    return table


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
