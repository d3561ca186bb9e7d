"""`ressenti evaluate emotion`: how it sounded, against labelled speech."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
from rich.markup import escape
from rich.table import Table

from pipeline import store
from pipeline.cli.console import Terminal, counted, interval, number, rounded
from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.models.installed import resolved
from pipeline.records import CLASSES

if TYPE_CHECKING:
    from pipeline.emotion.interface import EmotionModel
    from pipeline.evaluation.emotion import Heard
    from pipeline.training.corpora import Clip

Row = dict[str, Any]
Candidate: TypeAlias = "tuple[str, EmotionModel, Sequence[Clip]]"
"""Name, model, and the clips to test it on."""


def emotion(
    material: Annotated[Path, typer.Argument(help="Folder of labelled speech, RAVDESS, or a CSV manifest")],
    model: Annotated[list[str] | None, typer.Option(help="builtin, or a folder of weights; repeat to compare.")] = None,
    condition: Annotated[
        list[str] | None, typer.Option(help="clean, phone, mp3, babble or noise; repeat for several.")
    ] = None,
    protocol: Annotated[
        Literal["shipped", "zero-shot", "speaker-independent", "leave-one-corpus-out"],
        typer.Option(help="Test the model as it is, or train the built-in one again without what is tested."),
    ] = "shipped",
    data: Annotated[Path | None, typer.Option(help="Labelled corpora to train again on.  [default: MATERIAL]")] = None,
    weights: Annotated[Path | None, typer.Option(help="Keep the weights trained again here, and reuse them.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each training.  [default: as shipped]")] = None,
    details: Annotated[bool, typer.Option("--details", help="Also print confusion and reliability.")] = False,
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """F1, recall, calibration, and valence and arousal of emotion models on labelled speech.

    A manifest has the columns path, speaker and label (or emotion), or valence and arousal. Speakers whom a model
    learned from are left out. Each model is tested with the speaker's other clips as its baseline, and each clip
    alone. Conditions: a telephone line (300-3,400 Hz, 8 kHz mu-law), MP3 at 24 kb/s, six voices or pink noise at
    10 dB.

    The JSON holds one object per model, condition, baseline and corpus under `results`, with the fields of
    `pipeline.evaluation.emotion.EmotionFigures`; classes are in the order of `classes`, rows of `confusion` are the
    true ones; intervals are 95 %, bootstrapped over speakers, and null with fewer than four.
    """
    from pipeline.evaluation.emotion import CONDITIONS
    from pipeline.training.corpora import read_clips

    terminal = Terminal()
    if unknown := set(condition or []) - set(CONDITIONS):
        raise ConfigError(f"--condition: got {', '.join(sorted(unknown))}; expected some of {', '.join(CONDITIONS)}.")
    clips = read_clips(material)
    skipped: list[str] = []
    candidates = _candidates(protocol, clips, model, config, data, weights, steps, skipped)
    heard: dict[tuple[str, str, str], list[Heard]] = {}
    for place in dict.fromkeys(condition or ["clean"]):
        _hear(clips, candidates, place, config, heard, terminal)
    rows = _rows(heard, config)
    _print(rows, protocol, skipped, terminal, details=details)
    if json_file is not None:
        figures = {"material": str(material), "protocol": protocol, "classes": CLASSES, "left_out": skipped}
        store.write_whole({json_file: json.dumps({**figures, "results": rows}, indent=1, allow_nan=False) + "\n"})


def _candidates(
    protocol: Any,
    clips: Sequence[Clip],
    models: Sequence[str] | None,
    config: str,
    data: Path | None,
    weights: Path | None,
    steps: int | None,
    skipped: list[str],
) -> list[Candidate]:
    """(name, model, clips to test it on) of a protocol; notes in `skipped` what is left out."""
    from pipeline import emotion as models_of
    from pipeline.training.corpora import read_clips

    options = load_config(config).emotion
    if protocol == "shipped":
        out: list[Candidate] = []
        for name in dict.fromkeys(models or [resolved(options.model, "emotion")]):
            model = models_of.choose(options.model_copy(update={"model": name}))
            tested = [clip for clip in clips if clip.who not in model.learned]
            if not tested:
                raise ConfigError(f"{name} learned from every speaker of the material; expected others to test it on.")
            if len(tested) < len(clips):
                known = {clip.who for clip in clips} & model.learned
                those = counted(len(known), "speaker")
                skipped.append(f"{name}: {counted(len(clips) - len(tested), 'clip')} of {those} it learned from")
            out.append((name, model, tested))
        return out
    if models not in (None, [], ["builtin"]):
        raise ConfigError(
            f"--protocol {protocol} trains the built-in model again; other models cannot be. Drop --model."
        )
    return _retrained(protocol, clips, read_clips(data) if data else clips, weights, steps)


def _retrained(
    protocol: Any, clips: Sequence[Clip], material: Sequence[Clip], weights: Path | None, steps: int | None
) -> list[Candidate]:
    import tempfile

    from pipeline.emotion.builtin import BuiltinEmotion
    from pipeline.evaluation.protocols import folds_of, retrain

    folds = folds_of(protocol, clips, material)
    with tempfile.TemporaryDirectory() as folder:
        outs = retrain(folds, weights or Path(folder), steps)
        return [("builtin", BuiltinEmotion(out), fold.test) for out, fold in zip(outs, folds, strict=True)]


def _hear(
    clips: Sequence[Clip],
    candidates: Sequence[Candidate],
    place: Any,
    config: str,
    heard: dict[tuple[str, str, str], list[Heard]],
    terminal: Terminal,
) -> None:
    """Cut every clip once in a condition, and let each model hear its own, with and without the speaker's others."""
    from pipeline.evaluation.emotion import cut_clips, hear

    options = load_config(config)
    wanted = {clip for _, _, tested in candidates for clip in tested}
    with terminal.progress(f"{place}, {counted(len(wanted), 'clip')}") as progress:
        cuts = cut_clips([clip for clip in clips if clip in wanted], options, place, progress)
        for name, model, tested in candidates:
            chosen = set(tested)
            own = [cut for cut in cuts if cut.clip in chosen]
            for baseline in ("own", "alone"):
                heard.setdefault((name, place, baseline), []).extend(
                    hear(own, model, options, alone=baseline == "alone")
                )


