"""Corrections of results that an analysis replaces: applied again where the turns are the same, else kept in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ressenti.pipeline import store
from ressenti.pipeline.cli.saved_corrections import with_saved
from ressenti.pipeline.errors import ConfigError, InputError, ModelError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.records import Conversation, Span
from ressenti.pipeline.store.corrections_file import (
    ENDING,
    CorrectionsFile,
    corrections_of,
    dump_corrections,
    load_corrections,
    saved_corrections,
    turns_sha256,
)


@dataclass(frozen=True)
class Kept:
    """A conversation, with earlier corrections if they fit; files to write beside it; what to tell, in one line."""

    conversation: Conversation
    files: Mapping[str, str] = field(default_factory=dict)
    told: str = ""


def with_kept_corrections(conversation: Conversation, folder: Path, stem: str) -> Kept:
    """Keep the corrections that lie in a folder for results called `stem`, or in the NAME.json that is replaced.

    They are applied again if recording and turns are the same as before. Else they stay in NAME.corrections.json, which
    is written if they were in NAME.json alone, or does not say yet which turns they were made on. Spans that are to be
    silent in the recording are silenced in any case.
    """
    before, unread = _before(folder / f"{stem}.json")
    paths = saved_corrections(folder, stem)
    if paths:
        name = paths[0].name
        try:
            saved = load_corrections(paths[0])
        except InputError as error:
            spans = before.bleeps if before is not None and _same(before, conversation) else ()
            return Kept(_silenced(conversation, spans), told=f"{name} is kept, but not applied: {error}")
    elif before is not None and (before.corrections or before.bleeps):
        name = f"{stem}{ENDING}"
        saved = corrections_of(before, stem)
    else:
        return Kept(conversation, told=unread)
    if saved.sha256 == conversation.recording.sha256 and _on(saved, before) == turns_sha256(conversation):
        try:
            again = with_saved(conversation, replace(saved, turns_sha256=""), name)
        except (InputError, ConfigError, ModelError) as error:
            return _kept(conversation, saved, before, name, f"not applied: {error}", written=not paths)
        where = name if paths else f"the earlier {stem}.json"
        return Kept(again, told=f"corrections of {where} applied again")
    if saved.sha256 != conversation.recording.sha256:
        why = "not applied: they are of another recording of this name"
    else:
        why = (
            f"not applied, as the turns are other ones now: look at them, then run ressenti apply {name} --other-turns"
        )
    return _kept(conversation, saved, before, name, why, written=not paths)


def _kept(
    conversation: Conversation,
    saved: CorrectionsFile,
    before: Conversation | None,
    name: str,
    why: str,
    *,
    written: bool,
) -> Kept:
    """The conversation as it is, with the file of corrections, if it says something new."""
    same_recording = before is not None and before.recording.sha256 == saved.sha256
    if not saved.turns_sha256 and before is not None and same_recording:
        saved, written = replace(saved, turns_sha256=turns_sha256(before)), True
    files = {name: dump_corrections(saved)} if written else {}
    if saved.sha256 == conversation.recording.sha256:
        conversation = _silenced(conversation, saved.bleeps)
    return Kept(conversation, files, f"corrections kept in {name}, {why}")


def _silenced(conversation: Conversation, spans: Sequence[Span]) -> Conversation:
    """The conversation with these spans silenced, as far as they lie in the recording."""
    from ressenti.pipeline.edits.bleeps import with_bleeps

    end_s = conversation.recording.duration_s
    inside = [Span(span.start_s, min(span.end_s, end_s)) for span in spans if span.start_s < end_s]
    return with_bleeps(conversation, inside) if inside else conversation


def _same(before: Conversation, after: Conversation) -> bool:
    """Whether both are of one recording."""
    return before.recording.sha256 == after.recording.sha256


def _before(path: Path) -> tuple[Conversation | None, str]:
    """The conversation that is replaced, if there is one; and what to tell if it cannot be read."""
    if not is_file(path):
        return None, ""
    try:
        return store.load(path), ""
    except InputError as error:
        return None, f"corrections in the earlier {path.name}, if any, are lost: {error}"


def _on(saved: CorrectionsFile, before: Conversation | None) -> str:
    """The hash of the turns that corrections were made on, as far as that is known."""
    if saved.turns_sha256:
        return saved.turns_sha256
    known = before is not None and before.recording.sha256 == saved.sha256
    return turns_sha256(before) if before is not None and known else ""
