"""What the page says of the emotion model: how its scores came about, and which of them are shown (pure)."""

from __future__ import annotations

from typing import Any, cast

from pipeline.records import CLASSES, Conversation, ModelInfo, Turn
from reports.wording import Wording

BUILTIN = "ressenti-builtin-emotion"  # the wording knows what this one learned from


def emotion_model(conversation: Conversation) -> ModelInfo | None:
    """The model that scored the turns, None where none did."""
    return next((model for model in conversation.models if model.task == "emotion"), None)


def shown_classes(turn: Turn) -> tuple[tuple[str, float], ...]:
    """(class, score) to be shown of a turn: its class, and of independent scores all that reached their thresholds."""
    found = turn.emotion
    if found is None:
        return ()
    return tuple((name, found.scores[CLASSES.index(name)]) for name in found.reached or (found.top,))


def scoring_rules(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """How much is judged, how the scores are to be read, and when a turn is unsure."""
    options, activation = _group(conversation, "emotion"), _activation(conversation)
    judged = words(
        "th_judged",
        judged=words.exact(options["min_judged_s"]),
        window=words.exact(options["window_s"]),
        step=words.exact(options["window_step_s"]),
    )
    unsure = words("th_unsure", unsure=words.percent(options["unsure_below"]))
    if activation == "sigmoid":
        limits = ", ".join(f"{words(name)} {words.percent(limit)}" for name, limit in _thresholds(conversation).items())
        return judged, words("th_sigmoid", limits=limits)
    if activation == "regression":
        error = _group(conversation, "affect")["error_sd"]
        return judged, words("th_regression", error=words.number(error)), unsure
    return judged, words("th_softmax"), unsure


def places_rule(conversation: Conversation, words: Wording) -> str:
    """How valence and arousal came about, with the positions of the classes."""
    anchors = _group(conversation, "affect")["anchors"]
    places = "; ".join(
        f"{words(name)} ({words.number(anchors[name][0], 2)}, {words.number(anchors[name][1], 2)})" for name in CLASSES
    )
    key = "th_mean_regression" if _activation(conversation) == "regression" else "th_mean"
    return words(key, anchors=places)


def scores_help(conversation: Conversation, words: Wording) -> str:
    """The line above the table of turns."""
    model = emotion_model(conversation)
    own = model is not None and model.name != BUILTIN
    return words("turns_help_other" if own else "turns_help", n=len(conversation.turns))


def how_used(conversation: Conversation, words: Wording) -> str:
    """The technical note of a model that is not the built-in one: head, activation, number format, label map.

    That it is installed stands beside its name, whether or not anything was scored.
    """
    model = emotion_model(conversation)
    if model is None or model.name == BUILTIN:
        return ""
    return "; ".join(words.note(note) for note in model.notes if note.key != "installed")


def unvalidated(conversation: Conversation, words: Wording) -> str:
    """That nobody knows how good the model is here, and what it learned from."""
    model = emotion_model(conversation)
    if model is None or model.name == BUILTIN:
        return words("limit_validation")
    return words("limit_validation_other", model=model.name)


def cannot_give(conversation: Conversation, words: Wording) -> list[str]:
    """Which classes the model never gives, if any."""
    model = emotion_model(conversation)
    if model is None or not model.cannot:
        return []
    return [words("limit_cannot", model=model.name, classes=", ".join(words(name) for name in model.cannot))]


def _activation(conversation: Conversation) -> str | None:
    """The model's, not that of turns whose class a person gave."""
    found = (turn.emotion.activation for turn in conversation.turns if turn.emotion)
    return next((activation for activation in found if activation != "human"), None)


def _group(conversation: Conversation, name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", conversation.config[name])


def _thresholds(conversation: Conversation) -> dict[str, float]:
    limits = _group(conversation, "emotion").get("thresholds", {})  # absent where an older version analysed
    return {name: limits.get(name, 0.5) for name in CLASSES}
