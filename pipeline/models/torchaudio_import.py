"""The one place that imports torchaudio, and through it pyannote.audio, also where torch has no CUDA libraries.

torchaudio's published wheels are linked against CUDA. With a CPU build of torch their extension fails to load with an
OSError, which would take pyannote.audio and transformers' audio models down with it, though neither needs it.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from types import ModuleType

from ressenti.pipeline.models import forbid_network


def import_torchaudio() -> ModuleType:
    """Import torchaudio; on the OSError of a missing library alone, in its own pure-Python mode.

    Where the extension loads, nothing is changed. Any other error passes through.
    """
    try:
        return importlib.import_module("torchaudio")
    except OSError:
        for name in [name for name in sys.modules if name == "torchaudio" or name.startswith("torchaudio.")]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _without_extension()
        return importlib.import_module("torchaudio")


def import_pyannote_audio() -> ModuleType:
    """Import pyannote.audio with its telemetry and every look-up of models switched off first.

    Its warning that torchcodec finds no FFmpeg is dropped: it is given samples, never files.
    """
    forbid_network()
    import_torchaudio()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="\\s*torchcodec is not installed correctly")
        return importlib.import_module("pyannote.audio")


def _without_extension() -> ModuleType:
    """A stand-in for `torchaudio._extension` that says that the compiled extension is not there."""

    def fail_if_no_align(function: Callable[..., object]) -> Callable[..., object]:
        def unavailable(*args: object, **kwargs: object) -> object:
            raise RuntimeError(
                f"{function.__name__} needs torchaudio's compiled extension, which cannot be loaded here"
            )

        return unavailable

    module = ModuleType("torchaudio._extension")
    module.__dict__["_IS_TORCHAUDIO_EXT_AVAILABLE"] = False
    module.__dict__["fail_if_no_align"] = fail_if_no_align
    return module
