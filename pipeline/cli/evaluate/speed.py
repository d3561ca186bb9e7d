"""`ressenti evaluate speed`: seconds and peak memory of each stage, and a comparison of emotion models."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline import errors, store
from ressenti.pipeline.cli.console import STAGES, Terminal
from ressenti.pipeline.cli.options import given
from ressenti.pipeline.config import load_config
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.models.parallel import threads
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.audio import Audio
    from ressenti.pipeline.lab.evaluation.speed import Measurement, Ratio

_CHILD = "import time; t = time.monotonic(); from ressenti.pipeline.cli.evaluate.speed import measure; measure(t)"
_RESULT = "measured.json"
_NAMES = {
    **STAGES,
    "loading": "Loading the program",
    "loading_diarizer": "Loading the diarizer",
    "turns": "Making turns",
    "loading_emotion": "Loading the emotion model",
    "deriving": "Deriving trajectories",
}


def speed(
    recording: Annotated[
        Path | None, typer.Argument(help="Recording, repeated to each length.  [default: the included sample]")
    ] = None,
    minutes: Annotated[
        list[float] | None, typer.Option(help="Length in minutes; may be repeated.  [default: 10 and 60]")
    ] = None,
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    model: Annotated[
        list[str] | None,
        typer.Option(help="Emotion model, or int8:, fp32:, bf16: or obvious: before it.  [default: the config's]"),
    ] = None,
    words: Annotated[
        str | None, typer.Option("--words", help="Model of words: auto, builtin, off, an installed one, or a folder.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Number of runs; the fastest counts.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Measure seconds and peak memory of each stage of an analysis, for given lengths of sound.

    Each length and model runs in its own process. Several models take turns and are compared with the first.
    `int8:MODEL` (fp32, bf16) runs a model in that number format; `obvious:MODEL` runs the same weights through
    transformers' own pipeline, turn by turn. If one model runs in several ways, the largest change of a score is shown.
    The JSON holds `recording`, `config`, `repeats`, `machine`, and `lengths`: for each `minutes` its `models`
    (`model`; `stages` and `whole`, each with `seconds`, `seconds_per_minute` of sound, `share` of real time and
    `peak_mb`, null if unknown; `runs_s`, the total of every run; `judging_ms`, the emotion model's mean time for 4 s of
    speech on all cores; start with `taskset -c 0` to use one) and the `ratios` of seconds (`model`, `against`,
    `emotion`, `whole`, `score_change`).
    """
    from ressenti.pipeline.audio import load
    from ressenti.pipeline.cli import sample
    from ressenti.pipeline.emotion import locate, name_of
    from ressenti.pipeline.lab.evaluation.speed import fastest, ratios

    lengths = minutes or [10.0, 60.0]
    if bad := [m for m in lengths if not (math.isfinite(m) and m > 0)]:
        raise errors.ConfigError(f"--minutes: got {bad[0]:g}; expected a length above 0.")
    if repeats < 1:
        raise errors.ConfigError(f"--repeats: got {repeats}; expected 1 or more.")
    options = load_config(config, {"words": given({"model": words})})
    models = model or [name_of(options.emotion, options.use)]
    source = recording or sample.locate()[0]
    _, sound = load(source, options.audio)
    terminal = Terminal()
    if not model and locate(models[0], options.use) is None:
        terminal.say(
            "No emotion model: none that is installed allows commercial use, which this config means. Measured without "
            "one: how activated voices sound, and no classes."
        )
    table = _table(source, repeats)
    figures: list[dict[str, Any]] = []
    against_first: list[Ratio] = []
    for length in lengths:
        runs = _runs(source.stem, sound, length, (config, options.words.model), models, repeats, terminal)
        measured = [fastest(same) for same in runs]
        compared = ratios(measured)
        for row in measured:
            _add(table, row)
        against_first += compared
        figures.append(_figures(length, runs, measured, compared))
    for ratio in against_first:
        _add_ratio(table, ratio)
    terminal.show(table)
    if json_file is not None:
        machine = {"system": platform.platform(), "cpus": threads(), "python": platform.python_version()}
        about = {"recording": source.name, "config": config, "repeats": repeats, "machine": machine}
        store.write_whole({json_file: json.dumps({**about, "lengths": figures}, indent=1) + "\n"})


def measure(started: float) -> None:
    """Analyse one recording as `ressenti analyze` does and write its stages beside it; each child process runs this.

    Without an emotion model that may be used, there is none to time.

    `started` is the start on `time.monotonic`; `sys.argv` holds recording, config, emotion model and model of words. A
    `RessentiError`
    is written instead, by class and message.
    """
    from ressenti.pipeline.lab.evaluation.speed import Clock, TimedDiarizer, TimedEmotion, way_of

    clock = Clock(started)
    path, config = Path(sys.argv[1]), sys.argv[2]
    way, model = way_of(sys.argv[3])
    try:
        from ressenti.pipeline.cli import outputs
        from ressenti.pipeline.emotion import locate
        from ressenti.pipeline.run import analyze

        dtype: dict[str, object] = {} if way in (None, "obvious") else {"dtype": way}
        options = load_config(config, {"emotion": {"model": model, **dtype}, "words": {"model": sys.argv[4]}})
        clock.end("loading")
        there = locate(options.emotion.model, options.use) is not None
        timed = TimedEmotion(options.emotion, clock, options.use, obvious=way == "obvious") if there else None
        conversation = analyze(
            path,
            options,
            diarizer=TimedDiarizer(options.diarization, clock, options.use),
            emotion_model=timed,
            progress=clock.hook,
        )
        clock.end("deriving")
        (plan,) = outputs.plan([path], path.parent / "out", outputs.DEFAULT)
        store.write_whole(outputs.rendered(conversation, plan.paths))
        clock.end("report")
        result: dict[str, Any] = {
            "stages": [asdict(stage) for stage in clock.stages()],
            "scores": [w.emotion.scores for turn in conversation.turns for w in turn.windows if w.emotion],
            "heard_s": timed.heard_s if timed else 0.0,
        }
    except errors.RessentiError as error:
        result = {"error": type(error).__name__, "message": str(error)}
    path.with_name(_RESULT).write_text(json.dumps(result), encoding="utf-8")


