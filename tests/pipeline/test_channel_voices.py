"""Several voices in one channel of a call, by a diarizer made by hand and on real speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ressenti.pipeline import audio
from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import AudioOptions, DiarizationOptions, load_config
from ressenti.pipeline.diarization.builtin import VoiceFeatures
from ressenti.pipeline.diarization.channel_voices import ChannelListener, Further, HeardChannel, alone_share
from ressenti.pipeline.diarization.channels import ChannelDiarizer, further_of
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.own_speech import OwnSpeech, own_speech
from ressenti.pipeline.lab.evaluation.diarization import compare, read_rttm
from ressenti.pipeline.records import Diarization, Segment

RATE = 16_000
OPTIONS = DiarizationOptions()
LIKENESS = {1: {2: 0.3, 3: 0.35, 4: 0.9}, 2: {2: 0.6, 3: 0.8, 4: 0.9}}  # of each channel's nearest voices, by number


class ByHand:
    """Parts the 60 s of a channel among so many voices as are asked for, in equal parts but for a short last one."""

    models = ()

    def __init__(self, free: dict[int, int], last_s: float = 20.0) -> None:
        self.free, self.last_s = free, last_s

    def name(self, heard: Any, duration_s: float, count: Count) -> Diarization:
        channel = heard.channel
        voices = count.exactly or min(self.free[channel], count.at_most or 8)
        edges = [*np.linspace(0, 60 - self.last_s, voices).tolist(), 60.0] if voices > 1 else [0.0, 60.0]
        segments = [Segment(a, b, f"S{k}", 0.8) for k, (a, b) in enumerate(pairwise(edges), 1)]
        cosine = LIKENESS[channel].get(voices, 1.0)
        vectors = [(1.0, 0.0), (cosine, float(np.sqrt(1 - cosine**2)))][:voices]
        named = tuple((f"S{k}", vector) for k, vector in enumerate(vectors, 1))
        return Diarization(tuple(segments), "estimated", "high", (), hears_overlap=True, embeddings=named)


class Told:
    """Stands in for what is heard in a channel."""

    def __init__(self, channel: int) -> None:
        self.channel, self.spans = channel, ((0.0, 60.0),)


def call(free: dict[int, int], **by_hand: float) -> tuple[ChannelDiarizer, list[HeardChannel]]:
    """A diarizer for two channels of 60 s each, the second 100 s later, in which so many voices are clearly heard."""
    diarizer = ChannelDiarizer(OPTIONS)
    assert isinstance(diarizer._listener, ChannelListener)
    diarizer._listener._diarizer = ByHand(free, **by_hand)  # type: ignore[assignment]
    heard = []
    for channel, start in ((1, 0.0), (2, 100.0)):
        spans = ((start, start + 60.0),)
        told: VoiceFeatures = Told(channel)  # type: ignore[assignment]
        heard.append(HeardChannel(spans, OwnSpeech(np.zeros(60 * RATE, np.int16), ((0.0, 60.0),), spans), told))
    return diarizer, heard


def spoken(found: Diarization) -> list[tuple[str, float, float]]:
    return [(s.speaker, round(s.start_s, 3), round(s.end_s, 3)) for s in found.segments]


def test_a_channel_of_one_voice_is_its_speaker() -> None:
    diarizer, heard = call({1: 1, 2: 1})
    found = diarizer.name(heard, Count())
    assert (found.count, found.count_confidence, found.notes) == ("channels", "high", ())
    assert spoken(found) == [("S1", 0.0, 60.0), ("S2", 100.0, 160.0)]
    assert found.channels == (("S1", 1), ("S2", 2))
    assert {segment.confidence for segment in found.segments} == {None}


def test_main_voices_keep_their_channels_labels_and_further_ones_come_after() -> None:
    diarizer, heard = call({1: 1, 2: 3})
    found = diarizer.name(heard, Count())
    assert (found.count, found.count_confidence) == ("estimated", "high")
    assert [(note.key, note.values) for note in found.notes] == [("channel_voices", {"channel": 2, "voices": 3})]
    assert spoken(found) == [("S1", 0.0, 60.0), ("S2", 100.0, 120.0), ("S3", 120.0, 140.0), ("S4", 140.0, 160.0)]
    assert found.channels == (("S1", 1), ("S2", 2), ("S3", 2), ("S4", 2))
    diarizer, heard = call({1: 2, 2: 1}, last_s=40.0)
    assert spoken(diarizer.name(heard, Count())) == [("S3", 0.0, 20.0), ("S1", 20.0, 60.0), ("S2", 100.0, 160.0)]


@pytest.mark.parametrize(("last_s", "voices"), [(4.9, 1), (5.1, 2)])
def test_a_voice_with_little_speech_is_none(last_s: float, voices: int) -> None:
    diarizer, heard = call({1: 1, 2: 2}, last_s=last_s)
    found = diarizer.name(heard, Count())
    assert len(found.speakers) == 1 + voices


def test_a_voice_that_comes_and_goes_is_a_mood_and_no_person() -> None:
    def parts(*who: str) -> list[Segment]:
        return [Segment(10.0 * k, 10.0 * k + 10, label) for k, label in enumerate(who)]

    assert alone_share(parts("S1", "S1", "S2", "S2"), "S1") == alone_share(parts("S1", "S1", "S2"), "S2") == 1
    mixed = parts("S1", "S2", "S1", "S2", "S1", "S1")
    assert alone_share(mixed, "S1") == pytest.approx(4 / 6)
    assert alone_share(mixed, "S2") == pytest.approx(2 / 3)
    strayed = parts(*["S1"] * 15, "S2", *["S1"] * 2, *["S2"] * 15)
    assert alone_share(strayed, "S1") == pytest.approx(15 / 16)  # one stray piece is no coming and going
    assert alone_share(strayed, "S2") == 1

    diarizer, heard = call({1: 1, 2: 2})
    by_hand = diarizer._listener._diarizer  # type: ignore[union-attr]
    again = replace(by_hand.name(heard[1].heard, 60.0, Count(2)), segments=tuple(parts("S1", "S2", "S1", "S2", "S1")))
    by_hand.name = lambda heard, duration_s, count: again if count.exactly is None else None  # type: ignore[method-assign, assignment, return-value]
    assert diarizer.name(heard[1:] * 2, Count()).count == "channels"


def test_a_number_as_large_as_that_of_the_channels_leaves_no_further_voice() -> None:
    diarizer, heard = call({1: 2, 2: 2})
    for count in (Count(2), Count(1), Count(at_most=2)):
        assert diarizer.name(heard, count).speakers == ("S1", "S2")
    assert [note.key for note in diarizer.name(heard, Count(1)).notes] == ["channels_decided"]
    assert diarizer.name(heard, Count(2)).notes == ()


def test_a_larger_number_is_found_where_voices_are_least_alike() -> None:
    diarizer, heard = call({1: 1, 2: 1})
    three = diarizer.name(heard, Count(3))
    assert (three.count, three.channels) == ("given", (("S1", 1), ("S2", 2), ("S3", 1)))
    four = diarizer.name(heard, Count(4))
    assert four.channels[2:] == (("S3", 1), ("S4", 1))
    least = diarizer.name(heard, Count(at_least=3))
    assert (least.count, least.count_confidence, len(least.speakers)) == ("estimated", "low", 3)


def test_a_smaller_number_than_is_heard_joins_the_voices_most_alike() -> None:
    diarizer, heard = call({1: 2, 2: 2})
    assert len(diarizer.name(heard, Count()).speakers) == 4
    for count in (Count(3), Count(at_most=3)):
        assert diarizer.name(heard, count).channels == (("S1", 1), ("S2", 2), ("S3", 1))


def test_fewer_than_asked_for_are_said() -> None:
    diarizer, heard = call({1: 1, 2: 1})
    found = diarizer.name([HeardChannel(channel.spans) for channel in heard], Count(3))
    assert [(note.key, note.values) for note in found.notes] == [("fewer_speakers", {"asked": 3, "found": 2})]
    assert [model.name for model in found.models] == ["silero-vad"]


@pytest.mark.parametrize(
    ("voices", "count", "further"),
    [
        ("auto", Count(), Further(0, None)),
        ("auto", Count(2), Further(0, 0)),
        ("auto", Count(4), Further(2, 2)),
        ("auto", Count(at_least=3, at_most=5), Further(1, 3)),
        ("auto", Count(at_most=1), Further(0, 0)),
        ("free", Count(2), Further(0, None)),
        ("free", Count(3), Further(1, 1)),
        ("one", Count(), Further(0, 0)),
        ("one", Count(4), Further(0, 0)),
    ],
)
def test_how_many_further_voices_there_may_be(voices: Any, count: Count, further: Further) -> None:
    assert further_of(count, 2, DiarizationOptions(channel_voices=voices)) == further


@pytest.mark.parametrize("preset", ["call-center", "interview", "recruitment"])
def test_the_number_of_a_preset_is_for_one_channel(preset: str) -> None:
    options = load_config(preset).diarization
    assert further_of(Count(options.speakers), 2, options) == Further(0, None)


SPANS = [(0.5, 1.5), (1.6, 2.0), (5.0, 6.25)]


def near(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(round(start, 3), round(end, 3)) for start, end in spans]


def test_own_speech_is_cut_together_with_short_silences() -> None:
    samples = np.full(8 * RATE, 1000, np.int16)
    own = own_speech(samples, SPANS)
    assert near(own.spans) == [(0.0, 1.0), (1.1, 1.5), (1.8, 3.05)]
    assert near(own.origins) == SPANS
    assert own.speech_s == pytest.approx(2.65)
    loud = np.flatnonzero(own.samples)
    assert np.abs(own.samples[loud]).sum() / 1000 / RATE == pytest.approx(2.65, abs=0.04)  # soft edges
    assert not own.samples[round(1.0 * RATE) : round(1.1 * RATE)].any()
    assert (samples == 1000).all()
    assert own_speech(samples, []).samples.shape == (0,)


def test_times_of_own_speech_lead_back_to_the_channel() -> None:
    own = own_speech(np.zeros(8 * RATE, np.int16), SPANS)
    assert near(own.in_channel(0.2, 0.6)) == [(0.7, 1.1)]
    assert near(own.in_channel(0.9, 2.0)) == [(1.4, 1.5), (1.6, 2.0), (5.0, 5.2)]
    assert own.in_channel(1.5, 1.8) == []


@pytest.fixture(scope="module")
def transferred(sample: tuple[Path, Path]) -> Audio:
    """The sample's two parties on the second channel; on the first, hiss."""
    voices = audio.load(sample[0], AudioOptions())[1].samples[0]
    hiss = np.random.default_rng(0).normal(0, 3, len(voices)).astype(np.int16)
    return Audio(np.stack([hiss, voices]))


