import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import SEGMENTS, by_loudness, noise, write_wav
from ressenti.pipeline import audio, errors
from ressenti.pipeline.audio import encode
from ressenti.pipeline.audio.playback import page_sound
from ressenti.pipeline.config import AudioOptions, load_config
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.records import Conversation, Diarization, Note, Span
from ressenti.pipeline.run import analyze


def decoded(mp3: bytes) -> np.ndarray:
    """Samples in [-1, 1] as a player gets them: what the encoder padded is taken off."""
    import av

    with av.open(io.BytesIO(mp3)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.sample_rate, stream.codec_context.layout.name) == (16_000, "mono")
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)])


def rms(samples: np.ndarray, start_s: float, end_s: float) -> float:
    part = samples[round(start_s * 16_000) : round(end_s * 16_000)]
    return float(np.sqrt(np.mean(part.astype(np.float64) ** 2)))


def conversation_of(path: Path, **audio_options: str) -> Conversation:
    return analyze(
        path,
        load_config("default", {"audio": dict(audio_options)}),
        diarizer=FakeDiarizer(SEGMENTS),
        emotion_model=FakeEmotion(by_loudness),
    )


def bare(path: Path, layout: str = "mono", **options: object) -> Conversation:
    """A conversation of a recording in which nobody was looked for."""
    recording, _ = audio.load(path, AudioOptions())
    return Conversation(
        recording, layout, Note("one_channel"), Diarization((), "given", "high", (), hears_overlap=False), (), (), (),
        load_config("default", {"audio": dict(options)}).model_dump(mode="json"),
    )  # type: ignore[arg-type]  # fmt: skip


def test_the_sound_is_the_recording_without_what_nobody_is_to_hear(recording: Path) -> None:
    conversation = replace(conversation_of(recording), bleeps=(Span(5, 7.25), Span(20.0004, 21)))
    mp3 = page_sound(recording, conversation)
    assert mp3 == page_sound(recording, conversation)
    sound = decoded(mp3)
    assert len(sound) / 16_000 == pytest.approx(conversation.recording.duration_s, abs=0.05)
    for start, end in ((5, 7.25), (20.0004, 21)):
        assert rms(sound, start + 0.05, end - 0.05) < 1e-4
        assert rms(sound, start - 0.3, start - 0.05) > 0.05
        assert rms(sound, end + 0.05, end + 0.3) > 0.05
    assert page_sound(recording, replace(conversation, bleeps=())) != mp3


def test_the_file_tells_players_how_to_seek_and_nothing_else(recording: Path) -> None:
    mp3 = page_sound(recording, bare(recording))
    assert mp3[:2] == b"\xff\xf3"  # a frame, not a tag
    assert mp3[13:17] == b"Info"  # of constant bit rate; Xing is of variable ones
    assert len(mp3) == pytest.approx(30 * 24_000 / 8, rel=0.02)
    assert b"ID3" not in mp3[:200]
    assert b"Lavf6" not in mp3
    assert b"TAG" not in mp3[-128:]


def test_sound_begins_and_ends_where_it_did(tmp_path: Path) -> None:
    click = np.zeros(16_000 * 10)
    click[16_000 * 4 : 16_000 * 4 + 800] = 0.5 * np.sin(np.arange(800) / 3)
    path = write_wav(tmp_path / "click.wav", click)
    sound = decoded(page_sound(path, bare(path)))
    loud = np.flatnonzero(np.abs(sound) > 0.1) / 16_000
    assert loud[0] == pytest.approx(4.0, abs=0.01)
    assert loud[-1] == pytest.approx(4.05, abs=0.01)


@pytest.mark.parametrize("layout", ["mono", "split"])
def test_an_inverted_channel_does_not_cancel_the_other(tmp_path: Path, layout: str) -> None:
    wave = noise(4)
    path = write_wav(tmp_path / "inverted.wav", np.stack([wave, -wave]))
    sound = decoded(page_sound(path, bare(path, layout)))
    assert rms(sound, 0.5, 3.5) > 0.05


def test_both_speakers_of_a_call_are_heard(tmp_path: Path) -> None:
    on = (np.arange(64_000) // 16_000) % 2 == 0
    channels = np.stack([np.where(on, 1, 0.001), np.where(on, 0.001, 1)]) * np.random.default_rng(0).normal(
        0, 0.1, (2, 64_000)
    )
    path = write_wav(tmp_path / "call.wav", channels)
    sound = decoded(page_sound(path, bare(path, "split")))
    assert min(rms(sound, 0.1, 0.9), rms(sound, 1.1, 1.9)) > 0.02


def test_another_recording_is_refused_and_both_are_named(recording: Path, tmp_path: Path) -> None:
    other = write_wav(tmp_path / "other.wav", noise(3, seed=9))
    conversation = bare(recording)
    with pytest.raises(errors.WrongRecordingError, match=r"other\.wav.*call\.wav") as refused:
        page_sound(other, conversation)
    assert conversation.recording.sha256[:12] in str(refused.value)
    assert hashlib.sha256(other.read_bytes()).hexdigest()[:12] in str(refused.value)
    with pytest.raises(errors.NotFoundError):
        page_sound(tmp_path / "none.wav", conversation)


def test_a_long_sound_is_encoded_in_blocks_without_a_seam() -> None:
    hz = 250
    tone = (8000 * np.sin(2 * np.pi * hz * np.arange(16_000 * 130) / 16_000)).astype(np.int16)
    sound = decoded(encode.mp3(encode.segment(tone), 24_000))
    assert len(sound) == len(tone)
    for seam in (60, 120):
        assert rms(sound, seam - 0.05, seam + 0.05) == pytest.approx(rms(sound, 30, 31), rel=0.03)


def test_spans_may_reach_the_ends_touch_and_overlap() -> None:
    samples = np.full(16_000, 5000, np.int16)
    encode.silence(samples, (Span(0.6, 2.0), Span(0.0, 0.1), Span(0.1, 0.2), Span(0.15, 0.3)))
    assert set(np.flatnonzero(samples)) == set(range(4800, 9600))


@pytest.mark.parametrize(("name", "layout"), [("auto_repairs_40", "mono"), ("auto_repairs_40_stereo8k", "split")])
@pytest.mark.slow("analyses real recordings")
def test_real_recordings(shared_data: Path, name: str, layout: str) -> None:
    path = shared_data / "conversations" / "calls" / f"{name}.flac"
    conversation = replace(bare(path, layout), bleeps=(Span(60, 62),))
    sound = decoded(page_sound(path, conversation))
    assert len(sound) / 16_000 == pytest.approx(conversation.recording.duration_s, abs=0.05)
    assert rms(sound, 60.05, 61.95) < 1e-4
    assert rms(sound, 0, 59) > 0.003
