"""Everything that follows from turns, their scores and corrections; can be computed again at any time (pure)."""

from __future__ import annotations

from dataclasses import replace

from ressenti.pipeline import roles, turn_taking, turns
from ressenti.pipeline.affect import dynamics, moments, trajectory
from ressenti.pipeline.affect import points as affect
from ressenti.pipeline.config import Config, build_config
from ressenti.pipeline.edits import corrections
from ressenti.pipeline.garbage_collection import uncollected
from ressenti.pipeline.records import (
    Conversation,
    Corrections,
    Turn,
    mean_scores,
)


@uncollected()
def derive(conversation: Conversation, config: Config) -> Conversation:
    """Compute everything that follows from turns and their scores: affect, trajectories, dynamics (pure).

    Corrections are applied first. Turns cut from exclusive segments cannot overlap, so turn-taking is computed from
    turns with overlap. Raises `CorrectionsError`.
    """
    conversation = _corrected(conversation, config)
    segments = corrections.corrected_segments(conversation)
    final_turns = conversation.turns
    overlapping_turns = turns.make_turns(segments, config.turns) if conversation.diarization.exclusive else final_turns
    exchange = turn_taking.exchange_of(segments, overlapping_turns, conversation.recording.duration_s, config.dynamics)
    points = {
        s.label: affect.points_of(final_turns, s.label, config.affect, config.emotion) for s in conversation.speakers
    }
    labels = [speaker.label for speaker in conversation.speakers]
    talk = turn_taking.talks_of(labels, segments, overlapping_turns, exchange, config.dynamics, final_turns)
    lines = tuple(trajectory.make_trajectory(label, own, config.trajectory) for label, own in points.items() if own)
    return replace(
        conversation,
        turns=final_turns,
        exchange=exchange,
        trajectories=lines,
        moments=moments.moments_of(final_turns, lines, exchange, config.trajectory, config.moments),
        speakers=tuple(
            replace(
                speaker,
                talk=talk[speaker.label],
                affect=dynamics.affect_of(speaker.label, final_turns, points[speaker.label], config.dynamics),
            )
            for speaker in conversation.speakers
        ),
    )


def with_corrections(conversation: Conversation, wanted: Corrections) -> Conversation:
    """Replace the conversation's corrections with these, and compute what follows. Raises `CorrectionsError`."""
    config = build_config(conversation.config, source=conversation.recording.name)
    return derive(replace(conversation, corrections=wanted), config)


def uncorrected(conversation: Conversation) -> Conversation:
    """The conversation without corrections, to evaluate the models."""
    if not corrections.is_corrected(conversation):
        return conversation
    return with_corrections(conversation, Corrections())


def _corrected(conversation: Conversation, config: Config) -> Conversation:
    """The conversation with the mean scores of its turns, and with its corrections applied."""
    before = corrections.restored(conversation)
    scored = replace(before, turns=tuple(_decided(turn, config) for turn in before.turns))
    reason, known = conversation.allow_restricted, before.speakers
    after = corrections.corrected(scored, lambda label: roles.newcomer(label, known, reason, config.roles))
    pairs = zip(scored.turns, after.turns, strict=True)
    final_turns = tuple(turn if turn is same else _decided(turn, config) for same, turn in pairs)
    was, now = ([turn.speaker for turn in who] for who in (conversation.turns, final_turns))
    if now != was or now != [turn.speaker for turn in before.turns]:
        segments = corrections.corrected_segments(after)
        cut = corrections.corrected_exclusive(after) or segments
        final_turns = turns.with_overlap(final_turns, cut, segments)
    return replace(after, turns=final_turns)


def _decided(turn: Turn, config: Config) -> Turn:
    """A turn with the mean of its scores, and with whether its class and its speaker are unsure."""
    known = turn.speaker_confidence
    doubt = known is not None and known < config.diarization.unsure_below
    if not turn.windows:
        return replace(turn, emotion=None, unsure=False, speaker_unsure=doubt)
    windows = tuple(affect.placed(window, config.affect) for window in turn.windows)
    scores = affect.decided(mean_scores(windows), config.emotion)
    return replace(turn, windows=windows, emotion=scores, unsure=not scores.reached, speaker_unsure=doubt)
