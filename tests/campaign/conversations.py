"""Hostile stored conversations, seeded: each is read, derived and shown, or refused with code 15 or 17."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ALLOWED = frozenset({0, 15, 17})  # 17: corrections of what is not there, or of whom nobody may judge
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, -0.0, 0.5, 2, 1e308, -1e308, 1e-300, 10**17, 10**30, 1e9, 5000),
    *("", "x", "S1", "S9", "\u202etxt", "\x1b]0;owned\x07", "=1+1", "<img src=x onerror=alert(1)>", "x" * 30_000),
    *([], {}, [[]], [None] * 5, [0.5] * 4, {"a": {"b": [1]}}, {"key": "one_channel"}),
)
Place = tuple[str | int, ...]


def places(data: Any, at: Place = ()) -> Iterator[Place]:
    """Every place inside of a conversation, as the keys that lead to it."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


def mutated(data: Any, draw: random.Random) -> tuple[str, Any]:
    """A conversation with one thing changed, and what: a value, a name, an item that is gone or there twice."""
    data = copy.deepcopy(data)
    place = draw.choice(list(places(data)))
    owner: Any = data
    for key in place[:-1]:
        owner = owner[key]
    key, how = place[-1], draw.randrange(6)
    if how == 0:
        del owner[key]
    elif how == 1 and isinstance(owner, list):
        owner.append(copy.deepcopy(owner[int(key)]))
    elif how == 1 and isinstance(owner, dict):
        owner[f"{key}_"] = owner[key]
    elif how == 2 and isinstance(owner[key], int | float) and not isinstance(owner[key], bool):
        owner[key] = owner[key] * draw.choice((-1, 0, 2, 1000, 1e6)) + draw.choice((0, 1, 0.001))
    elif how == 3 and isinstance(owner, list):
        draw.shuffle(owner)
    else:
        owner[key] = copy.deepcopy(draw.choice(HOSTILE))
    return ".".join(map(str, place)), data


def _large(base: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Kinds that used to hang or to end in an exception that is none of ours."""
    text = json.dumps(base)
    yield "deep", "[" * 200_000
    yield "deep inside", text.replace('"config": {', '"config": {"x": ' + '{"x":' * 500 + "1" + "}" * 500 + ", ", 1)
    yield "twins", text.replace('"version":', '"version": 1, "version":', 1)
    yield "NaN", text.replace('"duration_s": ', '"duration_s": NaN, "x": ', 1)
    yield "digits", text.replace('"duration_s": ', '"duration_s": ' + "9" * 5_000 + ', "x": ', 1)
    yield "half a character", text.replace('"layout":', '"program": "\\ud800", "layout":', 1)
    for name, seconds in (("long", 1e9), ("endless", 1e308)):
        changed = copy.deepcopy(base)
        changed["recording"]["duration_s"] = seconds
        yield name, json.dumps(changed)
    changed = copy.deepcopy(base)
    changed["speakers"] = [dict(changed["speakers"][0], label=f"S{k + 1}") for k in range(5_000)]
    yield "5,000 speakers", json.dumps(changed)
    changed = copy.deepcopy(base)
    changed["turns"] = [dict(changed["turns"][0], index=k) for k in range(5_000)]
    yield "5,000 turns at once", json.dumps(changed)
    changed = copy.deepcopy(base)
    changed["config"]["trajectory"]["step_s"] = 1e-9
    yield "steps", json.dumps(changed)
    changed = copy.deepcopy(base)
    changed["config"] = {}
    yield "no options", json.dumps(changed)


def cases(seed: int, count: int) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    """(name, bytes, allowed codes) of so many files; the same seed gives the same files."""
    draw = random.Random(seed)  # noqa: S311  # no secret
    bases = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIXTURES.glob("conversation-v*.json"))]
    large = list(_large(bases[-1]))
    for k in range(count):
        if k < len(large):
            yield f"{k:04d} {large[k][0]}", large[k][1].encode(), ALLOWED
            continue
        name, data = "", draw.choice(bases)
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            what, data = mutated(data, draw)
            name = f"{name} {what}"
        content = json.dumps(data).encode()
        if draw.randrange(10) == 0:
            content = content[: draw.randrange(len(content))]
        yield f"{k:04d}{name[:80]}", content, ALLOWED
