"""Words: windows, times, guards, languages and turns, made by hand; and what an analysis makes of a transcriber's words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from installing import install as put

from commands import ressenti
from conftest import SEGMENTS, by_loudness, noise, write_wav
from ressenti import analyze, load_config
from ressenti.pipeline import transcription
from ressenti.pipeline.audio import RATE_HZ, Audio
from ressenti.pipeline.config import WordOptions
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import CancelledError, ConfigError, ModelError, NotInstalledError
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.models import registry, whisper_base
from ressenti.pipeline.progress import ignore_progress
from ressenti.pipeline.records import Diarization, Segment, Turn, union_s
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcription import languages
from ressenti.pipeline.transcription.fake import FakeTranscriber
from ressenti.pipeline.transcription.guards import Decoded, guarded, without_repeats
from ressenti.pipeline.transcription.interface import HeardWord, Speech
from ressenti.pipeline.transcription.model_files import MOST_BYTES
from ressenti.pipeline.transcription.turns import given_to_turns, speech_of
from ressenti.pipeline.transcription.vocabulary import MOST_LETTERS, read_vocabulary
from ressenti.pipeline.transcription.whisper import _Hearing
from ressenti.pipeline.transcription.windows import PAD_S, Part, Window, packed, parts_of, streams_of
from ressenti.pipeline.transcription.word_times import Timed, in_recording

OPTIONS = WordOptions()
SPANS = st.lists(st.tuples(st.floats(0, 3_000), st.floats(0.1, 60)), min_size=1, max_size=60)


def halfway(start_s: float, end_s: float) -> float:
    return (start_s + end_s) / 2


@given(SPANS)
def test_windows_hold_all_speech_once_and_are_short_enough(drawn: list[tuple[float, float]]) -> None:
    spans = union_s([(start, start + length) for start, length in drawn])
    parts = parts_of(spans, 0.3, 28.0, halfway)
    windows = packed(parts, 28.0, 0, "en")
    assert [part for window in windows for part in window.parts] == parts
    assert all(window.seconds <= 28.0 + 1e-6 for window in windows)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(parts))
    assert all(0 <= p.from_s - p.start_s <= PAD_S + 1e-9 and 0 <= p.end_s - p.to_s <= PAD_S + 1e-9 for p in parts)
    for start, end in spans:
        heard = sum(max(0.0, min(end, p.to_s) - max(start, p.from_s)) for p in parts)
        assert heard == pytest.approx(end - start)


def test_speech_is_cut_at_pauses_and_else_where_it_is_softest() -> None:
    parts = parts_of([(0, 4), (4.2, 9), (10, 60)], 0.3, 28.0, halfway)
    assert [(p.from_s, p.to_s) for p in parts] == [(0, 9), (10, 35.0), (35.0, 60)]


def test_windows_are_packed_closely() -> None:
    """Each costs the same: of talk in turns of a few seconds, half as much again is paid for at most."""
    rng = np.random.default_rng(0)
    edges = np.cumsum(rng.uniform(0.4, 4, 800))
    spans = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    windows = packed(parts_of(spans, 0.3, 28.0, halfway), 28.0, 0, "en")
    assert 30 * len(windows) <= 1.5 * sum(end - start for start, end in spans)


def test_overlap_is_transcribed_once_and_languages_apart() -> None:
    speech = [Speech("S1", 0, ((0, 10), (20, 30))), Speech("S2", 0, ((8, 14),)), Speech("S3", 1, ((9, 12),))]
    assert streams_of(speech, {"S1": "en", "S2": "en", "S3": "en"}) == [
        (0, "en", [(0, 14), (20, 30)]),
        (1, "en", [(9, 12)]),
    ]
    assert streams_of(speech, {"S1": "en", "S2": "fr", "S3": None}) == [
        (0, "en", [(0, 10), (20, 30)]),
        (0, "fr", [(10, 14)]),
    ]


def window(*spans: tuple[float, float]) -> Window:
    return Window(0, "en", tuple(Part(a - 0.2, b + 0.2, a, b) for a, b in spans))


@given(st.lists(st.tuples(st.floats(-1, 12), st.floats(0, 3)), max_size=30))
def test_word_times_are_in_order_never_empty_and_within_speech(drawn: list[tuple[float, float]]) -> None:
    spoken = [(1.0, 3.0), (10.0, 10.3), (20.0, 25.0)]
    words = [Timed(start, start + length, "word", 0.9) for start, length in sorted(drawn)]
    placed, lost = in_recording(words, window(*spoken))
    assert len(placed) + lost == len(words)
    assert all(word.end_s > word.start_s for word in placed)
    assert all(a.start_s <= b.start_s for a, b in pairwise(placed))
    assert all(any(a <= word.start_s and word.end_s <= b for a, b in spoken) for word in placed)


def test_words_get_the_times_of_the_recording() -> None:
    placed, lost = in_recording(
        [Timed(0.3, 0.8, "one", 0.9), Timed(2.7, 3.1, "two", 0.4), Timed(2.3, 2.4, "late", 0.4)],
        window((1.0, 3.0), (10.0, 12.0)),
    )
    assert [(w.text, pytest.approx(w.start_s), pytest.approx(w.end_s)) for w in placed] == [
        ("one", 1.1, 1.6),
        ("two", 10.1, 10.5),
    ]
    assert lost == 1


@pytest.mark.parametrize(("at", "expected"), [(0.83, 1.0), (0.77, None), (3.17, 2.98), (3.23, None), (3.6, None)])
def test_a_word_beside_speech_is_moved_to_it_if_it_is_near(at: float, expected: float | None) -> None:
    heard = Window(0, "en", (Part(0.75, 3.25, 1.0, 3.0),))
    placed, lost = in_recording([Timed(at - 0.75 - 0.01, at - 0.75 + 0.01, "word", 0.9)], heard)
    assert [pytest.approx(w.start_s) for w in placed] == ([] if expected is None else [expected])
    assert lost == (expected is None)


def said(text: str) -> tuple[Timed, ...]:
    return tuple(Timed(k, k + 1, word, 0.9) for k, word in enumerate(text.split()))


def test_guards_drop_what_nobody_said_and_count_it() -> None:
    good = said("thank you for calling the garage")
    assert guarded(Decoded(good, -0.3, 0.1), OPTIONS) == (list(good), {})
    assert guarded(Decoded(good, -0.3, 0.61), OPTIONS) == ([], {"no_speech": 6})
    assert guarded(Decoded(good, -1.1, 0.1), OPTIONS) == ([], {"log_probability": 6})
    kept, dropped = guarded(Decoded(said("well " + "no, " * 5 + "never"), -0.3, 0.1), OPTIONS)
    assert ([w.text for w in kept], dropped) == (["well", "no,", "never"], {"repeated": 4})
    again = " ".join(f"it is {'very ' * 4}good and this is what we said {k % 3}" for k in range(30))
    assert guarded(Decoded(said(again), -0.3, 0.1), OPTIONS) == ([], {"compression": 420})
    loop = said("thank you for watching " * 40)
    assert guarded(Decoded(loop, -0.3, 0.1), OPTIONS) == ([], {"compression": 160})
    assert guarded(Decoded((), -0.3, 0.9), OPTIONS) == ([], {})


def test_repeated_phrases_are_kept_once() -> None:
    assert [w.text for w in without_repeats(said("so I see. I see. i see I see I see you"), 4)] == [
        "so",
        "I",
        "see.",
        "you",
    ]
    assert len(without_repeats(said("no no no no"), 4)) == 4


def test_each_speaker_has_a_language_if_it_is_sure() -> None:
    speech = [Speech("S1", 0, ((0, 20),)), Speech("S2", 0, ((20, 25),)), Speech("S3", 0, ((30, 60),))]
    heard = {"S1": {"fr": 0.99, "en": 0.01}, "S3": {"en": 0.95, "fr": 0.05}}
    mixed = languages.together([(heard["S1"], 20), (heard["S3"], 30)])
    assert mixed == pytest.approx({"fr": 0.426, "en": 0.574})
    found = languages.decide(speech, heard, mixed, OPTIONS)
    assert [(own.language, own.source) for own in found] == [("fr", "speaker"), (None, "unknown"), ("en", "speaker")]
    found = languages.decide(speech, heard, {"fr": 0.95}, OPTIONS)
    assert (found[1].language, found[1].source, found[1].probability) == ("fr", "recording", 0.95)
    found = languages.decide(speech, {}, {"fr": 0.89}, OPTIONS)
    assert all(own.language is None for own in found)
    found = languages.decide(speech, {}, {}, OPTIONS.model_copy(update={"language": "de"}))
    assert {(own.language, own.source) for own in found} == {("de", "given")}


def hearing(monkeypatch: pytest.MonkeyPatch, *, multilingual: bool, heard: dict[float, dict[str, float]]) -> _Hearing:
    """With a model that hears languages by the start of what it is given."""

    def detect(windows: Sequence[Window]) -> list[list[tuple[str, float]]]:
        found = heard[windows[0].parts[0].start_s]
        return [[(f"<|{name}|>", probability) for name, probability in found.items()]]

    inner = SimpleNamespace(is_multilingual=multilingual, detect_language=detect)
    model = SimpleNamespace(model=inner, hf_tokenizer=SimpleNamespace(token_to_id=lambda _: 1))
    monkeypatch.setattr(_Hearing, "_encoded", lambda _, windows: windows)
    return _Hearing(model, Audio(np.zeros((1, RATE_HZ), dtype=np.int16)), OPTIONS, "")  # type: ignore[arg-type]


def test_the_recordings_language_is_heard_in_everybodys_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [Speech("S1", 0, ((0, 8),)), Speech("S2", 0, ((10, 16),))]
    own = hearing(monkeypatch, multilingual=True, heard={0: {"fr": 0.99}, 10: {"en": 0.99}})
    assert [(found.language, found.source) for found in own.languages(few, ignore_progress)] == [(None, "unknown")] * 2
    more = [Speech("S1", 0, ((0, 12),)), Speech("S2", 0, ((20, 29),))]
    own = hearing(monkeypatch, multilingual=True, heard={0: {"fr": 0.99}, 20: {"en": 0.99}})
    assert [found.language for found in own.languages(more, ignore_progress)] == ["fr", None]
    own = hearing(monkeypatch, multilingual=True, heard={0: {"fr": 0.99}, 20: {"fr": 0.8, "en": 0.2}})
    assert [(found.language, found.source) for found in own.languages(more, ignore_progress)] == [
        ("fr", "speaker"),
        ("fr", "recording"),
    ]


def test_a_model_that_knows_english_alone_must_be_told_that_it_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    own = hearing(monkeypatch, multilingual=False, heard={})
    with pytest.raises(ConfigError, match="--spoken-language en"):
        own.languages([Speech("S1", 0, ((0, 20),))], ignore_progress)


def test_words_go_to_the_turn_of_their_channel() -> None:
    turns = [Turn(0, "S1", 0, 4), Turn(1, "S2", 3, 8), Turn(2, "S1", 9, 12)]
    words = [HeardWord(3.2, 3.6, "both", 0, 0.9), HeardWord(8.2, 8.4, "near", 0, 0.9), HeardWord(20, 21, "far", 0, 0.9)]
    assert [w.turn for w in given_to_turns(words, turns, {})] == [1, 1, None]
    split = given_to_turns([replace(w, channel=c) for c in (0, 1) for w in words[:1]], turns, {"S1": 1, "S2": 2})
    assert [w.turn for w in split] == [0, 1]


@pytest.mark.parametrize(
    ("outer", "inner", "expected"), [(None, None, [0, 0, 0, 0]), (0.9, 0.7, [0, 0, 0, 0]), (0.6, 0.9, [0, 1, 0, 0])]
)
def test_a_backchannel_does_not_take_the_words_around_it(
    outer: float | None, inner: float | None, expected: list[int]
) -> None:
    turns = [Turn(0, "S1", 0, 30, speaker_confidence=outer), Turn(1, "S2", 10, 11, speaker_confidence=inner)]
    times = [(9.5, 9.9), (10.2, 10.8), (11.1, 11.4), (10.7, 11.3)]
    words = [HeardWord(start, end, "word", 0, 0.9) for start, end in times]
    assert [w.turn for w in given_to_turns(words, turns, {})] == expected


def test_whoever_interrupts_gets_the_words_of_both() -> None:
    turns = [Turn(0, "S1", 0, 5), Turn(1, "S2", 3, 9), Turn(2, "S1", 4, 4.5)]
    words = [HeardWord(4.1, 4.4, "word", 0, 0.9), HeardWord(3.1, 3.4, "word", 0, 0.9)]
    assert [w.turn for w in given_to_turns(words, turns, {})] == [1, 1]


def test_speech_is_each_speakers_own() -> None:
    segments = (Segment(0, 2, "S2"), Segment(1, 3, "S2"), Segment(2, 5, "S1"))
    found = Diarization(segments, "given", "high", (), True)
    assert speech_of(found, {"S1": 1, "S2": 2}) == (Speech("S2", 1, ((0, 3),)), Speech("S1", 0, ((2, 5),)))


def analysed(path: Path, **options: object):
    made = FakeTranscriber("thank you for calling")
    config = load_config("default", {"words": options})
    return made, analyze(
        path, config, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion(by_loudness), transcriber=made
    )


def test_an_analysis_has_words_in_its_turns_and_says_how(recording: Path) -> None:
    made, conversation = analysed(recording)
    assert [own.speaker for own in made.asked[0]] == ["S1", "S2"]
    assert {word.confidence for word in conversation.words} == {0.9}
    turns = {turn.index: turn for turn in conversation.turns}
    assert all(
        turns[w.turn].start_s <= w.start_s <= turns[w.turn].end_s for w in conversation.words if w.turn is not None
    )
    assert conversation.transcription is not None
    assert conversation.transcription.language_of("S2") == "en"
    assert [m.name for m in conversation.models if m.task == "transcription"] == ["fake-transcriber"]


def test_a_transcript_that_is_brought_wins(recording: Path) -> None:
    brought = with_words(analysed(recording)[1], [Spoken(1, 2, "hello", exact=True)])
    assert ([w.text for w in brought.words], brought.transcription) == (["hello"], None)
    assert not any(model.task == "transcription" for model in brought.models)


def test_unknown_models_and_languages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a folder with a Whisper model"):
        transcription.choose(WordOptions(model=str(tmp_path)))
    with pytest.raises(NotInstalledError, match=r"models get Systran/faster-whisper-small"):
        transcription.choose(WordOptions(model="Systran/faster-whisper-small"))
    with pytest.raises(ConfigError, match="expected auto or a code such as en, fr"):
        load_config("default", {"words": {"language": "french"}})
    assert transcription.choose(WordOptions(model="off")) is None


def test_a_damaged_model_folder_is_refused_without_any_download(tmp_path: Path) -> None:
    from ressenti.pipeline.transcription.whisper import load

    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"has no config.json, tokenizer.json"):
        load(tmp_path)
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((whisper_base.FOLDER / name).read_bytes())
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(tmp_path)


def test_changed_built_in_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ressenti.pipeline.models import hashes

    (tmp_path / "whisper.json").write_text('{"sha256": {"whisper.json": "00"}}', encoding="utf-8")
    monkeypatch.setattr(hashes, "WEIGHTS", tmp_path)
    with pytest.raises(ModelError, match="Install Ressenti again"):
        whisper_base.hashes.__wrapped__()


def test_a_vocabulary_is_a_list_of_words(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("# names\nRessenti\n\nZoé  Martin\nRessenti\n", encoding="utf-8")
    assert read_vocabulary(str(path)) == "Ressenti, Zoé Martin"
    assert read_vocabulary(None) == ""
    for text, why in (
        ("# nothing\n", "holds no words"),
        ("x" * (MOST_LETTERS + 1), "letters; expected at most"),
        ("Zoé\n<|startoftranscript|>", r"holds <\|"),
        ("Zo\x1bé", r"U\+001B, a control character"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=why):
            read_vocabulary(str(path))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_vocabulary(str(tmp_path / "none.txt"))


def test_a_vocabulary_that_the_model_would_not_read_whole_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    for text in ("Ressenti", "ឧ" * (MOST_LETTERS // 2)):
        path.write_text(text, encoding="utf-8")
        with nullcontext() if text.isascii() else pytest.raises(ConfigError, match="tokens of the model; expected at"):
            transcription.choose(WordOptions(vocabulary=str(path)))


def test_a_vocabulary_is_not_read_where_words_are_off(ten_seconds: Path, tmp_path: Path) -> None:
    done = ressenti(
        *("analyze", ten_seconds, "--out", tmp_path / "out", "--words", "off", "--vocabulary", tmp_path / "none.txt")
    )
    assert done.returncode == 0, done.stderr


def built_in_copied(folder: Path) -> Path:
    """The files of the built-in model, its weights as a link."""
    folder.mkdir()
    for path in whisper_base.FOLDER.iterdir():
        if path.name == "model.bin":
            (folder / path.name).symlink_to(path)
        else:
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_the_hash_is_of_all_files_and_a_model_that_changes_is_refused(tmp_path: Path) -> None:
    folder = built_in_copied(tmp_path / "model")
    config = WordOptions(model=str(folder), language="en")
    chosen = transcription.choose(config)
    assert chosen is not None
    with (folder / "config.json").open("ab") as file:
        file.write(b"\n")
    changed = transcription.choose(config)
    assert changed is not None
    assert changed.info.sha256 != chosen.info.sha256
    with pytest.raises(ModelError, match="changed since its files were hashed"):
        chosen.transcribe(Audio(np.zeros((1, RATE_HZ), dtype=np.int16)), [Speech("S1", 0, ((0, 1),))])
    (folder / "vocabulary.txt").write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(ModelError, match=r"vocabulary.txt: .* expected at most"):
        transcription.choose(config)


def test_a_model_that_loads_but_cannot_run_is_told_as_such(tmp_path: Path) -> None:
    folder = built_in_copied(tmp_path / "model")
    (folder / "preprocessor_config.json").write_text('{"feature_size": 7}', encoding="utf-8")
    for language in ("en", "auto"):
        chosen = transcription.choose(WordOptions(model=str(folder), language=language))
        assert chosen is not None
        with pytest.raises(ModelError, match="cannot be run as a Whisper model"):
            chosen.transcribe(Audio(np.zeros((1, RATE_HZ), dtype=np.int16)), [Speech("S1", 0, ((0, 1),))])


def test_an_installed_model_of_another_task_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    emotion = next(name for name, entry in registry.known().items() if entry.task == "emotion")
    put(emotion, {"config.json": b"{}", "model.safetensors": b"x"})
    with pytest.raises(ConfigError, match="installed as a model of emotion; expected one that recognises words"):
        transcription.choose(WordOptions(model=emotion))


def test_pieces_become_words_with_their_punctuation() -> None:
    from ressenti.pipeline.transcription.whisper import words_of

    pieces = [
        (" Est", 0.9),
        ("-ce", 0.8),
        (" qu", 0.9),
        ("'il", 0.4),
        (" a", 0.9),
        (" 3", 0.9),
        (".5", 0.7),
        ("!", 0.9),
    ]

    def given() -> list[dict[str, object]]:
        return [
            {"word": word, "tokens": [k], "start": k / 2, "end": k / 2 + 0.5, "probability": sure}
            for k, (word, sure) in enumerate(pieces)
        ]

    words = words_of(given(), spaced=True)
    assert [(w.text, w.start_s, w.end_s, w.probability) for w in words] == [
        ("Est-ce", 0.0, 1.0, 0.8),
        ("qu'il", 1.0, 2.0, 0.4),
        ("a", 2.0, 2.5, 0.9),
        ("3.5!", 2.5, 3.5, 0.7),
    ]
    assert [w.text for w in words_of(given(), spaced=False)][:2] == ["Est", "-ce"]


@pytest.mark.words
def test_the_built_in_model_recognises_the_sample(ten_seconds: Path) -> None:
    config = load_config("default", {"diarization": {"speakers": 2}})
    conversation = analyze(ten_seconds, config, emotion_model=FakeEmotion(by_loudness))
    text = " ".join(word.text for word in conversation.words).casefold()
    assert "new jersey" in text or "hello" in text
    speech = union_s([(s.start_s, s.end_s) for s in conversation.diarization.segments])
    spoken = union_s([(a - 0.15, b + 0.15) for a, b in speech])
    assert all(any(a <= w.start_s and w.end_s <= b for a, b in spoken) for w in conversation.words)
    assert conversation.transcription is not None
    assert conversation.transcription.compute_type.startswith("int8")


@pytest.mark.words
def test_words_do_not_depend_on_the_number_of_threads(ten_seconds: Path) -> None:
    fakes = {"diarizer": FakeDiarizer([(0.2, 4, "S1"), (4.5, 9.8, "S2")]), "emotion_model": FakeEmotion(by_loudness)}
    made = [
        analyze(ten_seconds, load_config("default", {"compute": {"threads": n}, "words": {"window_s": 5}}), **fakes)
        for n in (1, 2)
    ]
    assert made[0].words == made[1].words
    assert made[0].transcription == made[1].transcription


@pytest.mark.words
def test_nothing_is_claimed_in_noise(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "noise.wav", noise(12))
    config = load_config("default", {"words": {"language": "en"}})  # else no language is known, and nothing is heard
    made = analyze(path, config, diarizer=FakeDiarizer([(0.5, 11.5, "S1")]), emotion_model=FakeEmotion(by_loudness))
    assert not made.words
    assert made.transcription is not None
    assert made.transcription.windows == 1


@pytest.mark.words
def test_the_hook_stops_recognition(ten_seconds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(stage: str, completed: float, total: float | None) -> None:
        if stage == "words" and total:
            raise CancelledError("enough")

    encoded, told = _Hearing._encoded, []

    def late(own: _Hearing, windows: Sequence[Window]) -> object:
        told.append(own._stopping.wait(20))  # a model that is not told to stop goes on
        return encoded(own, windows)

    monkeypatch.setattr(_Hearing, "_encoded", late)
    config = load_config("default", {"words": {"language": "en"}})
    with pytest.raises(CancelledError, match="enough"):
        analyze(ten_seconds, config, diarizer=FakeDiarizer([(0, 9.9, "S1")]), models=Models(), progress=stop)
    assert told == [True]


def test_unsure_words_are_marked_in_exports_and_lighter_in_the_page(recording: Path) -> None:
    from ressenti import report_html, words_frame
    from ressenti.pipeline import export, store

    _, sure = analysed(recording)
    first, *others = sure.words
    doubtful = replace(sure, words=(replace(first, text="maybe", confidence=0.3), *others))
    assert store.loads(store.dumps(doubtful)).words == doubtful.words
    for write in (export.srt, export.vtt, export.textgrid, export.quotes_md):
        assert "maybe(?)" in write(doubtful), write.__name__
    items = [item for turn in json.loads(export.aws(doubtful))["Transcript"] for item in turn["Items"]]
    assert (items[0]["Content"], items[0]["Confidence"]) == ("maybe", 0.3)
    assert words_frame(doubtful)["confidence"].iloc[0] == 0.3
    page = report_html(doubtful)
    assert '<span class="faint">maybe</span>' in page
    assert page.count('class="faint"') == 1
    assert "recognised by a model" in page
    assert "reconnues par un modèle" in report_html(doubtful, "fr")


def test_the_page_says_whose_language_is_not_known(recording: Path) -> None:
    from ressenti import report_html

    made = FakeTranscriber(language=None)
    conversation = analyze(
        recording, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion(by_loudness), transcriber=made
    )
    assert not conversation.words
    assert "is not known for sure" in report_html(conversation)


def test_a_silenced_span_takes_recognised_words_near_it_too(recording: Path) -> None:
    from ressenti import Span, with_bleeps

    _, conversation = analysed(recording)
    before = {word.start_s for word in conversation.words}
    assert {1.0, 1.5, 2.0} <= before
    silenced = with_bleeps(conversation, [Span(1.6, 1.8)])
    assert before - {word.start_s for word in silenced.words} == {1.0, 1.5, 2.0}
