"""Small random wav2vec2 checkpoints in the file formats of the real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

Head = Literal["stock", "ehcalabres", "audeering"]
EHCALABRES = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
LABELS: dict[Head, tuple[str, ...]] = {
    "stock": ("Pleased", "Relaxed", "Neutral", "Sad", "Tension"),
    "ehcalabres": EHCALABRES,
    "audeering": ("arousal", "dominance", "valence"),
}
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (16, 16, 16, 16, 16, 16, 16),
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 24,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "conv_bias": True,
}


def write_checkpoint(
    folder: Path,
    head: Head = "stock",
    labels: tuple[str, ...] | None = None,
    *,
    legacy: bool = False,
    pickled: bool = False,
    shards: bool = False,
    extractor: dict[str, Any] | None = None,
    spread: float = 8.0,
    **config: Any,
) -> Path:
    """A folder with config.json, preprocessor_config.json and weights; `spread` makes the outputs differ by excerpt."""
    from ressenti.pipeline.models.torchaudio_import import import_torchaudio

    import_torchaudio()
    import torch
    from safetensors.torch import save_file
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    names = labels or LABELS[head]
    torch.manual_seed(1)
    own = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    full = Wav2Vec2Config(**{**SMALL, **own, **config})  # type: ignore[arg-type]
    model = Wav2Vec2ForSequenceClassification(full).eval()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if head != "stock":
        hidden, last = full.hidden_size, "output" if head == "ehcalabres" else "out_proj"
        weights = {name: t for name, t in weights.items() if not name.startswith(("projector", "classifier"))}
        weights["classifier.dense.weight"] = torch.randn(hidden, hidden) / hidden**0.5
        weights["classifier.dense.bias"] = torch.randn(hidden) / 10
        weights[f"classifier.{last}.weight"] = torch.randn(len(names), hidden) / hidden**0.5
        weights[f"classifier.{last}.bias"] = torch.full((len(names),), 0.5 if head == "audeering" else 0.0)
    if head != "audeering":
        last = next(n for n in ("classifier.weight", "classifier.output.weight") if n in weights)
        weights[last] *= spread
    else:
        weights["classifier.out_proj.weight"] *= 0.3  # outputs of about 0 to 1
    folder.mkdir(parents=True, exist_ok=True)
    full.architectures = [
        "Wav2Vec2ForSequenceClassification" if head != "audeering" else "Wav2Vec2ForSpeechClassification"
    ]
    full.save_pretrained(folder)
    made = Wav2Vec2FeatureExtractor(return_attention_mask=True)  # type: ignore[no-untyped-call]
    settings = {**made.to_dict(), **(extractor or {})}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    if legacy:
        weights = {n.replace("parametrizations.weight.original0", "weight_g"): t for n, t in weights.items()}
        weights = {n.replace("parametrizations.weight.original1", "weight_v"): t for n, t in weights.items()}
    if shards:
        from huggingface_hub import save_torch_state_dict

        save_torch_state_dict(weights, folder, max_shard_size="60KB", safe_serialization=not pickled)
    elif pickled:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file({n: t.contiguous() for n, t in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    return folder


HEARING = {"conv_dim": (32,), "conv_kernel": (400,), "conv_stride": (320,), "num_hidden_layers": 1}


def write_bare_encoder(folder: Path, *, prefix: str = "", **config: Any) -> Path:
    """A small encoder without a head, whose convolution hears 32 bands from 80 Hz to 7 kHz: one can learn from it."""
    import numpy as np
    import torch
    from safetensors.torch import load_file, save_file

    write_checkpoint(folder, **{**HEARING, "num_conv_pos_embeddings": 16, **config})
    found = load_file(folder / "model.safetensors")
    weights = {n.removeprefix("wav2vec2."): t for n, t in found.items() if n.startswith("wav2vec2.")}
    name = "feature_extractor.conv_layers.0.conv.weight"
    bands, _, taps = weights[name].shape
    hz = np.geomspace(80, 7000, bands)[:, None]
    filters = np.cos(2 * np.pi * hz * (np.arange(taps) - taps / 2) / 16_000) * np.hanning(taps) * np.sqrt(hz / 1000)
    weights[name] = torch.tensor(filters[:, None], dtype=torch.float32)
    weights[name.replace("weight", "bias")] *= 0
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for key in ("id2label", "label2id"):
        settings.pop(key, None)
    settings["architectures"] = ["Wav2Vec2Model"]
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    save_file({f"{prefix}{n}": t.contiguous() for n, t in weights.items()}, folder / "model.safetensors")
    return folder
