"""Known voices from adding to forgetting, with a voice encoder that hears who is meant from the level of the sound."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import ressenti
from conftest import noise, write_wav
from ressenti import People, analyze, load_config
from ressenti.pipeline import store
from ressenti.pipeline.config import Config
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.diarization import builtin
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import ConfigError, NotFoundError, TooShortError, VoicesError, WrongRecordingError
from ressenti.pipeline.models import campplus
from ressenti.pipeline.records import Conversation, Corrections, Diarization, SpeakerName
from ressenti.pipeline.voices import known, likeness
from ressenti.pipeline.voices.known import KnownVoice
from ressenti.reports import report_html

ANNA, BEN = 0, 1
SEGMENTS = [(0.0, 12.0, "S1"), (12.0, 24.0, "S2"), (24.0, 30.0, "S1")]


def embedded(features: Sequence[np.ndarray]) -> np.ndarray:
    """Loud sound is Anna, soft sound is Ben."""
    out = np.zeros((len(features), campplus.WIDTH), np.float32)
    for row, rows in zip(out, features, strict=True):
        row[ANNA if rows.mean() > -9 else BEN] = 1
    return out


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESSENTI_VOICES", str(tmp_path / "voices"))
    monkeypatch.setattr(campplus, "embed", embedded)
    none = np.zeros((0, campplus.WIDTH), np.float32)
    lines = likeness.Lines(np.zeros(campplus.WIDTH, np.float32), none, np.array([3.0]), np.array([0.15]))
    monkeypatch.setattr(likeness, "lines", lambda: lines)
    return tmp_path / "voices"


def two_voices(path: Path, seed: int = 0) -> Path:
    """A call in which S1 is loud and S2 soft."""
    sound = noise(30, seed=seed)
    sound[12 * 16_000 : 24 * 16_000] *= 0.01
    return write_wav(path, sound)


@pytest.fixture
def call(tmp_path: Path) -> Path:
    (tmp_path / "calls").mkdir()
    return two_voices(tmp_path / "calls" / "call.wav")


def analysed(path: Path, *names: str, voices: bool = True) -> Conversation:
    config = load_config("default", {"voices": {"use": voices}})
    people = People(names=names)
    return analyze(path, config, people, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion())


def stored(path: Path, conversation: Conversation) -> Path:
    made = path.with_suffix(".json")
    made.write_text(store.dumps(conversation), encoding="utf-8")
    return made


@pytest.fixture
def heard_anna(call: Path) -> Path:
    """Anna is known from a first call; its JSON."""
    made = stored(call, analysed(call, voices=False))
    done = ressenti("voices", "add", "Anna", made, "--speaker", "S1")
    assert done.returncode == 0, done.stderr
    assert "art. 9" in done.stdout
    return made


def test_a_speaker_of_a_stored_conversation_is_heard_again_and_known(heard_anna: Path, tmp_path: Path) -> None:
    (voice,) = known.known_voices()
    assert (voice.name, round(voice.speech_s), voice.recordings) == ("Anna", 18, 1)
    assert voice.embedding[ANNA] == 1
    found = analysed(two_voices(tmp_path / "other.wav", seed=1))
    anna, other = found.speakers
    assert (anna.name, anna.named_by_voice, other.name, other.named_by_voice) == ("Anna", True, "", False)
    assert campplus.info() in found.models
    again = store.loads(store.dumps(found))
    assert [speaker.voice for speaker in again.speakers] == [speaker.voice for speaker in found.speakers]
    data = json.loads(store.dumps(found))
    assert data["speakers"][0]["voice"] == {"name": "Anna", "score": 1.0, "limit": anna.voice.limit, "speech_s": 18.0, "known": 1}  # type: ignore[union-attr]  # fmt: skip
    for lang, sentence in (("en", "proposal by voice"), ("fr", "proposé d’après la voix")):
        page = report_html(found, lang=lang)  # type: ignore[arg-type]
        assert sentence in page
        assert "2016/679" in page


def test_embeddings_are_in_no_result(call: Path, heard_anna: Path) -> None:
    with_embeddings = analysed(call)
    found = Diarization(
        with_embeddings.diarization.segments,
        "estimated",
        "high",
        (),
        hears_overlap=True,
        embeddings=(("S1", (0.6, 0.8)),),
    )
    text = store.dumps(Conversation(**(vars(with_embeddings) | {"diarization": found})))
    assert "embeddings" not in json.loads(text)["diarization"]
    earlier = json.loads(text)
    earlier["diarization"]["embeddings"] = [["S1", [0.6, 0.8]]]
    assert store.loads(json.dumps(earlier)).diarization.embeddings == ()


def test_off_by_default_and_with_pseudonyms(heard_anna: Path, call: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Config().voices.use
    asked: list[bool] = []
    monkeypatch.setattr(
        "ressenti.pipeline.run.analyze", lambda _, config, *args, **more: asked.append(config.voices.use)
    )
    for options in ((), ("--voices",), ("--voices", "--pseudonyms")):
        ressenti("analyze", call, "--overwrite", *options)
    assert asked == [False, True, False]
    assert all(speaker.voice is None for speaker in analysed(call, voices=False).speakers)


def test_names_by_hand_win_over_voices(heard_anna: Path, call: Path) -> None:
    found = analysed(call, "Berta", "Ben")
    assert [(s.name, s.voice) for s in found.speakers] == [("Berta", None), ("Ben", None)]
    corrected = with_corrections(analysed(call), Corrections(names=(SpeakerName("S1", "Berta"),)))
    first = corrected.speakers[0]
    assert (first.name, first.original_name, first.named_by_voice) == ("Berta", "Anna", False)
    assert "proposal by voice" not in report_html(corrected)


def test_forgetting_says_where_conversations_hold_the_name(heard_anna: Path, call: Path, tmp_path: Path) -> None:
    by_voice = stored(call, analysed(call))
    by_voice.with_suffix(".turns.csv").write_text("", encoding="utf-8")
    inside = tmp_path / "calls" / "inside"
    inside.mkdir()
    by_hand = stored(inside / "x.wav", analysed(call, "Anna", "Ben", voices=False))
    (tmp_path / "calls" / "list.json").write_text("[]", encoding="utf-8")
    done = ressenti("voices", "forget", "Anna", tmp_path / "calls")
    assert done.returncode == 0, done.stderr
    lines = {line.split(":")[0].strip(): line for line in done.stdout.splitlines()}
    assert "S1 has the name, given by voice; probably also in call.turns.csv" in lines[str(by_voice)]
    assert "S1 has the name, given by a person" in lines[str(by_hand)]
    assert "list.json" not in done.stdout
    assert known.known_voices() == ()
    with pytest.raises(ConfigError, match="no known voices"):
        analysed(call)


def test_another_encoder_stops_an_analysis_before_it_begins(call: Path) -> None:
    vector = (1.0, *(0.0,) * (campplus.WIDTH - 1))
    known.change(lambda _: [KnownVoice("Anna", vector, 30.0, 1, "0" * 64, "2026-01-31", "2026-01-31")])
    with pytest.raises(VoicesError, match="another encoder: Anna"):
        analysed(call)


@pytest.fixture
def fake_diarizer(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the built-in diarizer finds in a recording to add."""
    found: list[Any] = [(0.0, 10.0, "S1")]

    class Found(FakeDiarizer):
        def __init__(self, _: object) -> None:
            super().__init__(found)

    monkeypatch.setattr(builtin, "BuiltinDiarizer", Found)
    return found


