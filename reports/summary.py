"""Conversation -> everything on the page that is not a figure (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline.records import Conversation
from ressenti.pipeline.text import visible
from ressenti.reports.cards import Fact, SpeakerCard, card_of, facts_of
from ressenti.reports.emotion_model import scores_help
from ressenti.reports.headline import headline_parts, most_said
from ressenti.reports.methods import Methods, methods_of
from ressenti.reports.moments import Listen, Told, listen
from ressenti.reports.notices import licence_line, notices_of
from ressenti.reports.page_options import is_heard, is_scored, tells_activation, titles_of
from ressenti.reports.people import Party, called, parties_of, when
from ressenti.reports.sounds import SoundRow, sound_rows
from ressenti.reports.turns import TurnRow, turn_rows
from ressenti.reports.what_was_said import SaidSection, said_by, said_section
from ressenti.reports.who_spoke import is_doubtful
from ressenti.reports.wording import Wording


@dataclass(frozen=True)
class Summary:
    """The page's texts and numbers, in the order of the page; `doubtful` if the diarizer was unsure of any speaker.

    `activation` if this is all that is known of how turns sounded; `sentiment` if it is known what words say.
    """

    title: str
    subtitle: str
    when: str
    length: str
    parties: tuple[Party, ...]
    licence: str
    headline: tuple[str, ...]
    headline_parts: tuple[tuple[Told, ...], ...]
    most_said: str
    note: str
    notices: tuple[str, ...]
    facts: tuple[Fact, ...]
    cards: tuple[SpeakerCard, ...]
    moments: Listen
    sounds: tuple[SoundRow, ...]
    turns: tuple[TurnRow, ...]
    doubtful: bool
    turns_help: str
    methods: Methods
    scored: bool
    activation: bool
    sentiment: bool
    said: SaidSection
    legal: tuple[str, ...]


def summarise(conversation: Conversation, words: Wording) -> Summary:
    """All texts and numbers of the page."""
    titles = titles_of(conversation, words)
    told = headline_parts(conversation, words)
    content, by_speaker = said_by(conversation)
    return Summary(
        title=called(conversation),
        subtitle=words("title"),
        when=when(conversation, words),
        length=words.clock(conversation.recording.duration_s),
        parties=parties_of(conversation, words),
        licence=licence_line(conversation, words),
        headline=tuple(" ".join(part.text for part in parts) for parts in told),
        headline_parts=told,
        most_said=most_said(conversation, words),
        note=visible(conversation.corrections.note.text) if conversation.corrections.note else "",
        notices=notices_of(conversation, words),
        facts=facts_of(conversation, words),
        cards=tuple(
            card_of(s, conversation, titles[s.label], words, by_speaker.get(s.label)) for s in conversation.speakers
        ),
        moments=listen(conversation, words),
        sounds=sound_rows(conversation, words),
        turns=turn_rows(conversation, words),
        doubtful=any(is_doubtful(turn, conversation) for turn in conversation.turns),
        turns_help=scores_help(conversation, words),
        methods=methods_of(conversation, words),
        scored=is_scored(conversation),
        activation=tells_activation(conversation) and not is_scored(conversation),
        sentiment=bool(conversation.sentiments),
        said=said_section(conversation, content, words),
        legal=(_legal(conversation, words),) if is_heard(conversation) else (),
    )


def _legal(conversation: Conversation, words: Wording) -> str:
    """What the law says; it asks for roles only where somebody has none."""
    asks = any(speaker.role is None for speaker in conversation.people)
    return f"{words('legal')} {words('legal_roles')}" if asks else words("legal")
