import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from installing import flip, install
from scipy.stats import kendalltau
from typer.testing import CliRunner

from checkpoints import LABELS, Head, write_checkpoint
from conftest import CHECKOUT
from ressenti import analyze, load_config
from ressenti.pipeline import audio, emotion, store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import AudioOptions, EmotionOptions
from ressenti.pipeline.derive import derive
from ressenti.pipeline.emotion.batches import Limits, batches
from ressenti.pipeline.emotion.checkpoint import open_checkpoint, read_weights, weight_shapes
from ressenti.pipeline.emotion.heads import HEADS
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.emotion.labels import SHIPPED, map_labels
from ressenti.pipeline.emotion.wav2vec2 import load
from ressenti.pipeline.errors import ConfigError, ModelError, NotInstalledError, WrongHashError
from ressenti.pipeline.files.hashes import digest_of, together
from ressenti.pipeline.lab.training.base import find_base, load_base
from ressenti.pipeline.models import registry
from ressenti.pipeline.records import CLASSES, Note
from ressenti.reports.page import render
from ressenti.reports.wording import Wording

FP32 = EmotionOptions(dtype="fp32", device="cpu")
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def sounds(sample: tuple[Path, Path]) -> list[np.ndarray]:
    voice = audio.load(sample[0], AudioOptions())[1].samples[0]
    spans = [(7.6, 8.9), (10.0, 12.4), (14.5, 15.6), (18.1, 19.3), (22.0, 26.4), (28.0, 29.25)]
    return [voice[int(a * 16_000) : int(b * 16_000)] for a, b in spans]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several threads on such small products only wait for one another."""
    monkeypatch.setattr("ressenti.pipeline.emotion.device.threads", lambda: 1)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return lambda *args, **kwargs: write_checkpoint(tmp_path / "mine", *args, **kwargs)


def independent(folder: Path, head: Head, sounds: list[np.ndarray], normalize: bool = True) -> np.ndarray:
    """Outputs by transformers' own encoder and plain products, one excerpt at a time."""
    import torch
    from safetensors.torch import load_file
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    path = folder / "model.safetensors"
    weights = load_file(path) if path.is_file() else torch.load(folder / "pytorch_model.bin", weights_only=True)
    names = {".weight_g": ".parametrizations.weight.original0", ".weight_v": ".parametrizations.weight.original1"}
    for old, new in names.items():
        weights = {key.replace(old, new): value for key, value in weights.items()}
    encoder = Wav2Vec2Model(Wav2Vec2Config(**json.loads((folder / "config.json").read_text()))).eval()
    own = {k.removeprefix("wav2vec2."): v for k, v in weights.items() if k.startswith("wav2vec2.")}
    encoder.load_state_dict(own, strict=True)

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    out = []
    with torch.no_grad():
        for sound in sounds:
            x = sound.astype(np.float64) / 32768
            if normalize:
                x = (x - x.mean()) / np.sqrt(x.var() + 1e-7)
            frames = encoder(torch.tensor(x[None], dtype=torch.float32)).last_hidden_state[0]
            if head == "stock":
                out.append(linear("classifier", linear("projector", frames).mean(dim=0)))
            else:
                last = {"ehcalabres": "classifier.output", "audeering": "classifier.out_proj"}[head]
                out.append(linear(last, torch.tanh(linear("classifier.dense", frames.mean(dim=0)))))
    return torch.stack(out).numpy()


