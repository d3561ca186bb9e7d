"""How quickly a library of many conversations is written and asked; made-up tables; prints, asserts nothing.

    python tests/benchmarks/library.py FOLDER [--conversations 1000000] [--turns 20] [--with-words 20000]

Rows are written by the library's own commits, of five thousand conversations each, so that parts are joined as they would be.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc

from ressenti.pipeline.library import parts
from ressenti.pipeline.library.folder import Library, make_library
from ressenti.pipeline.library.query import asked
from ressenti.pipeline.library.schema import Table, arrow_schema

AT_ONCE = 5_000
QUERIES = {
    "calls and silence by agent and week": "SELECT agent, date_trunc('week', date) AS week, count(*) AS calls, "
    "avg(silence_s / duration_s) AS silent FROM conversations GROUP BY ALL ORDER BY ALL LIMIT 100",
    "talk by role": "SELECT role, avg(talk_s), avg(share) FROM speakers GROUP BY role",
    "the longest silences": "SELECT conversation, start_s, values['seconds'] FROM moments WHERE kind = 'silence' "
    "ORDER BY CAST(values['seconds'] AS DOUBLE) DESC LIMIT 20",
    "tense turns of a queue in a month": "SELECT count(*), avg(arousal) FROM turns WHERE class = 'Tension' AND "
    "queue = 'q3' AND date >= '2026-03-01' AND date < '2026-04-01'",
    "words of a turn": "SELECT conversation, start_s FROM turns WHERE contains(said, 'cancel my contract') LIMIT 20",
    "a column of the manifest": "SELECT metadata['campaign'] AS campaign, count(*) FROM conversations GROUP BY ALL",
}


def table(name: Table, count: int, first: int, draw: np.random.Generator) -> pa.Table:
    """Made-up rows of `AT_ONCE` conversations, `count` of each."""
    number = np.repeat(np.arange(first, first + AT_ONCE), count)
    rows, schema = len(number), arrow_schema(name)
    minutes = pa.array(np.datetime64("2026-01-01", "us") + (number * 30).astype("timedelta64[s]"))
    start = pa.array(np.tile(np.arange(count) * 7.0, AT_ONCE))
    said = [f"hello number {k % 997} " + ("cancel my contract" if k % 5_003 == 0 else "thank you") for k in range(rows)]
    known: Mapping[str, Any] = {
        "conversation": [f"c-{k:016x}" for k in number],
        "sha256": [f"{k:064x}" for k in number],
        "recording": [f"{k}.wav" for k in number],
        "agent": [f"agent {k % 50}" for k in number],
        "queue": [f"q{k % 7}" for k in number],
        "date": minutes,
        "metadata": [[("campaign", f"c{k % 5}")] for k in number],
        "duration_s": pa.array(draw.gamma(4, 60, rows)),
        "silence_s": pa.array(draw.gamma(2, 5, rows)),
        "talk_s": pa.array(draw.gamma(4, 30, rows)),
        "share": pa.array(draw.random(rows)),
        "arousal": pa.array(draw.normal(0, 0.3, rows)),
        "start_s": start,
        "end_s": pc.add(start, pa.scalar(4.0)),
        "people": [1 if k % 41 == 0 else 2 for k in range(rows)],
        "speech_s": pa.array(draw.gamma(4, 45, rows)),
        "overlap_s": pa.array(draw.gamma(1, 5, rows)),
        "longest_silence_s": pa.array(draw.gamma(2, 3, rows)),
        "interruptions": pa.array(draw.poisson(2, rows)),
        "unsure": pa.array(draw.random(rows) < 0.3),
        "confidence": pa.array(draw.random(rows)),
        "page": [f"conversations/{k:016x}"[:16] + f"/c-{k:016x}/c-{k:016x}.report.html" for k in number],
        "role": ["agent" if k % 2 else "client" for k in range(rows)],
        "kind": ["person" if name == "speakers" else "silence" if k % 3 else "tension" for k in range(rows)],
        "values": [[("seconds", f"{k % 600 / 10}")] for k in range(rows)],
        "class": draw.choice(
            ["Pleased", "Relaxed", "Neutral", "Sad", "Tension"], rows, p=(0.1, 0.1, 0.7, 0.05, 0.05)
        ).tolist(),
        "said": said,
        "text": ["word"] * rows if name == "words" else said,
        "result": ["0"] * rows,
    }
    columns = [
        pa.array(known[field.name], field.type)
        if field.name in known and not isinstance(known[field.name], pa.Array)
        else known[field.name].cast(field.type)
        if field.name in known
        else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def moved(made: pa.Table, count: int, first: int) -> pa.Table:
    """The same rows for other conversations: their ids, names, hashes and dates."""
    number = np.repeat(np.arange(first, first + AT_ONCE), count)
    new = {
        "conversation": pa.array([f"c-{k:016x}" for k in number]),
        "sha256": pa.array([f"{k:064x}" for k in number]),
        "recording": pa.array([f"{k}.wav" for k in number]),
        "date": pa.array(np.datetime64("2026-01-01", "us") + (number * 30).astype("timedelta64[s]")),
    }
    for name, column in new.items():
        made = made.set_column(made.schema.get_field_index(name), name, column)
    return made


def write(library: Library, conversations: int, turns: int, with_words: int) -> None:
    """Write all rows, in commits."""
    draw = np.random.default_rng(0)
    counts: dict[Table, int] = {"conversations": 1, "turns": turns, "speakers": 2, "moments": 3, "words": 200}
    made = {name: table(name, count, 0, draw) for name, count in counts.items()}
    for first in range(0, conversations, AT_ONCE):
        rows = {name: moved(made[name], count, first) for name, count in counts.items()}
        if first >= with_words:
            rows["words"] = rows["words"].slice(0, 0)
        parts.commit(library, [rows])


def main() -> None:
    """Write, then ask each question cold (as far as a program can) and warm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--with-words", type=int, default=20_000)
    chosen = parser.parse_args()
    library, began, cores = make_library(chosen.folder), time.monotonic(), time.process_time()
    with library.alone():
        write(library, chosen.conversations, chosen.turns, chosen.with_words)
        parts.sweep(library, 0.0)
    files = [path for path in (chosen.folder / "tables").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(
        f"{chosen.conversations:,} conversations written in {time.monotonic() - began:.0f} s "
        f"({time.process_time() - cores:.0f} s of cores): {len(files)} files, {size / 1e6:.0f} MB"
    )
    for name, sql in QUERIES.items():
        for path in files:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        spent = []
        for _ in range(2):
            began = time.monotonic()
            with asked(library, sql) as (_, rows):
                count = sum(1 for _ in rows)
            spent.append(time.monotonic() - began)
        print(f"{name}: {spent[0]:.2f} s cold, {spent[1]:.2f} s warm ({count} rows)")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
