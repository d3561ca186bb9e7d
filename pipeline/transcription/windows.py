"""Speech -> windows for the model, cut at silences and packed closely, since each costs the same (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ressenti.pipeline.records import union_s
from ressenti.pipeline.records.intervals import clipped
from ressenti.pipeline.transcription.interface import Span, Speech

PAD_S = 0.25  # sound kept on each side of speech, as far as the pause reaches
_SEARCH_S = 5.0  # speech without a pause is cut at the softest place within this much before the limit


@dataclass(frozen=True)
class Part:
    """Sound from `start_s` to `end_s` with speech from `from_s` to `to_s` in it."""

    start_s: float
    end_s: float
    from_s: float
    to_s: float

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Window:
    """Parts of a channel (from 0), joined without the pauses between them; all in one language."""

    channel: int
    language: str
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return sum(part.seconds for part in self.parts)


def parts_of(
    spans: Sequence[Span], gap_s: float, longest_s: float, softest: Callable[[float, float], float]
) -> list[Part]:
    """Parts with the speech of `spans` (s), none longer than `longest_s`.

    Speech is cut at pauses of at least `gap_s`. What goes on for longer without one is cut where `softest` (of two
    times) finds the softest sound.
    """
    joined: list[Span] = []
    for start, end in union_s(list(spans)):
        if joined and start - joined[-1][1] < gap_s:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    whole = [cut for start, end in joined for cut in _cut(start, end, longest_s - 2 * PAD_S, softest)]
    parts = []
    for k, (start, end) in enumerate(whole):
        before = start - whole[k - 1][1] if k else start
        after = whole[k + 1][0] - end if k + 1 < len(whole) else 2 * PAD_S
        parts.append(Part(start - min(PAD_S, before / 2), end + min(PAD_S, after / 2), start, end))
    return parts


def _cut(start: float, end: float, longest_s: float, softest: Callable[[float, float], float]) -> list[Span]:
    """A span in pieces of at most `longest_s`."""
    pieces = []
    while end - start > longest_s:
        at = softest(start + longest_s - min(_SEARCH_S, longest_s / 2), start + longest_s)
        pieces.append((start, at))
        start = at
    return [*pieces, (start, end)]


def packed(parts: Sequence[Part], longest_s: float, channel: int, language: str) -> list[Window]:
    """Windows of at most `longest_s`, each with as many of the parts, in order, as it holds."""
    windows: list[list[Part]] = []
    filled = 0.0
    for part in parts:
        if not windows or filled + part.seconds > longest_s:
            windows.append([])
            filled = 0.0
        windows[-1].append(part)
        filled += part.seconds
    return [Window(channel, language, tuple(own)) for own in windows]


def streams_of(speech: Sequence[Speech], languages: dict[str, str | None]) -> list[tuple[int, str, list[Span]]]:
    """Channel, language and spans of what is transcribed together: speech of one channel in one language.

    What several say at once in a channel belongs to one stream alone. Speakers without a language are left out.
    """
    together: dict[tuple[int, str], list[Span]] = {}
    for own in speech:
        language = languages[own.speaker]
        if language is not None:
            together.setdefault((own.channel, language), []).extend(own.spans)
    taken: dict[int, list[Span]] = {}
    streams = []
    for (channel, language), spans in together.items():
        mine = _without(union_s(spans), union_s(taken.get(channel, [])))
        taken.setdefault(channel, []).extend(mine)
        streams.append((channel, language, mine))
    return streams


def _without(spans: list[Span], others: list[Span]) -> list[Span]:
    """What of `spans` lies outside `others`, both sorted and disjoint."""
    left = []
    for start, end in spans:
        at = start
        for a, b in clipped(others, start, end):
            if a > at:
                left.append((at, a))
            at = b
        if end > at:
            left.append((at, end))
    return left
