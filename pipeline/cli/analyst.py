"""The work of a batch's worker process: recording -> results in the library, and rows for its tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ressenti.pipeline import store
from ressenti.pipeline.batch.sources import Settings, Source
from ressenti.pipeline.batch.tasks import Digests, Done, Fault, Fetched, Result, Task
from ressenti.pipeline.cli import outputs, sound_options
from ressenti.pipeline.cli.console import in_words
from ressenti.pipeline.cli.edits import Additions
from ressenti.pipeline.cli.kept_corrections import Kept, with_kept_corrections
from ressenti.pipeline.cli.made_from import made_from, without_words
from ressenti.pipeline.config import Config, build_config
from ressenti.pipeline.errors import RessentiError, StillBeingWrittenError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.library.calls import ENDING
from ressenti.pipeline.library.folder import Library, open_library
from ressenti.pipeline.library.storage import copied, remove_copy
from ressenti.pipeline.progress import Progress, watched
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.roles import People
from ressenti.pipeline.version import PROGRAM

if TYPE_CHECKING:
    from ressenti.pipeline.loaded_models import Models

_ANY = Source(Path("recording.wav"))  # stands for any recording
# options that an analysis does not depend on
_OF_PAGES = (("report", "lang"), ("report", "csv_locale"), ("report", "audio"))


@dataclass(frozen=True)
class Recipe:
    """How the recordings of a batch are analysed; a manifest's settings for one recording win over the command's."""

    options: Config
    people: People
    added: Additions
    formats: tuple[str, ...]
    _known: dict[Settings, Digests] = field(default_factory=dict, compare=False, repr=False)

    def of(self, settings: Settings) -> tuple[Config, People, Additions]:
        """Options, people and additions for one recording; raises `ConfigError` for settings that cannot be used."""
        options, people, added = self.options, self.people, self.added
        overrides: dict[str, dict[str, object]] = {}
        if settings.speakers is not None:
            overrides["diarization"] = {"speakers": settings.speakers, "channel_voices": "auto"}
        if settings.language is not None:
            overrides["words"] = {"language": settings.language}
        if overrides:
            options = build_config(options.model_dump(mode="json"), overrides)
        if settings.names or settings.roles:
            people = replace(people, names=settings.names or people.names, roles=settings.roles or people.roles)
        if settings.transcript is not None:
            added = replace(added, transcript=settings.transcript)
        return options, people, added

    def digests(self, source: Source) -> Digests:
        """Digests of all that the results of a recording depend on besides its bytes."""
        _, _, added = self.of(source.settings)
        if added.transcript is not None:
            return self._digests(source)
        if source.settings not in self._known:
            self._known[source.settings] = self._digests(source)
        return self._known[source.settings]

    def _digests(self, source: Source) -> Digests:
        given = (*self.of(source.settings), source.path.stem)
        return Digests(made_from(*given, without=_OF_PAGES), made_from(*given))

    def names(self, conversation: str) -> list[str]:
        """Names of a conversation's result files."""
        return [path.name for path in self.paths(Path(), conversation).values()]

    def paths(self, folder: Path, conversation: str) -> dict[str, Path]:
        """Paths of a conversation's results by format."""
        endings = outputs.ENDINGS | outputs.SIDECAR
        formats = outputs.with_sidecar(self.formats, self.options.report.audio)
        return {name: folder / f"{conversation}{endings[name]}" for name in formats}


@dataclass(frozen=True)
class MakeAnalyst:
    """Makes the analyst of a worker process, which keeps its models from one recording to the next."""

    recipe: Recipe
    library: Library

    def __call__(self) -> Analyst:
        """An analyst of this process."""
        from ressenti.pipeline.loaded_models import Models

        return Analyst(self.recipe, self.library, Models())


