"""Words -> the section on what was said: keywords, phrases, greetings and prices, and personal data (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline.content import Content, SpeakerWords, content_of
from ressenti.pipeline.content.phrases import PhraseFound
from ressenti.pipeline.records import UNSURE, Conversation, Moment
from ressenti.reports.page_options import titles_of
from ressenti.reports.recognised_words import unsure_word_limit
from ressenti.reports.wording import Wording

LEAD_S = 0.5  # playback starts a little earlier
MOST_QUOTED = 16  # words
QUOTED_S = 6.0  # of a moment that is shorter
MOST_PLACES = 6  # of a phrase, shown


@dataclass(frozen=True)
class Chip:
    """A keyword, and how often it was said."""

    term: str
    times: str


@dataclass(frozen=True)
class SaidAt:
    """A place to listen to: where playback starts (s), its time, who speaks, and the words."""

    play_s: float
    time: str
    who: str
    text: str


@dataclass(frozen=True)
class PhraseRow:
    """A phrase: its state as a key (`said`, `not_found`, `missing`, `unknown`), as text, and its places."""

    key: str
    name: str
    state: str
    places: tuple[SaidAt, ...]
    more: str


@dataclass(frozen=True)
class SaidSection:
    """What the page shows of the words; empty if there are none."""

    keywords: tuple[Chip, ...]
    keywords_help: str
    phrases: tuple[PhraseRow, ...]
    mentions: tuple[tuple[str, SaidAt], ...]
    personal: tuple[SaidAt, ...]
    personal_help: str

    def __bool__(self) -> bool:
        return bool(self.keywords or self.phrases or self.mentions or self.personal)


def said_section(conversation: Conversation, content: Content, words: Wording) -> SaidSection:
    """The section on what was said."""
    titles = titles_of(conversation, words)

    def at(start_s: float, speaker: str, text: str) -> SaidAt:
        return SaidAt(max(0.0, round(start_s - LEAD_S, 2)), words.clock(start_s), titles.get(speaker, ""), text)

    def row(found: PhraseFound) -> PhraseRow:
        shown = tuple(at(p.start_s, p.speaker, p.text) for p in found.places[:MOST_PLACES])
        more = len(found.places) - len(shown)
        key = "missing" if found.state == "not_found" and found.must else found.state
        return PhraseRow(key, found.name, words(f"phrase_{key}"), shown, words("and_more", n=more) if more else "")

    return SaidSection(
        keywords=tuple(Chip(k.term, f"{k.count}×") for k in content.keywords),
        keywords_help=_help(conversation, words),
        phrases=tuple(map(row, content.phrases)),
        mentions=tuple((words(f"said_{m.kind}"), at(m.start_s, m.speaker, m.text)) for m in content.mentions),
        personal=tuple(at(p.start_s, "", words(f"pd_{p.kind}")) for p in conversation.personal_data),
        personal_help=words(_personal_help(conversation)),
    )


def _personal_help(conversation: Conversation) -> str:
    by_model = any(model.task == "names" for model in conversation.models)
    return "personal_help_names" if by_model else "personal_help"


def _help(conversation: Conversation, words: Wording) -> str:
    """What a keyword is, with or without other conversations."""
    background = conversation.background
    if background is None or not background.words:
        return words("keywords_help")
    return words("keywords_help_background", n=background.conversations)


def said_by(conversation: Conversation) -> tuple[Content, dict[str, SpeakerWords]]:
    """What the words tell, and the figures of each speaker with words."""
    content = content_of(conversation)
    return content, {own.speaker: own for own in content.speakers}


def quote_of(moment: Moment, conversation: Conversation, start_s: float, most: int = MOST_QUOTED) -> str:
    """The words that are spoken from a moment's start on, by its speaker if it has one; empty if there are none.

    Nothing is said in a silence: words that reach into it are those around it.
    """
    if moment.kind == "silence":
        return ""
    speakers = {turn.index: turn.speaker for turn in conversation.turns}
    end_s = max(moment.end_s, start_s + QUOTED_S)
    own = [
        word
        for word in conversation.words
        if word.end_s > start_s
        and word.start_s < end_s
        and (moment.speaker is None or speakers.get(-1 if word.turn is None else word.turn) == moment.speaker)
    ]
    limit = unsure_word_limit(conversation)
    unsure = (w.confidence is not None and w.confidence < limit for w in own)
    text = " ".join(f"{w.text}{UNSURE}" if asks else w.text for w, asks in zip(own[:most], unsure, strict=False))
    return f"{text} …" if len(own) > most else text
