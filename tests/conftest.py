"""Fixtures: made-up and real recordings, fakes, and what is skipped where it is absent (never in CI)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import wave
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from forked_decoder import Forking
from hypothesis import settings

from ressenti import People, load_config
from ressenti.pipeline import store
from ressenti.pipeline.audio import decoder_process
from ressenti.pipeline.config import build_config
from ressenti.pipeline.derive import derive
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.records import Conversation, EmotionScores
from ressenti.pipeline.run import analyze
from ressenti.pipeline.sounds.fake import FakeSounds

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MORE = 2 if os.environ.get("CI") else 1  # examples of properties: twice as many where nobody waits
settings.register_profile("patient", deadline=None, max_examples=20 * MORE)  # no test asserts on the clock
settings.load_profile("patient")

CHECKOUT = Path(__file__).resolve().parent.parent
MOST_WORKERS = 8  # each may hold 1 GB
SCORES = {
    "Pleased": EmotionScores((0.9, 0.02, 0.04, 0.02, 0.02)),
    "Tension": EmotionScores((0.02, 0.02, 0.04, 0.02, 0.9)),
    "unsure": EmotionScores((0.3, 0.1, 0.3, 0.2, 0.1)),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--short`: the campaign of `tests/campaign` in its short form."""
    parser.addoption("--short", action="store_true", help="with -m campaign: a few minutes instead of an hour")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """As many processes as there are cores; for the campaign, which has workers of its own, none but in its short form.

    In that, two: one for its groups, and one for what computes little (fuzzing, kills, waiting for what is sent).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    campaign = config.option.markexpr == "campaign"
    if cores == 1 or (campaign and not config.option.short):
        return 0
    if campaign:
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each on a core of its own; threads are tested where they are meant
    return min(cores, MOST_WORKERS)


# Files that take longest, the longest first: one that begins last would leave the other cores without work. All others
# follow by name.
LONGEST = {
    "slow": (
        "real/test_conversations.py", "browser/test_open.py", "pipeline/test_finetune.py", "pipeline/test_pyannote.py",
        "pipeline/test_speed.py", "test_ray.py", "test_installed_models.py", "browser/test_long.py", "pipeline/test_files.py",
        "browser/test_keyboard.py", "pipeline/test_training.py", "browser/test_who_spoke.py", "browser/test_labelling.py",
        "pipeline/test_models.py", "test_offline.py", "pipeline/test_torchaudio_import.py", "pipeline/test_wav2vec2.py",
    ),
    "quick": (
        "pipeline/test_stored_rules.py", "pipeline/test_pyannote.py", "test_cli.py", "test_batch.py",
        "browser/test_open.py", "pipeline/test_training.py", "pipeline/test_trust.py", "pipeline/test_label_command.py",
        "pipeline/test_labelling.py", "pipeline/test_models.py", "test_docs.py", "test_offline.py", "test_house.py",
    ),
}  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first; and whoever marks a test as slow says why."""
    longest = LONGEST["slow" if config.option.markexpr == "slow" else "quick"]
    place = {CHECKOUT / "tests" / name: k for k, name in enumerate(longest)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
    for item in items:
        for mark in item.iter_markers("slow"):
            if not (mark.args and isinstance(mark.args[0], str)):
                raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.slow needs a reason in words")


def examples(count: int) -> int:
    """How many examples of a property are tried where a person waits, and in CI."""
    return count * MORE


def mostly_slow(reason: str, values: Iterable[Any], quick: int = 1) -> list[Any]:
    """Values to parametrize with, of which only the first few are tried in the quick run."""
    first = list(values)
    rest = [pytest.param(value, marks=pytest.mark.slow(reason)) for value in first[quick:]]
    return [*first[:quick], *rest]


def absent(what: str) -> None:
    """Skip with a reason; fail in CI, where everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is absent in CI")
    pytest.skip(f"{what} is absent")


@pytest.fixture(scope="session", autouse=True)
def no_installed_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests judge the product as it is without models that this machine's user installed, also in subprocesses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESSENTI_MODELS", str(tmp_path_factory.mktemp("models") / "none"))
        patch.setenv("RESSENTI_SETTINGS", str(tmp_path_factory.mktemp("settings")))
        patch.setenv("RESSENTI_VOICES", str(tmp_path_factory.mktemp("voices") / "none"))
        yield


@pytest.fixture(scope="session", autouse=True)
def forked_decoders() -> Iterator[None]:
    """Decoders are forked from a warm process: each recording saves what an interpreter takes to start."""
    forking = Forking()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_process, "subprocess", forking.module)
        yield
    forking.close()


class Recognising:
    """Whether analyses in this process recognise words: only in tests about them, as it takes seconds in each."""

    on = False


@pytest.fixture(scope="session", autouse=True)
def no_recognised_words() -> Iterator[None]:
    """Analyses recognise no words. Commands in processes of their own say `--words off` (`tests/commands.py`)."""
    choose = Models.transcriber
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Models, "transcriber", lambda own, *asked: choose(own, *asked) if Recognising.on else None)
        yield


@pytest.fixture(autouse=True)
def recognised_words(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests with the mark `words` recognise them."""
    monkeypatch.setattr(Recognising, "on", request.node.get_closest_marker("words") is not None)


@pytest.fixture
def own_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders as they are outside tests: each a process started anew."""
    monkeypatch.setattr(decoder_process, "subprocess", subprocess)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real audio that is not part of the repository."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        absent("../shared/data")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium to open pages in."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        absent("Chromium")
    return str(path)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium that leaves the network alone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def sample() -> tuple[Path, Path]:
    """The conversation that comes installed with pyannote.audio, and its reference RTTM."""
    from ressenti.pipeline.cli.sample import locate

    return locate()


@pytest.fixture(scope="session")
def ten_seconds(sample: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of it, in which both people talk."""
    import soundfile

    samples, _ = soundfile.read(sample[0], start=7 * 16_000, stop=17 * 16_000)
    return write_wav(tmp_path_factory.mktemp("short") / "call.wav", samples)


class InThisProcess:
    """What stands for a `ProcessPoolExecutor` where its processes are not what is tested: each imports for seconds."""

    def __init__(self, _count: int, _context: object, begin: Callable[..., None], given: tuple[Any, ...]) -> None:
        begin(*given)

    def __enter__(self) -> InThisProcess:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, do: Callable[[Any], Any], over: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        """What `do` makes of each."""
        return map(do, over)


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = 16_000) -> Path:
    """Write float samples (n,) or (channels, n) in [-1, 1] as 16-bit wav."""
    data = np.atleast_2d(samples)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(data.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(data, -1, 1) * 32767).astype("<i2").T.tobytes())
    return path


