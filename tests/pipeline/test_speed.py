import json
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from installing import install
from typer.testing import CliRunner

from checkpoints import write_checkpoint
from conftest import noise, write_wav
from ressenti.pipeline import errors
from ressenti.pipeline.audio import Audio
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.console import STAGES
from ressenti.pipeline.lab.evaluation.speed import (
    Clock,
    Measurement,
    Stage,
    fastest,
    peak_mb,
    ratios,
    way_of,
    write_repeated,
)

RUN = CliRunner()
# what an analysis with the built-in models goes through, without sound of the page and known voices; loading has its own
BUILTIN = set(STAGES) - {"models", "sound", "known", "sentiment"}
LENGTH = 0.2  # minutes; the sample begins with seven seconds of silence


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is measured of a small wav2vec2 model, both the obvious way and in int8, and of the built-in model."""
    folder = tmp_path_factory.mktemp("speed")
    path = folder / "speed.json"
    models = [f"--model={name}" for name in ("obvious:somebody/mine", "int8:somebody/mine", "builtin")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESSENTI_MODELS", str(folder / "models"))
        install("somebody/mine", write_checkpoint(folder / "mine", spread=1.0))
        done = RUN.invoke(app, ["evaluate", "speed", "--minutes", str(LENGTH), *models, "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert "one run of each" in done.output
    compared = ("whole command", "whole command vs obvious:somebody/mine", "largest score change")
    for words in (*(STAGES[name] for name in BUILTIN), *compared):
        assert words in done.output
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.slow("measures analyses in processes of their own")
def test_every_stage_is_measured_and_they_add_up_to_at_most_the_whole(figures: dict[str, Any]) -> None:
    assert (figures["recording"], figures["config"], figures["repeats"]) == ("sample.wav", "default", 1)
    (length,) = figures["lengths"]
    assert len(length["models"]) == 3
    for model in length["models"]:
        names = [stage["stage"] for stage in model["stages"]]
        assert set(names) >= BUILTIN
        assert {"loading", "loading_diarizer", "loading_emotion", "turns", "deriving"} <= set(names)
        assert (names[0], names[-1]) == ("loading", "report")
        seconds = [stage["seconds"] for stage in model["stages"]]
        assert all(s >= 0 for s in seconds)
        assert sum(seconds) <= model["whole"]["seconds"] + 1e-3  # rounding
        assert model["runs_s"] == [model["whole"]["seconds"]]
        judging_s = next(stage["seconds"] for stage in model["stages"] if stage["stage"] == "emotion")
        windows_s = 4000 * judging_s / model["judging_ms"]
        assert 1 < windows_s <= 2 * 60 * LENGTH  # they overlap by half
        for cost in (*model["stages"], model["whole"]):
            assert cost["seconds_per_minute"] == pytest.approx(cost["seconds"] / LENGTH, abs=1e-3)
            assert cost["share"] == pytest.approx(cost["seconds"] / LENGTH / 60, abs=1e-4)


@pytest.mark.slow("measures analyses in processes of their own")
def test_without_an_emotion_model_the_rest_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    asked = ["evaluate", "speed", "--minutes", str(LENGTH), "--words", "off", "--config", "call-center"]
    done = RUN.invoke(app, [*asked, "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert "No emotion model: none that is installed allows commercial use" in " ".join(done.output.split())
    (model,) = json.loads(path.read_text(encoding="utf-8"))["lengths"][0]["models"]
    stages = [stage["stage"] for stage in model["stages"]]
    assert {"speech", "sounds", "report"} <= set(stages)
    assert "emotion" not in stages
    assert model["judging_ms"] is None


@pytest.mark.slow("measures analyses in processes of their own")
def test_memory_only_grows_and_is_not_that_of_the_process_before(figures: dict[str, Any]) -> None:
    if peak_mb() is None:
        pytest.skip("this system does not tell peak memory")
    for model in figures["lengths"][0]["models"]:
        peaks = [stage["peak_mb"] for stage in model["stages"]]
        assert peaks[0] == min(peaks)
        assert model["whole"]["peak_mb"] == peaks[-1] == max(peaks)  # a stage that runs twice ends after the next
    weight = np.ones(2**26)  # 512 MB here, of which a process started from here must know nothing
    command = [sys.executable, "-c", "from ressenti.pipeline.lab.evaluation.speed import peak_mb; print(peak_mb())"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < weight.nbytes / 2**20 < (peak_mb() or 0)


@pytest.mark.slow("measures analyses in processes of their own")
def test_a_model_is_compared_with_the_first(figures: dict[str, Any]) -> None:
    first, *others = figures["lengths"][0]["models"]
    int8, builtin = figures["lengths"][0]["ratios"]
    for ratio, model, name in zip((int8, builtin), others, ("int8:somebody/mine", "builtin"), strict=True):
        assert (ratio["model"], ratio["against"]) == (name, "obvious:somebody/mine")
        assert ratio["whole"] == pytest.approx(model["whole"]["seconds"] / first["whole"]["seconds"], rel=1e-2)
        assert ratio["emotion"] > 0
    assert 0 < int8["score_change"] < 0.05
    assert builtin["score_change"] is None  # other scores are another model's


def test_sound_is_repeated_to_the_length_asked_for(tmp_path: Path) -> None:
    samples = np.arange(2 * 5000, dtype=np.int16).reshape(2, 5000)
    for minutes in (0.001, 0.02):  # shorter and longer than the sound
        write_repeated(Audio(samples), minutes, tmp_path / "long.wav")
        with wave.open(str(tmp_path / "long.wav")) as file:
            assert (file.getnchannels(), file.getframerate()) == (2, 16_000)
            assert file.getnframes() == round(minutes * 60 * 16_000)
            written = np.frombuffer(file.readframes(-1), np.int16).reshape(-1, 2).T
        np.testing.assert_array_equal(written, np.resize(samples[0], written.shape[1]) + np.array([[0], [5000]]))


def test_repeats_count_the_least_seconds_and_the_most_memory() -> None:
    one = Measurement(1, "a", (Stage("audio", 1.0, 50), Stage("emotion", 4.0, None)), 7)
    other = Measurement(1, "a", (Stage("audio", 2.0, 60), Stage("emotion", 3.0, None)), 6)
    assert fastest([one, other]) == Measurement(1, "a", (Stage("audio", 1.0, 60), Stage("emotion", 3.0, None)), 6)
    assert fastest([one, other]).peak_mb == 60
    assert one.judging_ms is None
    assert replace(one, heard_s=160.0).judging_ms == 100


def test_ratios_by_hand_and_where_nobody_is_judged() -> None:
    small = Measurement(1, "small", (Stage("emotion", 2.0, None),), 10)
    large = Measurement(1, "large", (Stage("emotion", 5.0, None),), 15)
    (ratio,) = ratios([small, large])
    assert (ratio.model, ratio.against, ratio.emotion, ratio.whole) == ("large", "small", 2.5, 1.5)
    silent = Measurement(1, "small", (), 10)
    assert [r.emotion for r in ratios([silent, large, silent])] == [None, None]


def test_the_clock_gives_every_second_to_one_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([3.0, 4.0, 6.0, 10.0, 11.0])
    monkeypatch.setattr("ressenti.pipeline.lab.evaluation.speed.time.monotonic", lambda: next(times))
    clock = Clock(1.0)
    clock.end()
    clock.hook("speech", 1, 2)
    clock.hook("voices", 1, 1)
    clock.hook("speech", 2, 2)  # the second channel
    clock.end()
    assert {s.name: s.seconds for s in clock.stages()} == {"loading": 2.0, "speech": 6.0, "voices": 2.0}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--minutes", "0"], errors.ConfigError, "--minutes: got 0; expected a length above 0"),
        (["--minutes", "nan"], errors.ConfigError, "--minutes: got nan"),
        (["--minutes", "1e6"], errors.ConfigError, "expected at most"),
        (["--repeats", "0"], errors.ConfigError, "--repeats: got 0"),
        (["--config", "nowhere"], errors.ConfigError, "unknown preset"),
        (["nowhere.wav"], errors.NotFoundError, "no such file"),
    ],
)
def test_options_that_do_not_fit(arguments: list[str], error: type[errors.RessentiError], said: str) -> None:
    done = RUN.invoke(app, ["evaluate", "speed", *arguments])
    assert isinstance(done.exception, error)
    assert said in str(done.exception)


@pytest.mark.slow("measures analyses in processes of their own")
def test_an_error_of_the_measured_process_is_ours(sample: tuple[Path, Path], tmp_path: Path) -> None:
    done = RUN.invoke(app, ["evaluate", "speed", "--minutes", str(LENGTH), "--model", "nowhere"])
    assert isinstance(done.exception, errors.ConfigError)
    assert "0.2 minutes with nowhere: emotion.model" in str(done.exception)
    wordless = write_wav(tmp_path / "noise.wav", noise(3, 0.02))
    done = RUN.invoke(app, ["evaluate", "speed", str(wordless), "--minutes", "0.1"])
    assert isinstance(done.exception, errors.NoSpeechError)


def test_the_obvious_way_scores_the_same(tmp_path: Path) -> None:
    from ressenti.pipeline.config import EmotionOptions
    from ressenti.pipeline.emotion import choose
    from ressenti.pipeline.emotion.interface import Excerpt
    from ressenti.pipeline.lab.evaluation.plain_transformers import ObviousEmotion

    folder, options = write_checkpoint(tmp_path / "mine"), EmotionOptions(dtype="fp32", device="cpu")
    excerpts = [Excerpt((noise(s, seed=s) * 32767).astype(np.int16), "S1") for s in (1, 2)]
    own = choose(options.model_copy(update={"model": str(folder)})).score(excerpts)
    for a, b in zip(ObviousEmotion(folder, options).score(excerpts), own, strict=True):
        assert a.scores == pytest.approx(b.scores, abs=1e-5)
    with pytest.raises(errors.ConfigError, match="built-in model is not"):
        ObviousEmotion(None, options)
    with pytest.raises(errors.ConfigError, match="would leave it random"):
        ObviousEmotion(write_checkpoint(tmp_path / "other", "ehcalabres"), options)


def test_score_changes_are_of_one_model_only() -> None:
    scores = ((0.5, 0.5), (0.1, 0.9))
    first = Measurement(1, "obvious:mine", (), 1.0, scores)
    same, other = (
        Measurement(1, "int8:mine", (), 1.0, ((0.5, 0.5), (0.2, 0.9))),
        Measurement(1, "builtin", (), 1.0, scores),
    )
    found = ratios([first, same, other])
    assert [ratio.score_change for ratio in found] == [pytest.approx(0.1), None]
    assert way_of("int8:a:b") == ("int8", "a:b")
    assert way_of("owner/name") == (None, "owner/name")
