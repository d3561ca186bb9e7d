import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import noise, write_wav
from ressenti.pipeline import errors
from ressenti.pipeline.affect.points import point_of
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import Config, load_config
from ressenti.pipeline.emotion.builtin import BuiltinEmotion
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.errors import ConfigError, RessentiError
from ressenti.pipeline.lab.evaluation.emotion import (
    ClipScores,
    Cut,
    EmotionFigures,
    cut_clips,
    figures_of,
    hear,
    hear_as,
)
from ressenti.pipeline.lab.labelled_speech.conditions import CONDITIONS, Condition
from ressenti.pipeline.lab.labelled_speech.corpora import EMOTIONS, VALENCE_AROUSAL, Clip, read_clips
from ressenti.pipeline.records import CLASSES, EmotionScores, Window

RUN = CliRunner()
CONFIG = load_config()
NAMES = ("happy", "calm", "neutral", "sad", "angry")
pytestmark = pytest.mark.usefixtures("fewer_draws")


def judge(
    clips: Sequence[Clip], model: EmotionModel, config: Config, condition: Condition = "clean", *, alone: bool = False
) -> list[ClipScores]:
    return hear(cut_clips(clips, config, condition), model, config, alone=alone)


def sure_of(label: int, score: float = 0.9) -> EmotionScores:
    rest = (1 - score) / 4
    return EmotionScores(tuple(score if k == label else rest for k in range(5)))


def voice(seconds: float, hz: float) -> np.ndarray:
    """Something in bursts like syllables, whose pitch tells what it is."""
    t = np.arange(int(seconds * 16_000)) / 16_000
    return 0.2 * np.sin(2 * np.pi * hz * t) * (np.sin(2 * np.pi * 3 * t) > -0.5) + 0.001 * noise(seconds, 1.0)[: len(t)]


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Five speakers who say each of the five emotions once, each at a pitch of its own."""
    out = []
    for speaker in "abcde":
        for k, name in enumerate(NAMES):
            path = write_wav(tmp_path / f"{speaker}-{name}.wav", voice(1.0, 300 * (k + 1)))
            out.append(Clip(path, "ours", speaker, name))
    return out


def pitch(excerpt: Excerpt) -> int:
    """Which class the pitch says, by the spectrum's peak."""
    spectrum = np.abs(np.fft.rfft(excerpt.samples.astype(float)))
    hz = float(spectrum.argmax()) * 16_000 / len(excerpt.samples)
    return min(4, max(0, round(hz / 300) - 1))


def perfect(excerpt: Excerpt) -> EmotionScores:
    return sure_of(pitch(excerpt))


def test_own_clips_share_a_label_and_alone_none_does(clips: Sequence[Clip]) -> None:
    own, alone = FakeEmotion(), FakeEmotion()
    judge(clips, own, CONFIG)
    judge(clips, alone, CONFIG, alone=True)
    assert len(own.heard) == len(alone.heard) == 25
    assert {e.speaker for e in own.heard} == set("abcde")
    assert len({e.speaker for e in alone.heard}) == 25
    for one, other in zip(own.heard, alone.heard, strict=True):
        assert np.array_equal(one.samples, other.samples)


def test_a_speaker_is_heard_in_one_go_and_without_others(clips: Sequence[Clip]) -> None:
    asked: list[int] = []

    class Counting(FakeEmotion):
        def score(self, excerpts: Sequence[Excerpt], *_: object) -> list[EmotionScores]:
            asked.append(len(excerpts))
            assert len({e.speaker for e in excerpts}) == 1
            return super().score(excerpts)

    mixed = [*clips[::2], *clips[1::2], replace(clips[0], corpus="theirs")]
    found = judge(mixed, Counting(), CONFIG)
    assert asked == [5, 5, 5, 5, 5, 1]  # the other corpus' a is another person
    assert sorted((h.clip.corpus, h.clip.path) for h in found) == sorted((c.corpus, c.path) for c in mixed)


def test_answers_go_to_the_clips_they_are_of(clips: Sequence[Clip]) -> None:
    for alone in (False, True):
        found = judge(clips[::-1], FakeEmotion(perfect), CONFIG, alone=alone)
        assert [h.scores.top for h in found] == [CLASSES[NAMES.index(h.clip.emotion)] for h in found]


