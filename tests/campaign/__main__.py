"""The counts of a campaign: `python -m campaign [GROUP ...] [--seed N] [--short] [--json FILE]`, in the checkout.

`PYTHONPATH=.:tests python -m campaign --json counts.json` tries everything; a table of it is printed at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from campaign import called, kills, media, names, run
from campaign.forks import Forks
from campaign.run import FAULTS, Tally, Verdict, tallied

SEED = 16
Cases = Callable[[bool], Iterator[Verdict]]


def _kills(short: bool) -> Iterator[Verdict]:
    with Forks() as forks:
        sets = kills.undisturbed(forks)
        yield from kills.at_random(forks, sets, SEED, 6 if short else 200)
        for overwrite in (False, True):
            yield from kills.at_every_call(forks, sets, overwrite, 24 if short else 1)


def _texts(what: str, ending: str, count: int) -> Cases:
    def cases(short: bool) -> Iterator[Verdict]:
        from importlib import import_module

        module = import_module(f"campaign.{what}s")
        return run.texts(what, ending, module.cases(SEED, count // 10 if short else count))

    return cases


def _archives(short: bool) -> Iterator[Verdict]:
    from campaign import archives

    return run.archives(archives.cases(SEED, 5 if short else 50))


def _model_folders(short: bool) -> Iterator[Verdict]:
    from campaign import model_folders

    return run.model_folders(model_folders.cases(SEED, 11 if short else 110))


GROUPS: dict[str, Cases] = {
    "recordings": lambda short: run.media(media.cases(SEED, 50 if short else 2_000)),
    "bombs and playlists": lambda short: run.media(media.special(short=short)),
    "recordings, whole command": lambda short: run.whole(media.cases(SEED + 1, 3 if short else 200)),
    "names": lambda short: iter([called.together(names.names()[::9])]) if short else called.one_by_one(names.names()),
    "configs": _texts("config", ".yaml", 100),
    "conversations": _texts("conversation", ".json", 100),
    "transcripts": _texts("transcript", ".srt", 50),
    "archives": _archives,
    "model folders": _model_folders,
    "kills": _kills,
}


def table(tallies: list[Tally]) -> str:
    """Counts of each group in Markdown, one row for each."""
    head = ["", "tried", *FAULTS]
    rows = [[t.group, f"{t.tried:,}", *(f"{t.faults[fault]:,}" for fault in FAULTS)] for t in tallies]
    rows.append(
        ["all", f"{sum(t.tried for t in tallies):,}", *(f"{sum(t.faults[f] for t in tallies):,}" for f in FAULTS)]
    )
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def main() -> int:
    """Try the groups that were asked for; 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m campaign")
    parser.add_argument("groups", nargs="*", help=f"out of: {', '.join(GROUPS)}")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    tallies = []
    for group in asked.groups or GROUPS:
        started = time.monotonic()
        try:
            tally = tallied(group, GROUPS[group](asked.short))
        except ModuleNotFoundError as missing:
            print(f"{group}: {missing}", file=sys.stderr)  # noqa: T201
            continue
        tallies.append(tally)
        print(f"{group}: {tally.tried} in {time.monotonic() - started:.0f} s, {dict(tally.faults)}", flush=True)  # noqa: T201
        for wrong in tally.wrong:
            print(f"  {wrong.fault}: {wrong.name} -> {wrong.code}: {wrong.words!a}", flush=True)  # noqa: T201
    print(table(tallies))  # noqa: T201
    if asked.json is not None:
        rows = [{"group": t.group, "tried": t.tried, "codes": t.codes, "faults": t.faults} for t in tallies]
        asked.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(tally.wrong for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
