import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from conftest import noise, write_wav
from ressenti import load_config
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.trajectories import (
    OTHER,
    Course,
    Observation,
    Summary,
    TenseMinute,
    courses_of,
    observe,
    summarise,
    tense_minute,
    tension_by_minute,
)
from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment, as_found, emotions_csv, rttm
from ressenti.pipeline.records import CLASSES, Conversation, EmotionScores
from ressenti.pipeline.run import analyze

CONFIG = load_config("default", {"audio": {"remove_hum": False}})  # what is played is steady
RUN = CliRunner()
ANCHORS = CONFIG.affect.anchors
MINUTES = 5
OPPOSITE = {"Pleased": "Tension", "Tension": "Relaxed", "Relaxed": "Tension", "Sad": "Pleased", "Neutral": "Neutral"}


def sure_of(label: str) -> EmotionScores:
    return EmotionScores(tuple(float(name == label) for name in CLASSES))


def spoken(speaker: str, start_s: float, end_s: float, label: str) -> TruthSegment:
    valence, arousal = ANCHORS[label] if label else (None, None)
    return TruthSegment(start_s, end_s, speaker, 1, label, valence, arousal, "turn", "")


def a_quarrel() -> list[TruthSegment]:
    """Anna and Ben by turns for five minutes; Anna is tense in the fourth, Ben sad at the end."""
    out = []
    for k, start in enumerate(np.arange(1.0, MINUTES * 60 - 8, 7.0).tolist()):
        speaker = "anna" if k % 2 == 0 else "ben"
        if speaker == "anna":
            label = "Tension" if 180 <= start < 240 else "Pleased" if start < 90 else "Neutral"
        else:
            label = "Sad" if start > 200 else "Relaxed"
        out.append(spoken(speaker, start, start + 6.0, label))
    return out


TRUTH = a_quarrel()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # every second has a level of its own, by which a fake model can tell what it hears
    levels = np.repeat(0.01 + 0.002 * np.arange(MINUTES * 60), 16_000)
    return write_wav(tmp_path_factory.mktemp("quarrel") / "call.wav", levels * np.sign(noise(MINUTES * 60)))


def second_of(excerpt: Excerpt) -> float:
    """When an excerpt was said, by its level."""
    middle = len(excerpt.samples) // 2
    level = np.abs(excerpt.samples[middle - 100 : middle + 100].astype(float)).mean() / 32767
    return float((level - 0.01) / 0.002 + 0.5)


@pytest.fixture(scope="module")
def conversation(recording: Path) -> Callable[..., tuple[Conversation, dict[str, str]]]:
    """The conversation, with turns as the truth says and emotions as `say` turns the true ones."""

    def make(
        say: Callable[[str], str] = str, truth: Sequence[TruthSegment] = TRUTH
    ) -> tuple[Conversation, dict[str, str]]:
        segments, names = as_found(truth)

        def answer(excerpt: Excerpt) -> EmotionScores:
            at = second_of(excerpt)
            own = [s for s in TRUTH if names.get(s.speaker) == excerpt.speaker]
            return sure_of(say(min(own, key=lambda s: abs((s.start_s + s.end_s) / 2 - at)).label))

        diarizer = FakeDiarizer([(s.start_s, s.end_s, s.speaker) for s in segments])
        return analyze(recording, CONFIG, diarizer=diarizer, emotion_model=FakeEmotion(answer)), names

    return make


