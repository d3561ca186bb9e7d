"""Apply people's corrections to turns and speakers, and keep the models' answers (pure).

A correction never changes the models' results: `original` of a turn and the stored diarization stay, and applying the
same corrections again changes nothing. One exception: if a turn moves to a speaker whose emotion is not computed, its
scores are deleted for good, because they must not be shown or kept for that person. Moving it back does not restore
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace

from ressenti.pipeline.errors import CorrectionsError
from ressenti.pipeline.records import (
    CLASSES,
    NEW_LABEL,
    Conversation,
    Corrections,
    EmotionScores,
    Original,
    Segment,
    Speaker,
    SpeakerFound,
    SpeakerKind,
    SpeakerName,
    Turn,
    TurnCorrection,
    Unjudged,
    Window,
    union_s,
)
from ressenti.pipeline.records.intervals import Timed
from ressenti.pipeline.records.measures import NotScored


def is_corrected(conversation: Conversation) -> bool:
    """Whether the conversation has corrections, or traces of earlier ones to undo."""
    return (
        bool(conversation.corrections)
        or any(turn.original or turn.note for turn in conversation.turns)
        or any(speaker.added or speaker.original_name is not None or speaker.found for speaker in conversation.speakers)
    )


def restored(conversation: Conversation) -> Conversation:
    """Undo the applied corrections of a conversation; `corrections` itself is kept."""
    kept = tuple(_speaker_as_found(speaker) for speaker in conversation.speakers if not speaker.added)
    return replace(conversation, speakers=kept, turns=tuple(_as_found(turn) for turn in conversation.turns))


def corrected(
    conversation: Conversation,
    newcomer: Callable[[str], Speaker],
    guessed: Callable[[tuple[Speaker, ...]], tuple[Speaker, ...]] = lambda speakers: speakers,
) -> Conversation:
    """Apply the corrections of a restored conversation, and drop those that change nothing.

    Turns need their `emotion` and `speaker_unsure`, to recognise answers that are the models' own. `newcomer` makes a
    speaker for a new label, and for an announcement that is a person; `guessed` gives guessed roles to the people who
    are left. Raises `CorrectionsError` for an unknown turn or speaker, and for a class of somebody whose
    emotion is not computed.
    """
    wanted = _tidy(conversation)
    if not wanted:
        return replace(conversation, corrections=wanted)
    speakers = _named(_with_newcomers(conversation.speakers, wanted, newcomer), wanted.names)
    if wanted.kinds:
        speakers = guessed(_with_kinds(speakers, wanted.kinds, newcomer))
    scored = {speaker.label: speaker.not_scored is None for speaker in speakers}
    reasons: dict[str, Unjudged] = {s.label: unjudged_of(s.not_scored) for s in speakers if s.not_scored}
    by_turn = {entry.turn: entry for entry in wanted.turns}
    said_by = {turn.index: turn.speaker for turn in conversation.turns}
    for entry in wanted.turns:
        who = entry.speaker or said_by[entry.turn]
        if entry.emotion and not scored[who]:
            raise CorrectionsError(
                f"corrections: turn {entry.turn} has class {entry.emotion}, but emotion is not computed for speaker "
                f"{who}. Remove the class or change the speaker."
            )
    turns = [_corrected(turn, by_turn[turn.index], reasons) if turn.index in by_turn else turn
             for turn in conversation.turns]  # fmt: skip
    done = replace(conversation, turns=tuple(turns), speakers=speakers, corrections=wanted)
    said_of: dict[str, list[Segment]] = {}
    for segment in corrected_segments(done):
        said_of.setdefault(segment.speaker, []).append(segment)
    segments = {label: Timed(own) for label, own in said_of.items()}
    human = [_judged(turn, by_turn[turn.index], segments) if turn.index in by_turn else turn for turn in turns]
    return replace(done, turns=tuple(human))


def unjudged_of(not_scored: NotScored) -> Unjudged:
    """Why the turns of a speaker whose emotion is not computed have no scores."""
    return not_scored if not_scored in ("not_asked", "announcement") else "restricted"


def corrected_segments(conversation: Conversation) -> tuple[Segment, ...]:
    """The diarizer's segments with the corrected speakers of their turns."""
    return _moved(conversation, conversation.diarization.segments)


def corrected_exclusive(conversation: Conversation) -> tuple[Segment, ...]:
    """Like `corrected_segments`, for the segments without overlap; empty if the diarizer gives none."""
    return _moved(conversation, conversation.diarization.exclusive)


