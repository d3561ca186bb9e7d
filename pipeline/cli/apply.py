"""`ressenti apply`: corrections that pages saved -> conversations, pages and other results, written again."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli import outputs, sound_options
from ressenti.pipeline.cli.batch import Batch, Outcome, Rules
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.cli.kept_sound import KeptSound, kept_sound
from ressenti.pipeline.cli.options import AsJson, Quiet
from ressenti.pipeline.cli.saved_corrections import tell_what_follows, with_saved
from ressenti.pipeline.errors import ConfigError, NotFoundError, OutputExistsError, RessentiError, UnreadableError
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.files.paths import is_file, is_folder, is_there
from ressenti.pipeline.language import Lang
from ressenti.pipeline.library.folder import MARK, Library, open_library
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.store.corrections_file import (
    ENDING,
    last_first,
    load_corrections,
    saved_corrections,
    stem_of_corrections,
)
from ressenti.pipeline.store.disk_errors import in_words
from ressenti.pipeline.store.result_sets import entries
from ressenti.pipeline.version import PROGRAM


def apply(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of results, or NAME.corrections.json files beside their NAME.json.", metavar="FOLDER|FILE..."
        ),
    ],
    recording: Annotated[
        Path | None,
        typer.Option(help="Recording, or a folder of recordings, for sound that has to be silenced anew."),
    ] = None,
    other_turns: Annotated[
        bool,
        typer.Option("--other-turns", help="Also apply corrections made on the turns of an earlier analysis."),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Also replace results that were changed by hand, such as a workbook."),
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Apply the corrections that pages saved, and write all results that are there again: page, JSON, tables, ...

    Computes anew what follows from them. NAME.corrections.json stays, and so does the page's sound, unless there are
    new spans to silence: then --recording is needed. Results that were changed by hand are not replaced without
    --overwrite.
    """
    terminal = Terminal(quiet or as_json)
    found = _one_each(_files(sources, terminal), terminal)
    if not found:
        terminal.say("no saved corrections: nothing to apply")
        terminal.close()
        return
    if recording is not None and not is_folder(recording) and len(found) > 1:
        raise ConfigError(f"--recording: got a file for {len(found)} conversations; expected a folder of recordings.")
    job = _Job(recording, other_turns, overwrite, terminal)
    plans = [_plan(path) for path in found]
    of = [_library(plan.folder.resolve().parents[2]) if _in_library(plan.folder) else None for plan in plans]
    libraries = {library.root: library for library in of if library}
    with ExitStack() as stack:
        for library in libraries.values():
            stack.enter_context(library.alone())
        code = Batch(terminal, Rules(overwrite=True, as_json=as_json), job.made).run(plans, job.work)
        for library in libraries.values():
            own = [plan.stem for plan, one in zip(plans, of, strict=True) if one and one.root == library.root]
            code = _tabled(library, own, terminal) or code
    raise typer.Exit(code)


def _files(sources: Sequence[Path], terminal: Terminal) -> Iterable[Path]:
    """The files of corrections: those named, and of each folder and conversation the one that was saved last."""
    for source in sources:
        if is_folder(source):
            yield from (_last(folder, stem, terminal) for folder in _folders(source) for stem in _stems(folder))
        elif not is_there(source):
            raise NotFoundError(
                f"{source}: no such file or folder; expected results, or corrections that a page saved."
            )
        elif stem_of_corrections(source):
            yield source
        elif saved_corrections(source.parent, source.name.removesuffix(".json")):
            yield _last(source.parent, source.name.removesuffix(".json"), terminal)
        else:
            raise NotFoundError(f"{source}: has no {source.name.removesuffix('.json')}{ENDING}. Save one in its page.")


def _one_each(paths: Iterable[Path], terminal: Terminal) -> list[Path]:
    """Of several files for one conversation, that which was saved last: an older one would undo it."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in dict.fromkeys(paths):
        groups.setdefault((path.parent.resolve(), stem_of_corrections(path) or path.stem), []).append(path)
    return [_newest(group, terminal) for group in groups.values()]


def _newest(paths: Sequence[Path], terminal: Terminal) -> Path:
    best, *others = last_first(paths)
    for path in others:
        if path.name != best.name:
            terminal.say(f"[dim]{escape(path.name)}: skipped, {escape(best.name)} is newer[/]")
    return best


def _folders(folder: Path) -> list[Path]:
    """A folder, or the folders of all conversations of a library."""
    try:
        os.scandir(folder).close()
    except OSError as exc:
        raise UnreadableError(f"{folder}: cannot be read ({exc.strerror}). Check the permissions.") from exc
    library = _library(folder)
    return [library.folder_of(conversation) for conversation in library.ids()] if library else [folder]


def _library(folder: Path) -> Library | None:
    """The library in a folder, or None."""
    return open_library(folder) if is_file(folder / MARK) else None


def _in_library(folder: Path) -> bool:
    """Whether a folder is that of a conversation of a library."""
    above = folder.resolve().parents
    return len(above) > 2 and above[1].name == "conversations" and is_file(above[2] / MARK)


def _tabled(library: Library, conversations: Sequence[str], terminal: Terminal) -> int:
    """Bring corrections into a library's tables and its overview; return an exit code."""
    from ressenti.pipeline.library.overview import language_of, write_overview

    try:
        need("pyarrow", "what a library holds of corrections", extra="library")
        from ressenti.pipeline.library.index import Index

        index = Index(library)
        if not sum(map(index.refresh, conversations)):
            return 0
        index.commit()
        if language_of(library) is not None:
            write_overview(library)
    except RessentiError as error:
        terminal.note(f"[yellow]tables and overview are old[/]: run ressenti library check {escape(str(library.root))}")
        return terminal.fail(error, library.root)
    return 0


