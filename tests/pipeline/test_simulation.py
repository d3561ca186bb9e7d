"""Simulated conversations as a whole: seeds, files, speakers, scripts, the command."""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_talk import RATE, digest, one, suite
from typer.testing import CliRunner

from conftest import write_wav
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.errors import ConfigError, RessentiError
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.truth import as_found, emotions_csv, read_truth
from ressenti.pipeline.lab.simulation.options import Suite, load_suite
from ressenti.pipeline.lab.simulation.suite import most_alike, simulate

RUN = CliRunner()


def test_the_same_seed_gives_the_same_bytes(clips: Sequence[Clip]) -> None:
    rough = {"noise": "pink", "t60_s": (0.2, 0.3), "telephone": True, "codecs": ["mulaw", "opus", "gsm"]}
    first, again, other = (digest(one(clips, suite(seed, minutes=0.2, sound=rough))) for seed in (1, 1, 2))
    assert first == again
    assert all(first[end] != other[end] for end in (".flac", ".rttm", ".emotions.csv"))


def test_the_seed_of_a_conversation_depends_on_nothing_else(clips: Sequence[Clip]) -> None:
    options = suite(conversations=3)
    alone = suite(conversations=1)
    more = options.model_copy(update={"scenes": {"other": options.scenes["talk"], **options.scenes}})
    made = [digest(m) for m in simulate(options, clips)]
    assert len({m[".flac"] for m in made}) == 3
    assert digest(one(clips, alone)) == made[0]
    assert [digest(m) for m in simulate(more, clips, ["talk"])] == made


FIRST = {  # scene: SHA-256 of its first conversation, from tones: samples and truth
    "calm-phone": "6a6a593a5c79e584b876e403b5abde1000bf6e061b004ab5b234ba57be448f31",
    "emotional-phone": "e440375a36fded61a67cfbfa9be3702536d593fbfd1294ca43b4ad3319f3c238",
    "several": "1e14abb7763f5f2542e3e8ef4d806cb39501a3df29117355e65464268c02c8b1",
    "two-channel": "092085eec995cc618eb34b28eb86e1de0704952d7a622235149a3e55d86662b6",
}


@pytest.mark.parametrize("scene", ["calm-phone", "emotional-phone", "several", "two-channel"])
def test_the_first_four_scenes_never_change(clips: Sequence[Clip], scene: str) -> None:
    standard = load_suite("standard")
    shorter = standard.scenes[scene].model_copy(update={"conversations": 1, "minutes": 1.0})
    options = standard.model_copy(update={"scenes": {scene: shorter}})
    corpora_of_all = ("emodb", "librispeech", "nemo", "ravdess")
    made = one([replace(c, corpus=corpus) for corpus in corpora_of_all for c in clips], options)
    found = hashlib.sha256(made.samples.tobytes() + emotions_csv(made.truth).encode()).hexdigest()
    assert found == FIRST[scene]


@pytest.mark.usefixtures("unrendered")
def test_the_two_files_of_truth_agree(clips: Sequence[Clip], tmp_path: Path) -> None:
    spaced = [replace(c, speaker=f"Anna {c.speaker}", corpus="my tones") for c in clips]
    made = one(spaced, suite(corpora={"my tones": 1}))
    files = made.files()
    for ending, text in files.items():
        if isinstance(text, str):
            (tmp_path / f"a{ending}").write_text(text, encoding="utf-8")
    truth = read_truth(tmp_path / "a.emotions.csv")
    assert truth == made.truth
    spans = read_rttm(tmp_path / "a.rttm", made.name)
    assert [(s.start_s, s.speaker) for s in spans] == [(s.start_s, s.speaker) for s in truth]
    assert [s.end_s for s in spans] == pytest.approx([s.end_s for s in truth])
    rows = list(csv.DictReader(io.StringIO(str(files[".emotions.csv"]))))
    assert [row["label"] for row in rows] == [s.label for s in truth]
    segments, names = as_found(truth)
    assert len(segments) == len(truth)
    assert set(names.values()) == {"S1", "S2"}
    assert names[truth[0].speaker] == "S1"