def test_a_perfect_model_follows_the_truth(conversation: Callable[..., tuple[Conversation, dict[str, str]]]) -> None:
    made, names = conversation()
    seen = observe(made, TRUTH, names, CONFIG)
    assert len(seen.courses) == 2
    for course in seen.courses:
        assert course.covered == 1
        assert course.estimate == pytest.approx(course.true, abs=1e-6)
    summary = summarise([seen])
    assert summary.arousal_ccc == pytest.approx(1)
    assert summary.valence_ccc == pytest.approx(1)
    assert (summary.arousal_within, summary.valence_within) == (pytest.approx(1), pytest.approx(1))
    assert (summary.minutes, summary.minutes_found, summary.minutes_recovered) == (1, 1, pytest.approx(1))
    there = [name in {s.label for s in TRUTH} for name in CLASSES]
    assert summary.f1 == pytest.approx([float(t) for t in there])
    assert summary.macro_f1 == pytest.approx(1)
    for name, seconds in zip(CLASSES, summary.support_s, strict=True):
        assert seconds == pytest.approx(sum(s.duration_s for s in TRUTH if s.label == name), abs=0.1)
    assert (summary.judged, summary.unsure) == (pytest.approx(1), 0)
    assert (summary.conversations, summary.people, summary.unlabelled) == (1, 2, None)
    assert summary.arousal_ccc_interval is None  # one conversation says nothing of others


def test_a_model_that_hears_the_opposite(conversation: Callable[..., tuple[Conversation, dict[str, str]]]) -> None:
    made, names = conversation(OPPOSITE.get)
    seen = observe(made, TRUTH, names, CONFIG)
    summary = summarise([seen])
    for figure in (summary.arousal_ccc, summary.valence_ccc, summary.arousal_within, summary.valence_within):
        assert figure is not None
        assert figure < -0.3
    assert summary.minutes_found == 0
    assert summary.macro_f1 is not None
    assert summary.macro_f1 < 0.5
    true = np.concatenate([course.true for course in seen.courses])
    estimate = np.concatenate([course.estimate for course in seen.courses])
    assert summary.valence_ccc == pytest.approx(metrics.concordance(true[:, 0], estimate[:, 0]))
    assert summary.arousal_ccc == pytest.approx(metrics.concordance(true[:, 1], estimate[:, 1]))


def test_a_missing_speaker_is_not_covered(conversation: Callable[..., tuple[Conversation, dict[str, str]]]) -> None:
    made, names = conversation()
    found = {"anna": names["anna"]}
    seen = observe(made, TRUTH, found, CONFIG)
    assert [course.covered for course in seen.courses] == [1, 0]
    summary = summarise([seen])
    assert summary.covered == 0.5
    assert summary.judged == pytest.approx(
        sum(s.duration_s for s in TRUTH if s.speaker == "anna") / sum(s.duration_s for s in TRUTH), abs=0.01
    )
    assert summarise([observe(made, TRUTH, {}, CONFIG)]).arousal_ccc is None


def test_half_a_course_is_covered_by_half(conversation: Callable[..., tuple[Conversation, dict[str, str]]]) -> None:
    made, names = conversation(truth=[s for s in TRUTH if s.speaker == "ben" or s.end_s < 60])
    anna, ben = courses_of(made, TRUTH, names, CONFIG)
    assert ben.covered == 1
    # the line reaches three standard deviations of the kernel, but the grid ends at the last point
    assert anna.covered == pytest.approx(60 / 290, abs=0.05)
    assert len(anna.true) == len(anna.estimate)


def test_swapped_speakers_are_wrong(conversation: Callable[..., tuple[Conversation, dict[str, str]]]) -> None:
    made, names = conversation()
    swapped = {"anna": names["ben"], "ben": names["anna"]}
    seen = observe(made, TRUTH, swapped, CONFIG)
    assert not (seen.guess >= 0).any()  # nobody's turn lies where he talks
    right, wrong = (summarise([observe(made, TRUTH, n, CONFIG)]).valence_ccc for n in (names, swapped))
    assert right is not None
    assert wrong is not None
    assert wrong < right - 0.2