def test_two_people_on_one_channel_are_told_apart(sample: tuple[Path, Path], transferred: Audio) -> None:
    told: list[tuple[str, float, float | None]] = []
    diarizer = ChannelDiarizer(OPTIONS)
    heard = diarizer.hear(transferred, lambda *step: told.append(step))
    assert list(dict.fromkeys(stage for stage, *_ in told)) == ["speech", "voices", "speakers"]
    assert all(total is not None and 0 <= done <= total for _, done, total in told)
    found, one = diarizer.name(heard, Count(3)), diarizer.name(heard, Count(2))
    assert [label for label, channel in found.channels if channel == 2] == ["S2", "S3"]
    assert [model.task for model in found.models] == ["speech activity", "diarization", "speaker embedding"]
    result = compare(found.segments, read_rttm(sample[1]), [(0, transferred.duration_s)])
    assert result.errors[1].rate <= 0.12
    assert (one.count, one.speakers) == ("channels", ("S2",))
    never = ChannelDiarizer(OPTIONS.model_copy(update={"channel_voices": "one"}))
    assert [model.task for model in never.models] == ["speech activity"]

    def covered(segments: Sequence[Segment]) -> np.ndarray:
        out = np.zeros(3_000, dtype=bool)
        for s in segments:
            out[round(100 * s.start_s) : round(100 * s.end_s)] = True
        return out

    assert np.mean(covered(found.segments) != covered(one.segments)) < 0.01


@pytest.mark.slow("analyses real recordings")
def test_a_real_call_has_one_voice_per_channel_and_a_transferred_one_two(shared_data: Path) -> None:
    path = shared_data / "conversations" / "calls" / "auto_repairs_40_stereo8k.flac"
    both = audio.load(path, AudioOptions())[1].samples
    diarizer = ChannelDiarizer(OPTIONS)
    found = diarizer.diarize(Audio(both[:, : 120 * RATE].copy()), Count())
    assert (found.count, found.speakers) == ("channels", ("S1", "S2"))
    hiss = np.random.default_rng(0).normal(0, 3, 120 * RATE).astype(np.int16)
    after = np.concatenate([both[0][: 60 * RATE], both[1][60 * RATE : 120 * RATE]])
    handed_over = diarizer.diarize(Audio(np.stack([hiss, after])), Count())
    assert [channel for _, channel in handed_over.channels] == [1, 2, 2]
    ends = {label: max(s.end_s for s in handed_over.segments if s.speaker == label) for label in ("S2", "S3")}
    assert min(ends.values()) == pytest.approx(60, abs=3)
