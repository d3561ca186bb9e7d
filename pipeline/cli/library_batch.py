"""`ressenti batch`: many recordings -> a library."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ressenti.pipeline.batch.urls import local_path
from ressenti.pipeline.cli import outputs, sound_options
from ressenti.pipeline.cli.analyst import MakeAnalyst, Recipe, SameElsewhere, explain
from ressenti.pipeline.cli.batch import ALL_FAILED, SOME_FAILED
from ressenti.pipeline.cli.batch_display import Display, logging_to
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.edits import Additions, Phrases, Redact, RedactNames, Transcript
from ressenti.pipeline.cli.options import (
    AllowRestricted,
    Channels,
    CsvLocale,
    DiarizerModel,
    EmotionFor,
    EmotionWeights,
    Formats,
    Language,
    Preset,
    Quiet,
    Sound,
    SpokenLanguage,
    Timeout,
    Use,
    Verbose,
    Words,
    WordSentiment,
    given,
    listed,
)
from ressenti.pipeline.cli.verbose import speak
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ClaimedError, ConfigError, RessentiError, StillBeingWrittenError
from ressenti.pipeline.extras import need
from ressenti.pipeline.library.storage import shown_url, url_of
from ressenti.pipeline.roles import People, use_of
from ressenti.pipeline.text import visible

if TYPE_CHECKING:
    from ressenti.pipeline.batch.sources import Source
    from ressenti.pipeline.batch.tasks import Event, Result, Task
    from ressenti.pipeline.batch.workers import Workers
    from ressenti.pipeline.library.folder import Library

EVERY_S = 5.0  # between two looks at a watched folder
_NEEDED = ("json", "html")


def batch(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Recordings, folders (with all folders in them), addresses in storage (s3://calls/), or manifests: "
            "CSV or Parquet with a column `path`.",
            metavar="SOURCES...",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the library; it is made if it is new.", metavar="LIBRARY")
    ],
    config: Preset = "default",
    use: Use = None,
    speakers: Annotated[int | None, typer.Option(help="Number of speakers, if it is always the same.")] = None,
    channels: Channels = None,
    diarizer: DiarizerModel = None,
    roles: Annotated[str, typer.Option(help="Speakers' roles: agent,client.")] = "",
    emotion_for: EmotionFor = "",
    allow_restricted: AllowRestricted = None,
    lang: Language = None,
    emotion_model: EmotionWeights = None,
    words: Words = None,
    spoken_language: SpokenLanguage = None,
    sentiment: WordSentiment = None,
    transcript: Transcript = None,
    audio: Sound = None,
    redact: Redact = False,
    redact_names: RedactNames = None,
    phrases: Phrases = None,
    csv_locale: CsvLocale = None,
    format: Formats = ",".join(_NEEDED),
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=1024, help="Worker processes; does not change results.  [default: by cores and memory]"
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            help="Work on the machines of a Ray cluster, by its head; local: by Ray, on this machine alone.",
            metavar="HOST:PORT|local",
        ),
    ] = None,
    redo: Annotated[bool, typer.Option("--redo", help="Analyse everything again, also what failed before.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also take in recordings that were deleted by `library forget`.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on and take what arrives, once nobody writes to it any more.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0, help="With --watch: a file is finished when it stays the same this long.", metavar="SECONDS"
        ),
    ] = 30.0,
    log: Annotated[
        Path | None, typer.Option("--log", help="Append a line of JSON for each recording.", metavar="FILE")
    ] = None,
    timeout: Timeout = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Analyse many recordings into a library: a folder with all results and tables to search.

    The same command goes on where it was interrupted. Outside a terminal it prints failures only; -v prints all.
    """
    need("pyarrow", "ressenti batch", extra="library")
    terminal = Terminal(quiet)
    speak(terminal, max(0, verbose - 1))
    options = load_config(
        config,
        {
            **({"use": use} if use else {}),
            "audio": given({"channels": channels}),
            "diarization": given(
                {"model": diarizer, "speakers": speakers, "channel_voices": "auto" if speakers else None}
            ),
            "words": given({"model": words, "language": spoken_language}),
            "emotion": given({"model": emotion_model}),
            "sentiment": given({"model": sentiment}),
            "roles": given({"emotion_for": listed(emotion_for) or None}),
            "content": given({"redact": redact or None, "redact_names": redact_names, "phrases": phrases or None}),
            "report": given({"lang": lang, "audio": audio, "csv_locale": csv_locale}),
            "compute": {**given({"timeout_s": timeout}), "threads": 1},
        },
    )
    names_by = options.content.redact_names
    redacts = redact or options.content.redact or names_by != "off"
    people = People((), listed(roles), allow_restricted)
    added = Additions(
        transcript,
        redact=redacts,
        redact_names=names_by if transcript else "off",
        use=use_of(options, people),
        sentiment=options.sentiment if transcript else None,
    )
    added.check(2)
    formats = tuple(dict.fromkeys((*_NEEDED[:1], *outputs.parse_formats(format))))
    outputs.check_csv_locale(csv_locale, formats)
    sound_options.check(audio, formats)
    recipe = Recipe(options, people, replace(added), formats)
    talks = not quiet and (terminal.err.is_terminal or verbose > 0)
    with _ended_by_signals(), logging_to(log) as lines:
        display = Display(terminal, talks, log=lines)
        command = _Command(tuple(sources), local_path(out), recipe, display, redo, again, log, ray)
        raise typer.Exit(command.watch(workers, settle) if watch else command.once(workers))


