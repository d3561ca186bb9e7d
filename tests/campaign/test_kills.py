"""Runs that are killed at any moment: the next one completes everything, with the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from campaign import kills
from campaign.__main__ import SEED
from campaign.forks import Forks
from campaign.run import Verdict, tallied

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as process:
        yield process


@pytest.fixture(scope="module")
def sets(forks: Forks) -> kills.Sets:
    made = kills.undisturbed(forks)
    assert {f"first{ending}" for ending in (".json", ".report.html", ".rttm", ".turns.csv")} <= set(made.alone)
    assert made.old["first.json"] != made.over["first.json"] == made.alone["first.json"]
    return made


def check(verdicts: Iterator[Verdict], kills_at_least: int) -> None:
    tally = tallied("kills", verdicts)
    assert tally.codes[-9] >= kills_at_least
    assert not tally.wrong, "\n".join(f"{w.fault}: {w.name} -> {w.code}: {w.words}" for w in tally.wrong[:30])


def test_after_a_kill_at_any_moment(forks: Forks, sets: kills.Sets, short: bool) -> None:
    count = 6 if short else 200
    check(kills.at_random(forks, sets, SEED, count), count * 3 // 4)


@pytest.mark.parametrize("overwrite", [False, True])
def test_after_a_kill_between_any_two_renames(forks: Forks, sets: kills.Sets, overwrite: bool, short: bool) -> None:
    check(kills.at_every_call(forks, sets, overwrite, 24 if short else 1), 2 if short else 20)
