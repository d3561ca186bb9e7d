"""Apply people's corrections to turns and speakers, and keep the models' answers (pure).

A correction never changes the models' results: `original` of a turn, the words that were found and the stored
diarization stay, and applying the same corrections again changes nothing. One exception: if a turn moves to a speaker
whose emotion is not computed, or a speaker gets a role that may not be scored, scores are deleted for good, because
they must not be shown or kept for that person. Taking the correction back does not restore them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import replace

from ressenti.pipeline.edits.written_words import one_line, texts_found, with_found_words, with_written_words
from ressenti.pipeline.errors import CorrectionsError
from ressenti.pipeline.records import (
    CLASSES,
    NEW_LABEL,
    CallNote,
    Conversation,
    Corrections,
    EmotionScores,
    Ignored,
    Original,
    Segment,
    Speaker,
    SpeakerFound,
    SpeakerKind,
    SpeakerName,
    SpeakerRole,
    Turn,
    TurnCorrection,
    Unjudged,
    Window,
    union_s,
)
from ressenti.pipeline.records.intervals import Timed, as_stored, is_inside, without
from ressenti.pipeline.records.measures import NotScored


def is_corrected(conversation: Conversation) -> bool:
    """Whether the conversation has corrections, or traces of earlier ones to undo."""
    return (
        bool(conversation.corrections)
        or bool(conversation.words_found)
        or any(turn.original or turn.note for turn in conversation.turns)
        or any(speaker.added or speaker.original_name is not None or speaker.found for speaker in conversation.speakers)
    )


def restored(conversation: Conversation) -> Conversation:
    """Undo the applied corrections of a conversation; `corrections` itself is kept."""
    kept = tuple(_speaker_as_found(speaker) for speaker in conversation.speakers if not speaker.added)
    turns = tuple(_as_found(turn) for turn in conversation.turns)
    return with_found_words(replace(conversation, speakers=kept, turns=turns))


def corrected(
    conversation: Conversation,
    newcomer: Callable[[str], Speaker],
    guessed: Callable[[tuple[Speaker, ...]], tuple[Speaker, ...]] = lambda speakers: speakers,
    with_roles: Callable[[tuple[Speaker, ...], Mapping[str, str | None]], tuple[Speaker, ...]] = lambda known, _: known,
) -> Conversation:
    """Apply the corrections of a restored conversation, and drop those that change nothing.

    Turns need their `emotion` and `speaker_unsure`, to recognise answers that are the models' own. `newcomer` makes a
    speaker for a new label, and for an announcement that is a person; `guessed` gives guessed roles to the people who
    are left, `with_roles` those that a person gave. A class that a person gave goes with the scores of a role that may
    not be scored. Raises `CorrectionsError` for an unknown turn or speaker, and for a class of somebody whose emotion
    is not computed in any case.
    """
    wanted = _tidy(conversation)
    if not wanted:
        as_scored = _scored_as_allowed(conversation.turns, conversation.speakers)
        return replace(conversation, corrections=wanted, turns=as_scored)
    speakers = _named(_with_newcomers(conversation.speakers, wanted, newcomer), wanted.names)
    if wanted.kinds:
        speakers = guessed(_with_kinds(speakers, wanted.kinds, newcomer))
    before = {speaker.label for speaker in speakers if speaker.not_scored is None}
    if wanted.roles:
        speakers = with_roles(speakers, {entry.speaker: entry.role for entry in wanted.roles})
    lost = before - {speaker.label for speaker in speakers if speaker.not_scored is None}
    said_by = {turn.index: turn.speaker for turn in conversation.turns}
    wanted = replace(wanted, turns=_without_classes(wanted.turns, said_by, lost))
    reasons: dict[str, Unjudged] = {s.label: unjudged_of(s.not_scored) for s in speakers if s.not_scored}
    by_turn = {entry.turn: entry for entry in wanted.turns}
    for entry in wanted.turns:
        who = entry.speaker or said_by[entry.turn]
        if entry.emotion and who in reasons:
            raise CorrectionsError(
                f"corrections: turn {entry.turn} has class {entry.emotion}, but emotion is not computed for speaker "
                f"{who}. Remove the class or change the speaker."
            )
    moved = [_corrected(turn, by_turn[turn.index], reasons) if turn.index in by_turn else turn
             for turn in conversation.turns]  # fmt: skip
    asked = replace(conversation, corrections=wanted)
    turns = [_heard(turn, asked.ignored) for turn in _scored_as_allowed(moved, speakers)]
    done = replace(asked, turns=tuple(turns), speakers=speakers)
    said_of: dict[str, list[Segment]] = {}
    for segment in moved_segments(done):
        said_of.setdefault(segment.speaker, []).append(segment)
    segments = {label: Timed(own) for label, own in said_of.items()}
    human = [_judged(turn, by_turn[turn.index], segments) if turn.index in by_turn else turn for turn in turns]
    return with_written_words(replace(done, turns=tuple(human)))


def unjudged_of(not_scored: NotScored) -> Unjudged:
    """Why the turns of a speaker whose emotion is not computed have no scores."""
    return not_scored if not_scored in ("not_asked", "announcement") else "restricted"


def corrected_segments(conversation: Conversation) -> tuple[Segment, ...]:
    """The diarizer's segments with the corrected speakers of their turns, without what people ignore."""
    segments, ignored = moved_segments(conversation), conversation.ignored
    if not ignored:
        return segments
    return tuple(
        s if (start, end) == (s.start_s, s.end_s) else replace(s, start_s=start, end_s=end)
        for s in segments
        for start, end in without([(s.start_s, s.end_s)], ignored)
    )


