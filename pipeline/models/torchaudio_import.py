"""Import torchaudio and pyannote.audio, even if torch has no CUDA libraries; all such imports go through this module.

torchaudio's published wheels are linked against CUDA. With a CPU build of torch, loading their extension fails with an
OSError, and so does importing pyannote.audio and transformers' audio models, although neither needs the extension.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from types import ModuleType

from ressenti.pipeline.models import forbid_network


def import_torchaudio() -> ModuleType:
    """Import torchaudio, in its own pure-Python mode if a library is missing (OSError).

    If the extension loads, nothing is changed. Other errors are passed on.
    """
    try:
        return importlib.import_module("torchaudio")
    except OSError:
        for name in [name for name in sys.modules if name == "torchaudio" or name.startswith("torchaudio.")]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _without_extension()
        return importlib.import_module("torchaudio")


def import_pyannote_audio() -> ModuleType:
    """Import pyannote.audio with its telemetry and all model look-ups switched off.

    Its warning that torchcodec finds no FFmpeg is suppressed, as it only gets samples, never files.
    """
    forbid_network()
    import_torchaudio()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="\\s*torchcodec is not installed correctly")
        return importlib.import_module("pyannote.audio")


def _without_extension() -> ModuleType:
    """Make a replacement for `torchaudio._extension` that reports the compiled extension as unavailable."""

    def fail_if_no_align(function: Callable[..., object]) -> Callable[..., object]:
        def unavailable(*args: object, **kwargs: object) -> object:
            raise RuntimeError(f"{function.__name__} needs torchaudio's compiled extension, which cannot be loaded")

        return unavailable

    module = ModuleType("torchaudio._extension")
    module.__dict__["_IS_TORCHAUDIO_EXT_AVAILABLE"] = False
    module.__dict__["fail_if_no_align"] = fail_if_no_align
    return module
