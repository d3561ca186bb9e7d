"""Texts and number formats of the exports that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ressenti.pipeline.language import Lang, lang_of, localized, texts_of
from ressenti.pipeline.records import INEXACT_S, Conversation, Span, Turn


def _texts(lang: Lang) -> dict[str, str]:
    return texts_of(__package__ or "", lang)


@dataclass(frozen=True)
class Wording:
    """One language: its texts by key, and its number format."""

    lang: Lang

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with values filled in; raises KeyError for an unknown key."""
        return _texts(self.lang)[key].format(**values)

    def role(self, role: str) -> str:
        """A preset role in this language; any other role as the user wrote it."""
        return _texts(self.lang).get(f"role_{role}", role)

    def number(self, value: float) -> str:
        """A valence or arousal with sign and two decimals."""
        return localized(f"{value:+.2f}", self.lang)

    def heard(self, turn: Turn) -> str:
        """The class of a turn, marked if unsure, or the reason for none."""
        if turn.emotion is None:
            return self(f"u_{turn.unjudged}") if turn.unjudged else self("not_judged")
        name = self(turn.emotion.top)
        return self("doubted", name=name) if turn.unsure else name

    def who(self, turn: Turn, name: str) -> str:
        """The speaker's name, marked if the speaker is unsure."""
        return self("doubted", name=name) if turn.speaker_unsure else name


def wording_of(conversation: Conversation) -> Wording:
    """The report language from the conversation's options."""
    return Wording(lang_of(conversation.config.get("report")))


def in_language(conversation: Conversation, lang: Lang | None) -> Conversation:
    """The conversation with another report language; None leaves it unchanged."""
    if lang is None:
        return conversation
    report = conversation.config.get("report")
    options = report if isinstance(report, dict) else {}
    return replace(conversation, config={**conversation.config, "report": {**options, "lang": lang}})


def silenced(conversation: Conversation) -> tuple[str, ...]:
    """Sentences about silenced spans and about words left out, if there are any."""
    wording = wording_of(conversation)
    margin = localized(f"{INEXACT_S:g}", wording.lang)
    spans = wording("limit_bleeps", spans=spans_of(conversation.bleeps)) if conversation.bleeps else ""
    marks = wording("limit_omissions", margin=margin) if conversation.omissions else ""
    return tuple(filter(None, (spans, marks)))


def spans_of(spans: Sequence[Span]) -> str:
    """Comma-separated spans, with times as in `clock`."""
    return ", ".join(f"{clock(span.start_s)} – {clock(span.end_s)}" for span in spans)


def clock(seconds: float) -> str:
    """A time in the recording as hh:mm:ss.t, easy to find in any player."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"