def noise(seconds: float, level: float = 0.1, seed: int = 0, rate_hz: int = 16_000) -> np.ndarray:
    """Reproducible noise, (n,)."""
    return np.random.default_rng(seed).normal(0, level, int(seconds * rate_hz))


def results(folder: Path) -> set[str]:
    """Names of all that is in a folder, but for manifests of results that are there."""
    names = {path.name for path in folder.iterdir()}
    stems = {name.split(".")[0] for name in names if not name.startswith(".")}
    return names - {f".{stem}.ressenti" for stem in stems}


@pytest.fixture(scope="session")
def made_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty seconds of sound for pipelines made of fakes, written once."""
    return write_wav(tmp_path_factory.mktemp("recording") / "call.wav", noise(30))


@pytest.fixture
def recording(made_recording: Path, tmp_path: Path) -> Path:
    """A test's own copy of it."""
    return shutil.copyfile(made_recording, tmp_path / "call.wav")


SEGMENTS = [
    (0.5, 4.0, "S1"),
    (5.0, 9.0, "S2"),
    (9.5, 20.0, "S1"),
    (19.0, 24.0, "S2"),
    (24.2, 24.6, "S1"),
    (26.0, 29.0, "S1"),
]


def by_loudness(excerpt: Excerpt) -> EmotionScores:
    """A made-up opinion that depends on nothing but who speaks and for how long."""
    if len(excerpt.samples) < 3.2 * 16_000:
        return SCORES["unsure"]
    return SCORES["Tension" if excerpt.speaker == "S2" else "Pleased"]


@pytest.fixture(scope="session")
def make_once(made_recording: Path) -> Callable[[str, str, People | None], Conversation]:
    """A conversation made with fakes, once for each set of options."""

    @cache
    def make(config: str, overrides: str, people: People | None) -> Conversation:
        options = load_config(config, json.loads(overrides))
        fakes = FakeDiarizer(SEGMENTS), FakeEmotion(by_loudness)
        return analyze(
            made_recording, options, people, diarizer=fakes[0], emotion_model=fakes[1], sound_detector=FakeSounds()
        )

    return make


def told(conversation: Conversation, *confidences: float | None) -> Conversation:
    """The same from a diarizer that tells how sure it is of each segment; each is a turn of its own."""
    found, pairs = conversation.diarization, list(zip(conversation.turns, confidences, strict=True))
    segments = tuple(replace(s, confidence=c) for s, c in zip(found.segments, confidences, strict=True))
    turns = tuple(
        replace(t, speaker_confidence=c, original=t.original and replace(t.original, speaker_confidence=c))
        for t, c in pairs
    )
    made = replace(conversation, diarization=replace(found, segments=segments), turns=turns)
    return derive(made, build_config(made.config))


@pytest.fixture
def make_conversation(make_once: Callable[[str, str, People | None], Conversation]) -> Callable[..., Conversation]:
    """A test's own copy of a conversation made with fakes; options as of `load_config`."""

    def make(
        config: str = "default", overrides: dict[str, dict[str, Any]] | None = None, people: People | None = None
    ) -> Conversation:
        return deepcopy(make_once(config, json.dumps(overrides), people))

    return make


@pytest.fixture(scope="session")
def made_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five short analysed calls of two speakers each, made once."""
    folder = tmp_path_factory.mktemp("made") / "calls"
    folder.mkdir()
    for k in range(5):
        path = write_wav(folder / f"call-{k}.wav", noise(30, seed=k))
        made = analyze(
            path,
            people=People(names=("Zoé Secret", "Max Secret")),
            diarizer=FakeDiarizer(SEGMENTS),
            emotion_model=FakeEmotion(by_loudness),
            sound_detector=FakeSounds(),
        )
        path.with_suffix(".json").write_text(store.dumps(made), encoding="utf-8")
    return folder


@pytest.fixture
def calls(made_calls: Path, tmp_path: Path) -> Path:
    """A test's own copy of them: NAME.wav and NAME.json, 25 judged turns in all."""
    return shutil.copytree(made_calls, tmp_path / "calls")
