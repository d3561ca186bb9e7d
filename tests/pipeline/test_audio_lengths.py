"""Lengths: what a header says is no promise where more is there; what was promised and is not there is said."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from media import onsets, pulses, tone, write
from ressenti.pipeline import audio, errors
from ressenti.pipeline.audio.worker.lengths import lengths_of
from ressenti.pipeline.audio.worker.source import Source
from ressenti.pipeline.audio.worker.tags import inner_tags
from ressenti.pipeline.config import AudioOptions

OPTIONS = AudioOptions(remove_hum=False)  # what is played here are steady tones
RATE = 16_000


def pcm(seconds: float, order: str = "<") -> bytes:
    return (tone(seconds) * 32767).astype(f"{order}i2").tobytes()


def wav(sound: bytes, said: int, *, tail: bytes = b"", order: str = "<", byte_rate: int = 2 * RATE) -> bytes:
    name = b"RIFF" if order == "<" else b"RIFX"
    fmt = struct.pack(f"{order}HHIIHH", 1, 1, RATE, byte_rate, 2, 16)
    return (
        name
        + struct.pack(f"{order}I", min(36 + said, 0xFFFFFFFF))
        + b"WAVEfmt "
        + struct.pack(f"{order}I", 16)
        + fmt
        + b"data"
        + struct.pack(f"{order}I", said)
        + sound
        + tail
    )


def rf64(sound: bytes, said: int) -> bytes:
    fmt = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    sizes = struct.pack("<QQQI", 72 + said, said, said // 2, 0)
    head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", 28) + sizes
    return head + b"fmt " + struct.pack("<I", 16) + fmt + b"data\xff\xff\xff\xff" + sound


def w64(sound: bytes, said: int) -> bytes:
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    fmt = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    riff = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
    return (
        riff
        + struct.pack("<Q", 104 + said)
        + b"wave"
        + tail
        + b"fmt "
        + tail
        + struct.pack("<Q", 40)
        + fmt
        + b"data"
        + tail
        + struct.pack("<Q", 24 + said)
        + sound
    )


def aiff(sound: bytes, said: int) -> bytes:
    rate = b"\x40\x0c\xfa\0\0\0\0\0\0\0"
    comm = b"COMM" + struct.pack(">IhIh", 18, 1, said // 2, 16) + rate
    return (
        b"FORM" + struct.pack(">I", 46 + said) + b"AIFF" + comm + b"SSND" + struct.pack(">III", 8 + said, 0, 0) + sound
    )


def au(sound: bytes, said: int) -> bytes:
    return b".snd" + struct.pack(">5I", 24, said, 3, RATE, 1) + sound


def caf(sound: bytes, said: int) -> bytes:
    desc = struct.pack(">d4sIIIII", RATE, b"lpcm", 0, 2, 1, 1, 16)
    return b"caff\0\1\0\0desc" + struct.pack(">q", 32) + desc + b"data" + struct.pack(">qI", said + 4, 0) + sound


MAKERS = {"wav": wav, "rf64": rf64, "w64": w64, "aiff": aiff, "au": au, "caf": caf}


def sound_of(name: str, seconds: float) -> bytes:
    return pcm(seconds, ">" if name in {"aiff", "au", "caf"} else "<")


def loaded(tmp_path: Path, data: bytes, ending: str = "wav", options: AudioOptions = OPTIONS):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(data)
    return audio.load(path, options, trusted=True)


@pytest.mark.parametrize("name", MAKERS)
def test_a_size_written_early_loses_nothing(tmp_path: Path, name: str) -> None:
    sound = sound_of(name, 6)
    recording, heard = loaded(tmp_path, MAKERS[name](sound, 2 * RATE * 2))
    assert recording.duration_s == pytest.approx(6, abs=0.01)
    assert [(n.key, n.values) for n in recording.notes] == [("early_header", {"said": 2.0, "read": 6.0})]
    spectrum = np.abs(np.fft.rfft(heard.samples[0, -16_000:].astype(float)))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize("name", MAKERS)
def test_a_right_size_is_right(tmp_path: Path, name: str) -> None:
    sound = sound_of(name, 3)
    recording, _ = loaded(tmp_path, MAKERS[name](sound, len(sound)))
    assert recording.duration_s == pytest.approx(3, abs=0.001)
    assert recording.notes == ()


@pytest.mark.parametrize("name", MAKERS)
def test_what_was_promised_and_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    sound = sound_of(name, 6)
    with pytest.raises(errors.TruncatedError, match=r"header says 6\.0 s, but only 3\.0 s"):
        loaded(tmp_path, MAKERS[name](sound[: len(sound) // 2], len(sound)))


@pytest.mark.parametrize("said", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
def test_a_size_left_open_is_read_to_the_end(tmp_path: Path, said: int) -> None:
    recording, _ = loaded(tmp_path, wav(pcm(3), said))
    assert recording.duration_s == pytest.approx(3, abs=0.001)
    assert recording.notes == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_chunks_after_the_sound_are_not_heard(tmp_path: Path, order: str) -> None:
    tail = b"LIST" + struct.pack(f"{order}I", 1000) + b"\x7f" * 1000
    sound = pcm(3, order)
    recording, _ = loaded(tmp_path, wav(sound, len(sound), tail=tail, order=order))
    assert recording.duration_s == pytest.approx(3, abs=0.001)
    early, _ = loaded(tmp_path, wav(sound, 32_000, tail=tail, order=order))
    assert early.duration_s == pytest.approx(3, abs=0.001)


@pytest.mark.parametrize("byte_rate", [0, 1, RATE, 4 * RATE])
def test_a_wrong_byte_rate_changes_nothing(tmp_path: Path, byte_rate: int) -> None:
    sound = pcm(3)
    assert loaded(tmp_path, wav(sound, len(sound), byte_rate=byte_rate))[0].duration_s == pytest.approx(3, abs=0.001)


def test_mp3s_joined_are_read_whole(tmp_path: Path) -> None:
    part = write(tmp_path / "part.mp3", [pulses(4, 16_000)], "libmp3lame", 16_000).read_bytes()
    recording, _ = loaded(tmp_path, part * 3, "mp3")
    assert recording.duration_s == pytest.approx(12, abs=0.5)


def test_mp3s_with_pictures_joined_are_read_whole(tmp_path: Path) -> None:
    options = {"write_xing": "0", "id3v2_version": "0"}
    part = write(tmp_path / "part.mp3", [pulses(4, 16_000)], "libmp3lame", 16_000, options=options).read_bytes()
    picture = b"APIC" + struct.pack(">IH", 60_000, 0) + np.random.default_rng(0).bytes(60_000)
    size = len(picture)
    tag = b"ID3\3\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + picture
    recording, sound = loaded(tmp_path, (tag + part) * 3, "mp3")
    assert recording.duration_s == pytest.approx(12, abs=0.5)
    assert len(onsets(sound.samples[0])) == 12


def test_tags_without_end_are_not_all_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"\xff\xfb" + b"ID3\4\0\0\0\0\0\0" * 100_000)
    with path.open("rb") as file:
        found = list(inner_tags(Source(file.fileno(), path.stat().st_size)))
    assert len(found) == 1_000


@pytest.mark.parametrize("name", MAKERS)
def test_files_of_plain_sound_joined_are_read_whole(tmp_path: Path, name: str) -> None:
    sound = sound_of(name, 4)
    recording, _ = loaded(tmp_path, 2 * MAKERS[name](sound, len(sound)))
    assert recording.duration_s == pytest.approx(8, abs=0.02)
    assert [note.key for note in recording.notes] == ["early_header"]


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.m4a", "aac", 16_000), ("a.flv", "aac", 44_100), ("a.tta", "tta", 16_000), ("a.voc", "pcm_u8", 16_000)],
)
def test_what_is_joined_and_cannot_be_read_is_said(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    part = write(tmp_path / name, [pulses(4, rate)], codec, rate).read_bytes()
    with pytest.raises(errors.TruncatedError, match=f"its last {len(part)} of "):
        loaded(tmp_path, part * 2, name[2:])


def test_an_mp3_that_promises_more_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp3", [pulses(8, 16_000)], "libmp3lame", 16_000).read_bytes()
    with pytest.raises(errors.TruncatedError, match="header says 8"):
        loaded(tmp_path, whole[: len(whole) // 2], "mp3")


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "pcm_s16le"), ("a.flv", "aac")])
def test_a_container_cut_in_half_is_refused(tmp_path: Path, name: str, codec: str) -> None:
    rate = 44_100 if name == "a.flv" else 16_000
    whole = write(tmp_path / name, [pulses(8, rate)], codec, rate).read_bytes()
    with pytest.raises(errors.TruncatedError, match="header says"):
        loaded(tmp_path, whole[: len(whole) // 2], name[2:])


def test_what_follows_an_amr_is_no_error(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.amr", [pulses(4, 8_000)], "libopencore_amrnb", 8_000).read_bytes()
    recording, _ = loaded(tmp_path, whole + b"\xff" * 100, "amr")
    assert recording.duration_s == pytest.approx(4, abs=0.5)


def test_flac_behind_an_id3_tag(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.flac", [pulses(3, 16_000)], "flac", 16_000).read_bytes()
    tag = b"ID3\x04\0\0\0\0\x01\x00" + b"\0" * 128
    assert loaded(tmp_path, tag + whole, "flac")[0].duration_s == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize(("scale", "bits"), [(2**15, 32), (2**15, 64), (2**23, 32), (2**31, 32)])
def test_float_samples_that_count_in_whole_numbers_are_scaled(tmp_path: Path, scale: int, bits: int) -> None:
    sound = (np.round(tone(3) * scale)).astype(f"<f{bits // 8}").tobytes()
    fmt = struct.pack("<HHIIHH", 3, 1, RATE, RATE * bits // 8, bits // 8, bits)
    data = b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + struct.pack("<I", 16) + fmt
    path = tmp_path / "a.wav"
    path.write_bytes(data + b"data" + struct.pack("<I", len(sound)) + sound)
    recording, heard = audio.load(path, OPTIONS)
    assert [(n.key, n.values) for n in recording.notes] == [("scaled", {"scale": scale})]
    assert np.abs(heard.samples).max() == pytest.approx(0.3 * 32768, rel=0.01)


def test_a_spike_in_float_samples_is_clipped(tmp_path: Path) -> None:
    values = tone(3)
    values[1000] = 100.0
    sound = values.astype("<f4").tobytes()
    fmt = struct.pack("<HHIIHH", 3, 1, RATE, RATE * 4, 4, 32)
    data = b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + struct.pack("<I", 16) + fmt
    recording, heard = loaded(tmp_path, data + b"data" + struct.pack("<I", len(sound)) + sound)
    assert recording.notes == ()
    assert np.percentile(np.abs(heard.samples), 99) == pytest.approx(0.3 * 32768, rel=0.02)


@pytest.mark.parametrize(
    ("ending", "codec", "rate"),
    [("ul", "pcm_mulaw", 8000), ("al", "pcm_alaw", 8000), ("sw", "pcm_s16le", 8000), ("sln16", "pcm_s16le", 16_000)],
)
def test_sound_without_a_header_is_read_by_its_ending(tmp_path: Path, ending: str, codec: str, rate: int) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone(3, rate) * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = rate
        raw = b"".join(bytes(p) for p in [*stream.encode(frame), *stream.encode(None)])
    recording, _ = loaded(tmp_path, raw, ending)
    assert (recording.duration_s, recording.sample_rate_hz) == (pytest.approx(3), rate)
    assert [n.key for n in recording.notes] == ["raw_guessed"]
    asked, _ = loaded(tmp_path, raw, "xyz", AudioOptions(remove_hum=False, raw=f"{codec.removeprefix('pcm_')}:{rate}"))
    assert (asked.duration_s, asked.notes) == (pytest.approx(3), ())


def test_a_header_wins_over_an_ending_and_over_raw(tmp_path: Path) -> None:
    sound = pcm(3)
    recording, _ = loaded(tmp_path, wav(sound, len(sound)), "ul", AudioOptions(remove_hum=False, raw="alaw:8000"))
    assert (recording.codec, recording.duration_s) == ("pcm_s16le", pytest.approx(3))
    assert [note.key for note in recording.notes] == ["raw_unused"]


@pytest.mark.parametrize("ending", ["raw", "pcm", "vox"])
def test_an_ending_that_settles_nothing_is_refused_with_advice(tmp_path: Path, ending: str) -> None:
    with pytest.raises(errors.NotAudioError, match="--raw mulaw:8000"):
        loaded(tmp_path, pcm(3), ending)


@pytest.mark.parametrize("rate", [1, 2, 100, 1999, 800_000])
def test_rates_that_no_recorder_writes_are_refused(tmp_path: Path, rate: int) -> None:
    data = bytearray(wav(pcm(3), 96_000))
    data[24:28] = struct.pack("<I", rate)
    with pytest.raises(errors.TooLargeError, match="expected 2000 to 768000"):
        loaded(tmp_path, bytes(data))


def test_more_than_the_limits_is_refused_with_the_option(tmp_path: Path) -> None:
    sound = pcm(60)
    data = wav(sound, len(sound))
    with pytest.raises(errors.TooLargeError, match=r"audio\.max_duration_s"):
        loaded(tmp_path, data, options=AudioOptions(remove_hum=False, max_duration_s=30))
    with pytest.raises(errors.TooLargeError, match=r"audio\.max_decoded_mb"):
        loaded(tmp_path, data, options=AudioOptions(remove_hum=False, max_decoded_mb=1))


@pytest.mark.parametrize(("ending", "header"), [("wav", True), ("sw", False)])
def test_plain_samples_that_are_too_long_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, header: bool
) -> None:
    monkeypatch.setattr("ressenti.pipeline.audio.worker.track.Decoded.take", lambda *_: pytest.fail("decoded"))
    sound = pcm(31)
    with pytest.raises(errors.TooLargeError, match=r"audio\.max_duration_s"):
        loaded(
            tmp_path,
            wav(sound, len(sound)) if header else sound,
            ending,
            AudioOptions(remove_hum=False, max_duration_s=30),
        )


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz"),
    [("mpegts", "aac", 16_000), ("adts", "aac", 16_000), ("mp3", "libmp3lame", 16_000), ("mp3", "libmp3lame", 44_100)],
)
@pytest.mark.parametrize("ending", [".bin", ".dat", ".raw"])
def test_a_stream_is_known_by_its_frames_whatever_it_is_called(
    tmp_path: Path, container: str, codec: str, rate_hz: int, ending: str
) -> None:
    path = write(tmp_path / "a.x", [pulses(3, rate_hz)], codec, rate_hz, container=container)
    data = path.read_bytes()
    if codec == "libmp3lame":  # without its tag
        data = data[data.index(b"\xff\xf3" if rate_hz < 32_000 else b"\xff\xfb") :]
    renamed = tmp_path / f"a{ending}"
    renamed.write_bytes(data)
    recording, _ = audio.load(renamed, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("data", [b"\xff" * 4000, b"G" * 3, b"\x00" * 4000, bytes(range(256)) * 16])
def test_sound_without_a_header_is_no_stream(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(errors.NotAudioError, match="--raw mulaw:8000"):
        loaded(tmp_path, data, "raw")


def test_chunks_that_lie_beyond_any_file_are_not_looked_for(tmp_path: Path) -> None:
    guid = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
    head = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00" + struct.pack("<Q", 1000) + b"wave" + guid
    data = head + b"junk" + guid + struct.pack("<Q", 2**63 + 24) + bytes(200)
    with pytest.raises(errors.InputError):
        loaded(tmp_path, data, "w64")
    path = tmp_path / "a.w64"
    with path.open("rb") as file:
        source = Source(file.fileno(), path.stat().st_size)
        assert lengths_of(source).promised is None
        assert source.at(2**70, 4) == b""
