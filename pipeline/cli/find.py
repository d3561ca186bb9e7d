"""`ressenti find`: where something was said in the conversations of a folder, or what there is in a library."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli import stored_conversations
from ressenti.pipeline.cli.console import Terminal, clock, counted
from ressenti.pipeline.cli.options import Overwrite, Quiet
from ressenti.pipeline.cli.outputs import check_free
from ressenti.pipeline.errors import ConfigError, NotAConversationError, RessentiError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.text import guarded, visible

if TYPE_CHECKING:
    from ressenti.pipeline.content import Place
    from ressenti.pipeline.records import Conversation

COLUMNS = ("conversation", "recording", "file", "speaker", "start_s", "end_s", "text")


@dataclass(frozen=True)
class _Hit:
    path: Path
    conversation: Conversation
    who: str
    place: Place


def find(
    folder: Annotated[
        Path, typer.Argument(help="Folder of NAME.json files that analyze wrote, or a library that batch wrote.")
    ],
    text: Annotated[
        str, typer.Argument(help="Words that follow one another; case, accents and punctuation do not count.")
    ] = "",
    speaker: Annotated[
        str | None, typer.Option(help="Only words of speakers with this name, role or label (agent, S1).")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--class", help="In a library: turns of this class, or words in them.", metavar="CLASS"),
    ] = None,
    moment: Annotated[
        str | None,
        typer.Option(help="In a library: key moments of this kind: silence, tension, ...", metavar="KIND"),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="In a library: calls with this metadata; may be repeated.", metavar="NAME=VALUE"),
    ] = None,
    since: Annotated[str | None, typer.Option(help="In a library: calls from this date on.", metavar="DATE")] = None,
    until: Annotated[str | None, typer.Option(help="In a library: calls before this date.", metavar="DATE")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write a CSV; of a library also NAME.xlsx.", metavar="FILE")
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find where something was said in a folder of conversations: file, time, speaker, and the words around it.

    In a library, also find turns by speaker and class, key moments, and calls by metadata and date.
    Speech recognition mishears words. What is not found may still have been said.
    """
    terminal = Terminal(quiet)
    narrowed = (label, moment, tuple(where or ()), since, until)
    if is_file(folder / "library.json"):
        from ressenti.pipeline.cli.find_in_library import find_in_library

        find_in_library(folder, text, speaker, *narrowed, out, overwrite, terminal)
        return
    _no_library(folder, *narrowed)
    raise typer.Exit(_find_in_folder(folder, text, speaker, out, overwrite, terminal))


def _no_library(folder: Path, *narrowed: object) -> None:
    options = ("--class", "--moment", "--where", "--since", "--until")
    if wrong := [name for name, value in zip(options, narrowed, strict=True) if value]:
        raise ConfigError(f"{wrong[0]}: {folder} is no library; expected a folder that `ressenti batch` wrote.")


def _find_in_folder(
    folder: Path, text: str, speaker: str | None, out: Path | None, overwrite: bool, terminal: Terminal
) -> int:
    """Find words in a folder of conversations; return the exit code."""
    from ressenti.pipeline.content.languages import parts_of

    if not any(parts_of(word) for word in text.split()):
        raise ConfigError(f"got {text!r}; expected one or more words to look for.")
    if out is not None:
        check_free([out], overwrite)
    hits: list[_Hit] = []
    searched = without = failed = 0
    for path in stored_conversations.truest(store.conversations_in(folder), terminal):
        try:
            conversation = stored_conversations.load(path, None)
        except NotAConversationError as error:
            terminal.note(f"[yellow]skipped[/] {escape(str(error))}")
            continue
        except RessentiError as error:
            failed = terminal.fail(error)
            continue
        searched += 1
        without += not conversation.words
        for hit in _hits(path, conversation, text, speaker):
            hits.append(hit)
            name, time = escape(visible(path.name)), clock(hit.place.start_s)
            terminal.say(f"[bold]{name}[/] {time} {escape(visible(hit.who))}: {escape(visible(hit.place.text))}")
    if out is not None:
        store.write_whole({out: _table(hits)})
    some = f", {without} of them without words" if without else ""
    terminal.say(f"{counted(len(hits), 'place')} in {counted(searched, 'conversation')}{some}")
    if not hits:
        terminal.say("It may still have been said: words are misheard. Try another form, or one word of it.")
    return failed


def _hits(path: Path, conversation: Conversation, text: str, speaker: str | None) -> Iterator[_Hit]:
    from ressenti.pipeline.content.search import find_text, is_called

    known = {own.label: own for own in conversation.speakers}
    for place in find_text(conversation, text):
        own = known[place.speaker]
        if speaker is None or is_called(own, speaker):
            yield _Hit(path, conversation, own.name or own.role or own.label, place)


def _table(hits: list[_Hit]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for hit in hits:
        place, about = hit.place, hit.conversation
        writer.writerow(
            [
                about.id, guarded(about.recording.name), guarded(str(hit.path)), guarded(hit.who),
                f"{place.start_s:.3f}", f"{place.end_s:.3f}", guarded(place.text),
            ]
        )  # fmt: skip
    return out.getvalue()