def test_a_perfect_model_has_perfect_figures(clips: Sequence[Clip]) -> None:
    figures = figures_of(judge(clips, FakeEmotion(perfect), CONFIG), CONFIG)
    assert (figures.clips, figures.speakers) == (25, 5)
    assert figures.f1 == (1, 1, 1, 1, 1)
    assert figures.support == (5, 5, 5, 5, 5)
    assert (figures.macro_f1, figures.micro_f1, figures.recall) == (1, 1, 1)
    assert figures.macro_f1_interval is not None
    assert (figures.macro_f1_interval.low, figures.macro_f1_interval.high) == (1, 1)
    assert figures.confusion == tuple(tuple(5 * (i == k) for i in range(5)) for k in range(5))
    assert figures.calibration_error == pytest.approx(0.1)  # 0.9 sure, always right
    assert (figures.sure_share, figures.sure_right) == (1, 1)
    assert (figures.arousal_auc, figures.valence_auc) == (1, 1)
    assert (figures.arousal_ccc, figures.valence_ccc) == (None, None)  # nobody gave values


def test_a_model_that_always_says_the_same(clips: Sequence[Clip]) -> None:
    figures = figures_of(judge(clips, FakeEmotion(lambda _: sure_of(2)), CONFIG), CONFIG)
    third = 2 * 5 / (25 + 5)
    assert figures.f1 == pytest.approx((0, 0, third, 0, 0))
    assert figures.macro_f1 == pytest.approx(third / 5)
    assert figures.micro_f1 == figures.recall == pytest.approx(0.2)
    assert figures.calibration_error == pytest.approx(0.7)
    assert [(b.confidence, b.accuracy, b.share) for b in figures.reliability] == [pytest.approx((0.9, 0.2, 1.0))]
    assert (figures.arousal_auc, figures.valence_auc) == (0.5, 0.5)
    unsure = figures_of(judge(clips, FakeEmotion(lambda _: sure_of(2, 0.5)), CONFIG), CONFIG)
    assert (unsure.sure_share, unsure.sure_right) == (0, None)
    assert unsure.f1 == figures.f1


def heard(emotion: str, scores: EmotionScores, speaker: str, **given: float) -> ClipScores:
    point = point_of(Window(0, 2, 2, scores), 0, CONFIG.affect)
    assert point is not None
    return ClipScores(Clip(Path("x.wav"), "ours", speaker, emotion, **given), scores, (point.valence, point.arousal))


def test_ranking_is_over_all_eight_emotions() -> None:
    items = [heard(name, sure_of(i % 5, 0.6), str(i)) for i, name in enumerate(EMOTIONS)]
    figures = figures_of(items, CONFIG)
    for axis, found in ((1, figures.arousal_auc), (0, figures.valence_auc)):
        values = [(VALENCE_AROUSAL[h.clip.emotion][axis], h.point[axis]) for h in items if h.point]
        if axis == 0:
            values = [(t, p) for t, p in values if t != 0]  # neutral is neither pleasant nor unpleasant
        high, low = [p for t, p in values if t > 0], [p for t, p in values if t <= 0]
        wins = [(h > w) + 0.5 * (h == w) for h in high for w in low]
        assert found == pytest.approx(np.mean(wins))
    assert figures.clips == 5


def test_given_values_are_what_concordance_is_of() -> None:
    rng = np.random.default_rng(0)
    items = []
    for i in range(40):
        valence, arousal = rng.uniform(-1, 1, 2)
        items.append(heard("", sure_of(int(rng.integers(5)), 0.7), str(i % 8), valence=valence, arousal=arousal))
    items += [heard("angry", sure_of(0), "z")]  # without values
    figures = figures_of(items, CONFIG)
    for axis, ccc, interval in (
        ("valence", figures.valence_ccc, figures.valence_ccc_interval),
        ("arousal", figures.arousal_ccc, figures.arousal_ccc_interval),
    ):
        x = np.array([getattr(h.clip, axis) for h in items[:40]])
        y = np.array([h.point[axis == "arousal"] for h in items[:40] if h.point])
        (var_x, cov), (_, var_y) = np.cov(x, y, bias=True)
        assert ccc == pytest.approx(2 * cov / (var_x + var_y + (x.mean() - y.mean()) ** 2))
        assert interval is not None
        assert interval.low < ccc < interval.high


