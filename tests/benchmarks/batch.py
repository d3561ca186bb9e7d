"""How much faster `ressenti batch` is with several workers, and whether results are the same; prints, asserts nothing.

    python tests/benchmarks/batch.py SOURCE... [--workers 1,2] [--times 3] [--words off]

Numbers of workers take turns, so that all see the same machine; the load of the machine is printed, as others may work on it.
The core time of all processes hardly depends on that.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
RUN = "from ressenti.pipeline.cli import main; main()"


def measured(sources: list[str], workers: int, words: str) -> tuple[float, float, str]:
    """Wall time and core time (s) of a batch, and a hash of all its conversations and pages."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        options = ["--out", str(library), "--workers", str(workers), "--words", words]
        command = [sys.executable, "-c", RUN, "batch", *sources, *options]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(HERE)}, cwd=HERE, check=True)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        results = sorted(path for path in library.rglob("c-*") if path.is_file() and ".call." not in path.name)
        digest = sha256(b"".join(path.name.encode() + path.read_bytes() for path in results)).hexdigest()
        return wall, cores, f"{len(results)} files, SHA-256 {digest[:16]}"


def main() -> None:
    """Measure in turns, and print a line for each and one for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--words", default="auto")
    chosen = parser.parse_args()
    counts = [int(part) for part in chosen.workers.split(",")]
    sources = [str(Path(source).resolve()) for source in chosen.sources]
    found: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(chosen.times):
        for count in counts:
            wall, cores, results = measured(sources, count, chosen.words)
            found[count].append(wall)
            load = ", ".join(f"{part:.1f}" for part in os.getloadavg()[:1])
            print(f"{count} workers: {wall:.1f} s, {cores:.1f} s of cores, {results}, load {load}", flush=True)
    one = sorted(found[counts[0]])[chosen.times // 2]
    for count in counts:
        middle = sorted(found[count])[chosen.times // 2]
        print(f"{count} workers: median {middle:.1f} s, {one / middle:.2f} times as fast as {counts[0]}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of the largest process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
