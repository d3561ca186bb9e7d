"""`ressenti report`: stored conversations -> pages and other results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli import outputs, sound_options, stored_conversations
from ressenti.pipeline.cli.batch import Batch, Rules
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.cli.edits import Additions, Bleep, Phrases, Pseudonyms, Redact, RedactNames, Transcript
from ressenti.pipeline.cli.kept_sound import KeptSound, kept_sound
from ressenti.pipeline.cli.options import AsJson, CsvLocale, Formats, Language, Out, Overwrite, Quiet, Sound, listed
from ressenti.pipeline.cli.saved_corrections import tell_what_follows
from ressenti.pipeline.config import Config, load_config
from ressenti.pipeline.errors import ConfigError, NotAConversationError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.files.paths import is_file, is_folder
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.version import PROGRAM


def report(
    conversations: Annotated[list[Path], typer.Argument(help="NAME.json files written by analyze, or their folders.")],
    config: Annotated[
        str | None,
        typer.Option(help="Preset or YAML file with new anchors, smoothing, limits or language."),
    ] = None,
    lang: Language = None,
    recording: Annotated[
        Path | None,
        typer.Option(
            help="Recording for the page's sound, or a folder of recordings.  [default: the sound of the page that is "
            "replaced]"
        ),
    ] = None,
    roles: Annotated[str, typer.Option(help="Speakers' roles, as corrections: agent,client or S2=client.")] = "",
    transcript: Transcript = None,
    audio: Sound = None,
    bleep: Bleep = "",
    pseudonyms: Pseudonyms = False,
    redact: Redact = False,
    redact_names: RedactNames = None,
    phrases: Phrases = None,
    format: Formats = "html",
    csv_locale: CsvLocale = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Render stored conversations again: NAME.json, or a NAME.corrected.json saved from a page.

    If there is a corrected file, it is used, and every format in --format is computed from its corrections. `ressenti
    apply` applies a NAME.corrections.json.
    """
    terminal = Terminal(quiet or as_json)
    formats = outputs.parse_formats(format)
    outputs.check_csv_locale(csv_locale, formats)
    chosen = load_config(config) if config else None
    sound_options.check(audio, formats)
    how = sound_options.for_report(audio, chosen.report.audio if chosen else None, recording)
    sources = stored_conversations.truest(outputs.stored(_in_folders(conversations)), terminal)
    if not sources:
        raise ConfigError(f"{conversations[0]}: corrections, and no conversation. Apply them with `ressenti apply`.")
    if recording is not None and not is_folder(recording) and len(sources) > 1:
        raise ConfigError(f"--recording: got a file for {len(sources)} conversations; expected a folder of recordings.")
    names_by = redact_names or "off"
    added = Additions(
        transcript,
        bleep,
        pseudonyms,
        redact or names_by != "off",
        tuple(phrases or ()),
        redact_names=names_by,
        use=chosen.use if chosen else None,
    )
    added.check(len(sources))
    names_of = added.names(stored_conversations.stem_of, stored_conversations.recording_sha256)
    read = [*filter(None, [recording]), *added.read(map(stored_conversations.stem_of, sources))]
    plans = outputs.plan(sources, out, outputs.with_sidecar(formats, how), names_of, read)
    job = Job(
        chosen,
        lang,
        recording,
        how,
        added,
        terminal,
        tuple(conversations),
        csv_locale,
        listed(roles),
        keeps=audio is None,
    )
    raise typer.Exit(Batch(terminal, Rules(overwrite, as_json=as_json), job.made).run(plans, job.work))


