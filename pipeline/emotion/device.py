"""Choose the device and number format of a torch model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from ressenti.pipeline.config import EmotionOptions
from ressenti.pipeline.errors import ConfigError, ModelError
from ressenti.pipeline.models.parallel import threads

if TYPE_CHECKING:
    import torch

_NO_MEMORY = (
    "not enough memory",
    "allocate memory",
    "bad_alloc",
)  # torch on Windows, on Linux, its libraries
Dtype = Literal["fp32", "bf16", "fp16", "int8"]


def place(options: EmotionOptions) -> tuple[str, Dtype]:
    """Device and number format: bf16 if the processor supports it, else fp32 on CPUs; int8 only if configured."""
    import torch

    there = torch.cuda.is_available()
    if options.device == "cuda" and not there:
        raise ConfigError("emotion.device: cuda, but PyTorch finds no CUDA device. Use auto or cpu.")
    device = "cuda" if there and options.device != "cpu" else "cpu"
    if options.dtype == "int8" and device == "cuda":
        raise ConfigError("emotion.dtype: int8 runs on a CPU only. Use --device cpu, or dtype auto.")
    if options.dtype != "auto":
        return device, options.dtype
    if device == "cuda":
        return device, "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return device, "bf16" if computes_bf16() else "fp32"


def computes_bf16() -> bool:
    """Whether this CPU has bf16 products, which are emulated and slow on others."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def use_all_cores() -> None:
    """Set torch's threads to the number of cores for this process."""
    import torch

    if torch.get_num_threads() != threads():
        torch.set_num_threads(threads())


def torch_dtype(dtype: Dtype) -> torch.dtype:
    """Format of weights and sound; the parts of an int8 model that are not int8 use the CPU's fastest format."""
    import torch

    if dtype == "int8" and computes_bf16():
        return torch.bfloat16
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(dtype, torch.float32)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means out of memory, on a GPU or a CPU (where torch raises a plain RuntimeError)."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(text in str(error) for text in _NO_MEMORY)


@contextmanager
def within_memory(name: str) -> Iterator[None]:
    """Raise `ModelError` if there is not enough memory to load the model `name`."""
    try:
        yield
    except (MemoryError, OSError, RuntimeError) as exc:
        if not out_of_memory(exc):
            raise
        raise ModelError(
            f"{name}: not enough memory to load it ({(str(exc) or 'MemoryError').splitlines()[0][:200]}). "
            "Close other programs, or use a smaller model."
        ) from exc
