"""Phrases that somebody asks for: was the compliance sentence said, was a forbidden word, was a competitor named?

A list is a YAML file:

    language: en
    phrases:
      - name: recording announced
        must: true             # tell if it was not said
        role: agent            # only words of this role; left out: of anybody
        any: [this call is recorded, this call may be recorded]
      - name: forbidden promises
        any: [guaranteed, "we promise"]
        match: stems           # also other forms of the words; exact: only these
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from ressenti.pipeline.config import ContentOptions, Group, misfits
from ressenti.pipeline.content.languages import parts_of
from ressenti.pipeline.content.said import Part, Place, Utterance, places_of, utterances_of
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.files.untrusted import RefusedError, parse_yaml, read_text
from ressenti.pipeline.records import Conversation, Phrase, PhraseList

MOST_BYTES = 1024 * 1024
Text = Annotated[str, Field(min_length=1, max_length=500)]
State = Literal["said", "not_found", "unknown"]
_STEMMERS = {"en": "english", "fr": "french"}


class _PhraseOptions(Group):
    """A phrase as it is written in a file."""

    name: Text
    any: Annotated[tuple[Text, ...], Field(min_length=1, max_length=200)]
    must: bool = False
    role: Text | None = None
    match: Literal["exact", "stems"] = "exact"


class _ListOptions(Group):
    """A list of phrases as it is written in a file."""

    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")]
    phrases: Annotated[tuple[_PhraseOptions, ...], Field(min_length=1, max_length=500)]


@dataclass(frozen=True)
class PhraseFound:
    """A phrase and where it was said.

    `state` is `said`, `not_found`, or `unknown` if it was not found but could well have been missed: too little of the
    speech in question has words, or too many of these are unsure (`content.sure_words`, `words.unsure_below`).
    """

    name: str
    must: bool
    role: str | None
    state: State
    places: tuple[Place, ...]


def included_lists() -> tuple[str, ...]:
    """Names of the included lists."""
    folder = resources.files("ressenti.configs") / "phrases"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def read_phrases(source: str | Path) -> PhraseList:
    """Read a list of phrases: an included one by its name, or a file. Raises `ConfigError` for a file that is none."""
    if str(source) in included_lists():
        with resources.as_file(resources.files("ressenti.configs") / "phrases" / f"{source}.yaml") as path:
            return _read(path)
    path = Path(source)
    if not is_there(path):
        raise ConfigError(f"{path}: does not exist; expected a file, or one of {', '.join(included_lists())}.")
    return _read(path)


def _read(path: Path) -> PhraseList:
    expected = "a list of phrases: `language: en` and `phrases:` with `name` and `any` (see docs/what-was-said.md)"
    try:
        data = parse_yaml(read_text(path, MOST_BYTES))
    except RefusedError as exc:
        raise ConfigError(f"{path}: {exc}; expected {expected}.") from exc
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: got {type(data).__name__}; expected {expected}.")
    try:
        read = _ListOptions.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(f"{path}: {misfits(exc, _ListOptions)}. Expected {expected}.") from exc
    return PhraseList(read.language, tuple(Phrase(**phrase.model_dump()) for phrase in read.phrases))


def find_phrases(
    conversation: Conversation,
    wanted: PhraseList,
    languages: Mapping[str, str | None],
    options: ContentOptions,
    unsure_below: float,
) -> tuple[PhraseFound, ...]:
    """Each phrase of a list with its places, in the list's order; only words in the list's language are searched.

    A word whose confidence is below `unsure_below` is unsure.
    """
    said = utterances_of(conversation)
    roles = {speaker.label: speaker.role for speaker in conversation.speakers}
    out = []
    for phrase in wanted.phrases:
        speakers = [s for s in roles if phrase.role in (None, roles[s])]
        searched = [one for one in said if one.speaker in speakers and languages.get(one.speaker) == wanted.language]
        places = tuple(_places(conversation, phrase, wanted.language, searched))
        state: State = "said" if places else "unknown"
        if not places and speakers and _sure(conversation, speakers, searched, options, unsure_below):
            state = "not_found"
        out.append(PhraseFound(phrase.name, phrase.must, phrase.role, state, places))
    return tuple(out)


def _sure(
    conversation: Conversation,
    speakers: Sequence[str],
    searched: Sequence[Utterance],
    options: ContentOptions,
    unsure_below: float,
) -> bool:
    """Whether what was not found was not said: nearly all speech has words, and nearly all of these are sure."""
    with_words = {one.turn for one in searched}
    turns = [turn for turn in conversation.turns if turn.speaker in speakers]
    speech_s = sum(turn.duration_s for turn in turns)
    told_s = sum(turn.duration_s for turn in turns if turn.index in with_words)
    words = [conversation.words[k] for one in searched for k in one.words]
    if not words or speech_s <= 0:
        return False
    sure = sum(word.confidence is None or word.confidence >= unsure_below for word in words)
    left_out = sum(place.turn in with_words for place in conversation.omissions)  # unsure: it may have been said there
    return told_s / speech_s >= options.sure_words and sure / (len(words) + left_out) >= options.sure_words


def _places(
    conversation: Conversation, phrase: Phrase, language: str, searched: Sequence[Utterance]
) -> Iterator[Place]:
    """Where a phrase was said, also across two turns of one speaker, in order of time."""
    form = _stemmer(language) if phrase.match == "stems" else str
    wordings = [[form(part) for word in text.split() for part in parts_of(word)] for text in phrase.any]
    found: set[tuple[int, int, str]] = set()
    for speaker in dict.fromkeys(one.speaker for one in searched):
        parts = [Part(form(p.text), p.word) for one in searched if one.speaker == speaker for p in one.parts]
        found |= {(*place, speaker) for wording in wordings for place in places_of(wording, parts)}
    own = {one.speaker: [k for o in searched if o.speaker == one.speaker for k in o.words] for one in searched}
    for first, last, speaker in sorted(found):
        words = [conversation.words[k] for k in own[speaker] if first <= k <= last]
        turn = words[0].turn
        assert turn is not None  # noqa: S101  # utterances hold words of turns alone
        yield Place(words[0].start_s, words[-1].end_s, speaker, turn, " ".join(word.text for word in words))


def _stemmer(language: str) -> Callable[[str], str]:
    """Words without their endings (Snowball); in other languages, words as they are."""
    import snowballstemmer

    if language not in _STEMMERS:
        return str
    stem: Callable[[str], str] = snowballstemmer.stemmer(_STEMMERS[language]).stemWord
    return stem
