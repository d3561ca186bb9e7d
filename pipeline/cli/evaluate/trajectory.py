"""`ressenti evaluate trajectory`: trajectories against the known truth of a conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal, counted, interval, number
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError, NoSpeechError, NotFoundError, RessentiError
from ressenti.pipeline.files.paths import existing
from ressenti.pipeline.records import CLASSES
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.config import Config
    from ressenti.pipeline.emotion.interface import EmotionModel
    from ressenti.pipeline.lab.evaluation.trajectories import Observation
    from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment
    from ressenti.pipeline.loaded_models import Models

TRUE, FOUND = "true turns", "end to end"
Row = dict[str, Any]


def trajectory(
    folder: Annotated[
        Path, typer.Argument(help="Folder of conversations with NAME.emotions.csv files (see simulate).")
    ],
    model: Annotated[
        list[str] | None, typer.Option(help="builtin, or a folder of weights; repeat to compare models.")
    ] = None,
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Measure how well valence and arousal per speaker follow the truth, and whether the tensest minute is found.

    Each conversation is analysed twice: with its true turns, which tests the emotion model alone, and end to end with
    the number of speakers given. CCC compares the trajectories, smoothed as in the report, over all times of all
    speakers; F1 counts seconds.

    The JSON holds one object per scene (folder), model and way under `results`, with the fields of
    `pipeline.lab.evaluation.trajectories.Summary`. Classes are in the order of `classes`; rows of `confusion_s` are the
    true classes; the last share in `unlabelled` is unsure.
    """
    from ressenti.pipeline.emotion import name_of, needed
    from ressenti.pipeline.lab.evaluation.trajectories import summarise
    from ressenti.pipeline.loaded_models import Models

    terminal = Terminal()
    options = load_config(config)
    existing(folder, "a folder of conversations made by ressenti simulate")
    found = sorted(folder.rglob("*.emotions.csv"))
    if not found:
        raise NotFoundError(
            f"{folder}: contains no NAME.emotions.csv; expected conversations made by ressenti simulate."
        )
    collected: dict[tuple[str, str, str], list[Observation]] = {}
    failed, models = 0, Models()
    with terminal.progress(counted(len(found), "conversation")) as progress:
        for name in dict.fromkeys(model or [name_of(options.emotion, options.use)]):
            judge = needed(options.emotion.model_copy(update={"model": name}), options.use)
            for done, path in enumerate(found, start=1):
                scene = path.parent.relative_to(folder).as_posix()
                try:
                    for way, observation in _observe(path, options, judge, models).items():
                        collected.setdefault((scene, name, way), []).append(observation)
                except RessentiError as error:
                    failed = terminal.fail(error, path)
                progress("conversations", done, len(found))
    rows: list[Row] = [
        {"scene": scene, "model": name, "way": way} | rounded(asdict(summarise(observations)))
        for (scene, name, way), observations in sorted(collected.items())
    ]
    for table in (_courses(rows), _classes(rows), _unlabelled(rows)):
        terminal.show(table, width=160)
        terminal.out.print()
    if json_file is not None:
        figures = {"folder": str(folder), "config": config, "classes": CLASSES, "results": rows}
        store.write_whole({json_file: json.dumps(figures, indent=1, allow_nan=False) + "\n"})
    raise typer.Exit(failed)


def _observe(path: Path, options: Config, judge: EmotionModel, models: Models) -> dict[str, Observation]:
    from ressenti.pipeline.diarization.fake import FakeDiarizer
    from ressenti.pipeline.lab.evaluation.diarization import compare
    from ressenti.pipeline.lab.evaluation.references import recording_beside
    from ressenti.pipeline.lab.evaluation.trajectories import observe
    from ressenti.pipeline.lab.labelled_speech.truth import as_found, read_truth
    from ressenti.pipeline.lab.simulation.voices import name_of
    from ressenti.pipeline.run import analyze

    truth = read_truth(path)
    if known_voices := {s.speaker for s in truth} & {name_of(who) for who in judge.learned}:
        listed = ", ".join(sorted(known_voices))
        raise ConfigError(f"{path.name}: {judge.info.name} was trained on {listed}. Simulate with other speakers.")
    recording = recording_beside(path, ".emotions.csv")
    segments, names = as_found(truth)
    true_diarizer = FakeDiarizer([(s.start_s, s.end_s, s.speaker) for s in segments])
    known = analyze(recording, _given(options, truth), diarizer=true_diarizer, emotion_model=judge)
    out = {TRUE: observe(known, truth, names, options)}
    try:
        analysed = analyze(recording, _given(options, truth), emotion_model=judge, models=models)
    except NoSpeechError:  # counts as a result without turns
        out[FOUND] = observe(replace(known, turns=(), trajectories=()), truth, {}, options)
        return out
    result = compare(analysed.diarization.segments, segments, [(0.0, analysed.recording.duration_s)])
    speakers = {label: speaker for speaker, label in names.items()}
    matched = {speakers[true]: found for found, true, _ in result.matches}
    out[FOUND] = observe(analysed, truth, matched, options)
    return out


def _given(options: Config, truth: Sequence[TruthSegment]) -> Config:
    """Options with the true number of speakers, split channels if each speaker has one, and no words."""
    count = len({s.speaker for s in truth})
    channels = "split" if len({s.channel for s in truth}) > 1 else "mono"
    return options.model_copy(
        update={
            "diarization": options.diarization.model_copy(update={"speakers": count}),
            "audio": options.audio.model_copy(update={"channels": channels}),
            "words": options.words.model_copy(update={"model": "off"}),
        }
    )


def _courses(rows: Sequence[Row]) -> Table:
    title = (
        "Trajectories: CCC over time (95 % over people, too narrow with fewer than 8), correlation within speakers;\n"
        "tensest minute: found, chance level, share of its tension in the chosen minute"
    )
    table = _table(
        title,
        "calls",
        "people",
        "covered",
        "arousal",
        "95 %",
        "within",
        "valence",
        "95 %",
        "within",
        "minute",
        "chance",
        "tension",
    )
    for row in rows:
        if row["arousal_ccc"] is None and row["valence_ccc"] is None:
            continue
        cells = [str(row["conversations"]), str(row["people"]), number(row["covered"])]
        for axis in ("arousal", "valence"):
            cells += [number(row[f"{axis}_ccc"]), interval(row[f"{axis}_ccc_interval"]), number(row[f"{axis}_within"])]
        minute = f"{row['minutes_found']} of {row['minutes']}" if row["minutes"] else "–"
        table.add_row(*_about(row), *cells, minute, number(row["minutes_by_chance"]), number(row["minutes_recovered"]))
    return table


def _classes(rows: Sequence[Row]) -> Table:
    table = _table("Classes: F1 of seconds", *CLASSES, "macro F1", "95 %", "scored", "unsure")
    for row in rows:
        if row["macro_f1"] is None:
            continue
        f1 = [number(f) if s else "–" for f, s in zip(row["f1"], row["support_s"], strict=True)]
        macro = (number(row["macro_f1"]), interval(row["macro_f1_interval"]))
        table.add_row(*_about(row), *f1, *macro, number(row["judged"]), number(row["unsure"]))
    return table


def _unlabelled(rows: Sequence[Row]) -> Table:
    table = _table("Unlabelled speech (read aloud): share of seconds by class", *CLASSES, "unsure")
    for row in rows:
        if row["unlabelled"] is not None:
            table.add_row(*_about(row), *map(number, row["unlabelled"]))
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("scene", "model", "way"):
        table.add_column(heading, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _about(row: Row) -> tuple[str, str, str]:
    return escape(row["scene"]), escape(row["model"]), row["way"]
