"""Print how much a voice changes where valence or arousal do: `python tests/benchmarks/changes.py NAME.json...`.

For every two places of a trajectory that are two smoothing widths apart: the change of valence or arousal, and that of
the voice itself (pitch, level and brightness in standard deviations, by rule and without the model). This is what
`moments.least_change` was chosen by.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from ressenti.pipeline import store
from ressenti.pipeline.affect.stats import Array, smoothed
from ressenti.pipeline.config import build_config
from ressenti.pipeline.records import Conversation, Trajectory

SIZES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 2.0)
HEARD_SD = 0.5  # `moments.activated_sd`


def of_voice(conversation: Conversation, line: Trajectory, smoothing_s: float) -> Array:
    """Activation of a speaker's voice on the grid of the trajectory, smoothed like it."""
    windows = sorted(
        ((w.start_s + w.end_s) / 2, w.weight_s, w.activation)
        for turn in conversation.turns
        if turn.speaker == line.speaker
        for w in turn.windows
        if w.activation is not None
    )
    out = np.full(len(line.times_s), np.nan)
    if not windows:
        return out
    at, seconds, values = (np.array(column, dtype=np.float64) for column in zip(*windows, strict=True))

    def figures(which: slice, weights: Array, near: slice) -> None:
        out[which] = weights @ values[near]

    smoothed(np.array(line.times_s), at, seconds, smoothing_s, figures)
    return out


def main() -> None:
    """Print a line for each size of change."""
    found: dict[str, list[Array]] = {"valence": [], "arousal": []}
    for name in sys.argv[1:]:
        conversation = store.load(Path(name))
        options = build_config(conversation.config).trajectory
        width = max(1, round(2 * options.smoothing_s / options.step_s))
        for line in conversation.trajectories:
            voice = of_voice(conversation, line, options.smoothing_s)
            for axis, pairs in found.items():
                values = np.array([np.nan if v is None else v for v in getattr(line, axis)], dtype=np.float64)
                both = np.abs(np.stack([values[width:] - values[:-width], voice[width:] - voice[:-width]]))
                pairs.append(both[:, ~np.isnan(both).any(axis=0)])
    for axis, pairs in found.items():
        change, voice = np.concatenate(pairs, axis=1)
        for low, high in pairwise(SIZES):
            own = voice[(change >= low) & (change < high)]
            if len(own):
                print(
                    f"{axis} changes by {low:.2f} to {high:.2f}: {len(own)} pairs, the voice by {np.median(own):.2f} SD "
                    f"(median), {np.mean(own >= HEARD_SD):.0%} by {HEARD_SD} SD or more"
                )


if __name__ == "__main__":
    main()
