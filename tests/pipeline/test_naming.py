"""Names by known voices, with embeddings made by hand: likeness, limits, who gets which name, and groups."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline.edits.pseudonyms import pseudonymised
from ressenti.pipeline.models import campplus
from ressenti.pipeline.records import Conversation, Segment, Speaker
from ressenti.pipeline.voices import likeness
from ressenti.pipeline.voices.hearing import HeardVoice, alone
from ressenti.pipeline.voices.known import KnownVoice
from ressenti.pipeline.voices.naming import name_speakers
from ressenti.pipeline.voices.same import groups_of

RNG = np.random.default_rng(1)
PEOPLE = np.linalg.qr(RNG.normal(size=(campplus.WIDTH, 8)))[0].T  # nobody is like anybody else
RATE = likeness.RATE


@pytest.fixture(autouse=True)
def plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embeddings made by hand know no lines."""
    none = np.zeros((0, campplus.WIDTH), np.float32)
    made = likeness.Lines(np.zeros(campplus.WIDTH, np.float32), none, np.array([3.0, 10.0]), np.array([0.18, 0.15]))
    monkeypatch.setattr(likeness, "lines", lambda: made)


def like(person: int, alike: float = 0.8, speech_s: float = 30.0) -> HeardVoice:
    """A voice of this likeness to a person, otherwise like nobody."""
    noise = RNG.normal(size=campplus.WIDTH)
    noise -= PEOPLE.T @ (PEOPLE @ noise)
    vector = alike * PEOPLE[person] + np.sqrt(1 - alike**2) * noise / np.linalg.norm(noise)
    return HeardVoice(vector.astype(np.float32), speech_s)


def known(person: int, name: str) -> KnownVoice:
    return KnownVoice(name, tuple(map(float, PEOPLE[person])), 60.0, 2, "0" * 64, "2026-01-31", "2026-01-31")


def named(
    heard: dict[str, HeardVoice], voices: list[KnownVoice], *names: str, rate: float = RATE
) -> tuple[Speaker, ...]:
    speakers = [Speaker(f"S{k + 1}", name) for k, name in enumerate(names or ("",) * len(heard))]
    return name_speakers(speakers, heard, voices, rate)


def test_limits_follow_seconds_between_those_measured_and_rise_with_what_is_at_stake() -> None:
    limits = [likeness.limit_of(seconds, RATE) for seconds in (1, 3, 5, 10, 300)]
    assert limits[0] == limits[1] > limits[2] > limits[3] == limits[4]
    assert likeness.limit_of(10, 1e-5) > likeness.limit_of(10, 1e-3) > likeness.limit_of(10, 1e-2)
    assert likeness.limit_of(3, 1e-10) < 1


def test_what_is_known_of_lines_is_of_the_built_in_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    data = json.loads((Path(likeness.__file__).parent / likeness.FILE).read_text(encoding="utf-8"))
    assert data["model_sha256"] == campplus.info().sha256
    known = likeness.lines()
    assert known.mean.shape == (campplus.WIDTH,)
    assert known.directions @ known.directions.T == pytest.approx(np.eye(len(known.directions)), abs=1e-3)
    assert all(0.3 < likeness.limit_of(seconds, RATE) < 0.6 for seconds in (3, 5, 10, 60))


def test_a_voice_gets_its_name_and_a_stranger_none() -> None:
    anna, ben = known(0, "Anna"), known(1, "Ben")
    first, second = named({"S1": like(1), "S2": like(5)}, [anna, ben])
    assert (first.name, first.named_by_voice) == ("Ben", True)
    assert first.voice is not None
    assert first.voice.score == pytest.approx(0.8, abs=0.01)
    assert (first.voice.known, first.voice.speech_s) == (2, 30.0)
    assert (second.name, second.named_by_voice) == ("", False)
    assert second.voice is not None
    assert second.voice.name == ""
    assert second.voice.score < second.voice.limit


def test_a_name_is_given_once_and_to_whom_it_fits_best() -> None:
    heard = {"S1": like(0, 0.7), "S2": like(0, 0.9)}
    first, second = named(heard, [known(0, "Anna")])
    assert (first.name, second.name) == ("", "Anna")


