"""How sure it is who spoke: turns whose speaker is unsure, and the number of speakers (pure)."""

from __future__ import annotations

from ressenti.pipeline.records import Conversation, Diarization, Note, Turn
from ressenti.reports.page_options import options_of
from ressenti.reports.wording import Wording


def is_doubtful(turn: Turn, conversation: Conversation) -> bool:
    """Whether the diarizer was unsure of a turn's speaker, even if a person set the speaker since."""
    if turn.original is None:
        return turn.speaker_unsure
    known = turn.original.speaker_confidence
    return known is not None and known < _limit(conversation)


def doubt_of(turn: Turn, words: Wording) -> str:
    """That the diarizer was unsure of a turn's speaker, with the probability it gave."""
    return words("n_speaker_unsure", probability=words.percent(_found(turn)))


def doubt_explained(turn: Turn, words: Wording) -> str:
    """The same as a sentence."""
    return words("speaker_unsure_why", probability=words.percent(_found(turn)))


def doubt_rule(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """When a speaker is unsure; empty if the diarizer does not tell."""
    if not any(_found(turn) is not None for turn in conversation.turns):
        return ()
    return (words("th_speaker_unsure", limit=words.percent(_limit(conversation))),)


def doubt_limit(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """In how many turns and seconds the speaker is unsure; empty if in none."""
    turns = [turn for turn in conversation.turns if turn.speaker_unsure]
    if not turns:
        return ()
    seconds = words.seconds(sum(turn.duration_s for turn in turns))
    return (words("limit_speaker_unsure", turns=words("n_turns", n=len(turns)), seconds=seconds),)


def count_likelihood(conversation: Conversation, words: Wording) -> str:
    """The probability that the estimated number of speakers is right, never 0 or 100%; empty if it is not known."""
    found = conversation.diarization
    known = found.count_probability if found.count == "estimated" else None
    return "" if known is None else words.percent(min(0.99, max(0.01, known)))


def count_found(conversation: Conversation, words: Wording) -> str:
    """How the number of speakers was found, and how sure it is."""
    found = conversation.diarization
    if probability := count_likelihood(conversation, words):
        return words("count_likely", probability=probability)
    return words("count_low" if found.count_confidence == "low" else f"count_{found.count}")


def shared_channels(found: Diarization) -> tuple[Note, ...]:
    """The channels in which several voices were told apart."""
    return tuple(note for note in found.notes if note.key == "channel_voices")


def count_limit(conversation: Conversation, words: Wording) -> str:
    """That the number of speakers may be wrong."""
    probability = count_likelihood(conversation, words)
    return words("limit_count_likely", probability=probability) if probability else words("limit_count")


def _found(turn: Turn) -> float | None:
    return turn.original.speaker_confidence if turn.original else turn.speaker_confidence


def _limit(conversation: Conversation) -> float:
    limit: float = options_of(conversation, "diarization")["unsure_below"]
    return limit
