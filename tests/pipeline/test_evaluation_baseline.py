from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import load_config
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.lab.evaluation.baseline import Talks, hear_talks, one_emotion_figures, talks_of
from ressenti.pipeline.lab.evaluation.emotion import ClipScores, Cut, figures_of, hear
from ressenti.pipeline.lab.labelled_speech.corpora import EMOTIONS, Clip
from ressenti.pipeline.records import EmotionScores

CONFIG = load_config()
LEVELS = {"sad": 200, "neutral": 500, "angry": 1_000}
POPULATION, BLEND_S = 500.0, 10.0
pytestmark = pytest.mark.usefixtures("fewer_draws")


def cuts_of(speakers: str, each: int, seconds: float, names: Sequence[str] = tuple(LEVELS)) -> list[Cut]:
    """Clips of constant samples, whose value tells the emotion."""
    count = round(seconds * RATE_HZ)
    return [
        Cut(
            Clip(Path(f"{who}-{name}-{k}.wav"), "ours", who, name),
            np.full(count, LEVELS[name], np.int16),
            ((0.0, seconds, seconds),),
        )
        for who in speakers
        for name in names
        for k in range(each)
    ]


class Relative(FakeEmotion):
    """Hears a value against the speaker's mean, blended with the population's.

    More than 300 above is Tension, more than 200 below is Sad, else Neutral.
    """

    def score(self, excerpts: Sequence[Excerpt], *_: object) -> list[EmotionScores]:
        self.heard += excerpts
        own: dict[str, list[Excerpt]] = defaultdict(list)
        for excerpt in excerpts:
            own[excerpt.speaker].append(excerpt)
        base = {}
        for who, items in own.items():
            heard_s = sum(len(e.samples) for e in items) / RATE_HZ
            weight = heard_s / (heard_s + BLEND_S)
            mean = float(np.mean(np.concatenate([e.samples for e in items])))
            base[who] = weight * mean + (1 - weight) * POPULATION
        differences = [float(e.samples[0]) - base[e.speaker] for e in excerpts]
        return [sure_of(4 if d > 300 else 3 if d < -200 else 2) for d in differences]


def sure_of(label: int) -> EmotionScores:
    return EmotionScores(tuple(0.96 if k == label else 0.01 for k in range(5)))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_conversations_are_as_long_as_asked_and_hold_every_clip_often_enough() -> None:
    emotions = ["sad"] * 20 + ["angry"] * 20 + ["calm"] * 5
    lengths = np.random.default_rng(1).uniform(1, 3, len(emotions)).tolist()
    for seconds_s in (3.0, 10.0, 60.0, 300.0):
        talks = talks_of(lengths, emotions, seconds_s, rng(), 3)
        count = Counter(i for talk in talks for i in set(talk))
        assert min(count[i] for i in range(len(emotions))) >= 3
        for talk in talks:
            assert sum(lengths[i] for i in talk) == pytest.approx(seconds_s, abs=1.5)
        assert talks == talks_of(lengths, emotions, seconds_s, rng(), 3)


def test_nothing_is_repeated_while_there_is_something_else_to_say() -> None:
    for talk in talks_of([2.0] * 30, ["sad"] * 15 + ["angry"] * 15, 20.0, rng()):
        assert len(set(talk)) == len(talk)
    for talk in talks_of([2.0] * 4, ["sad"] * 4, 60.0, rng()):
        assert sorted(Counter(talk).values()) in ([7, 7, 8, 8], [7, 8, 8, 8], [7, 7, 7, 8])


def test_a_clip_that_is_too_long_is_a_conversation_of_its_own() -> None:
    assert talks_of([8.0, 9.0], ["sad", "angry"], 3.0, rng(), 1) in ([[0], [1]], [[1], [0]])


def test_shares_are_not_balanced_and_no_emotion_is_preferred() -> None:
    emotions = [name for name in EMOTIONS for _ in range(40)]
    talks = talks_of([2.0] * len(emotions), emotions, 120.0, rng(), 8)
    shares = [Counter(emotions[i] for i in talk) for talk in talks]
    largest = np.mean([max(c.values()) / sum(c.values()) for c in shares])
    assert 0.35 < largest < 0.75  # of eight balanced ones it would be 0.125, and 0.19 were each clip drawn by itself
    total = Counter(emotions[i] for talk in talks for i in talk)
    assert min(total[name] for name in EMOTIONS) > 0.6 * max(total[name] for name in EMOTIONS)


def test_each_clip_counts_as_often_as_any_other_and_others_change_nothing() -> None:
    cuts = cuts_of("abcd", 4, 2.0)
    talks = hear_talks(cuts, 20.0, Relative(), CONFIG, times=3)
    assert set(Counter(str(h.clip.path) for h in talks.heard).values()) == {3}
    assert len(talks.heard) == 3 * len(cuts)
    assert talks.seconds == pytest.approx(20.0)
    assert 0 < talks.different_s < 20.0
    fewer = hear_talks(cuts_of("b", 4, 2.0), 20.0, Relative(), CONFIG, times=3)
    assert fewer.heard == tuple(h for h in talks.heard if h.clip.speaker == "b")


