"""`ressenti evaluate redaction`: made-up numbers told by a synthetic voice, or places found in a folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import NotFoundError, RessentiError
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.lab.evaluation.references import ENDINGS


def redaction(
    folder: Annotated[
        Path | None, typer.Argument(help="Recordings without personal data: count the places found all the same.")
    ] = None,
    numbers: Annotated[int, typer.Option(help="Made-up numbers of each kind and language.", min=1)] = 40,
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
) -> None:
    """How much personal data is silenced that a synthetic voice (espeak-ng) tells; or what is found in a folder.

    The whole analysis runs, with recognised words; the language is given, as a synthetic voice leaves it in doubt. A
    number counts as silenced if nine tenths of its sound are. With FOLDER, each place that is found is shown with its
    words: say yourself whether it is right.
    """
    terminal = Terminal()
    if folder is not None:
        raise typer.Exit(_found_in(folder, config, terminal))
    need("num2words", "evaluate redaction")
    raise typer.Exit(_told(numbers, config, terminal))


def _told(numbers: int, config: str, terminal: Terminal) -> int:
    from ressenti.pipeline.lab.evaluation import redaction as lab
    from ressenti.pipeline.lab.labelled_speech.made_up_numbers import KINDS
    from ressenti.pipeline.loaded_models import Models
    from ressenti.pipeline.run import analyze

    models = Models()
    given: dict[str, dict[str, object]] = {"content": {"redact": True}, "diarization": {"speakers": 2}}
    table = Table("language", "kind", "told", "silenced whole", "%", box=None, pad_edge=False)
    with tempfile.TemporaryDirectory() as place:
        for language in ("en", "fr"):
            options = load_config(config, {**given, "words": {"language": language}})
            for kind in KINDS:
                path = Path(place) / f"{language}-{kind}.wav"
                with writing(path):
                    told = lab.make_talk(path, kind, language, numbers)
                with terminal.progress(path.name) as progress:
                    found = lab.silenced(kind, language, told, analyze(path, options, models=models, progress=progress))
                share = f"{100 * found.silenced / found.told:.0f}"
                table.add_row(language, kind, str(found.told), str(found.silenced), share)
                for text in found.missed:
                    terminal.note(f"missed, {language} {kind}: {escape(text)}")
    terminal.show(table)
    return 0


def _found_in(folder: Path, config: str, terminal: Terminal) -> int:
    from ressenti.pipeline.edits.redaction import with_redaction
    from ressenti.pipeline.loaded_models import Models
    from ressenti.pipeline.run import analyze

    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS]
    if not paths:
        raise NotFoundError(f"{folder}: no recordings; expected a folder of some.")
    models, options = Models(), load_config(config, {"content": {"redact": False, "redact_names": "off"}})
    names = models.name_finder(load_config(config).content.redact_names, options.use)
    seconds, places, code = 0.0, 0, 0
    for path in paths:
        try:
            with terminal.progress(path.name) as progress:
                conversation = analyze(path, options, models=models, progress=progress)
        except RessentiError as error:
            code = terminal.fail(error)
            continue
        seconds += sum(speaker.talk.talk_s for speaker in conversation.speakers if speaker.talk)
        for one in with_redaction(conversation, names=names).personal_data:
            places += 1
            inside = [w.text for w in conversation.words if w.end_s > one.start_s and w.start_s < one.end_s]
            terminal.say(f"{escape(path.name)} {one.start_s:.1f} s, {one.kind}: {escape(' '.join(inside))}")
    hours = seconds / 3600
    per_hour = f"{places / hours:.1f}" if hours else "–"
    terminal.say(f"{places} places in {hours:.2f} hours of talk: {per_hour} per hour")
    return code