@pytest.mark.parametrize("head", LABELS)
@pytest.mark.parametrize("form", [{}, {"legacy": True, "pickled": True}], ids=["safetensors", "legacy-bin"])
def test_each_head_equals_an_independent_forward_pass(
    make: Make, sounds: list[np.ndarray], head: Head, form: dict[str, Any]
) -> None:
    folder = make(head, **form)
    model = load(folder, FP32)
    expected = independent(folder, head, sounds)
    assert np.ptp(expected, axis=0).min() > 0.01, "the excerpts must differ for this to show anything"
    assert model.logits(sounds) == pytest.approx(expected, abs=1e-4)
    assert model.info.sha256 == digest_of(next(folder.glob("*model.*")))
    scores = model.score([Excerpt(sound, "S1") for sound in sounds])
    for row, found in zip(expected.astype(float), scores, strict=True):
        if head == "audeering":
            assert (found.arousal, found.valence) == pytest.approx((2 * row[0] - 1, 2 * row[2] - 1), abs=1e-3)
            anchors = load_config().affect.anchors
            near = min(CLASSES, key=lambda n: np.hypot(anchors[n][0] - found.valence, anchors[n][1] - found.arousal))
            assert (found.top, found.activation) == (near, "regression")
        elif head == "stock":
            assert found.scores == pytest.approx(1 / (1 + np.exp(-row)), abs=1e-4)
        else:
            p = np.exp(row) / np.exp(row).sum()
            angry, calm, disgust, fearful, happy, neutral, sad, surprised = p
            sums = np.array([happy, calm, neutral, sad, angry + fearful])
            assert found.scores == pytest.approx(sums + (disgust + surprised) / 5, abs=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"use_weighted_layer_sum": True},
        {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False},
        {"num_conv_pos_embeddings": 19, "num_conv_pos_embedding_groups": 2},
    ],
    ids=["layer", "weighted", "group", "odd-kernel"],
)
def test_batches_equal_one_by_one(make: Make, sounds: list[np.ndarray], config: dict[str, Any]) -> None:
    masked = config.get("feat_extract_norm") != "group"
    model = load(make(extractor={"return_attention_mask": masked}, **config), FP32)
    alone = np.concatenate([model.logits([sound]) for sound in sounds])
    assert model.logits(sounds) == pytest.approx(alone, abs=1e-4)
    if masked:  # all at once, with much padding
        assert model._batch(sounds) == pytest.approx(alone, abs=1e-4)
    sizes: list[int] = []
    forward = model._forward
    model._forward = lambda part: (sizes.append(len({len(s) for s in part})), forward(part))[1]  # type: ignore[method-assign,func-returns-value]
    model.logits([*sounds, sounds[0]])
    assert (max(sizes) > 1) is masked


def test_lengths_are_batched_with_their_like() -> None:
    lengths = [10, 3, 10, 9, 4, 30, 3]
    found = batches(lengths, Limits(20, 0.1))
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert found == [[5], [0, 2], [3], [4], [1, 6]]
    assert batches([5, 4, 5], Limits(100, 0.0)) == [[0, 2], [1]]
    assert batches([], Limits(1, 0.0)) == []


def test_settings_of_the_feature_extractor_are_honoured(make: Make, sounds: list[np.ndarray]) -> None:
    folder = make(extractor={"do_normalize": False})
    assert load(folder, FP32).logits(sounds) == pytest.approx(independent(folder, "stock", sounds, False), abs=1e-4)
    with pytest.raises(ModelError, match=r"sampling_rate 8000.*expected 16000"):
        load(make(extractor={"sampling_rate": 8000}), FP32)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match=r"preprocessor_config\.json"):
        load(folder, FP32)


@pytest.mark.parametrize(
    ("file", "changed", "said"),
    [
        ("config", {"num_attention_heads": 5}, "config.json is invalid (embed_dim must be divisible"),
        ("config", {"hidden_act": "nope"}, "config.json is invalid (unknown 'nope')"),
        ("config", {"hidden_size": -1}, "config.json is invalid (Trying to create tensor with negative"),
        ("config", {"conv_stride": [0] * 7}, "config.json is invalid (conv_kernel"),
        ("config", {"id2label": [1]}, "config.json has id2label [1]"),
        ("config", {"id2label": None, "num_labels": "x"}, "num_labels 'x'; expected"),
        ("preprocessor_config", {"feature_size": 2}, "feature_size 2 in preprocessor_config.json; expected 1"),
        ("preprocessor_config", {"padding_value": "x"}, "padding_value 'x' in preprocessor_config.json"),
        ("preprocessor_config", {"do_normalize": "no"}, "do_normalize 'no' in preprocessor_config.json"),
    ],
)
def test_settings_that_do_not_fit_are_the_models_fault(
    make: Make, tmp_path: Path, file: str, changed: dict[str, Any], said: str
) -> None:
    folder = make()
    path = folder / f"{file}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(ModelError, match=re.escape(said)):
        load(folder, FP32)
    if "hidden" in str(changed):  # as the base of a training too
        with pytest.raises(ModelError, match=re.escape(said)):
            load_base(find_base(str(folder)), 0)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors")
    return folder


