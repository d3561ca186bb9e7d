"""`ressenti report`: stored conversations -> pages and other results, again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipeline.cli import outputs, sound, stored
from pipeline.cli.additions import Additions, Bleep, Pseudonyms, Transcript
from pipeline.cli.console import Terminal
from pipeline.cli.options import Formats, Language, Out, Overwrite, Quiet, Sound
from pipeline.config import load_config
from pipeline.errors import ConfigError, NotAConversationError


def report(
    conversations: Annotated[list[Path], typer.Argument(help="NAME.json files that analyze wrote, or their folders.")],
    config: Annotated[
        str | None,
        typer.Option(help="Preset or YAML file: its anchors, smoothing, limits and language."),
    ] = None,
    lang: Language = None,
    recording: Annotated[
        Path | None, typer.Option(help="The recording, for the page's sound, or the folder of several.")
    ] = None,
    transcript: Transcript = None,
    audio: Sound = None,
    bleep: Bleep = "",
    pseudonyms: Pseudonyms = False,
    format: Formats = "html",
    out: Out = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Render stored conversations again: NAME.json, or the NAME.corrected.json that a page saves.

    A corrected file holds: what follows from the corrections is computed anew, for the page and for all that --format
    names.
    """
    from pipeline.corrections import is_corrected

    terminal = Terminal(quiet)
    formats = outputs.parse_formats(format)
    chosen = load_config(config) if config else None
    sound.check(audio, formats)
    how = sound.for_report(audio, chosen.report.audio if chosen else None, recording)
    sources = stored.truest(outputs.stored(_in_folders(conversations)), terminal)
    if recording is not None and not recording.is_dir() and len(sources) > 1:
        raise ConfigError(f"--recording: got a file for {len(sources)} conversations; expected the folder of all.")
    added = Additions(transcript, bleep, pseudonyms)
    added.check(len(sources))
    names_of = added.names(stored.stem_of, stored.recording_sha256)
    code = 0
    for path, paths in outputs.plan(sources, out, outputs.with_sidecar(formats, how), names_of).items():
        try:
            outputs.check_free(list(paths.values()), overwrite)
            original = stored.load(path, chosen)
            conversation = added.apply(original, added.words(stored.stem_of(path)))
            with terminal.progress(path.name) as progress:
                source = sound.find(recording, original)
                heard = sound.make(how, paths, source, conversation, progress)
                outputs.write(conversation, paths, lang, heard)
            for written in paths.values():
                terminal.say(f"[green]✓[/] {escape(path.name)} → [bold]{escape(str(written))}[/]")
            added.tell(conversation, terminal, sound=heard is not None)
            if conversation != original or is_corrected(conversation):
                outputs.tell_stale(paths, terminal)
            sound.tell(heard, paths, terminal)
        except Exception as error:  # noqa: BLE001  # the other conversations are still rendered
            if isinstance(error, NotAConversationError) and path not in conversations:  # beside others in a folder
                terminal.err.print(f"[yellow]left out[/] {escape(str(error))}")
                continue
            failed = terminal.fail(error, path)
            code = code or failed
    raise typer.Exit(code)


def _in_folders(sources: Sequence[Path]) -> list[Path]:
    """Files as they are, and of each folder those that hold a conversation."""
    from pipeline.store import conversations_in

    found: list[Path] = []
    for source in sources:
        found += conversations_in(source) if source.is_dir() else [source]
    return found
