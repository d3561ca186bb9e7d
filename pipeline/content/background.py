"""How a user's other conversations talk: their terms, counted, against which those of one conversation stand out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ressenti.pipeline import store
from ressenti.pipeline.config import build_config
from ressenti.pipeline.content.keywords import counted_terms, words_in
from ressenti.pipeline.content.languages import KNOWN
from ressenti.pipeline.content.said import languages_of
from ressenti.pipeline.errors import ConfigError, InputError, NotFoundError
from ressenti.pipeline.files.paths import is_folder
from ressenti.pipeline.records import Background, Conversation, TermCount
from ressenti.pipeline.store import conversations_in

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Talk:
    """What is counted of one stored conversation: its recording's hash, and by language its words and terms."""

    sha256: str
    words: dict[str, int]
    terms: dict[str, Counter[tuple[str, ...]]]


def with_background(conversation: Conversation, *, needed: bool = True) -> Conversation:
    """Count the conversation's terms in the others of the folder that its config names (`content.background`).

    Without such a folder, the conversation stays as it is. Other files there are left out, and so is the conversation
    itself.
    Raises `ConfigError` for a folder that is none, unless it is not `needed`.
    """
    place = build_config(conversation.config, source=conversation.recording.name).content.background
    if place is None:
        return replace(conversation, background=None) if conversation.background else conversation
    folder = Path(place)
    if not needed and not is_folder(folder):
        return conversation
    check_background(place)
    languages = languages_of(conversation)
    spoken = [language for language in KNOWN if language in languages.values()]
    own = {term for term, found in counted_terms(conversation, languages).items() if found.count > 1}
    others = [talk for talk in _talks(folder) if talk.sha256 != conversation.recording.sha256]
    counts: Counter[tuple[str, ...]] = Counter()
    held: Counter[tuple[str, ...]] = Counter()
    for talk in others:
        said = [talk.terms[language] for language in spoken if language in talk.terms]
        for term in own:
            count = sum(terms[term] for terms in said)
            counts[term] += count
            held[term] += count > 0
    with_words = [talk for talk in others if any(talk.words.get(language) for language in spoken)]
    log.info("background: %d conversations", len(with_words))
    return replace(
        conversation,
        background=Background(
            len(with_words),
            sum(talk.words.get(language, 0) for talk in with_words for language in spoken),
            tuple(TermCount(" ".join(term), counts[term], held[term]) for term in sorted(own)),
        ),
    )


def check_background(place: str | None) -> None:
    """Raise `ConfigError` for a folder of other conversations that is none."""
    if place is not None and not is_folder(Path(place)):
        raise ConfigError(
            f"content.background: {place} is no folder; expected one of NAME.json files that analyze wrote."
        )


def _talks(folder: Path) -> Iterator[_Talk]:
    """What is counted of each conversation of a folder, each recording once."""
    seen = set()
    try:
        paths = conversations_in(folder)
    except NotFoundError:
        return
    for path in paths:
        try:
            about = path.stat()
            talk = _talk(path, about.st_size, about.st_mtime_ns)
        except (InputError, OSError) as exc:
            log.info("background: left out %s (%s)", path.name, type(exc).__name__)
            continue
        if talk.sha256 not in seen:
            seen.add(talk.sha256)
            yield talk


@lru_cache(maxsize=2_000)
def _talk(path: Path, size: int, mtime_ns: int) -> _Talk:
    """Count a stored conversation; with another size or time of change, it is read again."""
    conversation = store.load(path)
    languages = languages_of(conversation)
    terms: dict[str, Counter[tuple[str, ...]]] = {}
    words: dict[str, int] = {}
    for language in KNOWN:
        own = {speaker: language for speaker, spoken in languages.items() if spoken == language}
        terms[language] = Counter({term: found.count for term, found in counted_terms(conversation, own).items()})
        words[language] = words_in(conversation, own)
    return _Talk(conversation.recording.sha256, words, terms)
