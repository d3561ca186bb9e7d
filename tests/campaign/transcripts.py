"""Hostile transcripts, seeded: each gives words, or is refused with code 19. Names end as the format does."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

ALLOWED = frozenset({0, 19})
_SRT = "1\n00:00:01,000 --> 00:00:02,000\n{}\n\n"
_VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{}\n"
_STM = "call 1 Anna 0.5 1.5 {}\n"
_CTM = "call 1 0.5 0.2 {}\n"
_GRID = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n"IntervalTier"\n"Anna"\n0\n2\n1\n0\n2\n'
    '"{}"\n'
)
_LINES = {".srt": _SRT, ".vtt": _VTT, ".stm": _STM, ".ctm": _CTM, ".TextGrid": _GRID}
_PIECES = (
    *("<v Anna>", "<v", "<v ", "<", ">", "<i>", "{\\an8}", "{\\", "&amp;", "&#x202e;", "&#999999999999;", "&", "-->"),
    *("[SPEAKER_00]: ", "[SPEAKER_", "\u202e", "\u200b", "\u2028", "\ufeff", "\x0c", "\r", "\n", "\n\n", "\t", " "),
    *("hello", "日本語", "=1+1", "00:00:03,000 --> 00:00:01,000", "99:99:99,999 --> 1e308", "\x1b[2J", "\x00"),
)
_NUMBERS = (
    "0",
    "-1",
    "1e308",
    "NaN",
    "Infinity",
    "1" + "0" * 400,
    "true",
    "null",
    '"1"',
    "[]",
    "1.5",
    "12345678901234567",
)


def _bombs(size: int) -> Iterator[tuple[str, str]]:
    for k, piece in enumerate(_PIECES):
        yield f"piece{k}.srt", _SRT.format(piece * size)
        yield f"piece{k}.vtt", _VTT.format(piece * size)
    yield "fields.stm", _STM.format("x " * size)
    yield "fields.ctm", _CTM.format("x " * size)
    yield "quotes.TextGrid", _GRID.format('"' * size)
    yield "tiers.TextGrid", _GRID.format('"\n"IntervalTier' * size)
    yield "spaces.stm", _STM.format("<" + " " * size)
    yield "deep.json", "[" * size
    yield "digits.json", '{"segments": [{"start": 0, "end": ' + "9" * size + ', "text": "x"}]}'
    yield "cues.srt", _SRT.format("hello there") * (size // 10)
    yield "colons.vtt", "WEBVTT\n\n" + "00:" * size + "01.000 --> 00:00:02.000\nx\n"


def _json(draw: random.Random) -> str:
    start, end = draw.choice(_NUMBERS), draw.choice(_NUMBERS)
    text = json.dumps("".join(draw.choices(_PIECES, k=4)))
    words = f', "words": [{{"word": {text}, "start": {start}, "end": {end}}}]' if draw.randrange(2) else ""
    return f'{{"segments": [{{"start": {start}, "end": {end}, "text": {text}{words}}}]}}'


def cases(seed: int, count: int, size: int = 20_000) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    """(name, bytes, allowed codes) of so many files; `size` is how often a piece comes in the large ones."""
    draw = random.Random(seed)  # noqa: S311  # no secret
    bombs = list(_bombs(size))
    draw.shuffle(bombs)
    for k in range(count):
        if k % 2 and k // 2 < len(bombs):
            name, text = bombs[k // 2]
            yield f"{k:04d}-{name}", text.encode(), ALLOWED
            continue
        ending = draw.choice((*_LINES, ".json"))
        said = "".join(draw.choices(_PIECES, k=draw.randint(1, 30)))
        text = _json(draw) if ending == ".json" else _LINES[ending].format(said)
        data = bytearray(text.encode(draw.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le"))))
        for _ in range(draw.choice((0, 0, 1, 4))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        yield f"{k:04d}{ending}", bytes(data), ALLOWED
