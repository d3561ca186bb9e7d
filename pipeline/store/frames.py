"""Conversation -> pandas tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.records import CLASSES, Conversation

if TYPE_CHECKING:
    import pandas as pd


def turns_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per turn: times, speaker, class, scores, valence and arousal (weighted over its windows).

    `class_by` is who gave the class, `model` or `person`. Confidence and scores are the model's: a class that a person
    gave has none. What the model says of a turn is in `model_class` and `model_confidence`, whoever gave its class.
    """
    import pandas as pd

    from pipeline.affect import model_answer

    rows = []
    places = conversation.places()
    for turn in conversation.turns:
        speaker = conversation.speaker(turn.speaker)
        valence, arousal = places.get(turn.index) or (None, None)
        scores, answer = None if turn.by_person else turn.emotion, model_answer(turn)
        row: dict[str, object] = {
            "turn": turn.index,
            "start_s": turn.start_s,
            "end_s": turn.end_s,
            "speaker": turn.speaker,
            "name": speaker.name,
            "role": speaker.role or "",
            "overlap_s": turn.overlap_s,
            "loudness_dbfs": turn.loudness_dbfs,
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
    return pd.DataFrame(rows)


def points_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per scored window: speaker, turn, time, weight, valence and arousal with their spreads."""
    import pandas as pd

    columns = ["speaker", "turn", "time_s", "weight_s", "valence", "valence_sd", "arousal", "arousal_sd"]
    return pd.DataFrame(
        [
            {"speaker": t.speaker, **{name: getattr(p, name) for name in columns[1:]}}
            for t in conversation.trajectories
            for p in t.points
        ],
        columns=columns,
    )


def trajectories_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per speaker and grid time: smoothed valence and arousal with their bands."""
    import pandas as pd

    columns = ("times_s", "valence", "valence_low", "valence_high", "arousal", "arousal_low", "arousal_high")
    frames = [
        pd.DataFrame({"speaker": t.speaker, **{name: getattr(t, name) for name in columns}})
        for t in conversation.trajectories
    ]
    empty = pd.DataFrame(columns=["speaker", *columns])
    return (pd.concat(frames, ignore_index=True) if frames else empty).rename(columns={"times_s": "time_s"})


def speakers_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per speaker: name, role, talk figures and mean affect."""
    import pandas as pd

    rows = []
    for speaker in conversation.speakers:
        row: dict[str, object] = {
            "speaker": speaker.label,
            "name": speaker.name,
            "role": speaker.role,
            "not_scored": speaker.not_scored,
        }
        if speaker.talk:
            row |= {name: getattr(speaker.talk, name) for name in speaker.talk.__dataclass_fields__}
        if speaker.affect:
            means = {"valence": speaker.affect.valence, "arousal": speaker.affect.arousal}
            row |= {axis: estimate.mean if estimate else None for axis, estimate in means.items()}
            row |= dict(zip((c.lower() for c in CLASSES), speaker.affect.class_shares, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)
