"""Which weights exist, where they come from, their hashes and licences; and the one way to run ONNX.

A session has one thread, so that what it computes is the same on any number of cores; `parallel` runs several batches
at a time.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ressenti.pipeline.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


_LOADING = Lock()


def onnx_session(path: Path, sha256: str = "") -> onnxruntime.InferenceSession:
    """An ONNX model on the CPU, loaded once per process; `ModelError` where it is absent or damaged.

    A file that may change has to be named with its hash. Several threads may run it at a time.
    """
    with _LOADING:
        return _loaded(path, sha256)


@cache
def _loaded(path: Path, _: str) -> onnxruntime.InferenceSession:
    os.environ["ORT_DISABLE_TELEMETRY"] = (
        "1"  # before the import, which from 1.29 on sends Microsoft an event of its own
    )
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # Windows
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # `parallel.each` has the threads
    options.enable_cpu_mem_arena = False  # which keeps what the largest batch took: twice the memory, and no faster
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    for kind in ("intra", "inter"):
        options.add_session_config_entry(f"session.{kind}_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's own errors share no base class
        raise ModelError(f"{path.name}: cannot be loaded ({exc}). Install Ressenti again.") from exc


def forbid_network() -> None:
    """Keep the libraries that load models from asking their hubs, and from sending anything; before importing them.

    huggingface_hub reads HF_HUB_OFFLINE when it is imported; where it has been, its constant is set as well.
    """
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    os.environ.update(PYANNOTE_METRICS_ENABLED="0", ORT_DISABLE_TELEMETRY="1")
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        vars(constants)["HF_HUB_OFFLINE"] = True
