from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.emotion.builtin import BuiltinEmotion
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.evaluation.corpus_probe import MOST, balanced, folds_of, told_apart, trace_figures
from ressenti.pipeline.lab.evaluation.emotion import Cut
from ressenti.pipeline.lab.labelled_speech.corpora import Clip

CORPORA = {"one": 3, "two": 4, "three": 5}  # speakers of each


def clips_of(each: int = 4) -> list[Clip]:
    return [
        Clip(Path(f"{corpus}-{who}-{name}-{k}.wav"), corpus, str(who), name)
        for corpus, speakers in CORPORA.items()
        for who in range(speakers)
        for name in ("sad", "angry", *(("calm",) if corpus == "one" else ()))
        for k in range(each + (name == "angry"))
    ]


def cuts_of(clips: Sequence[Clip]) -> list[Cut]:
    """Samples whose first tells the corpus, the second the clip."""
    rng = np.random.default_rng(0)
    out = []
    for i, clip in enumerate(clips):
        samples = rng.integers(-1_000, 1_000, RATE_HZ // 2).astype(np.int16)
        samples[:2] = list(CORPORA).index(clip.corpus), i
        out.append(Cut(clip, samples, ((0.0, 0.5, 0.5),)))
    return out


class Showing(FakeEmotion):
    """Its embedding is noise, in which the corpus shows as much as it is told."""

    def __init__(self, much: float, name: str = "embedding") -> None:
        super().__init__()
        self.much, self.name = much, name

    def outputs(self, excerpts: Sequence[Excerpt]) -> dict[str, np.ndarray]:
        rows = [np.random.default_rng(int(e.samples[1])).standard_normal(6) for e in excerpts]
        for row, excerpt in zip(rows, excerpts, strict=True):
            row[int(excerpt.samples[0])] += self.much
        return {self.name: np.array(rows, np.float32), "unused": np.zeros((len(excerpts), 2), np.float32)}


def test_what_shows_the_corpus_gives_it_away_and_what_does_not_is_at_chance() -> None:
    cuts = cuts_of(clips_of())
    plain, sound = trace_figures(cuts, Showing(8.0))
    assert (plain.values, sound.values) == ("embedding", "sound")
    assert (plain.corpora, plain.emotions, plain.speakers) == (("one", "three", "two"), ("angry", "sad"), 12)
    assert plain.recall == pytest.approx(1)
    assert plain.recall_interval is not None
    assert plain.recall_interval.low == pytest.approx(1)
    hidden, _ = trace_figures(cuts, Showing(0.0))
    assert hidden.chance == pytest.approx(1 / 3)
    assert hidden.recall == pytest.approx(1 / 3, abs=0.15)
    assert np.sum(hidden.confusion) == hidden.clips == 12 * 2 * 4


def test_without_an_embedding_all_outputs_are_used_and_without_these_the_scores() -> None:
    cuts = cuts_of(clips_of())
    assert trace_figures(cuts, Showing(8.0, "classes"))[0].values == "outputs"
    assert trace_figures(cuts, Showing(8.0, "classes"))[0].recall == pytest.approx(1)
    scores, _ = trace_figures(cuts, FakeEmotion())
    assert (scores.values, scores.recall) == ("scores", pytest.approx(1 / 3))


def test_emotions_are_balanced_in_every_speaker() -> None:
    clips, emotions = balanced(clips_of())
    assert emotions == ("angry", "sad")
    assert set(Counter((c.who, c.emotion) for c in clips).values()) == {4}
    many, _ = balanced(clips_of(20))
    assert set(Counter((c.who, c.emotion) for c in many).values()) == {MOST}
    assert balanced(clips_of(20))[0] == many
    lacking = [c for c in clips_of() if c.who != ("two", "1") or c.emotion == "sad"]
    assert ("two", "1") not in {c.who for c in balanced(lacking)[0]}


def test_too_few_corpora_or_speakers_are_refused() -> None:
    for clips in (
        [],
        [c for c in clips_of() if c.corpus == "one"],
        [c for c in clips_of() if c.corpus != "one" or c.speaker == "0"],
        [replace(c, emotion="calm") if c.corpus == "two" else c for c in clips_of() if c.emotion != "calm"],
    ):
        with pytest.raises(ConfigError, match="two corpora"):
            balanced(clips)


def test_no_speaker_is_learned_from_and_tested() -> None:
    speakers = [c.who for c in clips_of()]
    folds = folds_of(speakers)
    assert set(folds.tolist()) == {0, 1, 2}  # as many as the corpus with the fewest speakers has
    for who in set(speakers):
        assert len({int(f) for f, s in zip(folds, speakers, strict=True) if s == who}) == 1
    for k in range(3):
        assert {s[0] for f, s in zip(folds, speakers, strict=True) if f == k} == set(CORPORA)
    values = np.eye(12)[[sorted(set(speakers)).index(s) for s in speakers]]  # knows people, and nothing else
    truth = np.array([sorted(CORPORA).index(s[0]) for s in speakers])
    assert (told_apart(values, truth, folds) == truth).mean() < 0.5


def test_the_built_in_model_is_read() -> None:
    figures, _ = trace_figures(cuts_of(clips_of(1)), BuiltinEmotion())
    assert figures.values in ("embedding", "outputs")
    assert 0 <= figures.recall <= 1