def _rows(heard: dict[tuple[str, str, str], list[Heard]], config: str) -> list[Row]:
    from pipeline.evaluation.emotion import figures_of

    rows = []
    for (name, place, baseline), items in heard.items():
        for corpus in sorted({h.clip.corpus for h in items}, reverse=True):
            figures = figures_of([h for h in items if h.clip.corpus == corpus], load_config(config))
            about = {"model": name, "condition": place, "baseline": baseline, "corpus": corpus}
            rows.append(about | rounded(asdict(figures)))
    return rows


def _print(rows: Sequence[Row], protocol: str, skipped: Sequence[str], terminal: Terminal, *, details: bool) -> None:
    for corpus in dict.fromkeys(row["corpus"] for row in rows):
        terminal.show(_table(corpus, protocol, [row for row in rows if row["corpus"] == corpus]), width=160)
        terminal.out.print()
    terminal.say(
        "[dim]F1 by class (own: the clips of a speaker together are the baseline; alone: each for itself). "
        "sure: share at the limit or above, right: of these; A, V: AUC of arousal and valence over all emotions.[/]"
    )
    if details:
        for row in rows:
            terminal.show(_confusion(row))
            terminal.show(_reliability(row))
    if any(row["corpus"] == "ravdess" for row in rows):
        terminal.say("[dim]published: of all 24 actors, by a model that never saw RAVDESS; here there are fewer.[/]")
        terminal.show(_published_own())
    for line in skipped:
        terminal.say(f"[dim]left out: {escape(line)}[/]")


def _table(corpus: str, protocol: str, rows: Sequence[Row]) -> Table:
    first = rows[0]
    support = ", ".join(f"{name} {n}" for name, n in zip(CLASSES, first["support"], strict=True) if n)
    size = f"{counted(first['speakers'], 'speaker')}, {counted(first['clips'], 'clip')}"
    title = f"[bold]{escape(corpus)}[/], {protocol}: {size} ({support})"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("model, condition", "baseline"):
        table.add_column(heading, no_wrap=True)
    for heading in (*CLASSES, "macro F1", "95 %", "micro", "UAR", "ECE", "sure", "right", "A", "V"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        f1 = [f"{f:.2f}" if n else "–" for f, n in zip(row["f1"], row["support"], strict=True)]
        table.add_row(
            f"{escape(row['model'])}, {row['condition']}",
            row["baseline"],
            *f1,
            number(row["macro_f1"], 3),
            interval(row["macro_f1_interval"]),
            *(number(row[key]) for key in ("micro_f1", "recall", "calibration_error", "sure_share", "sure_right")),
            *(number(row[key]) for key in ("arousal_auc", "valence_auc")),
        )
        if row["arousal_ccc"] is not None or row["valence_ccc"] is not None:
            spread = [interval(row[f"{axis}_ccc_interval"]) for axis in ("arousal", "valence")]
            ccc = [number(row[f"{axis}_ccc"], 3) for axis in ("arousal", "valence")]
            table.add_row(f"   CCC arousal {ccc[0]} ({spread[0]}), valence {ccc[1]} ({spread[1]})")
    if corpus == "ravdess":
        known = _published()["ravdess"]
        scores = [f"{f1:.2f}" for f1 in known["f1"]]
        table.add_row("Lajavaness, published", "–", *scores, f"{known['macro_f1']:.3f}")
    return table


def _confusion(row: Row) -> Table:
    title = f"{row['corpus']}, {escape(row['model'])}, {row['condition']}, {row['baseline']}: true class by row"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("", *CLASSES):
        table.add_column(heading, justify="right")
    for name, counts in zip(CLASSES, row["confusion"], strict=True):
        table.add_row(name, *map(str, counts))
    return table


def _reliability(row: Row) -> Table:
    table = Table(box=None, pad_edge=False, title="reliability", title_justify="left")
    for heading in ("score", "right", "share of clips"):
        table.add_column(heading, justify="right")
    for part in row["reliability"]:
        table.add_row(*(f"{part[key]:.2f}" for key in ("confidence", "accuracy", "share")))
    return table


def _published_own() -> Table:
    title = "Published for the data set of the Lajavaness card (French calls), which nobody else can test on"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for heading in (*CLASSES, "macro F1", "micro F1"):
        table.add_column(heading, justify="right", no_wrap=True)
    for known in _published()["own data set of the card"]:
        figures = [*known["f1"], known["macro_f1"], known["micro_f1"]]
        table.add_row(known["model"].split("/")[0], *(f"{figure:.2f}" for figure in figures))
    return table


def _published() -> dict[str, Any]:
    text = (resources.files("pipeline.evaluation") / "published.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
