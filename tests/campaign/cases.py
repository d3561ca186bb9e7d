"""What a case of the campaign is, and what may come of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

# what a recording that is damaged somewhere may end with: read all the same, not audio, truncated or damaged, no
# samples, silent, too short, no numbers, or more than a limit allows
DAMAGED = frozenset({0, 8, 9, 10, 11, 12, 13, 50})
HEARD = frozenset({0})


@dataclass(frozen=True)
class Allowed:
    """Exit codes that are right, and the length in seconds that a recording has where it is read (code 0)."""

    codes: frozenset[int]
    shortest_s: float = 0.0
    longest_s: float = math.inf

    @classmethod
    def of(cls, given: Allowed | Iterable[int]) -> Allowed:
        """The same from a plain set of codes, as the generators of configs, archives and the like give them."""
        return given if isinstance(given, Allowed) else cls(frozenset(given))


def read_as(seconds: float, tolerance_s: float = 0.01, *others: int) -> Allowed:
    """It is read and so long, or refused by one of the other codes."""
    return Allowed(frozenset({0, *others}), seconds - tolerance_s, seconds + tolerance_s)


def refused(*codes: int) -> Allowed:
    """It is refused by one of these codes."""
    return Allowed(frozenset(codes))


ANY_DAMAGE = Allowed(DAMAGED)


@dataclass(frozen=True)
class Recording:
    """A file to be analysed and files beside it; `canaries` among them must never be read."""

    file: str
    data: bytes
    beside: dict[str, bytes] = field(default_factory=dict)
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mutant:
    """What a mutator makes of a source: bytes, what may come of them, and another ending where it matters."""

    data: bytes
    allowed: Allowed
    ending: str | None = None