def test_frames_are_of_those_who_talk_alone(conversation: Callable[..., tuple[Conversation, dict[str, str]]]) -> None:
    made, names = conversation()
    other = replace(TRUTH[2], label="", valence=-0.6, arousal=0.6)  # afraid, which is no class
    unknown = replace(TRUTH[4], label="", valence=None, arousal=None)
    across = spoken("ben", 2.0, 4.0, "Sad")  # while anna talks from 1 to 7
    truth = [TRUTH[0], across, *TRUTH[1:2], other, TRUTH[3], unknown, *TRUTH[5:]]
    seen = observe(made, truth, names, CONFIG)
    total = sum(s.duration_s for s in TRUTH)
    assert len(seen.truth) == round(10 * (total - 2.0))
    assert (seen.truth == OTHER).sum() == (seen.truth == -1).sum() == 60
    assert (seen.truth == CLASSES.index("Sad")).sum() == pytest.approx(
        10 * sum(s.duration_s for s in TRUTH if s.label == "Sad")
    )
    summary = summarise([seen])
    assert summary.unlabelled is not None
    assert summary.unlabelled[CLASSES.index("Pleased")] == 1  # what was said there sounded so
    assert sum(summary.support_s) == pytest.approx(total - 2 - 2 * 6, abs=0.2)


def brute_force(spans: Sequence[tuple[float, float, float]], start: float) -> float:
    """Seconds of tension in a minute, a hundredth of a second after the other."""
    at = start + (np.arange(6000) + 0.5) / 100
    return float(sum(weight * ((at >= a) & (at < b)).sum() / 100 for a, b, weight in spans))


@given(
    st.lists(st.tuples(st.integers(0, 2400), st.integers(1, 300), st.floats(0, 1)), max_size=8),
    st.integers(600, 2700),
)
def test_tension_is_what_counting_gives(rows: list[tuple[int, int, float]], tenths: int) -> None:
    spans = [(a / 10, (a + b) / 10, w) for a, b, w in rows]
    starts, total = tension_by_minute(spans, tenths / 10)
    assert np.diff(starts) == pytest.approx(5)
    assert starts[0] == 0
    assert max(0, tenths / 10 - 60) <= starts[-1] < max(5, tenths / 10 - 55)
    for start, value in list(zip(starts.tolist(), total.tolist(), strict=True))[::7]:
        assert value == pytest.approx(brute_force(spans, start), abs=0.02)


@pytest.mark.parametrize("length_s", [1.0, 59.0, 60.0, 61.0, 119.0, 120.0, 121.0, 300.0])
def test_no_minute_reaches_far_beyond_the_end(length_s: float) -> None:
    starts, _ = tension_by_minute([], length_s)
    assert starts[0] == 0
    assert 0 <= starts[-1] + 60 - max(60, length_s) < 5  # the last holds the end


def test_the_tensest_minute_by_hand(conversation: Callable[..., tuple[Conversation, dict[str, str]]]) -> None:
    made, _ = conversation()
    tense = [s for s in TRUTH if s.label == "Tension"]
    assert min(s.start_s for s in tense) >= 180
    assert tense_minute(made, [s for s in TRUTH if s.label != "Tension"]) is None
    found = tense_minute(made, TRUTH)
    assert found is not None
    assert (found.found, found.recovered) == (True, 1.0)
    assert found.chance == pytest.approx(13 / 49)  # minutes begin every five seconds, and thirty either way will do
    early = [spoken("anna", 10.0, 16.0, "Tension"), *TRUTH[2:]]
    assert tense_minute(made, early) == found  # six seconds are less than what comes later
    elsewhere = [spoken("anna", 10.0, 50.0, "Tension")]
    missed = tense_minute(made, elsewhere)
    assert missed is not None
    assert (missed.found, missed.recovered) == (False, 0.0)
    short = replace(made, recording=replace(made.recording, duration_s=119.0))
    assert tense_minute(short, TRUTH) is None


