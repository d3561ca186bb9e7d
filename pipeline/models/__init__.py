"""Which weights exist, where they come from, their hashes and licences; and the one way to run ONNX."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


@cache
def onnx_session(path: Path, sha256: str = "") -> onnxruntime.InferenceSession:
    """An ONNX model on the CPU, loaded once per process; `ModelError` where it is absent or damaged.

    A file that may change has to be named with its hash.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's own errors share no base class
        raise ModelError(f"{path.name}: cannot be loaded ({exc}). Install Ressenti again.") from exc


def forbid_network() -> None:
    """Keep the libraries that load models from asking their hubs, and from sending anything; before importing them.

    huggingface_hub reads HF_HUB_OFFLINE when it is imported; where it has been, its constant is set as well.
    """
    os.environ.update(
        HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", PYANNOTE_METRICS_ENABLED="0"
    )
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        vars(constants)["HF_HUB_OFFLINE"] = True


def threads() -> int:
    """Cores that this process may use; fewer where OMP_NUM_THREADS says so."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(asked)) if asked.isdecimal() and int(asked) else cores
