"""A conversation as the page shows it: invisible characters and those that reorder text appear as codes (pure)."""

from __future__ import annotations

from dataclasses import replace

from ressenti.pipeline.records import Conversation, ModelInfo, Note, PhraseList, Values
from ressenti.pipeline.text import visible


def as_seen(conversation: Conversation) -> Conversation:
    """Make all characters of users' texts visible. Never store the result: it is not what they wrote."""
    found, said = conversation.validation, conversation.transcription
    return replace(
        conversation,
        recording=replace(
            conversation.recording,
            name=visible(conversation.recording.name),
            codec=visible(conversation.recording.codec),
            notes=tuple(map(_note, conversation.recording.notes)),
        ),
        layout_reason=_note(conversation.layout_reason),
        diarization=replace(conversation.diarization, notes=tuple(map(_note, conversation.diarization.notes))),
        speakers=tuple(
            replace(
                s,
                name=visible(s.name),
                role=None if s.role is None else visible(s.role),
                original_name=None if s.original_name is None else visible(s.original_name),
            )
            for s in conversation.speakers
        ),
        turns=tuple(
            turn if (note := visible(turn.note)) == turn.note else replace(turn, note=note)
            for turn in conversation.turns
        ),
        words=tuple(
            word if (text := visible(word.text)) == word.text else replace(word, text=text)
            for word in conversation.words
        ),
        models=tuple(map(_model, conversation.models)),
        moments=tuple(replace(moment, values=_values(moment.values)) for moment in conversation.moments),
        validation=found and replace(found, model=visible(found.model)),
        transcription=said
        and replace(said, compute_type=visible(said.compute_type), processor=visible(said.processor)),
        phrases=tuple(map(_phrases, conversation.phrases)),
        program=visible(conversation.program),
        allow_restricted=None if conversation.allow_restricted is None else visible(conversation.allow_restricted),
    )


def _phrases(given: PhraseList) -> PhraseList:
    return replace(given, phrases=tuple(replace(one, name=visible(one.name)) for one in given.phrases))


def _note(note: Note) -> Note:
    return replace(note, values=_values(note.values))


def _values(values: Values) -> Values:
    return {key: visible(value) if isinstance(value, str) else value for key, value in values.items()}


def _model(model: ModelInfo) -> ModelInfo:
    licence = None if model.licence is None else visible(model.licence)
    return replace(model, name=visible(model.name), licence=licence, notes=tuple(map(_note, model.notes)))
