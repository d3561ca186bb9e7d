"""`ressenti voices same`: unnamed speakers of a folder that seem to be the same person, as a table to confirm."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli import stored_conversations
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.options import Overwrite
from ressenti.pipeline.cli.outputs import check_free
from ressenti.pipeline.errors import NotAConversationError, RessentiError
from ressenti.pipeline.text import guarded, visible
from ressenti.pipeline.voices import LITTLE_S

if TYPE_CHECKING:
    from ressenti.pipeline.voices.hearing import HeardVoice
    from ressenti.pipeline.voices.same import Grouped

COLUMNS = ("group", "conversation", "recording", "speaker", "role", "speech_s", "score", "limit", "remark", "name")


@dataclass(frozen=True)
class _Unnamed:
    """A speaker without a name, and their voice; None if they speak too little."""

    conversation: str
    recording: str
    sha256: str
    label: str
    role: str
    voice: HeardVoice | None


def same(
    folder: Annotated[Path, typer.Argument(help="Folder of NAME.json files that analyze wrote.")],
    recordings: Annotated[
        Path | None, typer.Option(help="Folder of their recordings.  [default: beside the NAME.json]")
    ] = None,
    false_alarm: Annotated[
        float, typer.Option(help="Probability that two strangers are taken for one person.", min=1e-5, max=0.1)
    ] = 0.001,
    out: Annotated[Path | None, typer.Option("--out", help="CSV to write.  [default: FOLDER/same-voices.csv]")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Propose which unnamed speakers of several conversations are the same person, in a table to confirm.

    No name is given and no voice is stored. Listen, write names into the table for yourself, then use `ressenti voices
    add NAME CONVERSATION --speaker LABEL`. Conversations hold no voices, so their recordings are heard again. Voice is
    biometric data (Regulation (EU) 2016/679, art. 9).
    """
    from ressenti.pipeline.voices.same import groups_of

    terminal = Terminal()
    path = out or folder / "same-voices.csv"
    check_free([path], overwrite)
    sources = stored_conversations.truest(store.conversations_in(folder), terminal)
    unnamed: list[_Unnamed] = []
    failed = 0
    for source in sources:
        try:
            unnamed += _unnamed_in(source, recordings, terminal)
        except NotAConversationError as error:
            terminal.note(f"[yellow]skipped[/] {escape(str(error))}")
        except RessentiError as error:
            failed = terminal.fail(error)
    heard = [one for one in unnamed if one.voice is not None]
    found = groups_of([one.voice for one in heard if one.voice is not None], [one.sha256 for one in heard], false_alarm)
    groups = max((one.group or 0 for one in found), default=0)
    grouped = dict(zip(map(id, heard), found, strict=True))
    store.write_whole({path: _table(unnamed, [grouped.get(id(one)) for one in unnamed])})
    members = sum(one.group is not None for one in found)
    terminal.say(
        f"[green]✓[/] {escape(str(path))}: {counted(len(unnamed), 'unnamed speaker')}; {members} of them seem to be "
        f"{groups if groups != 1 else 'one'} {'people' if groups != 1 else 'person'}, heard more than once"
    )
    terminal.say("    A proposal: listen before you believe it. One row for each speaker; equal groups, one person.")
    raise typer.Exit(failed)


def _unnamed_in(source: Path, recordings: Path | None, terminal: Terminal) -> list[_Unnamed]:
    """The unnamed speakers of a conversation; raises errors of reading it and its recording."""
    from ressenti.pipeline.cli.voice_sources import hear_stored, recording_of

    conversation = stored_conversations.load(source, None)
    speakers = [speaker for speaker in conversation.people if not speaker.name]
    if not speakers:
        return []
    with terminal.progress(source.name) as progress:
        recording = recording_of(conversation, source, recordings)
        heard = hear_stored(conversation, recording, [speaker.label for speaker in speakers], progress)
    name, sha256 = conversation.recording.name, conversation.recording.sha256
    return [_Unnamed(source.name, name, sha256, s.label, s.role or "", heard.get(s.label)) for s in speakers]


def _table(unnamed: Sequence[_Unnamed], grouped: Sequence[Grouped | None]) -> str:
    """The table as CSV, groups first; `name` is empty, for people to fill in."""
    from ressenti.pipeline.voices.hearing import LEAST_S

    rows = []
    for one, found in zip(unnamed, grouped, strict=True):
        speech_s = one.voice.speech_s if one.voice else None
        remark = f"less than {LEAST_S:g} s of speech: not compared"
        if speech_s is not None:
            remark = f"less than {LITTLE_S:g} s of speech: unsure" if speech_s < LITTLE_S else ""
        group, score, limit = (found.group, found.score, found.limit) if found else (None, None, None)
        rows.append((group, one, speech_s, score, limit, remark))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for group, one, speech_s, score, limit, remark in sorted(rows, key=lambda row: (row[0] is None, row[0] or 0)):
        texts = [guarded(visible(cell)) for cell in (one.conversation, one.recording, one.label, one.role)]
        figures = ["" if x is None else f"{x:.{places}f}" for x, places in ((speech_s, 1), (score, 3), (limit, 3))]
        writer.writerow(["" if group is None else group, *texts, *figures, remark, ""])
    return text.getvalue()
