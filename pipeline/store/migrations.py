"""Migrate stored conversations of earlier versions, one step per version (pure).

| version | change |
|---|---|
| 1 | the first |
| 2 | `words_beyond`; more kinds of notes |
| 3 | confidence of segments and speakers, `count_probability`; options of a diarizer that hears overlap |
| 4 | `channels` of speakers, known voices; embeddings of voices are not stored any more |
| 5 | recognised words: `transcription`, `confidence` of words, options `words` and `content`; phrases; personal data |
| 6 | sounds that are no talk, announcements |
| 7 | how a voice sounds (`voice`, `activation` of windows), windows without `emotion`; `use`; `background` |
| 8 | what words say: `sentiment` of turns, options `sentiment`, moments of the kind `contrast` |
| 9 | corrections of roles and words, spans to ignore, a note on the whole conversation, and who corrected it when |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Stored = dict[str, Any]


def _to_2(data: Stored) -> Stored:
    """Add `words_beyond`, which was not counted before."""
    return {**data, "words_beyond": 0, "version": 2}


def _to_3(data: Stored) -> Stored:
    """Give the options of the diarizer their present names and bounds."""
    return {**data, "config": _diarization_options(data.get("config")), "version": 3}


def _to_4(data: Stored) -> Stored:
    """Drop the embeddings of voices, which are biometric data."""
    found = data.get("diarization")
    if isinstance(found, dict):
        found = {key: value for key, value in found.items() if key != "embeddings"}
    return {**data, "diarization": found, "version": 4}


def _to_5(data: Stored) -> Stored:
    """Say that no words were recognised."""
    config = data.get("config")
    if isinstance(config, dict):
        config = {**config, "words": {"model": "off"}}
    return {**data, "config": config, "version": 5}


def _to_6(data: Stored) -> Stored:
    """Sounds were not looked for before; every voice is a person."""
    return {**data, "version": 6}


def _to_7(data: Stored) -> Stored:
    """How voices sound was not measured before."""
    return {**data, "version": 7}


def _to_8(data: Stored) -> Stored:
    """Say that nobody asked what words say, and that no class was expected more than another."""
    config = data.get("config")
    if isinstance(config, dict):
        config = {**config, "sentiment": {"model": "off"}}
        if isinstance(config.get("emotion"), dict):
            config["emotion"] = {"prior": "balanced", **config["emotion"]}
    return {**data, "config": config, "version": 8}


def _to_9(data: Stored) -> Stored:
    """Nobody had said who corrected what, and when."""
    return {**data, "version": 9}


def _diarization_options(config: Any) -> Any:
    """A stored config with the diarizer's options of version 3; what is no config is left for the checks.

    Values that are still allowed stay as a record of the analysis, although `step_s` means something else now. One that
    is not allowed any more becomes the default. Bounds of `cluster_distance` are as before.
    """
    if not isinstance(config, dict) or not isinstance(config.get("diarization"), dict):
        return config
    options = {key: value for key, value in config["diarization"].items() if key not in {"window_s", "sure_single_s"}}
    if "sure_single_s" in config["diarization"]:
        options["sure_from_s"] = config["diarization"]["sure_single_s"]
    step_s = options.get("step_s")
    if isinstance(step_s, int | float) and not 0.5 <= step_s <= 10:
        options["step_s"] = 5.0
    return {**config, "diarization": options}


STEPS: dict[int, Callable[[Stored], Stored]] = {
    1: _to_2,
    2: _to_3,
    3: _to_4,
    4: _to_5,
    5: _to_6,
    6: _to_7,
    7: _to_8,
    8: _to_9,
}
"""Step from each earlier version to the next."""


def migrated(data: Stored) -> Stored:
    """Migrate a stored conversation of an earlier version to this version."""
    while (step := STEPS.get(data["version"])) is not None:
        data = step(data)
    return data
