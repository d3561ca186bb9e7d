"""Print what the decoder's own process costs: `python tests/benchmarks/decoding.py FILE...`.

For each file the fastest of ten runs in a process of its own and within this one, in seconds, and the peak of memory.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from ressenti.pipeline import audio
from ressenti.pipeline.config import AudioOptions


def fastest(path: Path, *, trusted: bool, runs: int) -> float:
    """Seconds of the fastest of several runs."""
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        audio.load(path, AudioOptions(), trusted=trusted)
        found.append(time.perf_counter() - started)
    return min(found)


def main() -> None:
    """Print a line for each file that is named."""
    for name in sys.argv[1:]:
        runs = 10 if Path(name).stat().st_size < 5_000_000 else 1
        own = fastest(Path(name), trusted=False, runs=runs)
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        child_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        within = fastest(Path(name), trusted=True, runs=runs)
        sys.stdout.write(
            f"{name}: {own:.2f} s in a process of its own, {within:.2f} s within, {own - within:.2f} s more; "
            f"peak {peak_gb:.2f} GB, of the decoder {child_gb:.2f} GB\n"
        )


if __name__ == "__main__":
    main()
