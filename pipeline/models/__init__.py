"""Manage model weights, their sources, hashes and licences, and run ONNX models.

A session has one thread, so that results are the same on any number of cores; `parallel` runs several batches at a
time.
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
    """Load an ONNX model on the CPU, once per process; `ModelError` if it is missing or damaged.

    Give the hash of a file that may change. Several threads may use the session at a time.
    """
    with _LOADING:
        return _loaded(path, sha256)


@cache
def _loaded(path: Path, _: str) -> onnxruntime.InferenceSession:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import, which since 1.29 sends an event to Microsoft
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # Windows
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # `parallel.each` provides the threads
    options.enable_cpu_mem_arena = False  # the arena keeps the largest batch's memory: twice as much, and no faster
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    for kind in ("intra", "inter"):
        options.add_session_config_entry(f"session.{kind}_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's own errors share no base class
        raise ModelError(f"{path.name}: cannot be loaded ({exc}). Install Ressenti again.") from exc


def forbid_network() -> None:
    """Keep libraries that load models from contacting their hubs or sending telemetry; call it before importing them.

    huggingface_hub reads HF_HUB_OFFLINE on import; if it is already imported, its constant is set too.
    """
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    os.environ.update(PYANNOTE_METRICS_ENABLED="0", ORT_DISABLE_TELEMETRY="1")
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        vars(constants)["HF_HUB_OFFLINE"] = True
