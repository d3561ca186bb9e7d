"""Conversation -> methods and limits: models, definitions and thresholds, limits, law (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline.records import Conversation, ModelInfo
from ressenti.reports.cards import Fact
from ressenti.reports.emotion_model import (
    BRIEF_S,
    cannot_give,
    how_used,
    is_brief,
    is_thin,
    moved_turns,
    places_rule,
    scoring_rules,
    thin_baseline_s,
    unvalidated,
)
from ressenti.reports.headline import LITTLE_S, MOSTLY_UNSURE
from ressenti.reports.known_voices import voice_notices
from ressenti.reports.notices import silence_rules, too_many
from ressenti.reports.page_options import is_heard, is_scored, options_of, tells_activation, titles_of
from ressenti.reports.recognised_words import word_limits, word_rules
from ressenti.reports.sentiment import sentiment_limits, sentiment_rules
from ressenti.reports.sounds import sound_rules
from ressenti.reports.speech_time import unjudged_s
from ressenti.reports.who_spoke import count_found, count_limit, doubt_limit, doubt_rule, shared_channels
from ressenti.reports.wording import Wording

_ELSEWHERE = ("more_than_roles", "channel_voices")  # notes that are not told beside the number of speakers


@dataclass(frozen=True)
class ModelRow:
    """One model of the methods section; `origin` says if it was installed, and if it was used by default."""

    task: str
    name: str
    origin: str
    licence: str
    digest: str


@dataclass(frozen=True)
class Methods:
    """The last section of the page."""

    models: tuple[ModelRow, ...]
    provenance: tuple[Fact, ...]
    thresholds: tuple[str, ...]
    limits: tuple[str, ...]
    notices: tuple[str, ...]


def methods_of(conversation: Conversation, words: Wording) -> Methods:
    """The section on how the report was made."""
    return Methods(
        models=tuple(_models(conversation, words)),
        provenance=_provenance(conversation, words),
        thresholds=_thresholds(conversation, words),
        limits=_limits(conversation, words),
        notices=_notices(conversation, words),
    )


def _models(conversation: Conversation, words: Wording) -> list[ModelRow]:
    rows = []
    for model in conversation.models:
        origin = _origin(model, conversation, words)
        task = words(f"t_{model.task}")
        rows.append(ModelRow(task, model.name, origin, _licence(model, words), model.sha256 or "–"))
    return rows


def _origin(model: ModelInfo, conversation: Conversation, words: Wording) -> str:
    parts = [words.note(note) for note in model.notes if note.key == "installed"]
    group = "words" if model.task == "transcription" else model.task
    if parts and group in ("diarization", "emotion", "sentiment", "words"):
        parts += [words("m_default")] if options_of(conversation, group).get("model") == "auto" else []
    return words("semicolon").join(parts)


def _licence(model: ModelInfo, words: Wording) -> str:
    """The licence, with a remark if commercial use is not allowed or not known."""
    if model.licence is None:
        return words("licence_unknown")
    if model.commercial:
        return model.licence
    return f"{model.licence} ({words('commercial_unknown' if model.commercial is None else 'non_commercial')})"


def _provenance(conversation: Conversation, words: Wording) -> tuple[Fact, ...]:
    recording, found, note = conversation.recording, conversation.diarization, how_used(conversation, words)
    return (
        Fact(
            words("d_file"),
            words(
                "file_value",
                codec=recording.codec,
                rate=recording.sample_rate_hz,
                channels=recording.channels,
                sha=recording.sha256,
            ),
            " ".join(words.note(note) for note in recording.notes),
        ),
        Fact(
            words("d_channels"),
            words.note(conversation.layout_reason),
            " ".join(words.note(note) for note in shared_channels(found)),
        ),
        Fact(
            words("d_count"),
            words("count_value", n=len(conversation.people), how=count_found(conversation, words)),
            " ".join(words.note(note) for note in found.notes if note.key not in _ELSEWHERE),
        ),
        *([Fact(words("d_emotion"), note)] if note and is_scored(conversation) else []),
        Fact(words("d_program"), conversation.program),
    )


def _thresholds(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    dynamics = options_of(conversation, "dynamics")
    silences = len(conversation.exchange.silences) if conversation.exchange else 0
    talk = (
        words("th_turn", merge=words.exact(options_of(conversation, "turns")["merge_gap_s"])),
        *doubt_rule(conversation, words),
        *word_rules(conversation, words),
        *sentiment_rules(conversation, words),
        *sound_rules(conversation, words),
        words(
            "th_non_talk",
            non_talk=words.exact(dynamics["non_talk_s"]),
            silence=words.exact(dynamics["silence_s"]),
            n=silences,
        ),
        words("th_interruption", overlap=words.exact(dynamics["interruption_s"])),
        words("th_latency", latency=words.exact(dynamics["max_latency_s"])),
        words(
            "th_flags",
            share=words.percent(dynamics["flag_share"]),
            monologue=words.exact(dynamics["flag_monologue_s"]),
            silence=words.exact(dynamics["flag_silence_s"]),
        ),
    )
    talk = (*talk, words("th_activation")) if tells_activation(conversation) else talk
    if not is_scored(conversation):
        return talk
    return (
        *talk,
        *scoring_rules(conversation, words),
        *_baseline(conversation, words),
        places_rule(conversation, words),
        words("th_quarters", turns=dynamics["min_turns"]),
        words("th_headline", little=words.exact(LITTLE_S), unsure=words.percent(MOSTLY_UNSURE)),
        *_moments(conversation, words),
    )


def _baseline(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """The definition of the baseline and when it is thin; empty if the model uses none."""
    limit = thin_baseline_s(conversation)
    return () if limit is None else (words("th_baseline", limit=words.exact(limit)),)


def _moments(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    options = options_of(conversation, "moments")
    if not options:  # analysed by an older version
        return ()
    smoothing = options_of(conversation, "trajectory")["smoothing_s"]
    return (
        words(
            "th_moments",
            smoothing=words.exact(smoothing),
            rise=words.percent(options["rise"]),
            apart=words.exact(options["apart_s"]),
            within=words.exact(2 * smoothing),
            least=words.exact(options["least_change"], ""),
            monologue=words.exact(options["monologue_s"]),
        ),
    )


def _limits(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    limits = []
    found = conversation.diarization
    asked = any(note.key == "fewer_speakers" for note in found.notes)  # the user has given a number already
    if found.count_confidence == "low" and not asked and not too_many(conversation):
        limits.append(count_limit(conversation, words))
    if not found.hears_overlap and len(conversation.people) > 1:
        limits.append(words("limit_overlap"))
    limits += doubt_limit(conversation, words)
    limits += word_limits(conversation, words)
    limits += sentiment_limits(conversation, words)
    if is_heard(conversation) and not is_scored(conversation):
        limits = [words("limit_expression"), *limits]
    if is_scored(conversation):
        limits = [words("limit_expression"), *_validation(conversation, words), words("limit_valence"), *limits]
        limits += _unjudged(conversation, words)
        limits += cannot_give(conversation, words)
        if brief := sum(is_brief(turn) for turn in conversation.turns):
            limits.append(words("limit_brief", turns=words("n_turns", n=brief), limit=words.exact(BRIEF_S)))
        titles = titles_of(conversation, words)
        if thin := [titles[speaker.label] for speaker in conversation.speakers if is_thin(speaker, conversation)]:
            limit = words.exact(thin_baseline_s(conversation) or 0.0)
            limits.append(words("limit_thin", limit=limit, who=words.listed(thin)))
        if moved := moved_turns(conversation):
            limits.append(words("limit_moved", turns=words("n_turns", n=moved)))
        if bound := [model.name for model in conversation.models if model.commercial is False]:
            limits.append(words("limit_commercial", models=", ".join(bound)))
    if unknown := dict.fromkeys(model.name for model in conversation.models if model.commercial is None):
        limits.append(words("limit_licence", models=", ".join(unknown)))
    return (*limits, *silence_rules(conversation, words))


def _unjudged(conversation: Conversation, words: Wording) -> list[str]:
    """How much speech was not judged, and why; includes the unjudged speech of judged turns."""
    found = unjudged_s(conversation)
    parts = [
        words("limit_unjudged_part", seconds=words.seconds(seconds), why=words(f"u_{why}"))
        for why, seconds in found.items()
    ]
    if not parts:
        return []
    turns = words("n_turns", n=sum(t.unjudged is not None for t in conversation.turns))
    if len(parts) == 1:  # the part is the whole
        return [words("limit_unjudged_one", part=parts[0], turns=turns)]
    seconds = words.seconds(sum(found.values()))
    return [words("limit_unjudged", seconds=seconds, parts=words.listed(parts), turns=turns)]


def _validation(conversation: Conversation, words: Wording) -> list[str]:
    """How accurate the model is on the user's own recordings, or that this is not known."""
    found = conversation.validation
    if found is None:
        return [unvalidated(conversation, words)]
    if not found.is_of(conversation.models):
        names = ", ".join(m.name for m in conversation.models if m.task == "emotion")
        return [unvalidated(conversation, words), words("validated_other", model=found.model, own=names)]
    low, high = found.macro_f1_low, found.macro_f1_high
    interval = (
        words("validated_no_interval")
        if low is None or high is None
        else words("validated_interval", low=words.number(low), high=words.number(high))
    )
    agreement = (
        words("validated_no_alpha")
        if found.alpha_class is None
        else words("validated_alpha", alpha=words.number(found.alpha_class))
    )
    return [
        words(
            "validated",
            turns=found.turns,
            recordings=found.recordings,
            raters=found.raters,
            alpha=agreement,
            f1=words.number(found.macro_f1),
            interval=interval,
            classes=", ".join(f"{words(c.name)} {words.number(c.f1)}" for c in found.classes),
            right=words.percent(found.right),
            right_sure=words.percent(found.right_sure),
        ),
        words("validated_holds"),
    ]


def _notices(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    notices = [] if is_heard(conversation) else [words("legal")]  # it stands beside the tone where there is any
    if conversation.allow_restricted and is_heard(conversation) and any(s.role for s in conversation.speakers):
        notices.append(words("legal_allowed", reason=conversation.allow_restricted))
    return (*notices, *voice_notices(conversation, words))