def test_material_without_classes_has_no_figures_of_classes() -> None:
    items = [heard("", sure_of(k), str(k), valence=0.1 * k, arousal=-0.2 * k) for k in range(5)]
    figures = figures_of(items, CONFIG)
    assert figures.clips == 0
    for name in ("macro_f1", "micro_f1", "recall", "calibration_error", "sure_share"):
        assert np.isnan(getattr(figures, name)), name
    assert figures.macro_f1_interval is None
    assert figures.valence_ccc is not None


def test_what_a_model_is_undecided_about_has_no_place() -> None:
    low = EmotionScores((0.1, 0.2, 0.1, 0.1, 0.1), "sigmoid")
    items = [ClipScores(Clip(Path("x"), "ours", "a", "sad", valence=-0.5, arousal=0.1), low, None)] * 5
    figures = figures_of(items, CONFIG)
    assert (figures.arousal_auc, figures.valence_ccc, figures.clips) == (None, None, 5)


class Telling(FakeEmotion):
    """Shows logits of the eight emotions too, by what it is told of an excerpt."""

    def __init__(self, place: Callable[[Excerpt], int]) -> None:
        super().__init__(perfect)
        self.place = place

    def outputs(self, excerpts: Sequence[Excerpt]) -> dict[str, np.ndarray]:
        return {"emotions": 4 * np.eye(8, dtype=np.float32)[[self.place(e) for e in excerpts]]}


def test_the_eight_emotions_are_scored_where_a_model_tells_them(clips: Sequence[Clip]) -> None:
    all_right = figures_of(judge(clips, Telling(lambda e: EMOTIONS.index(NAMES[pitch(e)])), CONFIG), CONFIG)
    assert all_right.emotion_recall == 1
    surprised = [replace(c, emotion="surprised") if c.emotion == "neutral" else c for c in clips]
    heard = judge(surprised, Telling(lambda e: EMOTIONS.index(NAMES[pitch(e)])), CONFIG)
    figures = figures_of(heard, CONFIG)
    assert figures.emotion_recall == pytest.approx(4 / 5)  # five that are there, of which one is never found
    assert figures.recall == 1  # surprise has no class
    assert figures.emotion_recall_interval is not None
    assert figures.emotion_recall_interval.low == pytest.approx(4 / 5)
    always = figures_of(judge(clips, Telling(lambda _: EMOTIONS.index("sad")), CONFIG), CONFIG)
    assert always.emotion_recall == pytest.approx(1 / 5)
    assert [h.emotions for h in judge(clips, FakeEmotion(perfect), CONFIG)] == [None] * 25
    assert figures_of(judge(clips, FakeEmotion(perfect), CONFIG), CONFIG).emotion_recall is None