def test_of_all_ways_the_best_of_all_together_is_taken() -> None:
    """S1 is a little more like Anna than S2, who is like nobody else, while S1 is like Ben, too."""
    both = 0.7 * PEOPLE[0] + 0.68 * PEOPLE[1]
    first = HeardVoice((both / np.linalg.norm(both)).astype(np.float32), 30.0)
    one, other = named({"S1": first, "S2": like(0, 0.68)}, [known(0, "Anna"), known(1, "Ben")])
    assert (one.name, other.name) == ("Ben", "Anna")


def test_a_name_given_by_a_person_stays_and_is_nobody_elses() -> None:
    heard = {"S1": like(0), "S2": like(0)}
    first, second = named(heard, [known(0, "Anna"), known(1, "Ben")], "anna", "")
    assert (first.name, first.voice) == ("anna", None)
    assert second.name == ""
    twice = named(heard, [known(0, "Anna")], "Anna", "Anna")  # forced by a person
    assert [speaker.name for speaker in twice] == ["Anna", "Anna"]


def test_who_hardly_speaks_is_not_compared() -> None:
    (first,) = named({}, [known(0, "Anna")], "")
    assert (first.name, first.voice) == ("", None)


def test_limits_rise_with_the_number_of_known_voices() -> None:
    """The rate is that of a stranger who gets any name."""
    few, many = ([known(k % 8, f"P{k}") for k in range(count)] for count in (1, 100))
    one, hundred = (named({"S1": like(7)}, voices)[0].voice for voices in (few, many))
    assert one is not None
    assert hundred is not None
    assert hundred.limit > one.limit


def test_strangers_are_named_as_often_as_asked() -> None:
    """With likenesses as wide as the figures that limits come from."""
    drawn = np.random.default_rng(0).normal(0, 0.15, 100_000)
    assert (drawn >= likeness.limit_of(10, 0.01)).mean() == pytest.approx(0.01, abs=0.001)


def test_a_line_is_taken_out_of_a_voice() -> None:
    """Two people by telephone are alike as a line makes them, and one person on two lines is not."""
    line, mean = PEOPLE[7], np.zeros(campplus.WIDTH, np.float32)
    on_line = [unit(PEOPLE[k] + 2 * line) for k in (0, 1)]
    assert on_line[0] @ on_line[1] > 0.7 > unit(PEOPLE[0]) @ on_line[0]
    first, second, clean = likeness.without_line([*on_line, PEOPLE[0]], mean, line[None].astype(np.float32))
    assert first @ second == pytest.approx(0, abs=1e-5)
    assert first @ clean == pytest.approx(1, abs=1e-5)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def test_pseudonyms_leave_out_what_voices_say(make_conversation: Callable[..., Conversation]) -> None:
    conversation = make_conversation()
    (first, *rest) = conversation.speakers
    proposed = named({"S1": like(0)}, [known(0, "Anna")], "")[0]
    changed = replace(conversation, speakers=(replace(first, name=proposed.name, voice=proposed.voice), *rest))
    assert "Anna" not in repr(pseudonymised(changed))
    assert pseudonymised(changed).speakers[0].voice is None


def test_speech_without_others_and_without_silenced_spans() -> None:
    segments = [Segment(0, 10, "S1"), Segment(4, 5, "S2"), Segment(9, 12, "S2"), Segment(20, 30, "S1")]
    assert alone(segments, "S1") == [(0, 4), (5, 9), (20, 30)]
    assert alone(segments, "S1", [(22, 23), (29, 40)]) == [(0, 4), (5, 9), (20, 22), (23, 29)]
    assert alone(segments, "S2") == [(10, 12)]
    assert alone(segments, "S3") == []


def test_groups_of_the_same_person() -> None:
    voices = [like(0), like(1), like(0), like(2), like(0), like(1), like(3)]
    found = groups_of(voices, ["a", "a", "b", "b", "c", "c", "c"], RATE)
    assert [one.group for one in found] == [1, 2, 1, None, 1, 2, None]
    assert all(one.score is not None and one.score >= (one.limit or 0) for one in found if one.group)
    assert all(one.score is not None and one.score < (one.limit or 1) for one in found if not one.group)


def test_two_speakers_of_one_recording_are_never_one_person() -> None:
    found = groups_of([like(0), like(0), like(0)], ["a", "a", "b"], RATE)
    assert sorted(one.group or 0 for one in found[:2]) == [0, 1]
    assert found[2].group == 1


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_to_group(count: int) -> None:
    assert [one.group for one in groups_of([like(0)] * count, ["a"] * count, RATE)] == [None] * count
