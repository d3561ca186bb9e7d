"""How words were recognised: languages, what was dropped, and what it was computed with.

Times are seconds from the start of the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import MOST_SPEAKERS, Count, Label, Name, Record, Seconds, Share

LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
DropReason = Literal["no_speech", "log_probability", "compression", "repeated", "outside"]
"""Why recognised words were dropped: probably no speech; the model was too unsure; text that repeats itself; an n-gram
that is repeated in a row; no place within detected speech."""


@dataclass(frozen=True)
class SpokenLanguage(Record):
    """The language of a speaker's words, and how it is known.

    `given` by the user; heard in the `speaker`'s own speech, or in that of the whole `recording`; or `unknown`, and
    then `language` is None and no words are claimed. `probability` is None if the language was given, or nothing heard.
    """

    speaker: Label
    language: LanguageCode | None
    source: Literal["given", "speaker", "recording", "unknown"]
    probability: Share | None = None


@dataclass(frozen=True)
class Dropped(Record):
    """How many recognised words were dropped for one reason."""

    reason: DropReason
    words: Count


@dataclass(frozen=True)
class Transcription(Record):
    """How the words of a conversation were recognised.

    `speech_s` is the speech that was listened to, in `windows` of up to thirty seconds; `untold_s` is the speech of
    speakers whose language is not known. `compute_type` is the number format, `processor` the instruction set: another
    one may give other words.
    """

    languages: Annotated[tuple[SpokenLanguage, ...], Field(max_length=MOST_SPEAKERS)]
    dropped: Annotated[tuple[Dropped, ...], Field(max_length=20)]
    windows: Count
    speech_s: Seconds
    untold_s: Seconds
    compute_type: Name
    processor: Name

    def language_of(self, speaker: str) -> str | None:
        """The language of a speaker's words; None if it is not known."""
        return next((found.language for found in self.languages if found.speaker == speaker), None)
