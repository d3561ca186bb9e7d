"""The pyannote pipelines, on small checkpoints in the real formats; what pyannote.audio itself does is asked of it."""

import copy
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyannote_checkpoints
import pytest
from installing import flip, install

import commands
from ressenti import load_config
from ressenti.pipeline import audio, diarization, errors
from ressenti.pipeline.config import AudioOptions, DiarizationOptions
from ressenti.pipeline.diarization import pyannote, pyannote_folder
from ressenti.pipeline.diarization.builtin import BuiltinDiarizer
from ressenti.pipeline.diarization.channels import ChannelDiarizer
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.pyannote import PyannoteDiarizer
from ressenti.pipeline.diarization.pyannote_count import Bounds, WatchedClustering, bounds_of
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.models import user_choices
from ressenti.pipeline.models.installed import FileNote, Manifest, of_manifest
from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio
from ressenti.pipeline.progress import watched
from ressenti.pipeline.records import Diarization, Segment
from ressenti.pipeline.run import _count

COMMUNITY, THREE_ONE = "speaker-diarization-community-1", "speaker-diarization-3.1"
TRUSTING = DiarizationOptions(trust_model=True)
NAME = "pyannote.audio.pipelines.SpeakerDiarization"
FREE = Count()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with both pipelines; torch on one core, where small models are quickest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_pyannote_audio()
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        root = tmp_path_factory.mktemp("models")
        pyannote_checkpoints.make(root)
    yield root
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def sound(sample: tuple[Path, Path]) -> audio.Audio:
    """The last twenty seconds of the sample, in which both people talk."""
    whole = audio.load(sample[0], AudioOptions(remove_hum=False))[1]
    return audio.Audio(whole.samples[:, 16_000 * 10 :])


@pytest.fixture(scope="session")
def diarizers(checkpoints: Path) -> dict[str, PyannoteDiarizer]:
    return {name: pyannote.load(checkpoints / name, TRUSTING) for name in (COMMUNITY, THREE_ONE)}


@pytest.fixture(scope="session")
def free(diarizers: dict[str, PyannoteDiarizer], sound: audio.Audio) -> dict[str, Diarization]:
    """The sample, with the number of speakers free."""
    return {name: diarizer.diarize(sound, FREE) for name, diarizer in diarizers.items()}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_tracks(annotation: Any) -> list[tuple[float, float, str]]:
    return sorted((t.start, t.end, label) for t, _, label in annotation.itertracks(yield_label=True))


def same(segments: tuple[Segment, ...], theirs: Any, duration_s: float) -> bool:
    """Same times, and one label for each of theirs."""
    tracks = as_tracks(theirs)
    times = [(s.start_s, s.end_s) for s in segments]
    pairs = {(s.speaker, label) for s, (_, _, label) in zip(segments, tracks, strict=True)}
    labels = len({label for _, _, label in tracks})
    return times == [(a, min(b, duration_s)) for a, b, _ in tracks] and len(pairs) == labels


def direct(checkpoints: Path, name: str) -> Any:
    """pyannote.audio's own pipeline object, without our loader; its traps are stepped around by hand."""
    from pyannote.audio import Pipeline

    if name == COMMUNITY:
        return Pipeline.from_pretrained(str(checkpoints / name))
    config = copy.deepcopy(pyannote_checkpoints.THREE_ONE)
    config["pipeline"]["params"] |= {
        "segmentation": str(checkpoints / "segmentation-3.0"),
        "embedding": {"checkpoint": str(checkpoints / "wespeaker-voxceleb-resnet34-LM")},
        "plda": str(checkpoints / COMMUNITY / "plda"),
    }
    return Pipeline.from_pretrained(config)


