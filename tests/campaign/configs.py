"""Hostile files of options, seeded: each is read as options, or refused with code 2."""

from __future__ import annotations

import random
from collections.abc import Iterator

ALLOWED = frozenset({0, 2})
_VALUES = (
    *("1e308", "-1e308", "1e999", ".inf", "-.inf", ".nan", "9" * 30, "9" * 5000, "-1", "0", "-0.0", "1e-300", "0x10"),
    *("1:30", "010", "2026-01-01", "no", "yes", "null", "''", "[]", "{}", "[[[1]]]", "{a: {b: 1}}", "'\\u202e'"),
    *('"\\ud800"', '"\\x1b]0;owned\\x07"', "!!python/object/apply:os.system [id]", "!!str x", "*x", "&x 1", "|", ">"),
)
_OPTIONS = (
    *("audio.min_duration_s", "audio.silent_dbfs", "diarization.clustered_s", "diarization.step_s"),
    *(
        "emotion.window_s",
        "diarization.speakers",
        "diarization.level_dbfs",
        "turns.merge_gap_s",
        "emotion.window_step_s",
        "emotion.labels",
    ),
    *("emotion.thresholds", "affect.anchors", "affect.error_sd", "trajectory.step_s", "trajectory.smoothing_s"),
    *("trajectory.reach", "dynamics.min_turns", "moments.peaks", "roles.order", "report.lang", "report.validation"),
)


def _bombs() -> Iterator[tuple[str, str]]:
    rungs = "\n".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 12))
    yield "anchors", f"a0: &a0 [x, x, x]\n{rungs}\naudio: *a11"
    yield "itself", "audio: &x {channels: *x}"
    yield "merge", "base: &b {channels: mono}\naudio: {<<: *b}"
    yield "lists", "[" * 100_000
    yield "groups", "{a: " * 50_000
    yield "dashes", "- " * 50_000
    yield "questions", "? " * 50_000
    yield "large", "# " + "x" * 300_000
    yield "keys", "\n".join(f"k{k}: 1" for k in range(20_000))
    yield "twins", "audio: {channels: mono}\naudio: {channels: split}"
    yield "twins inside", "audio: {channels: mono, channels: split}"
    yield "numbers as names", "1: {2: 3}"
    yield "lists as names", "? [a, b]\n: 1"
    yield "documents", "---\naudio: {}\n---\naudio: {}"
    yield "preset of a preset", "preset: [default]"
    yield "preset elsewhere", "preset: ../../etc/passwd"
    yield "directive", "%YAML 3.0\n---\naudio: {}"


def cases(seed: int, count: int) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    """(name, bytes, allowed codes) of so many files of options; the same seed gives the same files."""
    draw = random.Random(seed)  # noqa: S311  # no secret
    bombs = list(_bombs())
    for k in range(count):
        if k < len(bombs):
            name, text = bombs[k]
            yield f"{k:04d} {name}", text.encode(), ALLOWED
            continue
        option, value = draw.choice(_OPTIONS), draw.choice(_VALUES)
        group, key = option.split(".")
        data = f"{group}:\n  {key}: {value}\n".encode("utf-8", "surrogatepass")
        how = draw.randrange(6)
        if how == 0:
            data = bytearray(data)
            for _ in range(draw.randint(1, 4)):
                data[draw.randrange(len(data))] = draw.randrange(256)
        elif how == 1:
            data = data[: draw.randrange(1, len(data))]
        elif how == 2:
            data = b"\xff\xfe" + data
        yield f"{k:04d} {option} {value[:20]}", bytes(data), ALLOWED
