"""Voices and a scene -> who says what, and when (pure, from a seeded generator)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from ressenti.pipeline.lab.simulation.options import Phase, Scene, Talk
from ressenti.pipeline.lab.simulation.voices import Utterance, Voice, shortened

_BEGIN_S = 0.5  # silence at the start
_BACKCHANNEL_S = (0.3, 0.7)
_BREATH_S = 0.1  # minimum pause between two utterances of one speaker
_SHORTEST_S = 0.3  # of a turn that is cut
_TRANSFER = (0.3, 0.7)  # of the conversation, drawn between


@dataclass(frozen=True)
class Placed:
    """An utterance at its time; for a backchannel, `until_s` keeps only its beginning."""

    start_s: float
    speaker: int
    utterance: Utterance
    until_s: float | None = None

    @property
    def end_s(self) -> float:
        """End time in seconds."""
        return self.start_s + (self.utterance.duration_s if self.until_s is None else self.until_s)

    @property
    def speech(self) -> list[tuple[float, float]]:
        """Stretches of speech (start_s, end_s) in the conversation."""
        last = self.utterance.duration_s if self.until_s is None else self.until_s
        spans = [(start, min(end, last)) for start, end in self.utterance.stretches if start < last]
        return [(round(self.start_s + start, 3), round(self.start_s + end, 3)) for start, end in spans]


class _Speaker:
    """Chooses a speaker's next utterance: of the given emotion, one of those used least so far."""

    def __init__(self, voice: Voice, rng: np.random.Generator) -> None:
        self._voice, self._rng = voice, rng
        self._used = np.zeros(len(voice.utterances), dtype=int)
        self.emotions = {u.emotion for u in voice.utterances}

    def say(self, emotion: str | None) -> Utterance:
        fits = [i for i, u in enumerate(self._voice.utterances) if emotion is None or u.emotion == emotion]
        least = self._used[fits].min()
        chosen = int(self._rng.choice([i for i in fits if self._used[i] == least]))
        self._used[chosen] += 1
        return self._voice.utterances[chosen]


def make_plan(voices: Sequence[Voice], scene: Scene, script: Sequence[Phase], rng: np.random.Generator) -> list[Placed]:
    """Plan the turns, pauses, overlaps and backchannels of a conversation, sorted by start."""
    if scene.third != "transfer":
        return _talk(voices, scene, script, rng)
    share = float(rng.uniform(*_TRANSFER))
    first, second = (scene.model_copy(update={"minutes": part * scene.minutes}) for part in (share, 1 - share))
    before = _talk(voices[:2], first, script, rng)
    after = _talk((voices[0], voices[2]), second, script, rng)
    end_s = max(p.end_s for p in before)
    moved = [replace(p, start_s=round(end_s + p.start_s, 3), speaker=2 * p.speaker) for p in after]
    return [*before, *moved]


def _talk(voices: Sequence[Voice], scene: Scene, script: Sequence[Phase], rng: np.random.Generator) -> list[Placed]:
    """A conversation in which everybody takes part, sorted by start."""
    talk, total_s = scene.talk, scene.minutes * 60
    speakers = [_Speaker(voice, rng) for voice in voices]
    parts = rng.permutation(len(voices))  # each speaker's part in the script
    ends = _phase_ends(script, total_s, rng)
    rate = float(rng.uniform(*talk.overlap_rate)) if talk.overlap_rate[1] > 0 else None
    placed: list[Placed] = []
    silent_s = [0.0] * len(voices)  # end of each speaker's last utterance
    talked_s = [0.0] * len(voices)
    at, now, before = _BEGIN_S, int(rng.integers(len(voices))), -1
    while at < total_s - 2 or min(talked_s) < talk.least_talk_s:
        at = max(at, silent_s[now] + _BREATH_S)
        emotion = _emotion(script, ends, at, int(parts[now]), speakers[now].emotions, rng)
        turn = _turn(speakers[now], now, (at, total_s), emotion, talk, rng)
        asides = _backchannels(turn, speakers, now, silent_s, talk, rng) if len(voices) > 1 else []
        placed += turn + asides
        for p in turn + asides:
            silent_s[p.speaker] = max(silent_s[p.speaker], p.end_s)
            talked_s[p.speaker] += sum(end - start for start, end in p.speech)
        due_s = talk.least_talk_s * min(1.0, at / (total_s - 2)) if total_s > 2 else talk.least_talk_s
        late = {k for k, seconds in enumerate(talked_s) if seconds < due_s}
        after = _next(now, before, len(voices), late, talk, rng)
        overlaps = None if rate is None else after != now and overlap_rate(placed) < rate
        room_s = turn[-1].utterance.duration_s if rate is None else turn[-1].end_s - turn[0].start_s
        at = max(p.end_s for p in turn) + _offset(room_s, after == now, overlaps, talk, rng)
        before, now = now, after
    return sorted(placed, key=lambda p: p.start_s)