def test_the_hash_of_a_pipeline_is_of_its_recipe(
    checkpoints: Path, diarizers: dict[str, PyannoteDiarizer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))
    folder = checkpoints / COMMUNITY
    names = ("config.yaml", "plda/plda.npz", "plda/xvec_transform.npz")
    expected = together({name: sha256(folder / name) for name in names})
    assert diarizers[COMMUNITY].models[0].sha256 == expected
    assert diarizers[THREE_ONE].models[0].sha256 == sha256(checkpoints / THREE_ONE / "config.yaml")
    install(f"pyannote/{COMMUNITY}", folder)
    user_choices.trust(sha256(path) for path in folder.rglob("*.bin"))
    installed = diarization.choose("mono", DiarizationOptions(model=f"pyannote/{COMMUNITY}"))
    assert [m.sha256 for m in installed.models] == [m.sha256 for m in diarizers[COMMUNITY].models]


def test_what_a_folder_allows_is_not_known(diarizers: dict[str, PyannoteDiarizer]) -> None:
    for diarizer in diarizers.values():
        assert {(model.licence, model.commercial) for model in diarizer.models} == {(None, None)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [COMMUNITY, THREE_ONE])
@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_it_finds_what_pyannote_itself_finds(
    name: str,
    checkpoints: Path,
    sound: audio.Audio,
    free: dict[str, Diarization],
    diarizers: dict[str, PyannoteDiarizer],
) -> None:
    import torch

    theirs = direct(checkpoints, name)
    file = {"waveform": torch.from_numpy(sound.samples[:1].astype(np.float32) / 32768), "sample_rate": 16_000}
    for asked, found in ((None, free[name]), (2, diarizers[name].diarize(sound, Count(exactly=2)))):
        expected = theirs(file, num_speakers=asked)
        assert same(found.segments, expected.speaker_diarization, sound.duration_s)
        assert same(found.exclusive, expected.exclusive_speaker_diarization, sound.duration_s)
        vectors = np.array([vector for _, vector in found.embeddings])
        rows = expected.speaker_embeddings / np.linalg.norm(expected.speaker_embeddings, axis=1, keepdims=True)
        cosines = vectors @ rows.T
        assert cosines.max(axis=1) == pytest.approx(np.ones(len(vectors)), abs=1e-3)


def test_the_random_models_are_a_test_at_all(free: dict[str, Diarization]) -> None:
    for found in free.values():
        assert len(found.speakers) >= 2
        assert found.speakers == tuple(f"S{i + 1}" for i in range(len(found.speakers)))
        assert sum(s.duration_s for s in found.segments) > sum(s.duration_s for s in found.exclusive) + 1
        assert [label for label, _ in found.embeddings] == list(found.speakers)
        assert found.hears_overlap
        assert (found.count, found.count_confidence) == ("estimated", "low")


def test_exclusive_segments_do_not_overlap(free: dict[str, Diarization]) -> None:
    for found in free.values():
        ordered = sorted(found.exclusive, key=lambda s: s.start_s)
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(ordered))


RUN = """
import json, os, socket, sys
opened = []
def refuse(*arguments, **_):
    opened.append(repr(arguments[1:]))
    raise OSError("no network in this test")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
os.environ.update(PYANNOTE_METRICS_ENABLED="1", HF_HUB_OFFLINE="0")
from ressenti.pipeline.cli import main
codes = []
for asked in json.loads(sys.argv[1]):
    sys.argv = ["ressenti", *asked]
    try:
        main()
    except SystemExit as end:
        codes.append(end.code or 0)
    print("----", flush=True)
metrics = sys.modules.get("pyannote.audio.telemetry.metrics")
sent = metrics and metrics.is_metrics_enabled()
offline = metrics and __import__("huggingface_hub").constants.HF_HUB_OFFLINE
print(json.dumps([codes, opened, sent, offline]), file=sys.__stderr__)
"""


