"""What a batch tells: a line that counts while it runs, one line for each failure, a closing line, and a log."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from ressenti.pipeline.batch.tasks import Event
from ressenti.pipeline.cli.console import Terminal, clock, counted
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.text import visible


@dataclass
class Display:
    """Tells events on the terminal and in the log; `talks` is false in cron, where only failures are printed."""

    terminal: Terminal
    talks: bool
    total: int = 0
    log: IO[str] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    known_failures: int = 0
    sound_s: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _bars: Progress | None = None
    _task: TaskID | None = None

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show the counting line while it runs; only in a terminal."""
        if not self.talks or not self.terminal.err.is_terminal:
            yield
            return
        columns = (MofNCompleteColumn("/"), BarColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=self.terminal.err, transient=True) as self._bars:
            self._task = self._bars.add_task("", total=self.total)
            yield
        self._bars = None

    def tell(self, event: Event) -> None:
        """Count an event, and tell it."""
        self.counts[event.status] += 1
        name = escape(event.source.shown)
        if event.status == "failed":
            self.known_failures += event.known
            again = " (as before; --redo tries again)" if event.known else ""
            if self.talks or not event.known:
                self.terminal.note(f"[bold red]failed[/] {escape(visible(event.message))}{again}")
        elif event.status == "skipped":
            self.reasons[
                "the same bytes as another" if event.message.startswith("the same bytes") else event.message
            ] += 1
            if self.talks and event.message != "already done":
                self.terminal.say(f"[yellow]skipped[/] {name}: {escape(visible(event.message))}")
        else:
            self.sound_s += event.duration_s
            if "corrections" in event.message:  # which people made, and which may wait for them
                self.terminal.note(f"[yellow]{name}: {escape(visible(event.message))}[/]")
            if self.talks and self._bars is None:
                more = f" ({escape(event.message)})" if event.message else ""
                done = sum(self.counts.values())
                self.terminal.say(f"[green]✓[/] {done}/{self.total} {name}{more}  [dim]{event.seconds:.1f} s[/]")
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=sum(self.counts.values()), description=self.rate())
        self._write(event)

    def rate(self) -> str:
        """How fast it goes, how long it will take, and how many failed."""
        spent_s, worked = time.monotonic() - self._began, self.counts["done"]
        left = self.total - sum(self.counts.values())
        parts = []
        if worked and spent_s > 0:
            parts.append(f"{worked / spent_s * 60:.1f}/min, {self.sound_s / spent_s:.1f} x real time")
            parts.append(f"{clock(left * spent_s / worked)} left")
        if self.counts["failed"]:
            parts.append(f"{self.counts['failed']} failed")
        return ", ".join(parts)

    def close(self, errors: Path) -> None:
        """Print the closing line."""
        total = sum(self.counts.values())
        if not self.talks:
            return
        why = ", ".join(f"{n} {escape(visible(reason))}" for reason, n in self.reasons.most_common(5))
        parts = [f"{self.counts['done']} done"]
        if self.counts["skipped"]:
            parts.append(f"{self.counts['skipped']} skipped ({why})")
        if failed := self.counts["failed"]:
            parts.append(f"[red]{failed} failed[/], see {escape(str(errors))}")
        spent_s = time.monotonic() - self._began
        speed = f"; {self.sound_s / 3600:.2f} h of sound in {clock(spent_s)}, {self.sound_s / spent_s:.1f} x real time"
        self.terminal.say(f"{counted(total, 'recording')}: {', '.join(parts)}{speed if self.sound_s else ''}")

    def _write(self, event: Event) -> None:
        if self.log is None:
            return
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "status": event.status,
            "recording": event.source.shown,
            "conversation": event.conversation,
            "code": event.code,
            "error": event.error or None,
            "message": event.message or None,
            "seconds": round(event.seconds, 3),
        }
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()


@contextmanager
def logging_to(path: Path | None) -> Iterator[IO[str] | None]:
    """Open the log for further lines; None without one."""
    with ExitStack() as stack:
        if path is None:
            yield None
            return
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("a", encoding="utf-8"))
        yield file
