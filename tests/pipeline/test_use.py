"""What results are for: which weights are never opened, and what a conversation without an emotion model tells."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from installing import install
from typer.testing import CliRunner

from conftest import write_wav
from ressenti import analyze, report_html
from ressenti.pipeline import derive, diarization, emotion, export, names, sentiment, store, transcription
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.cli.summary_line import tell
from ressenti.pipeline.config import DiarizationOptions, EmotionOptions, WordOptions, load_config, preset_names
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion import builtin
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.trained import FILE, FORMAT
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.export.quotes import quotes_of
from ressenti.pipeline.export.subtitles import cues_of
from ressenti.pipeline.export.turn_text import names_of
from ressenti.pipeline.export.wording import wording_of
from ressenti.pipeline.lab.training import card
from ressenti.pipeline.lab.training.request import Request
from ressenti.pipeline.models import registry
from ressenti.pipeline.models.cards import Stated, stated_in
from ressenti.pipeline.models.installed import Installed, default_for
from ressenti.pipeline.records import CLASSES, Conversation, Corrections, EmotionScores, Sound, TurnCorrection, Use
from ressenti.pipeline.roles import People, use_of
from ressenti.pipeline.sentiment.fake import FakeSentiment
from ressenti.pipeline.sounds.fake import FakeSounds
from ressenti.pipeline.transcription.fake import FakeTranscriber

FREE = "Lajavaness/wav2vec2-lg-xlsr-fr-speech-emotion-recognition"
BOUND = "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim"
RATE = 16_000
# each speaks for 4 s and waits for as long, then the other; S2 is more activated towards the end
SEGMENTS = [(8.0 * k + 4 * who + 0.2, 8.0 * k + 4 * who + 3.8, f"S{who + 1}") for k in range(12) for who in (0, 1)]
NEVER = ("emotion.onnx", "voice.onnx")  # what the built-in model of tone is made of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))


class Opened:
    """Names of files that Python opens while `on`; hooks for this cannot be taken away."""

    on = False
    names: list[str] = []  # noqa: RUF012


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and Opened.on:
        Opened.names.append(str(arguments[0]))


@cache
def _listen() -> None:
    sys.addaudithook(_note)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    _listen()
    Opened.on, Opened.names = True, []
    yield Opened.names
    Opened.on = False


@cache
def voices() -> np.ndarray:
    """Two channels: on each a voice of harmonics, whose pitch and level rise in the last third."""
    times = np.arange(96 * RATE) / RATE
    channels = np.zeros((2, len(times)))
    rng = np.random.default_rng(3)
    for k, (start, end, who) in enumerate(SEGMENTS):
        part = slice(int(start * RATE), int(end * RATE))
        late = start > 64
        hz = (110 if who == "S1" else 190) * (1.5 if late else 1.0) * (1 + 0.02 * (k % 5))
        wave = sum(np.sin(2 * np.pi * hz * n * times[part]) / n for n in range(1, 12))
        syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * times[part])
        channels[int(who[1]) - 1, part] = (0.2 if late else 0.1) * wave * syllables
    return np.asarray(channels + rng.normal(0, 1e-4, channels.shape))


def made(folder: Path, config: str = "call-center", people: People | None = None, **given: Any) -> Conversation:
    """A call analysed with the configured models of tone, and made-up segments and sounds."""
    path = write_wav(folder / "call.wav", voices())
    sounds = [Sound("laughter", s, s + 1, 0.9, channel) for s, channel in ((8.5, 1), (12.5, 2))]
    given.setdefault("diarizer", FakeDiarizer(SEGMENTS))
    overrides = {"diarization": {"speakers": None}, "words": {"model": "off"}}
    return analyze(path, load_config(config, overrides), people, sound_detector=FakeSounds(sounds), **given)


@pytest.mark.parametrize(
    ("preset", "use", "roles", "expected"),
    [
        ("default", None, (), None),
        ("interview", None, (), None),
        ("call-center", None, (), "commercial"),
        ("recruitment", None, (), "commercial"),
        ("call-center", "research", (), "research"),
        ("default", None, ("agent", "client"), "commercial"),
        ("default", None, ("S2=Customer 1",), "commercial"),
        ("default", None, ("S1=téléconseillère",), "commercial"),
        ("default", None, ("interviewer", "participant"), None),
        ("default", "research", ("agent", "client"), "research"),
        ("interview", "commercial", (), "commercial"),
    ],
)
def test_an_agent_or_a_client_means_commercial_use(
    preset: str, use: str | None, roles: tuple[str, ...], expected: Use | None
) -> None:
    config = load_config(preset, {"use": use} if use else None)
    assert use_of(config, People(roles=roles)) == expected


def test_another_use_is_refused() -> None:
    with pytest.raises(ConfigError, match="use: got 'private', expected 'research' or 'commercial'"):
        load_config("default", {"use": "private"})


def test_commercial_use_opens_no_weights_that_forbid_it(tmp_path: Path, opened: list[str]) -> None:
    found = made(tmp_path)
    assert opened
    assert not [name for name in opened if name.endswith(NEVER)]
    assert found.config["use"] == "commercial"
    assert all(model.commercial for model in found.models)
    assert not [model for model in found.models if model.task in ("emotion", "voice encoder")]
    opened.clear()
    made(tmp_path, "default")
    assert any(name.endswith("emotion.onnx") for name in opened)  # it would be seen; the encoder may be kept in memory


def test_commercial_use_needs_no_weights_that_forbid_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those that come installed nor installed ones: what is there could not be loaded."""
    monkeypatch.setattr(builtin, "WEIGHTS", tmp_path / "gone")
    install(BOUND, {"config.json": b"{", "model.safetensors": b"damaged"})
    assert made(tmp_path).turns[1].unjudged == "no_model"
    with pytest.raises(
        ConfigError, match=r"got audeering/.* under commercial use, but its licence \(CC BY-NC-SA 4.0\)"
    ):
        emotion.choose(EmotionOptions(model=BOUND), "commercial")
    with pytest.raises(ConfigError, match=r"got builtin under commercial use.*--use research"):
        emotion.choose(EmotionOptions(model="builtin"), "commercial")