def test_a_recording_of_one_person_is_added_and_more_speech_too(
    tmp_path: Path, fake_diarizer: list[Any], folder: Path
) -> None:
    loud = write_wav(tmp_path / "loud.wav", noise(20))
    soft = write_wav(tmp_path / "soft.wav", noise(20) * 0.01)
    assert ressenti("voices", "add", "Anna", loud).returncode == 0
    assert ressenti("voices", "add", "anna", loud, "--from-s", "2", "--to-s", "16").returncode == 0
    (voice,) = known.known_voices()
    assert (voice.name, voice.recordings, voice.speech_s) == ("Anna", 2, 20.0)
    done = ressenti("voices", "add", "Anna", soft)
    assert done.returncode == ConfigError.exit_code
    assert "does not sound like the Anna that is known" in done.stderr
    assert ressenti("voices", "add", "Anna", soft, "--anyway").returncode == 0
    assert known.known_voices()[0].recordings == 3
    assert not [path for path in folder.iterdir() if path.suffix in {".wav", ".mp3", ".npy"}]


def test_what_cannot_be_one_voice_is_refused(
    tmp_path: Path, fake_diarizer: list[Any], heard_anna: Path, call: Path
) -> None:
    loud = write_wav(tmp_path / "loud.wav", noise(20))
    fake_diarizer[:] = [(0.0, 8.0, "S1"), (9.0, 15.0, "S2")]
    several = ressenti("voices", "add", "Ben", loud)
    assert (several.returncode, "2 people seem to speak" in several.stderr) == (ConfigError.exit_code, True)
    fake_diarizer[:] = [(0.0, 2.0, "S1")]
    assert ressenti("voices", "add", "Ben", loud).returncode == TooShortError.exit_code
    wrong = (
        (("--from-s", "30", "--to-s", "5"), loud),
        (("--speaker", "S1"), loud),
        ((), heard_anna),
        (("--speaker", "S9"), heard_anna),
        (("--speaker", "S1", "--from-s", "2"), heard_anna),
        (("--recording", call), loud),
    )
    for options, file in wrong:
        assert ressenti("voices", "add", "Ben", file, *options).returncode == ConfigError.exit_code
    assert ressenti("voices", "add", "a\nb", loud).returncode == ConfigError.exit_code
    two_voices(call, seed=5)  # another recording of the same name
    other = ressenti("voices", "add", "Ben", heard_anna, "--speaker", "S2")
    assert other.returncode == WrongRecordingError.exit_code
    call.unlink()
    gone = ressenti("voices", "add", "Ben", heard_anna, "--speaker", "S2")
    assert (gone.returncode, "--recording" in gone.stderr) == (NotFoundError.exit_code, True)
    assert [voice.name for voice in known.known_voices()] == ["Anna"]


