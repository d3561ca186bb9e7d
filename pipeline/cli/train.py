"""`ressenti train`: trains models on the user's labelled speech."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, counted, number
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.training.recipe import Recipe
from ressenti.pipeline.records import CLASSES

if TYPE_CHECKING:
    from ressenti.pipeline.lab.training.learner import Epoch
    from ressenti.pipeline.lab.training.request import Made

_USUAL = Recipe()
app = typer.Typer(help="Train a model on your own labelled speech.", no_args_is_help=True)


@app.callback()
def train() -> None:
    """Train a model on your own labelled speech."""


@app.command()
def emotion(
    manifest: Annotated[Path, typer.Argument(help="CSV manifest, or a folder of labelled speech.")],
    base: Annotated[str, typer.Option(help="Model to fine-tune: an installed one, or its folder.", metavar="ID|PATH")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the new model.")],
    licence: Annotated[
        str | None, typer.Option(help="Licence of the model, shown in reports.  [default: not stated]", metavar="TEXT")
    ] = None,
    commercial: Annotated[
        bool,
        typer.Option("--commercial", help="The licence, the base's and rights in the recordings allow commercial use."),
    ] = False,
    epochs: Annotated[int, typer.Option(min=1, help="Maximum number of epochs.")] = _USUAL.epochs,
    learning_rate: Annotated[float, typer.Option(min=1e-8, max=1.0, help="Peak learning rate.")] = _USUAL.learning_rate,
    batch: Annotated[int, typer.Option(min=1, help="Clips per step; fewer need less memory.")] = _USUAL.batch,
    patience: Annotated[
        int, typer.Option(min=1, help="Stop after this many epochs without a better macro F1.")
    ] = _USUAL.patience,
    max_crop_s: Annotated[float, typer.Option(min=0.8, help="Maximum length of a training crop.")] = _USUAL.max_crop_s,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed for everything random, including the split of the speakers.")
    ] = _USUAL.seed,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Train even if a class has no training clip.")
    ] = False,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Device to train on.")] = None,
    config: Annotated[str, typer.Option(help="Preset or YAML file with anchors, windows, thresholds.")] = "default",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the folder, and restart an interrupted training.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Fine-tune a wav2vec2 model on labelled speech to classify the five classes.

    The manifest has the columns path (relative to it) and speaker, and either label (or emotion) or valence and
    arousal, which the configured anchors turn into classes. An optional column split (train, validation or test) sets
    the parts. Each speaker is in one part only. The epoch with the best macro F1 on the validation speakers is kept and
    tested once on the test speakers.

    To resume an interrupted training after its last complete epoch, run the same command again. Pass the folder as
    --emotion-model; its README.md says how it was made and what to expect.
    """
    from ressenti.pipeline.lab.training.finetune import finetune
    from ressenti.pipeline.lab.training.request import Request

    if commercial and not licence:
        raise ConfigError("--commercial: got no licence that allows it; expected one in --licence.")
    terminal = Terminal(quiet)
    options = load_config(config, {"emotion": {"device": device} if device else {}})
    recipe = Recipe(epochs, learning_rate, batch, patience, seed, max_crop_s)
    command = shlex.join(["ressenti", *sys.argv[1:]])
    request = Request(manifest, base, out, licence, allow_missing, overwrite, command, commercial)
    try:
        with terminal.progress(f"{manifest} → {out}") as progress:
            made = finetune(request, recipe, options, progress, lambda epoch: _tell_epoch(epoch, terminal))
    except KeyboardInterrupt:
        terminal.err.print("Interrupted. Run the same command to resume after the last complete epoch.")
        raise
    _tell(made, terminal)


def _tell_epoch(epoch: Epoch, terminal: Terminal) -> None:
    terminal.say(
        f"[dim]epoch {epoch.number}: loss {epoch.loss:.3f}, validation loss {epoch.validation_loss:.3f}, "
        f"macro F1 {epoch.macro_f1:.3f}[/]"
    )


def _tell(made: Made, terminal: Terminal) -> None:
    if terminal.quiet:
        return
    figures = made.figures
    parts = ", ".join(
        f"{name} {counted(len({clip.who for clip in clips}), 'speaker')}, {counted(len(clips), 'clip')}"
        for name, clips in made.material.parts.named().items()
    )
    terminal.say(f"[green]✓[/] [bold]{escape(str(made.out))}[/]  {parts}")
    for why, count in made.material.left_out.items():
        terminal.say(f"    [dim]left out: {counted(count, 'clip')} ({escape(why)})[/]")
    table = Table(box=None, pad_edge=False, title="Test on unseen speakers", title_justify="left")
    for heading in (*CLASSES, "macro F1", "95 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    spread = figures.macro_f1_interval
    table.add_row(
        *(number(f1) if n else "–" for f1, n in zip(figures.f1, figures.support, strict=True)),
        number(figures.macro_f1, 3),
        f"{spread.low:.2f}-{spread.high:.2f}" if spread else "–",
    )
    terminal.show(table)
    terminal.say(f"    use it: ressenti analyze call.wav --emotion-model {escape(shlex.quote(str(made.out)))}")
