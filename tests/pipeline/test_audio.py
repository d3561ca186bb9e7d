import io
import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from conftest import write_wav
from ressenti.pipeline import audio, errors
from ressenti.pipeline.config import AudioOptions

OPTIONS = AudioOptions(remove_hum=False)  # what is played here are steady tones


def tone(seconds: float = 3.0, rate_hz: int = 16_000, hz: float = 440.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)


def encoded(path: Path, codec: str, rate_hz: int, seconds: float = 3.0, container: str | None = None) -> Path:
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone(seconds, rate_hz) * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = rate_hz
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, "mono", rate_hz, context.frame_size or None)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("a.wav", "pcm_s16le", 16_000),
        ("a.wav", "pcm_u8", 8_000),
        ("a.wav", "pcm_s24le", 44_100),
        ("a.wav", "pcm_f32le", 48_000),
        ("a.wav", "pcm_mulaw", 8_000),
        ("a.wav", "pcm_alaw", 8_000),
        ("a.mp3", "libmp3lame", 22_050),
        ("a.m4a", "aac", 16_000),
        ("a.ogg", "libopus", 48_000),
        ("a.opus", "libopus", 48_000),
        ("a.flac", "flac", 16_000),
        ("a.amr", "libopencore_amrnb", 8_000),
        ("a.webm", "libopus", 48_000),
        ("a.mp4", "aac", 44_100),
        ("a.mkv", "aac", 44_100),
    ],
)
def test_decodes_what_people_bring(tmp_path: Path, name: str, codec: str, rate_hz: int) -> None:
    recording, sound = audio.load(encoded(tmp_path / name, codec, rate_hz), OPTIONS)
    assert sound.samples.dtype == np.int16
    assert sound.samples.shape[0] == 1
    assert recording.duration_s == pytest.approx(3.0, abs=0.15)
    assert recording.sample_rate_hz == rate_hz
    assert len(recording.sha256) == 64
    middle = sound.samples[0, 16_000:32_000].astype(float)
    peak_hz = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle)))))
    assert peak_hz == pytest.approx(440, abs=3)


