"""How many words are wrong: normalised, counted, by speaker, in time; and words that nobody said."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commands import ressenti
from conftest import SEGMENTS, by_loudness, noise, write_wav
from ressenti import analyze, load_config
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.lab.evaluation.word_agreement import Agreed, SeveralWays, agreement
from ressenti.pipeline.lab.evaluation.word_agreement import total as sum_of
from ressenti.pipeline.lab.evaluation.words import (
    Cost,
    Errors,
    TimedTranscriber,
    by_speakers,
    compared,
    errors_of,
    invented,
    normalised,
    total,
)
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.records import Segment
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcription.fake import FakeTranscriber

COST = Cost(30.0, 1.0, 2.0, 100.0)


def test_case_punctuation_and_remarks_do_not_count() -> None:
    assert normalised("Hello?  (laughs) I DIDN’T know — [noise] ‘OK’, 3.5 %!", "en") == [
        "hello",
        "i",
        "didn't",
        "know",
        "ok",
        "3",
        "5",
    ]
    assert normalised("L’eau, aujourd'hui : d'accord !", "fr") == ["l'", "eau", "aujourd'", "hui", "d'", "accord"]


def test_errors_are_counted_by_kind() -> None:
    found = errors_of(["so", "what", "can", "i", "say"], ["well", "so", "what", "could", "say", "say"])
    assert (found.words, found.count) == (5, found.substitutions + found.deletions + found.insertions)
    assert (found.substitutions + found.deletions, found.insertions) == (2, 1)
    assert found.rate == pytest.approx(0.6)
    assert found.letter_rate
    assert errors_of([], ["invented", "words"]) == Errors(0, 0, 0, 2, 0, 14)
    assert errors_of([], []).rate is None
    assert errors_of(["gone"], []) == Errors(1, 0, 1, 0, 4, 4)
    assert total([found, errors_of(["gone"], [])]).words == 6


def test_speakers_are_paired_so_that_errors_are_fewest() -> None:
    reference = {"Anna": ["one", "two", "three", "four"], "Ben": ["five", "six"]}
    found = {"S1": ["five", "six"], "S2": ["one", "two", "tree", "four"], "S3": ["seven"]}
    pairs = {theirs: (ours, errors.count) for theirs, ours, errors in by_speakers(reference, found)}
    assert pairs == {"Anna": ("S2", 1), "Ben": ("S1", 0), None: ("S3", 1)}


def test_words_without_a_speaker_count_once() -> None:
    nameless = {"Anna": ["one", "two"], "": ["three"]}
    assert by_speakers(nameless, {"S1": ["one", "two"]}) == (
        ("Anna", "S1", Errors(2, 0, 0, 0, 7, 0)),
        ("", None, Errors(1, 0, 1, 0, 5, 5)),
    )
    anna = {"Anna": ["one", "two"]}
    counts = [(a, b, errors.count) for a, b, errors in by_speakers(anna, {"S1": ["one", "two"], "": ["three"]})]
    assert sorted(counts, key=str) == [("Anna", "S1", 0), (None, "", 1)]
    assert total(errors for _, _, errors in by_speakers(nameless, {"S1": [], "S2": [], "": ["three"]})).words == 3


def test_a_conversation_is_compared_with_its_reference(recording: Path) -> None:
    timed = TimedTranscriber(FakeTranscriber("hello there"))
    made = analyze(
        recording, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion(by_loudness), transcriber=timed
    )
    assert timed.costs[0].sound_s == pytest.approx(30)
    speaker = {turn.index: turn.speaker for turn in made.turns}
    truth = [Spoken(w.start_s + 0.1, w.end_s, w.text, speaker.get(w.turn)) for w in made.words]  # type: ignore[arg-type]
    found = compared(made, truth, COST)
    assert (found.all.count, found.permuted.count, found.languages) == (0, 0, ("en",))
    assert found.time_error_s == pytest.approx(0.1)
    swapped = [Spoken(w.start_s, w.end_s, w.text, "everybody", exact=False) for w in truth]
    found = compared(made, swapped, COST)
    assert found.all.count == 0 < found.permuted.count
    assert found.time_error_s is None
    unnamed = [Spoken(w.start_s, w.end_s, w.text) for w in truth]
    found = compared(made, unnamed, COST)
    assert (found.all.count, found.by_speaker, found.permuted.rate) == (0, (), None)


def test_channels_are_compared_where_the_reference_names_them(tmp_path: Path) -> None:
    one, two = noise(12, 0.1), noise(12, 0.1)
    one[16_000 * 5 :], two[: 16_000 * 6] = 0, 0
    call = write_wav(tmp_path / "call.wav", np.stack([one, two]))
    segments = [Segment(0.5, 5.0, "S1"), Segment(6.5, 11.0, "S2")]
    made = analyze(
        call,
        load_config("default", {"audio": {"channels": "split"}}),
        diarizer=FakeDiarizer([(s.start_s, s.end_s, s.speaker) for s in segments]),
        emotion_model=FakeEmotion(by_loudness),
        transcriber=FakeTranscriber("hello there"),
    )
    assert made.layout == "split"
    speaker = {turn.index: turn.speaker for turn in made.turns}
    truth = [
        Spoken(w.start_s, w.end_s, w.text, channel="A" if speaker[w.turn or 0] == "S1" else "B") for w in made.words
    ]
    wrong = [replace(w, text="hi") if w.channel == "B" and w.text == "there" else w for w in truth]
    found = compared(made, wrong, COST)
    first, second = (errors for _, errors in found.by_channel)
    assert [channel for channel, _ in found.by_channel] == [1, 2]
    assert (first.count, second.substitutions) == (0, sum(w.text == "hi" for w in wrong))
    assert found.time_error_s == 0
    assert compared(made, [replace(w, channel="1") for w in truth], COST).by_channel == ()
    numbered = [replace(w, channel={"A": "0", "B": "1"}[w.channel or ""]) for w in truth]
    assert [errors.count for _, errors in compared(made, numbered, COST).by_channel] == [0, 0]
    odd = [replace(w, channel={"A": "1", "B": "caller"}[w.channel or ""]) for w in truth]
    assert [channel for channel, _ in compared(made, odd, COST).by_channel] == [1, 2, None]


def test_agreement_is_the_share_of_equal_words(recording: Path) -> None:
    ways = SeveralWays(
        FakeTranscriber("hello there my friend"),
        {
            "beam 5": FakeTranscriber("Hello, THERE my friend!"),
            "windows of 14 s": FakeTranscriber("hello there my dear"),
        },
    )
    models = Models()
    found = agreement(recording, load_config(), ways, models, diarizer=FakeDiarizer(SEGMENTS))
    same, other = found.ways
    assert (found.languages, same.way, same.share) == (("en",), "beam 5", 1.0)
    assert other.share == pytest.approx(other.equal / other.words)
    assert 0.7 <= other.equal / other.words < 0.8
    assert sum_of([found, found])[1] == replace(
        other, words=2 * other.words, other_words=2 * other.other_words, equal=2 * other.equal
    )
    assert Agreed("beam 5", 4, 6, 3).share == pytest.approx(0.6)
    assert Agreed("beam 5", 0, 0, 0).share is None


@pytest.mark.words
def test_agreement_needs_no_reference(ten_seconds: Path, tmp_path: Path) -> None:
    shutil.copyfile(ten_seconds, tmp_path / "call.wav")
    done = ressenti("evaluate", "words", tmp_path, "--agreement", "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    assert "agreement with beam 5 %" in done.stdout
    assert "WER" not in done.stdout
    (told,) = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["files"]
    assert [way["way"] for way in told["ways"]] == ["beam 5", "windows of 14 s"]
    assert all(0 < way["equal"] <= way["words"] for way in told["ways"])
    assert "one of them" in ressenti("evaluate", "words", tmp_path, "--agreement", "--non-speech").stderr


@pytest.mark.words
def test_silence_has_no_words(tmp_path: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", np.zeros(16_000))
    assert invented(silent, load_config(), Models()).words == 0
    hiss = write_wav(tmp_path / "hiss.wav", noise(3, 0.01))
    assert invented(hiss, load_config(), Models()).words == 0


@pytest.mark.words
def test_the_command_prints_and_writes_the_figures(ten_seconds: Path, tmp_path: Path) -> None:
    shutil.copyfile(ten_seconds, tmp_path / "call.wav")
    (tmp_path / "call.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nOh, hello.\n", encoding="utf-8")
    done = ressenti("evaluate", "words", tmp_path, "--speakers", "2", "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    assert "cpWER" in done.stdout
    (told,) = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["files"]
    assert told["name"] == "call.wav"
    assert told["all"]["words"] == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no recording with a transcript" in ressenti("evaluate", "words", empty).stderr