def ressenti(*commands: Sequence[str | Path]) -> tuple[subprocess.CompletedProcess[str], Any]:
    """Commands in a process of their own in which connections are refused and noted; codes, telemetry and hub state."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps([[*map(str, arguments)] for arguments in commands])],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return done, json.loads(done.stderr.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def alone(
    checkpoints: Path, sample: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[str, Path]]:
    """Each pipeline's analysis of the sample, both in one process without a connection: what it said, and its folder."""
    folder = tmp_path_factory.mktemp("alone")
    config = folder / "plain.yaml"
    config.write_text("audio: {remove_hum: false}", encoding="utf-8")  # networks that know nothing were made for it
    options = ("--trust-model", "--config", config, "--speakers", "2")
    names = (COMMUNITY, THREE_ONE)
    done, (codes, opened, sent, offline) = ressenti(
        *(("analyze", sample[0], "--diarizer", checkpoints / n, *options, "--out", folder / n) for n in names)
    )
    assert (done.returncode, codes) == (0, [0, 0]), done.stderr
    assert (opened, sent, offline) == ([], False, True)
    assert "arn" not in done.stderr  # no warning of a library, and nothing that pyannote prints
    return {name: (said, folder / name) for name, said in zip(names, done.stdout.split("----"), strict=False)}


@pytest.mark.parametrize(("name", "words"), [(COMMUNITY, "all voices were regrouped"), (THREE_ONE, "speech activity")])
@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_a_real_recording_is_analysed_without_a_connection(
    name: str, words: str, checkpoints: Path, alone: dict[str, tuple[str, Path]]
) -> None:
    said, out = alone[name]
    assert "2 speakers (given" in said
    assert "lusters" not in said
    stored = json.loads((out / "sample.json").read_text(encoding="utf-8"))
    tasks = [model["task"] for model in stored["models"]]
    # an analysis recognises words, too
    parts = ["diarization", "speech activity", "speaker embedding", "transcription", "voice encoder", "emotion"]
    assert [task for task in tasks if task != "sounds"] == parts
    names = (f"{name}/segmentation", f"{name}/embedding")
    apart = ("segmentation-3.0", "wespeaker-voxceleb-resnet34-LM")
    expected = (name, *(names if name == COMMUNITY else apart))
    assert tuple(model["name"] for model in stored["models"][:3]) == expected
    assert stored["models"][2]["sha256"] == sha256(
        checkpoints
        / (f"{COMMUNITY}/embedding" if name == COMMUNITY else "wespeaker-voxceleb-resnet34-LM")
        / "pytorch_model.bin"
    )
    cut = [(s["start_s"], s["end_s"]) for s in stored["diarization"]["exclusive"]]
    spans = [(t["start_s"], t["end_s"]) for t in stored["turns"]]
    assert all(b[0] >= a[1] - 1e-6 for a, b in pairwise(spans))
    assert {a for a, _ in spans} <= {a for a, _ in cut}
    assert any(turn["overlap_s"] > 0 for turn in stored["turns"])
    assert stored["exchange"]["overlap_s"] > 1
    page = (out / "sample.report.html").read_text(encoding="utf-8")
    assert words.casefold() in page.casefold()
    assert name in page


def test_pickles_of_unknown_origin_are_not_opened(checkpoints: Path, sample: tuple[Path, Path], tmp_path: Path) -> None:
    done = commands.ressenti("analyze", sample[0], "--diarizer", checkpoints / COMMUNITY, "--out", tmp_path / "out")
    assert done.returncode == errors.UntrustedModelError.exit_code == 28
    assert "--trust-model" in done.stderr
    assert not (tmp_path / "out").exists()


class Payload:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return (os.mkdir, (str(self.path),))


def copied(checkpoints: Path, tmp_path: Path) -> Path:
    """community-1, whose files a test may change."""
    folder = tmp_path / "changed"
    shutil.copytree(checkpoints / COMMUNITY, folder)
    return folder