def video(path: Path, picture_s: int, sound_s: float) -> Path:
    """A film with a picture and a sound track, each of its own length."""
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=5, width=64, height=48, pix_fmt="yuv420p")
        sound = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for _ in range(5 * picture_s):
            out.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        frame = av.AudioFrame.from_ndarray((tone(sound_s) * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = 16_000
        out.mux(sound.encode(frame))
        out.mux([*picture.encode(None), *sound.encode(None)])
    return path


@pytest.mark.parametrize("picture_s", [2, 5])  # a picture may outlast its sound
def test_the_sound_of_a_video_is_found(tmp_path: Path, picture_s: int) -> None:
    recording, _ = audio.load(video(tmp_path / "meeting.mkv", picture_s, 2), OPTIONS)
    assert recording.duration_s == pytest.approx(2.0, abs=0.05)


def test_channels_are_kept(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "two.wav", np.stack([tone(hz=300), tone(hz=900)]))
    _, sound = audio.load(path, OPTIONS)
    spectra = np.abs(np.fft.rfft(sound.samples[:, :16_000], axis=1))
    assert spectra.argmax(axis=1).tolist() == [300, 900]


def bad_files(folder: Path) -> dict[str, tuple[Path, type[errors.RessentiError]]]:
    good = write_wav(folder / "good.wav", tone(4)).read_bytes()
    flac = encoded(folder / "good.flac", "flac", 16_000).read_bytes()
    m4a = encoded(folder / "good.m4a", "aac", 16_000).read_bytes()
    nan = np.concatenate([tone(1), [np.nan], tone(1)]).astype("<f4").tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(nan),
        b"WAVE",
        b"fmt ",
        16,
        3,
        1,
        16_000,
        64_000,
        4,
        32,
        b"data",
        len(nan),
    )
    contents = {
        "empty": (b"", "wav", errors.EmptyFileError),
        "truncated_wav": (good[: len(good) // 2], "wav", errors.TruncatedError),
        "truncated_flac": (flac[: len(flac) // 2], "flac", errors.TruncatedError),
        "truncated_m4a": (m4a[: len(m4a) // 2], "m4a", errors.TruncatedError),
        "text": (b"Dear customer, thank you for calling.\n" * 50, "wav", errors.NotAudioError),
        "picture": (png(), "wav", errors.NotAudioError),
        "no_samples": (good[:40] + struct.pack("<I", 0), "wav", errors.ZeroLengthError),
        "nan": (header + nan, "wav", errors.BadSamplesError),
    }
    made = {}
    for name, (data, ending, error) in contents.items():
        path = folder / f"bad_{name}.{ending}"
        path.write_bytes(data)
        made[name] = (path, error)
    made["silent"] = (write_wav(folder / "bad_silent.wav", np.zeros(48_000)), errors.SilentError)
    made["short"] = (write_wav(folder / "bad_short.wav", tone(0.4)), errors.TooShortError)
    made["absent"] = (folder / "bad_absent.wav", errors.NotFoundError)
    made["folder"] = (folder, errors.IsFolderError)
    return made


def png() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="image2pipe") as container:
        stream = container.add_stream("png", rate=1, width=16, height=16, pix_fmt="rgb24")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


BAD = [
    "empty",
    "truncated_wav",
    "truncated_flac",
    "truncated_m4a",
    "text",
    "picture",
    "no_samples",
    "nan",
    "silent",
    "short",
    "absent",
    "folder",
]


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_its_own_error(tmp_path: Path, name: str) -> None:
    path, error = bad_files(tmp_path)[name]
    with pytest.raises(error) as caught:
        audio.load(path, OPTIONS)
    assert type(caught.value) is error
    assert path.name in str(caught.value)


def test_every_bad_input_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    codes = {error.exit_code for _, error in bad_files(tmp_path).values()}
    assert len(codes) == len({error for _, error in bad_files(tmp_path).values()})


def test_unreadable_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wav(tmp_path / "locked.wav", tone())

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("ressenti.pipeline.audio.files.os.open", refuse)
    with pytest.raises(errors.UnreadableError, match="permission"):
        audio.load(path, OPTIONS)


def test_a_truncated_file_can_be_allowed(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(write_wav(tmp_path / "whole.wav", tone(4)).read_bytes()[:64_044])
    recording, sound = audio.load(path, AudioOptions(allow_truncated=True, remove_hum=False))
    assert sound.duration_s == pytest.approx(2.0)
    assert [note.key for note in recording.notes] == ["truncated"]


def test_a_streamed_wav_without_length_is_whole(tmp_path: Path) -> None:
    data = bytearray(write_wav(tmp_path / "a.wav", tone(2)).read_bytes())
    data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path = tmp_path / "streamed.wav"
    path.write_bytes(data)
    _, sound = audio.load(path, OPTIONS)
    assert sound.duration_s == pytest.approx(2.0)


def test_a_cut_ogg_is_truncated(tmp_path: Path) -> None:
    data = encoded(tmp_path / "a.ogg", "libopus", 48_000).read_bytes()
    path = tmp_path / "cut.ogg"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(errors.TruncatedError, match="middle of a page"):
        audio.load(path, OPTIONS)


@pytest.mark.parametrize("channels", [3, 6, 8])
def test_many_channels(tmp_path: Path, channels: int) -> None:
    path = write_wav(tmp_path / "many.wav", np.stack([tone(hz=200.0 + 50 * i) for i in range(channels)]))
    _, sound = audio.load(path, OPTIONS)
    spectra = np.abs(np.fft.rfft(sound.samples[:, :16_000], axis=1))
    assert spectra.argmax(axis=1).tolist() == [200 + 50 * i for i in range(channels)]


def test_more_than_eight_channels_are_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "many.wav", np.stack([tone()] * 9))
    with pytest.raises(errors.TooLargeError, match="9 channels; expected at most 8"):
        audio.load(path, OPTIONS)


def test_a_format_that_changes_in_the_middle(tmp_path: Path) -> None:
    parts = [encoded(tmp_path / f"{i}.mp3", "libmp3lame", rate).read_bytes() for i, rate in enumerate((44_100, 22_050))]
    path = tmp_path / "joined.mp3"
    path.write_bytes(parts[0] + parts[1])
    recording, _ = audio.load(path, OPTIONS)
    assert recording.duration_s == pytest.approx(6.0, abs=0.2)


def test_a_name_that_is_not_text_is_shown_as_well_as_can_be(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    path.write_bytes(write_wav(tmp_path / "a.wav", tone()).read_bytes())
    assert audio.load(path, OPTIONS)[0].name == "caf\ufffd.wav"
