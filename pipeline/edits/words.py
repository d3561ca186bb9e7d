"""Add the words of a transcript to a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from ressenti.pipeline.edits.bleeps import without_sentiment, without_silenced
from ressenti.pipeline.edits.written_words import with_written_words
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.transcript.align import align
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcript.files import read_transcript


def with_transcript(conversation: Conversation, path: str | Path) -> Conversation:
    """Add the words of a transcript (SRT, WebVTT, STM, CTM, TextGrid, Whisper's JSON) to the turns.

    Raises `TranscriptError`.
    """
    recording = PurePath(conversation.recording.name).stem
    return with_words(conversation, read_transcript(Path(path), recording))


def with_words(conversation: Conversation, words: Sequence[Spoken]) -> Conversation:
    """Replace the conversation's words, also recognised ones, with these, without those silenced or after its end.

    What the words of turns said is forgotten. Turns whose words a person wrote keep these.
    """
    placed = align(words, conversation.turns, conversation.recording.duration_s)
    beyond = len(words) - len(placed)
    models = tuple(model for model in conversation.models if model.task not in ("transcription", "sentiment"))
    brought = replace(
        without_sentiment(conversation, {turn.index for turn in conversation.turns}),
        words=placed,
        words_found=(),
        words_beyond=beyond,
        omissions=(),
        transcription=None,
        models=models,
        background=None,
    )
    return with_written_words(without_silenced(brought))
