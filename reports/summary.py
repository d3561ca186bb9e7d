"""Conversation -> the numbers and words that the page shows (pure)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from pipeline.records import CLASSES, Conversation, Estimate, ModelInfo, Speaker, Turn
from reports.scoring import cannot_give, how_used, places_rule, scores_help, scoring_rules, shown_classes, unvalidated
from reports.wording import Wording


@dataclass(frozen=True)
class Fact:
    """One figure with its name and a remark."""

    name: str
    value: str
    remark: str = ""
    flag: str = ""


@dataclass(frozen=True)
class SpeakerCard:
    """What the page shows of one speaker; `shares` are (class or unsure, share, text) and empty where not scored."""

    label: str
    title: str
    talk_share: float
    facts: tuple[Fact, ...]
    affect: tuple[Fact, ...]
    shares: tuple[tuple[str, float, str], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class TurnRow:
    """One row of the table of turns, as shown; `key` is the class, `unsure` or `none` for its colour."""

    index: int
    start: str
    length: str
    speaker: str
    key: str
    emotion: str
    score: str
    valence: str
    arousal: str
    level: str
    note: str


@dataclass(frozen=True)
class ModelRow:
    """One model of the methods section."""

    task: str
    name: str
    licence: str
    digest: str


@dataclass(frozen=True)
class Summary:
    """Everything on the page that is not a figure."""

    title: str
    subtitle: str
    facts: tuple[Fact, ...]
    cards: tuple[SpeakerCard, ...]
    turns: tuple[TurnRow, ...]
    turns_help: str
    models: tuple[ModelRow, ...]
    provenance: tuple[Fact, ...]
    thresholds: tuple[str, ...]
    limits: tuple[str, ...]
    notices: tuple[str, ...]
    scored: bool


def options_of(conversation: Conversation, group: str) -> dict[str, Any]:
    """One group of the options that made the conversation, as stored with it."""
    return cast("dict[str, Any]", conversation.config[group])


def titles_of(conversation: Conversation, words: Wording) -> dict[str, str]:
    """How each speaker is called on the page, by label."""
    return {s.label: words.speaker(s.label, s.name, s.role, s.role_source == "guess") for s in conversation.speakers}


def is_scored(conversation: Conversation) -> bool:
    """Whether the emotion of anybody was judged."""
    return any(speaker.affect is not None for speaker in conversation.speakers)


def summarise(conversation: Conversation, words: Wording) -> Summary:
    """All texts and numbers of the page."""
    titles = titles_of(conversation, words)
    return Summary(
        title=conversation.recording.name,
        subtitle=words("title"),
        facts=_facts(conversation, words),
        cards=tuple(_card(s, conversation, titles[s.label], words) for s in conversation.speakers),
        turns=tuple(_row(t, conversation, titles, words) for t in conversation.turns),
        turns_help=scores_help(conversation, words),
        models=tuple(_models(conversation, words)),
        provenance=_provenance(conversation, words),
        thresholds=_thresholds(conversation, words),
        limits=_limits(conversation, words),
        notices=_notices(conversation, words),
        scored=is_scored(conversation),
    )


def _facts(conversation: Conversation, words: Wording) -> tuple[Fact, ...]:
    exchange, limits = conversation.exchange, options_of(conversation, "dynamics")
    if exchange is None:
        return ()
    low = conversation.diarization.count_confidence == "low"
    how = "count_low" if low else f"count_{conversation.diarization.count}"
    heard = conversation.diarization.hears_overlap
    judged_s = sum(s.affect.judged_s for s in conversation.speakers if s.affect)
    talk_s = sum(s.talk.talk_s for s in conversation.speakers if s.talk)
    judged = (
        [
            Fact(
                words("facts_judged"),
                words.clock(judged_s),
                words("of_speech", share=words.percent(judged_s / talk_s)),
            )
        ]
        if judged_s and talk_s
        else []
    )
    long = max((s.end_s - s.start_s for s in exchange.silences), default=0.0) > limits["flag_silence_s"]
    flag = words("flag_silence", limit=words.exact(limits["flag_silence_s"])) if long else ""
    return (
        Fact(words("facts_duration"), words.clock(conversation.recording.duration_s)),
        Fact(words("facts_speakers"), str(len(conversation.speakers)), words(how)),
        Fact(
            words("facts_speech"),
            words.clock(exchange.speech_s),
            words.percent(exchange.speech_s / conversation.recording.duration_s),
        ),
        Fact(
            words("facts_silence"),
            words.clock(exchange.non_talk_s),
            words("over_limit", limit=words.exact(limits["non_talk_s"])),
            flag,
        ),
        Fact(
            words("facts_overlap"),
            words.seconds(exchange.overlap_s) if heard else "–",
            "" if heard else words("not_heard"),
        ),
        *judged,
    )


def _card(speaker: Speaker, conversation: Conversation, title: str, words: Wording) -> SpeakerCard:
    talk, limits = speaker.talk, options_of(conversation, "dynamics")
    facts: list[Fact] = []
    if talk is not None:
        share_flag = words("flag_share", limit=words.percent(limits["flag_share"]))
        monologue_flag = words("flag_monologue", limit=words.exact(limits["flag_monologue_s"]))
        heard = conversation.diarization.hears_overlap
        facts = [
            Fact(
                words("talk"),
                words.clock(talk.talk_s),
                f"{words.percent(talk.share)} {words('share')}",
                share_flag if talk.share > limits["flag_share"] and len(conversation.speakers) > 1 else "",
            ),
            Fact(words("turns"), str(talk.turns)),
            Fact(
                words("monologue"),
                words.clock(talk.longest_monologue_s),
                "",
                monologue_flag if talk.longest_monologue_s > limits["flag_monologue_s"] else "",
            ),
            Fact(words("latency"), words.seconds(talk.response_latency_s)),
        ]
        if heard:
            facts += [
                Fact(words("interruptions"), str(talk.interruptions)),
                Fact(words("backchannels"), str(talk.backchannels)),
            ]
        if talk.loudness_dbfs is not None:
            facts.append(Fact(words("loudness"), f"{words.number(talk.loudness_dbfs, 0)}\u00a0dBFS"))
    return SpeakerCard(
        label=speaker.label,
        title=title,
        talk_share=talk.share if talk else 0.0,
        facts=tuple(facts),
        affect=_affect(speaker, words),
        shares=_shares(speaker, words),
        remarks=tuple(_remarks(speaker, words)),
    )


def _affect(speaker: Speaker, words: Wording) -> tuple[Fact, ...]:
    affect = speaker.affect
    if affect is None:
        return ()

    def mean(name: str, e: Estimate | None) -> Fact:
        if e is None:
            return Fact(words(name), words.number(None), words("nowhere"))
        return Fact(words(name), words.number(e.mean, 2, sign=True), interval(e))

    def interval(e: Estimate) -> str:
        return f"{words.number(e.low, 2, sign=True)} … {words.number(e.high, 2, sign=True)}"

    def change(quarters: tuple[float | None, ...]) -> str:
        first, last = quarters[0], quarters[-1]
        return words.number(None if first is None or last is None else last - first, 2, sign=True)

    facts = [
        mean("mean_valence", affect.valence),
        mean("mean_arousal", affect.arousal),
        Fact(
            words("change"),
            f"{change(affect.valence_quarters)} / {change(affect.arousal_quarters)}",
            f"{words('valence')} / {words('arousal')}",
        ),
        Fact(
            words("judged"),
            words.seconds(affect.judged_s, 0),
            words("judged_value", turns=affect.judged_turns, unsure=affect.unsure_turns),
        ),
    ]
    if affect.valence_inertia is not None or affect.valence_instability is not None:
        axes = f"{words('valence')} / {words('arousal')}"
        pairs = (
            ("inertia", affect.valence_inertia, affect.arousal_inertia, 2),
            ("instability", affect.valence_instability, affect.arousal_instability, 3),
        )
        facts += [
            Fact(words(key), f"{words.number(v, places)} / {words.number(a, places)}", axes)
            for key, v, a, places in pairs
        ]
    return tuple(facts)


def _shares(speaker: Speaker, words: Wording) -> tuple[tuple[str, float, str], ...]:
    if speaker.affect is None:
        return ()
    pairs = [*zip(CLASSES, speaker.affect.class_shares, strict=True), ("unsure", speaker.affect.unsure_share)]
    return tuple((key, share, f"{words(key)} {words.percent(share)}") for key, share in pairs if share >= 0.005)


def _remarks(speaker: Speaker, words: Wording) -> list[str]:
    remarks = []
    if speaker.role_source == "guess":
        remarks.append(words("role_guess"))
    if speaker.not_scored:
        remarks.append(words(f"ns_{speaker.not_scored}", role=words.role(speaker.role or ""), label=speaker.label))
    elif speaker.affect is None and speaker.talk is not None and speaker.talk.talk_s > 0:
        remarks.append(words("ns_nothing"))
    return remarks


def _row(turn: Turn, conversation: Conversation, titles: dict[str, str], words: Wording) -> TurnRow:
    shown = shown_classes(turn, conversation)
    valence, arousal = conversation.place_of(turn) or (None, None)
    notes = []
    if turn.unjudged and is_scored(conversation):
        notes.append(words(f"u_{turn.unjudged}"))
    if turn.unsure:
        notes.append(words("n_unsure"))
    if turn.overlap_s >= 0.1 and turn.unjudged != "overlap":
        notes.append(words("n_overlap", seconds=words.seconds(turn.overlap_s)))
    return TurnRow(
        index=turn.index,
        start=words.clock(turn.start_s, 1),
        length=words.seconds(turn.duration_s),
        speaker=titles[turn.speaker],
        key="none" if turn.emotion is None else "unsure" if turn.unsure else turn.emotion.top,
        emotion=", ".join(words(name) for name, _ in shown) or "–",
        score=", ".join(words.percent(score) for _, score in shown),
        valence="" if valence is None else words.number(valence, 2, sign=True),
        arousal="" if arousal is None else words.number(arousal, 2, sign=True),
        level="" if turn.loudness_dbfs is None else words.number(turn.loudness_dbfs, 0),
        note=", ".join(notes),
    )


def _models(conversation: Conversation, words: Wording) -> list[ModelRow]:
    rows = []
    for model in conversation.models:
        digest = (model.sha256 or "–")[:16]
        rows.append(ModelRow(words(f"t_{model.task}"), model.name, _licence(model, words), digest))
    return rows


def _licence(model: ModelInfo, words: Wording) -> str:
    """The licence, and what it does not allow or is not known to allow."""
    if model.licence is None:
        return words("licence_unknown")
    if model.commercial:
        return model.licence
    return f"{model.licence} ({words('commercial_unknown' if model.commercial is None else 'non_commercial')})"


def _provenance(conversation: Conversation, words: Wording) -> tuple[Fact, ...]:
    recording, found, note = conversation.recording, conversation.diarization, how_used(conversation, words)
    how = words("count_low" if found.count_confidence == "low" else f"count_{found.count}")
    return (
        Fact(
            words("d_file"),
            words(
                "file_value",
                codec=recording.codec,
                rate=recording.sample_rate_hz,
                channels=recording.channels,
                sha=recording.sha256[:16],
            ),
            "; ".join(words.note(note) for note in recording.notes),
        ),
        Fact(words("d_channels"), words.note(conversation.layout_reason)),
        Fact(
            words("d_count"),
            f"{len(conversation.speakers)}: {how}",
            "; ".join(words.note(note) for note in found.notes),
        ),
        *([Fact(words("d_emotion"), note)] if note and is_scored(conversation) else []),
        Fact(words("d_program"), conversation.program),
    )


def _thresholds(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    dynamics = options_of(conversation, "dynamics")
    silences = len(conversation.exchange.silences) if conversation.exchange else 0
    talk = (
        words("th_turn", merge=words.exact(options_of(conversation, "turns")["merge_gap_s"])),
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
    if not is_scored(conversation):
        return talk
    return (
        *talk,
        *scoring_rules(conversation, words),
        places_rule(conversation, words),
        words("th_quarters", turns=dynamics["min_turns"]),
    )


def _limits(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    limits = []
    found = conversation.diarization
    asked = any(note.key == "fewer_speakers" for note in found.notes)  # whoever gave a number needs no advice to
    if found.count_confidence == "low" and not asked:
        limits.append(words("limit_count"))
    if not found.hears_overlap and len(conversation.speakers) > 1:
        limits.append(words("limit_overlap"))
    unjudged = [t for t in conversation.turns if t.unjudged]
    judged_s = sum(s.affect.judged_s for s in conversation.speakers if s.affect)
    talk_s = sum(s.talk.talk_s for s in conversation.speakers if s.talk)
    if unjudged and is_scored(conversation):
        why = Counter(t.unjudged for t in unjudged)
        limits.append(
            words(
                "limit_unjudged",
                seconds=words.seconds(max(0.0, talk_s - judged_s)),
                short=why["short"],
                overlap=why["overlap"],
                other=why["restricted"] + why["not_asked"],
            )
        )
    if is_scored(conversation):
        limits = [words("limit_expression"), *_validation(conversation, words), words("limit_valence"), *limits]
        limits += cannot_give(conversation, words)
        if bound := [model.name for model in conversation.models if model.commercial is False]:
            limits.append(words("limit_commercial", models=", ".join(bound)))
    if unknown := dict.fromkeys(model.name for model in conversation.models if model.commercial is None):
        limits.append(words("limit_licence", models=", ".join(unknown)))
    return tuple(limits)


def _validation(conversation: Conversation, words: Wording) -> list[str]:
    """How good the model was found to be on the user's own material, or that nobody knows."""
    found = conversation.validation
    if found is None:
        return [unvalidated(conversation, words)]
    if not found.is_of(conversation.models):
        own = ", ".join(m.name for m in conversation.models if m.task == "emotion")
        return [unvalidated(conversation, words), words("validated_other", model=found.model, own=own)]
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
    notices = [words("legal")]
    if conversation.allow_restricted and is_scored(conversation) and any(s.role for s in conversation.speakers):
        notices.append(words("legal_allowed", reason=conversation.allow_restricted))
    return tuple(notices)
