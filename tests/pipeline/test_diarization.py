import shutil
from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline import audio, diarization
from ressenti.pipeline.config import AudioOptions, DiarizationOptions
from ressenti.pipeline.diarization import vad
from ressenti.pipeline.diarization.channels import ChannelDiarizer, without_bleed
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.errors import ConfigError, ModelError
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.models import hashes, voice_encoder

OPTIONS = DiarizationOptions()


def test_two_thresholds_make_spans() -> None:
    p = np.array([0, 0.25, 0.5, 0.25, 0.1, 0, 0, 0.9, 0.9] + [0] * 20 + [0.9] * 20, dtype=np.float32)
    spans = vad.spans_of(p, DiarizationOptions(fill_gap_s=0.0, min_speech_s=0.05))
    assert spans == [(pytest.approx(a * 0.032), pytest.approx(b * 0.032)) for a, b in [(2, 4), (7, 9), (29, 49)]]


def test_short_gaps_are_filled_and_short_speech_is_dropped() -> None:
    p = np.array([0.9] * 10 + [0] * 5 + [0.9] * 10 + [0] * 20 + [0.9] * 2 + [0] * 20, dtype=np.float32)
    assert vad.spans_of(p, OPTIONS) == [(0, pytest.approx(25 * 0.032))]


def test_the_level_around_is_that_of_the_softest_seconds_that_hold_a_moment() -> None:
    music, talk = np.full(200, -18, np.float32), np.full(200, -48, np.float32)
    around = vad.local_levels_db(np.concatenate([music, talk, music]), 15.0)
    assert around[:198].tolist() == pytest.approx([-18] * 198)
    assert around[205:395].tolist() == pytest.approx([-48] * 190)
    assert around[402:].tolist() == pytest.approx([-18] * 198)


def test_a_short_shout_is_measured_by_itself() -> None:
    levels = np.full(600, -45, np.float32)
    levels[300:330] = -10
    around = vad.local_levels_db(levels, 15.0)
    assert around[300:330].tolist() == pytest.approx([-10] * 30)
    assert np.concatenate([around[:290], around[340:]]).tolist() == pytest.approx([-45] * 550)


def test_speech_is_looked_for_afresh_where_the_level_falls() -> None:
    around = np.concatenate([np.full(200, -18), np.full(200, -38), np.full(200, -18), np.full(200, -24)])
    assert vad.fresh_starts(around.astype(np.float32), 10.0) == [200]


def test_what_is_far_softer_has_to_be_surer() -> None:
    levels = np.concatenate([np.full(100, -30), np.full(100, -60)]).astype(np.float32)
    spans = [(0.0, 9.0), (11.0, 12.0), (15.0, 16.0)]
    p = np.full(625, 0.9, np.float32)
    p[int(14 / 0.032) :] = 0.5
    assert vad.without_faint(spans, p, levels, OPTIONS) == spans[:2]
    assert vad.without_faint([], p, levels, OPTIONS) == []


def test_speech_is_found_where_it_is(sample: tuple[Path, Path]) -> None:
    _, sound = audio.load(sample[0], AudioOptions())
    spans = vad.detect_speech(sound.samples[0], OPTIONS)
    truth = read_rttm(sample[1])
    spoken = np.zeros(3000, bool)
    heard = np.zeros(3000, bool)
    for s in truth:
        spoken[int(s.start_s * 100) : int(s.end_s * 100)] = True
    for start, end in spans:
        heard[int(start * 100) : int(end * 100)] = True
    assert np.mean(spoken == heard) > 0.95


def test_the_same_sound_is_listened_to_once(sample: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vad, "_LAST", {})
    heard = []
    listen = vad.speech_probabilities
    monkeypatch.setattr(vad, "speech_probabilities", lambda *given: heard.append(len(given[0])) or listen(*given))
    samples = audio.load(sample[0], AudioOptions())[1].samples[0]
    first = vad.detect_speech(samples, OPTIONS)
    first.clear()  # what was given out is the caller's
    assert len(vad.detect_speech(samples, OPTIONS)) == 2
    assert heard == [480_000]
    vad.detect_speech(samples, OPTIONS.model_copy(update={"speech_on": 0.9}))
    vad.detect_speech(samples[1:], OPTIONS)
    assert heard == [480_000, 480_000, 479_999]
    for cut in range(2, 6):
        vad.detect_speech(samples[: cut * 16_000], OPTIONS)
    assert len(vad._LAST) == 4
    vad.detect_speech(samples, OPTIONS)
    assert heard[-1] == 480_000


