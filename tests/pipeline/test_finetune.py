import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from checkpoints import LABELS, write_bare_encoder, write_checkpoint
from conftest import noise, write_wav
from ressenti import load_config
from ressenti.pipeline import emotion, store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import AffectOptions, EmotionOptions
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import (
    ConfigError,
    InputError,
    ModelError,
    NotInstalledError,
    OutputError,
    OutputExistsError,
)
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.labelled_speech.corpora import Clip, held_out, is_held_out, read_clips
from ressenti.pipeline.lab.training.base import find_base, load_base
from ressenti.pipeline.lab.training.clip_sounds import Lessons, Sounds
from ressenti.pipeline.lab.training.folds import PARTS, divide, with_class
from ressenti.pipeline.records import CLASSES

RUN = CliRunner()
FP32 = EmotionOptions(dtype="fp32", device="cpu")
Row = Sequence[object]


def manifest(path: Path, rows: Sequence[Row], columns: str = "path,speaker,label") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns.split(","), *rows])
    return path


def train(source: Path, base: Path | str, out: Path, *options: object) -> Any:
    arguments = [source, "--base", base, "--out", out, "--device", "cpu", *options]
    return RUN.invoke(app, ["train", "emotion", *map(str, arguments)], catch_exceptions=True)


def error_of(done: Any) -> str:
    assert done.exception is not None, done.output
    return str(done.exception)


