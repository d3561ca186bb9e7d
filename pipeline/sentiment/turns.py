"""A conversation's words -> the sentiment of its turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from ressenti.pipeline.config import SentimentOptions
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Conversation, Segment, Sentiment, Turn, Word
from ressenti.pipeline.records.intervals import Timed
from ressenti.pipeline.sentiment.interface import SentimentModel


def with_sentiment(
    conversation: Conversation,
    model: SentimentModel | None,
    options: SentimentOptions,
    unsure_word: float,
    progress: Progress = ignore_progress,
) -> Conversation:
    """Tell what the words of each turn say, if this is not known yet.

    Read are only the words of people whose emotion is computed, as they stand in the conversation: what was silenced is
    not among them any more. Words with a probability below `unsure_word` are read, and do not count as words enough.
    """
    if model is None:
        return conversation
    told = {speaker.label for speaker in conversation.people if speaker.not_scored is None}
    spoken = spoken_alone(conversation)
    waiting: list[tuple[Turn, str, int]] = []
    for turn in conversation.turns:
        words = spoken.get(turn.index, [])
        enough = sum(_counts(word, unsure_word) for word in words)
        if turn.sentiment is None and turn.speaker in told and enough >= options.least_words:
            waiting.append((turn, " ".join(word.text.strip() for word in words), len(words)))
    if not waiting:
        return conversation
    judged = zip(waiting, model.judge([text for _, text, _ in waiting], progress), strict=True)
    found = {turn.index: Sentiment(*_summing_to_one(shares), words=count) for (turn, _, count), shares in judged}
    turns = tuple(replace(t, sentiment=found[t.index]) if t.index in found else t for t in conversation.turns)
    models = conversation.models if model.info in conversation.models else (*conversation.models, model.info)
    return replace(conversation, turns=turns, models=models)


def spoken_alone(conversation: Conversation) -> Mapping[int, list[Word]]:
    """Words by turn, in order of time, without those that are spoken while others speak on the same channel.

    On one channel nobody knows whose such a word is; it might be of somebody whose emotion is not computed.
    """
    speakers = {turn.index: turn.speaker for turn in conversation.turns}
    others: dict[str, Timed[Segment]] = {}
    if conversation.layout == "mono":
        segments = conversation.diarization.segments
        others = {who: Timed([s for s in segments if s.speaker != who]) for who in set(speakers.values())}
    found: dict[int, list[Word]] = defaultdict(list)
    for word in sorted(conversation.words, key=lambda word: (word.start_s, word.end_s)):
        if word.turn is None or word.turn not in speakers or not word.text.strip():
            continue
        beside = others.get(speakers[word.turn])
        middle = (word.start_s + word.end_s) / 2
        if beside is None or not beside.touching(middle, middle):
            found[word.turn].append(word)
    return found


def _counts(word: Word, unsure_word: float) -> bool:
    """Whether a word has letters, and was recognised for sure."""
    sure = word.confidence is None or word.confidence >= unsure_word
    return sure and any(map(str.isalpha, word.text))


def _summing_to_one(shares: tuple[float, float, float]) -> tuple[float, float, float]:
    """Shares rounded so that they are stored as they are shown: six decimals, which sum to 1."""
    negative, positive = round(shares[0], 6), round(shares[2], 6)
    return negative, max(0.0, round(1 - negative - positive, 6)), positive
