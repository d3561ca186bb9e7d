"""What the words of a conversation tell: pace, questions, hesitations, greetings, prices, keywords, asked-for phrases.

All of it is computed from the words that are there (pure), so what was silenced or corrected is never part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline.config import build_config
from ressenti.pipeline.content.background import check_background, with_background
from ressenti.pipeline.content.figures import Mention, Pace, SpeakerWords, mentions_of, speaker_words
from ressenti.pipeline.content.keywords import Keyword, keywords_of
from ressenti.pipeline.content.phrases import PhraseFound, find_phrases, included_lists, read_phrases
from ressenti.pipeline.content.said import Place, languages_of
from ressenti.pipeline.records import Conversation

__all__ = [
    "Content",
    "Keyword",
    "Mention",
    "Pace",
    "PhraseFound",
    "Place",
    "SpeakerWords",
    "check_background",
    "content_of",
    "included_lists",
    "keywords_in",
    "read_phrases",
    "with_background",
]


@dataclass(frozen=True)
class Content:
    """What the words of a conversation tell; everything is empty without words."""

    speakers: tuple[SpeakerWords, ...]
    mentions: tuple[Mention, ...]
    keywords: tuple[Keyword, ...]
    phrases: tuple[PhraseFound, ...]


def content_of(conversation: Conversation) -> Content:
    """Compute what the words of a conversation tell, with its own options, and look for its phrases."""
    config = build_config(conversation.config, source=conversation.recording.name)
    languages, options = languages_of(conversation), config.content
    return Content(
        speakers=speaker_words(conversation, languages, options),
        mentions=mentions_of(conversation, languages, options),
        keywords=keywords_of(conversation, languages, options),
        phrases=tuple(
            found
            for wanted in conversation.phrases
            for found in find_phrases(conversation, wanted, languages, options, config.words.unsure_below)
        ),
    )


def keywords_in(conversation: Conversation) -> tuple[Keyword, ...]:
    """The keywords of a conversation, found with its own options."""
    options = build_config(conversation.config, source=conversation.recording.name).content
    return keywords_of(conversation, languages_of(conversation), options)
