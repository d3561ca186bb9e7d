"""What results depend on besides their recording, as a list that can be hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from ressenti.pipeline.cli.edits import Additions
from ressenti.pipeline.config import Config
from ressenti.pipeline.models.installed import resolved
from ressenti.pipeline.roles import People, use_of


def made_from(
    options: Config, people: People, added: Additions, stem: str, without: Collection[tuple[str, str]] = ()
) -> str:
    """SHA-256 of options (but those of `without`, each a group and a key), models, people, known voices and additions.

    `stem` is the recording's name, by which its transcript is found. Raises the errors of choosing models.
    """
    from ressenti.pipeline.store.validation import read_validation
    from ressenti.pipeline.transcription.vocabulary import read_vocabulary

    use = use_of(options, people)
    models = [
        resolved(options.diarization.model, "diarization", use),
        resolved(options.emotion.model, "emotion", use),
        resolved(options.words.model, "transcription", use),
        resolved(options.sentiment.model, "sentiment", use),
        "" if options.words.model == "off" else read_vocabulary(options.words.vocabulary),
    ]
    chosen = options.model_dump(mode="json", exclude={"compute"})
    for group, key in without:
        del chosen[group][key]
    corrected_by = repr(read_validation(options.report.validation))
    named = [people.names, people.roles, people.allow_restricted]
    made_of = json.dumps([chosen, models, corrected_by, named, _voices(options), added.digest(stem)], sort_keys=True)
    return hashlib.sha256(made_of.encode()).hexdigest()


def without_words(options: Config) -> Config:
    """The options where a transcript is brought: nothing is recognised."""
    return options.model_copy(update={"words": options.words.model_copy(update={"model": "off"})})


def _voices(options: Config) -> list[str]:
    """A hash of each known voice that speakers are compared with."""
    if not options.voices.use:
        return []
    from ressenti.pipeline.voices.known import known_voices

    return [hashlib.sha256(repr(voice).encode()).hexdigest() for voice in known_voices()]