@dataclass(frozen=True)
class _Command:
    given: tuple[str, ...]
    out: Path
    recipe: Recipe
    display: Display
    redo: bool
    again: bool
    log: Path | None
    ray: str | None

    def once(self, workers: int | None) -> int:
        """Work on all that is there; return the exit code."""
        from ressenti.pipeline.batch.find_sources import find_sources
        from ressenti.pipeline.batch.run import Run

        found = find_sources(self.given, self.out)
        display = self.display
        if display.talks and found.others:
            endings = ", ".join(f"{n} {ending}" for ending, n in found.others.most_common(5))
            display.terminal.say(f"[dim]no recordings by their endings, left alone: {endings}[/]")
        if not found.sources:
            raise ConfigError(f"{', '.join(map(str, self.given))}: no recordings found. Name them, or another folder.")
        library = self._library()
        display.total = len(found.sources)
        with library.alone():
            self._remember_log(library)
            pool = self._pool(library, workers, len(found.sources))
            run = Run(library, self.recipe, pool, display.tell, explain, self.redo, self.again)
            with display.showing():
                run.run(found.sources)
            self._write_overview(library)
            pool.close()
        return self._closed()

    def watch(self, workers: int | None, settle_s: float) -> int:
        """Take what arrives until it is interrupted; the library is locked only while there is work."""
        from ressenti.pipeline.batch.find_sources import find_sources
        from ressenti.pipeline.batch.watch import Arrivals

        if storage := next(filter(None, map(url_of, self.given)), None):
            raise ConfigError(
                f"--watch: got {shown_url(storage)}; expected folders. Run the batch again and again instead."
            )
        library, arrivals = self._library(), Arrivals(settle_s)
        pool = self._pool(library, workers)
        try:
            while True:
                ready = arrivals.ready(find_sources(self.given, self.out).sources, time.monotonic())
                for source in self._round(library, pool, ready) if ready else ():
                    arrivals.again(source)
                time.sleep(min(EVERY_S, max(settle_s / 2, 0.05)))
        finally:
            pool.kill()
            self._closed()

    def _round(self, library: Library, pool: Workers[Task, Result], ready: list[Source]) -> list[Source]:
        """Work on what has arrived; return what has to wait, as it is still being written, or the library is locked."""
        from ressenti.pipeline.batch.run import Run

        waiting: list[Source] = []

        def tell(event: Event) -> None:
            if event.code == StillBeingWrittenError.exit_code:
                waiting.append(event.source)
            self.display.tell(event)

        self.display.total += len(ready)
        try:
            with library.alone():
                self._remember_log(library)
                Run(library, self.recipe, pool, tell, explain, self.redo, self.again).run(ready)
                self._write_overview(library)
        except ClaimedError:
            self.display.total -= len(ready)
            return ready
        return waiting

    def _closed(self) -> int:
        from ressenti.pipeline.library.failures import ERRORS

        self.display.close(self.out / ERRORS)
        self.display.terminal.close()
        counts = self.display.counts
        if not counts["failed"]:
            return 0
        return ALL_FAILED if counts["failed"] == sum(counts.values()) else SOME_FAILED

    def _write_overview(self, library: Library) -> None:
        """Write the page over all conversations if anything changed; needs DuckDB, which is in the same extra."""
        from ressenti.pipeline.library.folder import PAGE
        from ressenti.pipeline.library.overview import language_of, write_overview

        counts, lang = self.display.counts, self.recipe.options.report.lang
        changed = counts["done"] or counts["failed"] > self.display.known_failures
        if find_spec("duckdb") is None or not (changed or language_of(library) != lang):
            return
        try:
            write_overview(library, lang)
        except RessentiError as error:  # what was analysed is there
            self.display.terminal.note(f"[yellow]no overview[/] {escape(visible(str(error)))}")
            return
        if self.display.talks:
            self.display.terminal.say(f"overview: [bold]{escape(visible(str(library.root / PAGE)))}[/]")

    def _library(self) -> Library:
        from ressenti.pipeline.library.folder import make_library

        return make_library(self.out)

    def _pool(self, library: Library, asked: int | None, most: int | None = None) -> Workers[Task, Result]:
        """Workers on this machine or on a cluster: as many as asked for or as fit, and not more than `most`."""
        from ressenti.pipeline.batch.machine import workers_that_fit
        from ressenti.pipeline.batch.workers import Pool

        make = MakeAnalyst(self.recipe, library)
        if self.ray is None:
            return Pool(self._told(asked or workers_that_fit(), most), make)

        from ressenti.pipeline.batch.ray_cluster import connect
        from ressenti.pipeline.batch.ray_pool import RayPool

        check = SameElsewhere.of(self.recipe, library)
        cluster = connect(self.ray, asked)
        return RayPool(cluster, self._told(asked or cluster.workers(), most), make, check)

    def _told(self, count: int, most: int | None) -> int:
        """A number of workers, which is told before it is bounded."""
        if self.display.talks:
            self.display.terminal.say(f"[dim]{counted(count, 'worker process').replace('processs', 'processes')}[/]")
        return min(count, most or count)

    def _remember_log(self, library: Library) -> None:
        if self.log is not None:
            from ressenti.pipeline.library.logs import remember

            remember(library, self.log)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End on SIGTERM and SIGHUP as on Ctrl-C: workers end, and what is done is kept."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP")
    before = {}
    try:
        for name in names:
            if (number := getattr(signal, name, None)) is not None:
                before[number] = signal.signal(number, interrupt)
    except ValueError:  # not in the main thread
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