def test_chunks_hand_their_state_on(sample: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, sound = audio.load(sample[0], AudioOptions())
    whole = vad.speech_probabilities(sound.samples[0])
    monkeypatch.setattr(vad, "_CHUNK", 100)
    assert vad.speech_probabilities(sound.samples[0]) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("frame", [0, 100])
def test_from_a_fresh_start_nothing_before_is_remembered(sample: tuple[Path, Path], frame: int) -> None:
    _, sound = audio.load(sample[0], AudioOptions())
    samples = sound.samples[0]
    at = round(frame * 1600 / 512)
    afresh = vad.speech_probabilities(samples, starts=[frame])
    assert afresh[at:] == pytest.approx(vad.speech_probabilities(samples[at * 512 :]), abs=1e-4)


@pytest.mark.parametrize("gain_db", [-6.0, 6.0])
def test_gain_is_applied_where_it_is_meant(sample: tuple[Path, Path], gain_db: float) -> None:
    samples = audio.load(sample[0], AudioOptions())[1].samples[0] // 4 * 2
    gains = np.zeros(300, np.float32)
    gains[100:200] = gain_db
    louder = samples.astype(np.float32)
    louder[160_000:320_000] *= 10 ** (gain_db / 20)
    assert vad.speech_probabilities(samples, gains) == pytest.approx(
        vad.speech_probabilities(louder.round().astype(np.int16)), abs=0.03
    )


@pytest.mark.parametrize("own", [-60.0, -45.0])
def test_a_soft_party_is_no_bleed_where_the_other_only_hisses(own: float) -> None:
    other = np.full(200, -48.0, np.float32)
    other[:100] = -12
    spans = [(2.0, 5.0), (12.0, 15.0)]
    assert without_bleed(spans, np.full(200, own, np.float32), other) == spans[1:]


def test_only_bleed_is_dropped() -> None:
    own = np.full(100, -80.0, np.float32)
    other = np.full(100, -80.0, np.float32)
    own[0:20], other[30:50], own[30:50] = -20, -20, -45  # own speech, then the other's speech and its bleed
    own[60:80] = other[60:80] = -20  # both
    kept = without_bleed([(0.0, 2.0), (3.0, 5.0), (6.0, 8.0)], own, other)
    assert kept == [(0.0, 2.0), (6.0, 8.0)]
    assert without_bleed([(0.05, 8.0)], own, other) == [
        (0.05, pytest.approx(3.0, abs=0.11)),
        (pytest.approx(5.0, abs=0.11), 8.0),
    ]


def test_channels_decide_the_count(sample: tuple[Path, Path]) -> None:
    _, sound = audio.load(sample[0], AudioOptions())
    voice = sound.samples[0]
    half = len(voice) // 2
    first, second = voice.copy(), voice.copy()
    first[half:], second[:half] = 0, 0
    found = ChannelDiarizer(OPTIONS).diarize(audio.Audio(np.stack([first, second])), Count(exactly=1))
    assert {s.speaker for s in found.segments if s.end_s <= 14.9} == {"S1"}
    assert {s.speaker for s in found.segments if s.start_s >= 14.9} == {"S2"}
    assert [note.key for note in found.notes] == ["channels_decided"]


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown diarizer"):
        diarization.choose("mono", DiarizationOptions(model="nobody-knows"))


def test_a_changed_weight_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("voice.onnx", "voice.json"):
        shutil.copy(hashes.WEIGHTS / name, tmp_path / name)
    with (tmp_path / "voice.onnx").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(hashes, "WEIGHTS", tmp_path)
    voice_encoder.hashes.cache_clear()
    try:
        with pytest.raises(ModelError, match="SHA-256"):
            voice_encoder.hashes()
        (tmp_path / "voice.onnx").unlink()
        with pytest.raises(ModelError, match="missing"):
            voice_encoder.hashes()
    finally:
        voice_encoder.hashes.cache_clear()