def test_emotions_of_a_long_clip_are_the_mean_of_its_windows_and_go_to_it(clips: Sequence[Clip]) -> None:
    plan = ((0.0, 0.5, 3.0), (0.5, 1.0, 1.0))
    cuts = [Cut(clips[0], np.full(16_000, k * 10, np.int16), plan) for k in range(3)]
    for cut in cuts:
        cut.samples[8_000:] += 1
    found = hear_as(cuts, ["a"] * 3, Telling(lambda e: int(e.samples[0]) // 10 + 4 * (int(e.samples[0]) % 10)), CONFIG)
    share = np.exp(4) / (np.exp(4) + 7)
    for k, heard in enumerate(found):
        assert heard.emotions is not None
        assert heard.emotions[k] == pytest.approx(0.75 * share + 0.25 * (1 - share) / 7)
        assert heard.emotions[k + 4] == pytest.approx(0.25 * share + 0.75 * (1 - share) / 7)


def test_the_built_in_model_tells_the_eight_emotions(clips: Sequence[Clip]) -> None:
    heard = judge(clips[:3], BuiltinEmotion(), CONFIG)
    for one in heard:
        assert one.emotions is not None
        assert sum(one.emotions) == pytest.approx(1)
        assert len(one.emotions) == 8


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.slow("judges hundreds of clips")
def test_conditions_change_what_is_heard_and_nothing_else(clips: Sequence[Clip], condition: Condition) -> None:
    clean, first, again = FakeEmotion(), FakeEmotion(), FakeEmotion()
    judge(clips[:10], clean, CONFIG)
    judge(clips[:10], first, CONFIG, condition)
    judge(clips[:10], again, CONFIG, condition)
    assert [e.speaker for e in first.heard] == [e.speaker for e in clean.heard]
    for a, b, c in zip(clean.heard, first.heard, again.heard, strict=True):
        assert np.array_equal(b.samples, c.samples)
        same = a.samples.shape == b.samples.shape and np.array_equal(a.samples, b.samples)
        assert same == (condition == "clean")


def test_babble_is_of_others_and_refused_where_there_are_none(clips: Sequence[Clip]) -> None:
    with pytest.raises(ConfigError, match="babble"):
        judge(clips[:5], FakeEmotion(), CONFIG, "babble")


def test_long_clips_are_cut_as_turns_are(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", voice(18.0, 300))
    model = FakeEmotion(lambda e: sure_of(0 if len(e.samples) == 8 * 16_000 else 4))
    (found,) = judge([Clip(path, "ours", "a", "happy")], model, CONFIG)
    assert len(model.heard) > 2
    assert {len(e.samples) for e in model.heard} == {8 * 16_000}
    assert found.scores.top == "Pleased"
    short = load_config(overrides={"emotion": {"window_s": 4.0, "window_step_s": 2.0}})
    model = FakeEmotion()
    judge([Clip(path, "ours", "a", "happy")], model, short)
    assert {len(e.samples) for e in model.heard} == {4 * 16_000}


def test_a_clip_that_is_absent_is_an_error_of_ours(clips: Sequence[Clip], tmp_path: Path) -> None:
    for condition in CONDITIONS:
        with pytest.raises(RessentiError, match=r"none\.wav"):
            judge([clips[0], Clip(tmp_path / "none.wav", "ours", "f", "sad")], FakeEmotion(), CONFIG, condition)


def manifest(clips: Sequence[Clip], folder: Path, rename: Callable[[str], str] = str, corpus: str = "ours") -> Path:
    lines = [f"{c.path.name},{rename(c.speaker)},{c.emotion},{corpus}" for c in clips]
    (folder / "labels.csv").write_text("\n".join(["path,speaker,label,corpus", *lines]) + "\n", encoding="utf-8")
    return folder / "labels.csv"


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and what the command says; errors of ours become their exit codes."""
    done = RUN.invoke(app, ["evaluate", "emotion", *map(str, arguments)])
    if isinstance(done.exception, RessentiError):
        return done.exception.exit_code, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def fake_builtin(monkeypatch: pytest.MonkeyPatch) -> FakeEmotion:
    from ressenti.pipeline.lab.evaluation import heard_once  # noqa: F401  # before what it builds on is replaced

    model = FakeEmotion(perfect)
    monkeypatch.setattr("ressenti.pipeline.emotion.builtin.BuiltinEmotion", lambda *_: model)
    return model


def test_the_command_writes_what_it_documents(clips: Sequence[Clip], tmp_path: Path, fake_builtin: FakeEmotion) -> None:
    path, out = manifest(clips, tmp_path), tmp_path / "out.json"
    twice = ("--condition", "clean", "--condition", "noise", "--condition", "clean", "--model", "builtin")
    code, said = run(path, *twice, "--model", "builtin", "--details", "--json", out)
    assert code == 0, said
    data = json.loads(out.read_text(encoding="utf-8"))
    assert data["classes"] == list(CLASSES)
    assert (data["material"], data["protocol"], data["left_out"]) == (str(path), "shipped", [])
    assert [(r["model"], r["condition"], r["baseline"], r["corpus"]) for r in data["results"]] == [
        ("builtin", condition, baseline, "ours") for condition in ("clean", "noise") for baseline in ("own", "alone")
    ]
    for row in data["results"]:
        assert {f.name for f in fields(EmotionFigures)} < set(row)
        assert row["clips"] == 25  # what is asked for twice is not counted twice
    expected = asdict(figures_of(judge(read_clips(path), FakeEmotion(perfect), CONFIG), CONFIG))
    clean = data["results"][0]
    assert (clean["macro_f1"], clean["confusion"]) == (1, [list(row) for row in expected["confusion"]])
    assert clean["calibration_error"] == pytest.approx(expected["calibration_error"], abs=1e-4)
    assert "5 speakers, 25 clips" in said
    for word in (*CLASSES, "macro F1", "UAR 8", "reliability", "builtin, noise"):
        assert word in said


def test_speakers_that_the_model_learned_from_are_left_out_and_named(
    clips: Sequence[Clip], tmp_path: Path, fake_builtin: FakeEmotion
) -> None:
    fake_builtin.learned = frozenset({("ours", "a"), ("ours", "b"), ("theirs", "c")})
    path, out = manifest(clips, tmp_path), tmp_path / "out.json"
    code, said = run(path, "--json", out)
    assert code == 0, said
    assert "left out: builtin: 10 clips of 2 speakers" in said
    data = json.loads(out.read_text(encoding="utf-8"))
    assert data["left_out"] == ["builtin: 10 clips of 2 speakers it learned from"]
    assert {row["clips"] for row in data["results"]} == {15}
    assert data["results"][0]["macro_f1_interval"] is None  # three are left
    fake_builtin.learned = frozenset(("ours", name) for name in "abcde")
    assert run(path)[0] == errors.ConfigError.exit_code


def test_the_shipped_model_is_not_tested_on_those_it_learned_from(clips: Sequence[Clip], tmp_path: Path) -> None:
    assert ("ravdess", "actor01") in BuiltinEmotion().learned
    path = manifest(clips, tmp_path, lambda name: f"actor0{ord(name) - 96}", "ravdess")
    code, said = run(path)
    assert (code, "trained on every speaker" in said) == (errors.ConfigError.exit_code, True)


def test_material_with_values_alone_prints_and_writes(tmp_path: Path, fake_builtin: FakeEmotion) -> None:
    lines = ["path,speaker,valence,arousal"]
    for k in range(5):
        write_wav(tmp_path / f"{k}.wav", voice(1.0, 300 * (k + 1)))
        lines.append(f"{k}.wav,s{k},{0.2 * k},{-0.1 * k}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out.json"
    code, said = run(tmp_path, "--json", out, "--details")
    assert code == 0, said
    row = json.loads(out.read_text(encoding="utf-8"))["results"][0]
    assert (row["clips"], row["macro_f1"], row["calibration_error"]) == (0, None, None)
    assert row["valence_ccc"] is not None
    assert "CCC arousal" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--condition", "moon"), "clean, phone, mp3, babble, noise"),
        (("--model", "nobody"), "unknown emotion model 'nobody'"),
        (("--protocol", "zero-shot"), "no training clips"),
        (("--protocol", "zero-shot", "--model", "elsewhere"), "Drop --model"),
        (("--config", "nowhere"), "unknown preset"),
        (("--protocol", "zero-shot", "--unlike", "generated"), "Drop one"),
        (("--tell-corpora",), "at least two corpora"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    clips: Sequence[Clip], tmp_path: Path, arguments: Sequence[str], said: str
) -> None:
    code, text = run(manifest(clips, tmp_path), *arguments)
    assert (code, said in text) == (errors.ConfigError.exit_code, True), text


@pytest.mark.slow("judges hundreds of clips")
def test_lengths_of_conversations_are_tables_of_their_own(
    clips: Sequence[Clip], tmp_path: Path, fake_builtin: FakeEmotion
) -> None:
    path, out = manifest(clips, tmp_path), tmp_path / "out.json"
    code, said = run(path, "--baseline-seconds", "30", "--baseline-seconds", "3", "--json", out)
    assert code == 0, said
    data = json.loads(out.read_text(encoding="utf-8"))
    assert [(r["baseline"], r["asked_s"]) for r in data["baseline"]] == [
        ("alone", None),
        ("3 s", 3),
        ("30 s", 30),
        ("all", None),
    ]
    alone, short, long, whole = data["baseline"]
    assert (alone["seconds"], whole["conversations"]) == (None, None)
    assert short["seconds"] == pytest.approx(3, abs=0.5)
    assert long["seconds"] == pytest.approx(30, abs=0.5)
    assert long["different_s"] < 6  # five clips of a second
    assert (short["clips"], alone["clips"]) == (75, 25)
    assert [r["macro_f1"] for r in data["baseline"]] == [1, 1, 1, 1]
    assert [(r["label"], r["baseline"]) for r in data["one_emotion"][::5]] == [
        ("Pleased", "alone"),
        ("Pleased", "3 s"),
        ("Pleased", "30 s"),
        ("Pleased", "all"),
    ]
    assert {r["recall"] for r in data["one_emotion"]} == {1}
    assert (data["corpora"], data["unlike"]) == (None, None)
    for word in ("by amount of the speaker's speech", "a single emotion", "30 s", "vs alone", "+1.00 … +1.00"):
        assert word in said


def test_corpora_are_told_apart_where_asked_for(
    clips: Sequence[Clip], tmp_path: Path, fake_builtin: FakeEmotion
) -> None:
    lines = [f"{c.path.name},{c.speaker},{c.emotion},{'ours' if c.speaker in 'abc' else 'theirs'}" for c in clips]
    (tmp_path / "labels.csv").write_text("\n".join(["path,speaker,label,corpus", *lines]) + "\n", encoding="utf-8")
    code, said = run(tmp_path, "--tell-corpora", "--condition", "clip", "--json", tmp_path / "out.json")
    assert code == 0, said
    rows = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["corpora"]
    assert [(r["condition"], r["values"], r["corpora"]) for r in rows] == [
        ("clip", "scores", ["ours", "theirs"]),
        ("clip", "sound", ["ours", "theirs"]),
    ]
    assert "chance" in said


@pytest.mark.slow("judges hundreds of clips")
def test_doubt_about_other_sounds_needs_no_labels(tmp_path: Path, fake_builtin: FakeEmotion) -> None:
    write_wav(tmp_path / "low.wav", voice(9.0, 300))
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    out = tmp_path / "out.json"
    code, said = run("--unlike", tmp_path, "--unlike", "generated", "--json", out)
    assert code == errors.NotAudioError.exit_code, said
    data = json.loads(out.read_text(encoding="utf-8"))
    rows = [row for row in data["unlike"] if row["source"] == str(tmp_path)]
    assert [row["name"] for row in rows] == ["low.wav", "all"]
    assert rows[0]["taken"] == rows[1]["taken"] == {"judged_s": 9, "unsure": 0, "classes": [1, 0, 0, 0, 0]}
    assert [row["name"] for row in data["unlike"] if row["source"] == "generated"][-2:] == ["synthetic babble", "all"]
    assert data["results"] == []
    assert "chords with a beat" in said
    for arguments in (
        (),
        ("--unlike", "generated", "--baseline-seconds", "3"),
        ("--unlike", "generated", "--tell-corpora"),
    ):
        assert run(*arguments)[0] == errors.ConfigError.exit_code
    assert run("--unlike", "nowhere")[0] == errors.NotFoundError.exit_code


def test_weights_that_are_damaged_are_an_error_of_ours(clips: Sequence[Clip], tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    path = manifest(clips, tmp_path)
    for text in ("{", "[]", "{}", '{"sha256": "x", "temperature": 1}'):
        (folder / "emotion.json").write_text(text, encoding="utf-8")
        (folder / "emotion.onnx").write_bytes(b"no network")
        code, said = run(path, "--model", folder)
        assert code == errors.ModelError.exit_code, said
    (folder / "emotion.onnx").unlink()
    assert run(path, "--model", folder)[0] == errors.ModelError.exit_code


def test_a_model_of_ones_own_is_named_and_knows_who_it_learned_from(tmp_path: Path) -> None:
    import shutil

    from ressenti.pipeline.emotion import choose
    from ressenti.pipeline.emotion.builtin import WEIGHTS

    for name in ("emotion.onnx", "emotion.json"):
        shutil.copy(WEIGHTS / name, tmp_path / name)
    model = choose(Config().emotion.model_copy(update={"model": str(tmp_path)}))
    assert model.info.name == tmp_path.name
    assert model.learned == BuiltinEmotion().learned
    assert (model.info.licence, model.info.commercial) == ("CC BY-NC-SA 4.0", False)
    about = json.loads((tmp_path / "emotion.json").read_text(encoding="utf-8"))
    del about["learned"]
    (tmp_path / "emotion.json").write_text(json.dumps(about), encoding="utf-8")
    assert BuiltinEmotion(tmp_path).learned == frozenset()
    assert (BuiltinEmotion(tmp_path).info.licence, BuiltinEmotion(tmp_path).info.commercial) == (None, None)
