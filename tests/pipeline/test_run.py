from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import SEGMENTS, noise, write_wav
from ressenti import People, analyze, load_config
from ressenti.pipeline import export, store
from ressenti.pipeline.audio import Audio, load
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.derive import derive, with_corrections
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import NoSpeechError, TooLargeError
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import (
    CLASSES,
    Conversation,
    Corrections,
    Diarization,
    EmotionScores,
    Note,
    TurnCorrection,
)
from ressenti.reports.figures.shares import seconds_by_class
from ressenti.reports.figures.style import key_of
from ressenti.reports.methods import methods_of
from ressenti.reports.tables import make_tables
from ressenti.reports.turns import turn_rows
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]


def test_the_whole_way_with_fakes(make_conversation: Make) -> None:
    conversation = make_conversation()
    assert [t.speaker for t in conversation.turns] == ["S1", "S2", "S1", "S2", "S1", "S1"]
    assert [t.unjudged for t in conversation.turns] == [None, None, None, None, "short", None]
    tops = [t.emotion.top if t.emotion else None for t in conversation.turns]
    assert tops[:4] == ["Pleased", "Tension", "Pleased", "Tension"]
    assert [t.unsure for t in conversation.turns] == [False, False, False, False, False, True]
    assert conversation.exchange is not None
    assert conversation.exchange.overlap_s == pytest.approx(1.0)
    assert [m.name for m in conversation.models] == ["fake-diarizer", "fake-emotion"]


