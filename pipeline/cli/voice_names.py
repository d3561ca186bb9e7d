"""Where stored conversations, and tables of `ressenti voices same`, hold a person's name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline import store
from ressenti.pipeline.cli import outputs
from ressenti.pipeline.cli.stored_conversations import stem_of
from ressenti.pipeline.cli.voices_same import COLUMNS
from ressenti.pipeline.errors import NotAConversationError, RessentiError
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.records import Conversation

_HEADER = 300  # letters of a table's first line, at most


@dataclass(frozen=True)
class NamePlace:
    """A file that holds a name, and how; or one that could not be read, and why."""

    path: Path
    what: str


def places_of(name: str, folder: Path) -> Iterator[NamePlace]:
    """Stored conversations in a folder and those inside it that hold a name, with the results beside them."""
    from ressenti.pipeline.voices.known import key_of

    for path in sorted(folder.rglob("*.json")):
        try:
            found = _holding(store.load(path), key_of(name))
        except NotAConversationError:
            continue
        except RessentiError as error:
            yield NamePlace(path, f"cannot be read, so it may hold the name ({error})")
            continue
        if found:
            beside = [path.with_name(stem_of(path) + ending) for ending in outputs.ENDINGS.values()]
            names = ", ".join(p.name for p in beside if p != path and is_there(p))
            yield NamePlace(path, ", ".join(found) + (f"; probably also in {names}" if names else ""))
    for path in sorted(folder.rglob("*.csv")):
        if _in_table(path, key_of(name)):
            yield NamePlace(path, "a table of the same voices, in which a person wrote the name")


def _in_table(path: Path, key: str) -> bool:
    """Whether a file is a table that `ressenti voices same` wrote, and holds the name in its last column."""
    from ressenti.pipeline.voices.known import key_of

    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            first = file.readline(_HEADER)
            if not first.startswith(COLUMNS[0]) or COLUMNS[-1] not in first:
                return False
            file.seek(0)
            rows = csv.DictReader(file, delimiter=";" if ";" in first else ",")  # some spreadsheets save that
            return any(key_of(row.get(COLUMNS[-1]) or "") == key for row in rows)
    except (OSError, csv.Error):
        return False


def _holding(conversation: Conversation, key: str) -> list[str]:
    """How a conversation holds a name: of which speakers, given by a voice or by a person."""
    from ressenti.pipeline.voices.known import key_of

    out = []
    for speaker in conversation.speakers:
        if key_of(speaker.name) == key:
            how = "by voice" if speaker.named_by_voice else "by a person"
            out.append(f"{speaker.label} has the name, given {how}")
        elif speaker.voice is not None and key_of(speaker.voice.name) == key:
            out.append(f"{speaker.label} had the name, given by voice")
        elif speaker.original_name is not None and key_of(speaker.original_name) == key:
            out.append(f"{speaker.label} had the name before a person changed it")
    said = " ".join(word.text for word in conversation.words)
    notes = "\n".join(turn.note for turn in conversation.turns)
    name = re.compile(rf"(?<!\w){re.escape(key)}(?!\w)")
    return out + [what for what, text in (("in its words", said), ("in notes", notes)) if name.search(key_of(text))]
