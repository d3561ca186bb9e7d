"""Conversation -> key figures and a card per speaker (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ressenti.pipeline.content import SpeakerWords
from ressenti.pipeline.records import CLASSES, Conversation, Estimate, Exchange, Speaker, Talk
from ressenti.reports.emotion_model import is_thin, thin_baseline_s, turns_by_person
from ressenti.reports.headline import LITTLE_S
from ressenti.reports.known_voices import voice_remarks
from ressenti.reports.page_options import options_of
from ressenti.reports.people import role_basis
from ressenti.reports.who_spoke import count_found
from ressenti.reports.wording import Wording

LEADING = 5  # figures that a card leads with
_EXPLAINED = (
    "turns",
    "interruptions",
    "backchannels",
    "loudness",
    "pace",
    "questions",
    "hesitations",
    "mean_valence",
    "mean_arousal",
    "change_valence",
    "change_arousal",
    "judged",
    "inertia",
    "instability",
)
_NOT_AT_WORK = ("client", "participant", "interviewer")  # roles of presets that the law does not protect
ABUTS_S = 0.05  # a gap between turns that is shown as 0.0 s


@dataclass(frozen=True)
class Fact:
    """One figure with its name and a remark."""

    name: str
    value: str
    remark: str = ""
    flag: str = ""
    help: str = ""  # what it means, and when to ignore it
    key: str = ""  # of a figure that the page computes again by itself


@dataclass(frozen=True)
class SpeakerCard:
    """What the page shows of one speaker; `shares` are (class or unsure, share, text), empty if not scored.

    `facts` are the five that everybody knows; `more` and `affect` are those that need a sentence. `legal` is what the
    law says of the tone of this speaker.

    `little` is a warning if the affect figures rest on too little speech, else empty.
    """

    label: str
    title: str
    name: str
    kind: str
    talk_share: float
    facts: tuple[Fact, ...]
    more: tuple[Fact, ...]
    affect: tuple[Fact, ...]
    shares: tuple[tuple[str, float, str], ...]
    remarks: tuple[str, ...]
    little: str = ""
    basis: str = ""
    legal: str = ""


def facts_of(conversation: Conversation, words: Wording) -> tuple[Fact, ...]:
    """The key figures of the conversation as a whole."""
    exchange = conversation.exchange
    if exchange is None:
        return ()
    with_overlap = conversation.diarization.hears_overlap
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
    return (
        Fact(words("facts_speakers"), str(len(conversation.people)), count_found(conversation, words)),
        Fact(
            words("facts_speech"),
            words.clock(exchange.speech_s),
            words.percent(exchange.speech_s / conversation.recording.duration_s),
            key="speech",
        ),
        _silences(exchange, conversation, words),
        *_hold(exchange, words),
        Fact(
            words("facts_overlap"),
            words.length(exchange.overlap_s) if with_overlap else "–",
            "" if with_overlap else words("not_heard"),
        ),
        *judged,
    )


def _silences(exchange: Exchange, conversation: Conversation, words: Wording) -> Fact:
    """How many silences, by the limit that the headline goes by, and shorter pauses apart."""
    limits, count = options_of(conversation, "dynamics"), len(exchange.silences)
    limit = words.exact(limits["silence_s"])
    pauses = words("pauses_in_all", limit=words.exact(limits["non_talk_s"]), length=words.length(exchange.non_talk_s))
    long = max((s.end_s - s.start_s for s in exchange.silences), default=0.0) > limits["flag_silence_s"]
    flag = words("flag_silence", limit=words.exact(limits["flag_silence_s"])) if long else ""
    remarks = [words("silences_found", limit=limit)] + ([pauses] if exchange.non_talk_s else [])
    return Fact(
        words("facts_silence"),
        str(count) if count else words("no_silences"),
        words("semicolon").join(remarks),
        flag,
        key="silence",
    )


def _hold(exchange: Exchange, words: Wording) -> list[Fact]:
    """Time in which music, tones or announcements play and nobody speaks; nothing if there is none."""
    seconds = sum(hold.end_s - hold.start_s for hold in exchange.holds)
    return [Fact(words("facts_hold"), words.clock(seconds), words("facts_hold_why"))] if seconds >= 1 else []


def _played(speaker: Speaker, conversation: Conversation, words: Wording) -> list[Fact]:
    """How long an announcement is, and how sure it is that it is one."""
    own = [turn.duration_s for turn in conversation.turns if turn.speaker == speaker.label]
    facts = [Fact(words("played"), words.clock(sum(own)), words("left_out"))]
    if speaker.announced is not None and speaker.found is None:
        facts.append(Fact(words("how_sure"), words.percent(speaker.announced)))
    return facts


def card_of(
    speaker: Speaker, conversation: Conversation, title: str, words: Wording, said: SpeakerWords | None = None
) -> SpeakerCard:
    """The card of one speaker: how they took part, spoke and sounded."""
    talk, limits = speaker.talk, options_of(conversation, "dynamics")
    facts: list[Fact] = [] if speaker.is_person else _played(speaker, conversation, words)
    if talk is not None:
        share_flag = words("flag_share", limit=words.percent(limits["flag_share"]))
        monologue_flag = words("flag_monologue", limit=words.exact(limits["flag_monologue_s"]))
        with_overlap = conversation.diarization.hears_overlap
        with_others = len(conversation.people) > 1
        facts = [
            Fact(
                words("talk"),
                words.clock(talk.talk_s),
                f"{words.percent(talk.share)} {words('share')}",
                share_flag if talk.share > limits["flag_share"] and with_others else "",
                key="talk",
            ),
            Fact(
                words("monologue"),
                words.length(talk.longest_monologue_s),
                words("with_pauses") if talk.longest_monologue_s > talk.talk_s else "",
                monologue_flag if talk.longest_monologue_s > limits["flag_monologue_s"] else "",
            ),
        ]
        facts += [_latency(talk, with_overlap, words)] if with_others else []
        said_facts = _said(said, words)
        facts += [Fact(words("interruptions"), str(talk.interruptions))] if with_overlap and with_others else []
        facts += said_facts[:1]
        facts.append(Fact(words("turns"), str(talk.turns), key="turns"))
        facts += [Fact(words("backchannels"), str(talk.backchannels))] if with_overlap and with_others else []
        facts += said_facts[1:]
        if talk.loudness_dbfs is not None:
            facts.append(Fact(words("loudness"), f"{words.number(talk.loudness_dbfs, 0)}\u00a0dBFS"))
    return SpeakerCard(
        label=speaker.label,
        title=title,
        name=speaker.name,
        kind=speaker.kind,
        talk_share=talk.share if talk else 0.0,
        facts=tuple(facts[:LEADING]),
        more=tuple(_helped(fact, words) for fact in facts[LEADING:]),
        affect=_affect(speaker, turns_by_person(conversation, speaker.label), words),
        shares=_shares(speaker, words),
        remarks=tuple(_remarks(speaker, conversation, words)),
        little=_little(speaker, words),
        basis=role_basis(speaker, words),
        legal=_legal(speaker, conversation, words),
    )


def _helped(fact: Fact, words: Wording) -> Fact:
    """A figure with the sentence on what it means."""
    known = {words(key): words(f"about_{key}") for key in _EXPLAINED}
    return replace(fact, help=known.get(fact.name, ""))


def _legal(speaker: Speaker, conversation: Conversation, words: Wording) -> str:
    """What the law says of the tone of a person at work, where it was computed all the same."""
    heard = speaker.affect is not None or any(
        t.activation is not None for t in conversation.turns if t.speaker == speaker.label
    )
    at_work = bool(speaker.role) and speaker.role not in _NOT_AT_WORK
    return words("legal_here") if heard and at_work and conversation.allow_restricted else ""


def _said(said: SpeakerWords | None, words: Wording) -> list[Fact]:
    """Pace, questions and hesitations, as far as the words tell."""
    if said is None:
        return []
    facts = [Fact(words("pace"), words.number(said.words_per_min, 0), words("n_words", n=said.words))]
    none = words("none_recognised")  # a zero would claim that there was none
    if said.questions is not None:
        share = words("of_sentences", n=said.sentences or 0) if said.questions else none
        facts.append(Fact(words("questions"), str(said.questions or "–"), share))
    if said.hesitations_per_min is not None:
        rate = words.number(said.hesitations_per_min or None, 1)
        facts.append(Fact(words("hesitations"), rate, words("per_minute") if said.hesitations_per_min else none))
    return facts


def _latency(talk: Talk, hears_overlap: bool, words: Wording) -> Fact:
    """The median gap before answering; unknown if turns abut and the diarizer does not detect overlap."""
    found = talk.response_latency_s
    if not hears_overlap and found is not None and found < ABUTS_S:
        return Fact(words("latency"), "–", words("not_heard"))
    return Fact(words("latency"), words("at_once") if found is not None and found < ABUTS_S else words.seconds(found))


def _affect(speaker: Speaker, by_person: int, words: Wording) -> tuple[Fact, ...]:
    affect = speaker.affect
    if affect is None:
        return ()

    def mean(name: str, e: Estimate | None) -> Fact:
        if e is None:
            return Fact(words(name), words.number(None), words("nowhere"))
        return Fact(words(name), words.number(e.mean, 2, sign=True), interval(e))

    def interval(e: Estimate) -> str:
        return f"{words.number(e.low, 2, sign=True)} … {words.number(e.high, 2, sign=True)}"

    def change(name: str, e: Estimate | None) -> Fact:
        value = words.number(e.mean if e else None, 2, sign=True)
        return Fact(words(name), value, interval(e) if e else "")

    facts = [
        mean("mean_valence", affect.valence),
        mean("mean_arousal", affect.arousal),
        change("change_valence", affect.valence_change),
        change("change_arousal", affect.arousal_change),
        Fact(
            words("judged"),
            words.seconds(affect.judged_s, 0),
            words("judged_value", turns=words("n_turns", n=affect.judged_turns), unsure=affect.unsure_turns)
            + (words("judged_by_person", n=by_person) if by_person else ""),
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
    return tuple(_helped(fact, words) for fact in facts)


def _little(speaker: Speaker, words: Wording) -> str:
    affect = speaker.affect
    if affect is None or affect.judged_s >= LITTLE_S:
        return ""
    return words("little_judged", seconds=words.seconds(affect.judged_s, 0))


def _shares(speaker: Speaker, words: Wording) -> tuple[tuple[str, float, str], ...]:
    if speaker.affect is None:
        return ()
    pairs = [*zip(CLASSES, speaker.affect.class_shares, strict=True), ("unsure", speaker.affect.unsure_share)]
    return tuple((key, share, f"{words(key)} {words.percent(share)}") for key, share in pairs if share >= 0.005)


def _remarks(speaker: Speaker, conversation: Conversation, words: Wording) -> list[str]:
    remarks = voice_remarks(speaker, words)
    unconfirmed = speaker.not_scored == "unconfirmed"
    if speaker.role_source == "guess" and not unconfirmed:
        remarks.append(words("role_guess_channel" if conversation.layout == "split" else "role_guess"))
    if speaker.not_scored:
        remarks.append(words(f"ns_{_why(speaker, conversation)}", role=words.role(speaker.role or "")))
    elif speaker.talk is not None and speaker.talk.talk_s > 0 and not _is_heard(speaker, conversation):
        remarks.append(words("ns_nothing"))
    if speaker.affect is not None and is_thin(speaker, conversation) and not _little(speaker, words):
        remarks.append(
            words(
                "thin_baseline",
                seconds=words.seconds(speaker.affect.judged_s),
                limit=words.exact(thin_baseline_s(conversation) or 0.0),
            )
        )
    return remarks


def _is_heard(speaker: Speaker, conversation: Conversation) -> bool:
    """Whether the tone of any of a speaker's turns was looked at."""
    return any(turn.windows for turn in conversation.turns if turn.speaker == speaker.label)


def _why(speaker: Speaker, conversation: Conversation) -> str:
    """Why emotion is not computed, as a part of the text's key."""
    if speaker.not_scored != "unconfirmed":
        return speaker.not_scored or ""
    if not speaker.role:
        return "no_role"
    return "unconfirmed_channel" if conversation.layout == "split" else "unconfirmed"
