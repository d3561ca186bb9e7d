"""The built-in diarizer as a whole, on real speech."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline import audio
from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import AudioOptions, DiarizationOptions
from ressenti.pipeline.diarization import embedding
from ressenti.pipeline.diarization.builtin import BuiltinDiarizer
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.local_voices import frame_at
from ressenti.pipeline.diarization.stretches import Stretch
from ressenti.pipeline.lab.evaluation.diarization import compare, read_rttm
from ressenti.pipeline.models.parallel import computing
from ressenti.pipeline.records import Diarization

OPTIONS = DiarizationOptions()
STAGES = ["speech", "voices", "speakers", "clustering"]


@pytest.fixture(scope="module")
def sound(sample: tuple[Path, Path]) -> Audio:
    return audio.load(sample[0], AudioOptions())[1]


def part(sound: Audio, start_s: float, end_s: float) -> Audio:
    return Audio(sound.samples[:, round(start_s * 16_000) : round(end_s * 16_000)].copy())


def heard(sound: Audio, count: Count | None = None, **options: float) -> Diarization:
    return BuiltinDiarizer(OPTIONS.model_copy(update=options)).diarize(sound, count or Count())


@pytest.fixture(scope="module")
def told_apart(sound: Audio) -> Diarization:
    return heard(sound, Count(exactly=2))


def check(found: Diarization, duration_s: float) -> None:
    """What holds for every answer."""
    assert found.hears_overlap
    assert list(found.segments) == sorted(found.segments, key=lambda s: s.start_s)
    assert all(0 <= s.start_s < s.end_s <= duration_s for s in (*found.segments, *found.exclusive))
    assert list(dict.fromkeys(s.speaker for s in found.segments)) == [f"S{k + 1}" for k in range(len(found.speakers))]
    assert {s.speaker for s in found.exclusive} <= set(found.speakers)
    assert all(before.end_s <= after.start_s for before, after in pairwise(found.exclusive))
    assert [label for label, _ in found.embeddings] == list(found.speakers)


def test_the_sample_is_told_apart(sample: tuple[Path, Path], sound: Audio, told_apart: Diarization) -> None:
    result = compare(told_apart.segments, read_rttm(sample[1]), [(0, sound.duration_s)])
    assert result.errors[1].rate <= 0.08
    assert (told_apart.count, told_apart.count_confidence, told_apart.notes) == ("given", "high", ())
    assert told_apart.speakers == ("S1", "S2")
    assert [model.task for model in told_apart.models] == ["speech activity", "diarization", "speaker embedding"]
    assert all(len(vector) == 192 for _, vector in told_apart.embeddings)
    check(told_apart, sound.duration_s)


def test_the_sample_has_overlap_of_two(told_apart: Diarization) -> None:
    """The reference has a little, too: somebody begins before the other has ended."""
    pairs = [(a, b) for a in told_apart.segments for b in told_apart.segments if a.speaker < b.speaker]
    overlap_s = sum(max(0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s)) for a, b in pairs)
    assert 0.3 < overlap_s < 5


@pytest.mark.parametrize("count", [Count(exactly=2), Count()])
def test_every_stage_is_told_to_its_end(sound: Audio, count: Count) -> None:
    last: dict[str, tuple[float, float | None]] = {}
    told = BuiltinDiarizer(OPTIONS).diarize(
        part(sound, 6, 18), count, lambda stage, done, total: last.update({stage: (done, total)})
    )
    assert list(last) == STAGES
    assert all(done == total for done, total in last.values())
    check(told, 12)


@pytest.mark.parametrize("stage", STAGES)
def test_what_progress_raises_stops_at_once(sound: Audio, stage: str) -> None:
    error, calls = KeyError("enough"), []

    def hook(name: str, completed: float, total: float | None) -> None:
        calls.append(name)
        if name == stage:
            raise error

    with pytest.raises(KeyError) as caught:
        BuiltinDiarizer(OPTIONS).diarize(part(sound, 6, 12), Count(), hook)
    assert caught.value is error
    assert calls.count(stage) == 1
    assert calls[-1] == stage


@pytest.mark.parametrize("count", [Count(exactly=2), Count()])
def test_the_same_on_one_core_and_on_two(sound: Audio, count: Count) -> None:
    answers = []
    for cores in (1, 2):
        with computing(cores):
            answers.append(heard(sound, count))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("count", "how", "sure"), [(Count(), "estimated", "low"), (Count(exactly=2), "given", "high")])
def test_silence_has_no_speakers(count: Count, how: str, sure: str) -> None:
    quiet = Audio(np.random.default_rng(0).integers(-30, 30, (1, 48_000)).astype(np.int16))
    found = heard(quiet, count)
    assert (found.segments, found.exclusive, found.speakers, found.embeddings) == ((), (), (), ())
    assert (found.count, found.count_confidence) == (how, sure)
    assert [note.values for note in found.notes] == ([{"asked": 2, "found": 0}] if how == "given" else [])


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.15, 0.4, 1.0])
def test_very_short_speech(sound: Audio, seconds: float) -> None:
    for count in (Count(), Count(exactly=2)):
        found = heard(part(sound, 9, 9 + seconds), count)
        check(found, seconds)
        assert len(found.speakers) == 1 or seconds <= 0.1
        assert (found.count, found.count_confidence) != ("estimated", "high")
        assert [note.key for note in found.notes] == (["fewer_speakers"] if count.exactly else [])


def test_four_tenths_of_a_second_in_silence(sound: Audio) -> None:
    samples = np.random.default_rng(0).integers(-30, 30, (1, 320_000)).astype(np.int16)
    samples[0, 160_000:166_400] = sound.samples[0, 144_000:150_400]
    found = heard(Audio(samples))
    check(found, 20)
    assert found.speakers == ("S1",)
    assert all(9.5 < s.start_s < s.end_s < 11 for s in found.segments)


def test_less_than_ten_seconds(sample: tuple[Path, Path], sound: Audio) -> None:
    found = heard(part(sound, 14, 20), Count(exactly=2))
    check(found, 6)
    assert found.speakers == ("S1", "S2")
    truth = [s for s in read_rttm(sample[1]) if s.end_s > 14 and s.start_s < 20]
    moved = [type(s)(max(0, s.start_s - 14), min(6, s.end_s - 14), s.speaker) for s in truth]
    assert compare(found.segments, moved, [(0, 6)]).errors[1].rate < 0.25


def test_an_estimate_from_half_a_minute_is_not_sure(sound: Audio) -> None:
    found = heard(sound)
    check(found, sound.duration_s)
    assert (found.count, found.count_confidence) == ("estimated", "low")
    assert heard(sound, sure_from_s=1, sure_margin=0).count_confidence == "high"


def test_embeddings_do_not_depend_on_who_else_is_embedded(sound: Audio) -> None:
    spans = [(7.0, 9.5), (14.6, 15.4), (20.0, 23.0), (29.5, 29.9)]
    pieces = [Stretch(frame_at(start), frame_at(end)) for start, end in spans]
    together = embedding.embed(sound.samples[0], pieces)
    alone = np.concatenate([embedding.embed(sound.samples[0], [piece]) for piece in pieces])
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(pieces)), abs=1e-3)
    assert together == pytest.approx(alone, abs=1e-4)
    assert embedding.embed(sound.samples[0], []).shape == (0, 192)
