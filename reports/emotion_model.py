"""What the page says about the emotion model: how its scores are made, and which are shown (pure)."""

from __future__ import annotations

from typing import Any, cast

from ressenti.pipeline.records import CLASSES, Conversation, ModelInfo, Speaker, Turn
from ressenti.reports.wording import Wording

BUILTIN = "ressenti-builtin-emotion"  # the texts say what this one was trained on
BRIEF_S = 2.0  # of judged speech in a turn; below it, a sure class is marked as from little speech


def emotion_model(conversation: Conversation) -> ModelInfo | None:
    """The model that scored the turns, or None."""
    return next((model for model in conversation.models if model.task == "emotion"), None)


def shown_classes(turn: Turn) -> tuple[tuple[str, float | None], ...]:
    """(class, score) pairs that a turn shows: its class or, with independent scores, all that reach their threshold.

    A class set by a person has no score.
    """
    found = turn.emotion
    if found is None:
        return ()
    if turn.by_person:
        return ((found.top, None),)
    return tuple((name, found.scores[CLASSES.index(name)]) for name in found.reached or (found.top,))


def own_label(turn: Turn, words: Wording) -> str:
    """The likeliest of a model's own labels with its score, where it has others than the five classes; else empty."""
    if turn.emotion is None or not turn.emotion.own:
        return ""
    label, share = max(turn.emotion.own, key=lambda pair: pair[1])
    return f"{label} {words.percent(share)}"


def is_brief(turn: Turn) -> bool:
    """Whether a sure class of the model rests on little speech."""
    return turn.emotion is not None and not turn.unsure and not turn.by_person and turn.judged_s < BRIEF_S


def scoring_rules(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """How much is judged, how to read the scores, and when a turn is unsure."""
    options, activation = _group(conversation, "emotion"), _activation(conversation)
    judged = words(
        "th_judged",
        judged=words.exact(options["min_judged_s"]),
        window=words.exact(options["window_s"]),
        step=words.exact(options["window_step_s"]),
    )
    unsure = words("th_unsure", unsure=words.percent(options["unsure_below"]))
    judged = f"{judged} {words('th_person')}" if turns_by_person(conversation) else judged
    extra = (*_corrected(conversation, words), *_own_labels(conversation, words))
    if activation == "sigmoid":
        limits = ", ".join(f"{words(name)} {words.percent(limit)}" for name, limit in _thresholds(conversation).items())
        return judged, words("th_sigmoid", limits=limits), *extra
    if activation == "regression":
        error = _group(conversation, "affect")["error_sd"]
        return judged, words("th_regression", error=words.number(error)), unsure
    return judged, words("th_softmax"), *extra, unsure


def _corrected(conversation: Conversation, words: Wording) -> list[str]:
    """That scores are corrected by labels, and how."""
    model = emotion_model(conversation)
    found = next((note.values for note in model.notes if note.key == "calibrated"), None) if model else None
    if found is None:
        return []
    shares = ", ".join(f"{words(name)} {words.percent(float(found[name]))}" for name in CLASSES)
    return [
        words(
            "th_calibrated", n=int(found["turns"]), temperature=words.number(float(found["temperature"])), shares=shares
        )
    ]


def _own_labels(conversation: Conversation, words: Wording) -> list[str]:
    """That the table of turns shows labels of the model's own."""
    return [words("th_own_labels")] if any(t.emotion and t.emotion.own for t in conversation.turns) else []


def turns_by_person(conversation: Conversation, speaker: str | None = None) -> int:
    """Number of turns, of one speaker or all, whose class was set by a person."""
    return sum(turn.by_person and speaker in (None, turn.speaker) for turn in conversation.turns)


def places_rule(conversation: Conversation, words: Wording) -> str:
    """How valence and arousal are computed, with the anchors of the classes."""
    anchors = _group(conversation, "affect")["anchors"]
    places = words("semicolon").join(
        words("place", name=words(name), valence=words.number(anchors[name][0]), arousal=words.number(anchors[name][1]))
        for name in CLASSES
    )
    key = "th_mean_regression" if _activation(conversation) == "regression" else "th_mean"
    return words(key, anchors=places)


def scores_help(conversation: Conversation, words: Wording) -> str:
    """The line above the table of turns."""
    turns = words("n_turns", n=len(conversation.turns))
    unsure = " " + words("turns_help_words") if any(w.confidence is not None for w in conversation.words) else ""
    return words("turns_help" if is_builtin(conversation) else "turns_help_other", turns=turns) + unsure


def is_builtin(conversation: Conversation) -> bool:
    """Whether the tone is that of the built-in model, whose errors on other speech are known."""
    model = emotion_model(conversation)
    return model is None or model.name == BUILTIN


def how_used(conversation: Conversation, words: Wording) -> str:
    """Technical note on a model other than the built-in one: head, activation, number format, label map.

    The note that it is installed is shown beside its name instead, even if nothing was scored.
    """
    model = emotion_model(conversation)
    if model is None or model.name == BUILTIN:
        return ""
    elsewhere = ("installed", "calibrated")
    return words("semicolon").join(words.note(note) for note in model.notes if note.key not in elsewhere)


def unvalidated(conversation: Conversation, words: Wording) -> str:
    """The limit that the model is not validated here, and what it was trained on."""
    model = emotion_model(conversation)
    if model is None or model.name == BUILTIN:
        return words("limit_validation")
    return words("limit_validation_other", model=model.name)


def cannot_give(conversation: Conversation, words: Wording) -> list[str]:
    """The limit that the model never gives some classes; empty if it gives all."""
    model = emotion_model(conversation)
    if model is None or not model.cannot:
        return []
    return [words("limit_cannot", model=model.name, classes=", ".join(words(name) for name in model.cannot))]


def thin_baseline_s(conversation: Conversation) -> float | None:
    """Judged speech of a speaker below which their baseline is thin (s); None if the model uses no baseline.

    Only the built-in model, and models with a note that they were trained like it, compare speakers with a baseline.
    """
    model, options = emotion_model(conversation), _group(conversation, "emotion")
    if model is None or "thin_baseline_s" not in options:  # analysed by an older version
        return None
    if model.name != BUILTIN and not any(note.key == "trained_bound" for note in model.notes):
        return None
    return float(options["thin_baseline_s"])


def is_thin(speaker: Speaker, conversation: Conversation) -> bool:
    """Whether too little of a speaker was judged to know how they usually sound."""
    limit = thin_baseline_s(conversation)
    return limit is not None and speaker.affect is not None and speaker.affect.judged_s < limit


def moved_turns(conversation: Conversation) -> int:
    """Number of turns moved by a person whose scores were made against the original speaker's baseline."""
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
    """The activation of the model's scores; classes set by a person do not count."""
    found = (turn.emotion.activation for turn in conversation.turns if turn.emotion)
    return next((activation for activation in found if activation != "human"), None)


def _group(conversation: Conversation, name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", conversation.config[name])


def _thresholds(conversation: Conversation) -> dict[str, float]:
    limits = _group(conversation, "emotion").get("thresholds", {})  # absent if analysed by an older version
    return {name: limits.get(name, 0.5) for name in CLASSES}
