"""From the folder of installed models to a report: what is installed is used unasked, named, and refused when changed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pyannote_checkpoints
import pytest
from installing import COMMIT, flip, install, restored
from test_offline import offline
from typer.testing import CliRunner

from checkpoints import write_checkpoint
from commands import ressenti
from loopback_hub import GOOD, Hub, Repository
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.models import registry, user_choices
from ressenti.pipeline.models.installed import MANIFEST
from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio

FRENCH = next(i for i, entry in registry.known().items() if entry.task == "emotion")
PIPELINE = next(i for i, entry in registry.known().items() if entry.task == "diarization")
OTHER_COMMIT = "beef" * 10


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with a small one of each kind, under the ids and with the files of the real ones."""
    made, home = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("installed")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        import_pyannote_audio()
        pyannote_checkpoints.make(made)
        patch.setenv("RESSENTI_MODELS", str(home))
        patch.setenv("RESSENTI_SETTINGS", str(home / "settings"))
        install(FRENCH, write_checkpoint(made / "emotion"), COMMIT)
        install(PIPELINE, made / PIPELINE.split("/")[1], OTHER_COMMIT)
        user_choices.trust(pickles(home))
    return home


def pickles(home: Path) -> list[str]:
    """SHA-256 of the pickles there, as somebody would type them."""
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(home.rglob("*.bin"))]


@pytest.fixture
def home(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(installed, tmp_path / "models")  # with the times of its files
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "models" / "settings"))
    return tmp_path / "models"


RUN = """
import os, sys
from ressenti.pipeline.cli import main

def run():
    try:
        main()
    except SystemExit as done:
        print("CODE", done.code or 0, flush=True)
"""