def moved_segments(conversation: Conversation) -> tuple[Segment, ...]:
    """The diarizer's segments with the corrected speakers of their turns, also those that people ignore."""
    return _moved(conversation, conversation.diarization.segments)


def corrected_exclusive(conversation: Conversation) -> tuple[Segment, ...]:
    """Like `moved_segments`, for the segments without overlap; empty if the diarizer gives none."""
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
    found = texts_found(conversation, {e.turn for e in conversation.corrections.turns if e.words is not None})
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
        words = None if entry.words is None else one_line(entry.words)
        left = replace(
            entry,
            speaker=entry.speaker if moved or confirmed else None,
            emotion=None if same else entry.emotion,
            note=entry.note.strip(),
            words=None if words == " ".join(found.get(entry.turn, ())) else words,
        )
        if left != TurnCorrection(entry.turn, by=entry.by, at=entry.at):
            kept.append(left)
    there = labels | {entry.speaker for entry in kept if entry.speaker}
    called = {speaker.label: speaker.name for speaker in conversation.speakers}
    names = []
    for given in conversation.corrections.names:
        label, name = given.speaker, given.name.strip()
        if label not in there and not NEW_LABEL.fullmatch(label):
            raise CorrectionsError(
                f"corrections: got a name for speaker {label!r}; expected one of {', '.join(sorted(there))}."
            )
        if label in there and name != called.get(label, ""):
            names.append(replace(given, name=name))
    return Corrections(
        tuple(sorted(names, key=lambda n: _place(n.speaker))),
        tuple(kept),
        _tidy_kinds(conversation, there),
        _tidy_roles(conversation, there),
        _tidy_ignored(conversation),
        _tidy_note(conversation.corrections.note),
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


def _tidy_roles(conversation: Conversation, there: Set[str]) -> tuple[SpeakerRole, ...]:
    """Check who has a role, and drop those that speakers have for certain; raises `CorrectionsError`."""
    known = {speaker.label: speaker for speaker in conversation.speakers}
    roles = []
    for entry in conversation.corrections.roles:
        if entry.speaker not in there and not NEW_LABEL.fullmatch(entry.speaker):
            raise CorrectionsError(
                f"corrections: got a role for speaker {entry.speaker!r}; expected one of {', '.join(sorted(there))}."
            )
        role = (entry.role or "").strip() or None
        was = known.get(entry.speaker)
        certain = was is None or was.role_source != "guess"
        if entry.speaker in there and not (certain and role == (was.role if was else None)):
            roles.append(replace(entry, role=role))
    return tuple(sorted(roles, key=lambda r: _place(r.speaker)))


def _tidy_ignored(conversation: Conversation) -> tuple[Ignored, ...]:
    """Sort the spans to ignore, and end them with the recording; raises `CorrectionsError` for one after its end."""
    duration_s = conversation.recording.duration_s
    spans = []
    for span in conversation.corrections.ignored:
        if span.start_s >= duration_s:
            raise CorrectionsError(
                f"corrections: {span.start_s:g}-{span.end_s:g} s is to be ignored, but the recording is "
                f"{duration_s:g} s long. Use the file of this recording."
            )
        if known := as_stored(span.start_s, min(span.end_s, duration_s)):
            spans.append(replace(span, start_s=known[0], end_s=known[1]))
    return tuple(sorted(set(spans), key=lambda s: (s.start_s, s.end_s, s.why, s.by, s.at)))


def _tidy_note(note: CallNote | None) -> CallNote | None:
    text = note.text.strip() if note else ""
    return replace(note, text=text) if note and text else None


def _without_classes(
    entries: tuple[TurnCorrection, ...], said_by: Mapping[int, str], lost: Collection[str]
) -> tuple[TurnCorrection, ...]:
    """Corrections without the classes of those whose role may not be scored any more."""
    kept = [
        replace(entry, emotion=None) if entry.emotion and (entry.speaker or said_by[entry.turn]) in lost else entry
        for entry in entries
    ]
    return tuple(entry for entry in kept if entry != TurnCorrection(entry.turn, by=entry.by, at=entry.at))


def _scored_as_allowed(turns: Sequence[Turn], speakers: Sequence[Speaker]) -> tuple[Turn, ...]:
    """Delete the scores of people whose emotion is not computed, and say whose were never computed, or are deleted."""
    reasons = {s.label: unjudged_of(s.not_scored) for s in speakers if s.is_person and s.not_scored}
    scored = {s.label for s in speakers if s.is_person and s.not_scored is None}
    out = []
    for turn in turns:
        if turn.speaker in reasons and (turn.windows or turn.unjudged == "role"):
            out.append(replace(turn, windows=(), emotion=None, unsure=False, unjudged=reasons[turn.speaker]))
        elif turn.speaker in scored and turn.unjudged in ("restricted", "not_asked"):
            out.append(replace(turn, unjudged="role"))
        else:
            out.append(turn)
    return tuple(out)


def _heard(turn: Turn, ignored: Sequence[tuple[float, float]]) -> Turn:
    """A turn without the windows whose middle people ignore, and without scores if none are left."""
    if not any(start < turn.end_s and end > turn.start_s for start, end in ignored):
        return turn
    windows = tuple(w for w in turn.windows if not is_inside((w.start_s + w.end_s) / 2, ignored))
    left_s = sum(end - start for start, end in without([(turn.start_s, turn.end_s)], ignored))
    silent = not windows and (bool(turn.windows) or left_s < turn.duration_s / 2)
    if len(windows) == len(turn.windows) and not silent:
        return turn
    reached = turn.emotion.reached if turn.emotion else None
    found = Original(turn.speaker, turn.windows, turn.unjudged, reached, turn.speaker_confidence)
    unjudged: Unjudged | None = "ignored" if silent else turn.unjudged
    return replace(turn, windows=windows, unjudged=unjudged, original=turn.original or found)


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
    of_unscored = turn.unjudged in ("restricted", "not_asked", "announcement", "role")
    return replace(
        turn, speaker=who, unjudged="moved" if of_unscored else turn.unjudged, original=found, note=entry.note
    )


def _judged(turn: Turn, entry: TurnCorrection, segments: Mapping[str, Timed[Segment]]) -> Turn:
    """A turn with the class given by a person, in the model's windows or in one window over the whole turn."""
    if entry.emotion is None or turn.unjudged == "ignored":
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