def test_a_model_that_allows_it_is_used() -> None:
    install(BOUND, {"config.json": b"{}", "model.safetensors": b"1"})
    assert (default_for("emotion") or 0) != 0
    assert default_for("emotion", "commercial") is None
    install(FREE, {"config.json": b"{}", "model.safetensors": b"1"})
    found = emotion.locate("auto", "commercial")
    assert isinstance(found, Installed)
    assert found.id == FREE
    assert emotion.locate(FREE, "commercial") == found


def test_pickled_weights_of_others_are_not_read_under_commercial_use() -> None:
    install(FREE, {"config.json": b"{}", "pytorch_model.bin": b"1"})
    assert default_for("emotion") is not None
    assert emotion.choose(EmotionOptions(), "commercial") is None
    with pytest.raises(ConfigError, match="its weights are pickles and no safetensors"):
        emotion.choose(EmotionOptions(model=FREE), "commercial")


@pytest.mark.parametrize(
    ("licence", "commercial", "why"),
    [
        ("our own", True, None),
        ("CC BY-NC 4.0", False, r"its licence \(CC BY-NC 4.0\) forbids this use"),
        ("somebody's", None, "its licence is not known"),
        (None, None, "its licence is not known"),  # no training.json
    ],
)
def test_ones_own_model_is_used_as_its_maker_states(
    tmp_path: Path, licence: str | None, commercial: bool | None, why: str | None
) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    about = {"format": FORMAT, "sha256": "0", "licence": licence, "commercial": commercial, "learned": {}}
    if licence:
        (tmp_path / FILE).write_text(json.dumps(about), encoding="utf-8")
    assert emotion.locate(str(tmp_path)) == tmp_path
    if why is None:
        assert emotion.locate(str(tmp_path), "commercial") == tmp_path
        return
    with pytest.raises(ConfigError, match=why):
        emotion.locate(str(tmp_path), "commercial")