def in_one_process(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own; `run()` in it runs the command in `sys.argv`, and prints its exit code."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RUN + code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


def codes_of(done: subprocess.CompletedProcess[str]) -> list[int]:
    return [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("CODE ")]


@pytest.fixture
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several threads on such small products only wait for one another."""
    monkeypatch.setattr("ressenti.pipeline.emotion.device.threads", lambda: 1)


def models_of(path: Path) -> dict[str, dict[str, Any]]:
    return {model["task"]: model for model in json.loads(path.read_text(encoding="utf-8"))["models"]}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("home", "_one_thread")
@pytest.mark.slow("analyses real recordings")
def test_installed_models_are_used_unasked_and_named_with_their_commits(
    sample: tuple[Path, Path], tmp_path: Path
) -> None:
    done = ressenti("analyze", sample[0], "--speakers", "2", "--device", "cpu", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    found = models_of(tmp_path / "out" / "sample.json")
    assert (found["diarization"]["name"], found["diarization"]["licence"]) == (PIPELINE, "CC BY 4.0")
    assert {"key": "installed", "values": {"commit": OTHER_COMMIT[:12]}} in found["diarization"]["notes"]
    assert (found["emotion"]["name"], found["emotion"]["licence"]) == (FRENCH, "Apache-2.0")
    assert {"key": "installed", "values": {"commit": COMMIT[:12]}} in found["emotion"]["notes"]
    assert {"key": "activation_sigmoid", "values": {}} in found["emotion"]["notes"]
    page = (tmp_path / "out" / "sample.report.html").read_text(encoding="utf-8")
    assert PIPELINE in page
    assert FRENCH in page
    told = ressenti("doctor")
    assert told.returncode == 0, told.stdout
    for words in (PIPELINE, FRENCH, COMMIT, OTHER_COMMIT, "verified"):
        assert words in told.stdout
    for words in ("pyannote-segmentation", "campplus", "ge2e"):  # of the built-in models, which are not in use
        assert words not in told.stdout
    asked = ("--diarizer", "builtin", "--emotion-model", "builtin", "--out", tmp_path / "builtin")
    assert ressenti("analyze", sample[0], *asked).returncode == 0
    assert not {PIPELINE, FRENCH} & {m["name"] for m in models_of(tmp_path / "builtin" / "sample.json").values()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("home", "_one_thread")
@pytest.mark.slow("analyses real recordings")
def test_several_recordings_load_each_model_once(
    ten_seconds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ressenti.pipeline.diarization import pyannote
    from ressenti.pipeline.emotion import wav2vec2

    done: list[str] = []

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, **k: (done.append(name), real(*a, **k))[1])

    counted(pyannote, "build_pipeline")
    counted(pyannote, "load_model")
    counted(pyannote, "read_checkpoints")
    counted(wav2vec2, "load")
    recordings = [tmp_path / f"{name}.wav" for name in ("a", "b")]
    for path in recordings:
        shutil.copy(ten_seconds, path)
    asked = [
        "analyze",
        "--words",
        "off",
        *map(str, recordings),
        "--speakers",
        "2",
        "--device",
        "cpu",
        "--format",
        "json",
    ]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    assert [len(models_of(path.with_suffix(".json"))) for path in recordings] == [5, 5]  # sounds, too
    assert Counter(done) == {"build_pipeline": 1, "load_model": 2, "read_checkpoints": 1, "load": 1}


@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_what_a_hub_gave_in_shards_and_behind_a_gate_is_used_with_every_connection_refused(
    ten_seconds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: Path
) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    pipeline = installed / PIPELINE.replace("/", "--")
    hub = Hub()
    try:
        hub.repositories[FRENCH] = Repository(bytes_of(write_checkpoint(tmp_path / "made", shards=True)))
        hub.repositories[PIPELINE] = Repository(bytes_of(pipeline, but=MANIFEST), gated=True)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        get = f"for sys.argv in {[['ressenti', 'models', 'get', name] for name in (PIPELINE, FRENCH, PIPELINE)]!r}:"
        got = in_one_process(f"{get}\n    run()\n    os.environ['HF_TOKEN'] = {GOOD!r}")
        assert codes_of(got) == [errors.GatedModelError.exit_code, 0, 0], got.stderr
    finally:
        hub.close()
    asked = [
        "analyze",
        "--words",
        "off",
        str(ten_seconds),
        "--speakers",
        "2",
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "out"),
    ]
    commands = (asked, ["models", "trust", *pickles(tmp_path / "models")], asked)  # a mirror may serve anything
    done = offline(f"{RUN}for sys.argv in {[['ressenti', *c] for c in commands]!r}:\n    run()", OMP_NUM_THREADS="1")
    assert codes_of(done) == [errors.UntrustedModelError.exit_code, 0, 0], done.stderr
    assert "TRIED" not in done.stderr
    found = models_of(tmp_path / "out" / "call.json")
    assert (found["emotion"]["name"], found["diarization"]["name"]) == (FRENCH, PIPELINE)


def bytes_of(folder: Path, but: str = "") -> dict[str, bytes]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != but)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        (PIPELINE, "segmentation/pytorch_model.bin"),
        (PIPELINE, "embedding/pytorch_model.bin"),
        (PIPELINE, "plda/plda.npz"),
        (FRENCH, "model.safetensors"),
    ],
)
@pytest.mark.slow("analyses real recordings")
def test_one_changed_byte_is_refused(
    home: Path, sample: tuple[Path, Path], tmp_path: Path, model: str, weights: str
) -> None:
    flip(home / model.replace("/", "--") / weights)
    done = ressenti("analyze", sample[0], "--speakers", "2", "--out", tmp_path / "out")
    assert done.returncode == errors.WrongHashError.exit_code, done.stderr
    assert f"ressenti models get {model}" in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()
    assert ressenti("doctor").returncode == errors.WrongHashError.exit_code


def test_a_changed_pickle_is_not_opened_though_its_time_is_as_before(
    home: Path, sample: tuple[Path, Path], tmp_path: Path
) -> None:
    restored(home / PIPELINE.replace("/", "--") / "segmentation" / "pytorch_model.bin", flip)
    done = ressenti("analyze", sample[0], "--speakers", "2", "--out", tmp_path / "out")
    assert done.returncode == errors.UntrustedModelError.exit_code, done.stderr
    assert not (tmp_path / "out").exists()
