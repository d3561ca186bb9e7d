"""What the page says about recognised words: how, in which language, what was dropped, how sure they are (pure)."""

from __future__ import annotations

from ressenti.pipeline.records import Conversation, Transcription
from ressenti.reports.page_options import options_of, titles_of
from ressenti.reports.wording import Wording

_NAMED = ("en", "fr")  # languages that the texts have names for; others are given by their code


def unsure_word_limit(conversation: Conversation) -> float:
    """Probability below which a recognised word is unsure; no limit in results without recognised words."""
    return float(options_of(conversation, "words").get("unsure_below", 0.0))


def word_rules(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """How words were recognised and what was dropped; empty if they were not, or came with a transcript."""
    found = conversation.transcription
    if found is None:
        return ()
    unsure = words.percent(unsure_word_limit(conversation))
    spoken = words.listed(_languages(conversation, found, words))
    rule = (
        words("th_words", languages=spoken, unsure=unsure) if spoken else words("th_words_no_language", unsure=unsure)
    )
    computed = words("th_words_computed", compute_type=found.compute_type, processor=found.processor)
    dropped = [words(f"drop_{one.reason}", n=one.words) for one in found.dropped if one.words]
    told = words("th_words_dropped", parts=words.listed(dropped)) if dropped else words("th_words_none_dropped")
    return (rule, computed, told)


def word_limits(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """What to expect of recognised words."""
    return (words("limit_words"),) if conversation.transcription and conversation.words else ()


def unknown_languages(conversation: Conversation, words: Wording) -> list[str]:
    """Whose words are missing because their language is not known."""
    found = conversation.transcription
    titles = titles_of(conversation, words)
    who = [titles[own.speaker] for own in found.languages if own.language is None] if found else []
    return [words("language_unknown", who=words.listed(who))] if who else []


def _languages(conversation: Conversation, found: Transcription, words: Wording) -> list[str]:
    titles = titles_of(conversation, words)
    return [
        words(
            "spoken_by",
            who=titles[own.speaker],
            language=words(f"language_{own.language}") if own.language in _NAMED else own.language,
            how=words(f"language_by_{own.source}", sure=words.percent(own.probability or 0.0)),
        )
        for own in found.languages
        if own.language is not None
    ]
