"""Conversation -> timecoded quotes: the whole text of a quotes document, in its language (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ressenti.pipeline.export.turn_text import has_words, known_of, names_of, plain, text_of, words_of
from ressenti.pipeline.export.wording import Wording, clock, silenced, spans_of, wording_of
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation, ModelInfo, Span, Speaker, Turn
from ressenti.pipeline.records.intervals import Timed


@dataclass(frozen=True)
class Quote:
    """One turn: time, speaker, emotion and words.

    `heard` has the class (or the reason for none), valence and arousal; `remarks` are pairs of a heading and its text:
    corrections, note, silenced spans. `quoted` is False if `said` only states that this turn has no words; `said` is
    empty if the whole conversation has none.
    """

    time: str
    speaker: str
    heard: tuple[str, ...]
    said: str
    quoted: bool
    remarks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Quotes:
    """The whole document: title, facts about the recording as pairs, limits, quotes by time, and how it was made.

    `colon` separates the two parts of a pair, as written in the language; `heading` is the heading of `made`.
    """

    lang: Lang
    colon: str
    title: str
    facts: tuple[tuple[str, str], ...]
    limits: tuple[str, ...]
    quotes: tuple[Quote, ...]
    heading: str
    made: tuple[tuple[str, str], ...]


def quotes_of(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> Quotes:
    """The turns of a conversation as quotes, sorted by time; `metadata` of its call are facts."""
    words, wording = words_of(conversation), wording_of(conversation)
    names = names_of(conversation, wording)
    no_words = wording("no_words") if has_words(conversation) else ""  # else `limits` say it once
    bleeps = Timed(conversation.bleeps)
    quotes = []
    for turn in sorted(conversation.turns, key=lambda t: (t.start_s, t.end_s)):
        said = text_of(words.get(turn.index, ()))
        quotes.append(
            Quote(
                time=f"{clock(turn.start_s)} – {clock(turn.end_s)}",
                speaker=wording.who(turn, names[turn.speaker]),
                heard=_heard(conversation, turn, wording),
                said=said or no_words,
                quoted=bool(said),
                remarks=(*_remarks(turn, names, wording), *_silenced_in(turn, bleeps, wording)),
            )
        )
    return Quotes(
        lang=wording.lang,
        colon=wording("colon"),
        title=wording("title", name=plain(conversation.recording.name)),
        facts=(*_facts(conversation, names, wording), *known_of(metadata, wording)),
        limits=_limits(conversation, len(words_of(conversation, marks=False).get(None, ())), wording),
        quotes=tuple(quotes),
        heading=wording("made"),
        made=made_of(conversation, wording),
    )


def _heard(conversation: Conversation, turn: Turn, wording: Wording) -> tuple[str, ...]:
    place = conversation.place_of(turn)
    if place is None:
        return (wording.heard(turn),)
    axes = zip(("valence", "arousal"), place, strict=True)
    return (wording.heard(turn), *(wording(axis, value=wording.number(value)) for axis, value in axes))


def _remarks(turn: Turn, names: dict[str, str], wording: Wording) -> tuple[tuple[str, str], ...]:
    changes = []
    if turn.original and turn.original.speaker != turn.speaker:
        old = names.get(turn.original.speaker, plain(turn.original.speaker))
        changes.append(wording("was_speaker", new=names[turn.speaker], old=old))
    elif turn.speaker_by_person:
        changes.append(wording("was_speaker_unsure", new=names[turn.speaker]))
    if turn.emotion and turn.by_person:
        answer, new = turn.model_answer if turn.original else None, wording(turn.emotion.top)
        if answer and answer.top == turn.emotion.top:
            changes.append(wording("was_unsure", new=new))
        else:
            old = wording(answer.top if answer else "not_judged")
            changes.append(wording("was_class", new=new, old=old))
    remarks = [(wording("correction"), "; ".join(changes))] if changes else []
    if note := plain(turn.note):
        remarks.append((wording("note"), note))
    return tuple(remarks)


def _silenced_in(turn: Turn, bleeps: Timed[Span], wording: Wording) -> tuple[tuple[str, str], ...]:
    """The silenced spans of a turn, as a remark."""
    near = bleeps.touching(turn.start_s, turn.end_s)
    inside = [Span(max(b.start_s, turn.start_s), min(b.end_s, turn.end_s)) for b in near]
    return ((wording("silenced"), spans_of(inside)),) if inside else ()


def _facts(conversation: Conversation, names: dict[str, str], wording: Wording) -> tuple[tuple[str, str], ...]:
    recording = conversation.recording
    who = ", ".join(with_role(speaker, names[speaker.label], wording) for speaker in conversation.speakers)
    return (
        (wording("recording"), plain(recording.name)),
        (wording("length"), clock(recording.duration_s)),
        (wording("speakers"), who or "–"),
    )


def made_of(conversation: Conversation, wording: Wording) -> tuple[tuple[str, str], ...]:
    """How a document was made, as pairs: the recording's hash, the models, and the program."""
    return (
        (wording("hash"), conversation.recording.sha256),
        *((wording("model", task=wording(f"t_{m.task}")), _model(m, wording)) for m in conversation.models),
        (wording("program"), plain(conversation.program)),
    )


def with_role(speaker: Speaker, name: str, wording: Wording) -> str:
    """A speaker's name with the role, which is marked if it is a guess."""
    if not speaker.role:
        return name
    role = plain(wording.role(speaker.role))
    return f"{name} ({wording('guess', role=role) if speaker.role_source == 'guess' else role})"


def _model(model: ModelInfo, wording: Wording) -> str:
    hashed = f"SHA-256 {model.sha256}" if model.sha256 else wording("no_hash")
    licence = wording("licence_unknown") if model.licence is None else plain(model.licence)
    allows = {
        True: [],
        False: [wording("non_commercial")],
        None: [wording("commercial_unknown")] if model.licence else [],
    }
    return ", ".join([plain(model.name), licence, hashed, *allows[model.commercial]])


def _limits(conversation: Conversation, without_turn: int, wording: Wording) -> tuple[str, ...]:
    limits = [] if has_words(conversation) else [wording("no_transcript")]
    limits += [wording("limit_expression"), wording("limit_unsure")]
    if any(turn.speaker_unsure for turn in conversation.turns):
        limits.append(wording("limit_speaker"))
    if any(turn.original for turn in conversation.turns):
        limits.append(wording("limit_human"))
    if conversation.allow_restricted:
        limits.append(wording("legal_allowed", reason=plain(conversation.allow_restricted)))
    limits += silenced(conversation)
    if without_turn:
        limits.append(wording("limit_no_turn", n=without_turn))
    return tuple(limits)