def test_more_turns_than_can_be_stored_and_shown_are_refused_before_they_are_scored(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ressenti.pipeline.run.MOST_TURNS", 5)
    model = FakeEmotion()
    with pytest.raises(TooLargeError, match="6 turns; expected at most 5"):
        analyze(recording, diarizer=FakeDiarizer(SEGMENTS), emotion_model=model)
    assert model.heard == []


def test_overlapped_speech_is_never_heard_by_the_emotion_model(recording: Path) -> None:
    model = FakeEmotion()
    conversation = analyze(recording, diarizer=FakeDiarizer(SEGMENTS), emotion_model=model)
    overlapped = [w for t in conversation.turns for w in t.windows if w.start_s < 20 and w.end_s > 19]
    assert overlapped == []
    heard_s = sum(len(e.samples) for e in model.heard) / 16_000
    covered_s = sum(w.end_s - w.start_s for t in conversation.turns for w in t.windows)
    assert heard_s == pytest.approx(covered_s, abs=0.01)


def test_pauses_are_never_heard_by_the_emotion_model(recording: Path) -> None:
    model = FakeEmotion()
    told = FakeDiarizer([(0.5, 2.0, "S1"), (2.6, 4.0, "S1")])
    conversation = analyze(recording, diarizer=told, emotion_model=model)
    (turn,) = conversation.turns
    assert [(w.start_s, w.end_s) for w in turn.windows] == [(0.5, 4.0)]
    (heard,) = model.heard
    sound = load(recording, AudioOptions())[1]
    np.testing.assert_array_equal(heard.samples, np.concatenate([sound.cut(0.5, 2.0), sound.cut(2.6, 4.0)]))


def test_a_turn_has_one_class_wherever_it_is_told(recording: Path) -> None:
    """The highest score is not of the class where another has a lower threshold, which it reached."""
    scores = EmotionScores((0.1, 0.1, 0.6, 0.4, 0.1), "sigmoid")
    options = load_config("default", {"emotion": {"thresholds": {**dict.fromkeys(CLASSES, 0.8), "Sad": 0.3}}})
    model = FakeEmotion(lambda _: scores)
    made = analyze(recording, options, diarizer=FakeDiarizer([(0.5, 9.0, "S1")]), emotion_model=model)
    for told in (made, store.loads(store.dumps(made))):
        (turn,) = told.turns
        affect, words = told.speakers[0].affect, Wording("en")
        assert (turn.unsure, turn.emotion and turn.emotion.confidence) == (False, 0.4)
        assert affect is not None
        assert dict(zip(CLASSES, affect.class_shares, strict=True))["Sad"] == pytest.approx(1)
        (row,) = turn_rows(told, words)
        assert (row.key, row.emotion, row.score, row.confidence) == ("Sad", "Sad", words.percent(0.4), 0.4)
        assert row.model_class == f"Sad {words.percent(0.4)}"
        assert key_of(turn) == "Sad"
        told_row = make_tables(told, words)["timeline"]["rows"][0]
        assert (told_row[3], told_row[5]) == ("Sad", 0.4)
        assert sum(part[CLASSES.index("Sad")] for part in seconds_by_class(told)[1]["S1"]) == pytest.approx(8.5)
        frame = store.turns_frame(told)
        assert (frame["class"][0], frame["confidence"][0]) == ("Sad", 0.4)
        for text in (export.textgrid(told), export.quotes_md(told)):
            assert ("Sad" in text, "Neutral" in text) == (True, False)
        assert '"Class": "Sad"' in export.aws(told)
    heard = with_corrections(made, Corrections(turns=(TurnCorrection(0, None, "Tension"),)))
    assert heard.turns[0].emotion is not None
    assert heard.turns[0].emotion.top == "Tension"
    answer = heard.turns[0].model_answer
    assert (answer and answer.top, turn_rows(heard, Wording("en"))[0].model_class[:3]) == ("Sad", "Sad")
    assert with_corrections(heard, Corrections()).turns == made.turns


def test_a_wholly_overlapped_turn_says_so(recording: Path) -> None:
    diarizer = FakeDiarizer([(0, 10, "S1"), (3, 5, "S2")])
    conversation = analyze(recording, diarizer=diarizer, emotion_model=FakeEmotion())
    assert conversation.turns[1].unjudged == "overlap"


def test_restricted_speakers_never_reach_the_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    on = (np.arange(160_000) // 16_000) % 2 == 0
    channels = np.stack([np.where(on, 1, 0.001), np.where(on, 0.001, 1)]) * rng.normal(0, 0.1, (2, 160_000))
    path = write_wav(tmp_path / "call.wav", channels)
    model = FakeEmotion()
    diarizer = FakeDiarizer([(0, 1, "S1"), (1, 2, "S2"), (2, 3, "S1")])
    conversation = analyze(path, load_config("call-center"), diarizer=diarizer, emotion_model=model)
    assert {e.speaker for e in model.heard} == {"S2"}
    assert [t.unjudged for t in conversation.turns] == ["restricted", None, "restricted"]
    assert conversation.speaker("S1").affect is None
    assert conversation.speaker("S1").talk is not None
    assert conversation.speaker("S1").talk.talk_s == 2


class SharedChannel(FakeDiarizer):
    """A further voice, S3, on the first channel."""

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        found = super().diarize(audio, count, progress)
        notes = (Note("channel_voices", {"channel": 1, "voices": 2}),)
        return replace(found, channels=(("S1", 1), ("S2", 2), ("S3", 1)), notes=notes)


def test_a_further_voice_is_heard_on_its_channel_and_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = (np.arange(160_000) // 16_000) % 2 == 0
    path = write_wav(
        tmp_path / "call.wav", np.where(np.stack([first, ~first]), 1, 0.001) * rng.normal(0, 0.1, (2, 160_000))
    )
    diarizer = SharedChannel([(0, 1, "S1"), (1, 2, "S2"), (2, 3, "S1"), (4, 5, "S3")])
    model = FakeEmotion()
    made = analyze(path, diarizer=diarizer, emotion_model=model)
    assert [s.label for s in made.speakers] == ["S1", "S2", "S3"]
    sound = load(path, AudioOptions())[1]
    heard = {e.speaker: e.samples for e in model.heard if e.speaker != "S1"}
    np.testing.assert_array_equal(heard["S2"], sound.cut(1, 2, 1))
    np.testing.assert_array_equal(heard["S3"], sound.cut(4, 5, 0))
    assert min(turn.loudness_dbfs or -99 for turn in made.turns) > -30
    again = store.loads(store.dumps(made))
    assert [again.diarization.channel_of(s.label) for s in again.speakers] == [1, 2, 1]
    (channels,) = [fact for fact in methods_of(again, Wording("en")).provenance if fact.name == "Channels"]
    assert channels.remark == "Channel 1 holds 2 voices: told apart by sound, not by channel."
    call = analyze(path, load_config("call-center"), diarizer=diarizer, emotion_model=FakeEmotion())
    assert [t.unjudged for t in call.turns] == ["restricted", None, "restricted", "restricted"]
    assert [s.affect is None for s in call.speakers] == [True, False, True]


def test_speakers_of_older_conversations_have_the_channel_of_their_number() -> None:
    found = Diarization((), "channels", "high", (), hears_overlap=True)
    assert [found.channel_of(label) for label in ("S1", "S2", "S12", "somebody")] == [1, 2, 12, 1]


def test_no_model_is_loaded_when_nobody_may_be_scored(make_conversation: Make) -> None:
    conversation = make_conversation("recruitment")
    assert [m.task for m in conversation.models] == ["diarization"]
    assert conversation.trajectories == ()


def test_a_reason_is_kept(make_conversation: Make) -> None:
    conversation = make_conversation("recruitment", people=People(allow_restricted="consented study"))
    assert conversation.allow_restricted == "consented study"
    assert len(conversation.trajectories) == 2


def test_the_count_asked_for_reaches_the_diarizer(recording: Path) -> None:
    diarizer = FakeDiarizer(SEGMENTS)
    config = load_config("default", {"diarization": {"speakers": 2, "min_speakers": 1, "max_speakers": 4}})
    analyze(recording, config, diarizer=diarizer, emotion_model=FakeEmotion())
    assert diarizer.asked == [Count(2, 1, 4)]


def test_no_speech_is_an_error(recording: Path) -> None:
    with pytest.raises(NoSpeechError, match="no speech found"):
        analyze(recording, diarizer=FakeDiarizer([]), emotion_model=FakeEmotion())


def test_noise_has_no_speech(tmp_path: Path) -> None:
    with pytest.raises(NoSpeechError):
        analyze(write_wav(tmp_path / "noise.wav", noise(5, 0.02)))


def test_progress_names_the_stages(recording: Path) -> None:
    last: dict[str, tuple[float, float | None]] = {}
    analyze(
        recording,
        diarizer=FakeDiarizer(SEGMENTS),
        emotion_model=FakeEmotion(),
        progress=lambda stage, completed, total: last.update({stage: (completed, total)}),
    )
    assert list(last) == ["audio", "sounds", "speech", "emotion"]
    assert all(completed == total for completed, total in last.values())


def test_deriving_again_changes_nothing_and_follows_a_change(make_conversation: Make) -> None:
    conversation = make_conversation()
    config = load_config()
    assert derive(conversation, config) == conversation
    moved = load_config("default", {"affect": {"anchors": {**config.affect.anchors, "Pleased": (0.1, 0.0)}}})
    before, after = conversation.speaker("S1").affect, derive(conversation, moved).speaker("S1").affect
    assert before is not None
    assert after is not None
    assert after.valence.mean < before.valence.mean


def test_the_original_is_unchanged(make_conversation: Make) -> None:
    conversation = make_conversation()
    before = store.dumps(conversation)
    changed = derive(conversation, load_config("default", {"trajectory": {"smoothing_s": 1.0}}))
    assert store.dumps(conversation) == before
    assert store.dumps(changed) != before


def test_one_line_of_python(sample: tuple[Path, Path]) -> None:
    conversation = analyze(sample[0], load_config("default", {"diarization": {"speakers": 2}}))
    assert [s.label for s in conversation.speakers] == ["S1", "S2"]
    assert all(0.3 < s.talk.share < 0.7 for s in conversation.speakers if s.talk)
    assert any(t.emotion for t in conversation.turns)
    assert [m.name for m in conversation.models][-1] == "ressenti-builtin-emotion"


class ExclusiveDiarizer(FakeDiarizer):
    """Hears the segments of SEGMENTS, and gives the overlap of S1 and S2 to S1 alone."""

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        found = super().diarize(audio, count, progress)
        exclusive = tuple(replace(s, start_s=20.0) if s.start_s == 19.0 else s for s in found.segments)
        return replace(found, exclusive=exclusive)


def test_exclusive_speech_cuts_the_turns_and_the_rest_is_still_told(recording: Path, make_conversation: Make) -> None:
    with_overlap = make_conversation()
    conversation = analyze(recording, diarizer=ExclusiveDiarizer(SEGMENTS), emotion_model=FakeEmotion())
    assert [t.start_s for t in conversation.turns] == [0.5, 5.0, 9.5, 20.0, 24.2, 26.0]
    assert [t.overlap_s for t in conversation.turns] == [0, 0, 1.0, 0, 0, 0]
    assert conversation.exchange == with_overlap.exchange
    assert conversation.exchange is not None
    assert [i.by for i in conversation.exchange.interruptions] == ["S2"]
    for ours, theirs in zip(conversation.speakers, with_overlap.speakers, strict=True):
        assert ours.talk is not None
        assert theirs.talk is not None
        assert replace(ours.talk, loudness_dbfs=None) == replace(theirs.talk, loudness_dbfs=None)
        assert ours.talk.loudness_dbfs == pytest.approx(theirs.talk.loudness_dbfs, abs=0.5)
    assert store.loads(store.dumps(conversation)).diarization.exclusive == conversation.diarization.exclusive