def overlap_rate(plan: Sequence[Placed]) -> float:
    """Share of the time in which anybody speaks that two or more do (0 without speech)."""
    edges = sorted((at, step) for p in plan for span in p.speech for at, step in zip(span, (1, -1), strict=True))
    speech_s = both_s = last_s = 0.0
    count = 0
    for at, step in edges:
        speech_s += (at - last_s) * (count > 0)
        both_s += (at - last_s) * (count > 1)
        last_s, count = at, count + step
    return both_s / speech_s if speech_s else 0.0


def _turn(
    speaker: _Speaker, index: int, span: tuple[float, float], emotion: str | None, talk: Talk, rng: np.random.Generator
) -> list[Placed]:
    """Utterances with pauses between them, until the turn is long enough or the conversation ends."""
    at, total_s = span
    wanted_s = _lognormal(talk.turn_s, talk.turn_spread, rng)
    out: list[Placed] = []
    start = at
    while not out or (start - at < wanted_s and start < total_s):
        said = speaker.say(emotion)
        left_s = max(_SHORTEST_S, wanted_s - (start - at))
        if talk.cut and said.duration_s > left_s:
            said = shortened(said, left_s)
        out.append(Placed(round(start, 3), index, said))
        start = out[-1].end_s + _lognormal(talk.pause_s, talk.pause_spread, rng)
    return out


def _backchannels(
    turn: Sequence[Placed],
    speakers: Sequence[_Speaker],
    now: int,
    silent_s: Sequence[float],
    talk: Talk,
    rng: np.random.Generator,
) -> list[Placed]:
    """Short utterances of other speakers inside a turn, well before its end and not over their own speech."""
    out: list[Placed] = []
    chance = talk.backchannel_share / max(1e-9, 1 - talk.backchannel_share)
    free_s = turn[0].start_s + 0.5
    for unit in turn:
        length_s = round(float(rng.uniform(*_BACKCHANNEL_S)), 2)
        start_s = round(unit.start_s + float(rng.uniform(0.3, 0.9)) * unit.utterance.duration_s, 3)
        last_s = turn[-1].end_s - talk.longest_overlap_s - 0.3
        other = int(rng.choice([i for i in range(len(speakers)) if i != now]))
        said = speakers[other].say("neutral" if "neutral" in speakers[other].emotions else None)
        fits = start_s >= max(free_s, silent_s[other] + _BREATH_S) and start_s + length_s <= last_s
        if rng.random() < chance and fits:
            out.append(Placed(start_s, other, said, min(length_s, said.duration_s)))
            free_s = start_s + length_s + 0.3
    return out


def _next(now: int, before: int, count: int, late: Set[int], talk: Talk, rng: np.random.Generator) -> int:
    """The next speaker: never the current one, and with three or more preferably the previous one.

    If some others have talked too little so far (`late`) and the previous speaker is not preferred, it is one of them.
    """
    if count == 1:
        return 0
    if 0 <= before != now and (count == 2 or rng.random() < talk.return_share):
        return before
    others = [i for i in range(count) if i not in (now, before)] or [1 - now]
    return int(rng.choice([i for i in others if i in late] or others))


def _offset(room_s: float, same: bool, overlaps: bool | None, talk: Talk, rng: np.random.Generator) -> float:
    """Seconds from the end of a turn to the next: a gap, or negative for an overlap of at most half of `room_s`.

    `overlaps` None draws which.
    """
    if overlaps is None:
        overlaps = not same and rng.random() < talk.overlap_share
    if overlaps:
        overlap_s = _lognormal(talk.overlap_s, talk.overlap_spread, rng)
        return -min(overlap_s, 0.5 * room_s, talk.longest_overlap_s)
    return _lognormal(talk.gap_s, talk.gap_spread, rng)


def _phase_ends(script: Sequence[Phase], total_s: float, rng: np.random.Generator) -> list[float]:
    """End of each phase: by its share, with some random variation."""
    shares = np.array([phase.share for phase in script]) * np.exp(rng.normal(0, 0.15, len(script)))
    return (np.cumsum(shares) / max(shares.sum(), 1e-9) * total_s).tolist() if len(script) else []


def _emotion(
    script: Sequence[Phase], ends: Sequence[float], at: float, part: int, known: set[str], rng: np.random.Generator
) -> str | None:
    """Draw the emotion of a turn from the script, among those that the voice has; None means any."""
    if not script:
        return None
    phase = script[min(sum(at >= end for end in ends), len(script) - 1)]
    wanted = phase.emotions[min(part, len(phase.emotions) - 1)]
    likely = {name: weight for name, weight in wanted.items() if name in known}
    if not likely:
        return "neutral" if "neutral" in known else None
    names = sorted(likely)
    weights = np.array([likely[name] for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def _lognormal(median: float, spread: float, rng: np.random.Generator) -> float:
    return float(median * np.exp(rng.normal(0, spread)))