def _runs(
    name: str,
    sound: Audio,
    minutes: float,
    chosen: tuple[str, str],
    models: list[str],
    repeats: int,
    terminal: Terminal,
) -> list[list[Measurement]]:
    """Measurements of one length by model; each repeat runs all models before the next repeat.

    `chosen` are the config and the model of words.
    """
    from ressenti.pipeline.lab.evaluation.speed import write_repeated

    runs: list[list[Measurement]] = [[] for _ in models]
    with tempfile.TemporaryDirectory(prefix="ressenti-speed-") as folder:
        target = Path(folder) / f"{name}.wav"
        with writing(target):
            write_repeated(sound, minutes, target)
        for _ in range(repeats):
            for model, measurements in zip(models, runs, strict=True):
                measurements.append(_run(target, minutes, chosen, model))
                terminal.note(f"[dim]{minutes:g} min, {escape(model)}: {measurements[-1].whole_s:.1f} s[/]")
    return runs


def _run(recording: Path, minutes: float, chosen: tuple[str, str], model: str) -> Measurement:
    from ressenti.pipeline.lab.evaluation.speed import Measurement, Stage

    config, words = chosen
    result = recording.with_name(_RESULT)
    result.unlink(missing_ok=True)
    # the child imports from the same places as this process, and nothing from the current folder
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)}
    command = [sys.executable, "-P", "-c", _CHILD, str(recording), config, model, words]
    begun = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    whole_s = time.monotonic() - begun
    if done.returncode or not result.is_file():
        message = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise errors.RessentiError(
            f"{minutes:g} minutes with {model}: the measured process ended with code {done.returncode} ({message}). "
            "If it ran out of memory, measure shorter lengths."
        )
    found = json.loads(result.read_text(encoding="utf-8"))
    if "error" in found:
        kind: type[errors.RessentiError] = getattr(errors, found["error"])
        raise kind(f"{minutes:g} minutes with {model}: {found['message']}")
    scores = tuple(tuple(row) for row in found["scores"])
    stages = tuple(Stage(**stage) for stage in found["stages"])
    return Measurement(minutes, model, stages, whole_s, scores, found["heard_s"])


def _figures(
    minutes: float, runs: list[list[Measurement]], measured: list[Measurement], compared: tuple[Ratio, ...]
) -> dict[str, Any]:
    def cost(seconds: float, peak_mb: float | None) -> dict[str, Any]:
        return {
            "seconds": round(seconds, 4),
            "seconds_per_minute": round(seconds / minutes, 4),
            "share": round(seconds / minutes / 60, 6),
            "peak_mb": None if peak_mb is None else round(peak_mb, 1),
        }

    models = [
        {
            "model": row.model,
            "stages": [{"stage": stage.name, **cost(stage.seconds, stage.peak_mb)} for stage in row.stages],
            "whole": cost(row.whole_s, row.peak_mb),
            "runs_s": [round(run.whole_s, 4) for run in same],
            "judging_ms": None if row.judging_ms is None else round(row.judging_ms, 2),
        }
        for row, same in zip(measured, runs, strict=True)
    ]
    return {"minutes": minutes, "models": models, "ratios": [_rounded(ratio) for ratio in compared]}


def _rounded(ratio: Ratio) -> dict[str, Any]:
    about = {"model": ratio.model, "against": ratio.against, "emotion": ratio.emotion, "whole": ratio.whole}
    return {**rounded(about), "score_change": rounded(ratio.score_change, 6)}


def _table(source: Path, repeats: int) -> Table:
    counted = f"shortest time and highest memory of {repeats} runs" if repeats > 1 else "one run of each"
    title = f"{escape(source.name)} repeated to each length; {counted}"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("minutes", "model", "stage", "seconds", "s per minute", "of real time", "peak MB"):
        text = heading in ("model", "stage")
        table.add_column(heading, justify="left" if text else "right", no_wrap=not text)
    return table


def _add(table: Table, row: Measurement) -> None:
    costs = [(_NAMES.get(s.name, s.name), s.seconds, s.peak_mb) for s in row.stages]
    which = [f"{row.minutes:g}", escape(row.model)]
    for name, seconds, peak_mb in [*costs, ("[bold]whole command[/]", row.whole_s, row.peak_mb)]:
        table.add_row(
            *which,
            name,
            f"{seconds:.2f}",
            f"{seconds / row.minutes:.3f}",
            f"{seconds / row.minutes / 60:.4f}",
            "-" if peak_mb is None else f"{peak_mb:.0f}",
        )
        which = ["", ""]
    if row.judging_ms is not None:
        table.add_row(*which, "scoring 4 s of speech", f"{row.judging_ms / 1000:.4f}", "", "", "")


def _add_ratio(table: Table, ratio: Ratio) -> None:
    stage = "-" if ratio.emotion is None else f"× {ratio.emotion:.2f}"
    rows = [(_NAMES["emotion"], stage), ("whole command", f"× {ratio.whole:.2f}")]
    if ratio.score_change is not None:
        rows.append(("largest score change", f"{ratio.score_change:.4f}"))
    for name, value in rows:
        table.add_row(
            f"{ratio.minutes:g}", escape(ratio.model), f"{name} vs {escape(ratio.against)}", value, "", "", ""
        )
