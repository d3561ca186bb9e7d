"""Conversation -> JSON in the format of Amazon Transcribe Call Analytics, which Contact Lens shares.

Sources: "Post-call analytics output" in the Amazon Transcribe Developer Guide, and "Example Contact Lens
conversational analytics output files for a call" in the Amazon Connect Administrator Guide. Data that these formats
lack, mainly emotion, is under the key `Ressenti`. Their `Sentiment` describes words, and so does ours: it is filled
where a model told what words say, and never from the voice.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Any, cast
from uuid import NAMESPACE_OID, uuid5

from ressenti.pipeline.export.turn_text import corrected_turns, text_of, words_of
from ressenti.pipeline.export.wording import Wording
from ressenti.pipeline.records import (
    CLASSES,
    AffectPoint,
    Conversation,
    EmotionScores,
    Exchange,
    Levels,
    Span,
    Speaker,
    Turn,
    Word,
    union_s,
)
from ressenti.pipeline.records.intervals import Timed
from ressenti.pipeline.rounding import rounded

_ROLES = {"agent": "AGENT", "client": "CUSTOMER", "customer": "CUSTOMER"}
_MOST_SENTIMENT = 5  # the highest score of AWS; the lowest is its negative
_FULL_SCALE_DB = 20 * math.log10(2**15)  # of 16-bit samples, relative to one step
_LOUDNESS = (
    "dB above one step of 16-bit samples (full scale is 90.31), the highest level of the recording's louder channel in "
    "each second that the turn touches, whoever speaks; AWS publishes no scale, its examples lie between 40 and 90. "
    "Seconds that share a step of LevelStepSeconds have the same value."
)

Json = dict[str, Any]


def aws(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """JSON as in Amazon Transcribe Call Analytics; times in whole milliseconds.

    `Ressenti` has the emotion, the call's metadata, and the places where words were left out of `Content`.

    A speaker is AGENT or CUSTOMER if nobody else has that role, else the role is the speaker's label. `Content` is
    empty without a transcript. A loudness score is null for a second without a stored level.
    """
    roles = _roles(conversation.speakers)
    words, bleeps = words_of(conversation, marks=False), Timed(conversation.bleeps)
    corrected = corrected_turns(conversation)
    data: Json = {
        "JobName": re.sub(r"[^0-9A-Za-z._-]", "_", PurePath(conversation.recording.name).stem) or "recording",
        "JobStatus": "COMPLETED",
        "Channel": "VOICE",
        "ContentMetadata": {"Output": "Redacted" if conversation.bleeps or conversation.omissions else "Raw"},
        "Participants": [{"ParticipantId": label, "ParticipantRole": role} for label, role in roles.items()],
        "Categories": {"MatchedCategories": [], "MatchedDetails": {}},
        "ConversationCharacteristics": _characteristics(conversation, roles, words),
        "Transcript": [
            _turn(conversation, t, roles, words.get(t.index, ()), bleeps, corrected=t.index in corrected)
            for t in conversation.turns
        ],
        "Ressenti": _extension(conversation, roles) | ({"Metadata": dict(metadata)} if metadata else {}),
    }
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _roles(speakers: Sequence[Speaker]) -> dict[str, str]:
    """Participant role by label; speakers who share a role get their labels, since AWS would merge them."""
    found = {s.label: _ROLES.get((s.role or "").strip().casefold()) for s in speakers}
    counts = Counter(found.values())
    return {label: role if role and counts[role] == 1 else label for label, role in found.items()}


def _characteristics(conversation: Conversation, roles: Mapping[str, str], words: Mapping[int | None, object]) -> Json:
    data: Json = {"TotalConversationDurationMillis": _millis(conversation.recording.duration_s)}
    if conversation.exchange:
        data["NonTalkTime"] = _non_talk(conversation, conversation.exchange)
        data["Interruptions"] = _interruptions(conversation.exchange, roles)
    talk_s = {s.label: s.talk.talk_s for s in conversation.speakers if s.talk}
    data["TalkTime"] = {
        "DetailsByParticipant": {roles[label]: {"TotalTimeMillis": _millis(s)} for label, s in talk_s.items()},
        "TotalTimeMillis": sum(map(_millis, talk_s.values())),
    }
    if conversation.sentiments:
        data["Sentiment"] = _sentiment(conversation, roles)
    if conversation.words:
        counts = Counter(t.speaker for t in conversation.turns for _ in cast("Sequence[Word]", words.get(t.index, ())))
        data["TalkSpeed"] = {
            "DetailsByParticipant": {
                roles[label]: {"AverageWordsPerMinute": round(60 * counts[label] / s)}
                for label, s in talk_s.items()
                if s > 0
            }
        }
    return data


def _sentiment(conversation: Conversation, roles: Mapping[str, str]) -> Json:
    """What words say, from -5 to 5 as AWS scores it: positive without negative, turns weighted by their words.

    Overall and in quarters of each speaker's time from the first to the last turn that says anything.
    """
    said = conversation.sentiments
    own: dict[str, list[Turn]] = {}
    for turn in conversation.turns:
        if turn.index in said:
            own.setdefault(roles[turn.speaker], []).append(turn)

    def score(turns: Sequence[Turn]) -> float | None:
        found = [said[turn.index] for turn in turns]
        total = sum(one.words for one in found)
        return round(_MOST_SENTIMENT * sum(one.balance * one.words for one in found) / total, 1) if total else None

    quarters: dict[str, list[Json]] = {}
    for role, turns in own.items():
        start_s, end_s = min(t.start_s for t in turns), max(t.end_s for t in turns)
        edges = [start_s + k * (end_s - start_s) / 4 for k in range(5)]
        quarters[role] = []
        for k, (a, b) in enumerate(pairwise(edges)):
            inside = [t for t in turns if min(3, int(4 * (_middle(t) - start_s) / (end_s - start_s))) == k]
            if inside:  # a score of nothing would be a lie, and tools expect a number
                quarters[role].append({"Score": score(inside), **_span(a, b)})
    return {
        "OverallSentiment": {role: score(turns) for role, turns in own.items()},
        "SentimentByPeriod": {"QUARTER": quarters},
    }


def _middle(turn: Turn) -> float:
    return (turn.start_s + turn.end_s) / 2


def _non_talk(conversation: Conversation, exchange: Exchange) -> Json:
    """Silences longer than the configured limit, as counted by `turn_taking`."""
    options = cast("Mapping[str, float]", conversation.config.get("dynamics") or {})
    spoken = union_s([(s.start_s, s.end_s) for s in conversation.diarization.segments])
    edges = [0.0, *(edge for span in spoken for edge in span), conversation.recording.duration_s]
    gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > options.get("non_talk_s", 3.0)]
    return {"Instances": [_stretch(a, b) for a, b in gaps], "TotalTimeMillis": _millis(exchange.non_talk_s)}


def _interruptions(exchange: Exchange, roles: Mapping[str, str]) -> Json:
    by: dict[str, list[Json]] = {}
    for found in exchange.interruptions:
        by.setdefault(roles[found.by], []).append(_stretch(found.time_s, found.time_s + found.overlap_s))
    return {
        "TotalCount": len(exchange.interruptions),
        "TotalTimeMillis": sum(one["DurationMillis"] for own in by.values() for one in own),
        "InterruptionsByInterrupter": by,
    }


def _turn(
    conversation: Conversation,
    turn: Turn,
    roles: Mapping[str, str],
    words: Sequence[Word],
    bleeps: Timed[Span],
    *,
    corrected: bool,
) -> Json:
    data: Json = {
        "Id": str(uuid5(NAMESPACE_OID, f"{conversation.recording.sha256}/{turn.index}")),
        "ParticipantId": turn.speaker,
        "ParticipantRole": roles[turn.speaker],
        "BeginOffsetMillis": _millis(turn.start_s),
        "EndOffsetMillis": _millis(turn.end_s),
        "Content": text_of(words),
        "Items": [_item(word) for word in words],
        "LoudnessScores": _loudness(conversation.levels, _millis(turn.start_s), _millis(turn.end_s)),
    }
    if (said := conversation.sentiments.get(turn.index)) is not None:
        data["Sentiment"] = said.top.upper()
    silenced = bleeps.touching(turn.start_s, turn.end_s)
    if silenced:
        data["Redaction"] = {"RedactedTimestamps": [_within(bleep, turn) for bleep in silenced]}
    return {**data, "Ressenti": _tone(conversation, turn) | {"Corrected": corrected}}


def _item(word: Word) -> Json:
    times = {"BeginOffsetMillis": _millis(word.start_s), "EndOffsetMillis": _millis(word.end_s)}
    sure = {} if word.confidence is None else {"Confidence": round(word.confidence, 4)}
    return {"Type": "pronunciation", "Content": text_of([word]), **sure, **times}


def _within(bleep: Span, turn: Turn) -> Json:
    return _span(max(bleep.start_s, turn.start_s), min(bleep.end_s, turn.end_s))


def _span(start_s: float, end_s: float) -> Json:
    return {"BeginOffsetMillis": _millis(start_s), "EndOffsetMillis": _millis(end_s)}


def _loudness(levels: Levels | None, begin_ms: int, end_ms: int) -> list[float | None]:
    """One value for each second of the recording that the turn touches; None if no level is stored."""
    scores: list[float | None] = []
    for second in range(begin_ms // 1000, max(begin_ms, end_ms - 1) // 1000 + 1):
        found: Sequence[float] = ()
        if levels:
            first, last = second / levels.step_s, (second + 1) / levels.step_s
            found = levels.dbfs[math.floor(first + 1e-9) : math.ceil(last - 1e-9)]
        scores.append(round(max(0.0, _FULL_SCALE_DB + max(found)), 2) if found else None)
    return scores


def _tone(conversation: Conversation, turn: Turn) -> Json:
    """Emotion and corrections of a turn; only data from the conversation, no added role or judgement."""
    place = conversation.place_of(turn)
    data: Json = {
        **_judged(turn.emotion),
        "Unsure": turn.unsure if turn.emotion else None,
        "SpeakerConfidence": rounded(turn.speaker_confidence),
        "SpeakerUnsure": turn.speaker_unsure if turn.speaker_told else None,
        "Valence": rounded(place[0]) if place else None,
        "Arousal": rounded(place[1]) if place else None,
        "ActivationSD": rounded(turn.activation),
        "NotJudged": turn.unjudged,
    }
    if (said := conversation.sentiments.get(turn.index)) is not None:
        shares = {"Negative": said.negative, "Neutral": said.neutral, "Positive": said.positive}
        data["Words"] = {name: rounded(share) for name, share in shares.items()}
    if turn.original:
        data["Original"] = {"ParticipantId": turn.original.speaker, **_judged(turn.model_answer)}
        data["Original"]["NotJudged"] = turn.original.unjudged
        data["Original"]["SpeakerConfidence"] = rounded(turn.original.speaker_confidence)
    data["WordsLeftOut"] = [_span(o.start_s, o.end_s) for o in conversation.omissions if o.turn == turn.index]
    return data | ({"Note": turn.note} if turn.note else {})


def _judged(emotion: EmotionScores | None) -> Json:
    scores = dict(zip(CLASSES, map(rounded, emotion.scores), strict=True)) if emotion else None
    return {
        "Class": emotion.top if emotion else None,
        "Scores": scores,
        "Activation": emotion.activation if emotion else None,
    }


def _extension(conversation: Conversation, roles: Mapping[str, str]) -> Json:
    levels = conversation.levels
    return {
        "Program": conversation.program,
        "Recording": {"Name": conversation.recording.name, "SHA256": conversation.recording.sha256},
        "Participants": [
            {"ParticipantId": s.label, "ParticipantRole": roles[s.label], "Name": s.name, "Role": s.role}
            | {"RoleSource": s.role_source, "NotScored": s.not_scored}
            for s in conversation.speakers
        ],
        "Models": [
            {"Task": m.task, "Name": m.name, "SHA256": m.sha256, "Licence": m.licence, "Commercial": m.commercial}
            for m in conversation.models
        ],
        "HearsOverlap": conversation.diarization.hears_overlap,
        "CountProbability": rounded(conversation.diarization.count_probability),
        "AllowRestricted": conversation.allow_restricted,
        "LoudnessScale": {"Unit": _LOUDNESS, "LevelStepSeconds": levels.step_s if levels else None},
        "ValenceByPeriod": {"QUARTER": _quarters(conversation, roles, "valence")},
        "ArousalByPeriod": {"QUARTER": _quarters(conversation, roles, "arousal")},
        "Silenced": {
            "Spans": [_span(span.start_s, span.end_s) for span in conversation.bleeps],
            "WordsLeftOut": [_span(place.start_s, place.end_s) for place in conversation.omissions],
        },
        "Limits": Wording("en")("limit_expression"),
    }


def _quarters(conversation: Conversation, roles: Mapping[str, str], axis: str) -> dict[str, list[Json]]:
    """Means in quarters of each speaker's time from first to last judged speech; null if nothing was judged."""
    points: dict[str, tuple[AffectPoint, ...]] = {t.speaker: t.points for t in conversation.trajectories}
    found: dict[str, list[Json]] = {}
    for speaker in conversation.speakers:
        own = points.get(speaker.label, ())
        if not speaker.affect or not own:
            continue
        start_s = min(p.time_s - p.duration_s / 2 for p in own)
        quarter_s = (max(p.time_s + p.duration_s / 2 for p in own) - start_s) / 4
        edges = [_millis(start_s + k * quarter_s) for k in range(5)]
        scores: tuple[float | None, ...] = getattr(speaker.affect, f"{axis}_quarters")
        found[roles[speaker.label]] = [
            {"Score": rounded(score), "BeginOffsetMillis": a, "EndOffsetMillis": b}
            for score, a, b in zip(scores, edges[:-1], edges[1:], strict=True)
        ]
    return found


def _stretch(start_s: float, end_s: float) -> Json:
    begin, end = _millis(start_s), _millis(end_s)
    return {"BeginOffsetMillis": begin, "DurationMillis": end - begin, "EndOffsetMillis": end}


def _millis(seconds: float) -> int:
    return round(seconds * 1000)
