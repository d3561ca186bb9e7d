from collections.abc import Sequence
from pathlib import Path

import pytest

from conftest import noise, write_wav
from ressenti.pipeline.errors import ConfigError, NotFoundError, RessentiError
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.corpora import Clip, read_clips


def manifest(folder: Path, text: str, name: str = "labels.csv", encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


def test_ravdess_is_read_by_its_file_names(tmp_path: Path) -> None:
    names = [
        "Actor_12/03-01-05-01-02-01-12.wav",
        "Actor_12/03-01-08-01-02-01-12.WAV",
        "Actor_03/03-01-01-01-01-01-03.opus",
        "Actor_03/01-01-02-02-01-02-03.flac",  # sound of a video
        "Actor_03/03-02-05-01-01-01-03.wav",  # a song
        "Actor_03/03-01-09-01-01-01-03.wav",  # no such emotion
        "Actor_03/03-01-00-01-01-01-03.wav",
        "Actor_03/03-01-05-01-01-01.wav",
        "Actor_03/03-01-05-01-01-01-3.wav",
        "Actor_03/03-01-05-01-01-01-03-02.wav",
        "Actor_03/03-01-05-01-01-0x-03.wav",
        "Actor_03/03-01-05-01-01-01-03.txt",
        "notes.wav",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = {(str(c.path.relative_to(tmp_path)), c.corpus, c.speaker, c.emotion) for c in read_clips(tmp_path)}
    assert found == {
        (names[0], "ravdess", "actor12", "angry"),
        (names[1], "ravdess", "actor12", "surprised"),
        (names[2], "ravdess", "actor03", "neutral"),
        (names[3], "ravdess", "actor03", "calm"),
    }


def test_ravdess_names_and_its_manifest_agree(shared_data: Path, tmp_path: Path) -> None:
    listed = read_clips(shared_data / "emotion" / "ravdess")
    for clip in listed[::40]:
        (tmp_path / clip.path.name).touch()
    by_name = {c.path.name: (c.who, c.emotion) for c in read_clips(tmp_path)}
    assert by_name == {c.path.name: (c.who, c.emotion) for c in listed[::40]}


@pytest.mark.parametrize("column", ["label", "emotion"])
def test_labels_are_classes_or_emotions_in_any_case(tmp_path: Path, column: str) -> None:
    told = {"Pleased": "happy", "RELAXED": "calm", " tension ": "angry", "Fearful": "fearful", "sad": "sad", "": ""}
    lines = [f"{i}.wav,anna,{label}" for i, label in enumerate(told)]
    path = manifest(tmp_path / "ours", f"path,speaker,{column}\n" + "\n".join(lines) + "\n")
    clips = read_clips(path)
    assert [c.emotion for c in clips] == list(told.values())
    assert [c.label for c in clips] == [0, 1, 4, None, 3, None]
    assert {c.who for c in clips} == {("ours", "anna")}
    assert clips[0].path == tmp_path / "ours" / "0.wav"
    assert read_clips(tmp_path / "ours") == clips == read_clips(tmp_path)


def test_every_class_and_every_emotion_is_a_label(tmp_path: Path) -> None:
    for k, name in enumerate(corpora.CLASSES):
        (clip,) = read_clips(manifest(tmp_path, f"path,speaker,label\na.wav,anna,{name}\n"))
        assert clip.label == k
    for name in corpora.EMOTIONS:
        (clip,) = read_clips(manifest(tmp_path, f"path,speaker,emotion\na.wav,anna,{name}\n"))
        assert clip.emotion == name


def test_valence_and_arousal_alone_are_enough(tmp_path: Path) -> None:
    path = manifest(tmp_path, "path,speaker,valence,arousal\na.wav,anna,0.5,-1\nb.wav,ben,,\n")
    first, second = read_clips(path)
    assert (first.emotion, first.label, first.valence, first.arousal) == ("", None, 0.5, -1.0)
    assert (second.valence, second.arousal) == (None, None)


def test_a_byte_order_mark_and_a_corpus_column(tmp_path: Path) -> None:
    text = "path,speaker,label,corpus\nä.wav,anna,Sad,theirs\nb.wav,ben,Sad,\n"
    path = manifest(tmp_path / "ours", text, encoding="utf-8-sig")
    assert {c.who for c in read_clips(path)} == {("theirs", "anna"), ("ours", "ben")}


def test_clips_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    lines = "".join(f"{name}.wav,anna,sad\n" for name in ("c", "a", "b"))
    path = manifest(tmp_path, "path,speaker,label\n" + lines)
    assert [c.path.name for c in read_clips(path)] == ["a.wav", "b.wav", "c.wav"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "path,speaker,label\na.wav,anna,sad\nb.wav,ben,boredom\n",
            r"line 3: unknown label 'boredom'; expected one of Pleased",
        ),
        ("path,speaker,label\na.wav,anna,\nb.wav,anna,Gleeful\n", r"line 3: .*neutral, calm"),
        ("path,speaker,valence,arousal\na.wav,anna,high,0\n", r"line 2: valence, arousal .*expected numbers"),
        ("path,speaker,valence,arousal\na.wav,anna,0,0\nb.wav,anna,0,1.5\n", r"line 3: .*expected values in \[-1, 1\]"),
        ("path,speaker,valence,arousal\na.wav,anna,nan,0\n", r"line 2: .*expected values in \[-1, 1\]"),
        ("path,label\na.wav,sad\n", r"columns label, path; expected path, speaker and label"),
        ("path,speaker\na.wav,anna\n", r"columns path, speaker; expected path, speaker and label"),
        ("path,speaker,valence\na.wav,anna,0.5\n", r"expected path, speaker and label"),
        ("path,speaker,label\na.wav\n", r"line 2: path 'a\.wav', speaker None; expected both"),
        ("path,speaker,label\n,anna,sad\n", r"line 2: path '', speaker 'anna'; expected both"),
        ("path,speaker,label\na.wav,anna,sad\nb.wav, ,sad\n", r"line 3: path 'b\.wav', speaker ' '; expected both"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_clips(manifest(tmp_path, text))


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "call.wav", noise(1))
    for path in (sound, manifest(tmp_path, "path,speaker,label\né.wav,anna,sad\n", encoding="latin-1")):
        with pytest.raises(ConfigError, match="expected a CSV"):
            read_clips(path)


@pytest.mark.parametrize("labelled", [True, False])
def test_nothing_there_is_an_error_that_says_what_is_expected(tmp_path: Path, labelled: bool) -> None:
    with pytest.raises(NotFoundError, match=r"no labelled speech; expected .*labels\.csv"):
        read_clips(tmp_path, labelled=labelled)
    with pytest.raises(NotFoundError, match=r"nowhere: no such file or folder; expected .*labels\.csv"):
        read_clips(tmp_path / "nowhere", labelled=labelled)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Anger", "angry"), ("happiness", "happy"), ("joy", "happy"), ("SADNESS", "sad"), ("fear", "fearful")],
)
def test_other_words_for_an_emotion_are_understood(tmp_path: Path, written: str, meant: str) -> None:
    (clip,) = read_clips(manifest(tmp_path, f"path,speaker,label\na.wav,anna,{written}\n"))
    assert clip.emotion == meant


def test_a_manifest_with_semicolons(tmp_path: Path) -> None:
    path = manifest(tmp_path, "path;speaker;label;note\né, b.wav;anna;sad;1,5\n", encoding="utf-8-sig")
    (clip,) = read_clips(path)
    assert (clip.path.name, clip.speaker, clip.emotion) == ("é, b.wav", "anna", "sad")


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = manifest(tmp_path, "path;speaker;label\né.wav;anna;sad\n", encoding="cp1252")
    with pytest.raises(ConfigError, match=r"not in UTF-8 \(byte 19 is 0xe9\).*Latin-1"):
        read_clips(path)


def test_speech_without_labels_is_read_where_that_is_asked_for(tmp_path: Path) -> None:
    manifest(tmp_path / "talk", "path,speaker\na.wav,anna\n", "speakers.csv")
    with pytest.raises(NotFoundError):
        read_clips(tmp_path)
    (clip,) = read_clips(tmp_path, labelled=False)
    assert clip == Clip(tmp_path / "talk" / "a.wav", "talk", "anna", "")
    manifest(tmp_path / "acted", "path,speaker,label\nb.wav,ben,sad\n")
    assert [c.who for c in read_clips(tmp_path, labelled=False)] == [("acted", "ben"), ("talk", "anna")]
    assert [c.who for c in read_clips(tmp_path)] == [("acted", "ben")]


def test_a_manifest_of_clips_that_are_absent_says_so_when_they_are_read(tmp_path: Path) -> None:
    from ressenti.pipeline.lab.labelled_speech.prepare import read

    (clip,) = read_clips(manifest(tmp_path, "path,speaker,label\nnone.wav,anna,sad\n"))
    with pytest.raises(RessentiError, match=r"none\.wav: no such clip"):
        read(clip)


def clips_of(*speakers: tuple[str, str]) -> list[Clip]:
    return [Clip(Path(f"{name}.wav"), corpus, name, "sad") for corpus, name in speakers]


def who(clips: Sequence[Clip]) -> list[tuple[str, str]]:
    return [clip.who for clip in clips]


def test_unseen_are_held_out_speakers_and_those_of_other_corpora() -> None:
    clips = clips_of(("ravdess", "actor01"), ("ravdess", "actor21"), ("nemo", "IC0"), ("nemo", "EB0"), ("ours", "x"))
    assert who(corpora.unseen(clips)) == [("ravdess", "actor21"), ("nemo", "IC0"), ("ours", "x")]
    assert who(corpora.unseen(clips_of(("ami", "anna")))) == [("ami", "anna")]
    assert not {clip.who for clip in corpora.unseen(clips)} & {c.who for c in corpora.split(clips)[0][:2]}


def test_a_split_shares_nobody_and_loses_nobody() -> None:
    clips = clips_of(("ravdess", "actor01"), ("ravdess", "actor21"), ("calls", "agent"), ("ours", "x"))
    learn, held = corpora.split(clips)
    assert who(learn) == [("ravdess", "actor01"), ("ours", "x")]
    assert who(held) == [("ravdess", "actor21"), ("calls", "agent")]
