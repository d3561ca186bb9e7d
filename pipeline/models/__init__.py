"""Which weights exist, where they come from, their hashes and licences; and the one way to run ONNX."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


@cache
def onnx_session(path: Path) -> onnxruntime.InferenceSession:
    """An ONNX model on the CPU, loaded once per process; `ModelError` where it is absent or damaged."""
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


def go_offline() -> None:
    """Keep huggingface_hub from the network and from telemetry; it reads this when it is first imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def threads() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
