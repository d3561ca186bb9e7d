"""Everything that follows from turns, their scores and corrections; can be computed again at any time (pure)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from ressenti.pipeline import roles, turn_taking, turns
from ressenti.pipeline.affect import dynamics, moments, trajectory
from ressenti.pipeline.affect import points as affect
from ressenti.pipeline.affect.activation import with_activation
from ressenti.pipeline.config import Config, build_config, left_out
from ressenti.pipeline.edits import corrections
from ressenti.pipeline.garbage_collection import uncollected
from ressenti.pipeline.records import (
    Conversation,
    Corrections,
    Sound,
    Turn,
    mean_scores,
    union_s,
)
from ressenti.pipeline.records.intervals import Timed, is_inside, without

_NEAR_S = 1.0  # from a sound to the turn of whoever makes it
_TELLING = ("laughter", "crying")  # of a mood, so that who is not scored has none of these


@uncollected()
def derive(conversation: Conversation, config: Config) -> Conversation:
    """Compute everything that follows from turns and their scores: affect, trajectories, dynamics (pure).

    Corrections are applied first; spans that people ignore are part of no figure. Turns cut from exclusive segments
    cannot overlap, so turn-taking is computed from turns with overlap. Raises `CorrectionsError`.
    """
    conversation = _corrected(conversation, config)
    people = {speaker.label for speaker in conversation.people}
    segments = tuple(s for s in corrections.corrected_segments(conversation) if s.speaker in people)
    final_turns, ignored = conversation.people_turns, conversation.ignored
    heard_turns = turns.outside(final_turns, ignored) if ignored else final_turns
    overlapping_turns = turns.make_turns(segments, config.turns) if conversation.diarization.exclusive else heard_turns
    exchange = turn_taking.exchange_of(
        segments,
        overlapping_turns,
        conversation.recording.duration_s,
        config.dynamics,
        _played(conversation, people),
        (*left_out(conversation.recording.duration_s, config.audio), *ignored),
    )
    labels = [speaker.label for speaker in conversation.people]
    points = {label: affect.points_of(final_turns, label, config.affect, config.emotion) for label in labels}
    talk = turn_taking.talks_of(labels, segments, overlapping_turns, exchange, config.dynamics, heard_turns)
    lines = tuple(trajectory.make_trajectory(label, own, config.trajectory) for label, own in points.items() if own)
    return replace(
        conversation,
        exchange=exchange,
        trajectories=lines,
        moments=moments.moments_of(
            final_turns,
            lines,
            exchange,
            config.trajectory,
            config.moments,
            [s for s in conversation.sounds if not is_inside((s.start_s + s.end_s) / 2, ignored)],
            config.sentiment.unsure_below,
        ),
        speakers=tuple(
            replace(
                speaker,
                talk=talk[speaker.label],
                affect=dynamics.affect_of(speaker.label, final_turns, points[speaker.label], config.dynamics),
            )
            if speaker.is_person
            else replace(speaker, talk=None, affect=None)
            for speaker in conversation.speakers
        ),
    )


def _played(conversation: Conversation, people: set[str]) -> list[tuple[float, float]]:
    """Spans in which music, tones or announcements play, without what people ignore."""
    played = [(s.start_s, s.end_s) for s in conversation.sounds if s.played]
    played += [(turn.start_s, turn.end_s) for turn in conversation.turns if turn.speaker not in people]
    return without(union_s(played), conversation.ignored) if conversation.ignored else played


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
    after = corrections.corrected(
        scored,
        lambda label: roles.newcomer(label, known, reason, config.roles),
        lambda speakers: roles.guessed_again(speakers, reason, config.roles),
        lambda speakers, given: roles.with_given_roles(speakers, given, reason, config.roles),
    )
    after = _with_what_words_tell(conversation, after)
    after = replace(after, sounds=_whose(after))
    pairs = zip(scored.turns, after.turns, strict=True)
    final_turns = with_activation([turn if turn is same else _decided(turn, config) for same, turn in pairs])
    was, now = ([turn.speaker for turn in who] for who in (conversation.turns, final_turns))
    if now != was or now != [turn.speaker for turn in before.turns]:
        segments = corrections.moved_segments(after)
        cut = corrections.corrected_exclusive(after) or segments
        final_turns = turns.with_overlap(final_turns, cut, segments)
    played = {speaker.label for speaker in after.speakers if not speaker.is_person}
    proposed = {speaker.label for speaker in after.speakers if speaker.announced is not None}
    final_turns = tuple(
        _never_doubted(turn, played) if turn.speaker in played | proposed else turn for turn in final_turns
    )
    gated = {speaker.label for speaker in after.people if speaker.not_scored}
    final_turns = tuple(_unsaid(turn) if turn.speaker in gated else turn for turn in final_turns)
    said_by = {turn.index: turn.speaker for turn in final_turns}
    found = tuple(
        replace(entry, sentiment=None) if said_by[entry.turn] in gated else entry for entry in after.words_found
    )
    return replace(after, turns=final_turns, words_found=found)


def _with_what_words_tell(before: Conversation, after: Conversation) -> Conversation:
    """Keep what was told of words, where they are the same as before the corrections were applied again."""
    background = before.background if after.words == before.words else None
    told = {turn.index: turn.sentiment for turn in before.turns if turn.sentiment is not None}
    rewritten = {entry.turn for entry in after.words_found} & {entry.turn for entry in before.words_found}
    asked = rewritten & told.keys()
    said_before, said_after = (_said(conversation, asked) for conversation in (before, after))
    same = {turn for turn in asked if said_before[turn] == said_after[turn]}
    kept = tuple(replace(t, sentiment=told[t.index]) if t.index in same else t for t in after.turns)
    return replace(after, background=background, turns=kept if same else after.turns)


def _said(conversation: Conversation, turns_asked: Set[int]) -> dict[int, list[str]]:
    """The words of some turns."""
    said: dict[int, list[str]] = {turn: [] for turn in turns_asked}
    for word in conversation.words:
        if word.turn is not None and word.turn in said:
            said[word.turn].append(word.text)
    return said


def _unsaid(turn: Turn) -> Turn:
    """A turn of somebody whose emotion is not computed: what its words say is deleted for good, as scores would be."""
    return replace(turn, sentiment=None) if turn.sentiment else turn


def _never_doubted(turn: Turn, played: set[str]) -> Turn:
    """A turn of what is or was an announcement: whether it is one is in doubt, and not which person speaks."""
    if turn.speaker in played:
        return replace(turn, emotion=None, unsure=False, speaker_unsure=False)
    return replace(turn, speaker_unsure=False)


def _whose(conversation: Conversation) -> tuple[Sound, ...]:
    """Sounds of voices with their speakers: whoever speaks nearest to them, on the same channel, if near enough.

    Laughing and crying of those whose emotion is not computed are deleted for good, as their scores would be.
    """
    if not conversation.sounds:
        return ()
    found_by, split = conversation.diarization, conversation.layout == "split"
    labels = [s.label for s in conversation.people]
    channel_of = {label: found_by.channel_of(label) if split else 1 for label in labels}
    timed = {
        channel: Timed([t for t in conversation.people_turns if channel_of[t.speaker] == channel])
        for channel in {*channel_of.values(), *(s.channel for s in conversation.sounds)}
    }
    told = [
        sound
        if sound.played
        else replace(
            sound,
            speaker=_nearest(sound, timed[sound.channel].touching(sound.start_s - _NEAR_S, sound.end_s + _NEAR_S)),
        )
        for sound in conversation.sounds
    ]
    gated = {s.label for s in conversation.people if s.not_scored}
    return tuple(s for s in told if s.kind not in _TELLING or not (s.speaker in gated or (gated and not s.speaker)))


def _nearest(sound: Sound, turns_near: Sequence[Turn]) -> str | None:
    """The speaker of the turn that shares most with a sound, or else is nearest to it."""
    best = max(
        turns_near,
        key=lambda t: min(t.end_s, sound.end_s) - max(t.start_s, sound.start_s),
        default=None,
    )
    return best.speaker if best else None


def _decided(turn: Turn, config: Config) -> Turn:
    """A turn with the mean of its scores, and with whether its class and its speaker are unsure."""
    known = turn.speaker_confidence
    doubt = known is not None and known < config.diarization.unsure_below
    windows = tuple(affect.placed(window, config.affect) for window in turn.windows)
    mean = mean_scores(windows)
    if mean is None:
        return replace(turn, emotion=None, unsure=False, speaker_unsure=doubt)
    scores = affect.decided(mean, config.emotion)
    return replace(turn, windows=windows, emotion=scores, unsure=not scores.reached, speaker_unsure=doubt)