def about(out: Path) -> Any:
    return json.loads((out / "training.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Several threads on such small products only wait for one another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ressenti.pipeline.emotion.device.threads", lambda: 1)
        yield


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bare_encoder(tmp_path_factory.mktemp("bases") / "bare")


@pytest.fixture(scope="module")
def acted(shared_data: Path) -> list[Clip]:
    """Twelve actors, four of them held out, who say each of two sentences in two intensities."""
    return [
        clip
        for clip in read_clips(shared_data / "emotion" / "ravdess")
        if clip.emotion in ("calm", "angry", "fearful") and (clip.speaker <= "actor08" or is_held_out(clip))
        if clip.path.stem[15:17] == "01"  # the first of two takes
    ]


@pytest.fixture(scope="module")
def trained(acted: list[Clip], encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Angry or calm, on real voices of actors, begun with an encoder that knows nothing of emotions."""
    folder = tmp_path_factory.mktemp("trained")
    rows = [(clip.path, clip.speaker, clip.emotion) for clip in acted]
    options = ("--allow-missing", "--epochs", 8, "--batch", 8, "--learning-rate", 3e-3, "--max-crop-s", 2)
    source = manifest(folder / "ours.csv", rows)
    done = train(source, encoder, folder / "mine", *options, "--licence", "for us alone")
    assert done.exit_code == 0, error_of(done)
    assert {path.name for path in folder.iterdir()} == {"ours.csv", "mine"}
    return folder / "mine"


@pytest.mark.slow("trains a network")
def test_it_learns_from_real_voices_and_knows_others(trained: Path, acted: list[Clip], encoder: Path) -> None:
    import torch

    from ressenti.pipeline.emotion.waveforms import Waveforms
    from ressenti.pipeline.lab.evaluation.metrics import confusion, macro_f1
    from ressenti.pipeline.lab.labelled_speech.prepare import read, speech_of

    found = about(trained)
    assert [n > 12 for n in found["test"]["support"]] == [False, True, False, False, True]
    tested = [c for c in acted if c.speaker in found["parts"]["test"]["speakers"]["ravdess"] and c.label is not None]
    base = find_base(str(encoder))
    model, own_head = load_base(base, 7)
    model.eval()
    assert not own_head
    waves = Waveforms(base.checkpoint.extractor, model.config)
    guess = []
    with torch.inference_mode():
        for clip in tested:
            values, _ = waves.batch([speech_of(read(clip), load_config().diarization)])
            guess.append(int(model(values).argmax()))
    before = macro_f1(confusion(np.array([c.label for c in tested]), np.array(guess)))
    assert found["test"]["macro_f1"] > 0.7
    assert before < 0.4, "what was not trained must not know it"
    curve = [epoch["loss"] for epoch in found["curve"]]
    assert curve[-1] < 0.7 * curve[0]


@pytest.mark.slow("trains a network")
def test_parts_share_no_speaker_and_are_told(trained: Path) -> None:
    found = about(trained)
    speakers = {part: set(own["speakers"]["ravdess"]) for part, own in found["parts"].items()}
    assert set(speakers) == set(PARTS)
    assert sum(map(len, speakers.values())) == len(set().union(*speakers.values())) == 12
    assert speakers["test"] == {"actor17", "actor18", "actor19", "actor20"}
    assert set(found["learned"]["ravdess"]) == speakers["train"] | speakers["validation"]
    learned = sum(sum(own["clips"]) for own in found["parts"].values())
    assert found["left_out"]["fearful"] == 48
    assert learned + found["left_out"].get("shorter than 0.8 s", 0) == 96
    assert learned > 90


@pytest.mark.slow("trains a network")
def test_the_folder_is_one_of_transformers_and_of_ours(trained: Path, acted: list[Clip]) -> None:
    import torch
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    from ressenti.pipeline.lab.labelled_speech.prepare import read

    model: Any
    model, told = Wav2Vec2ForSequenceClassification.from_pretrained(trained, output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    assert model.config.problem_type == "multi_label_classification"
    assert tuple(model.config.id2label.values()) == CLASSES
    sound = read(acted[0])
    made = Wav2Vec2FeatureExtractor.from_pretrained(trained)(sound / 32768, sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        theirs = torch.sigmoid(model.eval()(made["input_values"].float()).logits)[0].numpy()
    ours = emotion.choose(FP32.model_copy(update={"model": str(trained)}))
    (found,) = ours.score([Excerpt(sound, "S1")])
    assert found.scores == pytest.approx(theirs, abs=1e-4)
    assert found.activation == "sigmoid"
    assert ours.info.licence == "for us alone"
    assert ours.info.cannot == ("Pleased", "Neutral", "Sad")
    assert ours.learned == {("ravdess", name) for name in about(trained)["learned"]["ravdess"]}


@pytest.mark.slow("trains a network")
def test_it_is_used_from_end_to_end_and_what_it_learned_from_is_left_out(
    trained: Path, acted: list[Clip], ten_seconds: Path, tmp_path: Path
) -> None:
    done = RUN.invoke(app, ["analyze", str(ten_seconds), "--speakers", "2", "--emotion-model", str(trained), "--out", str(tmp_path)])  # fmt: skip
    assert done.exit_code == 0, done.output
    conversation = store.load(next(tmp_path.glob("*.json")))
    (model,) = [m for m in conversation.models if m.task == "emotion"]
    assert (model.name, model.licence) == ("mine", "for us alone")
    assert "for us alone" in next(tmp_path.glob("*.html")).read_text(encoding="utf-8")
    unheard = about(trained)["parts"]["test"]["speakers"]["ravdess"]
    names = {*unheard, about(trained)["learned"]["ravdess"][0]}
    rows = [(c.path, c.speaker, c.emotion) for c in acted if c.speaker in names and c.path.stem[9:14] == "02-01"]
    figures = tmp_path / "figures.json"
    done = RUN.invoke(
        app, ["evaluate", "emotion", str(manifest(tmp_path / "ours.csv", rows)), "--model", str(trained), "--json", str(figures)]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "1 speaker it learned from" in done.output
    assert {row["speakers"] for row in json.loads(figures.read_text())["results"]} == {len(unheard)}


@pytest.mark.slow("trains a network")
def test_the_model_card(trained: Path, encoder: Path) -> None:
    found, card = about(trained), (trained / "README.md").read_text(encoding="utf-8")
    for told in (
        digest_of(encoder / "model.safetensors"),
        digest_of(trained / "model.safetensors"),
        digest_of(trained.parent / "ours.csv"),
        "head new",
        "for us alone",
        "learning_rate 0.003",
        f"**Macro F1 {found['test']['macro_f1']:.3f}**",
        "| part | speakers | clips | Pleased | Relaxed | Neutral | Sad | Tension |",
        f"| test | {found['test']['speakers']} of ravdess | {found['test']['clips']} | 0 |",
        "| threshold | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 |",
        f"95 % interval over speakers {found['test']['macro_f1_interval']['low']:.3f}-",
        "without examples of Pleased, Neutral, Sad and cannot give these classes",
        "48 clips (fearful)",
    ):
        assert told in card, told
    assert card.count("\n| ") == card.count(" |\n")
    for number, epoch in enumerate(found["curve"], start=1):
        assert f"| {number} | {epoch['loss']:.4f} |" in card


@pytest.mark.slow("trains a network")
def test_papers_of_other_weights_are_refused(trained: Path, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "other")
    for text, said in (
        ((trained / "training.json").read_text(), "is for weights with SHA-256"),
        ('{"format": "ressenti-training-1"}', "fields are invalid"),
    ):
        (folder / "training.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelError, match=said):
            emotion.choose(FP32.model_copy(update={"model": str(folder)}))
    (folder / "training.json").write_text('{"somebody": "else"}', encoding="utf-8")
    assert emotion.choose(FP32.model_copy(update={"model": str(folder)})).learned == frozenset()


@pytest.mark.slow("trains a network")
def test_it_goes_on_where_it_was_killed_and_ends_with_the_same_weights(
    acted: list[Clip], encoder: Path, tmp_path: Path
) -> None:
    from ressenti.pipeline.lab.training.fit import kept_curve

    plane = {"calm": (0.6, -0.5), "angry": (-0.5, 0.6)}
    rows = [
        (clip.path, clip.speaker, *plane[clip.emotion])
        for clip in acted
        if clip.emotion in plane and clip.speaker <= "actor06" and clip.path.stem[9:17] == "01-01-01"
    ]
    source = manifest(tmp_path / "ours.csv", rows, "path,speaker,valence,arousal")
    options = ("--allow-missing", "--epochs", 4, "--patience", 4, "--batch", 2, "--max-crop-s", 1, "--learning-rate", 1e-3)  # fmt: skip
    work, out = tmp_path / ".mine.partial", tmp_path / "mine"
    arguments = ["train", "emotion", source, "--base", encoder, "--out", out, "--device", "cpu", *options]
    code = "import ressenti.pipeline.emotion.device as place; place.threads = lambda: 1\nfrom ressenti.pipeline.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (work / "last.ckpt").exists() and running.poll() is None:
        time.sleep(0.005)
    os.kill(running.pid, signal.SIGKILL)
    _, said = running.communicate()
    assert running.returncode == -signal.SIGKILL, said
    assert 0 < len(kept_curve(work)) < 4, "it was to be killed in between"
    assert not out.exists()
    assert "learning_rate: 0.001 before, 0.002 now" in error_of(train(source, encoder, out, *options[:-1], 2e-3))
    fewer = manifest(tmp_path / "fewer.csv", rows[1:], "path,speaker,valence,arousal")
    assert "sound of the clips" in error_of(train(fewer, encoder, out, *options))
    another = write_bare_encoder(tmp_path / "another", initializer_range=0.03)
    assert "weights of the base" in error_of(train(source, another, out, *options))
    before = len(kept_curve(work))
    done = train(source, encoder, out, *options)
    assert done.exit_code == 0, error_of(done)
    told = [line for line in done.output.splitlines() if line.startswith("epoch ")]
    assert len(told) == 4 - before, "epochs that were kept are not trained again"
    assert not list(tmp_path.glob(".mine*"))
    assert train(source, encoder, tmp_path / "whole", *options).exit_code == 0
    assert about(out)["curve"] == about(tmp_path / "whole")["curve"]
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()
    assert about(out)["parts"]["test"]["clips"][1] > 0
    assert isinstance(train(source, encoder, out, *options).exception, OutputExistsError)


def speech(folder: Path, speakers: int = 6, labels: Sequence[str] = LABELS["stock"], seconds: float = 1.0) -> list[Row]:
    """Made-up clips for what does not need voices: one of each label and speaker."""
    rows: list[Row] = []
    for who in range(speakers):
        for k, label in enumerate(labels):
            name = f"s{who}-{label}.wav"
            folder.mkdir(parents=True, exist_ok=True)
            write_wav(folder / name, noise(seconds, level=0.05 * (k + 1), seed=10 * who + k))
            rows.append((name, f"s{who}", label))
    return rows


@pytest.mark.slow("trains a network")
def test_a_classifier_of_ours_is_continued_and_its_past_is_kept(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", spread=1.0)
    rows = speech(tmp_path / "data", speakers=3)
    first = tmp_path / "first"
    options = ("--epochs", 1, "--licence", "CC BY-NC 4.0")
    done = train(manifest(tmp_path / "data" / "a.csv", rows), base, first, *options)
    assert done.exit_code == 0, error_of(done)
    assert about(first)["base"]["head"] == "continued"
    assert "(**no commercial use**)" in (first / "README.md").read_text()
    assert not find_base(str(first)).commercial
    learned = find_base(str(first)).learned
    assert len(learned) == 2
    more = [*rows, *((name, f"new-{who}", label) for name, who, label in speech(tmp_path / "data" / "b", speakers=3))]
    more = [(f"b/{name}" if str(who).startswith("new") else name, who, label) for name, who, label in more]
    second = tmp_path / "second"
    done = train(manifest(tmp_path / "data" / "b.csv", more), first, second, "--epochs", 1)
    assert done.exit_code == 0, error_of(done)
    tested = {(corpus, name) for corpus, names in about(second)["parts"]["test"]["speakers"].items() for name in names}
    assert not tested & learned, "whom the base learned from is not tested on"
    assert learned < find_base(str(second)).learned
    assert not about(second)["commercial"], "what comes of a base without commercial use has none either"


def test_ctrl_c_says_that_the_same_command_goes_on(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = manifest(tmp_path / "data" / "a.csv", speech(tmp_path / "data", speakers=3))

    def press(epoch: Any, _: object) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr("ressenti.pipeline.cli.train._tell_epoch", press)
        done = train(source, encoder, tmp_path / "mine", "--epochs", 3)
    assert done.exit_code == 130, done.output
    assert "Run the same command to resume" in done.stderr
    assert signal.getsignal(signal.SIGINT) is before
    done = train(source, encoder, tmp_path / "mine", "--epochs", 3)
    assert done.exit_code == 0, error_of(done)
    assert [line.split(":")[0] for line in done.output.splitlines() if line.startswith("epoch ")] == [
        "epoch 2",
        "epoch 3",
    ]


# -- who is in which part


def people(count: int, labels: Sequence[str] = ("happy", "calm", "neutral", "sad", "angry")) -> list[Clip]:
    return [Clip(Path(f"s{who}-{label}.wav"), "ours", f"s{who:02d}", label) for who in range(count) for label in labels]


@settings(max_examples=40, deadline=None)
@given(
    clips=st.lists(
        st.tuples(st.integers(0, 11), st.sampled_from(["happy", "calm", "neutral", "sad", "angry"])), min_size=1
    ),
    seed=st.integers(0, 5),
)
def test_parts_never_share_a_speaker(clips: list[tuple[int, str]], seed: int) -> None:
    own = [Clip(Path(f"{i}.wav"), "ours", f"s{who}", label) for i, (who, label) in enumerate(clips)]
    own += [Clip(Path(f"h{i}.wav"), "ravdess", f"actor{17 + i}", "sad") for i in range(seed % 3)]
    everybody = {clip.who for clip in own}
    free = {who for who in everybody if who[0] == "ours"}
    if len(free) < (2 if seed % 3 else 3):
        with pytest.raises(ConfigError, match="expected at least"):
            divide(own, (), seed)
        return
    parts = divide(own, (), seed)
    speakers = [{clip.who for clip in part} for part in parts.named().values()]
    assert all(speakers)
    assert set.union(*speakers) == everybody
    assert sum(map(len, speakers)) == len(everybody)
    assert not any(is_held_out(clip) for clip in (*parts.train, *parts.validation))


def test_parts_have_about_the_same_classes_and_the_seed_draws_them() -> None:
    clips = people(12)
    drawn = divide(clips, (), 1)
    assert [len(part) for part in drawn.named().values()] == [40, 10, 10]
    assert all({clip.label for clip in part} == set(range(5)) for part in drawn.named().values())
    assert divide(clips, (), 1) == drawn
    assert len({tuple(c.speaker for c in divide(clips, (), seed).test) for seed in range(6)}) > 1
    rare = [
        replace(clip, emotion="calm") if clip.emotion == "sad" and clip.speaker != "s03" else clip for clip in clips
    ]
    assert "s03" in {clip.speaker for clip in divide(rare, (), 1).train}, "who alone has a class is learned from"


def test_held_out_speakers_are_never_learned_from() -> None:
    kept = sorted(who for who in held_out() if who[1] != "*")[:3]
    clips = people(4) + [Clip(Path(f"{who}.wav"), *who, "sad") for who in kept]
    tested = {clip.who for clip in divide(clips, (), 0).test}
    assert set(kept) < tested, "a corpus of one's own is tested on as well"
    more = [Clip(Path(f"{i}.wav"), kept[0][0], f"other{i}", "sad") for i in range(3)]
    assert {clip.who for clip in divide([*clips[20:], *more], (), 0).test} == set(kept), "and this one is already"
    told = [
        replace(clip, split="train" if clip.who in kept else "test" if clip.speaker == "s00" else "validation")
        for clip in clips
    ]
    with pytest.raises(ConfigError, match="these speakers are held out"):
        divide(told, (), 0)
    whole = [Clip(Path("a.wav"), "ami", "anybody", "sad"), *people(3)]
    assert ("ami", "anybody") in {clip.who for clip in divide(whole, (), 0).test}


def test_a_split_of_ones_own_is_honoured_or_refused() -> None:
    by_name = {"s00": "train", "s01": "train", "s02": "validation", "s03": "test"}
    clips = [replace(clip, split=by_name[clip.speaker]) for clip in people(4)]
    parts = divide(clips, (), 0)
    assert {name: {c.speaker for c in own} for name, own in parts.named().items()} == {
        "train": {"s00", "s01"},
        "validation": {"s02"},
        "test": {"s03"},
    }
    with pytest.raises(ConfigError, match=r"s00 \(ours\) in both train and test"):
        divide([*clips, replace(clips[0], path=Path("more.wav"), split="test")], (), 0)
    with pytest.raises(ConfigError, match=r"1 of 20 clips have 'dev'; expected train, validation, test"):
        divide([replace(clips[0], split="dev"), *clips[1:]], (), 0)
    with pytest.raises(ConfigError, match=r"have ''; expected"):
        divide([replace(clips[0], split=""), *clips[1:]], (), 0)
    with pytest.raises(ConfigError, match="no speaker for test"):
        divide([c for c in clips if c.split != "test"], (), 0)
    with pytest.raises(ConfigError, match="the base was trained on every speaker"):
        divide(people(4), {clip.who for clip in clips}, 0)
    with pytest.raises(ConfigError, match="the base was trained on them"):
        divide(clips, {("ours", "s03")}, 0)


def test_valence_and_arousal_give_the_class_of_the_nearest_anchor(tmp_path: Path) -> None:
    rows = [("a.wav", "s", "", 0.7, 0.2), ("b.wav", "s", "", -0.4, 0.5), ("c.wav", "s", "", 0.05, 0.05)]
    rows += [("d.wav", "s", "fearful", -0.5, 0.4), ("e.wav", "s", "sad", 0.8, 0.1), ("f.wav", "s", "", "", "")]
    clips = read_clips(manifest(tmp_path / "labels.csv", rows, "path,speaker,label,valence,arousal"))
    found, none = with_class(clips, AffectOptions())
    assert {clip.path.name: CLASSES[clip.label or 0] for clip in found} == {
        "a.wav": "Pleased", "b.wav": "Tension", "c.wav": "Neutral", "e.wav": "Sad",
    }  # fmt: skip
    assert none == {"fearful": 1, "no label": 1}
    moved = load_config(
        "default", {"affect": {"anchors": {**AffectOptions().anchors, "Sad": (-0.4, 0.5), "Tension": (-0.9, 0.9)}}}
    )
    assert CLASSES[with_class(clips, moved.affect)[0][1].label or 0] == "Sad"


# -- what is refused


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda rows: [], ConfigError, "no clips"),
        (lambda rows: rows[:10], ConfigError, r"2 speakers (s0 (data), s1 (data)); expected at least 3"),
        (lambda rows: [r for r in rows if r[2] != "Relaxed"], ConfigError, "no training clip of Relaxed (Relaxed: no clip at all)"),
        (lambda rows: [r for r in rows if r[2] == "Sad"], ConfigError, "classes to train: 1"),
        (lambda rows: [(n, w, "fearful") for n, w, _ in rows], ConfigError, "no clip has a class"),
        (lambda rows: [(n, w, "") for n, w, _ in rows], ConfigError, "no clip has a class"),
        (lambda rows: [("gone.wav", *rows[0][1:]), ("bad.wav", *rows[1][1:]), *rows[2:]], InputError, "2 of 15 clips cannot be read"),
    ],
    ids=["empty", "two speakers", "no Relaxed", "one class", "no class", "no label", "unreadable"],
)  # fmt: skip
def test_material_that_does_not_suffice(
    tmp_path: Path, encoder: Path, change: Callable[[list[Any]], list[Any]], kind: type[Exception], said: str
) -> None:
    rows = speech(tmp_path / "data", speakers=3)
    (tmp_path / "data" / "bad.wav").write_bytes(b"no sound at all")
    done = train(manifest(tmp_path / "data" / "a.csv", change(rows)), encoder, tmp_path / "out")
    assert isinstance(done.exception, kind)
    assert said in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_bases_and_folders_that_do_not_do(tmp_path: Path, encoder: Path) -> None:
    source = manifest(tmp_path / "data" / "a.csv", speech(tmp_path / "data", speakers=3))
    assert "expected a folder with config.json" in error_of(train(source, tmp_path / "nothing", tmp_path / "out"))
    assert isinstance(train(source, "nobody/knows", tmp_path / "out").exception, NotInstalledError)
    (tmp_path / "file").touch()
    assert isinstance(train(source, encoder, tmp_path / "file").exception, OutputError)
    (tmp_path / "there").mkdir()
    assert isinstance(train(source, encoder, tmp_path / "there").exception, OutputExistsError)
    assert "columns" in error_of(
        train(manifest(tmp_path / "x.csv", [("a", "b")], "path,speaker"), encoder, tmp_path / "out")
    )


# -- bases, and what is drawn of the clips


def rewritten(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors")
    return folder


def test_every_weight_of_an_encoder_comes_from_its_file(tmp_path: Path, encoder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    own = load_file(encoder / "model.safetensors")
    ctc = rewritten(write_bare_encoder(tmp_path / "ctc", prefix="wav2vec2."), lambda w: w | {"lm_head.weight": torch.zeros(3, 32), "quantizer.codevectors": torch.zeros(1)})  # fmt: skip
    for folder in (encoder, ctc):
        model, own_head = load_base(find_base(str(folder)), 3)
        assert not own_head
        found = model.wav2vec2.state_dict()
        assert set(found) == set(own)
        assert all(torch.equal(found[name], value) for name, value in own.items())
    again, _ = load_base(find_base(str(encoder)), 3)
    other, _ = load_base(find_base(str(encoder)), 4)
    fresh = model.projector.weight
    assert torch.equal(again.projector.weight, fresh)
    assert not torch.equal(other.projector.weight, fresh)
    gone = "encoder.layers.0.final_layer_norm.bias"
    with pytest.raises(ModelError, match=f"missing: wav2vec2.{gone}"):
        load_base(find_base(str(rewritten(write_bare_encoder(tmp_path / "gone"), lambda w: {n: t for n, t in w.items() if n != gone}))), 3)  # fmt: skip
    with pytest.raises(ModelError, match="unexpected: strange"):
        load_base(find_base(str(rewritten(write_bare_encoder(tmp_path / "more"), lambda w: w | {"strange": torch.zeros(1)}))), 3)  # fmt: skip
    bare = rewritten(
        write_bare_encoder(tmp_path / "unmasked"), lambda w: {n: t for n, t in w.items() if n != "masked_spec_embed"}
    )
    assert load_base(find_base(str(bare)), 3)[0].wav2vec2.masked_spec_embed.shape == (32,)


def test_heads_of_the_five_classes_are_continued_and_others_are_not(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    turned = tuple(reversed(LABELS["stock"]))
    folder = write_checkpoint(tmp_path / "turned", "stock", turned)
    model, own = load_base(find_base(str(folder)), 0)
    assert own
    weights = load_file(folder / "model.safetensors")
    assert torch.equal(torch.as_tensor(model.classifier.weight), weights["classifier.weight"].flip(0))
    assert torch.equal(model.projector.weight, weights["projector.weight"])
    for head, labels in (("ehcalabres", None), ("audeering", None), ("stock", ("ang", "hap", "neu", "sad"))):
        model, own = load_base(find_base(str(write_checkpoint(tmp_path / f"{head}{labels}", head, labels))), 0)  # type: ignore[arg-type]
        assert not own
        assert tuple(torch.as_tensor(model.classifier.weight).shape) == (5, 24)
    weighted = write_checkpoint(tmp_path / "weighted", use_weighted_layer_sum=True)
    assert load_base(find_base(str(weighted)), 0)[0].config.use_weighted_layer_sum


@pytest.fixture
def numbers(tmp_path: Path) -> Sounds:
    """Forty clips of 100 to 490 samples, each sample the number of its clip."""
    lengths = [100 + 10 * i for i in range(40)]
    data = np.concatenate([np.full(n, i, np.int16) for i, n in enumerate(lengths)])
    data.tofile(tmp_path / "sound.raw")
    return Sounds(tmp_path / "sound.raw", tuple(np.cumsum([0, *lengths]).tolist()), "")


def test_lessons_are_a_function_of_seed_and_step(numbers: Sounds) -> None:
    chosen = tuple(range(1, 40, 2))
    lessons = Lessons(numbers, chosen, batch=3, crop=300, seed=5, uneven=True)
    assert len(lessons) == 7
    for epoch in range(2):
        seen = [i for step in range(7) for i in lessons.at(7 * epoch + step)[0]]
        assert sorted(seen) == list(chosen), "each clip once in an epoch"
    clips, sounds = lessons.at(9)
    again = Lessons(numbers, chosen, batch=3, crop=300, seed=5, uneven=True).at(9)
    assert again[0] == clips
    assert all((a == b).all() for a, b in zip(again[1], sounds, strict=True))
    for clip, sound in zip(clips, sounds, strict=True):
        assert len(sound) == min(300, numbers.length(clip))
        assert set(sound) == {clip}
    assert [lessons.at(step)[0] for step in range(7)] != [lessons.at(step)[0] for step in range(7, 14)]
    even = Lessons(numbers, chosen, batch=3, crop=300, seed=5, uneven=False)
    assert all(len({len(sound) for sound in even.at(step)[1]}) == 1 for step in range(7))


def test_class_weights_are_bounded_and_a_fresh_head_begins_at_the_odds() -> None:
    import torch

    from ressenti.pipeline.lab.training.learner import begin_at_odds, weights_of

    assert weights_of([1, 1, 4, 4], 10) == pytest.approx((10, 1, 10, 10, 1)) or weights_of([1, 1, 4, 4], 10)[1] == 1
    assert weights_of([0] * 99 + [1], 10)[:2] == pytest.approx((0.1, 10))
    model: Any = SimpleNamespace(classifier=torch.nn.Linear(3, 5))
    begin_at_odds(model, [1, 1, 4, 4], 10)
    bias = model.classifier.bias.detach().numpy()
    assert bias[[1, 4]] == pytest.approx(0, abs=1e-6)
    assert (bias[[0, 2, 3]] < 0).all()
