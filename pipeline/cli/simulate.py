"""`ressenti simulate`: conversations with a known truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli import outputs
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.version import PROGRAM


def simulate(
    speech: Annotated[list[Path], typer.Argument(help="Folders or manifests of labelled speech.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the conversations; each scene gets its own.")],
    suite: Annotated[
        str,
        typer.Option(help="Included suite (standard, development, moods, sounds, sounds-development) or a YAML file."),
    ] = "standard",
    sounds: Annotated[
        Path | None, typer.Option(help="Folder of recorded sounds, for scenes that play some (suites sounds, ...).")
    ] = None,
    scene: Annotated[list[str] | None, typer.Option(help="Only this scene; may be repeated.")] = None,
    conversations: Annotated[int | None, typer.Option(min=1, help="Number of conversations per scene.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed to use instead of the suite's.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing conversations.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Make conversations with exact ground truth from labelled speech: NAME.flac, NAME.rttm and NAME.emotions.csv.

    Scenes that play recorded sounds also give NAME.sounds.csv.

    Turn-taking follows published studies of conversations, emotions follow a script, and the suite adds room, noise,
    telephone line and codec. A suite uses either speakers that no training has seen (standard: to measure on) or those
    of our training data (development: to choose thresholds on). The same seed and speech give the same bytes.
    """
    from ressenti.pipeline.extras import need
    from ressenti.pipeline.lab.labelled_speech.corpora import read_clips, seen, unseen
    from ressenti.pipeline.lab.simulation.options import load_suite
    from ressenti.pipeline.lab.simulation.suite import simulate as run

    need("soundfile", "ressenti simulate")
    terminal = Terminal(quiet)
    options = load_suite(suite)
    if seed is not None:
        options = options.model_copy(update={"seed": seed})
    if conversations is not None:
        fewer = {name: s.model_copy(update={"conversations": conversations}) for name, s in options.scenes.items()}
        options = options.model_copy(update={"scenes": fewer})
    everybody = [clip for source in speech for clip in read_clips(source, labelled=False)]
    training = options.speakers == "training"
    clips = seen(everybody) if training else unseen(everybody)
    chosen = scene or list(options.scenes)
    about = out / "suite.json"
    outputs.check_free([about, *(out / name for name in chosen)], overwrite)
    total = sum(options.scenes[name].conversations for name in chosen if name in options.scenes)
    minutes, written = 0.0, set()
    with terminal.progress(counted(total, "conversation")) as progress:
        for done, made in enumerate(run(options, clips, chosen, sounds), start=1):
            files = made.files()
            paths = {out / made.scene / f"{made.name}{end}": content for end, content in files.items()}
            store.write_whole(paths)
            written |= set(paths)
            minutes += made.samples.shape[1] / 16_000 / 60
            progress("conversations", done, total)
    for name in chosen:  # delete files of an earlier, longer run, which would look like a part of this suite
        for path in (out / name).glob(f"{name}-[0-9][0-9]*.*"):
            if path not in written:
                path.unlink()
    data = {"program": PROGRAM, "suite": options.model_dump(mode="json"), "scenes": chosen}
    store.write_whole({about: json.dumps(data, indent=1) + "\n"})
    made_of = f"{counted(total, 'conversation')}, {counted(round(minutes), 'minute')}"
    terminal.say(f"[green]✓[/] {made_of} → [bold]{escape(str(out))}[/]")
    terminal.say(f"[dim]speakers {'of our training data' if training else 'that no training has seen'}[/]")
