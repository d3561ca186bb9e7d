"""Voices of a real call, known again by telephone; a stranger is not."""

from pathlib import Path

import numpy as np
import pytest

from commands import ressenti
from conftest import write_wav
from ressenti import analyze, load_config
from ressenti.pipeline.audio import load
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.records import Conversation

PEOPLE = {"Agent": 0, "Caller": 1}
VOICES = load_config("default", {"voices": {"use": True}, "diarization": {"speakers": 2}})


def named(path: Path) -> Conversation:
    return analyze(path, VOICES, emotion_model=FakeEmotion())


@pytest.mark.slow("analyses real recordings")
def test_parties_of_a_call_are_known_in_its_second_half(
    shared_data: Path, sample: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is stored from a channel of the first half, and named in the mixed second; in another call nobody is."""
    monkeypatch.setenv("RESSENTI_VOICES", str(tmp_path / "voices"))
    _, sound = load(shared_data / "conversations" / "calls" / "auto_repairs_40_stereo8k.flac", AudioOptions())
    samples = sound.samples.astype(float) / 32768
    middle = samples.shape[1] // 2
    for name, channel in PEOPLE.items():
        part = write_wav(tmp_path / f"{name}.wav", samples[channel, :middle])
        done = ressenti("voices", "add", name, part, "--anyway")
        assert done.returncode == 0, done.stderr
    mixed = write_wav(tmp_path / "second.wav", np.clip(samples[:, middle:].sum(axis=0), -1, 1)[: 60 * 16_000])
    found = named(mixed)
    assert {speaker.name for speaker in found.speakers} == set(PEOPLE)
    assert all(speaker.named_by_voice for speaker in found.speakers)
    assert all(speaker.name == "" and speaker.voice is not None for speaker in named(sample[0]).speakers)
