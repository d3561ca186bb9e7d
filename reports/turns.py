"""Turns -> rows of the table of turns, with the data for filters and corrections (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ressenti.pipeline.records import OMITTED, Conversation, EmotionScores, Sentiment, Turn
from ressenti.reports.emotion_model import is_brief, own_label, shown_classes
from ressenti.reports.notices import why_omitted
from ressenti.reports.page_options import is_scored, options_of, titles_of
from ressenti.reports.recognised_words import unsure_word_limit
from ressenti.reports.sentiment import sentiment_told
from ressenti.reports.who_spoke import doubt_explained, doubt_of, is_doubtful
from ressenti.reports.wording import Wording


@dataclass(frozen=True)
class Said:
    """A word, or the mark where words were left out, with the reason in `why`; `unsure` words are drawn lighter."""

    start_s: float
    text: str
    why: str = ""
    unsure: bool = False


@dataclass(frozen=True)
class TurnRow:
    """One row of the table of turns, as shown; `key` is the class, `unsure` or `none`, and sets the colour.

    `original` is the models' answer if a person corrected it. `doubt` says that the diarizer was unsure of the speaker,
    and `doubt_why` in a sentence; `asks` is whether the speaker is still unsure.
    """

    index: int
    start_s: float
    end_s: float
    label: str
    model_label: str
    model_class: str
    model_key: str
    model_score: float
    confidence: float
    start: str
    length: str
    speaker: str
    doubt: str
    doubt_why: str
    asks: bool
    key: str
    emotion: str
    own: str
    score: str
    valence: str
    arousal: str
    activation: str
    sentiment: str
    level: str
    note: str
    original: str
    comment: str
    said: tuple[Said, ...]


def turn_data(row: TurnRow) -> dict[str, Any]:
    """The data of a turn for the page's scripts."""
    return {
        "index": row.index,
        "start": row.start_s,
        "end": row.end_s,
        "speaker": row.label,
        "key": row.key,
        "confidence": row.confidence,
        "corrected": bool(row.original or row.comment),
        "model": {
            "speaker": row.model_label,
            **({"doubt": True} if row.doubt else {}),
            "answer": row.model_class,
            "key": row.model_key,
            "confidence": row.model_score,
        },
    }


def turn_rows(conversation: Conversation, words: Wording) -> tuple[TurnRow, ...]:
    """All turns in order of time."""
    titles = titles_of(conversation, words)
    by_turn = _words_and_marks(conversation, words)
    places, said = conversation.places(), conversation.sentiments
    return tuple(
        _row(t, conversation, titles, places.get(t.index), tuple(by_turn.get(t.index, ())), said.get(t.index), words)
        for t in conversation.turns
    )


def _words_and_marks(conversation: Conversation, words: Wording) -> dict[int | None, list[Said]]:
    """Words and marks by turn, in order of time."""
    found: dict[int | None, list[Said]] = {}
    limit = unsure_word_limit(conversation)
    for word in conversation.words:
        unsure = word.confidence is not None and word.confidence < limit
        found.setdefault(word.turn, []).append(Said(round(word.start_s, 2), word.text, unsure=unsure))
    for place in conversation.omissions:
        kind = conversation.kind_omitted(place)
        text = OMITTED if kind is None else words(f"pd_{kind}")
        mark = Said(round(place.start_s, 2), text, why_omitted(place, conversation, words))
        found.setdefault(place.turn, []).append(mark)
        found[place.turn].sort(key=lambda part: part.start_s)
    return found


def _row(
    turn: Turn,
    conversation: Conversation,
    titles: dict[str, str],
    place: tuple[float, float] | None,
    said: tuple[Said, ...],
    sentiment: Sentiment | None,
    words: Wording,
) -> TurnRow:
    shown = shown_classes(turn)
    answer = turn.model_answer
    limit = options_of(conversation, "emotion")["unsure_below"]
    valence, arousal = place or (None, None)
    doubtful = is_doubtful(turn, conversation)
    notes = []
    if turn.unjudged and is_scored(conversation):
        notes.append(words(f"u_{turn.unjudged}"))
    if turn.unsure:
        notes.append(words("n_unsure"))
    if is_brief(turn):
        notes.append(words("n_brief"))
    if turn.overlap_s >= 0.1 and turn.unjudged != "overlap":
        notes.append(words("n_overlap", seconds=words.seconds(turn.overlap_s)))
    return TurnRow(
        index=turn.index,
        start_s=round(turn.start_s, 2),
        end_s=round(turn.end_s, 2),
        label=turn.speaker,
        model_label=turn.original.speaker if turn.original else turn.speaker,
        model_class=_model_class(turn, words),
        model_key="none" if answer is None else "unsure" if _is_unsure(answer, limit) else answer.top,
        model_score=round(answer.confidence, 3) if answer else 0.0,
        confidence=round(turn.emotion.confidence, 3) if turn.emotion else 0.0,  # 1 if set by a person: never hidden
        start=words.clock(turn.start_s, 1),
        length=words.seconds(turn.duration_s),
        speaker=titles[turn.speaker],
        doubt=doubt_of(turn, words) if doubtful else "",
        doubt_why=doubt_explained(turn, words) if doubtful else "",
        asks=turn.speaker_unsure,
        key="none" if turn.emotion is None else "unsure" if turn.unsure else turn.emotion.top,
        emotion=", ".join(words(name) for name, _ in shown) or "–",
        own=own_label(turn, words),
        score=", ".join(words.percent(score) for _, score in shown if score is not None),
        valence="" if valence is None else words.number(valence, 2, sign=True),
        arousal="" if arousal is None else words.number(arousal, 2, sign=True),
        activation="" if turn.activation is None else words.number(round(turn.activation, 1) + 0.0, 1, sign=True),
        sentiment=sentiment_told(sentiment, conversation, words),
        level="" if turn.loudness_dbfs is None else words.number(turn.loudness_dbfs, 0),
        note=", ".join(notes),
        original=_original(turn, titles, words),
        comment=turn.note,
        said=said,
    )


def _original(turn: Turn, titles: dict[str, str], words: Wording) -> str:
    """The models' answer for a turn that a person corrected: its speaker and class."""
    before = turn.original
    if before is None:
        return ""
    doubt = "" if before.speaker != turn.speaker else "?"  # a person confirmed the speaker
    parts = [f"{titles.get(before.speaker, before.speaker)}{doubt}"] if turn.speaker_by_person else []
    if turn.by_person:
        parts.append(_model_class(turn, words) or words("not_judged"))
    if parts:
        return words("n_corrected_from", before=", ".join(parts))
    return "" if turn.unjudged == "ignored" else words("n_corrected")  # the span was set, not the turn


def _model_class(turn: Turn, words: Wording) -> str:
    """The model's class of a turn with its mean score, even if a person set another; empty if there is none."""
    answer = turn.model_answer
    return f"{words(answer.top)} {words.percent(answer.confidence)}" if answer else ""


def _is_unsure(answer: EmotionScores, limit: float) -> bool:
    return answer.confidence < limit if answer.reached is None else not answer.reached
