"""Sounds that are no talk: what is heard, what is silenced meanwhile, and which voices are announcements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import SEGMENTS, by_loudness
from ressenti import load_config
from ressenti.pipeline import store
from ressenti.pipeline.audio import RATE_HZ, Audio
from ressenti.pipeline.config import Config, SoundOptions, left_out
from ressenti.pipeline.derive import derive, with_corrections
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import ConfigError, CorrectionsError
from ressenti.pipeline.models import campplus, yamnet
from ressenti.pipeline.records import Conversation, Corrections, Sound, SpeakerKind
from ressenti.pipeline.run import analyze
from ressenti.pipeline.sounds import Announcement, silenced
from ressenti.pipeline.sounds import announcements as rules
from ressenti.pipeline.sounds.builtin import BuiltinSounds
from ressenti.pipeline.sounds.events import indices_of, played_in, runs, span_of, vocal_in
from ressenti.pipeline.sounds.fake import FakeSounds

ANNOUNCED = Announcement(0.0, 4.2, 0.9)
MUSIC = Sound("music", 4.3, 4.9, 0.8)


def heard_by(
    recording: Path, *sounds: Sound, announcements: tuple[Announcement, ...] = (ANNOUNCED,), preset: str = "default"
) -> Conversation:
    return analyze(
        recording,
        load_config(preset),
        diarizer=FakeDiarizer(SEGMENTS),
        emotion_model=FakeEmotion(by_loudness),
        sound_detector=FakeSounds(sounds, announcements),
    )


def ringing(seconds: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A ring-back tone: 440 and 480 Hz."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (3000 * (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 480 * t))).astype(np.int16)


def probabilities(count: int, **kinds: tuple[range, float]) -> np.ndarray[Any, np.dtype[np.float32]]:
    out = np.zeros((count, yamnet.CLASSES), np.float32)
    for kind, (places, value) in kinds.items():
        out[list(places), indices_of(kind)[0]] = value
    return out


def test_the_classes_are_audiosets_and_silence_is_heard_as_silence() -> None:
    names = yamnet.class_names()
    assert (len(names), names[0], names[132], names[-1]) == (521, "Speech", "Music", "Field recording")
    found = yamnet.probabilities(np.zeros(2 * RATE_HZ, np.int16))
    assert found.shape == (5, 521)
    assert names[int(found[0].argmax())] == "Silence"
    assert yamnet.probabilities(np.zeros(0, np.int16)).shape == (0, 521)


def test_a_patch_says_the_same_wherever_it_lies_in_a_batch() -> None:
    sound = np.random.default_rng(1).integers(-3000, 3000, 70 * 48 * 160, dtype=np.int16)
    whole = yamnet.probabilities(sound)
    part = yamnet.probabilities(sound[66 * 48 * 160 :])
    np.testing.assert_allclose(whole[66:68], part[:2], atol=1e-4)


def test_a_ringing_tone_is_a_tone_and_no_announcement() -> None:
    sound = np.concatenate([np.zeros(RATE_HZ, np.int16), ringing(2), np.zeros(2 * RATE_HZ, np.int16)])
    heard = BuiltinSounds(SoundOptions()).listen(Audio(sound[None]))
    assert {s.kind for s in heard.sounds} == {"tone"}
    assert heard.sounds[0].start_s == pytest.approx(1.0, abs=0.5)
    assert heard.sounds[-1].end_s == pytest.approx(3.0, abs=0.75)
    assert heard.announcements == ()
    assert BuiltinSounds(SoundOptions(detect=False)).listen(Audio(sound[None])).sounds == ()


def test_music_is_joined_across_silence_and_never_where_somebody_speaks() -> None:
    options = SoundOptions()
    found = probabilities(20, music=(range(5), 0.9))
    found[8:14, indices_of("music")[0]] = 0.9
    (one,) = played_in(found, 10.0, options)
    assert (one.kind, one.start_s, one.end_s) == ("music", 0.0, span_of(8, 14, 10.0)[1])
    found[6, indices_of("speech")[0]] = 0.9
    assert len(played_in(found, 10.0, options)) == 2
    found[:, indices_of("speech")[0]] = 0.9
    assert played_in(found, 10.0, options) == ()


def test_a_voice_makes_one_sound_at_a_time_the_likeliest() -> None:
    found = probabilities(10, laughter=(range(3, 5), 0.6), cough=(range(3, 5), 0.2))
    (laugh,) = vocal_in(found, 5.0, SoundOptions())
    assert (laugh.kind, laugh.confidence) == ("laughter", 0.6)
    assert vocal_in(probabilities(10, laughter=(range(3, 5), 0.05)), 5.0, SoundOptions()) == ()
    assert runs([False, True, True, False, True]) == [(1, 3), (4, 5)]


def test_what_is_silenced_comes_back_even_after_an_error() -> None:
    audio = Audio(np.full((2, RATE_HZ), 7, np.int16))

    def fail() -> None:
        with silenced(audio, {2: [(0.25, 0.5), (0.4, 0.6)]}):
            assert (audio.samples[0] == 7).all()
            assert not audio.samples[1, 4000:9600].any()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (audio.samples == 7).all()


def voices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embeddings by the first sample of a piece: each value is a voice."""

    def embedded(cuts: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.eye(64, dtype=np.float32)[[int(cut[len(cut) // 2]) for cut in cuts]]

    monkeypatch.setattr(campplus, "embed_samples", embedded)
    monkeypatch.setattr(campplus, "in_space", lambda vectors: vectors)


def call(*parts: tuple[float, float, int]) -> tuple[np.ndarray[Any, np.dtype[np.int16]], list[tuple[float, float]]]:
    """Samples in which each span (start, end, voice) holds the number of its voice, and the spans of speech."""
    samples = np.zeros(100 * RATE_HZ, np.int16)
    for start, end, voice in parts:
        samples[round(start * RATE_HZ) : round(end * RATE_HZ)] = voice
    return samples, [(start, end) for start, end, _ in parts]


TALK = tuple((float(t), t + 3.8, 1 + (t // 4) % 2) for t in range(40, 96, 4))  # two who take turns


def test_a_voice_before_music_that_nobody_answers_is_an_announcement(monkeypatch: pytest.MonkeyPatch) -> None:
    voices(monkeypatch)
    samples, speech = call((1, 9, 5), *TALK)
    (found,) = rules.announced(samples, speech, [(10.0, 38.0)], [], SoundOptions())
    assert (found.start_s, found.end_s, found.channel) == (1, 9, 1)
    assert found.confidence == 1.0


@pytest.mark.parametrize(
    ("first", "played", "others"),
    [
        pytest.param((1, 9, 1), [(10.0, 38.0)], [], id="who speaks later too is a person"),
        pytest.param((1, 9, 5), [], [], id="nothing is played"),
        pytest.param((1, 9, 5), [(10.0, 38.0)], [(2.0, 8.0)], id="somebody on the other channel answers"),
        pytest.param((8, 9, 5), [(10.0, 38.0)], [], id="a word is too little"),
    ],
)
def test_people_are_no_announcements(
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[float, float, int],
    played: list[tuple[float, float]],
    others: list[tuple[float, float]],
) -> None:
    voices(monkeypatch)
    samples, speech = call(first, *TALK)
    assert rules.announced(samples, speech, played, others, SoundOptions()) == ()


def test_two_who_take_turns_before_music_are_no_announcement(monkeypatch: pytest.MonkeyPatch) -> None:
    voices(monkeypatch)
    samples, speech = call((1, 4, 5), (4, 7, 6), (7, 9, 5), (9, 9.5, 6), *TALK)
    assert rules.announced(samples, speech, [(10.0, 38.0)], [], SoundOptions()) == ()


def test_an_announcement_runs_into_the_talk(monkeypatch: pytest.MonkeyPatch) -> None:
    voices(monkeypatch)
    samples, speech = call((32, 39.9, 5), *TALK)
    (found,) = rules.announced(samples, speech, [(10.0, 31.5)], [], SoundOptions())
    assert (found.start_s, found.end_s) == (32.0, 39.9)


def test_an_announcement_is_a_party_of_its_own_and_in_no_figure(recording: Path) -> None:
    made = heard_by(recording, MUSIC)
    assert [(s.label, s.kind, s.not_scored) for s in made.speakers] == [
        ("S1", "person", None),
        ("S2", "person", None),
        ("A1", "announcement", "announcement"),
    ]
    assert (made.speaker("A1").talk, made.speaker("A1").affect, made.speaker("A1").announced) == (None, None, 0.9)
    assert [s.label for s in made.people] == ["S1", "S2"]
    first = made.turns[0]
    assert (first.speaker, first.unjudged, first.emotion) == ("A1", "announcement", None)
    assert all(
        t.speaker != "S1" for t in made.turns if t.start_s < 4.2
    )  # what S1 was given there is the announcement's
    assert made.exchange is not None
    assert made.exchange.speech_s == pytest.approx(21.9, abs=0.01)
    (hold,) = made.exchange.holds
    assert (hold.start_s, hold.end_s) == (0.0, 4.9)
    assert made.speaker("S1").talk is not None
    assert made.speaker("S1").talk.share + made.speaker("S2").talk.share == pytest.approx(1)  # type: ignore[union-attr]
    assert store.dumps(store.loads(store.dumps(made))) == store.dumps(made)
    assert derive(made, load_config()) == made


def test_roles_are_guessed_from_what_follows_an_announcement(recording: Path) -> None:
    made = heard_by(recording, preset="call-center")
    assert [s.role for s in made.speakers] == ["agent", "client", None]


def test_one_correction_makes_it_a_person_and_another_makes_a_person_an_announcement(recording: Path) -> None:
    made = heard_by(recording, MUSIC, preset="call-center")
    person = with_corrections(made, Corrections(kinds=(SpeakerKind("A1", "person"),)))
    assert [s.label for s in person.people] == ["S1", "S2", "A1"]
    assert person.speaker("A1").talk is not None
    assert person.speaker("A1").talk.talk_s == pytest.approx(4.2)  # type: ignore[union-attr]
    assert person.speaker("A1").not_scored == "unconfirmed"
    assert with_corrections(person, Corrections()) == made
    other = with_corrections(made, Corrections(kinds=(SpeakerKind("S1", "announcement"),)))
    assert [(s.label, s.kind, s.role) for s in other.speakers] == [
        ("S1", "announcement", None),
        ("S2", "person", "agent"),
        ("A1", "announcement", None),
    ]
    assert other.speaker("S1").talk is None
    assert other.exchange is not None
    assert other.exchange.speech_s == pytest.approx(9.0)
    assert store.dumps(store.loads(store.dumps(other))) == store.dumps(other)
    assert with_corrections(other, Corrections()) == made


def test_nobody_doubts_which_person_speaks_in_an_announcement(recording: Path) -> None:
    made = heard_by(recording, announcements=(replace(ANNOUNCED, confidence=0.55),))
    assert made.turns[0].speaker_confidence == 0.55
    assert not made.turns[0].speaker_unsure
    person = with_corrections(made, Corrections(kinds=(SpeakerKind("A1", "person"),)))
    assert (person.turns[0].speaker, person.turns[0].speaker_unsure) == ("A1", False)


def test_a_person_who_is_called_an_announcement_keeps_scores_for_the_way_back(recording: Path) -> None:
    made = heard_by(recording, announcements=())
    assert made.speaker("S2").affect is not None
    other = with_corrections(made, Corrections(kinds=(SpeakerKind("S2", "announcement"),)))
    assert other.speaker("S2").affect is None
    assert all(t.emotion is None for t in other.turns if t.speaker == "S2")
    assert {line.speaker for line in other.trajectories} == {"S1"}
    assert with_corrections(other, Corrections()) == made


def test_a_kind_of_somebody_who_is_not_there_is_an_error(recording: Path) -> None:
    made = heard_by(recording, announcements=())
    with pytest.raises(CorrectionsError, match="'Nobody' is called person"):
        with_corrections(made, Corrections(kinds=(SpeakerKind("Nobody", "person"),)))
    with pytest.raises(ValueError, match="several for S1"):
        Corrections(kinds=(SpeakerKind("S1", "person"), SpeakerKind("S1", "announcement")))


def test_laughing_is_marked_offered_and_not_judged_as_speech(recording: Path) -> None:
    model = FakeEmotion()
    laugh = Sound("laughter", 5.0, 7.0, 0.7)
    made = analyze(
        recording,
        diarizer=FakeDiarizer(SEGMENTS),
        emotion_model=model,
        sound_detector=FakeSounds([laugh, Sound("cough", 25.0, 25.4, 0.6)]),
    )
    assert [(s.kind, s.speaker) for s in made.sounds] == [("laughter", "S2"), ("cough", "S1")]
    (moment,) = [m for m in made.moments if m.kind == "laughter"]
    assert (moment.speaker, moment.values) == ("S2", {"confidence": 0.7})
    turn = next(t for t in made.turns if t.start_s == 5.0)
    assert sum(w.weight_s for w in turn.windows) == pytest.approx(2.0)
    assert any(len(e.samples) == 2 * RATE_HZ and e.speaker == "S2" for e in model.heard)


def test_a_turn_that_is_all_laughing_is_not_judged(recording: Path) -> None:
    made = heard_by(recording, Sound("laughter", 4.9, 9.1, 0.7), announcements=())
    assert next(t for t in made.turns if t.start_s == 5.0).unjudged == "sound"


def test_laughing_obeys_the_gate_of_roles(recording: Path) -> None:
    sounds = [Sound("laughter", 5.0, 7.0, 0.7), Sound("cough", 1.0, 1.4, 0.7), Sound("crying", 12.0, 13.0, 0.7)]
    made = heard_by(recording, *sounds, announcements=(), preset="call-center")
    assert [s.kind for s in made.sounds] == ["cough"]
    assert not [m for m in made.moments if m.kind in ("laughter", "crying")]


def test_what_the_user_leaves_out_is_silent_and_no_silence(recording: Path) -> None:
    config = load_config("default", {"audio": {"start_s": 2.0, "end_s": 28.0, "ignore": [[10, 12]]}})
    seen: list[np.ndarray[Any, Any]] = []

    class Listening(FakeDiarizer):
        def diarize(self, audio: Audio, *rest: Any) -> Any:
            seen.append(audio.samples.copy())
            return super().diarize(audio, *rest)

    analyze(recording, config, diarizer=Listening(SEGMENTS), emotion_model=FakeEmotion(), sound_detector=FakeSounds())
    silent = ~seen[0][0].reshape(-1, RATE_HZ).any(axis=1)
    assert np.flatnonzero(silent).tolist() == [0, 1, 10, 11, 28, 29]
    assert left_out(30, config.audio) == ((0.0, 2.0), (10.0, 12.0), (28.0, 30))
    everything = load_config("default", {"audio": {"start_s": 100.0}})
    with pytest.raises(ConfigError, match="leave nothing"):
        analyze(recording, everything, diarizer=FakeDiarizer(SEGMENTS), sound_detector=FakeSounds())
    with pytest.raises(ConfigError, match="not after start_s"):
        load_config("default", {"audio": {"start_s": 9.0, "end_s": 3.0}})
    with pytest.raises(ConfigError, match="END after START"):
        load_config("default", {"audio": {"ignore": [[9, 3]]}})


def test_older_options_do_not_say_whether_sounds_were_looked_for(make_conversation: Any) -> None:
    made = make_conversation()
    older = {key: value for key, value in made.config.items() if key != "sounds"}
    assert store.loads(store.dumps(replace(made, config=older))).config["sounds"] == Config().model_dump()["sounds"]
