"""Small pyannote pipelines in the real file formats: random weights, seeded, the structure of the published ones.

The configs are those of community-1 and 3.1, but for thresholds with which random weights tell several voices apart,
and, in 3.1, paths instead of hub ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

COMMUNITY = {
    "dependencies": {"pyannote.audio": "4.0.0"},
    "pipeline": {
        "name": "pyannote.audio.pipelines.SpeakerDiarization",
        "params": {
            "clustering": "VBxClustering",
            "segmentation": "$model/segmentation",
            "segmentation_batch_size": 32,
            "embedding": "$model/embedding",
            "embedding_batch_size": 32,
            "embedding_exclude_overlap": True,
            "plda": "$model/plda",
        },
    },
    "params": {"clustering": {"threshold": 0.3, "Fa": 0.2, "Fb": 0.1}, "segmentation": {"min_duration_off": 0.0}},
}
THREE_ONE = {
    "version": "3.1.0",
    "pipeline": {
        "name": "pyannote.audio.pipelines.SpeakerDiarization",
        "params": {
            "clustering": "AgglomerativeClustering",
            "embedding": "../wespeaker-voxceleb-resnet34-LM",
            "embedding_batch_size": 32,
            "embedding_exclude_overlap": True,
            "segmentation": "../segmentation-3.0",
            "segmentation_batch_size": 32,
        },
    },
    "params": {
        "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": 0.5},
        "segmentation": {"min_duration_off": 0.0},
    },
}


def save(model: Any, path: Path, old: bool = False) -> None:
    """A checkpoint as lightning writes it, with the keys of pyannote.audio; `old` as versions 1 and 2 of them wrote."""
    import lightning
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    held = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "hparams_name": "kwargs",
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": lightning.__version__,
    }
    model.on_save_checkpoint(held)
    if old:
        held |= {"pytorch-lightning_version": "1.5.4", "callbacks": {}, "optimizer_states": [], "lr_schedulers": []}
        held["pyannote.audio"]["versions"] = {"torch": "1.10.0", "pyannote.audio": "2.1.1"}
    torch.save(held, path)


def segmentation(seed: int, gain: float) -> Any:
    """PyanNet for three speakers of whom two may speak at once; `gain` makes its opinions vary over time."""
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    torch.manual_seed(seed)
    model = PyanNet(
        sincnet={"stride": 10}, lstm={"hidden_size": 8, "num_layers": 1}, linear={"hidden_size": 8, "num_layers": 1}
    )
    model.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=10.0,
        classes=["speaker#1", "speaker#2", "speaker#3"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    model.build()
    with torch.no_grad():
        model.classifier.weight *= gain
        model.classifier.bias[4:] -= gain / 4  # two speakers at once are rarer than one
        for linear in model.linear:
            linear.weight *= gain
    return model.eval()


def embedding(seed: int) -> Any:
    """WeSpeakerResNet34 of few mel bands and frames; its 256 values are of the class.

    The last bias takes out what all sounds have in common, which in random weights is nearly everything.
    """
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import WeSpeakerResNet34

    torch.manual_seed(seed)
    model = WeSpeakerResNet34(num_mel_bins=8, frame_shift=100)
    model.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0, classes=None
    )
    model.eval()
    with torch.inference_mode():
        hiss, swell = torch.randn(16, 1, 80_000), torch.randn(16, 1, 50).repeat_interleave(1600, -1).exp()
        common = model(torch.nn.functional.avg_pool1d(hiss, 9, 1, 4) * swell / 100).mean(0)
    with torch.no_grad():
        model.resnet.seg_1.bias -= common
    return model


def save_plda(folder: Path, seed: int) -> None:
    """Whitening to 128 values and a PLDA in them, with the names and shapes of community-1's files."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    turned, _ = np.linalg.qr(rng.normal(size=(256, 256)))
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(256), mean2=np.zeros(128), lda=turned[:, :128])
    turned, _ = np.linalg.qr(rng.normal(size=(128, 128)))
    np.savez(folder / "plda.npz", mu=np.zeros(128), tr=turned, psi=np.linspace(8, 0.1, 128))


def write_config(folder: Path, config: dict[str, Any]) -> Path:
    """A folder with a pipeline's config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def make(root: Path) -> None:
    """Under `root`: community-1 with its parts inside, and 3.1 with its two further repositories beside it."""
    import torch

    before = torch.random.get_rng_state()
    heard, voices = segmentation(21, 4.0), embedding(0)
    torch.random.set_rng_state(before)
    community = write_config(root / "speaker-diarization-community-1", COMMUNITY)
    save(heard, community / "segmentation" / "pytorch_model.bin")
    save(voices, community / "embedding" / "pytorch_model.bin")
    save_plda(community / "plda", 0)
    write_config(root / "speaker-diarization-3.1", THREE_ONE)
    save(heard, root / "segmentation-3.0" / "pytorch_model.bin", old=True)
    save(voices, root / "wespeaker-voxceleb-resnet34-LM" / "pytorch_model.bin", old=True)
