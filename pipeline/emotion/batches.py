"""Lengths -> batches, so that little of what is computed is padding (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Samples of one batch, padding included, and which share of them may be padding."""

    samples: int
    padding: float


def batches(lengths: Sequence[int], limits: Limits) -> list[list[int]]:
    """Indices in batches of similar length, longest first; each length is in exactly one.

    A batch of one may be longer than the limit. With no padding allowed only equal lengths come together.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    out: list[list[int]] = []
    for i in order:
        if out:
            longest, size = lengths[out[-1][0]], len(out[-1]) + 1
            spoken = sum(lengths[k] for k in out[-1]) + lengths[i]
            if longest * size <= limits.samples and longest * size - spoken <= limits.padding * longest * size:
                out[-1].append(i)
                continue
        out.append([i])
    return out
