"""All that follows from turns and their scores, and from what people corrected; computed anew at any time (pure)."""

from __future__ import annotations

from dataclasses import replace

from ressenti.pipeline import roles, turn_taking, turns
from ressenti.pipeline.affect import dynamics, moments, trajectory
from ressenti.pipeline.affect import points as affect
from ressenti.pipeline.config import Config, build_config
from ressenti.pipeline.edits import corrections
from ressenti.pipeline.memory import uncollected
from ressenti.pipeline.records import (
    Conversation,
    Corrections,
    Turn,
    mean_scores,
)


@uncollected()
def derive(conversation: Conversation, config: Config) -> Conversation:
    """Everything that follows from turns and their scores, computed anew: affect, trajectories, dynamics (pure).

    What people corrected comes first, so that the rest follows from it. Turns that were cut without overlap cannot
    interrupt one another: how speakers took part is told from turns with it. Raises `CorrectionsError`.
    """
    conversation = _corrected(conversation, config)
    segments = corrections.corrected_segments(conversation)
    spoken = conversation.turns
    taken = turns.make_turns(segments, config.turns) if conversation.diarization.exclusive else spoken
    exchange = turn_taking.exchange_of(segments, taken, conversation.recording.duration_s, config.dynamics)
    points = {s.label: affect.points_of(spoken, s.label, config.affect, config.emotion) for s in conversation.speakers}
    labels = [speaker.label for speaker in conversation.speakers]
    talk = turn_taking.talks_of(labels, segments, taken, exchange, config.dynamics, spoken)
    lines = tuple(trajectory.make_trajectory(label, own, config.trajectory) for label, own in points.items() if own)
    return replace(
        conversation,
        turns=spoken,
        exchange=exchange,
        trajectories=lines,
        moments=moments.moments_of(spoken, lines, exchange, config.trajectory, config.moments),
        speakers=tuple(
            replace(
                speaker,
                talk=talk[speaker.label],
                affect=dynamics.affect_of(speaker.label, spoken, points[speaker.label], config.dynamics),
            )
            for speaker in conversation.speakers
        ),
    )


def with_corrections(conversation: Conversation, wanted: Corrections) -> Conversation:
    """The conversation as people corrected it, with all that follows; these corrections replace any before.

    Raises `CorrectionsError`.
    """
    config = build_config(conversation.config, source=conversation.recording.name)
    return derive(replace(conversation, corrections=wanted), config)


def uncorrected(conversation: Conversation) -> Conversation:
    """The conversation as the models left it, for judging them: without what people corrected."""
    if not corrections.is_corrected(conversation):
        return conversation
    return with_corrections(conversation, Corrections())


def _corrected(conversation: Conversation, config: Config) -> Conversation:
    """The conversation with the mean scores of its turns, and with all that people corrected."""
    before = corrections.restored(conversation)
    heard = replace(before, turns=tuple(_with_emotion(turn, config) for turn in before.turns))
    asked, known = conversation.allow_restricted, before.speakers
    after = corrections.corrected(heard, lambda label: roles.newcomer(label, known, asked, config.roles))
    pairs = zip(heard.turns, after.turns, strict=True)
    spoken = tuple(turn if turn is same else _with_emotion(turn, config) for same, turn in pairs)
    was, now = ([turn.speaker for turn in who] for who in (conversation.turns, spoken))
    if now != was or now != [turn.speaker for turn in before.turns]:
        segments = corrections.corrected_segments(after)
        cut = corrections.corrected_exclusive(after) or segments
        spoken = turns.with_overlap(spoken, cut, segments)
    return replace(after, turns=spoken)


def _with_emotion(turn: Turn, config: Config) -> Turn:
    if not turn.windows:
        return replace(turn, emotion=None, unsure=False)
    windows = tuple(affect.placed(window, config.affect) for window in turn.windows)
    scores = affect.decided(mean_scores(windows), config.emotion)
    return replace(turn, windows=windows, emotion=scores, unsure=not scores.reached)
