"""Group lengths into batches with little padding (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Maximum samples of a batch, padding included, and maximum share of padding."""

    samples: int
    padding: float


def batches(lengths: Sequence[int], limits: Limits) -> list[list[int]]:
    """Group the indices of `lengths` into batches of similar length, longest first; each is in exactly one.

    A batch of one may exceed the limit. If no padding is allowed, a batch has equal lengths only.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    out: list[list[int]] = []
    for i in order:
        if out:
            longest, size = lengths[out[-1][0]], len(out[-1]) + 1
            sound = sum(lengths[k] for k in out[-1]) + lengths[i]
            if longest * size <= limits.samples and longest * size - sound <= limits.padding * longest * size:
                out[-1].append(i)
                continue
        out.append([i])
    return out
