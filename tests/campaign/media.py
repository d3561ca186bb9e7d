"""Damaged and hostile recordings, seeded: the same seed and number give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from campaign import anybytes, bombs, boxes, ebml, flac, ogg, playlists, riff, streams
from campaign.cases import Allowed, Mutant, Recording
from campaign.sources import KINDS, Source, source

Mutator = Callable[[Source, np.random.Generator], Mutant]
_MODULES = (anybytes, riff, boxes, ebml, ogg, flac, streams)


def mutators_of(kind: str) -> list[Mutator]:
    """Everything that can be done to a recording of a kind."""
    found: list[tuple[Mutator, Sequence[str] | None]] = [pair for module in _MODULES for pair in module.MUTATORS]
    return [mutator for mutator, kinds in found if kinds is None or kind in kinds]


def mutant(seed: int, number: int) -> tuple[str, Recording, Allowed]:
    """The case of a number: its kind by turns, so that all containers come, and what is done to it by chance."""
    rng = np.random.default_rng((seed, number))
    whole = source(KINDS[number % len(KINDS)])
    options = mutators_of(whole.kind)
    chosen = options[rng.integers(0, len(options))]
    made = chosen(whole, rng)
    file = f"call-{number}{whole.ending if made.ending is None else made.ending}"
    label = chosen.__module__.rsplit(".", maxsplit=1)[-1]
    return f"{number:05d} {whole.kind} {label}.{chosen.__name__}", Recording(file, made.data), made.allowed


def cases(seed: int, count: int) -> Iterator[tuple[str, Recording, Allowed]]:
    """So many mutations; bombs and playlists, which are no mutations, come with `special`."""
    for number in range(count):
        yield mutant(seed, number)


def special(*, short: bool = False) -> Iterator[tuple[str, Recording, Allowed]]:
    """What is made by hand: bombs, and files that name other files; `short` leaves out what takes longest to decode."""
    for name, file, data, allowed in bombs.cases():
        if short and name in bombs.LONGEST:
            continue
        yield f"bomb {name}", Recording(file, data), allowed
    for name, recording in playlists.recordings():
        yield f"playlist {name}", recording, playlists.allowed(name)
