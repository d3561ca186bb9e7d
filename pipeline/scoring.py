"""Turns -> their scores: windows without overlap and without laughter or the like, judged by the emotion model.

How each sounds by signal processing alone is measured beside it, also where no emotion model may be used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat

from ressenti.pipeline import turns
from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import EmotionOptions
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt, Excerpts
from ressenti.pipeline.emotion.voice_measures import voice_measures_of
from ressenti.pipeline.models import parallel
from ressenti.pipeline.progress import Progress
from ressenti.pipeline.records import ModelInfo, Segment, Turn, Unjudged, Window
from ressenti.pipeline.sounds import HeardSounds
from ressenti.pipeline.turns import PlannedWindow, Span


@dataclass(frozen=True)
class Speech:
    """Sound, the channel of each speaker (from 1; of a mix, none), who speaks when, and what is no talk."""

    audio: Audio
    channels: Mapping[str, int]
    segments: Sequence[Segment]
    heard: HeardSounds

    def windows(self, turn: Turn, options: EmotionOptions) -> list[PlannedWindow]:
        """The windows of a turn to score: nobody else speaks in them, and nobody laughs, coughs or the like."""
        vocal = self.heard.vocal(self.channels.get(turn.speaker, 1))
        return turns.plan_windows(turn, self.segments, options, vocal)

    def excerpt(self, speaker: str, spans: Sequence[Span]) -> Excerpt:
        """A speaker's sound in these spans (s)."""
        return Excerpt(self.audio.joined(spans, self.channels.get(speaker, 1) - 1), speaker)

    def why_none(self, turn: Turn, options: EmotionOptions) -> Unjudged:
        """Why a turn has no windows."""
        if turn.duration_s < options.min_judged_s:
            return "short"
        return "sound" if turns.plan_windows(turn, self.segments, options) else "overlap"


def scored(
    all_turns: Sequence[Turn],
    speech: Speech,
    reasons: Mapping[str, Unjudged],
    load: Callable[[], EmotionModel | None],
    options: EmotionOptions,
    progress: Progress,
) -> tuple[tuple[Turn, ...], tuple[ModelInfo, ...]]:
    """Turns with their windows and the scores of these, or with the reason for none, and the models used.

    `reasons` are those of speakers whose emotion is not computed; if they cover everybody, `load` is not called.
    """
    if all(turn.speaker in reasons for turn in all_turns):
        return tuple(replace(turn, unjudged=reasons[turn.speaker]) for turn in all_turns), ()
    model = load()
    plans = [[] if turn.speaker in reasons else speech.windows(turn, options) for turn in all_turns]
    cuts = [
        partial(speech.excerpt, turn.speaker, window.speech)
        for turn, plan in zip(all_turns, plans, strict=True)
        for window in plan
    ]
    scores = iter(model.score(Excerpts(cuts), progress)) if model else repeat(None)
    voices = parallel.each(lambda cut: voice_measures_of(cut().samples), cuts)
    judged = []
    for turn, plan in zip(all_turns, plans, strict=True):
        windows = tuple(Window(w.start_s, w.end_s, w.weight_s, next(scores), next(voices)) for w in plan)
        without: Unjudged | None = None if model else "no_model"
        why = reasons.get(turn.speaker) or (without if windows else speech.why_none(turn, options))
        judged.append(replace(turn, windows=windows, unjudged=why))
    return tuple(judged), (*model.parts, model.info) if model else ()
