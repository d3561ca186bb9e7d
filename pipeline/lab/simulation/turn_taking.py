"""Turn-taking of annotated conversations: `python -m ressenti.pipeline.lab.simulation.turn_taking FOLDER`.

Prints quantiles of the turns, gaps and pauses of every RTTM file in a folder, and the log-normal distributions of
`Talk` that fit them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Annotated

import numpy as np
import typer

from ressenti.pipeline.files.paths import existing

Said = tuple[float, float, str]
QUANTILES = (5, 10, 50, 90, 95)
_NINE_TENTHS = NormalDist().inv_cdf(0.9)  # standard deviations from the median


@dataclass(frozen=True)
class TurnTaking:
    """Seconds of turns, of gaps at changes of speaker (negative: overlap), and of pauses within turns."""

    turns_s: tuple[float, ...]
    gaps_s: tuple[float, ...]
    pauses_s: tuple[float, ...]


def said_in(rttm: str) -> list[Said]:
    """Segments (start_s, end_s, speaker) of an RTTM's text, in order of time."""
    rows = [line.split() for line in rttm.splitlines() if line.startswith("SPEAKER ")]
    return sorted((float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows if len(row) > 7)


def turn_taking_of(conversations: Sequence[Sequence[Said]]) -> TurnTaking:
    """Turns, gaps and pauses; a speaker's segments with nobody else's between them are one turn (pure)."""
    turns: list[float] = []
    gaps: list[float] = []
    pauses: list[float] = []
    for said in conversations:
        start = said[0][0] if said else 0.0
        for (_, end, speaker), (next_start, _, next_speaker) in pairwise(said):
            if speaker == next_speaker:
                pauses.append(next_start - end)
            else:
                gaps.append(next_start - end)
                turns.append(end - start)
                start = next_start
        turns += [end - start for _, end, _ in said[-1:]]
    return TurnTaking(tuple(turns), tuple(gaps), tuple(pauses))


def upper_fit(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and spread of the log-normal with the median and the ninth decile of some times.

    The lower half is left out because annotators clip it: a gap cannot be below 0 where overlap is not marked.
    """
    middle, high = np.percentile(seconds, (50, 90)).tolist()
    return middle, float(np.log(high / middle)) / _NINE_TENTHS


def main(folder: Annotated[Path, typer.Argument(help="folder of RTTM files")]) -> None:
    """Print the turn-taking of a folder's conversations."""
    existing(folder, "a folder of RTTM files")
    files = sorted(folder.glob("*.rttm"))
    found = turn_taking_of([said_in(path.read_text(encoding="utf-8")) for path in files])
    typer.echo(f"{len(files)} conversations; seconds at the quantiles {', '.join(map(str, QUANTILES))} %")
    for name, seconds in (("turns", found.turns_s), ("gaps", found.gaps_s), ("pauses", found.pauses_s)):
        if len(seconds) > 1:
            levels = "  ".join(f"{value:5.2f}" for value in np.percentile(seconds, QUANTILES))
            median, spread = upper_fit(seconds)
            typer.echo(f"{name:7} {len(seconds):5}: {levels}   median {median:.2f}, spread {spread:.2f}")
    at_once = np.mean(np.array(found.gaps_s) < 0.01) if found.gaps_s else 0.0
    typer.echo(f"changes without a gap: {100 * at_once:.0f} %")


if __name__ == "__main__":
    typer.run(main)