def test_speakers_of_several_conversations_are_proposed_as_one_person(tmp_path: Path, folder: Path) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()
    for k, names in enumerate(((), ("Chef", ""), ())):
        path = two_voices(calls / f"=call{k}.wav", seed=k)
        stored(path, analysed(path, *(f"S1={name}" for name in names if name), voices=False))
    shutil.copyfile(calls / "=call2.json", tmp_path / "kept.json")
    done = ressenti("voices", "same", calls)
    assert done.returncode == 0, done.stderr
    with (calls / "same-voices.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["group"], row["conversation"], row["speaker"]) for row in rows] == [
        ("1", "'=call0.json", "S2"),
        ("1", "'=call1.json", "S2"),
        ("1", "'=call2.json", "S2"),
        ("2", "'=call0.json", "S1"),
        ("2", "'=call2.json", "S1"),
    ]
    assert {row["name"] for row in rows} == {""}
    assert float(rows[0]["score"]) == 1
    assert (calls / "=call2.json").read_bytes() == (tmp_path / "kept.json").read_bytes()
    assert not folder.exists()  # a proposal stores no voice
    assert ressenti("voices", "same", calls).returncode != 0  # the table is there, perhaps filled in
    (calls / "=call1.wav").unlink()
    part = ressenti("voices", "same", calls, "--overwrite")
    assert part.returncode == NotFoundError.exit_code
    assert "call1" not in (calls / "same-voices.csv").read_text(encoding="utf-8")