def test_missing_and_unexpected_weights_are_named(make: Make) -> None:
    import torch

    with pytest.raises(ModelError, match=r"missing: classifier.bias, classifier.weight, projector.bias"):
        load(rewrite(make(), lambda w: {k: v for k, v in w.items() if k.startswith("wav2vec2.")}), FP32)
    with pytest.raises(ModelError, match=r"unexpected: lm_head.weight"):
        load(rewrite(make(), lambda w: w | {"lm_head.weight": torch.zeros(2, 2)}), FP32)
    gone = "wav2vec2.encoder.layers.1.final_layer_norm.bias"
    with pytest.raises(ModelError, match=f"missing: {re.escape(gone)}"):
        load(rewrite(make(), lambda w: {k: v for k, v in w.items() if k != gone}), FP32)
    folder = make()
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = dict(enumerate(["angry", "happy", "neutral", "sad"]))
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"classifier.weight \(5, 24\) instead of \(4, 24\)"):
        load(folder, FP32)
    other = SimpleNamespace(head="stock", activation=None, labels=None, licence="x", commercial=True)
    with pytest.raises(ModelError, match=r"missing: classifier.bias.*unexpected: classifier.dense.bias"):
        load(make("ehcalabres"), FP32, known=other)


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
def test_weights_in_several_files_are_those_of_one(
    make: Make, tmp_path: Path, sounds: list[np.ndarray], pickled: bool
) -> None:
    folder = write_checkpoint(tmp_path / "sharded", pickled=pickled, shards=True)
    shards = sorted(folder.glob("*-of-*"))
    assert len(shards) > 2
    model = load(folder, FP32)
    assert model.logits(sounds[:2]) == pytest.approx(load(make(), FP32).logits(sounds[:2]), abs=1e-6)
    assert model.info.sha256 == together({path.name: digest_of(path) for path in shards})
    assert sorted(weight_shapes(open_checkpoint(folder))) == sorted(read_weights(open_checkpoint(folder)))
    index = next(folder.glob("*.index.json"))
    whole = json.loads(index.read_text())

    def refused(said: str, **changed: str | None) -> None:
        weights = {k: v for k, v in (whole["weight_map"] | changed).items() if v is not None}
        index.write_text(json.dumps(whole | {"weight_map": weights}))
        with pytest.raises(ModelError, match=said):
            load(folder, FP32)
        with pytest.raises(ModelError, match=said):
            weight_shapes(open_checkpoint(folder))

    name = "classifier.bias"
    file = re.escape(whole["weight_map"][name])
    refused(rf"missing from the files: lost \({re.escape(shards[0].name)}\)", lost=shards[0].name)
    refused(rf"missing from the index: classifier\.bias \({file}\)", **{name: None})
    other = next(path.name for path in shards if path.name != whole["weight_map"][name])
    refused(
        rf"missing from the files: classifier\.bias \({other}\); missing from the index: classifier\.bias \({file}\)",
        **{name: other},
    )
    refused("lists the files", **{name: "../elsewhere" + shards[0].suffix})
    index.write_text(json.dumps(whole))
    shards[1].unlink()
    with pytest.raises(ModelError, match=f"1 of {len(shards)} files are missing: {shards[1].name}"):
        load(folder, FP32)
    for text in ("", "[]", "{}", '{"weight_map": [1]}', '{"weight_map": {}}'):
        index.write_text(text)
        with pytest.raises(ModelError, match=r"index\.json"):
            load(folder, FP32)