@pytest.mark.usefixtures("unrendered")
def test_nan_never_gets_into_the_truth(clips: Sequence[Clip]) -> None:
    unlabelled = [replace(c, emotion="") for c in clips]
    made = one(unlabelled, suite())
    assert {(s.label, s.valence, s.arousal) for s in made.truth} == {("", None, None)}
    assert "nan" not in str(made.files()[".emotions.csv"]).lower()
    fearful = one([replace(c, emotion="fearful") for c in clips], suite())
    assert {(s.label, s.valence) for s in fearful.truth} == {("", corpora.VALENCE_AROUSAL["fearful"][0])}


@pytest.mark.parametrize("count", [1, 8])
def test_one_speaker_and_eight(clips: Sequence[Clip], count: int) -> None:
    made = one(clips, suite(minutes=1, speakers=(count, count), talk={"turn_s": 1, "return_share": 0.1}))
    assert len({s.speaker for s in made.truth}) == count
    assert made.samples.shape[0] == 1


def test_scenes_draw_speakers_corpora_and_lengths(clips: Sequence[Clip]) -> None:
    other = [replace(c, corpus="others") for c in clips]
    options = suite(conversations=12, speakers=(2, 4), minutes=0.3, corpora={"tones": 3, "others": 1})
    made = list(simulate(options, [*clips, *other]))
    assert [m.name for m in made] == [f"talk-{i:02d}" for i in range(1, 13)]
    names = [{s.speaker for s in m.truth} for m in made]
    assert {len({name.split("-")[0] for name in own}) for own in names} == {1}  # one corpus for each
    assert {name.split("-")[0] for own in names for name in own} == {"tones", "others"}
    assert {len(own) for own in names} >= {2, 3}
    for m in made:
        assert 0.3 * 60 - 2.1 < m.samples.shape[1] / RATE < 0.3 * 60 + 30
        assert len(set(m.files())) == 3


SCRIPT = {
    "tense": [
        {"share": 0.5, "emotions": [{"neutral": 1}]},
        {"share": 0.5, "emotions": [{"angry": 1}, {"happy": 0.5, "calm": 0.5}]},
    ]
}


def scripted(scripts: dict[str, Any] = SCRIPT) -> Suite:
    scene = {"minutes": 3, "corpora": {"tones": 1}, "scripts": ["tense"]}
    return Suite.model_validate({"scripts": scripts, "scenes": {"talk": scene}})


@pytest.mark.usefixtures("unrendered")
def test_scripts_are_followed(clips: Sequence[Clip]) -> None:
    made = one(clips, scripted())
    turns = [s for s in made.truth if s.kind == "turn"]
    end_s = made.samples.shape[1] / RATE
    early = {s.label for s in turns if s.end_s < 0.35 * end_s}
    late = {(s.speaker, s.label) for s in turns if s.start_s > 0.7 * end_s}
    assert early == {"Neutral"}
    assert {label for _, label in late} == {"Tension", "Pleased"}  # nobody here is calm
    assert len(late) == 2  # one is angry, the other pleased, and they do not change places


