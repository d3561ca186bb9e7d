"""A batch of real recordings that is killed again and again, against one that is left alone; prints a table.

    python tests/benchmarks/batch_kills.py FOLDER RECORDINGS [--count 300] [--kills 50] [--seconds 8]

COUNT pieces are cut out of the recordings in RECORDINGS, one in twenty of them is broken. One batch runs undisturbed,
and again. Another one is killed with SIGKILL, its workers too, at KILLS random moments, each time started again, and then ends.
Both libraries are compared: stored conversations byte for byte, tables row for row.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile as sf
from pyarrow import parquet

BROKEN = (b"", b"no sound\n" * 40, b"RIFF\xff\xff\xff\xffWAVEfmt ", b"\x00" * 5_000, b"OggS" + bytes(range(256)))


def cut(sources: Path, folder: Path, count: int, seconds: float) -> int:
    """Write pieces of recordings, and return how many are broken."""
    draw = random.Random(0)  # noqa: S311
    files = sorted(path for path in sources.rglob("*.flac") if sf.info(path).duration > seconds + 1)
    broken = 0
    for k in range(count):
        path = folder / f"{'abc'[k % 3]}" / f"{k:03}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        if k % 20 == 7:
            path.write_bytes(BROKEN[broken % len(BROKEN)])
            broken += 1
            continue
        source = draw.choice(files)
        about = sf.info(source)
        start = draw.uniform(0, about.duration - seconds)
        samples, rate = sf.read(source, start=int(start * about.samplerate), frames=int(seconds * about.samplerate))
        sf.write(path, np.asarray(samples), rate, subtype="PCM_16")
    return broken


def started(folder: Path, library: Path) -> subprocess.Popen[bytes]:
    """The batch, in a process group of its own."""
    command = [sys.executable, "-m", "ressenti", "batch", str(folder), "--out", str(library), "--workers", "2", "-q"]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


def conversations(library: Path) -> dict[str, bytes]:
    """Bytes of all stored conversations and pages, by name."""
    found = (library / "conversations").rglob("c-*")
    return {
        path.name: path.read_bytes() for path in found if path.suffix in (".json", ".html") and ".call" not in path.name
    }


def rows(library: Path, table: str) -> list[str]:
    """All rows of a table, without when they came, in an order of their own."""
    snapshot = json.loads((library / "tables" / "snapshot.json").read_text())
    names = [f"{part['name']}/{table}.parquet" for part in snapshot["parts"]]
    names = ([snapshot["errors"]] if snapshot["errors"] else []) if table == "errors" else names
    found = [row for name in names for row in parquet.read_table(library / "tables" / name).to_pylist()]
    return sorted(repr({k: v for k, v in row.items() if k not in ("added", "at", "result", "deaths")}) for row in found)


def main() -> None:
    """Cut, run, kill, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=8.0)
    chosen = parser.parse_args()
    pieces, alone, killed = (chosen.folder / name for name in ("pieces", "alone", "killed"))
    broken = cut(chosen.recordings, pieces, chosen.count, chosen.seconds)
    print(f"{chosen.count} pieces of {chosen.seconds:g} s, {broken} of them broken", flush=True)
    times = []
    for what in ("undisturbed", "again"):
        began = time.monotonic()
        code = started(pieces, alone).wait()
        times.append(time.monotonic() - began)
        print(f"{what}: {times[-1]:.1f} s, exit code {code}", flush=True)
    draw, kills, began = random.Random(1), 0, time.monotonic()  # noqa: S311
    while kills < chosen.kills:
        running = started(pieces, killed)
        # the second time tells how long a start takes; what follows spreads the kills over four fifths of the batch
        try:
            running.wait(times[1] + draw.uniform(0, 1.6 * times[0] / chosen.kills))
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            kills += 1
            continue
        print(f"done after {kills} kills", flush=True)
        break
    code = started(pieces, killed).wait()
    print(f"killed {kills} times and ended: {time.monotonic() - began:.0f} s, exit code {code}")
    one, other = conversations(alone), conversations(killed)
    different = [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]
    print(f"files: {len(one)} and {len(other)}, different: {len(different)} {different[:5]}")
    for table in ("conversations", "turns", "speakers", "moments", "words", "errors"):
        first, second = rows(alone, table), rows(killed, table)
        print(f"{table}: {len(first)} and {len(second)} rows, {'equal' if first == second else 'DIFFERENT'}")
    left = list(killed.rglob("*.partial"))
    print(f"left over: {len(left)}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