def _stems(folder: Path) -> list[str]:
    stems = (stem_of_corrections(path) for path in sorted(folder.glob("*.json")))
    return list(dict.fromkeys(stem for stem in stems if stem))


def _last(folder: Path, stem: str, terminal: Terminal) -> Path:
    return _newest(saved_corrections(folder, stem), terminal)


def _plan(path: Path) -> outputs.Plan:
    """The results to write again: all formats that are there, and the JSON."""
    stem, folder = stem_of_corrections(path) or path.stem, path.parent
    there = {name: folder / f"{stem}{ending}" for name, ending in outputs.ENDINGS.items()}
    return outputs.Plan(path, folder, stem, {n: p for n, p in there.items() if n == "json" or os.path.lexists(p)})


@dataclass(frozen=True)
class _Job:
    recording: Path | None
    other_turns: bool
    overwrite: bool
    terminal: Terminal

    def work(self, plan: outputs.Plan) -> Conversation | Outcome:
        """Apply the corrections of one conversation."""
        path, terminal = plan.source, self.terminal
        original = store.load(plan.paths["json"])
        saved = load_corrections(path)
        conversation = with_saved(original, saved, path.name, other_turns=self.other_turns)
        if store.dumps(conversation) == store.dumps(original):
            terminal.say(f"[dim]{escape(path.name)}: nothing new[/]")
            return Outcome(path, "skipped", tuple(plan.paths.values()), conversation=original.id)
        if not self.overwrite:
            _refuse_changed(plan)
        sidecar = plan.folder / f"{plan.stem}{outputs.SIDECAR['mp3']}"
        with terminal.progress(path.name) as progress:
            kept = KeptSound()
            if "html" in plan.paths:
                kept = kept_sound(plan.paths["html"], sidecar, conversation)
            sound, recording = kept.sound, self._recording(original)
            if kept.lost and recording is not None:
                sound = sound_options.make("embed", plan.paths, recording, conversation, progress)
            if sound is not None and kept.beside:
                plan = replace(plan, paths={**plan.paths, "mp3": sidecar})
            outputs.write(conversation, plan, _made(plan), kept.lang, sound, _csv_locale(plan))
            if kept.lost and sound is None and not kept.unread:
                with in_words(sidecar):
                    sidecar.unlink(missing_ok=True)
        names = ", ".join(written.name for written in plan.paths.values())
        terminal.say(f"[green]✓[/] {escape(path.name)} → [bold]{escape(names)}[/]")
        tell_what_follows(original, conversation, terminal)
        if kept.lost and sound is None:
            terminal.say(
                f"    [yellow]the page is mute[/]: {escape(kept.lost)}. Give the recording: ressenti report "
                f"{escape(shlex.quote(str(plan.paths['json'])))} --recording RECORDING --overwrite"
            )
        return conversation

    def made(self, plan: outputs.Plan) -> store.Made:
        """What the results are made from."""
        return _made(plan)

    def _recording(self, conversation: Conversation) -> Path | None:
        """The given recording; None if a folder does not have it."""
        found = sound_options.find(self.recording, conversation)
        inside = self.recording is not None and is_folder(self.recording)
        return None if found is None or (inside and not is_file(found)) else found


def _refuse_changed(plan: outputs.Plan) -> None:
    """Raise `OutputExistsError` if a result, other than the JSON, is not as it was written."""
    known = entries(plan.folder, plan.stem)
    others = [path for kind, path in plan.paths.items() if kind != "json" and path.name in known and is_file(path)]
    changed = [path.name for path in others if digest_of(path) != known[path.name].sha256]
    if changed:
        raise OutputExistsError(
            f"{plan.folder / changed[0]}: was changed since it was written{_and_more(changed)}, and would be lost. "
            "Move it to another folder and give the command again, or replace it with --overwrite."
        )


def _and_more(names: Sequence[str]) -> str:
    return f" (and so were {', '.join(names[1:])})" if len(names) > 1 else ""


def _csv_locale(plan: outputs.Plan) -> Lang | None:
    """How CSV is written: as a table that is there, whose first bytes tell; None if there is none to read."""
    for name in ("csv", "said"):
        if name in plan.paths and is_file(plan.paths[name]):
            with suppress(OSError), plan.paths[name].open("rb") as table:
                return "fr" if table.read(3) == b"\xef\xbb\xbf" else "en"
    return None


def _made(plan: outputs.Plan) -> store.Made:
    """What the conversation was made from, so that it still counts as that; else its corrections."""
    name = plan.paths["json"].name
    known = entries(plan.folder, plan.stem).get(name)
    if known is not None and is_file(plan.folder / name) and digest_of(plan.folder / name) == known.sha256:
        return known.made
    return store.Made(digest_of(plan.source), PROGRAM, hashlib.sha256(b"apply").hexdigest())
