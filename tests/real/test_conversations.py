"""Real recordings through the whole pipeline, with bounds on what comes out."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from conftest import mostly_slow
from ressenti import analyze, load_config
from ressenti.pipeline import diarization
from ressenti.pipeline.audio import Audio, load
from ressenti.pipeline.audio.channels import lay_out
from ressenti.pipeline.config import AudioOptions, DiarizationOptions, DynamicsOptions, TurnOptions
from ressenti.pipeline.diarization.channels import ChannelDiarizer
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.emotion.builtin import BuiltinEmotion
from ressenti.pipeline.lab.evaluation.diarization import compare, read_rttm
from ressenti.pipeline.lab.evaluation.emotion import Cut, cut_clips, figures_of, hear
from ressenti.pipeline.lab.labelled_speech.corpora import read_clips
from ressenti.pipeline.models import voice_encoder
from ressenti.pipeline.records import Conversation, Diarization, Recording
from ressenti.pipeline.turn_taking import interruptions_of
from ressenti.pipeline.turns import make_turns

REAL = pytest.mark.slow("analyses real recordings")


@cache
def analysed_once(path: Path, speakers: int | None) -> Conversation:
    return analyze(path, load_config("default", {"diarization": {"speakers": speakers}}))


def analysed(path: Path, speakers: int | None = None) -> Conversation:
    return analysed_once(path, speakers)


@cache
def loaded(path: Path) -> tuple[Recording, Audio]:
    return load(path, AudioOptions())


def diarized(path: Path, count: Count) -> Diarization:
    """Who speaks in a recording of one channel, where nobody asks how it sounds."""
    return diarization.choose("mono", DiarizationOptions()).diarize(loaded(path)[1], count)


@pytest.mark.parametrize(
    ("recording", "reference", "speakers", "bound"),
    [
        ("ami/sample.flac", "ami/sample.rttm", 2, 0.08),
        *(
            pytest.param(*case, marks=REAL)
            for case in (
                ("calls/auto_repairs_40_stereo8k.flac", "calls/auto_repairs_40.rttm", None, 0.02),
                ("calls/auto_repairs_40.flac", "calls/auto_repairs_40.rttm", 2, 0.015),  # two short turns are confused
            )
        ),
    ],
)
def test_diarization_error_at_a_quarter_second(
    shared_data: Path, recording: str, reference: str, speakers: int | None, bound: float
) -> None:
    folder = shared_data / "conversations"
    conversation = analysed(folder / recording, speakers=speakers)
    result = compare(
        conversation.diarization.segments, read_rttm(folder / reference), [(0, conversation.recording.duration_s)]
    )
    assert result.errors[1].rate <= bound


@pytest.mark.slow("analyses real recordings")
def test_four_speakers_are_told_apart(shared_data: Path) -> None:
    path = shared_data / "conversations" / "misc" / "pyaa_diarizationExample.flac"
    found = diarized(path, Count(exactly=4))
    result = compare(found.segments, read_rttm(path.with_suffix(".rttm")), [(0, loaded(path)[0].duration_s)])
    assert result.errors[1].rate <= 0.05


@pytest.mark.slow("analyses real recordings")
def test_a_two_channel_call_is_split_and_its_mix_is_told_apart(shared_data: Path) -> None:
    calls = shared_data / "conversations" / "calls"
    split = analysed(calls / "auto_repairs_40_stereo8k.flac")
    mono = analysed(calls / "auto_repairs_40.flac", speakers=2)
    assert (split.layout, mono.layout) == ("split", "mono")
    assert split.recording.sample_rate_hz == 8000
    assert 25 <= len(split.turns) <= 50
    assert abs(len(split.turns) - len(mono.turns)) <= 6
    for speaker, other in zip(split.speakers, mono.speakers, strict=True):
        assert speaker.talk
        assert other.talk
        assert speaker.talk.share == pytest.approx(other.talk.share, abs=0.03)


@pytest.mark.parametrize("bleed_db", mostly_slow("analyses real recordings", [-30, -40, -20]))
@pytest.mark.slow("analyses real recordings")
def test_bleed_between_the_channels_changes_little(shared_data: Path, bleed_db: int) -> None:
    calls = shared_data / "conversations" / "calls"
    _, sound = loaded(calls / "auto_repairs_40_stereo8k.flac")
    clean = sound.samples.astype(np.float32)
    mixed = np.clip(clean + 10 ** (bleed_db / 20) * clean[::-1], -32768, 32767).astype(np.int16)
    assert lay_out(Audio(mixed), "auto", AudioOptions()).mode == "split"
    found = ChannelDiarizer(DiarizationOptions()).diarize(Audio(mixed), Count())
    result = compare(found.segments, read_rttm(calls / "auto_repairs_40.rttm"), [(0, sound.duration_s)])
    assert result.errors[1].rate <= 0.02
    assert interruptions_of(make_turns(found.segments, TurnOptions()), DynamicsOptions()) == ()


@pytest.mark.parametrize(
    "name", mostly_slow("analyses real recordings", ["demo_agent_one_channel.flac", "demo_agent1_one_channel.flac"])
)
@pytest.mark.slow("analyses real recordings")
def test_one_voice_is_one_speaker(shared_data: Path, name: str) -> None:
    found = diarized(shared_data / "conversations" / "calls" / name, Count())
    assert len(found.speakers) == 1
    assert found.count_probability is not None
    assert found.count_probability > 0.6


def test_one_voice_in_half_a_minute_is_not_sure(shared_data: Path) -> None:
    conversation = analysed(shared_data / "conversations" / "ami" / "sample.flac")
    assert conversation.diarization.count == "estimated"
    assert conversation.diarization.count_confidence == "low"


@pytest.mark.slow("analyses real recordings")
def test_french_speech_goes_through_and_says_how_sure_it_is(shared_data: Path) -> None:
    conversation = analysed(shared_data / "conversations" / "french" / "wt_smartphone.flac")
    assert conversation.exchange
    assert conversation.exchange.speech_s > 60
    assert any(turn.emotion for turn in conversation.turns)
    assert all(turn.unjudged or turn.emotion for turn in conversation.turns)


@pytest.mark.slow("analyses real recordings")
def test_every_model_that_took_part_is_named(shared_data: Path) -> None:
    split = analysed(shared_data / "conversations" / "calls" / "auto_repairs_40_stereo8k.flac")
    assert [m.task for m in split.models] == [
        "speech activity",
        "diarization",
        "speaker embedding",
        "sounds",
        "voice encoder",
        "emotion",
    ]
    encoder = split.models[4]
    assert (encoder.licence, encoder.commercial) == ("MIT", True)
    assert encoder.sha256 == voice_encoder.hashes()["voice.onnx"]


@pytest.fixture(scope="module")
def cuts(shared_data: Path) -> list[Cut]:
    """Clips of actors that the built-in model never heard, decoded and cut once."""
    learned = BuiltinEmotion().learned
    clips = [clip for clip in read_clips(shared_data / "emotion" / "ravdess") if clip.who not in learned]
    return cut_clips(clips, load_config())


@pytest.mark.slow("judges hundreds of clips")
def test_held_out_actors_are_heard_as_the_model_card_says(cuts: list[Cut]) -> None:
    assert {cut.clip.speaker for cut in cuts} == {"actor17", "actor18", "actor19", "actor20"}
    figures = figures_of(hear(cuts, BuiltinEmotion(), load_config()), load_config())
    assert figures.clips == 144
    assert figures.macro_f1 >= 0.73
    assert figures.arousal_auc is not None
    assert figures.arousal_auc >= 0.90
    assert figures.valence_auc is not None
    assert figures.valence_auc >= 0.88


@pytest.mark.slow("judges hundreds of clips")
def test_who_is_angry_throughout_is_heard_as_less_angry_and_no_more_than_the_model_card_says(cuts: list[Cut]) -> None:
    model = BuiltinEmotion()
    angry = [cut for cut in cuts if cut.clip.emotion == "angry"]
    alone, throughout = (hear(angry, model, load_config(), alone=alone) for alone in (True, False))
    recall = [np.mean([h.scores.top == "Tension" for h in heard]) for heard in (alone, throughout)]
    arousal = [np.mean([h.point[1] for h in heard if h.point is not None]) for heard in (alone, throughout)]
    assert recall[0] >= 0.7
    assert 0.4 <= recall[1] < recall[0]
    assert 0.05 < arousal[1] < arousal[0]
