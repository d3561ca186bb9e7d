"""A conversation made by hand, with everything that an export may stumble over; speech for simulated conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import simulated_talk

from ressenti.pipeline.config import Config
from ressenti.pipeline.derive import derive
from ressenti.pipeline.edits.bleeps import with_bleeps
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.labelled_speech import prepare
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.simulation import suite, voices
from ressenti.pipeline.records import (
    Conversation,
    Corrections,
    Diarization,
    EmotionScores,
    Levels,
    ModelInfo,
    Note,
    Original,
    Recording,
    Segment,
    Sound,
    Span,
    Speaker,
    Turn,
    TurnCorrection,
    Window,
    Word,
)

HOSTILE = '<b onload=x>&amp; "Max" --> *bold* [x](http://x) `c` \\n $1$ | ~~no~~ 😀\x00\x1b'
SPOKEN_HOSTILE = [
    "-->",
    "</v>",
    "<v",
    "Eve>",
    "&lt;",
    "#",
    "1.",
    '"quoted"',
    "\n\n2\n",
    "été",
    "日本語",
    "\u2028",
    "\x07",
]
TENSE = EmotionScores((0.02, 0.02, 0.04, 0.02, 0.9))
GLAD = EmotionScores((0.9, 0.02, 0.04, 0.02, 0.02))
UNSURE = EmotionScores((0.3, 0.1, 0.3, 0.2, 0.1))
SAID_SAD = EmotionScores((0.0, 0.0, 0.0, 1.0, 0.0), "human")

TURNS = [
    ("S1", 0.5, 4.0, GLAD),
    ("S2", 3.2345678, 9.0, TENSE),
    ("S1", 9.5, 29.5, UNSURE),
    ("S3", 12.0, 14.0, TENSE),
    ("S2", 29.0, 33.25, GLAD),
    ("S1", 28.0, 31.0, SAID_SAD),  # a person gave it to S1, whose own turn it overlaps
    ("S3", 31.1, 31.3, None),
    ("S4", 34.0, 37.0, None),
]


def spaced(text: str, start_s: float, step_s: float, turn: int | None) -> list[Word]:
    return [Word(start_s + k * step_s, start_s + (k + 0.8) * step_s, w, turn) for k, w in enumerate(text.split())]


def words() -> tuple[Word, ...]:
    long = " ".join(f"word{k}{'.' if k % 9 == 8 else ''}" for k in range(60))
    return (
        *spaced("Bonjour, c’est Zoé.", 0.6, 0.8, 0),
        *(Word(3.3 + k / 3, 3.3 + (k + 1.4) / 3, text, 1) for k, text in enumerate(SPOKEN_HOSTILE)),  # each overlaps
        *spaced(long, 9.5, 0.33, 2),
        Word(12.1, 12.1, "no", 3),
        Word(12.1, 12.1, "length", 3),
        Word(12.5, 13.9, "at all", 3, exact=False),
        *spaced("taken by a person", 28.0, 0.7, 5),
        *spaced("nobody said this", 37.5, 0.4, None),
    )


@pytest.fixture
def make_spoken() -> Callable[..., Conversation]:
    """Four speakers of awkward names, overlap, an unscored one, a correction with a note, words, a silenced span."""

    def make(*, lang: str = "en", with_words: bool = True, **changes: Any) -> Conversation:
        config = Config.model_validate({"report": {"lang": lang}})
        turns = [
            Turn(
                index=k,
                speaker=who,
                start_s=start,
                end_s=end,
                windows=() if scores is None else (Window(start, end, end - start, scores),),
                unjudged=None if scores else ("short" if who == "S3" else "restricted"),
            )
            for k, (who, start, end, scores) in enumerate(TURNS)
        ]
        before = Original("S2", (Window(28.0, 31.0, 3.0, TENSE),))
        turns[5] = replace(turns[5], original=before, note='She "sighs"\n<i>here</i> & stops')
        made = Conversation(
            recording=Recording('Réunion "du" <lundi>\n.wav', "ab" * 32, 40.0, 1, 8000, "pcm_s16le"),
            layout="mono",
            layout_reason=Note("one_channel"),
            diarization=Diarization(
                segments=tuple(
                    Segment(t.start_s, t.end_s, t.original.speaker if t.original else t.speaker) for t in turns
                ),
                count="given",
                count_confidence="high",
                models=(),
                hears_overlap=True,
            ),
            speakers=(
                Speaker("S1", 'Zoé "la\nVoix"', "client", "named"),
                Speaker("S2", ' Zoé "LA Voix" ', "agent", "guess"),
                Speaker("S3", HOSTILE),
                Speaker("S4", "", "employé", "named", "restricted"),
            ),
            turns=tuple(turns),
            models=(ModelInfo("emotion", "some/model", "CC BY-NC-SA 4.0", "cd" * 32, commercial=False),),
            config=config.model_dump(mode="json"),
            levels=Levels(0.1, tuple(-60.0 + k % 50 for k in range(360))),
            words=words() if with_words else (),
            bleeps=(Span(33.0, 34.5),),
            sounds=(Sound("music", 33.0, 34.0, 0.9), Sound("laughter", 9.0, 9.5, 0.4, 1, "S1")),
            corrections=Corrections(turns=(TurnCorrection(5, "S1", "Sad", 'She "sighs"\n<i>here</i> & stops'),)),
            program="ressenti test",
        )
        return replace(derive(made, config), **changes)

    return make


@pytest.fixture
def spoken(make_spoken: Callable[..., Conversation]) -> Conversation:
    return make_spoken()


@pytest.fixture
def silenced(spoken: Conversation) -> Conversation:
    """The same with three more silenced spans: within a turn, beside a word without its own time, and in no turn.

    "Zoé." of turn 0, two words of turn 2, "at all" of turn 3 and "nobody" are left out.
    """
    return with_bleeps(spoken, (Span(2.1, 2.5), Span(14.5, 14.8), Span(37.6, 37.8)))


@pytest.fixture
def unspoken(make_spoken: Callable[..., Conversation]) -> Conversation:
    """The same conversation without a transcript."""
    return make_spoken(with_words=False)


@pytest.fixture
def empty(make_spoken: Callable[..., Conversation]) -> Conversation:
    """No speaker, no turn, nothing judged, no level."""
    made = make_spoken(
        with_words=False,
        turns=(),
        speakers=(),
        trajectories=(),
        levels=None,
        bleeps=(),
        sounds=(),
        corrections=Corrections(),
    )
    bare = replace(made, diarization=replace(made.diarization, segments=()))
    return derive(bare, Config())


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Clip]]:
    """Speakers of tones for simulated conversations; each clip is decoded once."""
    made = simulated_talk.write_clips(tmp_path_factory.mktemp("tones"))
    decoded = {clip.path: prepare.read(clip) for clip in made}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voices, "read", lambda clip: decoded[clip.path] if clip.path in decoded else prepare.read(clip))
        yield made


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated conversations are silent, for tests that look at their truth and length alone."""

    def silence(_plan: object, count: int, length_s: float, sound: Any, *_: object) -> np.ndarray:
        return np.zeros((count if sound.channels == "split" else 1, round(length_s * simulated_talk.RATE)), np.int16)

    monkeypatch.setattr(suite, "render", silence)


@pytest.fixture
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bootstrap intervals of 100 draws instead of 1,000, where their second digit is not what is tested."""
    monkeypatch.setattr(metrics, "bootstrap", partial(metrics.bootstrap, draws=100))
