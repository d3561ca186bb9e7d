"""Which calls to listen to: a random sample, in which every call has a known chance, and estimates from it (pure)."""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
Z = 1.959964  # for intervals of 95 %


@dataclass(frozen=True)
class Sampled:
    """A call of the sample: its place in the given order, its stratum, and how many calls it stands for."""

    index: int
    stratum: tuple[str, ...]
    weight: float


@dataclass(frozen=True)
class Share:
    """An estimated share of all calls, with its 95 % interval, the calls it rests on and those it is about."""

    share: float
    low: float
    high: float
    calls: int
    of: float


def strata(calls: Sequence[Mapping[str, str | None]], columns: Sequence[str], count: int) -> tuple[str, ...]:
    """Which of the columns make the strata of `count` calls, in the order of the columns.

    A column that tells no calls apart is left out. So is the first one, and then the next, as long as there are more
    strata than half of the sample: each stratum has to give at least one call, or the sample would not be of all calls.
    """
    left = tuple(name for name in columns if len({call[name] for call in calls}) > 1)
    while left and 2 * len({tuple(call[name] for name in left) for call in calls}) > count:
        left = left[1:]
    return left


def stratified(ids: Sequence[str], of: Sequence[tuple[str, ...]], count: int, seed: int) -> list[Sampled]:
    """Draw `count` calls at random, from each stratum in proportion to its size; in the given order.

    `of` has the stratum of each call. The same seed and calls give the same sample, in whatever order they are given.
    Raises `ValueError` for fewer draws than strata.
    """
    by_stratum: dict[tuple[str, ...], list[int]] = {}
    for index in sorted(range(len(ids)), key=lambda index: ids[index]):
        by_stratum.setdefault(of[index], []).append(index)
    sizes = {stratum: len(calls) for stratum, calls in sorted(by_stratum.items())}
    drawn = []
    for stratum, number in allocated(sizes, min(count, len(ids))).items():
        draw = random.Random(f"{seed} {stratum}")  # noqa: S311  # a plan anybody can repeat, no secret
        chosen = draw.sample(by_stratum[stratum], number)
        drawn += [Sampled(index, stratum, sizes[stratum] / number) for index in chosen]
    return sorted(drawn, key=lambda one: one.index)


def allocated(sizes: Mapping[K, int], count: int) -> dict[K, int]:
    """How many to draw from each stratum: in proportion (largest remainders), at least one and at most all of it."""
    total = sum(sizes.values())
    if not len(sizes) <= count <= total:
        raise ValueError(f"got {count} draws from {len(sizes)} strata of {total} calls")
    wanted = {stratum: count * size / total for stratum, size in sizes.items()}
    given = {stratum: min(sizes[stratum], max(1, math.floor(number))) for stratum, number in wanted.items()}
    while (left := count - sum(given.values())) != 0:
        can = [s for s in sizes if (given[s] < sizes[s] if left > 0 else given[s] > 1)]
        most = max(can, key=lambda s: (wanted[s] - given[s]) * (1 if left > 0 else -1))
        given[most] += 1 if left > 0 else -1
    return given


def share_of(weights: Sequence[float], yes: Sequence[bool]) -> Share | None:
    """The share of all calls for which an answer is yes, from the answers on sampled calls; None without any.

    Each answer counts with its weight. The interval is Wilson's, for the number of calls that equal weights would need
    for the same variance (Kish 1965).
    """
    total = sum(weights)
    if not total:
        return None
    share = sum(weight for weight, answer in zip(weights, yes, strict=True) if answer) / total
    effective = total**2 / sum(weight**2 for weight in weights)
    middle = (share + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
    half = Z / (1 + Z**2 / effective) * math.sqrt(share * (1 - share) / effective + Z**2 / (4 * effective**2))
    return Share(share, max(0.0, middle - half), min(1.0, middle + half), len(weights), total)