def test_a_conversation_is_one_baseline() -> None:
    model = FakeEmotion(lambda _: sure_of(2))
    asked: list[set[str]] = []
    answer = model.score

    def score(excerpts: Sequence[Excerpt], *_: object) -> list[EmotionScores]:
        asked.append({e.speaker for e in excerpts})
        return answer(excerpts)

    model.score = score  # type: ignore[method-assign]
    talks = hear_talks(cuts_of("ab", 2, 2.0), 6.0, model, CONFIG, times=1)
    assert all(len(names) == 1 for names in asked)
    assert len(asked) == talks.conversations


def test_long_clips_count_their_windows_together() -> None:
    plan = ((0.0, 8.0, 6.0), (4.0, 12.0, 6.0))
    cuts = [
        Cut(Clip(Path(f"{k}.wav"), "ours", "a", "sad"), np.full(12 * RATE_HZ, 200, np.int16), plan) for k in range(2)
    ]
    model = Relative()
    talks = hear_talks(cuts, 24.0, model, CONFIG, times=1)
    assert (talks.conversations, talks.seconds, len(talks.heard)) == (1, pytest.approx(24.0), 2)
    assert {len(e.samples) for e in model.heard} == {8 * RATE_HZ}


def only(cuts: Sequence[Cut], seconds_s: float) -> Talks:
    return hear_talks(cuts, seconds_s, Relative(), CONFIG, one_emotion=True, times=1)


@pytest.mark.slow("judges hundreds of clips")
def test_who_is_angry_throughout_is_heard_as_less_angry_the_more_is_heard() -> None:
    """By hand: 1000 is Tension while the base is below 700, w 1000 + (1 - w) 500 with w = s / (s + 10): s below 6.67.

    200 is Sad while the base is above 400: w 200 + (1 - w) 500, s below 5. Neutral is always right.
    """
    cuts = cuts_of("abcd", 5, 2.0)
    alone: list[ClipScores] = hear(cuts, Relative(), CONFIG, alone=True)
    by_name = {f.label: f for f in one_emotion_figures(alone, alone)}
    assert {name: f.recall for name, f in by_name.items()} == {"Neutral": 1, "Sad": 1, "Tension": 1}
    assert {f.recall_change for f in by_name.values()} == {None}
    for seconds_s, sad, tension in ((4.0, 1, 1), (6.0, 0, 1), (8.0, 0, 0), (300.0, 0, 0)):
        talks = only(cuts, seconds_s)
        assert talks.seconds == pytest.approx(seconds_s)
        found = {f.label: f for f in one_emotion_figures(talks.heard, alone)}
        assert {name: f.recall for name, f in found.items()} == {"Neutral": 1, "Sad": sad, "Tension": tension}
        assert found["Tension"].recall_change == tension - 1
        assert (found["Tension"].clips, found["Tension"].speakers) == (20, 4)
        change = found["Tension"].arousal_change_interval
        assert change is not None
        anchors, low = CONFIG.affect.anchors, 0.01
        fall = (0.96 - low) * (anchors["Tension"][1] - anchors["Neutral"][1])
        assert found["Tension"].arousal_change == pytest.approx(0 if tension else -fall)
        assert (change.low, change.high) == (pytest.approx(0 if tension else -fall),) * 2


def test_balanced_speech_is_heard_right_where_one_emotion_is_not() -> None:
    """By hand: of 60 s, a third each, the mean is 566.7 and the base 557: 1000 is 443 above, 200 is 357 below."""
    cuts = cuts_of("abcd", 10, 2.0)
    assert figures_of(hear(cuts, Relative(), CONFIG), CONFIG).recall == 1
    talks = only(cuts, 60.0)
    assert figures_of(talks.heard, CONFIG).recall == pytest.approx(1 / 3)


def test_clips_without_a_class_are_heard_beside_others_but_not_alone() -> None:
    cuts = cuts_of("a", 2, 2.0)
    fearful = Cut(Clip(Path("f.wav"), "ours", "a", "fearful"), cuts[0].samples, cuts[0].plan)
    assert "fearful" in {h.clip.emotion for h in hear_talks([*cuts, fearful], 6.0, Relative(), CONFIG).heard}
    assert "fearful" not in {h.clip.emotion for h in only([*cuts, fearful], 6.0).heard}


def test_what_has_no_place_in_the_plane_has_no_mean() -> None:
    low = EmotionScores((0.1, 0.2, 0.1, 0.1, 0.1), "sigmoid")
    heard = [ClipScores(c.clip, low, None) for c in cuts_of("abcd", 1, 1.0, ("angry",))]
    (figures,) = one_emotion_figures(heard, heard)
    assert (figures.label, figures.recall, figures.arousal, figures.valence_interval) == ("Tension", 0, None, None)
