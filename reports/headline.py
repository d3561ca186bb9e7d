"""Conversation -> a headline in words, made by fixed rules and no surer than the numbers (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from ressenti.pipeline.content import keywords_in
from ressenti.pipeline.records import CLASSES, Affect, Conversation, Estimate, Exchange, Moment, Speaker, Talk
from ressenti.reports.emotion_model import is_builtin
from ressenti.reports.moments import ANYBODY, Told, by_person, first_to_hear, heard_from_s, tone_of
from ressenti.reports.page_options import is_scored, lacks_model, options_of, tells_activation, titles_of
from ressenti.reports.what_was_said import quote_of
from ressenti.reports.who_spoke import count_likelihood
from ressenti.reports.wording import Wording

MOSTLY_UNSURE = 0.5  # share of judged time; above it, a speaker's classes are not named
MOSTLY = 0.5  # share of judged time from which a speaker sounds mostly like one class
LITTLE_S = 20.0  # of judged speech; below it, a speaker's tone is not described
NOTABLE = 0.1  # share of judged time from which a class is named
EVEN = 0.58  # share of talk up to which two people speak about equally
SHORT_S, LONG_S = 4.0, 20.0  # half of the talk is in turns up to this length that are called short, and long
THROUGHOUT = 0.95  # share of judged time from which a speaker sounds like one class throughout
HOLD_S = 5.0  # of music and announcements that are worth a sentence
MOST_TOLD = 3  # speakers whose tone is described
QUOTED = 8  # words of the place to listen to first
TERMS = 4  # keywords named
MOST_SENTENCES = 5  # of the headline; what does not fit stands in figures, speaker cards and what was said


def headline(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """At most five sentences: the kind of talk, what it did, the voices, where to listen first, how sure that is."""
    return tuple(" ".join(part.text for part in parts) for parts in headline_parts(conversation, words))


def headline_parts(conversation: Conversation, words: Wording) -> tuple[tuple[Told, ...], ...]:
    """The sentences in parts, each with whose tone it tells.

    Of a voice, only what can be told is said: what cannot is in the last sentence, once for all speakers.
    """
    titles = titles_of(conversation, words)
    kind = _kind(conversation, titles, words)
    spoken = [s for s in conversation.people if s.talk and s.talk.talk_s > 0]
    if not spoken:
        return ((Told(kind[0]),),)
    tone = _tone(conversation, titles, words)
    rest = [
        *((Told(text),) for text in _talk(conversation, spoken, titles, words)),
        *([tone] if tone else []),
        *_listen_first(conversation, titles, words),
        *((Told(text),) for text in _how_sure(conversation, titles, words)),
    ]
    left = MOST_SENTENCES - 1 - len(rest)
    return (tuple(map(Told, kind[: 1 + left])), *rest)


def _kind(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[str]:
    """What kind of talk it was, with the doubt about the count and what is played; then how long turns are."""
    talks = [(s, s.talk) for s in conversation.people if s.talk and s.talk.talk_s > 0]
    if not talks:
        return [words("hl_nobody")]
    most, talk = max(talks, key=lambda pair: pair[1].share)
    told = {"n": len(talks), "who": titles[most.label], "share": words.percent(talk.share)}
    if len(talks) == 1:
        kind = words("hl_kind_one", **told)
    elif len(talks) == 2:
        kind = words("hl_kind_even" if talk.share <= EVEN else "hl_kind_two", **told)
    else:
        kind = words("hl_kind_many", **told)
    first = [kind, *_count(conversation, words), *_played(conversation, words)]
    return [_joined(first, words), *_turns(conversation, words)]


def most_said(conversation: Conversation, words: Wording) -> str:
    """The words that are said most often, in a sentence beside the headline; empty if there are hardly any."""
    said = keywords_in(conversation)[:TERMS]
    if len(said) < 2:  # one word tells no subject
        return ""
    return words("hl_terms", terms=words.listed([words("quoted", text=k.term) for k in said]))


def _turns(conversation: Conversation, words: Wording) -> list[str]:
    lengths = sorted(turn.duration_s for turn in conversation.people_turns)
    if len(conversation.people) < 2 or len(lengths) < 6:
        return []
    so_far = list(accumulate(lengths))
    middle = next(length for length, sum_s in zip(lengths, so_far, strict=True) if sum_s >= so_far[-1] / 2)
    return [words("hl_turns_short")] if middle < SHORT_S else [words("hl_turns_long")] if middle > LONG_S else []


def _count(conversation: Conversation, words: Wording) -> list[str]:
    """That the number of speakers may be wrong."""
    if conversation.diarization.count_confidence != "low":
        return []
    probability = count_likelihood(conversation, words)
    return [words("hl_count_likely", probability=probability) if probability else words("hl_count_low")]


def _played(conversation: Conversation, words: Wording) -> list[str]:
    """Music and announcements, where they take time."""
    holds = conversation.exchange.holds if conversation.exchange else ()
    seconds = sum(hold.end_s - hold.start_s for hold in holds)
    if seconds < HOLD_S:
        return []
    first = min(holds, key=lambda hold: hold.start_s)
    begins = first.start_s < 2.0 and len(holds) == 1
    return [words("hl_hold_first" if begins else "hl_hold", length=words.length(seconds))]


def _talk(conversation: Conversation, spoken: list[Speaker], titles: dict[str, str], words: Wording) -> list[str]:
    """The longest silence, who interrupts, the longest monologue, in one sentence and in order of time."""
    exchange = conversation.exchange
    if exchange is None:
        return []
    untimed, timed = [], []
    if exchange.silences:
        timed.append(_longest_silence(exchange, words))
    else:
        untimed.append(words("hl_no_silence", limit=words.exact(options_of(conversation, "dynamics")["silence_s"])))
    if len(spoken) > 1:
        if conversation.diarization.hears_overlap:
            untimed += _interruptions([(s, s.talk) for s in spoken if s.talk], titles, words)
        timed += [
            (
                m.start_s,
                words(
                    "hl_monologue",
                    who=titles[m.speaker or ""],
                    length=words.length(float(m.values["seconds"])),
                    time=words.clock(m.start_s),
                ),
            )
            for m in conversation.moments
            if m.kind == "monologue"
        ]
    return [words.sentence([*untimed, *(text for _, text in sorted(timed))])]


def _longest_silence(exchange: Exchange, words: Wording) -> tuple[float, str]:
    longest = max(exchange.silences, key=lambda s: s.end_s - s.start_s)
    length = words.length(longest.end_s - longest.start_s)
    return longest.start_s, words("hl_silence", length=length, time=words.clock(longest.start_s))


def _interruptions(talks: list[tuple[Speaker, Talk]], titles: dict[str, str], words: Wording) -> list[str]:
    often = sorted(((talk.interruptions, titles[s.label]) for s, talk in talks), reverse=True)
    return [words("hl_interrupts", who=title, n=n) for n, title in often if n] or [words("hl_no_interruption")]


def _tone(conversation: Conversation, titles: dict[str, str], words: Wording) -> tuple[Told, ...]:
    """How the voices of whom it can be told sounded and moved; else that none stands out, if that is known."""
    heard_s = _heard_s(conversation)
    if alike := _alike(conversation, heard_s, titles, words):
        return (Told(alike, ANYBODY),)
    told = []
    for speaker in conversation.people:
        if heard_s[speaker.label] >= LITTLE_S:
            how = _how(speaker, conversation, words)
            text = words("hl_tone", who=titles[speaker.label], how=words.listed(how)) if how else ""
            told += [Told(text, speaker.label)] if how else []
    if told:
        told = told[:MOST_TOLD]
        return (*(_continued(one, words) for one in told[:-1]), told[-1])
    if not any(seconds >= LITTLE_S for seconds in heard_s.values()):
        if lacks_model(conversation) or is_scored(conversation):
            return (Told(words("hl_too_little" if is_scored(conversation) else "hl_activated_unknown")),)
        return ()
    if tells_activation(conversation):
        return (Told(words("hl_activated_nobody"), ANYBODY),)
    if lacks_model(conversation):
        return (Told(words("hl_activated_unknown")),)
    silent = not is_scored(conversation) or _mostly_unsure(conversation)
    return () if silent else (Told(words("hl_no_peak"), ANYBODY),)


def _alike(conversation: Conversation, heard_s: dict[str, float], titles: dict[str, str], words: Wording) -> str:
    """One sentence for all voices, if nothing is told of any but the same class most of the time; else nothing."""
    shares, tones = {}, set()
    for speaker in conversation.people:
        affect = speaker.affect
        if heard_s[speaker.label] < LITTLE_S or affect is None:
            return ""
        share, tone = max(zip(affect.class_shares, CLASSES, strict=True))
        if share < MOSTLY or len(_how(speaker, conversation, words)) > 1:
            return ""
        shares[titles[speaker.label]] = share
        tones.add(tone)
    if len(shares) < 2 or len(tones) > 1:
        return ""
    told = words("tone_" + tones.pop())
    if min(shares.values()) >= THROUGHOUT:
        return words("hl_all_throughout", tone=told)
    if len(shares) > MOST_TOLD:
        return words("hl_all_mostly_least", tone=told, share=words.percent(min(shares.values())))
    each = words.listed([f"{who} {words.percent(share)}" for who, share in shares.items()])
    return words("hl_all_mostly", tone=told, each=each)


def _heard_s(conversation: Conversation) -> dict[str, float]:
    """Judged speech of each speaker (s)."""
    heard_s: dict[str, float] = defaultdict(float)
    for turn in conversation.turns:
        heard_s[turn.speaker] += turn.judged_s
    return heard_s | {s.label: s.affect.judged_s for s in conversation.speakers if s.affect}


def _how(speaker: Speaker, conversation: Conversation, words: Wording) -> list[str]:
    """How a speaker sounded: classes where most of it is sure, certain peaks, certain changes."""
    own = [m for m in conversation.moments if m.speaker == speaker.label and m.certain]
    scored = sum(s.affect is not None for s in conversation.speakers)
    parts = _classes(speaker.affect, words) if speaker.affect else []
    for m in own:
        if m.kind == "activated":
            start, end, sd = words.clock(m.start_s), words.clock(m.end_s), _signed(m, "activation", words)
            parts.append(words("hl_more_activated", start=start, end=end, activation=sd))
        if m.kind == "tension" and speaker.affect:
            parts.append(_tensest(m, conversation, words))
    least = options_of(conversation, "moments")["least_change"]
    return parts + (_moved(speaker.affect, 2 * scored, least, words) if speaker.affect else [])


def _classes(affect: Affect, words: Wording) -> list[str]:
    pairs = sorted(zip(affect.class_shares, CLASSES, strict=True), reverse=True)
    share, name = pairs[0]
    if share >= THROUGHOUT:
        return [words("hl_throughout", tone=words(f"tone_{name}"))]
    if share >= MOSTLY:
        return [words("hl_mostly", tone=words(f"tone_{name}"), share=words.percent(share))]
    if affect.unsure_share > MOSTLY_UNSURE:
        return []
    named = [f"{words(f'tone_{name}')} {words.percent(share)}" for share, name in pairs if share >= NOTABLE]
    return [words("hl_classes", classes=", ".join(named))] if named else []


def _tensest(m: Moment, conversation: Conversation, words: Wording) -> str:
    told = words(
        "hl_tensest",
        time=words.clock(heard_from_s(m, conversation)),
        score=words.percent(float(m.values["tension"])),
        usual=words.percent(float(m.values["usual"])),
    )
    share = by_person(m)
    return f"{told}, {words('mo_by_person', share=words.percent(share))}" if share else told


def _moved(affect: Affect, looks: int, least: float, words: Wording) -> list[str]:
    """How a voice moved from the first to the last quarter, where it surely did and by so much that it is heard."""
    moved = [
        words(f"hl_{axis}_{'up' if change.mean > 0 else 'down'}", change=_with_interval(change, words))
        for axis, change in (("arousal", affect.arousal_change), ("valence", affect.valence_change))
        if change is not None and change.differs_from_zero(looks) and abs(change.mean) >= least
    ]
    return [words("hl_moved", how=words.listed(moved))] if moved else []


def _listen_first(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[tuple[Told, ...]]:
    """The place to listen to first, with what is said there."""
    first = first_to_hear(conversation)
    if first is None:
        return []
    start_s = heard_from_s(first, conversation)
    told = words("hl_first" if first.certain else "hl_first_chance", time=words.clock(start_s))
    quote = quote_of(first, conversation, start_s, QUOTED)
    who = titles.get(first.speaker or "", "")
    text = words("hl_first_quote", told=told, who=who, quote=quote) if quote and who else words("stop", text=told)
    return [(Told(text, tone_of(first)),)]


def _mostly_unsure(conversation: Conversation) -> bool:
    """Whether more than half of the judged speech is unsure, so that a missing peak means nothing."""
    known = [s.affect for s in conversation.speakers if s.affect]
    return sum(a.judged_s * a.unsure_share for a in known) > MOSTLY_UNSURE * sum(a.judged_s for a in known)


def _how_sure(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[str]:
    """One sentence on the tone of all: whose was not computed, how far it can be told, how often it is right."""
    unscored = [titles[s.label] for s in conversation.people if s.not_scored]
    if unscored and len(unscored) == len(conversation.people):
        return [words("hl_none_scored")]
    sentences = [words("hl_not_scored", who=words.listed(unscored))] if unscored else []
    return (
        [_joined([*sentences, *_checked(conversation, words)], words)] if is_scored(conversation) or sentences else []
    )


def _checked(conversation: Conversation, words: Wording) -> list[str]:
    """How far the model's answers can be relied on; classes set by a person are counted separately."""
    judged = [t for t in conversation.turns if t.emotion is not None]
    if not judged or not is_scored(conversation):
        return []
    corrected = [t for t in judged if t.by_person]
    if len(corrected) == len(judged):
        return [words("hl_sure_people", n=len(corrected))]
    found = conversation.validation
    if found is not None and found.is_of(conversation.models):
        sentence = words("hl_sure_validated", right=words.percent(found.right), turns=words("n_turns", n=found.turns))
    else:
        own = "_builtin" if is_builtin(conversation) else ""
        sentence = words(f"hl_unsure{own}" if _mostly_unsure(conversation) else f"hl_sure{own}")
    return [sentence, *([words("hl_sure_person", n=len(corrected), all=len(judged))] if corrected else [])]


def _joined(sentences: Sequence[str], words: Wording) -> str:
    """Sentences as one, with semicolons; none but the first may begin with a name."""
    told = sentences[0]
    for text in sentences[1:]:
        told = words("hl_joined", first=told.removesuffix("."), more=text[:1].lower() + text[1:])
    return told


def _continued(told: Told, words: Wording) -> Told:
    """A part after which its sentence goes on."""
    return replace(told, text=words("hl_joined", first=told.text.removesuffix("."), more="").rstrip())


def _signed(m: Moment, name: str, words: Wording) -> str:
    return words.number(float(m.values[name]), 1, sign=True)


def _with_interval(change: Estimate, words: Wording) -> str:
    low, high = (words.number(value, 2, sign=True) for value in (change.low, change.high))
    return f"{words.number(change.mean, 2, sign=True)} ({low} … {high})"
