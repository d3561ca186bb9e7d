"""Clean speech -> the same speech through a telephone, a codec, a room or noise (pure, seeded by the caller).

Sound is float32 samples (n,) at 16 kHz, full scale 1. Every function keeps the length and timing of its input, so
references stay valid.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.extras import need

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

Sound = npt.NDArray[np.float32]
Codec = Literal["mulaw", "alaw", "gsm", "opus", "mp3"]
CODECS: tuple[Codec, ...] = ("mulaw", "alaw", "gsm", "opus", "mp3")

_LIBRARY = {  # codec: FFmpeg's name, container, rate in Hz, bits per second
    "mulaw": ("pcm_mulaw", "wav", 8_000, None),
    "alaw": ("pcm_alaw", "wav", 8_000, None),
    "opus": ("libopus", "ogg", 16_000, 12_000),
    "mp3": ("libmp3lame", "mp3", 16_000, 24_000),
}
_FRAME = RATE_HZ // 50


def to_float(samples: Samples) -> Sound:
    """Convert int16 samples to sound."""
    return samples.astype(np.float32) / np.float32(32768)


def to_int16(sound: Sound) -> Samples:
    """Convert sound to int16 samples, clipped at full scale."""
    return np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)


def active_power(sound: Sound) -> float:
    """Mean power of the speech: of 20 ms frames at most 30 dB below the loudest (after ITU-T P.56)."""
    if not len(sound):
        return 0.0
    whole = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME) if len(sound) >= _FRAME else sound[None]
    powers = (whole.astype(np.float64) ** 2).mean(axis=1)
    loudest = powers.max(initial=0.0)
    return float(powers[powers >= loudest / 1000].mean()) if loudest > 0 else 0.0


def at_level(sound: Sound, level_dbfs: float) -> Sound:
    """Scale sound so that its speech has this level; silence stays silence."""
    power = active_power(sound)
    return sound * np.float32(np.sqrt(10 ** (level_dbfs / 10) / power)) if power > 0 else sound


def with_noise(speech: Sound, noise: Sound, snr_db: float) -> Sound:
    """Add noise (at least as long) at this ratio of active speech power to noise power, in dB."""
    noise = noise[: len(speech)]
    power = float((noise.astype(np.float64) ** 2).mean()) if len(noise) else 0.0
    if power <= 0:
        return speech
    gain = np.sqrt(active_power(speech) / power / 10 ** (snr_db / 10))
    return speech + noise * np.float32(gain)


def pink_noise(length: int, rng: np.random.Generator) -> Sound:
    """Noise whose power falls by 3 dB per octave, with a root mean square of 1."""
    from scipy.fft import irfft, next_fast_len, rfft

    count = next_fast_len(max(length, 2), real=True)
    spectrum = rfft(rng.standard_normal(count))
    shaped = irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count)[:length]
    noise: Sound = (shaped / max(float(shaped.std()) if length else 0.0, 1e-12)).astype(np.float32)
    return noise


def babble(voices: Sequence[Sound], length: int, rng: np.random.Generator) -> Sound:
    """Mix voices at the same level; each starts at a random place and repeats to fill the length."""
    out = np.zeros(length, np.float32)
    for voice in voices:
        if len(voice):
            at = int(rng.integers(len(voice)))
            out += np.resize(np.roll(at_level(voice, -20), -at), length)
    return out


def reverberant(sound: Sound, t60_s: float, direct_db: float, rng: np.random.Generator) -> Sound:
    """Add the reverberation of a room that decays by 60 dB in `t60_s` (Polack's model: decaying Gaussian noise).

    The direct sound is `direct_db` above the reverberant tail and is not delayed.
    """
    if not len(sound):
        return sound
    from scipy.signal import fftconvolve

    times = np.arange(1, int(t60_s * RATE_HZ)) / RATE_HZ
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / t60_s)
    tail *= np.sqrt(10 ** (-direct_db / 10) / max(float((tail**2).sum()), 1e-12))
    response = np.concatenate([[1.0], tail]).astype(np.float32)
    out: Sound = fftconvolve(sound, response)[: len(sound)].astype(np.float32)
    return out


def telephone(sound: Sound) -> Sound:
    """Limit sound to a telephone line's band, 300 to 3,400 Hz (ITU-T G.712), without delay."""
    if not len(sound):
        return sound
    from scipy.signal import butter, sosfiltfilt

    sos = butter(4, (300, 3_400), "bandpass", fs=RATE_HZ, output="sos")
    out: Sound = sosfiltfilt(sos, sound, padlen=min(len(sound) - 1, 512)).astype(np.float32)
    return out


def tilted(sound: Sound, gain_db: float, above_hz: float = 1_000.0) -> Sound:
    """Raise or lower everything above a frequency by a gain, over the octave around it (a shelf)."""
    if not len(sound) or gain_db == 0:
        return sound
    from scipy.fft import irfft, next_fast_len, rfft

    count = next_fast_len(len(sound) + _FRAME, real=True)  # padded, or the end would leak into the beginning
    octaves = np.log2(np.maximum(np.arange(count // 2 + 1) * RATE_HZ / count, 1.0) / above_hz)
    shelf = 10 ** (gain_db / 20 * np.clip(octaves + 0.5, 0, 1))
    out: Sound = irfft(rfft(sound, count) * shelf, count)[: len(sound)].astype(np.float32)
    return out


def clipped(sound: Sound, above_db: float) -> Sound:
    """Clip sound hard at `above_db` above the level of its speech, like an overdriven recorder."""
    limit = np.float32(np.sqrt(active_power(sound)) * 10 ** (above_db / 20))
    return np.clip(sound, -limit, limit)


def through(sound: Sound, codec: Codec, bits_per_s: int | None = None) -> Sound:
    """Encode and decode sound: mu-law, A-law, GSM 06.10 (8 kHz each), Opus at 12 or MP3 at 24 kb/s (16 kHz).

    `bits_per_s` sets another rate for Opus or MP3.
    """
    enough = np.pad(sound, (0, max(0, _FRAME - len(sound))))  # encoders refuse empty input
    return _fitted(_through_gsm(enough) if codec == "gsm" else _through_ffmpeg(enough, codec, bits_per_s), len(sound))


def _through_ffmpeg(sound: Sound, codec: Codec, rate: int | None) -> Sound:
    import av

    name, container_format, rate_hz, usual = _LIBRARY[codec]
    bits_per_s = rate or usual
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container_format) as container:
        stream = cast("AudioStream", container.add_stream(name, rate=rate_hz, layout="mono"))
        if bits_per_s is not None:
            stream.bit_rate = bits_per_s
        stream.codec_context.open()
        resampler = av.AudioResampler(
            stream.codec_context.format, "mono", rate_hz, frame_size=stream.codec_context.frame_size or None
        )
        frame = av.AudioFrame.from_ndarray(to_int16(sound)[None], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    buffer.seek(0)
    return _decoded(buffer)


def _through_gsm(sound: Sound) -> Sound:
    need("soundfile", "GSM")
    import av
    import soundfile

    down = av.AudioResampler("s16", "mono", 8_000)
    frame = av.AudioFrame.from_ndarray(to_int16(sound)[None], format="s16", layout="mono")
    frame.sample_rate = RATE_HZ
    narrow = np.concatenate([p.to_ndarray()[0] for p in [*down.resample(frame), *down.resample(None)]])
    buffer = io.BytesIO()
    soundfile.write(buffer, narrow, 8_000, format="WAV", subtype="GSM610")
    buffer.seek(0)
    decoded, _ = soundfile.read(buffer, dtype="int16")
    buffer = io.BytesIO()
    soundfile.write(buffer, decoded, 8_000, format="WAV", subtype="PCM_16")
    buffer.seek(0)
    return _decoded(buffer)


def _decoded(file: io.BytesIO) -> Sound:
    import av

    resampler = av.AudioResampler("s16", "mono", RATE_HZ)
    with av.open(file, "r") as container:
        pieces = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        pieces += resampler.resample(None)
    return to_float(np.concatenate([piece.to_ndarray()[0] for piece in pieces]))


def _fitted(sound: Sound, length: int) -> Sound:
    """Cut sound, or pad its end with silence, to the length."""
    return np.pad(sound[:length], (0, max(0, length - len(sound))))