def test_a_checkpoint_is_read_only_when_its_hash_is_trusted(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))
    folder = copied(checkpoints, tmp_path)
    weights = sorted(folder.rglob("*.bin"))
    notes = {
        p.relative_to(folder).as_posix(): FileNote(size=p.stat().st_size, sha256=sha256(p))
        for p in (*weights, *folder.rglob("*.npz"))
    }
    made = Manifest(id="me/mine", task="diarization", commit="a" * 40, source="http://hub", files=notes)
    own = of_manifest(made, folder)
    with pytest.raises(errors.UntrustedModelError) as refused:  # a manifest says that files are whole, and no more
        pyannote.load(folder, DiarizationOptions(), installed=own)
    user_choices.trust(sha256(path) for path in weights)
    assert all(sha256(path) in str(refused.value) for path in weights)
    found = pyannote.load(folder, DiarizationOptions(), installed=own).models[0]
    assert (found.name, found.licence, found.commercial) == ("me/mine", None, None)
    evil = folder / "segmentation" / "pytorch_model.bin"
    torch.save({"state_dict": Payload(tmp_path / "ran")}, evil)
    with pytest.raises(errors.UntrustedModelError, match=sha256(evil)):
        pyannote.load(folder, DiarizationOptions(), installed=own)
    user_choices.trust([sha256(evil)])
    with pytest.raises(errors.UntrustedModelError, match=r"more than tensors and settings \(posix.mkdir\)"):
        pyannote.load(folder, DiarizationOptions(), installed=own)
    assert not (tmp_path / "ran").exists()  # a typed hash lets tensors be read, and no code run
    with pytest.raises(errors.ModelError, match="cannot be loaded"):
        pyannote.load(folder, TRUSTING)
    assert (tmp_path / "ran").exists()  # what --trust-model means