@dataclass(frozen=True)
class SameElsewhere:
    """Says what keeps another machine from making the same results as this one; empty if nothing does."""

    recipe: Recipe
    library: Library
    program: str
    digests: Digests

    @classmethod
    def of(cls, recipe: Recipe, library: Library) -> SameElsewhere:
        """What this machine makes results of; raises the errors of choosing models."""
        alike = Recipe(recipe.options, recipe.people, replace(recipe.added, transcript=None), recipe.formats)
        return cls(alike, library, PROGRAM, alike.digests(_ANY))

    def __call__(self) -> str:
        """What is wrong on the machine that this runs on."""
        if self.program != PROGRAM:
            return f"has {PROGRAM}; expected {self.program}. Install the same version on all machines."
        try:
            sees = open_library(self.library.root).salt == self.library.salt
        except (RessentiError, OSError):
            sees = False
        if not sees:
            return (
                f"does not see the library {self.library.root}. Put it and the recordings on storage that all machines "
                "share under the same path."
            )
        try:
            same = self.recipe.digests(_ANY) == self.digests
        except (RessentiError, OSError) as error:
            return f"cannot analyse: {error}"
        return "" if same else "has other models or settings. Install the same on all machines."


@dataclass(frozen=True)
class Analyst:
    """Works on one task after the other, and returns errors as faults."""

    recipe: Recipe
    library: Library
    models: Models

    def __call__(self, task: Task) -> Result:
        """Make and write all results of a recording."""
        path = task.source.path
        try:
            if task.how == "fetch":
                copy = copied(task.source.url, self.library.root)
                return Fetched(str(copy.path), copy.sha256, copy.mark)
            if not task.source.url:
                return self._done(task, path)
            path = Path(task.copy)
            if not task.copy or not is_file(path):  # its hash was known, or a worker ended with it
                path = copied(task.source.url, self.library.root).path
            try:
                return self._done(task, path)
            finally:
                remove_copy(path)
        except Exception as error:  # noqa: BLE001  # one recording must not stop the others
            return explain(error, path)

    def _done(self, task: Task, path: Path) -> Done:
        from ressenti.pipeline.library.rows import rows_of

        options, people, added = self.recipe.of(task.source.settings)
        folder = Path(task.folder)

        def work(progress: Progress) -> tuple[Kept, bytes | None]:
            if task.how == "render":
                kept = Kept(_in_other_words(store.load(folder / f"{task.conversation}.json"), options))
            else:
                words = added.words(path.stem)
                chosen = without_words(options) if words else options
                found = added.apply(self.analyse(path, chosen, people, progress), words, progress)
                kept = with_kept_corrections(found, folder, task.conversation)
            conversation = kept.conversation
            if conversation.recording.sha256 != task.sha256:
                raise StillBeingWrittenError(
                    f"{path.name}: still being written: its bytes changed. Wait until the recording is done."
                )
            paths = self.recipe.paths(folder, task.conversation)
            return kept, sound_options.make(options.report.audio, paths, path, conversation, progress)

        kept, sound = watched(work, limit_s=options.compute.timeout_s, name=path.name)
        conversation = kept.conversation
        metadata = tuple(task.call.metadata.texts())
        paths = self.recipe.paths(folder, task.conversation)
        files = outputs.rendered(conversation, paths, sound=sound, metadata=metadata)
        content = {file.name: text for file, text in files.items()} | dict(kept.files)
        content[f"{task.conversation}{ENDING}"] = task.call.dumps()
        store.write_set(folder, task.conversation, content, task.made)
        return Done(rows_of(self.library, task.conversation), conversation.recording.duration_s, kept.told)

    def analyse(self, path: Path, options: Config, people: People, progress: Progress) -> Conversation:
        """Analyse a recording."""
        from ressenti.pipeline.run import analyze

        return analyze(path, options, people, models=self.models, progress=progress)


def explain(error: Exception, path: Path) -> Fault:
    """An error as it is noted."""
    known = in_words(error, path)
    return Fault(known.exit_code, type(known).__name__, str(known))


def _in_other_words(conversation: Conversation, options: Config) -> Conversation:
    """A stored conversation with the options of pages that are asked for now."""
    report = conversation.config.get("report")
    now = options.model_dump(mode="json")["report"]
    chosen = {**(report if isinstance(report, dict) else {}), **{key: now[key] for _, key in _OF_PAGES}}
    return replace(conversation, config={**conversation.config, "report": chosen})