@dataclass(frozen=True)
class Job:
    """The work on each conversation of one command."""

    chosen: Config | None
    lang: Lang | None
    recording: Path | None
    how: sound_options.How
    added: Additions
    terminal: Terminal
    named: tuple[Path, ...]  # paths given on the command line; others were found in folders
    csv_locale: Lang | None = None
    roles: tuple[str, ...] = ()
    keeps: bool = False  # without a recording, the sound of the page that is replaced

    def work(self, plan: outputs.Plan) -> Conversation | None:
        """Render a conversation; None for a file in a folder that is not a conversation."""
        path, terminal = plan.source, self.terminal
        try:
            original = stored_conversations.load(path, self.chosen)
        except NotAConversationError as error:
            if path in self.named:
                raise
            terminal.note(f"[yellow]skipped[/] {escape(str(error))}")
            return None
        given = stored_conversations.with_roles(original, self.roles) if self.roles else original
        conversation = self.added.apply(given, self.added.words(stored_conversations.stem_of(path)))
        made, kept = self.made(plan), self._kept(plan, conversation)
        with terminal.progress(path.name) as progress:
            page_sound = kept.sound or sound_options.make(
                self.how, plan.paths, sound_options.find(self.recording, original), conversation, progress
            )
            if kept.sound and kept.beside:
                plan = replace(plan, paths={**plan.paths, **_sidecar(plan)})
            outputs.write(conversation, plan, made, self.lang, page_sound, self.csv_locale)
        self._tell(original, conversation, plan, page_sound)
        if self.keeps and "html" in plan.paths and page_sound is None and not kept.mute:
            why = escape(kept.lost) or "no page with its sound was there"
            terminal.say(f"    [yellow]the page is mute[/]: {why}. Give the recording with --recording")
            if kept.lost and is_file(_sidecar(plan)["mp3"]):
                terminal.say(f"    [yellow]{escape(_sidecar(plan)['mp3'].name)} still holds the sound[/]: delete it")
        return conversation

    def _kept(self, plan: outputs.Plan, conversation: Conversation) -> KeptSound:
        """The sound of the page that is replaced, if no recording is given and nobody asks for none."""
        if not self.keeps or self.recording is not None or "html" not in plan.paths:
            return KeptSound()
        return kept_sound(plan.paths["html"], _sidecar(plan)["mp3"], conversation)

    def made(self, plan: outputs.Plan) -> store.Made:
        """Describe what the conversation's results would be made from."""
        options = self.chosen.model_dump(mode="json", exclude={"compute"}) if self.chosen else None
        added = self.added.digest(stored_conversations.stem_of(plan.source))
        made_of = json.dumps(
            ["report", options, self.lang, self.how, added, self.csv_locale, *self.roles], sort_keys=True
        )
        source = digest_of(plan.source) if is_file(plan.source) else ""
        return store.Made(source, PROGRAM, hashlib.sha256(made_of.encode()).hexdigest())

    def _tell(
        self, original: Conversation, conversation: Conversation, plan: outputs.Plan, page_sound: bytes | None
    ) -> None:
        from ressenti.pipeline.edits.corrections import is_corrected

        terminal = self.terminal
        for written in plan.paths.values():
            terminal.say(f"[green]✓[/] {escape(plan.source.name)} → [bold]{escape(str(written))}[/]")
        tell_what_follows(original, conversation, terminal)
        self.added.tell(conversation, terminal, sound=page_sound is not None)
        saved_by_page = not stored_conversations.analysed([plan.source])  # else its corrections are applied everywhere
        if conversation != original or (saved_by_page and is_corrected(conversation)):
            outputs.tell_stale(plan.paths, terminal)
        sound_options.tell(page_sound, plan.paths, terminal)


def _sidecar(plan: outputs.Plan) -> dict[str, Path]:
    return {kind: plan.folder / f"{plan.stem}{ending}" for kind, ending in outputs.SIDECAR.items()}


def _in_folders(sources: Sequence[Path]) -> list[Path]:
    """The given files, and the conversations in the given folders."""
    from ressenti.pipeline.store import conversations_in

    found: list[Path] = []
    for source in sources:
        found += conversations_in(source) if is_folder(source) else [source]
    return found
