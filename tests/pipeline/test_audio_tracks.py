"""Several sound tracks in one file: parties become channels, silent ones and copies are left out, each with a note."""

from pathlib import Path

import numpy as np
import pytest

from conftest import noise
from media import onsets, tone, write
from ressenti.pipeline import audio, errors
from ressenti.pipeline.audio.worker.tracks import Track, chosen
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.records import Recording

OPTIONS = AudioOptions(remove_hum=False)  # what is played here are steady tones
A, B = tone(4, hz=300), tone(4, hz=900) * (np.arange(64_000) > 32_000)
SILENT = np.zeros(64_000)


def keys(recording: Recording) -> list[tuple[str, object]]:
    return [(note.key, note.values.get("tracks")) for note in recording.notes]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
@pytest.mark.parametrize(
    ("tracks", "channels", "notes"),
    [
        ((A, B), 2, [("tracks_joined", "1, 2")]),
        ((SILENT, A), 1, [("tracks_silent", "1"), ("track_alone", "2")]),
        ((A, A), 1, [("tracks_copies", "2"), ("track_alone", "1")]),
        (((A + B) / 2, A, B), 2, [("tracks_mix", "1"), ("tracks_joined", "2, 3")]),
        ((A, SILENT, B), 2, [("tracks_silent", "2"), ("tracks_joined", "1, 3")]),
    ],
)
def test_each_party_is_a_channel(
    tmp_path: Path, name: str, tracks: tuple[np.ndarray, ...], channels: int, notes: list[tuple[str, str]]
) -> None:
    recording, sound = audio.load(write(tmp_path / name, tracks, "aac", 16_000), OPTIONS, trusted=True)
    assert (recording.channels, sound.samples.shape[0]) == (channels, channels)
    assert keys(recording) == notes
    assert recording.duration_s == pytest.approx(4, abs=0.15)
    if channels == 2:
        assert sound.positions == ()
        assert onsets(sound.samples[1])[0] == pytest.approx(2.0, abs=0.15)


def test_tracks_that_start_at_different_times_are_on_one_time_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", (A, noise(2)), "aac", 16_000, start_s=(0.0, 2.0))
    _, sound = audio.load(path, OPTIONS, trusted=True)
    assert [onsets(row)[0] for row in sound.samples] == pytest.approx([0.0, 2.0], abs=0.15)


def test_a_track_is_chosen_by_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", (A, B), "aac", 16_000)
    recording, sound = audio.load(path, AudioOptions(remove_hum=False, track=2), trusted=True)
    assert keys(recording) == [("track_chosen", 2)]
    assert onsets(sound.samples[0])[0] == pytest.approx(2.0, abs=0.15)
    with pytest.raises(
        errors.ConfigError, match=r"--track 3: a\.mp4 has 2 sound tracks; expected a number from 1 to 2"
    ):
        audio.load(path, AudioOptions(remove_hum=False, track=3))


def test_another_language_is_not_another_party(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", (A, B), "aac", 16_000, languages=("eng", "fra"))
    recording, _ = audio.load(path, OPTIONS, trusted=True)
    assert (recording.channels, keys(recording)) == (1, [("tracks_language", "2")])


def test_more_than_eight_channels_together_are_refused_with_advice(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", (A,) * 9, "aac", 16_000)
    with pytest.raises(errors.TooLargeError, match="--track"):
        audio.load(path, OPTIONS)
    assert audio.load(path, AudioOptions(remove_hum=False, track=9), trusted=True)[0].channels == 1


def test_silent_tracks_alone_are_silent(tmp_path: Path) -> None:
    with pytest.raises(errors.SilentError):
        audio.load(write(tmp_path / "a.mkv", (SILENT, SILENT), "pcm_s16le", 16_000), OPTIONS, trusted=True)


def test_a_silent_track_that_was_chosen_leads_to_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", (SILENT, A), "aac", 16_000)
    with pytest.raises(errors.SilentError, match=r"track 1 is silent.*choose another of its 2 tracks with --track"):
        audio.load(path, AudioOptions(remove_hum=False, track=1), trusted=True)


def test_which_tracks_are_decoded() -> None:
    plain = Track(1, "aac", True, 2, 48_000, "eng", default=True)
    dubbed = Track(2, "aac", True, 2, 48_000, "fra")
    comment = Track(3, "aac", True, 2, 48_000, "eng", uses=("comment",))
    unknown = Track(4, "", False, 0, 0)
    assert chosen([plain, dubbed, comment, unknown], None) == (
        (1,),
        {2: "language", 3: "other_version", 4: "no_decoder"},
    )
    assert chosen([comment], None) == ((3,), {})
    assert chosen([plain, dubbed], 2) == ((2,), {})
