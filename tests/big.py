"""A long made-up conversation of many turns, for tests of what a large file costs."""

from __future__ import annotations

from ressenti.pipeline.config import Config
from ressenti.pipeline.records import (
    Conversation,
    Diarization,
    EmotionScores,
    Note,
    Recording,
    Segment,
    Speaker,
    Turn,
    Window,
)


def big(turns: int, speakers: int = 2, step_s: float = 2.0) -> Conversation:
    """So many turns of 1.5 s, one each `step_s`, in turn of each speaker, all judged; nothing derived."""
    labels = [f"S{k + 1}" for k in range(speakers)]
    segments = tuple(Segment(k * step_s, k * step_s + 1.5, labels[k % speakers]) for k in range(turns))
    tense = (EmotionScores((0.9, 0.02, 0.04, 0.02, 0.02)), EmotionScores((0.02, 0.02, 0.04, 0.02, 0.9)))
    return Conversation(
        recording=Recording("long.wav", "ab" * 32, turns * step_s + 1, 1, 8_000, "pcm_s16le"),
        layout="mono",
        layout_reason=Note("one_channel"),
        diarization=Diarization(segments, "given", "high", (), hears_overlap=True),
        speakers=tuple(Speaker(label, "") for label in labels),
        turns=tuple(
            Turn(k, s.speaker, s.start_s, s.end_s, windows=(Window(s.start_s, s.end_s, 1.5, tense[k // 40 % 2]),))
            for k, s in enumerate(segments)
        ),
        models=(),
        config=Config().model_dump(mode="json"),
        program="ressenti test",
    )
