"""Make pandas tables from a conversation.

Each starts with a column `conversation`, the conversation's id, and always has the columns and types of
`ressenti.pipeline.store.columns`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ressenti.pipeline.records import CLASSES, Conversation
from ressenti.pipeline.store.columns import COLUMNS, typed

if TYPE_CHECKING:
    import pandas as pd


def turns_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per turn: times, speaker, class, scores, valence and arousal (weighted over its windows).

    `activation_sd` is how activated it sounds against all speech of its speaker, in standard deviations.

    `class_by` says who set the class, `model` or `person`. Confidence and scores are the model's; a class set by a
    person has none. `model_class` and `model_confidence` always hold the model's answer. `speaker_confidence` and
    `speaker_unsure` are missing if the diarizer does not tell; a speaker set by a person has no confidence and is not
    unsure.
    """
    rows = []
    places = conversation.places()
    speakers = {speaker.label: speaker for speaker in conversation.speakers}
    for turn in conversation.turns:
        valence, arousal = places.get(turn.index) or (None, None)
        scores, answer = None if turn.by_person else turn.emotion, turn.model_answer
        row: dict[str, object] = {
            "turn": turn.index,
            "start_s": turn.start_s,
            "end_s": turn.end_s,
            "speaker": turn.speaker,
            "name": speakers[turn.speaker].name,
            "role": speakers[turn.speaker].role,
            "speaker_confidence": turn.speaker_confidence,
            "speaker_unsure": turn.speaker_unsure if turn.speaker_told else None,
            "overlap_s": turn.overlap_s,
            "loudness_dbfs": turn.loudness_dbfs,
            "activation_sd": turn.activation,
            "class": turn.emotion.top if turn.emotion else None,
            "confidence": scores.confidence if scores else None,
            "unsure": turn.unsure if turn.emotion else None,
            "class_by": ("person" if turn.by_person else "model") if turn.emotion else None,
            "model_class": answer.top if answer else None,
            "model_confidence": answer.confidence if answer else None,
            "not_judged": turn.unjudged,
            "valence": valence,
            "arousal": arousal,
        }
        for k, name in enumerate(CLASSES):
            row[name.lower()] = scores.scores[k] if scores else None
        rows.append(row)
    return typed(rows, conversation, COLUMNS["turns"])


def points_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per scored window: speaker, turn, time, weight, valence and arousal with their spreads."""
    rows = [{**vars(p), "speaker": line.speaker} for line in conversation.trajectories for p in line.points]
    return typed(rows, conversation, COLUMNS["points"])


def trajectories_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per speaker and grid time: smoothed valence and arousal with their bands."""
    names = [name for name in COLUMNS["trajectories"] if name.startswith(("valence", "arousal"))]
    rows = [
        {"speaker": line.speaker, "time_s": time_s, **{name: getattr(line, name)[k] for name in names}}
        for line in conversation.trajectories
        for k, time_s in enumerate(line.times_s)
    ]
    return typed(rows, conversation, COLUMNS["trajectories"])


def speakers_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per speaker: name, role, talk figures and mean affect; announcements (`kind`) have no figures."""
    rows = []
    for speaker in conversation.speakers:
        row: dict[str, object] = {
            "speaker": speaker.label,
            "name": speaker.name,
            "role": speaker.role,
            "kind": speaker.kind,
            "announced": speaker.announced,
            "not_scored": speaker.not_scored,
        }
        if speaker.talk:
            row |= vars(speaker.talk)
        if speaker.affect:
            means = {"valence": speaker.affect.valence, "arousal": speaker.affect.arousal}
            row |= {axis: estimate.mean if estimate else None for axis, estimate in means.items()}
            row |= dict(zip((c.lower() for c in CLASSES), speaker.affect.class_shares, strict=True))
        rows.append(row)
    return typed(rows, conversation, COLUMNS["speakers"])


def words_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per word: times, text, turn, speaker (missing in no turn), and confidence (of recognised words)."""
    speaker_of = _speakers(conversation)
    rows = [{**vars(word), "speaker": speaker_of.get(word.turn)} for word in conversation.words]
    return typed(rows, conversation, COLUMNS["words"])


def silenced_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per silenced span (`what` is "sound") and per omission of words ("words")."""
    speaker_of = _speakers(conversation)
    sound = [{**vars(span), "what": "sound"} for span in conversation.bleeps]
    words = [{**vars(gone), "what": "words", "speaker": speaker_of.get(gone.turn)} for gone in conversation.omissions]
    return typed([*sound, *words], conversation, COLUMNS["silenced"])


def sounds_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per sound that is no talk: its kind, times, confidence, channel, and whose it is (missing if unknown)."""
    return typed([vars(sound) for sound in conversation.sounds], conversation, COLUMNS["sounds"])


def _speakers(conversation: Conversation) -> dict[int | None, str]:
    return {turn.index: turn.speaker for turn in conversation.turns}