def test_no_published_format_is_unpickled(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    import torch

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("unpickled")

    asked: list[bool] = []
    real = torch.load
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    monkeypatch.setattr(torch, "load", lambda *a, **k: (asked.append(k["weights_only"]), real(*a, **k))[1])
    for name in (COMMUNITY, THREE_ONE):
        pyannote.load(checkpoints / name, TRUSTING)
    assert asked == [True] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held["pyannote.audio"]["architecture"].update({"module": "os", "class": "system"}), "os.system"),
        (
            lambda held: held["pyannote.audio"]["architecture"].update({"class": "Model"}),
            "expected a model class of pyannote",
        ),
        (lambda held: held["hyper_parameters"]["lstm"].update(num_layers=10**9), "num_layers '1000000000'"),
        (lambda held: held["hyper_parameters"]["lstm"].update(hidden_size=90_000), "size mismatch"),
        (lambda held: held["hyper_parameters"]["sincnet"].update(stride=0), "stride '0'"),
        (lambda held: held["hyper_parameters"].update(sample_rate=float("nan")), "sample_rate 'nan'"),
        (lambda held: held["hyper_parameters"].update(wav2vec="WAVLM_BASE"), "other weights"),
        (lambda held: setattr(held["pyannote.audio"]["specifications"], "duration", 1e9), "invalid specifications"),
        (lambda held: held["pyannote.audio"].pop("specifications"), "cannot be loaded"),
        (lambda held: held["pyannote.audio"]["versions"].update({"pyannote.audio": "9.0"}), "made by pyannote.audio 9"),
        (lambda held: held.pop("state_dict"), "no named weights"),
        (lambda held: held["state_dict"].update(huge=held["state_dict"]["classifier.bias"][:1].expand(10**9)), "huge"),
    ],
)
def test_settings_of_no_model_are_refused_before_anything_is_built(
    checkpoints: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    import torch

    folder = copied(checkpoints, tmp_path)
    path = folder / "segmentation" / "pytorch_model.bin"
    held = torch.load(path, weights_only=False)
    change(held)
    torch.save(held, path)
    with pytest.raises(errors.ModelError, match=message):
        pyannote.load(folder, TRUSTING)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("classifier.weight"), "missing \\['classifier.weight'\\]"),
        (lambda state: state.update(other=state["classifier.bias"]), "unexpected \\['other'\\]"),
        (lambda state: state.update({"classifier.bias": state["classifier.bias"][:3]}), "size mismatch"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    checkpoints: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    import torch

    folder = copied(checkpoints, tmp_path)
    path = folder / "segmentation" / "pytorch_model.bin"
    held = torch.load(path, weights_only=False)
    change(held["state_dict"])
    torch.save(held, path)
    with pytest.raises(errors.ModelError, match=message):
        pyannote.load(folder, TRUSTING)


def test_the_weights_of_a_training_loss_are_left_out(checkpoints: Path, tmp_path: Path) -> None:
    import torch

    folder = copied(checkpoints, tmp_path)
    path = folder / "embedding" / "pytorch_model.bin"
    held = torch.load(path, weights_only=False)
    held["state_dict"]["loss_func.W"] = torch.zeros(3)
    torch.save(held, path)
    pyannote.load(folder, TRUSTING)


@pytest.mark.filterwarnings("ignore")
def test_a_path_with_wespeaker_would_be_taken_for_onnx(
    checkpoints: Path, diarizers: dict[str, PyannoteDiarizer]
) -> None:
    from pyannote.audio.pipelines.speaker_verification import PretrainedSpeakerEmbedding

    path = str(checkpoints / "wespeaker-voxceleb-resnet34-LM" / "pytorch_model.bin")
    assert "wespeaker" in path
    assert "pyannote" not in path
    with pytest.raises(Exception, match=r"(?i)onnx|protobuf|hub|repo"):
        PretrainedSpeakerEmbedding(path)
    embedding = diarizers[THREE_ONE]._pipeline._embedding
    assert type(embedding).__name__ == "PyannoteAudioPretrainedSpeakerEmbedding"


@pytest.mark.filterwarnings("ignore")
def test_the_pipeline_3_1_would_ask_the_hub_for_a_plda(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyannote.audio import Pipeline
    from pyannote.audio.core import plda

    asked = []

    def hub(name: str, *_: Any, **__: Any) -> None:
        asked.append(name)
        raise OSError("the hub was asked")

    monkeypatch.setattr(plda, "download_from_hf_hub", hub)
    config = copy.deepcopy(pyannote_checkpoints.THREE_ONE)
    config["pipeline"]["params"] |= {"segmentation": str(checkpoints / "segmentation-3.0")}
    with pytest.raises(OSError, match="the hub was asked"):
        Pipeline.from_pretrained(config)
    assert asked == ["pyannote/speaker-diarization-community-1"]
    asked.clear()
    pyannote.load(checkpoints / THREE_ONE, TRUSTING)
    assert asked == []


def test_what_is_asked_for_is_given_as_bounds() -> None:
    assert bounds_of(Count(at_least=2, at_most=6), k_means=True) == Bounds(2, 6)
    assert bounds_of(Count(), k_means=True) == Bounds(1, None)
    assert bounds_of(Count(exactly=2), k_means=True) == Bounds(2, 2)
    assert bounds_of(Count(exactly=5), k_means=True) == Bounds(1, 5, loosened=True)
    assert bounds_of(Count(exactly=5), k_means=False) == Bounds(5, 5)


@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_the_clusterings_own_count_stands_where_it_may(
    diarizers: dict[str, PyannoteDiarizer],
    free: dict[str, Diarization],
    sound: audio.Audio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, diarizer = len(free[COMMUNITY].speakers), diarizers[COMMUNITY]
    assert own >= 3
    monkeypatch.setattr("pyannote.audio.pipelines.clustering.KMeans", None)  # it must not be needed
    agreed = diarizer.diarize(sound, Count(exactly=own))
    assert agreed.segments == free[COMMUNITY].segments
    assert (agreed.count, agreed.count_confidence, [n.key for n in agreed.notes]) == ("given", "high", ["count_agrees"])
    fewer = diarizer.diarize(sound, Count(exactly=own + 2))
    assert fewer.segments == free[COMMUNITY].segments
    assert (fewer.count, fewer.count_confidence) == ("estimated", "low")
    assert [(n.key, n.values) for n in fewer.notes] == [
        ("fewer_speakers", {"asked": own + 2, "found": own}),
        ("count_as_bound", {"asked": own + 2}),
    ]


def test_a_bound_that_nobody_gave_is_none(
    diarizers: dict[str, PyannoteDiarizer],
    free: dict[str, Diarization],
    sound: audio.Audio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many voices VBx tells apart, its result stands; the built-in bound of eight is not pyannote's."""
    asked = []
    monkeypatch.setattr("pyannote.audio.pipelines.clustering.KMeans", None)  # it must not be needed
    diarizer, own = diarizers[COMMUNITY], diarizers[COMMUNITY]._pipeline.apply

    def apply(*given: Any, **options: Any) -> Any:
        asked.append((options["min_speakers"], options["max_speakers"]))
        return own(*given, **options)

    monkeypatch.setattr(diarizer._pipeline, "apply", apply)
    found = diarizer.diarize(sound, _count(load_config()))
    assert asked == [(1, None)]
    assert (found.segments, found.notes) == (free[COMMUNITY].segments, ())
    eleven = np.eye(11)

    class Vbx:
        """Eleven groups by itself; any number that is asked for."""

        def __call__(self, **given: Any) -> tuple[Any, Any, Any]:
            return None, None, eleven[: given["num_clusters"] or 11]

        def filter_embeddings(self, *_: Any, **__: Any) -> tuple[Any]:
            return (eleven,)

    for count, used in ((_count(load_config()), None), (Count(at_most=8), 8)):
        clustering = WatchedClustering(Vbx(), bounds_of(count, k_means=True), True, lambda *_: None)
        assert len(clustering(embeddings=eleven, segmentations=None)[2]) == (used or 11)
        assert (clustering.own, clustering.used) == (11, used)


def test_what_had_to_be_grouped_anew_is_said(
    diarizers: dict[str, PyannoteDiarizer], free: dict[str, Diarization], sound: audio.Audio
) -> None:
    own = len(free[COMMUNITY].speakers)
    for count, used in ((Count(exactly=2), 2), (Count(at_least=own + 1, at_most=own + 1), own + 1)):
        found = diarizers[COMMUNITY].diarize(sound, count)
        assert len(found.speakers) == used
        assert found.count == "given"
        assert [(n.key, n.values) for n in found.notes] == [("count_forced", {"own": own, "used": used})]


def test_more_speakers_than_voices_can_be_asked_for(diarizers: dict[str, PyannoteDiarizer], sound: audio.Audio) -> None:
    short = audio.Audio(sound.samples[:, 16_000 * 1 : 16_000 * 4])
    for diarizer in diarizers.values():
        found = diarizer.diarize(short, Count(at_least=8, at_most=8))
        assert 0 < len(found.speakers) < 8
        assert found.notes[-1].key == "fewer_speakers"
        assert all(np.isfinite(vector).all() for _, vector in found.embeddings)
        assert all(s.end_s <= short.duration_s for s in found.segments)


def test_each_window_goes_through_the_embedding_once(diarizers: dict[str, PyannoteDiarizer]) -> None:
    import torch

    model = diarizers[COMMUNITY]._pipeline._embedding.model_
    windows = torch.randn(3, 1, 80_000, generator=torch.Generator().manual_seed(0)).repeat_interleave(3, dim=0)[1:]
    masks = (torch.rand(8, 293, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    looked: list[int] = []
    handle = model.resnet.conv1.register_forward_pre_hook(lambda _, given: looked.append(len(given[0])))
    with torch.inference_mode():
        ours, theirs = model(windows, weights=masks), type(model).forward(model, windows, weights=masks)
    handle.remove()
    assert looked == [3, 8]
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_clustering_is_a_stage_without_an_end(diarizers: dict[str, PyannoteDiarizer], sound: audio.Audio) -> None:
    seen: list[tuple[str, float, float | None]] = []
    diarizers[COMMUNITY].diarize(sound, FREE, lambda *step: seen.append(step))
    assert list(dict.fromkeys(stage for stage, _, _ in seen)) == ["speech", "voices", "clustering"]
    (*before, last) = [step for step in seen if step[0] == "clustering"]
    assert set(before) == {("clustering", 0, None)}
    assert len(before) > 1  # when it begins, after the pipeline's own count, and when segments are made of it
    assert last == ("clustering", 1, 1)
    for stage in ("speech", "voices"):
        (*_, last) = [step for step in seen if step[0] == stage]
        assert last[1] == last[2]


@pytest.mark.parametrize("stage", ["speech", "voices", "clustering"])
@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_a_hook_that_raises_stops_it_and_the_next_run_is_as_ever(
    diarizers: dict[str, PyannoteDiarizer], sound: audio.Audio, stage: str, free: dict[str, Diarization]
) -> None:
    error = errors.CancelledError("enough")

    def hook(name: str, completed: float, total: float | None) -> None:
        if name == stage:
            raise error

    before = (list(warnings.filters), logging.getLogger("lightning").level)
    with pytest.raises(errors.CancelledError) as caught:
        watched(lambda watch: diarizers[COMMUNITY].diarize(sound, FREE, watch), hook)
    assert caught.value is error
    assert (list(warnings.filters), logging.getLogger("lightning").level) == before
    assert diarizers[COMMUNITY].diarize(sound, FREE) == free[COMMUNITY]


@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_two_threads_may_use_one_pipeline(
    diarizers: dict[str, PyannoteDiarizer], sound: audio.Audio, free: dict[str, Diarization]
) -> None:
    asked = [FREE, Count(exactly=2), FREE]
    alone = [diarizers[COMMUNITY].diarize(sound, count) for count in asked]
    before = (list(warnings.filters), logging.getLogger("lightning").level)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda count: diarizers[COMMUNITY].diarize(sound, count), asked)) == alone
    assert (list(warnings.filters), logging.getLogger("lightning").level) == before
    assert alone[0] == free[COMMUNITY]


def test_where_nobody_speaks_there_are_no_segments(checkpoints: Path, tmp_path: Path, sound: audio.Audio) -> None:
    import torch

    folder = copied(checkpoints, tmp_path)
    path = folder / "segmentation" / "pytorch_model.bin"
    held = torch.load(path, weights_only=False)
    held["state_dict"]["classifier.bias"][0] += 1000  # the empty set of speakers
    torch.save(held, path)
    found = pyannote.load(folder, TRUSTING).diarize(sound, Count(exactly=2))
    assert (found.segments, found.exclusive, found.embeddings, found.notes) == ((), (), (), ())


def changed(**params: Any) -> dict[str, Any]:
    config = copy.deepcopy(pyannote_checkpoints.COMMUNITY)
    config["pipeline"]["params"] |= params
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "not a config of a pyannote pipeline"),
        ({"pipeline": {"name": "os.system", "params": {}}}, "No other class is run"),
        ({"pipeline": {"name": NAME, "params": [1]}}, "not a config of a pyannote pipeline"),
        ({"pipeline": {"name": NAME, "params": ["ab", "c"]}}, "not a config of a pyannote pipeline"),
        ({**changed(), "params": [1]}, "does not fit its pipeline"),
        ({**changed(), "freeze": [1]}, "does not fit its pipeline"),
        ({**changed(), "preprocessors": {"audio": "x.wav"}}, "preprocessors"),
        (changed(clustering="OracleClustering"), "expected VBxClustering or"),
        (changed(plda=None), "has no plda"),
        (changed(embedding="pyannote/embedding@main"), "ressenti models get pyannote/embedding`"),
        (changed(embedding="../wespeaker"), r"installed\. Enter the path of a local folder"),
        (changed(embedding="http://hub/a/b"), r"installed\. Enter the path of a local folder"),
        (changed(embedding="$model/none@main"), "none/pytorch_model.bin: cannot be read"),
        (changed(embedding=["a", "list"]), "neither in the folder nor installed"),
        (changed(invented=1), "does not fit its pipeline"),
        ({**changed(), "params": {"clustering": {"threshold": 0.6}}}, "lacks `params`"),
        ({**changed(), "params": {"clustering": {"none": 0.6}}}, "does not fit its pipeline"),
        (changed(plda="$model/segmentation"), "not a PLDA"),
        (changed(embedding="$model/../elsewhere"), "outside the model's folder"),
        (changed(embedding={"checkpoint": "$model/embedding", "subfolder": "../.."}), "outside its folder"),
        (changed(embedding={"_target_": "os.system"}), "refers to code"),
        (changed(custom_pipelines="evil"), "refers to code"),
        (changed(segmentation_step=1e-6), "segmentation_step"),
        (changed(cache_dir="/etc"), "does not fit its pipeline"),
        ({**changed(), "params": {"clustering": {"threshold": 1e308}}}, "expected a number"),
    ],
)
def test_configs_that_do_not_fit_are_refused(
    checkpoints: Path, tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    folder = copied(checkpoints, tmp_path)
    pyannote_checkpoints.write_config(folder, config)
    with pytest.raises(errors.ModelError, match=message):
        pyannote.load(folder, TRUSTING)


def test_a_plda_of_another_embedding_is_refused(checkpoints: Path, tmp_path: Path) -> None:
    folder = copied(checkpoints, tmp_path)
    np.savez(folder / "plda" / "xvec_transform.npz", mean1=np.zeros(9), mean2=np.zeros(9), lda=np.eye(9))
    with pytest.raises(errors.ModelError, match="not for embeddings of 256"):
        pyannote.load(folder, TRUSTING)


def test_installed_pipelines_are_found_by_id_with_their_further_repositories(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = copy.deepcopy(pyannote_checkpoints.THREE_ONE)
    parts = {"segmentation": "pyannote/segmentation-3.0", "embedding": "pyannote/wespeaker-voxceleb-resnet34-LM"}
    config["pipeline"]["params"] |= parts
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))
    whole, apart = f"pyannote/{THREE_ONE}", tuple(parts.values())
    asked = DiarizationOptions(model=whole)
    with pytest.raises(errors.NotInstalledError, match=f"ressenti models get {whole}"):
        diarization.choose("split", asked)
    folder = install(whole, pyannote_checkpoints.write_config(tmp_path / "31", config))
    assert pyannote_folder.further_ids(folder) == apart
    install(apart[0], checkpoints / apart[0].split("/")[1], "a" * 40)
    with pytest.raises(errors.NotInstalledError, match=f"ressenti models get {apart[1]}"):
        diarization.choose("mono", asked)
    with pytest.raises(errors.ModelError, match=f"ressenti models get {apart[1]}"):
        diarization.choose("mono", DiarizationOptions(model=str(tmp_path / "31")))
    assert type(diarization.choose("mono", DiarizationOptions())) is BuiltinDiarizer
    voices = install(apart[1], checkpoints / apart[1].split("/")[1], "b" * 40)
    with pytest.raises(errors.UntrustedModelError, match="ressenti models trust"):
        diarization.choose("mono", asked)
    user_choices.trust(sha256(path) for name in apart for path in (checkpoints / name.split("/")[1]).rglob("*.bin"))
    chosen = diarization.choose("mono", asked)
    assert [(m.task, m.name, m.licence, *(n.values["commit"] for n in m.notes)) for m in chosen.models] == [
        ("diarization", whole, "MIT", "c0ffee000000"),
        ("speech activity", apart[0], "MIT", "aaaaaaaaaaaa"),
        ("speaker embedding", apart[1], "CC BY 4.0", "bbbbbbbbbbbb"),
    ]
    by_default = diarization.choose("mono", DiarizationOptions())
    assert by_default.models == chosen.models
    by_folder = diarization.choose("mono", DiarizationOptions(model=str(tmp_path / "31")))
    assert [m.name for m in by_folder.models] == ["31", *apart]
    assert type(diarization.choose("split", asked)) is ChannelDiarizer
    flip(voices / "pytorch_model.bin")
    for options in (asked, DiarizationOptions(), DiarizationOptions(model=str(tmp_path / "31"))):
        with pytest.raises(errors.WrongHashError, match="SHA-256"):
            diarization.choose("mono", options)
