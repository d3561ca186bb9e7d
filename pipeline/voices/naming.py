"""Speakers -> the known voices that they may be, each at most once in a recording (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ressenti.pipeline.errors import ConfigError, VoicesError
from ressenti.pipeline.records import Speaker, VoiceMatch
from ressenti.pipeline.voices.hearing import HeardVoice
from ressenti.pipeline.voices.known import KnownVoice, key_of
from ressenti.pipeline.voices.likeness import comparable, limit_of

_DECIMALS = 3


def usable(known: Sequence[KnownVoice], model_sha256: str) -> tuple[KnownVoice, ...]:
    """The known voices; raises `VoicesError` if another encoder made any, `ConfigError` if there are none."""
    if not known:
        raise ConfigError("no known voices to name speakers by. Add some with `ressenti voices add NAME FILE`.")
    if other := [voice.name for voice in known if voice.model_sha256 != model_sha256]:
        raise VoicesError(
            f"known voices of another encoder: {', '.join(other[:5])}{', ...' if len(other) > 5 else ''}. Their "
            f"embeddings mean something else to this one (SHA-256 {model_sha256[:12]}...). Forget them, then add them "
            "again from recordings."
        )
    return tuple(known)


def name_speakers(
    speakers: Sequence[Speaker],
    heard: Mapping[str, HeardVoice],
    known: Sequence[KnownVoice],
    false_alarm: float,
) -> tuple[Speaker, ...]:
    """Speakers with the names of known voices, and with what these say.

    A name given by a person stays, and is not given to anybody else. Speakers that are not in `heard` spoke too little.
    Of all ways to give names, the one that exceeds the limits most, all together, is taken. `false_alarm` is the
    probability that a stranger gets any of the names, so limits rise with the number of known voices.
    """
    from scipy.optimize import linear_sum_assignment

    taken = {key_of(speaker.name) for speaker in speakers if speaker.name}
    free = [voice for voice in known if key_of(voice.name) not in taken]
    asked = [speaker for speaker in speakers if not speaker.name and speaker.label in heard]
    if not free or not asked:
        return tuple(speakers)
    enrolled = comparable([voice.embedding for voice in free])
    scores = np.clip(comparable([heard[speaker.label].embedding for speaker in asked]) @ enrolled.T, -1, 1)
    limits = np.array(
        [
            [limit_of(min(heard[s.label].speech_s, voice.speech_s), false_alarm / len(free)) for voice in free]
            for s in asked
        ]
    )
    rows, columns = linear_sum_assignment(np.maximum(scores - limits, 0), maximize=True)
    given = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if scores[r, c] >= limits[r, c]}
    matches = {}
    for row, speaker in enumerate(asked):
        column = given.get(row, int(np.argmax(scores[row] - limits[row])))
        matches[speaker.label] = VoiceMatch(
            name=free[column].name if row in given else "",
            score=round(float(scores[row, column]), _DECIMALS),
            limit=round(float(limits[row, column]), _DECIMALS),
            speech_s=heard[speaker.label].speech_s,
            known=len(free),
        )
    return tuple(_named(speaker, matches.get(speaker.label)) for speaker in speakers)


def _named(speaker: Speaker, match: VoiceMatch | None) -> Speaker:
    return speaker if match is None else replace(speaker, name=match.name, voice=match)