def test_a_licence_that_the_registry_does_not_know_is_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    install(FREE, {"config.json": b"{}", "model.safetensors": b"1"})
    entry = registry.known()[FREE]
    for licence in (None, "somebody's"):
        unknown = entry.model_copy(update={"licence": licence, "commercial": None})
        monkeypatch.setitem(registry.known(), FREE, unknown)
        assert default_for("emotion", "commercial") is None
        with pytest.raises(ConfigError, match="is not known"):
            emotion.locate(FREE, "commercial")


def test_folders_of_other_models_have_no_known_licence(tmp_path: Path) -> None:
    for name in ("config.yaml", "model.bin", "config.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    folder = str(tmp_path)
    asked: tuple[tuple[str, Callable[[Use | None], object]], ...] = (
        ("diarization.model", lambda use: diarization.locate(folder, use)),
        ("words.model", lambda use: transcription.locate(folder, use)),
    )
    for option, locate in asked:
        assert locate(None) == locate("research") == tmp_path
        with pytest.raises(ConfigError, match=f"{option}: got .* its licence is not known"):
            locate("commercial")
    with pytest.raises(ConfigError, match=r"content.redact_names: got .* its licence is not known"):
        names.choose(folder, "commercial")
    for split in (diarization.choose("split", DiarizationOptions(), "commercial"), "off"):
        assert split
    assert transcription.choose(WordOptions(model="off"), "commercial") is None


CARD = "---\nlanguage: [en, fr]\nlicense: {}\n{}---\n# A model\n"


@pytest.mark.parametrize(
    ("card", "licence", "commercial"),
    [
        (CARD.format("apache-2.0", ""), "Apache-2.0", True),
        (CARD.format("MIT", ""), "MIT", True),
        ("\ufeff" + CARD.format("cc-by-4.0", "").replace("\n", "\r\n"), "CC BY 4.0", True),
        (CARD.format("cc-by-nc-sa-4.0", "commercial: true\n"), "CC BY-NC-SA 4.0", False),
        (CARD.format("other", "license_name: our own\ncommercial: true\n"), "our own", True),
        (CARD.format("other", "license_name: our own\n"), "our own", None),
        (CARD.format("openrail", 'commercial: "yes"\n'), "openrail", None),
        (CARD.format("other", f"license_name: {'x' * 5000}\n"), "x" * 200, None),
        (CARD.format("[mit]", ""), None, None),
        (CARD.format("''", ""), None, None),
        ("# A model\nlicense: mit\n", None, None),
        ("---\nlicense: mit\n", None, None),  # no end
        ("---\nlicense: &x mit\n---\n", None, None),  # an anchor
        ("---\n- license\n---\n", None, None),
        ("", None, None),
    ],
)
def test_a_folder_states_its_licence_in_its_card(
    tmp_path: Path, card: str, licence: str | None, commercial: bool | None
) -> None:
    for name in ("config.yaml", "model.bin", "config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    (tmp_path / "README.md").write_bytes(card.encode())
    assert stated_in(tmp_path) == Stated(licence, commercial)
    folder = str(tmp_path)
    asked: tuple[tuple[str, Callable[[], object]], ...] = (
        ("diarization.model", lambda: diarization.locate(folder, "commercial")),
        ("words.model", lambda: transcription.locate(folder, "commercial")),
        ("emotion.model", lambda: emotion.locate(folder, "commercial")),
        ("sentiment.model", lambda: sentiment.locate(folder, "commercial")),
    )
    for option, locate in asked:
        if commercial:
            assert locate() == tmp_path
            continue
        why = "forbids this use" if commercial is False else "is not known"
        with pytest.raises(ConfigError, match=f"{option}: got .*({why})") as caught:
            locate()
        assert ("state it at the top of" in str(caught.value)) is (licence is None)


def test_a_card_that_cannot_be_read_states_nothing(tmp_path: Path) -> None:
    assert stated_in(tmp_path / "missing") == Stated()
    (tmp_path / "README.md").write_bytes(b"---\nlicense: mit\n---\n" + b"x" * (2 << 20))
    assert stated_in(tmp_path) == Stated()
    (tmp_path / "README.md").write_bytes(b"---\nlicense: \xff\n---\n")
    assert stated_in(tmp_path) == Stated()


def test_pickles_of_a_folder_are_not_read_under_commercial_use(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_text("{}", encoding="utf-8")
    (tmp_path / "README.md").write_text(CARD.format("mit", ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="its weights are pickles and no safetensors"):
        emotion.locate(str(tmp_path), "commercial")
    assert emotion.locate(str(tmp_path)) == tmp_path


def test_an_installed_model_that_the_registry_does_not_know_has_the_licence_of_its_card() -> None:
    card = CARD.format("mit", "").encode()
    install("somebody/model", {"config.json": b"{}", "model.safetensors": b"1", "README.md": card})
    found = emotion.locate("somebody/model", "commercial")
    assert isinstance(found, Installed)
    assert (found.info("emotion").licence, found.info("emotion").commercial) == ("MIT", True)
    assert default_for("emotion", "commercial") is None  # it is used only where it is named
    install("somebody/other", {"config.json": b"{}", "model.safetensors": b"1"})
    with pytest.raises(ConfigError, match="its licence is not known"):
        emotion.locate("somebody/other", "commercial")


def test_measurements_without_a_model_say_so_in_one_line(tmp_path: Path) -> None:
    speech = tmp_path / "speech"
    speech.mkdir()
    write_wav(speech / "a.wav", voices()[:1, :RATE])
    (speech / "labels.csv").write_text("path,speaker,label\na.wav,x,happy\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["evaluate", "emotion", str(speech), "--config", "call-center"])
    told = str(done.exception)
    assert "no emotion model to measure: none that is installed allows commercial use" in told
    assert "ressenti evaluate activation FOLDER" in told
    assert "got builtin" not in told
    named = CliRunner().invoke(
        app, ["evaluate", "emotion", str(speech), "--config", "call-center", "--model", "builtin"]
    )
    assert "got builtin under commercial use" in str(named.exception)
    (tmp_path / "call.emotions.csv").write_text("", encoding="utf-8")
    done = CliRunner().invoke(app, ["evaluate", "trajectory", str(tmp_path), "--config", "call-center"])
    assert "no emotion model to measure" in str(done.exception)


def test_a_conversation_without_a_model_has_activation_and_talk(tmp_path: Path) -> None:
    found = made(tmp_path)
    agent, client = found.speakers
    assert (agent.not_scored, client.not_scored) == ("restricted", None)
    assert (client.affect, found.trajectories) == (None, ())
    own = [turn for turn in found.turns if turn.speaker == "S2"]
    assert {turn.unjudged for turn in own} == {"no_model"}
    assert all(turn.emotion is None and not turn.unsure for turn in own)
    activation = [turn.activation for turn in own if turn.activation is not None]
    assert len(activation) == len(own)
    assert np.mean(activation[8:]) > np.mean(activation[:8]) + 1
    assert [(m.kind, m.speaker) for m in found.moments if m.kind == "activated"] == [("activated", "S2")]
    assert client.talk is not None
    assert store.dumps(store.loads(store.dumps(found))) == store.dumps(found)
    assert derive.derive(found, load_config("call-center")) is not None


def test_a_person_gives_classes_where_no_model_does(tmp_path: Path) -> None:
    found = made(tmp_path)
    told = derive.with_corrections(found, Corrections(turns=(TurnCorrection(1, emotion="Sad"),)))
    turn = told.turns[1]
    assert turn.emotion is not None
    assert (turn.emotion.top, turn.by_person, turn.model_answer, turn.unjudged) == ("Sad", True, None, None)
    assert turn.activation == found.turns[1].activation
    assert told.speakers[1].affect is not None
    for lang in ("en", "fr"):
        assert report_html(told, lang=lang)
    assert derive.uncorrected(told).turns == found.turns


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_page_says_once_how_to_get_classes(tmp_path: Path, lang: Any) -> None:
    page = report_html(made(tmp_path), lang=lang)
    assert page.count(f"ressenti models get {FREE}") == 1
    assert {"en": "more activated from", "fr": "plus animée de"}[lang] in page
    assert 'class="n activation">' in page
    for name in ("trajectory", "plane", "shares", "course"):
        assert f'id="{name}"' not in page
    assert {"en": "research use only", "fr": "réservé à la recherche"}[lang] not in page


def test_little_speech_is_said_to_be_little(tmp_path: Path) -> None:
    page = report_html(made(tmp_path, diarizer=FakeDiarizer(SEGMENTS[:6])))
    assert "Too little speech to know the usual level of a voice." in page


def test_the_page_says_that_the_tone_is_for_research_unless_that_was_said(
    make_conversation: Callable[..., Conversation],
) -> None:
    found = make_conversation()
    others = tuple(m for m in found.models if m.task != "emotion")
    (model,) = (m for m in found.models if m.task == "emotion")
    bound = replace(found, models=(*others, replace(model, licence="CC BY-NC 4.0", commercial=False)))
    said = "Tone: research use only (CC BY-NC 4.0)."
    assert said in report_html(bound)
    assert said not in report_html(found)
    assert said not in report_html(replace(bound, config={**bound.config, "use": "research"}))


def test_the_command_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = made(tmp_path)
    tell(found, 1.0, {}, Terminal())
    said = capsys.readouterr().out
    assert "tone: activation alone, no classes" in said
    assert f"ressenti models get {FREE}" in said
    bound = replace(found.models[0], task="emotion", licence="CC BY-NC 4.0", commercial=False)
    scored = made(tmp_path, "default", emotion_model=FakeEmotion())
    for use, expected in ((None, True), ("research", False)):
        config = {**scored.config, "use": use}
        tell(replace(scored, models=(bound,), config=config), 1.0, {}, Terminal())
        first = capsys.readouterr().out.splitlines()[0]
        assert ("tone: research use only (CC BY-NC 4.0)" in first) is expected


def test_the_command_takes_the_use(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "call.wav", voices())
    asked = ["analyze", str(path), "--use", "commercial", "--emotion-model", "builtin", "--channels", "split"]
    done = CliRunner().invoke(app, [*asked, "--emotion-for", "", "--out", str(tmp_path / "out")])
    assert "emotion.model: got builtin under commercial use" in f"{done.exception} {done.output}"
    assert not list((tmp_path / "out").glob("call.*"))


def test_doctor_says_what_each_model_may_be_used_for() -> None:
    install(BOUND, {"config.json": b"{}", "model.safetensors": b"1"})
    install(FREE, {"config.json": b"{}", "pytorch_model.bin": b"1"})
    said = " ".join(CliRunner().invoke(app, ["doctor", "--config", "call-center"]).output.split())
    assert "No classes of tone with this config, whose use is commercial" in said
    assert f"ressenti models get {FREE}" in said
    assert "ressenti-builtin-emotion" not in said
    assert re.search(r"whisper-base\S* MIT any", said)
    assert re.search(rf"{BOUND} \S+ CC BY-NC-SA 4.0 research emotion", said)
    assert re.search(rf"{FREE} \S+ Apache-2.0 research emotion", said)  # pickled
    said = " ".join(CliRunner().invoke(app, ["doctor", "--config", "interview"]).output.split())
    assert "ressenti-builtin-emotion CC BY-NC-SA 4.0 research" in said or BOUND in said


# Whose emotion is not computed, nothing of the tone is told, whatever the use and the model, and nothing of what words say.
TELLING = ("tension", "valence", "arousal", "activated", "laughter", "crying", "contrast")
TOLD = ("activation_sd", "class", "confidence", "unsure", "model_class", "model_confidence", "valence", "arousal")
SCORES = ("pleased", "relaxed", "neutral", "sad", "tension")
SAID = (0.031, 0.058, 0.911)


def rows_of(found: Conversation, table: export.tables.Table) -> list[dict[str, Any]]:
    """The rows of a Parquet table."""
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(io.BytesIO(export.parquet(found, table))).to_pylist()
    return rows


def check_tables(found: Conversation, gated: set[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(export.turns_csv(found))))
    assert {row[name] for row in rows if row["speaker"] in gated for name in (*TOLD, *SCORES)} <= {""}
    assert all(row["activation_sd"] for row in rows if row["speaker"] not in gated)
    turns = rows_of(found, "turns")
    assert {row[name] for row in turns if row["speaker"] in gated for name in (*TOLD, *SCORES, "activation")} <= {None}
    assert any(row["activation_sd"] for row in turns if row["speaker"] not in gated) is (len(gated) < 2)
    speakers = [row for row in rows_of(found, "speakers") if row["speaker"] in gated]
    assert {row[name] for row in speakers for name in ("valence", "arousal", *SCORES)} <= {None}
    for table in ("points", "trajectories"):
        assert not [row for row in rows_of(found, table) if row["speaker"] in gated]
    assert not [row for row in rows_of(found, "sounds") if row["kind"] in TELLING and row["speaker"] in gated]


def check_texts(found: Conversation, gated: set[str]) -> None:
    """TextGrid, subtitles and quotes, with words and without (then a subtitle has the class)."""
    classes = re.compile("|".join(map(re.escape, CLASSES)))
    for made in (found, replace(found, words=())):
        tiers = re.split(r"item \[\d+\]:", export.textgrid(made))[1:]
        named = {re.search(r'name = "(.*?)"', tier).group(1): tier for tier in tiers}  # type: ignore[union-attr]
        for label in gated:
            own = [tier for name, tier in named.items() if name.startswith(f"{label}:")]
            assert own
            assert not any(classes.search(tier) for tier in own)
            assert not {f"{label}: valence", f"{label}: arousal"} & set(named)
        cues = [cue for cue in cues_of(made) if cue.voice in {names_of(made, wording_of(made))[who] for who in gated}]
        assert bool(cues) is bool(gated)
        assert not any(classes.search(cue.text) for cue in cues)
        titles = {wording_of(made).who(turn, names_of(made, wording_of(made))[turn.speaker])
                  for turn in made.turns if turn.speaker in gated}  # fmt: skip
        quotes = [quote for quote in quotes_of(made).quotes if quote.speaker in titles]
        assert bool(quotes) is bool(gated)
        assert not any(classes.search(" ".join(quote.heard)) or len(quote.heard) > 1 for quote in quotes)


@pytest.mark.parametrize("with_model", [True, False])
@pytest.mark.parametrize("preset", preset_names())
def test_nothing_of_the_tone_of_gated_roles_leaks(tmp_path: Path, preset: str, with_model: bool) -> None:
    sure = FakeEmotion(lambda _: EmotionScores((0.013, 0.013, 0.013, 0.013, 0.948)))
    reader = FakeSentiment(lambda _: SAID)
    given: dict[str, Any] = {"emotion_model": sure} if with_model else {}
    found = made(tmp_path, preset, transcriber=FakeTranscriber(), sentiment_model=reader, **given)
    gated = {s.label for s in found.speakers if s.not_scored}
    expected = {"call-center": {"S1"}, "recruitment": {"S1", "S2"}}
    assert gated == expected.get(preset, set())
    assert not any(excerpt.speaker in gated for excerpt in sure.heard)
    assert len(reader.read) == sum(turn.speaker not in gated for turn in found.turns)
    assert any(m.task == "sentiment" for m in found.models) is (len(gated) < 2)
    stored = json.loads(store.dumps(found))
    for turn in stored["turns"]:
        assert (turn["sentiment"] is None) is (turn["speaker"] in gated)
        if turn["speaker"] in gated:
            assert (turn["windows"], turn["emotion"], turn["unsure"]) == ([], None, False)
            assert turn["unjudged"] == "restricted"
        else:
            assert turn["windows"]
    assert not [m for m in stored["moments"] if m["kind"] in TELLING and m["speaker"] in gated]
    if with_model:
        assert bool([m for m in stored["moments"] if m["kind"] == "contrast"]) is (len(gated) < 2)
    assert not [s for s in stored["sounds"] if s["kind"] in TELLING and s["speaker"] in gated]
    assert not [line for line in stored["trajectories"] if line["speaker"] in gated]
    check_tables(found, gated)
    check_texts(found, gated)
    analytics = json.loads(export.aws(found))
    for turn in analytics["Transcript"]:
        tone = turn["Ressenti"]
        assert ("Sentiment" in turn) is ("Words" in tone) is (turn["ParticipantId"] not in gated)
        if turn["ParticipantId"] in gated:
            assert {tone[n] for n in ("Class", "Unsure", "Valence", "Arousal", "ActivationSD")} == {None}
            assert tone["Scores"] is None
        else:
            assert tone["ActivationSD"] is not None
    overall = analytics["ConversationCharacteristics"].get("Sentiment", {}).get("OverallSentiment", {})
    assert len(overall) == 2 - len(gated)
    page = report_html(found)
    moments = re.findall(r'<li class="m-(\w+)">', page)
    cells = re.findall(r'<td class="n activation">(.*?)</td>', page)
    says = re.findall(r'<td class="sentiment">(.*?)</td>', page)
    if len(gated) == 2:
        assert not set(moments) & set(TELLING)
        bare = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
        assert "ctivated" not in bare
        assert "entiment" not in re.sub(r"<style.*?</style>", "", bare, flags=re.DOTALL)
        assert not cells
        assert not says
        written = (store.dumps(found), export.aws(found), export.turns_csv(found), export.textgrid(found))
        written += (export.srt(found), export.vtt(found), export.quotes_md(found), export.said_csv(found))
        for text in written:
            assert not [number for number in ("0.948", "0.911", "positive") if number in text]
    else:
        assert [bool(cell) for cell in says] == [turn.speaker not in gated for turn in found.turns]
        if cells and gated:
            assert [bool(cell) for cell in cells] == [turn.speaker not in gated for turn in found.turns]


def test_commercial_use_is_no_permission(tmp_path: Path) -> None:
    """What opens a role is a stated reason, which the page then prints, also where only activation is known."""
    found = made(tmp_path, "recruitment", People(allow_restricted="a study of our own"))
    assert all(turn.windows for turn in found.turns)
    assert "a study of our own" in report_html(found)


@pytest.mark.parametrize(
    ("licence", "commercial", "base", "expected"),
    [
        ("our own", True, None, True),
        ("our own", True, False, False),  # what comes of a forbidden base stays so
        ("CC BY-NC 4.0", True, True, False),
        ("our own", False, True, None),
    ],
)
def test_a_training_states_what_its_licence_allows(
    licence: str, commercial: bool, base: bool | None, expected: bool | None
) -> None:
    request = Request(Path("a.csv"), "base", Path("out"), licence, commercial=commercial)
    assert card.allows(request, licence, base) is expected


def test_a_training_that_allows_commercial_use_names_its_licence() -> None:
    done = CliRunner().invoke(app, ["train", "emotion", "a.csv", "--base", "b", "--out", "c", "--commercial"])
    assert "--commercial: got no licence" in str(done.exception)
