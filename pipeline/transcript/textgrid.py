"""Praat TextGrid, long or short -> words, read with praatio."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.extras import need
from ressenti.pipeline.transcript.cues import Spoken, check_times, plain, spread

_TIER = re.compile(r"(?:(?P<speaker>.*?)\s*[:\-–_|]\s*)?(?P<kind>[^:\-–_|]*)")
_WORDS = re.compile(r"(words?|mots?)( \d+)?( in no turn)?", re.IGNORECASE)
_NO_TALK = re.compile(
    r"(turns|classes|speaker confidence|silenced|phones?|phonemes?|segments?|syllables?|syll|pos|silences?|sil)( \d+)?",
    re.IGNORECASE,
)
_NO_WORDS = frozenset(("sil", "sp", "spn", "#", "_"))


def read_textgrid(text: str, name: str) -> list[Spoken]:
    """Read the words of tiers named `words`, `SPEAKER: words` or `SPEAKER - words`.

    If there are none, each tier of intervals is what its name's speaker says, except for those of phones, syllables and
    the like.
    The time of a word is exact if it is alone in its interval. Raises `ConfigError` without praatio.
    """
    need("praatio", "reading Praat TextGrid", "or convert it to SRT")
    tiers = [tier for tier in _parsed(text, name) if tier["class"] == "IntervalTier"]
    parted = [(_parts(str(tier["name"])), tier) for tier in tiers]
    with_words = [((speaker, kind), tier) for (speaker, kind), tier in parted if _WORDS.fullmatch(kind)]
    if with_words:
        return [word for (speaker, _), tier in with_words for word in _words(tier, speaker, name)]
    return [
        word
        for (_, kind), tier in parted
        if not _NO_TALK.fullmatch(kind)
        for word in _words(tier, plain(str(tier["name"])) or None, name)
    ]


def _parsed(text: str, name: str) -> list[dict[str, Any]]:
    from praatio.utilities.textgrid_io import parseTextgridStr

    expected = "Expected a TextGrid as Praat writes it, as text. Save it again"
    if not re.match(r'\s*File type = "ooTextFile', text):
        raise TranscriptError(f"{name}: not a TextGrid. {expected}.")
    try:
        tiers: list[dict[str, Any]] = parseTextgridStr(text)["tiers"]
    except Exception as exc:  # praatio raises IndexError, ValueError and its own errors for damaged files
        raise TranscriptError(f"{name}: cannot be read as a TextGrid ({type(exc).__name__}). {expected}.") from exc
    return tiers


def _parts(tier: str) -> tuple[str | None, str]:
    """Speaker and kind of a tier's name, such as `Anna: words`; the speaker is None without one."""
    found = _TIER.fullmatch(plain(tier)[:200])
    return (found["speaker"] or None, found["kind"].strip()) if found else (None, tier)


def _words(tier: dict[str, Any], speaker: str | None, name: str) -> Iterator[Spoken]:
    for number, (start, end, label) in enumerate(tier["entries"], 1):
        where = f"{name}: {plain(str(tier['name']))[:60]}: interval {number}"
        try:
            span = check_times(float(start), float(end), where)
        except ValueError as exc:
            raise TranscriptError(f"{where}: got {start!r} and {end!r}; expected seconds. Fix the TextGrid.") from exc
        text = plain(label)
        if text.casefold() in _NO_WORDS or re.fullmatch(r"\[[^\[\]]*\]", text):
            continue
        if " " in text:
            yield from spread(*span, text, speaker)
        elif text:
            yield Spoken(*span, text, speaker)