def test_shards_that_lack_a_weight_of_the_model_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = write_checkpoint(tmp_path / "sharded", shards=True)
    index = folder / "model.safetensors.index.json"
    whole = json.loads(index.read_text())
    shard = folder / whole["weight_map"].pop("classifier.weight")
    save_file({k: v for k, v in load_file(shard).items() if k != "classifier.weight"}, shard)
    index.write_text(json.dumps(whole))
    with pytest.raises(ModelError, match=r"index\.json: .*missing: classifier\.weight"):
        load(folder, FP32)


def test_what_only_pre_training_needs_is_left_out(make: Make) -> None:
    import torch

    def more(weights: dict[str, Any]) -> dict[str, Any]:
        rest = {"quantizer.codevectors": torch.zeros(1), "project_q.bias": torch.zeros(1)}
        return weights | rest | {"wav2vec2.masked_spec_embed": torch.zeros(32)}

    load(rewrite(make(), more), FP32)
    load(rewrite(make(), lambda w: {k: v for k, v in w.items() if "masked_spec" not in k}), FP32)


@pytest.mark.parametrize("protocol", [2, 4])
def test_pickles_run_no_code(make: Make, tmp_path: Path, protocol: int) -> None:
    folder = make(pickled=True)
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (ran,)

    with (folder / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"classifier.weight": Trap()}, file, protocol)
    with pytest.raises(ModelError, match="cannot be read as plain weights") as told:
        load(folder, FP32)
    assert "could run code" in str(told.value)
    assert "weights_only" not in str(told.value)
    assert not ran.exists()
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match="no weights"):
        load(folder, FP32)


@pytest.mark.parametrize(
    ("problem", "known", "asked", "labels", "expected"),
    [
        (None, None, "auto", LABELS["stock"], "sigmoid"),
        ("single_label_classification", None, "auto", LABELS["stock"], "softmax"),
        ("single_label_classification", "sigmoid", "auto", LABELS["stock"], "sigmoid"),
        ("multi_label_classification", "sigmoid", "softmax", LABELS["stock"], "softmax"),
        (None, None, "auto", ("angry", "happy", "neutral", "sad"), "softmax"),
        ("multi_label_classification", None, "auto", ("ang", "hap", "neu", "sad"), "sigmoid"),
    ],
)
def test_the_activation(
    make: Make, problem: str | None, known: str | None, asked: Any, labels: tuple[str, ...], expected: str
) -> None:
    about = SimpleNamespace(head="stock", activation=known, labels={}, licence="MIT", commercial=True)
    options = FP32.model_copy(update={"activation": asked})
    model = load(make("stock", labels, problem_type=problem), options, known=about if known else None, name="me/mine")
    assert Note(f"activation_{expected}") in model.info.notes  # type: ignore[arg-type]
    assert model.info.name == "me/mine"
    assert (model.info.licence, model.info.commercial) == (("MIT", True) if known else (None, None))
    assert model.info.cannot == (() if len(labels) == 5 else ("Relaxed",))


