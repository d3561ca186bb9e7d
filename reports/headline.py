"""Conversation -> a headline in words, made by fixed rules and no surer than the numbers (pure)."""

from __future__ import annotations

from collections import defaultdict

from ressenti.pipeline.records import CLASSES, Conversation, Estimate, Speaker
from ressenti.reports.moments import by_person, heard_from_s
from ressenti.reports.page_options import is_scored, lacks_model, options_of, tells_activation, titles_of
from ressenti.reports.what_was_said import quote_of
from ressenti.reports.who_spoke import count_likelihood
from ressenti.reports.wording import Wording

MOSTLY_UNSURE = 0.5  # share of judged time; above it, a speaker's classes are not named
LITTLE_S = 20.0  # of judged speech; below it, a speaker's tone is not described
NOTABLE = 0.1  # share of judged time from which a class is named


def headline(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """Sentences: who spoke how much, what the talk did, what is known of each voice, how sure that is.

    Of a voice, only what can be told is said: what cannot is in the last sentence, once for all speakers.
    """
    titles = titles_of(conversation, words)
    sentences = [_who(conversation, titles, words), *_talk(conversation, titles, words)]
    scored = [s for s in conversation.speakers if s.affect is not None]
    sentences += [told for s in scored if (told := _tone(s, titles[s.label], 2 * len(scored), words))]
    sentences += _most_activated(conversation, titles, words)
    sentences += _tensest(conversation, titles, words)
    unscored = [titles[s.label] for s in conversation.people if s.not_scored]
    if unscored and len(unscored) == len(conversation.people):
        sentences.append(words("hl_none_scored"))
    elif unscored:
        sentences.append(words("hl_not_scored", who=words.listed(unscored)))
    sentences += [_how_sure(conversation, words)] if is_scored(conversation) else []
    return tuple(sentences)


def _who(conversation: Conversation, titles: dict[str, str], words: Wording) -> str:
    shares = sorted(
        ((s.talk.share, titles[s.label]) for s in conversation.speakers if s.talk and s.talk.talk_s > 0), reverse=True
    )
    length = words.clock(conversation.recording.duration_s)
    low = conversation.diarization.count_confidence == "low"
    if not shares:
        return words("hl_nobody", length=length)
    probability = count_likelihood(conversation, words)
    doubt = "" if not low else "_likely" if probability else "_low"
    if len(shares) == 1:
        return words(f"hl_one{doubt}", length=length, who=shares[0][1], probability=probability)
    spoken = words.listed([f"{title} {words.percent(share)}" for share, title in shares])
    return words(f"hl_who{doubt}", n=len(shares), length=length, shares=spoken, probability=probability)


def _talk(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[str]:
    """The longest silence, who interrupts, the longest monologue; nothing if nobody talks."""
    exchange = conversation.exchange
    spoken = [s for s in conversation.people if s.talk and s.talk.talk_s > 0]
    if not spoken or exchange is None:
        return []
    parts = []
    if exchange.silences:
        longest = max(exchange.silences, key=lambda s: s.end_s - s.start_s)
        length = words.seconds(longest.end_s - longest.start_s, 0)
        parts.append(words("hl_silence", seconds=length, time=words.clock(longest.start_s)))
    else:
        parts.append(words("hl_no_silence", limit=words.exact(options_of(conversation, "dynamics")["silence_s"])))
    if len(spoken) > 1:
        often = sorted(((s.talk.interruptions, titles[s.label]) for s in spoken if s.talk), reverse=True)
        parts += [words("hl_interrupts", who=title, n=n) for n, title in often if n] or [words("hl_no_interruption")]
        parts += [
            words(
                "hl_monologue",
                who=titles[m.speaker or ""],
                seconds=words.seconds(float(m.values["seconds"]), 0),
                time=words.clock(m.start_s),
            )
            for m in conversation.moments
            if m.kind == "monologue"
        ]
    return [" ".join(parts)]


def _tone(speaker: Speaker, title: str, looks: int, words: Wording) -> str:
    """How a speaker sounded, where most of it is sure, and how that moved, where it surely did; else empty."""
    affect = speaker.affect
    if affect is None or affect.judged_s < LITTLE_S:
        return ""
    moved = [
        words(f"hl_{axis}_{'up' if change.mean > 0 else 'down'}", change=_with_interval(change, words))
        for axis, change in (("arousal", affect.arousal_change), ("valence", affect.valence_change))
        if change is not None and change.differs_from_zero(looks)
    ]
    how = words.listed(moved)
    if affect.unsure_share > MOSTLY_UNSURE:
        return words("hl_who_moved", who=title, how=how) if moved else ""
    pairs = sorted(zip(affect.class_shares, CLASSES, strict=True), reverse=True)
    named = [f"{words(name)} {words.percent(share)}" for share, name in pairs if share >= NOTABLE]
    unsure = words.percent(affect.unsure_share)
    told = words("hl_sounded", who=title, classes=words.listed(named) or "–", unsure=unsure)
    return f"{told} {words('hl_moved', how=how)}" if moved else told


def _tensest(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[str]:
    """Who sounds tensest and where; where most is unsure, only if it is certain."""
    if not is_scored(conversation):
        return []
    enough = {s.label for s in conversation.speakers if s.affect and s.affect.judged_s >= LITTLE_S}
    peaks = [m for m in conversation.moments if m.kind == "tension" and m.speaker in enough]
    if not enough:
        return [words("hl_too_little")]
    if _mostly_unsure(conversation) and not any(m.certain for m in peaks):
        return []
    if not peaks:
        left_out = [titles[s.label] for s in conversation.speakers if s.affect and s.label not in enough]
        return [words("hl_no_peak_of_some", who=words.listed(left_out)) if left_out else words("hl_no_peak")]
    sure = [m for m in peaks if m.certain]
    best = max(sure or peaks, key=lambda m: float(m.values["tension"]))
    sentence = words(
        "hl_tensest" if best.certain else "hl_tensest_unsure",
        who=titles[best.speaker or ""],
        time=words.clock(heard_from_s(best, conversation)),
        score=words.percent(float(best.values["tension"])),
        usual=words.percent(float(best.values["usual"])),
    )
    share = by_person(best)
    return [f"{sentence} {words('hl_tensest_person', share=words.percent(share))}" if share else sentence]


def _most_activated(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[str]:
    """Who sounds most activated against their own level and where, if anybody's voice stands out from it.

    Where there are no classes, a sentence says that none does, or that this cannot be known.
    """
    heard_s: dict[str, float] = defaultdict(float)
    for turn in conversation.turns:
        heard_s[turn.speaker] += turn.judged_s
    heard_s |= {s.label: s.affect.judged_s for s in conversation.speakers if s.affect}
    found = [m for m in conversation.moments if m.kind == "activated" and heard_s[m.speaker or ""] >= LITTLE_S]
    if not found:
        key = "hl_activated_nobody" if tells_activation(conversation) else "hl_activated_unknown"
        return [words(key)] if lacks_model(conversation) else []
    best = max(found, key=lambda m: (m.certain, float(m.values["activation"])))
    start_s = heard_from_s(best, conversation)
    sentence = words(
        "hl_activated" if best.certain else "hl_activated_unsure",
        who=titles[best.speaker or ""],
        time=words.clock(start_s),
        activation=words.number(float(best.values["activation"]), 1, sign=True),
    )
    quote = quote_of(best, conversation, start_s) if best.certain else ""
    return [f"{sentence} {words('hl_said_there', quote=quote)}" if quote else sentence]


def _mostly_unsure(conversation: Conversation) -> bool:
    """Whether more than half of the judged speech is unsure, so that a missing peak means nothing."""
    known = [s.affect for s in conversation.speakers if s.affect]
    return sum(a.judged_s * a.unsure_share for a in known) > MOSTLY_UNSURE * sum(a.judged_s for a in known)


def _how_sure(conversation: Conversation, words: Wording) -> str:
    """How much of the speech that the model judged is unsure; classes set by a person are counted separately."""
    judged = [t for t in conversation.turns if t.emotion is not None]
    by_model, corrected = [t for t in judged if not t.by_person], [t for t in judged if t.by_person]
    model_s, person_s = sum(t.judged_s for t in by_model), sum(t.judged_s for t in corrected)
    if corrected and not by_model:
        return words("hl_sure_people", n=len(corrected))
    share = words.percent(sum(t.judged_s for t in by_model if t.unsure) / model_s if model_s else 1.0)
    found = conversation.validation
    valid = found if found is not None and found.is_of(conversation.models) else None
    sentence = (
        words("hl_sure_validated", share=share, f1=words.number(valid.macro_f1), turns=words("n_turns", n=valid.turns))
        if valid
        else words("hl_sure", share=share)
    )
    if not corrected:
        return sentence
    part = words.percent(person_s / (model_s + person_s))
    return f"{sentence} {words('hl_sure_person', n=len(corrected), all=len(judged), share=part)}"


def _with_interval(change: Estimate, words: Wording) -> str:
    low, high = (words.number(value, 2, sign=True) for value in (change.low, change.high))
    return f"{words.number(change.mean, 2, sign=True)} ({low} … {high})"