def made_up(seed: int, found: bool) -> Observation:
    rng = np.random.default_rng(seed)
    truth, guess = rng.integers(-2, 5, 400), rng.integers(-1, 5, 400)
    true = rng.uniform(-1, 1, (30, 2))
    courses = (Course(f"p{seed}", true, np.clip(0.7 * true + rng.normal(0, 0.2, true.shape), -1, 1), 0.9),)
    minute, doubt = TenseMinute(found, 0.2, 0.5), rng.random(400) < 0.3
    return Observation(courses, minute, truth, guess, doubt, np.zeros(400, np.int64), (f"p{seed}",))


def test_a_summary_is_of_all_seconds_together() -> None:
    from sklearn.metrics import f1_score

    seen = [made_up(k, k < 3) for k in range(5)]
    summary = summarise(seen)
    truth, guess, unsure = (np.concatenate([getattr(o, n) for o in seen]) for n in ("truth", "guess", "unsure"))
    rows = (truth >= 0) & (guess >= 0)
    assert summary.f1 == pytest.approx(f1_score(truth[rows], guess[rows], average=None))
    assert summary.macro_f1 == pytest.approx(f1_score(truth[rows], guess[rows], average="macro"))
    assert summary.judged == pytest.approx(rows.sum() / (truth >= 0).sum())
    assert summary.unsure == pytest.approx(unsure[rows].mean())
    assert np.array(summary.confusion_s).sum() == pytest.approx(rows.sum() / 10)
    nothing = (truth == -1) & (guess >= 0)
    called = [((guess == k) & ~unsure)[nothing].mean() for k in range(5)]
    assert summary.unlabelled == pytest.approx([*called, unsure[nothing].mean()])
    assert (summary.minutes, summary.minutes_found) == (5, 3)
    assert (summary.minutes_by_chance, summary.minutes_recovered) == (pytest.approx(0.2), pytest.approx(0.5))
    true, estimate = (np.concatenate([getattr(c, n) for o in seen for c in o.courses]) for n in ("true", "estimate"))
    for axis, figure, interval in (
        (0, summary.valence_ccc, summary.valence_ccc_interval),
        (1, summary.arousal_ccc, summary.arousal_ccc_interval),
    ):
        assert figure == pytest.approx(metrics.concordance(true[:, axis], estimate[:, axis]))
        assert interval is not None
        assert interval.low <= figure <= interval.high
    within = [float(np.corrcoef(c.true[:, 0], c.estimate[:, 0])[0, 1]) for o in seen for c in o.courses]
    assert summary.valence_within == pytest.approx(np.median(within))
    assert summary.people == 5
    assert summarise(seen[:3]).macro_f1_interval is None
    same = [replace(o, speakers=("p0",), courses=tuple(replace(c, speaker="p0") for c in o.courses)) for o in seen]
    assert (summarise(same).macro_f1_interval, summarise(same).valence_ccc_interval) == (None, None)  # one person
    assert summary.macro_f1_interval is not None


def write_conversation(folder: Path, name: str = "call") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-4, 16_000 * 24)
    t = np.arange(len(sound)) / 16_000
    truth = []
    for k, label in enumerate(("Pleased", "Tension", "Pleased", "")):
        start = 1.0 + 5.5 * k
        truth.append(spoken("anna" if k % 2 == 0 else "ben", start, start + 4.0, label))
        inside = (t >= start) & (t < start + 4)
        sound[inside] += 0.2 * np.sin(2 * np.pi * (200 + 150 * (k % 2)) * t[inside]) * (np.sin(20 * t[inside]) > -0.3)
    write_wav(folder / f"{name}.wav", sound)
    (folder / f"{name}.rttm").write_text(rttm(truth, name), encoding="utf-8")
    (folder / f"{name}.emotions.csv").write_text(emotions_csv(truth), encoding="utf-8")


