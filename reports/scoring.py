"""What the page says of the emotion model: how its scores came about, and which of them are shown (pure)."""

from __future__ import annotations

from typing import Any, cast

from ressenti.pipeline.records import CLASSES, Conversation, ModelInfo, Speaker, Turn
from ressenti.reports.wording import Wording

BUILTIN = "ressenti-builtin-emotion"  # the wording knows what this one learned from
BRIEF_S = 2.0  # of judged speech in a turn, below which a sure class is said to rest on little


def emotion_model(conversation: Conversation) -> ModelInfo | None:
    """The model that scored the turns, None where none did."""
    return next((model for model in conversation.models if model.task == "emotion"), None)


def shown_classes(turn: Turn) -> tuple[tuple[str, float | None], ...]:
    """(class, score) to be shown of a turn: its class, and of independent scores all that reached their thresholds.

    A class that a person gave has no score.
    """
    found = turn.emotion
    if found is None:
        return ()
    if turn.by_person:
        return ((found.top, None),)
    return tuple((name, found.scores[CLASSES.index(name)]) for name in found.reached or (found.top,))


def is_brief(turn: Turn) -> bool:
    """Whether a class that the model is sure of rests on little speech."""
    return turn.emotion is not None and not turn.unsure and not turn.by_person and turn.judged_s < BRIEF_S


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
    judged = f"{judged} {words('th_person')}" if turns_by_person(conversation) else judged
    if activation == "sigmoid":
        limits = ", ".join(f"{words(name)} {words.percent(limit)}" for name, limit in _thresholds(conversation).items())
        return judged, words("th_sigmoid", limits=limits)
    if activation == "regression":
        error = _group(conversation, "affect")["error_sd"]
        return judged, words("th_regression", error=words.number(error)), unsure
    return judged, words("th_softmax"), unsure


def turns_by_person(conversation: Conversation, speaker: str | None = None) -> int:
    """How many turns, of one speaker or of all, have a class that a person gave."""
    return sum(turn.by_person and speaker in (None, turn.speaker) for turn in conversation.turns)


def places_rule(conversation: Conversation, words: Wording) -> str:
    """How valence and arousal came about, with the positions of the classes."""
    anchors = _group(conversation, "affect")["anchors"]
    places = words("semicolon").join(
        words("place", name=words(name), valence=words.number(anchors[name][0]), arousal=words.number(anchors[name][1]))
        for name in CLASSES
    )
    key = "th_mean_regression" if _activation(conversation) == "regression" else "th_mean"
    return words(key, anchors=places)


def scores_help(conversation: Conversation, words: Wording) -> str:
    """The line above the table of turns."""
    model = emotion_model(conversation)
    own = model is not None and model.name != BUILTIN
    turns = words("n_turns", n=len(conversation.turns))
    return words("turns_help_other" if own else "turns_help", turns=turns)


def how_used(conversation: Conversation, words: Wording) -> str:
    """The technical note of a model that is not the built-in one: head, activation, number format, label map.

    That it is installed stands beside its name, whether or not anything was scored.
    """
    model = emotion_model(conversation)
    if model is None or model.name == BUILTIN:
        return ""
    return words("semicolon").join(words.note(note) for note in model.notes if note.key != "installed")


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


def thin_baseline_s(conversation: Conversation) -> float | None:
    """Judged speech of a speaker below which his or her baseline is thin; None where the model hears without one.

    Only the built-in model, and those that were trained as it was and say so, hear a speaker against a baseline.
    """
    model, options = emotion_model(conversation), _group(conversation, "emotion")
    if model is None or "thin_baseline_s" not in options:  # an older version analysed
        return None
    if model.name != BUILTIN and not any(note.key == "trained_bound" for note in model.notes):
        return None
    return float(options["thin_baseline_s"])


def is_thin(speaker: Speaker, conversation: Conversation) -> bool:
    """Whether too little was judged of a speaker to know how the voice usually sounds."""
    limit = thin_baseline_s(conversation)
    return limit is not None and speaker.affect is not None and speaker.affect.judged_s < limit


def moved_turns(conversation: Conversation) -> int:
    """How many turns that people moved keep the model's scores from against the baseline of the speaker before."""
    if thin_baseline_s(conversation) is None:
        return 0
    return sum(
        turn.original is not None
        and turn.original.speaker != turn.speaker
        and turn.emotion is not None
        and not turn.by_person
        for turn in conversation.turns
    )


def _activation(conversation: Conversation) -> str | None:
    """The model's, not that of turns whose class a person gave."""
    found = (turn.emotion.activation for turn in conversation.turns if turn.emotion)
    return next((activation for activation in found if activation != "human"), None)


def _group(conversation: Conversation, name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", conversation.config[name])


def _thresholds(conversation: Conversation) -> dict[str, float]:
    limits = _group(conversation, "emotion").get("thresholds", {})  # absent where an older version analysed
    return {name: limits.get(name, 0.5) for name in CLASSES}