@pytest.mark.usefixtures("unrendered")
def test_an_emotion_that_nobody_has_becomes_neutral(clips: Sequence[Clip]) -> None:
    options = scripted({"tense": [{"share": 1, "emotions": [{"calm": 1}]}]})
    assert {s.label for s in one(clips, options).truth} == {"Neutral"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corpora": {"nowhere": 1}}, "nowhere: .*: 0; expected"),
        ({"corpora": {"few": 1}}, "few: speakers not used in training: 1; expected 2"),
        ({"corpora": {"mute": 1}}, "mute: .*: 0; expected"),
        ({"corpora": {"few": 1}, "speakers": (1, 1), "sound": {"noise": "babble"}}, "babble"),
    ],
)
def test_speech_that_does_not_suffice_is_an_error(
    clips: Sequence[Clip], tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    few = [replace(c, corpus="few") for c in clips if c.speaker == "s0"]
    click = np.zeros(RATE)
    click[8000:8800] = 0.5
    mute = [Clip(write_wav(tmp_path / f"{k}.wav", click), "mute", f"m{k}", "sad") for k in range(3)]
    material = few if "babble" in message else [*clips, *few, *mute]
    with pytest.raises(ConfigError, match=message):
        list(simulate(suite(**options), material))


def test_an_unknown_scene_is_an_error(clips: Sequence[Clip]) -> None:
    with pytest.raises(ConfigError, match="unknown scenes moon; expected some of talk"):
        list(simulate(suite(), clips, ["moon"]))


def test_those_alike_are_the_nearest() -> None:
    angles = np.radians([0, 90, 100, 200, 115])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert sorted(most_alike(vectors, 2)) == [1, 2]
    assert most_alike(vectors, 3)[2] == 4
    assert most_alike(vectors, 1) == [1]


def test_alike_voices_are_drawn(clips: Sequence[Clip]) -> None:
    made = one(clips, suite(alike=True, fresh_share=0, minutes=0.3))
    assert len({s.speaker for s in made.truth}) == 2
    assert digest(one(clips, suite(alike=True, fresh_share=0, minutes=0.3))) == digest(made)


def cli(*arguments: str | Path) -> tuple[int, str]:
    done = RUN.invoke(app, ["simulate", *map(str, arguments)])
    if isinstance(done.exception, RessentiError):
        return done.exception.exit_code, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def on_disk(clips: Sequence[Clip], tmp_path: Path) -> tuple[Path, Path]:
    lines = [f"{c.path},{c.speaker},{c.emotion},tones" for c in clips]
    (tmp_path / "labels.csv").write_text("\n".join(["path,speaker,label,corpus", *lines]) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(
        "scenes: {a: {corpora: {tones: 1}, minutes: 0.2, conversations: 2}, b: {corpora: {tones: 1}, minutes: 0.2}}",
        encoding="utf-8",
    )
    return tmp_path / "labels.csv", tmp_path / "mine.yaml"


def test_the_command_writes_folders_of_scenes(on_disk: tuple[Path, Path], tmp_path: Path) -> None:
    labels, mine = on_disk
    out = tmp_path / "out"
    code, text = cli(labels, "--suite", mine, "--out", out)
    assert code == 0, text
    assert "3 conversations" in text
    names = {str(p.relative_to(out)) for p in out.rglob("*.*")}
    stems = ("a/a-01", "a/a-02", "b/b-01")
    assert names == {"suite.json"} | {f"{s}{end}" for s in stems for end in (".flac", ".rttm", ".emotions.csv")}
    about = json.loads((out / "suite.json").read_text(encoding="utf-8"))
    assert about["scenes"] == ["a", "b"]
    assert Suite.model_validate(about["suite"]) == load_suite(str(mine))
    before = {p: p.read_bytes() for p in out.rglob("*.*")}
    assert cli(labels, "--suite", mine, "--out", out)[0] == errors.OutputExistsError.exit_code
    assert cli(labels, "--suite", mine, "--out", out, "--overwrite")[0] == 0
    assert {p: p.read_bytes() for p in out.rglob("*.*")} == before
    other = tmp_path / "other"
    arguments = ("--scene", "a", "--conversations", "1", "--seed", "9", "--quiet")
    assert cli(labels, "--suite", mine, "--out", other, *arguments) == (0, "")
    assert {p.name for p in other.rglob("*.flac")} == {"a-01.flac"}
    assert (other / "a" / "a-01.flac").read_bytes() != before[out / "a" / "a-01.flac"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scene", "moon"), "unknown scenes moon"),
        (("--suite", "moon"), "moon: no such suite"),
        ((), "ravdess|nemo|emodb|librispeech"),  # the standard suite's corpora are not there
    ],
)
def test_the_command_refuses_what_does_not_fit(
    on_disk: tuple[Path, Path], tmp_path: Path, arguments: Sequence[str], message: str
) -> None:
    import re

    labels, mine = on_disk
    arguments = [*arguments] if "--suite" in arguments or not arguments else ["--suite", str(mine), *arguments]
    code, text = cli(labels, "--out", tmp_path / "out", *arguments)
    assert code == errors.ConfigError.exit_code
    assert re.search(message, text)
    assert not (tmp_path / "out").exists()
