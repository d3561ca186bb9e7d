"""Seconds and peak memory of each stage: `python tests/benchmarks/stages.py RECORDING [MINUTES ...]`.

The recording is repeated to each length, and each length runs in a process of its own. Figures are printed, never
asserted.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from pipeline import analyze, load_config
from pipeline.audio import RATE_HZ, load
from pipeline.cli.outputs import ENDINGS, write
from pipeline.config import AudioOptions


def peak_mb() -> float:
    """Most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def repeated(source: Path, minutes: float, target: Path) -> None:
    """Write the source over and over as 16 kHz wav until it is so long."""
    _, sound = load(source, AudioOptions())
    count = int(minutes * 60 * RATE_HZ)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(sound.samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        while count > 0:
            part = sound.samples[:, :count]
            file.writeframes(np.ascontiguousarray(part.T).astype("<i2").tobytes())
            count -= part.shape[1]


def measure(recording: Path, folder: Path) -> None:
    """Analyse one recording and print a JSON line: per stage its seconds and the peak memory at its end."""
    started = time.monotonic()
    stages: dict[str, tuple[float, float]] = {}
    config = load_config("default", {"diarization": {"speakers": 2}})
    conversation = analyze(
        recording, config, progress=lambda stage, *_: stages.update({stage: (time.monotonic() - started, peak_mb())})
    )
    stages["the rest"] = (time.monotonic() - started, peak_mb())
    write(conversation, {name: folder / f"out{ending}" for name, ending in ENDINGS.items()}, None)
    stages["report"] = (time.monotonic() - started, peak_mb())
    print(json.dumps(stages))


def main() -> None:
    """Print a table, a row for each length and stage."""
    source, lengths = Path(sys.argv[1]), [float(m) for m in sys.argv[2:]] or [10.0, 60.0]
    print("| minutes | stage | seconds | of the recording | peak memory MB |\n|---|---|---|---|---|")
    for minutes in lengths:
        with tempfile.TemporaryDirectory() as name:
            recording = Path(name) / "long.wav"
            repeated(source, minutes, recording)
            begun = time.monotonic()
            command = [sys.executable, __file__, "--measure", str(recording), name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            whole = time.monotonic() - begun
        before = 0.0
        for stage, (seconds, memory) in json.loads(done.stdout).items():
            print(
                f"| {minutes:g} | {stage} | {seconds - before:.1f} | {(seconds - before) / minutes / 60:.4f} | {memory:.0f} |"
            )
            before = seconds
        print(f"| {minutes:g} | whole command | {whole:.1f} | {whole / minutes / 60:.4f} | {memory:.0f} |")


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
