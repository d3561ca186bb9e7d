"""`ressenti voices`: voices that are known again, which are biometric data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.commands import Commands
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.options import Overwrite
from ressenti.pipeline.cli.voices_same import same
from ressenti.pipeline.errors import ConfigError, NotFoundError
from ressenti.pipeline.files.paths import existing
from ressenti.pipeline.voices import LITTLE_S

if TYPE_CHECKING:
    from ressenti.pipeline.voices.hearing import HeardVoice
    from ressenti.pipeline.voices.known import KnownVoice

ENOUGH_S = 30.0  # of speech, to be known by
CONSENT = (
    "Voice is biometric data (Regulation (EU) 2016/679, art. 9): store it only with the person's explicit consent, "
    "and forget it when they ask."
)

app = typer.Typer(
    cls=Commands,
    help=f"Known voices: name speakers again in other recordings (`analyze --voices`). {CONSENT}",
    no_args_is_help=True,
)
app.command()(same)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the person.")]
RecordingOf = Annotated[
    Path | None,
    typer.Option(help="Recording of the NAME.json, or a folder of recordings.  [default: beside the NAME.json]"),
]


@app.callback()
def voices() -> None:
    """Known voices: embeddings by name, stored for you alone. Nothing is stored unless you add it."""


@app.command()
def add(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Recording of this person, or a NAME.json with --speaker.")
    ],
    from_s: Annotated[float | None, typer.Option(help="Start of their speech.", min=0, metavar="SECONDS")] = None,
    to_s: Annotated[float | None, typer.Option(help="End of their speech.", min=0, metavar="SECONDS")] = None,
    speaker: Annotated[str | None, typer.Option(help="Speaker of the NAME.json, as in S2.", metavar="LABEL")] = None,
    recording: RecordingOf = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if several people speak, or if it sounds like somebody else.")
    ] = False,
) -> None:
    """Store a person's voice, or add speech to it. Only an embedding is stored, no sound.

    Voice is biometric data (Regulation (EU) 2016/679, art. 9): store it only with the person's explicit consent. 30
    seconds of speech or more are best. A NAME.json holds no sound: its recording is heard again.
    """
    from ressenti.pipeline.cli.voice_sources import voice_in, voice_of_speaker
    from ressenti.pipeline.voices import known

    terminal, name = Terminal(), known.checked_name(name)
    existing(file, "a recording, or a NAME.json that analyze wrote")
    stored = file.suffix.lower() == ".json"
    if stored != (speaker is not None):
        wrong = "a NAME.json needs --speaker, as in S2" if stored else "--speaker needs a NAME.json that analyze wrote"
        raise ConfigError(f"{file.name}: {wrong}.")
    if stored and (from_s is not None or to_s is not None):
        raise ConfigError("--from-s and --to-s are for a recording; a speaker of a NAME.json has its own times.")
    if recording is not None and not stored:
        raise ConfigError("--recording is for a NAME.json; FILE itself is the recording.")
    before = known.find(name, known.known_voices())
    with terminal.progress(file.name) as progress:
        if speaker is not None:
            heard = voice_of_speaker(file, speaker, recording, progress)
        else:
            heard = voice_in(file, from_s, to_s, anyway, progress)
    if before is not None and not anyway:
        _check_alike(before, heard)
    known.change(lambda voices: _with(voices, name, heard))
    after = known.need(name, known.known_voices())
    terminal.say(
        f"[green]✓[/] [bold]{escape(after.name)}[/] {after.speech_s:.0f} s of speech from "
        f"{counted(after.recordings, 'recording')}"
    )
    if after.speech_s < ENOUGH_S:
        much = "hardly enough to be known by" if after.speech_s < LITTLE_S else f"{ENOUGH_S:g} s or more are better"
        terminal.say(f"    [yellow]{after.speech_s:.0f} s of speech: {much}; add more[/]")
    terminal.say(f"    {CONSENT}")


def _check_alike(before: KnownVoice, heard: HeardVoice) -> None:
    """Raise `ConfigError` if speech does not sound like the voice that it is added to."""
    from ressenti.pipeline.models import campplus
    from ressenti.pipeline.voices.likeness import RATE, likeness, limit_of
    from ressenti.pipeline.voices.naming import usable

    usable([before], campplus.info().sha256 or "")
    score, limit = likeness(before.embedding, heard.embedding), limit_of(min(before.speech_s, heard.speech_s), RATE)
    if score < limit:
        raise ConfigError(
            f"this does not sound like the {before.name} that is known: {score:.2f}; expected {limit:.2f} or more. "
            "If it is the same person, add it with --anyway. If it is another one, use another name."
        )


def _with(voices: Sequence[KnownVoice], name: str, heard: HeardVoice) -> list[KnownVoice]:
    """Voices with what was heard of this person."""
    from ressenti.pipeline.models import campplus
    from ressenti.pipeline.voices import known
    from ressenti.pipeline.voices.naming import usable

    digest, today = campplus.info().sha256 or "", date.today().isoformat()
    before = known.find(name, voices)
    if before is None:
        vector = tuple(float(x) for x in heard.embedding)
        return [*voices, known.KnownVoice(name, vector, heard.speech_s, 1, digest, today, today)]
    usable([before], digest)
    return [known.more_of(v, heard.embedding, heard.speech_s, today) if v is before else v for v in voices]


@app.command("list")
def list_voices() -> None:
    """List known voices: speech, recordings, dates."""
    from ressenti.pipeline.models import campplus
    from ressenti.pipeline.voices import known

    terminal = Terminal()
    found = known.known_voices()
    if found:
        table = Table("name", "speech", "recordings", "added", "changed", "", box=None, pad_edge=False)
        digest = campplus.info().sha256
        for voice in found:
            other = "" if voice.model_sha256 == digest else "[red]of another encoder: forget it, then add it again[/]"
            count = str(voice.recordings)
            table.add_row(escape(voice.name), f"{voice.speech_s:.0f} s", count, voice.added, voice.changed, other)
        terminal.show(table)
    terminal.say(f"{counted(len(found), 'known voice')} in {escape(str(known.voices_file()))} (RESSENTI_VOICES).")
    terminal.say(CONSENT)


@app.command()
def forget(
    name: Name,
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of stored conversations to look through.  [default: this one]")
    ] = None,
) -> None:
    """Delete a known voice, and say where stored conversations still hold the name.

    Folders inside the folder are looked through, too. Conversations are not changed, nor are pages and tables.
    """
    from ressenti.pipeline.cli.voice_names import places_of
    from ressenti.pipeline.voices import known

    terminal, where = Terminal(), folder or Path()
    existing(where, "a folder of stored conversations")
    there = known.find(name, known.known_voices())
    if there is not None:
        known.change(lambda voices: [v for v in voices if known.key_of(v.name) != known.key_of(name)])
        terminal.say(f"[green]✓[/] {escape(there.name)} is forgotten. Exported files of voices still hold it, if any.")
    places = 0
    for place in places_of(name, where):
        terminal.say(f"    [yellow]{escape(str(place.path))}[/]: {escape(place.what)}")
        places += 1
    if places:
        terminal.say(
            "    To take the name out of a conversation, change it in the page and render that again with `ressenti "
            "report`, or use --pseudonyms. Delete the other files."
        )
    else:
        terminal.say(f"    no stored conversation in {escape(str(where.resolve()))} holds the name")
    if there is None:
        known.need(name, known.known_voices())


@app.command("export")
def export_voices(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="File to write, for you alone.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="[default: all]")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write known voices to a file, for another machine. It is as confidential as the voices themselves."""
    from ressenti.pipeline.voices import known

    terminal = Terminal()
    found = known.known_voices()
    chosen = [known.need(name, found) for name in dict.fromkeys(names)] if names else list(found)
    if not chosen:
        raise ConfigError("no known voices to export. Add some with `ressenti voices add NAME FILE`.")
    known.write_private(file, known.dumped(chosen), overwrite=overwrite)
    terminal.say(f"[green]✓[/] {counted(len(chosen), 'voice')} in {escape(str(file))}")
    terminal.say(f"    {CONSENT}")


@app.command("import")
def import_voices(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="File written by `ressenti voices export`.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace voices of the same names.")] = False,
) -> None:
    """Add the voices of an exported file, all or none."""
    from ressenti.pipeline.models import campplus
    from ressenti.pipeline.voices import known
    from ressenti.pipeline.voices.naming import usable

    terminal = Terminal()
    try:
        new = usable(known.read_voices(file), campplus.info().sha256 or "")
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise NotFoundError(f"{file}: no such file; expected one that `ressenti voices export` wrote.") from exc
    keys = {known.key_of(voice.name) for voice in new}

    def merged(voices: Sequence[KnownVoice]) -> list[KnownVoice]:
        twice = [voice.name for voice in voices if known.key_of(voice.name) in keys]
        if twice and not overwrite:
            raise ConfigError(f"{file.name}: {', '.join(twice)} known already. Add --overwrite, or forget them first.")
        return [*(voice for voice in voices if known.key_of(voice.name) not in keys), *new]

    known.change(merged)
    terminal.say(f"[green]✓[/] {counted(len(new), 'voice')} imported: {escape(', '.join(v.name for v in new))}")
    terminal.say(f"    {CONSENT}")
