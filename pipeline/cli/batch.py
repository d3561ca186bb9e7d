"""Process recordings (or stored conversations) one by one, and report which are done, skipped or failed.

A single input gives its own exit code. Several give 0 if none failed, 40 if some failed, and 41 if all failed.
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
    """Outcome of one source; `code` and `error` come from its failure, or from the claim of another run.

    If outdated results were skipped, `error` says why. `conversation` is the id used in tables, if work was done.
    """

    source: Path
    status: Literal["done", "skipped", "failed"]
    outputs: tuple[Path, ...] = ()
    code: int = 0
    error: str | None = None
    seconds: float = 0.0
    conversation: str | None = None

    def line(self) -> str:
        """The outcome as one line of ASCII JSON."""
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
    """How to treat existing results, and whether to print each outcome as a JSON line."""

    overwrite: bool = False
    skip_existing: bool = False
    as_json: bool = False


_ANY = store.Made("", "", "")  # if it does not matter
Work = Callable[[Plan], Conversation | Outcome | None]
"""Makes and writes the results of one source; an outcome if there was nothing to do, None if it is not a source."""


@dataclass
class Batch:
    """One command over its sources: `run` works on each that is not done and not claimed by another run.

    Claimed sources are tried again at the end, in case the other run failed, and skipped if they are still claimed.
    """

    terminal: Terminal
    rules: Rules
    made: Callable[[Plan], store.Made]
    _recovered: set[Path] = field(default_factory=set)
    _found: set[Path] = field(default_factory=set)  # sources that had results when the run began

    def run(self, plans: Sequence[Plan], work: Work) -> int:
        """Work on all plans and return the exit code; each outcome is printed at once, and failures stop nothing."""
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
        """Work on one plan and record its outcome; False without an outcome if it is claimed and may `wait`."""
        started = time.monotonic()
        try:
            with store.claim(plan.folder, plan.stem):
                outcome = self._stands(plan)
                if outcome is None:
                    made = work(plan)
                    if made is None:
                        return True
                    outcome = _outcome(plan, made)
        except ClaimedError as error:
            if wait:
                return False
            self.terminal.say(f"[yellow]skipped[/] {escape(plan.source.name)}: another run is working on it")
            outcome = Outcome(plan.source, "skipped", (), error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001  # one failure must not stop the others
            code = self.terminal.fail(error, plan.source)
            outcome = Outcome(plan.source, "failed", (), code, str(error))
        outcomes.append(replace(outcome, seconds=time.monotonic() - started))
        log.info("%s, code %d, after %.1f s", outcome.status, outcome.code, outcomes[-1].seconds)
        if self.rules.as_json:
            self.terminal.line(outcomes[-1].line())
        return True

    def _stands(self, plan: Plan) -> Outcome | None:
        """The outcome if existing results decide it, or None if there is work to do.

        Raises `OutputExistsError` if results must not be replaced, `OutputError` if none can be written.
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


def _outcome(plan: Plan, made: Conversation | Outcome) -> Outcome:
    if isinstance(made, Outcome):
        return made
    return Outcome(plan.source, "done", tuple(plan.paths.values()), conversation=made.id)


def _exit_code(outcomes: Sequence[Outcome], count: int) -> int:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if count == 1:
        return outcomes[0].code if outcomes else 0
    if not failed:
        return 0
    return ALL_FAILED if len(failed) == len(outcomes) else SOME_FAILED
