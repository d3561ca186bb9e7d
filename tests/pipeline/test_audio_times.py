"""The time line: gaps, late sound, clocks, damaged pages."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from campaign import ogg
from media import onsets, pulses, write
from ressenti.pipeline import audio, errors
from ressenti.pipeline.audio.worker.clock import Clock
from ressenti.pipeline.audio.worker.decode import messages
from ressenti.pipeline.audio.worker.opening import Job
from ressenti.pipeline.audio.worker.source import Source
from ressenti.pipeline.audio.worker.track import Limits
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.records import Recording

OPTIONS = AudioOptions(remove_hum=False)  # what is played here are steady tones


def keys(recording: Recording) -> dict[str, dict[str, float]]:
    return {note.key: note.values for note in recording.notes}


CONTAINERS = [
    ("a.webm", "libopus", 48_000),
    ("a.mkv", "aac", 16_000),
    ("a.mkv", "pcm_s16le", 16_000),
    ("a.mp4", "aac", 16_000),
    ("a.mov", "aac", 44_100),
    ("a.ts", "aac", 16_000),
    ("a.flv", "aac", 44_100),
]


@pytest.mark.parametrize(
    ("name", "codec", "rate"), [*CONTAINERS, ("a.ogg", "libopus", 48_000), ("a.ogg", "flac", 16_000)]
)
def test_a_gap_in_the_stamps_is_filled_and_told(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    path = write(tmp_path / name, [pulses(10, rate)], codec, rate, drop=lambda s: 2.7 <= s < 6.7)
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(10, abs=0.15)
    assert keys(recording)["gaps_filled"]["seconds"] == pytest.approx(4.0, abs=0.15)
    assert onsets(sound.samples[0]) == pytest.approx([0, 1, 2, 7, 8, 9], abs=0.08)


@pytest.mark.parametrize(("name", "codec", "rate"), [c for c in CONTAINERS if c[0] not in {"a.webm", "a.flv"}])
def test_sound_that_starts_after_the_picture_keeps_the_times_of_a_player(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    path = write(tmp_path / name, [pulses(4, rate)], codec, rate, picture_s=8, start_s=(3.0,))
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert onsets(sound.samples[0]) == pytest.approx([3, 4, 5, 6], abs=0.1)
    assert keys(recording)["late_start"]["seconds"] == pytest.approx(3.0, abs=0.11)


@pytest.mark.parametrize(("name", "codec", "rate"), [c for c in CONTAINERS if c[0] not in {"a.mp4", "a.mov"}])
def test_a_clock_that_starts_at_an_hour_is_not_shifted(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    path = write(tmp_path / name, [pulses(3, rate)], codec, rate, start_s=(3600.0,))
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(3, abs=0.15)
    assert onsets(sound.samples[0]) == pytest.approx([0, 1, 2], abs=0.1)


def test_fragments_that_start_at_an_hour_are_not_shifted(tmp_path: Path) -> None:
    options = {"movflags": "frag_every_frame+empty_moov+default_base_moof"}
    path = write(tmp_path / "a.mp4", [pulses(3, 16_000)], "aac", 16_000, start_s=(3600.0,), options=options)
    assert audio.load(path, OPTIONS, trusted=True)[0].duration_s == pytest.approx(3, abs=0.15)


def test_jitter_does_not_add_up(tmp_path: Path) -> None:
    noise = iter(np.random.default_rng(0).uniform(-0.02, 0.02, 1000))
    path = write(
        tmp_path / "a.mkv", [pulses(10, 16_000)], "pcm_s16le", 16_000, shift=lambda s: s + float(next(noise)) + 1
    )
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert recording.notes == ()
    assert onsets(sound.samples[0]) == pytest.approx(list(range(10)), abs=0.06)


@pytest.mark.parametrize("pace", [0.99, 1.01])
def test_a_clock_that_drifts_is_followed(tmp_path: Path, pace: float) -> None:
    path = write(tmp_path / "a.mkv", [pulses(20, 16_000)], "pcm_s16le", 16_000, shift=lambda s: s * pace)
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(20 * pace, abs=0.15)
    assert onsets(sound.samples[0])[-1] == pytest.approx(19 * pace, abs=0.15)


def test_a_clock_that_jumps_back_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "joined.ts"
    part = write(tmp_path / "a.ts", [pulses(4, 16_000)], "aac", 16_000).read_bytes()
    path.write_bytes(part + part)
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(8, abs=0.4)
    assert len(onsets(sound.samples[0])) == 8


def test_silence_in_a_gap_counts_before_it_is_allocated(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [pulses(6, 16_000)], "aac", 16_000, shift=lambda s: s if s < 3 else s + 500_000)
    with pytest.raises(errors.TooLargeError, match=r"audio\.max_duration_s"):
        audio.load(path, OPTIONS)


def test_a_whole_file_that_ends_muted_is_as_long_as_it_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.webm", [pulses(10, 48_000)], "libopus", 48_000, drop=lambda s: 4.0 <= s < 9.9)
    recording, _ = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(10, abs=0.1)


# Ogg: FFmpeg drops damaged pages without a word
def ogg_pages(data: bytes) -> list[int]:
    found, at = [], data.find(b"OggS")
    while at >= 0:
        found.append(at)
        at = data.find(b"OggS", at + 1)
    return found


@pytest.mark.parametrize(("name", "codec", "rate"), [("a.ogg", "libopus", 48_000), ("a.ogg", "flac", 16_000)])
@pytest.mark.parametrize("header", [False, True])
def test_a_damaged_page_shifts_nothing_and_is_told(
    tmp_path: Path, name: str, codec: str, rate: int, header: bool
) -> None:
    whole = write(tmp_path / name, [pulses(40, rate)], codec, rate).read_bytes()
    pages = ogg_pages(whole)
    page = pages[len(pages) // 2]
    data = bytearray(whole)
    data[page if header else page + 200] ^= 4
    path = tmp_path / "bad.ogg"
    path.write_bytes(data)
    recording, sound = audio.load(
        path, AudioOptions(remove_hum=False, allow_truncated=codec != "libopus"), trusted=True
    )
    assert recording.duration_s == pytest.approx(40, abs=0.15)
    assert 0.2 < keys(recording)["lost_filled"]["seconds"] < 8
    times = onsets(sound.samples[0])
    assert times[0] == pytest.approx(0, abs=0.05)
    assert times[-1] == pytest.approx(39, abs=0.08)
    assert all(min(abs(t - k) for k in range(40)) < 0.1 or 0.1 < t % 1 < 0.5 for t in times)


def test_a_damaged_page_among_those_of_other_streams_is_lost(tmp_path: Path) -> None:
    track = pulses(40, 48_000)
    data = bytearray(write(tmp_path / "a.ogg", [track, track[::-1]], "libopus", 48_000).read_bytes())
    pages = ogg_pages(bytes(data))
    data[pages[len(pages) // 2] + 200] ^= 4
    path = tmp_path / "bad.ogg"
    path.write_bytes(data)
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert keys(recording)["lost_filled"]["seconds"] == pytest.approx(1.0, abs=0.1)
    assert "gaps_filled" not in keys(recording)
    assert onsets(sound.samples[0])[-1] == pytest.approx(39, abs=0.05)


@pytest.mark.parametrize("number", [2, -2])
def test_a_damaged_first_or_last_page_shifts_nothing(tmp_path: Path, number: int) -> None:
    data = bytearray(write(tmp_path / "a.opus", [pulses(40, 48_000)], "libopus", 48_000).read_bytes())
    data[ogg_pages(bytes(data))[number] + 100] ^= 1
    path = tmp_path / "bad.opus"
    path.write_bytes(data)
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(40, abs=0.1)
    assert keys(recording)["lost_filled"]["seconds"] == pytest.approx(1.0, abs=0.1)
    assert onsets(sound.samples[0])[5] == pytest.approx(6 if number > 0 else 5, abs=0.1)


def test_ogg_with_much_lost_is_refused(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a.opus", [pulses(12, 48_000)], "libopus", 48_000).read_bytes())
    for page in ogg_pages(bytes(data))[4:6]:
        data[page + 300] ^= 1
    path = tmp_path / "bad.opus"
    path.write_bytes(data)
    with pytest.raises(errors.TruncatedError, match="are lost"):
        audio.load(path, OPTIONS)
    recording, _ = audio.load(path, AudioOptions(allow_truncated=True, remove_hum=False))
    assert recording.duration_s == pytest.approx(12, abs=0.1)


def test_ogg_files_joined_are_read_one_after_the_other(tmp_path: Path) -> None:
    part = write(tmp_path / "a.opus", [pulses(4, 48_000)], "libopus", 48_000).read_bytes()
    path = tmp_path / "joined.opus"
    path.write_bytes(part + part)
    recording, sound = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(8, abs=0.1)
    assert onsets(sound.samples[0]) == pytest.approx(list(range(8)), abs=0.1)


def test_a_lost_frame_of_flac_shifts_nothing(tmp_path: Path) -> None:
    whole = write(
        tmp_path / "a.flac", [pulses(60, 16_000) + 0.01 * np.random.default_rng(0).normal(size=960_000)], "flac", 16_000
    ).read_bytes()
    data = bytearray(whole)
    at = len(data) // 2
    data[at : at + 4000] = struct.pack("<I", 0) * 1000
    path = tmp_path / "bad.flac"
    path.write_bytes(data)
    recording, sound = audio.load(path, AudioOptions(allow_truncated=True, remove_hum=False), trusted=True)
    assert recording.duration_s == pytest.approx(60, abs=0.1)
    assert onsets(sound.samples[0])[-1] == pytest.approx(59, abs=0.05)


# the clock itself
def test_the_clock_places_frames() -> None:
    clock = Clock()
    places = [clock.place(stamp, 0.02) for stamp in (0.0, 0.02, 0.04, 1.06, 1.08)]
    assert [round(place.fill_s, 6) for place in places] == [0, 0, 0, 1.0, 0]
    assert clock.position_s == pytest.approx(1.1)


def test_the_clock_keeps_sound_whose_stamps_stand_still() -> None:
    clock = Clock()
    for _ in range(500):
        clock.place(0.0, 0.02)
    assert clock.position_s > 9.7


def ogg_worker(path: Path, max_duration_s: float) -> list[dict[str, Any]]:
    """What the decoder says of a file, without the samples."""
    with path.open("rb") as file:
        job = Job(Limits(16_000, max_duration_s, 2_000, 768_000, 8), ending=path.suffix)
        return [about for about, _ in messages(Source(file.fileno(), path.stat().st_size), job)]


def test_ogg_that_is_too_long_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.opus", [pulses(40, 48_000)], "libopus", 48_000)
    assert ogg_worker(path, 30.0) == [{"is": "refused", "why": "too_long", "most": 30.0}]
    assert ogg_worker(path, 60.0)[-1]["is"] == "end"


def test_ogg_cut_from_the_middle_of_a_long_stream_is_as_long_as_it_is(tmp_path: Path) -> None:
    data = write(tmp_path / "a.opus", [pulses(40, 48_000)], "libopus", 48_000).read_bytes()
    later = []
    for page in ogg.pages(data):
        part = bytearray(data[page.at : page.at + page.size])
        (granule,) = struct.unpack("<q", part[6:14])
        part[6:14] = struct.pack("<q", granule + (100 * 3600 * 48_000 if granule > 0 else 0))
        later.append(ogg.summed(bytes(part)))
    path = tmp_path / "later.opus"
    path.write_bytes(b"".join(later))
    recording, _ = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(40, abs=0.15)


def test_a_damaged_length_of_ogg_is_damage(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a.opus", [pulses(40, 48_000)], "libopus", 48_000).read_bytes())
    data[ogg_pages(bytes(data))[-1] + 6 + 5] ^= 1  # ends 265 days later, were its sum right
    path = tmp_path / "bad.opus"
    path.write_bytes(data)
    recording, _ = audio.load(path, OPTIONS, trusted=True)
    assert recording.duration_s == pytest.approx(40, abs=1.1)
