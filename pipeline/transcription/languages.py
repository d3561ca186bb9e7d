"""Which language each speaker speaks, from what the model hears in their speech (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ressenti.pipeline.config import WordOptions
from ressenti.pipeline.records import SpokenLanguage
from ressenti.pipeline.transcription.interface import Speech

Probabilities = Mapping[str, float]


def decide(
    speech: Sequence[Speech], heard: Mapping[str, Probabilities], whole: Probabilities, options: WordOptions
) -> tuple[SpokenLanguage, ...]:
    """The language of each speaker.

    `heard` are the probabilities in a speaker's own speech, for those with enough of it; `whole` the recording's.
    A speaker has the language of their own speech if it is sure, else that of the recording if that is sure, else none.
    """
    if options.language != "auto":
        return tuple(SpokenLanguage(own.speaker, options.language, "given") for own in speech)
    shared, of_all = _likeliest(whole)
    found = []
    for own in speech:
        language, probability = _likeliest(heard.get(own.speaker, {}))
        if language is not None and probability >= options.language_sure:
            found.append(SpokenLanguage(own.speaker, language, "speaker", probability))
        elif shared is not None and of_all >= options.language_sure:
            found.append(SpokenLanguage(own.speaker, shared, "recording", of_all))
        else:
            told = probability if language is not None else of_all if shared is not None else None
            found.append(SpokenLanguage(own.speaker, None, "unknown", told))
    return tuple(found)


def together(heard: Sequence[tuple[Probabilities, float]]) -> dict[str, float]:
    """Mean of several speakers' probabilities, weighted by their seconds of speech."""
    total = sum(seconds for _, seconds in heard)
    names = dict.fromkeys(name for own, _ in heard for name in own)
    return {name: sum(own.get(name, 0.0) * seconds for own, seconds in heard) / total for name in names}


def _likeliest(found: Probabilities) -> tuple[str | None, float]:
    return max(found.items(), key=lambda pair: pair[1]) if found else (None, 0.0)
