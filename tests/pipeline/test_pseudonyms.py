"""No name of a speaker, a recording or a folder is left in any file that `--pseudonyms` writes."""

import base64
import gzip
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from conftest import noise, write_wav
from ressenti import People
from ressenti.pipeline import store
from ressenti.pipeline.cli import outputs
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.edits import pseudonyms
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.records import Corrections, EmotionScores, Sound, SpeakerName, Word
from ressenti.pipeline.run import analyze
from ressenti.pipeline.sounds.fake import FakeSounds

NAMES = ("geheim", "zoé", "maximilian", "verlobte")
SEGMENTS = [(0.5, 4.0, "S1"), (5.0, 9.0, "S2"), (9.5, 20.0, "S1")]


def insides(path: Path) -> str:
    """All text in a file, also in what is packed inside it."""
    data = path.read_bytes()
    texts = [data.decode("utf-8", "ignore")]
    if path.suffix in (".docx", ".xlsx"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            texts += [name + archive.read(name).decode("utf-8", "ignore") for name in archive.namelist()]
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        texts += [str(table.schema.metadata), json.dumps(table.to_pylist(), ensure_ascii=False)]
    if path.suffix == ".html":
        packed = re.findall(r'<script type="text/plain" id="(?!mp3|plotly)\w+">([^<]*)</script>', texts[0])
        assert len(packed) == 1
        texts += [gzip.decompress(base64.b64decode(part)).decode() for part in packed]
    return "\n".join(texts).casefold()


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """An analysed and corrected conversation that is full of names."""
    folder = tmp_path / "Geheim"
    folder.mkdir()
    recording = write_wav(folder / "Anruf Geheim.wav", noise(30))
    made = analyze(
        recording,
        people=People(names=("Zoé Geheim", "Max")),
        diarizer=FakeDiarizer(SEGMENTS),
        emotion_model=FakeEmotion(lambda _: EmotionScores((0.9, 0.02, 0.04, 0.02, 0.02))),
        sound_detector=FakeSounds([Sound("cough", 4.0, 4.5, 0.8)]),
    )
    paths = {"model": str(folder / "model"), "validation": "geheim/validation.json"}
    groups = {group: values for group, values in made.config.items() if isinstance(values, dict)}
    config = made.config | {
        group: {**values, **{k: v for k, v in paths.items() if k in values}} for group, values in groups.items()
    }
    corrected = with_corrections(made, Corrections(names=(SpeakerName("S2", "Maximilian Verlobte"),)))
    words = tuple(Word(1 + 0.5 * k, 1.4 + 0.5 * k, text, 0) for k, text in enumerate(["nobody", "is", "named", "here"]))
    path = folder / "Anruf Geheim.json"
    path.write_text(store.dumps(replace(corrected, config=config, words=words)), encoding="utf-8")
    return path


def report(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_no_name_is_left_in_any_format(stored: Path, tmp_path: Path, lang: str) -> None:
    every = ",".join(outputs.FORMATS)
    out = tmp_path / "out"
    options = ("--pseudonyms", "--bleep", "2-3", "--lang", lang, "--audio", "sidecar")
    recording = stored.with_suffix(".wav")
    done = report(stored, "--recording", recording, "--format", every, *options, "--out", out)
    assert done.exit_code == 0, done.output
    written = sorted(out.iterdir())
    assert len(written) == len(outputs.ENDINGS) + 2  # the sound, and the manifest
    name = pseudonyms.pseudonym(store.load(stored).recording.sha256)
    for path in written:
        assert path.name.lstrip(".").startswith(f"{name}.")
        found = insides(path)
        assert not [known for known in NAMES if known in found], path.name
        assert len(found) > 50


def test_the_check_itself_finds_names(stored: Path, tmp_path: Path) -> None:
    every = ",".join(outputs.FORMATS)
    assert report(stored, "--bleep", "2-3", "--format", every, "--out", tmp_path / "out").exit_code == 0
    nameless = [
        p.name for p in (tmp_path / "out").glob("[!.]*") if not [known for known in NAMES if known in insides(p)]
    ]
    assert nameless == []


def test_a_transcript_with_speakers_leaves_none(stored: Path, tmp_path: Path) -> None:
    said = [{"start": 1.0, "end": 3.0, "text": " Hello there", "speaker": "Zoé Geheim"}]
    transcript = tmp_path / "words.json"
    transcript.write_text(json.dumps({"segments": said}), encoding="utf-8")
    options = ("--pseudonyms", "--format", "json,srt,html", "--out", tmp_path / "out")
    done = report(stored, "--transcript", transcript, *options)
    assert done.exit_code == 0, done.output
    for path in (tmp_path / "out").glob("[!.]*"):
        assert "hello" in insides(path)
        assert not [known for known in NAMES if known in insides(path)]


def test_paths_in_options_keep_their_last_part(stored: Path) -> None:
    made = store.load(stored)
    for given, kept in (("/a/b/m", "m"), ("a/b/m", "m"), ("../m", "m"), ("org/model", "org/model"), ("auto", "auto")):
        hidden = pseudonyms.pseudonymised(replace(made, config={"emotion": {"model": given}}))
        assert hidden.config == {"emotion": {"model": kept}}


def test_no_embedding_of_a_voice_is_left(stored: Path) -> None:
    conversation = store.load(stored)
    known = replace(conversation, diarization=replace(conversation.diarization, embeddings=(("S1", (0.6, 0.8)),)))
    assert store.dumps(known) == store.dumps(conversation)  # none is ever written, with names or without
    assert pseudonyms.pseudonymised(known).diarization.embeddings == ()
