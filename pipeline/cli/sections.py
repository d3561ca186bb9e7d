"""`ressenti sections`: the same question or section of many conversations, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli import stored_conversations
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.options import Language, Overwrite, Quiet
from ressenti.pipeline.cli.outputs import check_free
from ressenti.pipeline.cli.tables import check_table, link_to, write_table
from ressenti.pipeline.errors import ConfigError, NotAConversationError, RessentiError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.language import lang_of
from ressenti.pipeline.library.calls import metadata_beside
from ressenti.pipeline.library.folder import is_library, open_library
from ressenti.pipeline.records import CLASSES
from ressenti.pipeline.records.call_metadata import CALL_METADATA
from ressenti.pipeline.text import visible

if TYPE_CHECKING:
    from ressenti.pipeline.content.sections import Question
    from ressenti.pipeline.library.sections import Interview
    from ressenti.reports.sections import Person, Topic

ENDINGS = (".html", ".csv", ".xlsx")
_PERSON = (
    "speaker", "name", "role", "talk_s", "share", "turns", "longest_turn_s", "words_per_min", "activation_sd",
    "not_scored", "judged_s", *(name.lower() for name in CLASSES), "unsure", "valence", "valence_low", "valence_high",
    "arousal", "arousal_low", "arousal_high", "said_at_s", "said",
)  # fmt: skip
COLUMNS = (
    "section", "conversation", "recording", *CALL_METADATA, "found", "start_s", "end_s", "silences", "silence_s",
    *_PERSON, "page", "link",
)  # fmt: skip


def sections(
    folder: Annotated[
        Path, typer.Argument(help="Folder of NAME.json files that analyze wrote, or a library that batch wrote.")
    ],
    question: Annotated[
        list[str] | None,
        typer.Option(
            help="Words of a question: a section begins where they first follow one another; may be repeated. NAME= "
            "names the section, also for several wordings.",
            metavar="[NAME=]WORDS",
        ),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option(help="Only questions of the speaker with this name, role or label (interviewer, S1).")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="A page, NAME.html, or a table, NAME.csv or NAME.xlsx.", metavar="FILE")
    ] = Path("sections.html"),
    lang: Language = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Put the same question or section of many conversations side by side: how people answer, and how they sound.

    A section begins at a turn whose note begins with `# NAME` (write it in the report's page), or where a question is
    asked. It ends where the next one begins. Conversations without a section are named.
    """
    from ressenti.pipeline.library.overview import natural
    from ressenti.pipeline.library.sections import topics_of
    from ressenti.reports.sections import render_sections, title_of

    terminal, questions = Terminal(quiet), [_question(text) for text in question or ()]
    if speaker and not questions:
        raise ConfigError("--speaker: expected with --question, which it narrows; add --question WORDS.")
    _check(folder, out)
    check_free([out], overwrite)
    found, failed = _read(stored_conversations.truest(_paths(folder), terminal), terminal)
    if not found:
        raise typer.Exit(failed or NotAConversationError.exit_code)
    if is_library(folder):  # ids tell nothing of the order
        found.sort(key=lambda one: natural(title_of(one.conversation, one.metadata)))
    topics = topics_of(found, questions, speaker)
    if not topics:
        raise ConfigError(
            f"{folder}: no turn has a mark, and no --question is given; expected one of them. Write `# NAME` in the "
            "note of a turn, on the report's page, or add --question WORDS."
        )
    if out.suffix.lower() == ".html":
        first = found[0].conversation.config.get("report")
        store.write_whole({out: render_sections(topics, len(found), out, lang or lang_of(first))})
    else:
        more = sorted({name for one in found for name, _ in one.metadata} - set(COLUMNS))
        write_table(out, (*COLUMNS, *more), list(_rows(topics, more)), terminal)
    for topic in topics:
        there = len({part.conversation.id for part in topic.parts})
        terminal.say(f"[bold]{escape(visible(topic.name))}[/]: {there} of {counted(len(found), 'conversation')}")
        for one in topic.absent:
            why = ": it has no words to look in" if one.wordless else ""
            terminal.say(f"    [dim]not in {escape(title_of(one.conversation, one.metadata))}{why}[/]")
    terminal.say(f"[green]✓[/] [bold]{escape(str(out))}[/]")
    if questions and not all(topic.parts for topic in topics):
        terminal.say("It may still have been asked: words are misheard. Try other words of it, or mark the turn.")
    terminal.close()
    raise typer.Exit(failed)