def test_label_maps(make: Make) -> None:
    own = np.array([[0.5, 0.3, 0.2]])
    found = map_labels(("a", "b", "c"), {"a": "Sad", "b": "Sad", "c": None}, "here")
    assert found.scores(own, "sigmoid")[0] == pytest.approx([0, 0, 0, 0.5, 0])
    assert found.scores(own, "softmax")[0] == pytest.approx([0, 0, 0, 1, 0])
    both = map_labels(("a", "b", "c"), {"a": "Sad", "b": "Pleased", "c": None}, "here")
    assert both.scores(own, "softmax")[0] == pytest.approx([0.4, 0, 0, 0.6, 0])
    assert both.cannot == ("Relaxed", "Neutral", "Tension")
    with pytest.raises(ConfigError, match=r"emotion\.labels: there is no built-in map for the labels LABEL_0, LABEL_1"):
        load(make("stock", ("LABEL_0", "LABEL_1")), FP32)
    mine: Any = {"LABEL_0": "Tension", "LABEL_1": None}
    model = load(make("stock", ("LABEL_0", "LABEL_1")), FP32.model_copy(update={"labels": mine}))
    assert Note("labels", {"LABEL_0": "Tension", "LABEL_1": ""}) in model.info.notes
    with pytest.raises(ConfigError, match=r"missing LABEL_1, unknown other"):
        map_labels(("LABEL_0", "LABEL_1"), {"LABEL_0": "Sad", "other": "Sad"}, "emotion.labels")
    with pytest.raises(ConfigError, match="no label has a class"):
        map_labels(("a",), {"a": None}, "emotion.labels")
    with pytest.raises(ConfigError, match="gives arousal, dominance, valence and no classes"):
        load(make("audeering"), FP32.model_copy(update={"labels": {"arousal": "Tension"}}))
    with pytest.raises(ConfigError, match="problem_type 'regression'"):
        load(make("stock", problem_type="regression"), FP32)


def no_memory(*_: Any) -> Any:
    """What torch itself raises on this machine's CPU when more is asked for than there can be."""
    import torch

    return torch.empty(1 << 50)


def no_memory_gpu(*_: Any) -> Any:
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("ends", [no_memory, no_memory_gpu])
def test_a_batch_is_halved_where_memory_ends(make: Make, sounds: list[np.ndarray], ends: Callable[..., Any]) -> None:

    model = load(make(), FP32)
    expected, forward, limit = model._batch(sounds), model._forward, 2

    def scarce(part: list[np.ndarray]) -> Any:
        return ends() if len(part) > limit else forward(part)

    model._forward = scarce  # type: ignore[method-assign]
    assert model._batch(sounds) == pytest.approx(expected, abs=1e-4)
    limit = 0
    with pytest.raises(ModelError, match=r"not enough memory for 1\.3 s"):
        model._batch(sounds[:1])


