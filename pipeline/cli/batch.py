"""Many recordings (or stored conversations), one after the other: which are done, left, or fail, and what is said.

The exit code is that of the one, where there is one; of several 0 where all are done or were left, 40 where some
failed, 41 where all did.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.cli.outputs import Plan
from ressenti.pipeline.errors import ClaimedError, OutputExistsError
from ressenti.pipeline.records import Conversation

log = logging.getLogger(__name__)
SOME_FAILED, ALL_FAILED = 40, 41
_KEEP = "Add --overwrite, or choose another folder with --out."
_WHY: dict[store.State, str] = {
    "other_source": "made from another recording",
    "other_program": "made by another version of Ressenti",
    "other_options": "made with other options, or by another command",
    "changed": "changed since it was written",
    "unknown": "no record of how it was made",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one source; `code` and `error` as its failure has them, or the claim for which it was left.

    `error` also says why results were left that are not as they would be made; where they are, it is None.
    `conversation` is the id that tables have, of what was done.
    """

    source: Path
    status: Literal["done", "skipped", "failed"]
    outputs: tuple[Path, ...] = ()
    code: int = 0
    error: str | None = None
    seconds: float = 0.0
    conversation: str | None = None

    def line(self) -> str:
        """JSON for other programs, in ASCII."""
        return json.dumps(
            {
                "recording": str(self.source),
                "conversation": self.conversation,
                "status": self.status,
                "code": self.code,
                "error": self.error,
                "outputs": [str(path) for path in self.outputs],
                "seconds": round(self.seconds, 3),
            }
        )


@dataclass(frozen=True)
class Rules:
    """What becomes of results that exist already, and whether each outcome is a line of JSON."""

    overwrite: bool = False
    skip_existing: bool = False
    as_json: bool = False


_ANY = store.Made("", "", "")  # where it does not matter
Work = Callable[[Plan], Conversation | None]
"""Makes and writes the results of one; None where it was no source after all."""


@dataclass
class Batch:
    """One command over its sources: `run` works on each that is not done yet and that no other run has claimed.

    Sources that another run is working on come again when all others are done, so that none is missed where that run
    failed; where it still works on them they are left to it.
    """

    terminal: Terminal
    rules: Rules
    made: Callable[[Plan], store.Made]
    _recovered: set[Path] = field(default_factory=set)
    _found: set[Path] = field(default_factory=set)  # sources with results, when the run began

    def run(self, plans: Sequence[Plan], work: Work) -> int:
        """Work on all; the exit code. Each is told as soon as it ends, and a failure does not stop the others."""
        for folder in dict.fromkeys(plan.folder for plan in plans):
            self._recovered |= set(store.tidy(folder))
        self._found = {plan.source for plan in plans if any(os.path.lexists(path) for path in plan.paths.values())}
        outcomes: list[Outcome] = []
        claimed = [plan for plan in plans if not self._one(plan, work, outcomes, wait=True)]
        for plan in claimed:
            self._one(plan, work, outcomes, wait=False)
        self.terminal.close()
        return _exit_code(outcomes, len(plans))

    def _one(self, plan: Plan, work: Work, outcomes: list[Outcome], *, wait: bool) -> bool:
        """Work on one and note what became of it; False, and nothing noted, where it is claimed and may `wait`."""
        started = time.monotonic()
        try:
            with store.claim(plan.folder, plan.stem):
                outcome = self._stands(plan)
                if outcome is None:
                    made = work(plan)
                    if made is None:
                        return True
                    outcome = Outcome(plan.source, "done", tuple(plan.paths.values()), conversation=made.id)
        except ClaimedError as error:
            if wait:
                return False
            self.terminal.say(f"[yellow]skipped[/] {escape(plan.source.name)}: another run is working on it")
            outcome = Outcome(plan.source, "skipped", (), error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001  # whatever happens to one, the others are still done
            code = self.terminal.fail(error, plan.source)
            outcome = Outcome(plan.source, "failed", (), code, str(error))
        outcomes.append(replace(outcome, seconds=time.monotonic() - started))
        log.info("%s, code %d, after %.1f s", outcome.status, outcome.code, outcomes[-1].seconds)
        if self.rules.as_json:
            self.terminal.line(outcomes[-1].line())
        return True

    def _stands(self, plan: Plan) -> Outcome | None:
        """The outcome where results that are there already decide it, None where there is work to do.

        Raises `OutputExistsError` for results that may not be replaced, `OutputError` where none can be written.
        """
        self._recovered |= set(store.recover(plan.folder))
        names = [path.name for path in plan.paths.values()]
        overwrite = self.rules.overwrite
        state = store.state_of(plan.folder, plan.stem, names, lambda: _ANY if overwrite else self.made(plan))
        if overwrite or state in ("absent", "incomplete"):
            return None
        there = tuple(path for path in plan.paths.values() if os.path.lexists(path))
        name = escape(plan.source.name)
        if state == "complete" and not self._recovered.isdisjoint(there):
            self.terminal.say(f"[green]✓[/] [bold]{name}[/]: completed the results of an interrupted run")
            return Outcome(plan.source, "done", there)
        if state == "complete" and plan.source not in self._found:
            self.terminal.say(f"[dim]{name}: already done by another run[/]")
            return Outcome(plan.source, "skipped", there)
        if self.rules.skip_existing and state == "complete":
            self.terminal.say(f"[dim]{name}: already done[/]")
            return Outcome(plan.source, "skipped", there)
        if self.rules.skip_existing and len(there) == len(names):
            self.terminal.say(f"[yellow]skipped[/] {name}: {_WHY[state]}; use --overwrite to replace it")
            return Outcome(
                plan.source, "skipped", there, error=f"skipped: {_WHY[state]}; use --overwrite to replace it"
            )
        why = f" ({_WHY[state]})" if state in _WHY else ""
        raise OutputExistsError(f"{there[0]}: already exists{why}. {_KEEP}")


def _exit_code(outcomes: Sequence[Outcome], count: int) -> int:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if count == 1:
        return outcomes[0].code if outcomes else 0
    if not failed:
        return 0
    return ALL_FAILED if len(failed) == len(outcomes) else SOME_FAILED