def cli(*arguments: str | Path) -> tuple[int, str]:
    done = RUN.invoke(app, ["evaluate", "trajectory", *map(str, arguments)])
    if isinstance(done.exception, RessentiError):
        return done.exception.exit_code, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    diarizer = FakeDiarizer([(1.0, 5.0, "S1"), (6.5, 10.5, "S2"), (12.0, 16.0, "S1"), (17.5, 21.5, "S2")])
    model = FakeEmotion(lambda e: sure_of("Pleased" if e.speaker == "S1" else "Tension"))
    monkeypatch.setattr("ressenti.pipeline.diarization.choose", lambda *_: diarizer)
    monkeypatch.setattr("ressenti.pipeline.emotion.choose", lambda *_: model)


@pytest.mark.usefixtures("fakes")
def test_the_command_writes_what_it_documents(tmp_path: Path) -> None:
    write_conversation(tmp_path / "calls" / "a")
    out = tmp_path / "out.json"
    code, said = cli(tmp_path / "calls", "--json", out, "--model", "builtin", "--model", "builtin")
    assert code == 0, said
    data = json.loads(out.read_text(encoding="utf-8"))
    assert data["classes"] == list(CLASSES)
    assert [(r["scene"], r["model"], r["way"]) for r in data["results"]] == [
        ("a", "builtin", "end to end"),
        ("a", "builtin", "true turns"),
    ]
    for row in data["results"]:
        assert {f.name for f in fields(Summary)} < set(row)
        assert row["conversations"] == 1
        assert row["macro_f1"] == pytest.approx(1)
        assert row["unlabelled"] == [0, 0, 0, 0, 1, 0]
        assert (row["minutes"], row["minutes_by_chance"]) == (0, None)
    assert "Trajectories" in said
    assert "…" not in said


@pytest.mark.usefixtures("fakes")
def test_a_conversation_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    write_conversation(tmp_path / "a")
    write_conversation(tmp_path / "b")
    (tmp_path / "a" / "call.wav").unlink()
    out = tmp_path / "out.json"
    code, said = cli(tmp_path, "--json", out)
    assert code == errors.NotFoundError.exit_code
    assert "no recording beside it" in said
    assert {r["scene"] for r in json.loads(out.read_text(encoding="utf-8"))["results"]} == {"b"}
    assert cli(tmp_path / "nowhere")[0] == errors.NotFoundError.exit_code


@pytest.mark.usefixtures("fakes")
def test_truth_without_rows_is_an_error_of_ours(tmp_path: Path) -> None:
    write_conversation(tmp_path / "a")
    (tmp_path / "a" / "call.emotions.csv").write_text("start_s,end_s,speaker,label\n", encoding="utf-8")
    code, said = cli(tmp_path)
    assert code == errors.NoSpeechError.exit_code, said
    (tmp_path / "a" / "call.emotions.csv").write_text(
        "start_s,end_s,speaker,label,valence,arousal\n1,2,a,Sad,nan,0\n", encoding="utf-8"
    )
    code, said = cli(tmp_path)
    assert code == errors.InputError.exit_code, said


@pytest.mark.slow("analyses real recordings")
def test_a_simulated_conversation_is_read_from_end_to_end(tmp_path: Path, shared_data: Path) -> None:
    from ressenti.pipeline.lab.labelled_speech import corpora
    from ressenti.pipeline.lab.simulation.options import Suite
    from ressenti.pipeline.lab.simulation.suite import simulate

    clips = corpora.unseen(corpora.read_clips(shared_data / "emotion" / "emodb"))
    scene = {"minutes": 0.3, "corpora": {"emodb": 1}}
    (made,) = simulate(Suite.model_validate({"scenes": {"talk": scene}}), clips)
    for ending, content in made.files().items():
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / f"{made.name}{ending}").write_bytes(data)
    out = tmp_path / "out.json"
    code, said = cli(tmp_path, "--json", out)
    assert code == 0, said
    rows = json.loads(out.read_text(encoding="utf-8"))["results"]
    assert [row["way"] for row in rows] == ["end to end", "true turns"]
    true_turns = rows[1]
    assert true_turns["people"] == 2
    assert true_turns["covered"] > 0.6
    assert true_turns["judged"] > 0.5
