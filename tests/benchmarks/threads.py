"""How long recordings take on a busy machine: one process, two at a time, two of one thread each; prints, asserts nothing.

    python tests/benchmarks/threads.py RECORDING [--before CHECKOUT] [--load 2] [--minutes 3]

Each row is also measured with the code of another checkout, in turn with this one, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[2]
BUSY = "while True: pass"
RUN = "from ressenti.pipeline.cli import main; main()"
ROWS = {
    "one process": (1, {}),
    "one process, OMP_NUM_THREADS=1": (1, {"OMP_NUM_THREADS": "1"}),
    "two processes": (2, {}),
    "two processes, OMP_NUM_THREADS=1": (2, {"OMP_NUM_THREADS": "1"}),
}


def seconds(checkout: Path, recordings: list[Path], processes: int, extra: dict[str, str]) -> float:
    """Wall time of all recordings, shared out among processes."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"} | extra
    with tempfile.TemporaryDirectory() as out:
        started = time.monotonic()
        options = ["--quiet", "--audio", "none", "--format", "json", "--out", out]
        running = [
            subprocess.Popen(
                [sys.executable, "-c", RUN, "analyze", *map(str, recordings[k::processes]), *options],
                env=environment | {"PYTHONPATH": str(checkout)},
                cwd=checkout,
            )
            for k in range(processes)
        ]
        if any(process.wait() for process in running):
            raise SystemExit("a run failed")
        return time.monotonic() - started


def lengthened(recording: Path, minutes: float, folder: Path) -> list[Path]:
    """Two recordings of so many minutes, out of one repeated."""
    from ressenti.pipeline.audio import RATE_HZ, load
    from ressenti.pipeline.config import AudioOptions

    _, sound = load(recording, AudioOptions())
    paths = []
    for k in range(2):
        samples = np.resize(np.roll(sound.samples[0], -k * 12_345), round(minutes * 60 * RATE_HZ))
        paths.append(folder / f"call{k}.wav")
        with wave.open(str(paths[-1]), "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
    return paths


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recording", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--load", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=3.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recordings = lengthened(asked.recording, asked.minutes, Path(folder))
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(asked.load)]
        try:
            print(f"two recordings of {asked.minutes:g} min, {asked.load} busy loops beside, {os.cpu_count()} cores")
            for name, (processes, extra) in ROWS.items():
                before = seconds(asked.before, recordings, processes, extra) if asked.before else float("nan")
                now = seconds(HERE, recordings, processes, extra)
                print(f"{name:<36} before {before:6.1f} s   now {now:6.1f} s   x {now / before:.2f}", flush=True)
        finally:
            for process in busy:
                process.kill()


if __name__ == "__main__":
    main()