def _moved(conversation: Conversation, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Give each segment the speaker of its turn, and no confidence if a person set that speaker.

    A segment that spans several turns of its speaker is cut halfway between them.
    """
    if not any(turn.speaker_by_person for turn in conversation.turns):
        return segments
    turns_of: dict[str, list[Turn]] = {}
    for turn in conversation.turns:
        turns_of.setdefault(_found_speaker(turn), []).append(turn)
    timed = {label: Timed(turns) for label, turns in turns_of.items()}
    pieces = [piece for s in segments for piece in _pieces(s, timed.get(s.speaker))]
    return tuple(sorted(pieces, key=lambda s: (s.start_s, s.end_s, s.speaker)))


def _pieces(segment: Segment, turns: Timed[Turn] | None) -> list[Segment]:
    own = turns.touching(segment.start_s, segment.end_s) if turns else []
    if not own:
        return [segment]
    pieces: list[Segment] = []
    at = segment.start_s
    for turn, after in zip(own, [*own[1:], None], strict=True):
        end = segment.end_s if after is None else (turn.end_s + after.start_s) / 2
        confidence = None if turn.speaker_by_person else segment.confidence
        if pieces and (pieces[-1].speaker, pieces[-1].confidence) == (turn.speaker, confidence):
            pieces[-1] = replace(pieces[-1], end_s=end)
        else:
            pieces.append(Segment(at, end, turn.speaker, confidence))
        at = end
    return pieces


def _found_speaker(turn: Turn) -> str:
    return turn.original.speaker if turn.original else turn.speaker


def _as_found(turn: Turn) -> Turn:
    if turn.original is None:
        return replace(turn, note="") if turn.note else turn
    found = turn.original
    return replace(
        turn,
        speaker=found.speaker,
        speaker_confidence=found.speaker_confidence,
        windows=found.windows,
        unjudged=found.unjudged,
        original=None,
        note="",
    )


def _tidy(conversation: Conversation) -> Corrections:
    """Check the corrections, and drop those that equal the models' answer. Raises `CorrectionsError`."""
    turns = {turn.index: turn for turn in conversation.turns}
    labels = {speaker.label for speaker in conversation.speakers}
    kept = []
    for entry in sorted(conversation.corrections.turns, key=lambda e: e.turn):
        if entry.turn not in turns:
            last = max(turns, default=-1)
            raise CorrectionsError(
                f"corrections: turn {entry.turn} does not exist; expected 0 to {last}. Use the file of this recording."
            )
        turn = turns[entry.turn]
        if entry.speaker is not None and entry.speaker not in labels and not NEW_LABEL.fullmatch(entry.speaker):
            raise CorrectionsError(
                f"corrections: turn {entry.turn} has speaker {entry.speaker!r}; expected one of "
                f"{', '.join(sorted(labels))}, or a new one such as S{len(labels) + 1}."
            )
        moved = entry.speaker is not None and entry.speaker != turn.speaker
        confirmed = entry.speaker == turn.speaker and turn.speaker_unsure
        same = turn.emotion is not None and not turn.unsure and turn.emotion.top == entry.emotion and not moved
        left = TurnCorrection(
            entry.turn,
            entry.speaker if moved or confirmed else None,
            None if same else entry.emotion,
            entry.note.strip(),
        )
        if left != TurnCorrection(entry.turn):
            kept.append(left)
    there = labels | {entry.speaker for entry in kept if entry.speaker}
    called = {speaker.label: speaker.name for speaker in conversation.speakers}
    names = []
    for label, name in ((entry.speaker, entry.name.strip()) for entry in conversation.corrections.names):
        if label not in there and not NEW_LABEL.fullmatch(label):
            raise CorrectionsError(
                f"corrections: got a name for speaker {label!r}; expected one of {', '.join(sorted(there))}."
            )
        if label in there and name != called.get(label, ""):
            names.append(SpeakerName(label, name))
    return Corrections(
        tuple(sorted(names, key=lambda n: _place(n.speaker))),
        tuple(kept),
        _tidy_kinds(conversation, there),
    )


def _tidy_kinds(conversation: Conversation, there: Set[str]) -> tuple[SpeakerKind, ...]:
    """Check who is called a person or an announcement, and drop what the analysis says; raises `CorrectionsError`."""
    kind_of = {speaker.label: speaker.kind for speaker in conversation.speakers}
    kinds = []
    for entry in conversation.corrections.kinds:
        if entry.speaker not in there and not NEW_LABEL.fullmatch(entry.speaker):
            raise CorrectionsError(
                f"corrections: speaker {entry.speaker!r} is called {entry.kind}; expected one of "
                f"{', '.join(sorted(there))}."
            )
        if entry.speaker in there and entry.kind != kind_of.get(entry.speaker, "person"):
            kinds.append(entry)
    return tuple(sorted(kinds, key=lambda k: _place(k.speaker)))


def _with_newcomers(
    speakers: tuple[Speaker, ...], wanted: Corrections, newcomer: Callable[[str], Speaker]
) -> tuple[Speaker, ...]:
    labels = {speaker.label for speaker in speakers}
    new = {entry.speaker for entry in wanted.turns if entry.speaker} - labels
    return (*speakers, *(replace(newcomer(label), added=True) for label in sorted(new, key=_place)))


def _with_kinds(
    speakers: Sequence[Speaker], kinds: Sequence[SpeakerKind], newcomer: Callable[[str], Speaker]
) -> tuple[Speaker, ...]:
    """The speakers, with people and announcements as a person says; `found` keeps what was there before."""
    wanted = {entry.speaker: entry.kind for entry in kinds}
    out = []
    for speaker in speakers:
        kind = wanted.get(speaker.label, speaker.kind)
        if kind == speaker.kind:
            out.append(speaker)
            continue
        found = SpeakerFound(speaker.kind, speaker.role, speaker.role_source, speaker.not_scored)
        if kind == "announcement":
            now = replace(speaker, kind=kind, role=None, role_source=None, not_scored="announcement", found=found)
        else:
            now = replace(speaker, kind=kind, not_scored=newcomer(speaker.label).not_scored, found=found)
        out.append(now)
    return tuple(out)


def _speaker_as_found(speaker: Speaker) -> Speaker:
    if speaker.original_name is not None:
        speaker = replace(speaker, name=speaker.original_name, original_name=None)
    if (was := speaker.found) is not None:
        speaker = replace(
            speaker, kind=was.kind, role=was.role, role_source=was.role_source, not_scored=was.not_scored, found=None
        )
    return speaker


def _named(speakers: Sequence[Speaker], names: Sequence[SpeakerName]) -> tuple[Speaker, ...]:
    given = {entry.speaker: entry.name for entry in names}
    return tuple(
        replace(s, name=given[s.label], original_name=None if s.added else s.name) if s.label in given else s
        for s in speakers
    )


def _corrected(turn: Turn, entry: TurnCorrection, reasons: Mapping[str, Unjudged]) -> Turn:
    """A turn with its corrected speaker, and with the model's scores if these may be kept."""
    if entry.speaker is None and entry.emotion is None:
        return replace(turn, note=entry.note)
    reached = turn.emotion.reached if turn.emotion else None
    known = turn.speaker_confidence
    found = Original(turn.speaker, turn.windows, turn.unjudged, reached, known)
    who = entry.speaker or turn.speaker
    turn = replace(turn, speaker_confidence=None if entry.speaker else known)
    if who in reasons:
        lost: Unjudged | None = "moved" if turn.windows else turn.unjudged
        return replace(
            turn,
            speaker=who,
            windows=(),
            unjudged=reasons[who],
            original=Original(turn.speaker, unjudged=lost, speaker_confidence=known),
            note=entry.note,
        )
    of_unscored = turn.unjudged in ("restricted", "not_asked", "announcement")
    return replace(
        turn, speaker=who, unjudged="moved" if of_unscored else turn.unjudged, original=found, note=entry.note
    )


def _judged(turn: Turn, entry: TurnCorrection, segments: Mapping[str, Timed[Segment]]) -> Turn:
    """A turn with the class given by a person, in the model's windows or in one window over the whole turn."""
    if entry.emotion is None:
        return turn
    scores = EmotionScores(tuple(float(name == entry.emotion) for name in CLASSES), "human")
    windows = tuple(replace(window, emotion=scores) for window in turn.windows)
    if not windows:
        segments_inside = segments[turn.speaker].touching(turn.start_s, turn.end_s) if turn.speaker in segments else []
        own = union_s([(max(s.start_s, turn.start_s), min(s.end_s, turn.end_s)) for s in segments_inside])
        speech_s = sum(end - start for start, end in own) or turn.duration_s
        windows = (Window(turn.start_s, turn.end_s, speech_s, scores),)
    return replace(turn, windows=windows, unjudged=None)


def _place(label: str) -> tuple[int, str]:
    digits = label.removeprefix("S")
    return (int(digits) if digits.isdigit() else 0, label)