@pytest.mark.parametrize(
    "place",
    [
        "safetensors.torch.load_file",
        "ressenti.pipeline.emotion.heads.load_classifier",
        "ressenti.pipeline.emotion.wav2vec2_cpu.hasten",
    ],
)
def test_a_model_that_does_not_fit_into_memory_is_not_called_damaged(
    make: Make, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = make()
    for error in (no_memory, lambda *_, **__: (_ for _ in ()).throw(OSError(12, "Cannot allocate memory"))):
        monkeypatch.setattr(place, lambda *_, error=error, **__: error())
        with pytest.raises(ModelError, match=r"not enough memory to load it \(.*allocate memory") as found:
            load(folder, FP32)
        assert "Get the model again" not in str(found.value)


@pytest.mark.parametrize("computes", [False, True])  # what is not int8 is in bf16 where the processor computes in it
def test_int8_and_bf16_stay_near(
    computes: bool, make: Make, sounds: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near as seen from how far the turns are apart: one answer for every turn would be wrong by several times that."""
    monkeypatch.setattr("ressenti.pipeline.emotion.device.computes_bf16", lambda: computes)
    folder = make(spread=200.0)
    excerpts = [Excerpt(sound, "S1") for sound in sounds]
    exact = np.array([s.scores for s in load(folder, FP32).score(excerpts)])
    limit = 0.3 * exact.std(axis=0).mean()
    assert exact.std(axis=0).min() > 0.02, "the excerpts must differ for this to show anything"
    assert np.abs(exact.mean(axis=0) - exact).max(axis=0).min() > 2 * limit
    for dtype in ("int8", "bf16"):
        model = load(folder, FP32.model_copy(update={"dtype": dtype}))
        assert Note("computed", {"dtype": dtype, "device": "cpu"}) in model.info.notes
        found = np.array([s.scores for s in model.score(excerpts)])
        assert found == pytest.approx(exact, abs=limit)
        for a, b in zip(found.T, exact.T, strict=True):  # turns in the same order, but for one pair at most
            assert kendalltau(a, b).statistic > 0.8


@pytest.mark.parametrize(("dtype", "advice"), [("fp32", "weights may be damaged"), ("bf16", "emotion.dtype to fp32")])
def test_the_advice_where_outputs_are_no_numbers(make: Make, sounds: list[np.ndarray], dtype: str, advice: str) -> None:
    broken = rewrite(make(), lambda weights: weights | {"classifier.bias": weights["classifier.bias"] / 0})
    with pytest.raises(ModelError, match=advice):
        load(broken, FP32.model_copy(update={"dtype": dtype})).logits(sounds[:1])


def test_very_short_and_no_excerpts(make: Make) -> None:
    model = load(make(), FP32)
    assert model.score([]) == []
    assert len(model.score([Excerpt(np.zeros(10, np.int16), "S1")])) == 1


def test_choosing_by_folder_or_id(make: Make) -> None:
    folder = make()
    assert emotion.choose(EmotionOptions(model=str(folder))).info.name == "mine"
    assert emotion.choose(EmotionOptions(model=str(folder))).learned == frozenset()
    with pytest.raises(
        NotInstalledError, match=r"neither a folder with config\.json.*ressenti models get nobody/knows"
    ):
        emotion.choose(EmotionOptions(model="nobody/knows"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "hubert"}))
    with pytest.raises(ModelError, match="model_type 'hubert'"):
        emotion.choose(EmotionOptions(model=str(folder)))


@pytest.mark.parametrize(
    ("head", "activation"), [("stock", "sigmoid"), ("ehcalabres", "softmax"), ("audeering", "regression")]
)
def test_installed_models_are_found_by_id_and_verified(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, head: Head, activation: str
) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    known = next(entry for entry in registry.known().values() if entry.head == head)
    with pytest.raises(NotInstalledError, match=f"models get {known.id}"):
        emotion.choose(EmotionOptions(model=known.id))
    folder = install(known.id, make(head))
    info = emotion.choose(EmotionOptions(model=known.id)).info
    assert (info.name, info.licence, info.commercial) == (known.id, known.licence, known.commercial)
    assert Note("installed", {"commit": "c0ffee000000"}) in info.notes
    assert Note(f"activation_{activation}") in info.notes  # type: ignore[arg-type]
    assert emotion.choose(EmotionOptions()).info == info
    flip(folder / "model.safetensors")
    with pytest.raises(WrongHashError, match="SHA-256"):
        emotion.choose(EmotionOptions(model=known.id))


@pytest.mark.parametrize("shards", [False, True])
def test_an_installed_models_hash_is_that_of_its_weights_and_taken_from_its_manifest(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shards: bool
) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    folder = make(shards=shards)
    apart = emotion.choose(EmotionOptions(model=str(folder))).info.sha256
    install("somebody/mine", folder)
    monkeypatch.setattr("ressenti.pipeline.emotion.checkpoint.digest_of", lambda _: pytest.fail("hashed again"))
    assert emotion.choose(EmotionOptions(model="somebody/mine")).info.sha256 == apart


def test_an_assumption_is_called_one() -> None:
    """No code comes with the checkpoint of ehcalabres; audeering's does."""
    assumed = {entry.head for entry in registry.known().values() if "tanh" in entry.note and "assumption" in entry.note}
    said = {head for head, key in HEADS.items() if "assumption" in Wording("en").note(Note(key))}
    french = {head for head, key in HEADS.items() if "hypothèse" in Wording("fr").note(Note(key))}
    assert assumed == said == french == {"ehcalabres"}


def test_the_registry_and_the_shipped_maps_say_the_same() -> None:
    """A copy in a folder, which goes by its labels, is read as the installed model is."""
    shipped = {item.name: item for item in SHIPPED}
    for entry in registry.known().values():
        if entry.task == "emotion" and entry.labels:
            own = shipped[entry.id.split("/")[0]]
            assert dict(own.classes) == entry.labels
            assert (own.activation or "softmax") == entry.activation
            assert map_labels(tuple(entry.labels), None, "here") == map_labels(
                tuple(entry.labels), entry.labels, "here"
            )


@pytest.mark.slow("runs in processes of its own")
def test_loading_and_scoring_opens_no_socket(make: Make) -> None:
    code = f"""
import socket, sys
def refuse(*args, **kwargs): raise RuntimeError("a socket was opened")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import numpy as np
from pathlib import Path
from ressenti.pipeline.config import EmotionOptions
from ressenti.pipeline.emotion.wav2vec2 import load
load(Path({str(make(legacy=True, pickled=True))!r}), EmotionOptions()).logits([np.zeros(16000, np.int16)])
assert sys.modules["huggingface_hub"].constants.HF_HUB_OFFLINE
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SLOW = pytest.mark.slow("analyses real recordings")


@pytest.mark.parametrize(
    ("head", "labels", "said"),
    [
        ("stock", ("angry", "happy", "neutral", "sad"), "mine never gives these classes: Relaxed."),
        pytest.param("ehcalabres", None, "shares of 1 (softmax)", marks=SLOW),
        pytest.param("audeering", None, "The model gives valence and arousal themselves (regression)", marks=SLOW),
    ],
)
def test_end_to_end(
    make: Make, tmp_path: Path, sample: tuple[Path, Path], head: Head, labels: tuple[str, ...] | None, said: str
) -> None:
    folder = make(head, labels)
    asked = ["--emotion-model", str(folder), "--device", "cpu", "--speakers", "2", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, ["analyze", str(sample[0]), *asked])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "sample.report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    found = store.load(tmp_path / "sample.json")
    (model,) = [m for m in found.models if m.task == "emotion"]
    assert model.name == "mine"
    for words in (said, *map(Wording("en").note, model.notes), "licence not known", "model card of mine says"):
        assert words in page, words
    french = render(found, "fr")
    assert "étiquettes\u00a0: " in french
    for note in model.notes:
        assert Wording("fr").note(note) in french
        assert Wording("en").note(note) not in french
    assert [t for t in found.turns if t.emotion is not None]
    if head == "audeering":
        points = [p for line in found.trajectories for p in line.points]
        windows = sorted((w.start_s + w.end_s, w.emotion.valence) for t in found.turns for w in t.windows)
        assert sorted((2 * p.time_s, p.valence) for p in points) == [pytest.approx(w, abs=1e-4) for w in windows]
        assert {p.valence_sd for p in points} == {0.25}


def test_independent_scores_on_the_page(make: Make, sample: tuple[Path, Path]) -> None:
    """Several classes over their thresholds are all shown; with all below theirs, turns are unsure and nowhere."""

    def limits(limit: float) -> dict[str, dict[str, object]]:
        return {"emotion": {"model": str(make()), "thresholds": dict.fromkeys(CLASSES, limit)}}

    shown = analyze(sample[0], load_config("default", {**limits(0.0), "diarization": {"speakers": 2}}))
    page = render(shown)
    first = next(t.emotion for t in shown.turns if t.emotion)
    order = sorted(CLASSES, key=lambda n: -first.scores[CLASSES.index(n)])
    assert ", ".join(order) in page
    assert not any(t.unsure for t in shown.turns)
    assert "The model scores each class on its own (sigmoid)" in page
    low = load_config("default", limits(1.0))
    unsure = derive(replace(shown, config=low.model_dump(mode="json")), low)
    assert all(t.unsure for t in unsure.turns if t.emotion)
    assert unsure.trajectories == ()
    affect = next(s.affect for s in unsure.speakers if s.affect)
    assert (affect.unsure_share, affect.valence, affect.arousal) == (pytest.approx(1), None, None)
    assert "no class reached its threshold" in render(unsure)
    again = store.loads(store.dumps(unsure))
    assert next(s.affect for s in again.speakers if s.affect).valence is None
