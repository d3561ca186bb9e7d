"""Prepare samples as input of a wav2vec2 model, by the settings of its feature extractor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Wav2Vec2Config

_SETTINGS = ("feature_size", "padding_value", "return_attention_mask", "do_normalize")


class Waveforms:
    """Makes input batches by the settings of a model's preprocessor_config.json."""

    def __init__(self, settings: dict[str, Any], config: Wav2Vec2Config) -> None:
        from transformers import Wav2Vec2FeatureExtractor

        known = {name: settings[name] for name in _SETTINGS if name in settings}
        self._extractor = Wav2Vec2FeatureExtractor(sampling_rate=RATE_HZ, **known)  # type: ignore[no-untyped-call]
        # if the first convolution is normalised over time, or no mask was learned, padding would change the result
        self.pads: bool = self._extractor.return_attention_mask and config.feat_extract_norm == "layer"
        self._shortest = 1  # samples of one frame
        for kernel, stride in zip(config.conv_kernel[::-1], config.conv_stride[::-1], strict=True):
            self._shortest = (self._shortest - 1) * stride + kernel

    def batch(self, sounds: Sequence[npt.NDArray[np.int16]]) -> tuple[Tensor, Tensor | None]:
        """Float32 input (n, samples) from int16 samples at 16 kHz, and its mask (n, samples) if lengths differ."""
        uneven = len({len(sound) for sound in sounds}) > 1
        made = self._extractor(
            [self._long_enough(sound.astype(np.float32) / np.float32(32768)) for sound in sounds],
            sampling_rate=RATE_HZ,
            padding=True,
            return_attention_mask=uneven,
            return_tensors="pt",
        )
        return made["input_values"], made["attention_mask"] if uneven else None

    def _long_enough(self, sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.pad(sound, (0, max(0, self._shortest - len(sound))))
