"""Terminal output: progress by stage, one line per recording, errors without a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from rich.console import Console, ConsoleOptions
from rich.markup import escape
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ressenti.pipeline.cli.standard_streams import Stream
from ressenti.pipeline.errors import DiskFullError, RessentiError
from ressenti.pipeline.files.disk import is_full
from ressenti.pipeline.progress import Progress as Hook
from ressenti.pipeline.progress import ignore_progress
from ressenti.pipeline.text import visible

STAGES = {
    "audio": "Decoding",
    "models": "Loading models",
    "speech": "Detecting speech",
    "sounds": "Listening for sounds",
    "voices": "Telling voices apart",
    "speakers": "Comparing voices",
    "clustering": "Clustering voices",
    "known": "Comparing known voices",
    "words": "Recognising words",
    "emotion": "Scoring emotion",
    "sentiment": "Judging words",
    "sound": "Encoding the sound",
    "report": "Writing the report",
}
_OTHERS = {  # not part of an analysis
    "clips": "Cutting turns",
    "talks": "Joining clips",
    "download": "Downloading",
    "hash": "Checking",
    "export": "Writing",
    "import": "Reading",
    "training": "Training",
    "test": "Testing",
}


class _Percentage(TextColumn):
    """A percentage, empty for a stage of unknown length."""

    def render(self, task: Task) -> Text:
        return Text("     ") if task.total is None else super().render(task)


@dataclass(frozen=True)
class _Seen:
    """A table whose cells may hold untrusted text; control characters are shown as codes."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield the table's segments; rich calls this method."""
        for segment in console.render(self.table, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


class Terminal:
    """Output to the user; `quiet` prints errors only."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._stdout, self._stderr = Stream(), Stream(stderr=True)
        self.out = Console(file=cast(IO[str], self._stdout), highlight=False, soft_wrap=True, quiet=quiet)
        self.err = Console(file=cast(IO[str], self._stderr), highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a line of markup, unless quiet."""
        self.out.print(visible(text))

    def note(self, text: str) -> None:
        """Print a line of markup on standard error, even if quiet."""
        self.err.print(visible(text))

    def line(self, text: str) -> None:
        """Write a line for other programs, even if quiet."""
        self._stdout.write(text + "\n")
        self._stdout.flush()

    def close(self) -> None:
        """Warn if output was lost."""
        if self._stdout.lost:
            self.err.print("[yellow]some output was lost[/]: standard output is full or closed")

    def show(self, table: Table, width: int = 120) -> None:
        """Print a table at `width` characters or more, so that a narrow terminal cuts no figures."""
        self.out.width = max(self.out.width, width)
        self.out.print(_Seen(table))

    def fail(self, error: Exception, source: Path | None = None) -> int:
        """Print an error and return its exit code; an unexpected error gives 1 and names its source line."""
        known = in_words(error, source)
        self.err.print(f"[bold red]error[/] {escape(visible(str(known)))}")
        return known.exit_code

    @contextmanager
    def progress(self, title: str) -> Iterator[Hook]:
        """Show a progress bar per stage of one recording until it is done; none if quiet or not in a terminal."""
        if self.quiet or not self.err.is_terminal:
            yield ignore_progress
            return
        columns = (TextColumn("{task.description:<22}"), BarColumn(), _Percentage("{task.percentage:>3.0f} %"))
        with Progress(*columns, TimeElapsedColumn(), console=self.err, transient=True) as bars:
            tasks: dict[str, TaskID] = {}
            bars.console.print(f"[dim]{escape(visible(title))}[/]")

            def step(stage: str, completed: float, total: float | None) -> None:
                if stage not in tasks:
                    tasks[stage] = bars.add_task((STAGES | _OTHERS).get(stage, stage), total=total)
                bars.update(tasks[stage], completed=completed, total=total)

            yield step


def in_words(error: Exception, source: Path | None = None) -> RessentiError:
    """An error as a person should read it: a full disk in words, an unexpected error with its source line."""
    if isinstance(error, RessentiError):
        return error
    if is_full(error):
        full = f"{f'{source.name}: ' if source else ''}the disk is full ({error})"
        return DiskFullError(f"{full}. Free some space, or choose other folders (--out, TMPDIR).")
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    text = f"{source.name if source else ''}: unexpected {type(error).__name__} at {where}: {error}"
    return RessentiError(f"{text}. This is a bug in Ressenti; please report it.")


def clock(seconds: float) -> str:
    """A time in a recording as m:ss or h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def counted(count: int, thing: str) -> str:
    """Count and noun, with a plural s unless the count is 1."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def number(value: float | None, decimals: int = 2) -> str:
    """A figure for a table, or a dash for None."""
    return "–" if value is None else f"{value:.{decimals}f}"


def interval(value: dict[str, float] | None) -> str:
    """Format a 95 % interval from its JSON, for a table."""
    return "–" if value is None else f"{value['low']:.2f}-{value['high']:.2f}"
