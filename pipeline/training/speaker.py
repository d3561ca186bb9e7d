"""Where the built-in speaker embeddings come from: `python -m pipeline.training.speaker`.

Takes the pretrained GE2E weights out of the `resemblyzer` wheel (by name, with pip; the package itself is neither
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

from pipeline.audio import file_sha256

MODELS = Path(__file__).resolve().parent.parent / "models"
PACKAGE = "resemblyzer==0.1.4"
BANDS, WIDTH = 40, 256


class VoiceEncoder(nn.Module):
    """GE2E speaker encoder (Wan et al. 2018): three LSTM layers, a projection, a rectifier, unit length.

    Mel power (batch, frames, 40), not logarithmic, in; embeddings (batch, 256) out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, WIDTH, num_layers=3, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, mel: Tensor) -> Tensor:
        """Embeddings of unit length."""
        _, (hidden, _) = self.lstm(mel)
        raw = torch.relu(self.linear(hidden[-1]))
        unit: Tensor = raw / (raw.norm(dim=1, keepdim=True) + 1e-9)
        return unit


def pretrained_state() -> dict[str, Tensor]:
    """The encoder's weights from the published wheel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", folder, PACKAGE], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            checkpoint = torch.load(io.BytesIO(archive.read("resemblyzer/pretrained.pt")), "cpu", weights_only=True)
    return {key: value for key, value in checkpoint["model_state"].items() if not key.startswith("similarity_")}


def main(out: Annotated[Path, typer.Option(help="where the weights go")] = MODELS) -> None:
    """Write `speaker.onnx` and `speaker.json`."""
    encoder = VoiceEncoder().eval()
    encoder.load_state_dict(pretrained_state(), strict=True)
    path = out / "speaker.onnx"
    torch.onnx.export(
        encoder,
        (torch.zeros(2, 150, BANDS),),
        str(path),
        input_names=["mel"],
        output_names=["embedding"],
        dynamic_axes={"mel": {0: "batch", 1: "frames"}, "embedding": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    about = {"sha256": file_sha256(path), "source": PACKAGE, "file": "resemblyzer/pretrained.pt"}
    (out / "speaker.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {about['sha256']}")


if __name__ == "__main__":
    typer.run(main)
