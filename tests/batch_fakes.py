"""`ressenti batch` with fake models, in this process or as a program: `python tests/batch_fakes.py batch SOURCE --out L`.

What a recording's name begins with says what happens: `dies` kills its worker each time, `once` the first time it is
tried, `full` fills the disk, `slow` takes two seconds, `bug` raises something unexpected.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline.batch.tasks import Done, Fault, Task
from ressenti.pipeline.batch.workers import Died
from ressenti.pipeline.cli import library_batch
from ressenti.pipeline.cli.analyst import Analyst, MakeAnalyst
from ressenti.pipeline.config import Config
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.progress import Progress
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.roles import People
from ressenti.pipeline.sounds.fake import FakeSounds

SEGMENTS = [(0.2, 0.9, "S1"), (1.0, 1.6, "S2"), (1.7, 2.9, "S1")]


@dataclass(frozen=True)
class MakeFake(MakeAnalyst):
    """Makes the fake of a worker."""

    def __call__(self) -> Analyst:
        """A fake analyst."""
        from ressenti.pipeline.loaded_models import Models

        return FakeAnalyst(self.recipe, self.library, Models())


@dataclass(frozen=True)
class FakeAnalyst(Analyst):
    """An analyst that reads the recording, and invents the rest."""

    def analyse(self, path: Path, options: Config, people: People, progress: Progress) -> Conversation:
        """A made-up conversation of the recording."""
        from ressenti.pipeline.run import analyze

        name = path.name
        tried = path.with_name(f".tried-{name}")
        if name.startswith("dies") or (name.startswith("once") and not tried.exists()):
            tried.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("full"):
            raise OSError(errno.ENOSPC, "No space left on device", "results")
        if name.startswith("bug"):
            raise IndexError("list index out of range")
        if name.startswith("slow"):
            time.sleep(2)
        with (path.parent / ".analysed").open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        return analyze(
            path,
            options.model_copy(update={"words": options.words.model_copy(update={"model": "off"})}),
            people,
            diarizer=FakeDiarizer(SEGMENTS),
            emotion_model=FakeEmotion(),
            sound_detector=FakeSounds(),
            progress=progress,
        )


class OwnPool:
    """Stands for the pool of workers where its processes are not what is tested: it works in this process, at once."""

    has_free, busy = True, 0

    def __init__(self, count: int, make: MakeAnalyst) -> None:
        self.work = make()
        self.results: list[tuple[Task, Done | Fault | Died]] = []

    def submit(self, task: Task) -> None:
        """Work on a task; one that would kill its worker is told as such."""
        name, path = task.source.path.name, task.source.path
        dies = name.startswith("dies") or (name.startswith("once") and not path.with_name(f".tried-{name}").exists())
        if dies:
            path.with_name(f".tried-{name}").touch()
        self.results.append((task, Died("killed by SIGKILL") if dies else self.work(task)))
        self.busy, self.has_free = 1, False

    def next(self, timeout_s: float | None = None) -> Iterator[tuple[Task, Done | Fault | Died]]:
        """The result of the last task."""
        self.busy, self.has_free = 0, True
        yield self.results.pop()

    def close(self) -> None:
        """Nothing is left to end."""

    kill = close


def patched() -> None:
    """Put the fakes in the place of models."""
    library_batch.MakeAnalyst = MakeFake  # type: ignore[misc]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import batch_fakes

    batch_fakes.patched()
    from ressenti.pipeline.cli import main

    main()