def _question(text: str) -> Question:
    from ressenti.pipeline.content.languages import parts_of
    from ressenti.pipeline.content.sections import Question

    name, named, words = text.partition("=")
    found = Question(" ".join(name.split()), words if named else text)
    if not found.name or not any(parts_of(word) for word in found.words.split()):
        raise ConfigError(f"--question: got {text!r}; expected one or more words to look for, or NAME=WORDS.")
    return found


def _check(folder: Path, out: Path) -> None:
    if out.suffix.lower() not in ENDINGS:
        raise ConfigError(f"--out: got {str(out)!r}; expected a name that ends in {', '.join(ENDINGS)}.")
    if is_library(folder) and folder.resolve() in out.resolve().parents:
        raise ConfigError(
            f"--out: {out} lies in the library, where `ressenti library forget` would not find it; expected a place "
            "outside. Choose another folder."
        )
    check_table(out)


def _paths(folder: Path) -> list[Path]:
    """Files of conversations in a folder or a library, and those that pages saved for them, in the order of names."""
    if not is_library(folder):
        return store.conversations_in(folder)
    library = open_library(folder)
    own = [library.folder_of(conversation) for conversation in library.ids()]
    return [path for each in own if any(each.glob("*.json")) for path in store.conversations_in(each)]


def _read(paths: Sequence[Path], terminal: Terminal) -> tuple[list[Interview], int]:
    """The conversations, in the order of their files, and the exit code."""
    from ressenti.pipeline.library.sections import Interview

    found, failed = [], 0
    for path in paths:
        try:
            conversation = stored_conversations.load(path, None)
            metadata = metadata_beside(path)
        except NotAConversationError as error:
            if not path.name.endswith(".call.json"):
                terminal.note(f"[yellow]skipped[/] {escape(str(error))}")
            continue
        except RessentiError as error:
            failed = terminal.fail(error)
            continue
        page = path.with_name(f"{stored_conversations.stem_of(path)}.report.html")
        found.append(Interview(conversation, page if is_file(page) else None, metadata))
    return found, failed


def _rows(topics: Sequence[Topic], more: Sequence[str]) -> Iterator[list[Any]]:
    """A row for each section, conversation and person; for a conversation that lacks it, one without figures."""
    for topic in topics:
        for part in topic.parts:
            about = _about(topic, part.conversation, part.metadata)
            within = [
                "yes", *_round(part.start_s, part.end_s), len(part.silences_s), *_round(sum(part.silences_s)),
            ]  # fmt: skip
            page = str(part.page) if part.page else None
            known = dict(part.metadata)
            for one in part.people:
                link = link_to(page, part.start_s)
                yield [*about, *within, *_cells(one), page, link, *(known.get(name) for name in more)]
        for lacking in topic.absent:
            about = _about(topic, lacking.conversation, lacking.metadata)
            told = ["no words" if lacking.wordless else "no", *[None] * (len(COLUMNS) - len(about) - 1)]
            yield [*about, *told, *(dict(lacking.metadata).get(name) for name in more)]


def _about(topic: Topic, conversation: Any, metadata: Sequence[tuple[str, str]]) -> list[Any]:
    known = dict(metadata)
    return [topic.name, conversation.id, conversation.recording.name, *(known.get(name) for name in CALL_METADATA)]


def _cells(one: Person) -> list[Any]:
    """What is known of a person in a section, in the order of columns."""
    speaker, talk, affect = one.speaker, one.speaker.talk, one.speaker.affect
    told: list[Any] = [speaker.label, speaker.name or None, speaker.role]
    told += [*_round(talk.talk_s, talk.share), talk.turns] if talk else [None] * 3
    told += [*_round(one.longest_turn_s, one.words_per_min, one.activation_sd), speaker.not_scored]
    if affect is None:
        told += [None] * (len(CLASSES) + 8)
    else:
        told += _round(affect.judged_s, *affect.class_shares, affect.unsure_share)
        for found in (affect.valence, affect.arousal):
            told += _round(found.mean, found.low, found.high) if found else [None] * 3
    return [*told, *_round(one.said_at), one.said or None]


def _round(*values: float | None) -> list[Any]:
    return [None if value is None else round(value, 4) for value in values]
