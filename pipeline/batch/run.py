"""A batch: decide, analyse in workers, take results into the library, retry once what killed its worker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ressenti.pipeline import errors
from ressenti.pipeline.batch.decisions import MOST_DEATHS, Decider, now
from ressenti.pipeline.batch.sources import Source
from ressenti.pipeline.batch.tasks import Event, Fault, Fetched, Recipe, Result, Task
from ressenti.pipeline.batch.workers import Died, Workers
from ressenti.pipeline.errors import RessentiError, WorkerDiedError
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.library.failures import Failure, read_failures, write_failures
from ressenti.pipeline.library.folder import Library
from ressenti.pipeline.library.forget import finish
from ressenti.pipeline.library.index import Index
from ressenti.pipeline.library.storage import read_hashes, remove_copy
from ressenti.pipeline.library.tombstones import read_tombstones
from ressenti.pipeline.version import PROGRAM

_MOST_LOST = 3  # machines that a recording's workers were lost with, before it counts as a death of its own
_MOST_IN_A_ROW = 6  # deaths without a result between them: then it is not the files
_STOP = (*range(20, 29), 30, 32)  # exit codes of models and of the disk: every other recording would fail, too


@dataclass
class Run:
    """One pass over recordings; the caller holds the library's lock.

    `tell` gets an event for each recording, `explain` puts an exception into words. What is finished is in the library
    whenever a run stops.
    """

    library: Library
    recipe: Recipe
    pool: Workers[Task, Result]
    tell: Callable[[Event], None]
    explain: Callable[[Exception, Path], Fault]
    redo: bool = False
    again: bool = False
    _retry: list[Task] = field(default_factory=list)
    _resume: list[Task] = field(default_factory=list)  # lost with a machine: at once, beside others
    _lost: Counter[str] = field(default_factory=Counter)
    _begun: dict[str, float] = field(default_factory=dict)
    _deaths: dict[str, int] = field(default_factory=dict)
    _in_a_row: int = 0
    _stop: Fault | None = None

    def run(self, sources: Iterable[Source]) -> None:
        """Work on all recordings.

        Raises `RessentiError` where going on makes no sense: a full disk, a missing model, a machine on which every
        worker dies. Then, as on Ctrl-C, the workers are killed, and the pool cannot be used again.
        """
        finish(self.library)
        self._failures, self._index = read_failures(self.library), Index(self.library)
        self._changed, self._hashes = False, read_hashes(self.library)
        tombstones = read_tombstones(self.library)
        decider = Decider(self.library, self.recipe, self._failures, tombstones, self.redo, self.again, self._hashes)
        try:
            self._decider = decider
            for source in sources:
                self._one(source)
                self._index.commit_if_due()
            self._wait()
            while self._retry:  # one at a time: each may need all the memory
                self._submit(self._retry.pop(0))
                self._wait()
        except BaseException:
            self.pool.kill()
            raise
        finally:
            self._save_failures()
            self._hashes.write()
            self._index.commit()

    def _one(self, source: Source, copy: Fetched | None = None) -> None:
        """Decide for a recording, and hand it out or tell of it; `copy` is its copy if it comes from storage."""
        began = time.monotonic()
        try:
            found = self._decider.decide(source, copy.sha256 if copy else None)
            stands = isinstance(found, Event) and found.status != "failed" and found.conversation not in self._begun
            if stands and found.conversation:
                self._index.refresh(found.conversation)
        except Exception as error:  # one recording must not stop the others
            self._drop(copy)
            fault = self.explain(error, source.path)
            if fault.code in _STOP:
                raise
            self._fail(source, fault, None, 0, began)
            return
        if isinstance(found, Task) and copy is not None:
            self._resume.append(replace(found, copy=copy.path))
            return
        self._drop(copy)
        if isinstance(found, Task):
            while not self.pool.has_free:
                self._collect()
            self._submit(found)
            return
        if found.status != "failed":
            self._forgive(source)
        self.tell(replace(found, seconds=time.monotonic() - began))

    def _drop(self, copy: Fetched | None) -> None:
        if copy is not None:
            remove_copy(Path(copy.path))

    def _submit(self, task: Task) -> None:
        self._begun[task.conversation] = time.monotonic()
        self.pool.submit(task)

    def _wait(self) -> None:
        while self.pool.busy or self._resume:
            self._collect()
            self._index.commit_if_due()

    def _collect(self) -> None:
        """Take what workers have finished; raises the error that stops the batch."""
        for task, result in self.pool.next():
            self._take(task, result)
        if self._stop is not None:
            kind = getattr(errors, self._stop.error, RessentiError)
            raise kind(self._stop.message)
        while self._resume and self.pool.has_free:
            self._submit(self._resume.pop(0))

    def _take(self, task: Task, result: Result | Died) -> None:
        began = self._begun[task.conversation]
        if isinstance(result, Died):
            self._died(task, result, began)
            return
        self._in_a_row = 0
        if isinstance(result, Fault):
            if result.code in _STOP:
                self._stop = result
            else:
                self._fail(task.source, result, task if task.sha256 else None, 0, began)
            return
        if isinstance(result, Fetched):
            self._hashes.add(task.source.url, task.source.mark or result.mark, result.sha256)
            self._one(task.source, result)
            return
        self._index.add(task.conversation, result.rows)
        self._forgive(task.source)
        what = "rendered again" if task.how == "render" else result.told
        seconds = time.monotonic() - began
        self.tell(Event("done", task.source, task.conversation, what, seconds=seconds, duration_s=result.duration_s))

    def _died(self, task: Task, died: Died, began: float) -> None:
        """Note the death at once, as the next may end this process, too; a first one is tried again at the end."""
        path = task.source.shown
        if died.machine_lost and self._lost[path] < _MOST_LOST:
            self._lost[path] += 1
            self._resume.append(task)
            return
        self._in_a_row += 1
        before = self._failures.get(path)
        if path not in self._deaths:
            known = before is not None and before.sha256 == task.sha256 and not self.redo
            self._deaths[path] = before.deaths if known and before else 0
        self._deaths[path] += 1
        deaths = self._deaths[path]
        name = short(task.source.path.name, 200)
        if self._in_a_row >= _MOST_IN_A_ROW:
            message = (
                f"{self._in_a_row} worker processes in a row ended ({died.how}), the last with {name}. The machine may "
                "lack memory: try again with --workers 1."
            )
            self._stop = Fault(WorkerDiedError.exit_code, WorkerDiedError.__name__, message)
            return
        message = (
            f"{name}: the process that analysed it ended ({died.how}), perhaps for lack of memory. "
            + ("It is set aside: look at the file, then try it again with --redo."
               if deaths >= MOST_DEATHS else "It will be tried once more.")
        )  # fmt: skip
        fault = Fault(WorkerDiedError.exit_code, WorkerDiedError.__name__, message)
        if deaths < MOST_DEATHS:
            self._note(task.source, fault, task, deaths)
            self._retry.append(task)
        else:
            self._fail(task.source, fault, task, deaths, began)
        self._save_failures()

    def _fail(self, source: Source, fault: Fault, task: Task | None, deaths: int, began: float) -> None:
        failure = self._note(source, fault, task, deaths)
        seconds = time.monotonic() - began
        self.tell(
            Event("failed", source, failure.conversation, fault.message, fault.code, fault.error, seconds=seconds)
        )

    def _note(self, source: Source, fault: Fault, task: Task | None, deaths: int) -> Failure:
        path = source.shown
        failure = Failure(
            path,
            fault.code,
            fault.error,
            fault.message,
            now(),
            (task.sha256 or None) if task else None,
            PROGRAM if task else "",
            task.made.options if task else "",
            deaths,
            source.metadata,
        )
        self._failures[path] = failure
        self._changed = True
        return failure

    def _forgive(self, source: Source) -> None:
        if self._failures.pop(source.shown, None) is not None:
            self._changed = True

    def _save_failures(self) -> None:
        if self._changed:
            write_failures(self.library, self._failures)
            self._index.set_failures([self._failures[path] for path in sorted(self._failures)])
            self._changed = False
