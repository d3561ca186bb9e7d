import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from checkpoints import write_checkpoint
from conftest import CHECKOUT, SEGMENTS, write_wav
from ressenti import analyze
from ressenti.pipeline.audio import load
from ressenti.pipeline.config import AudioOptions, Config, load_config, preset_names
from ressenti.pipeline.config.option_group import Group
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import ConfigError, TruncatedError, UntrustedModelError
from ressenti.pipeline.records import EmotionScores

PYANNOTE = """
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params: {clustering: AgglomerativeClustering, segmentation: pytorch_model.bin, embedding: pytorch_model.bin}
"""


def test_the_default_preset_says_what_the_code_says() -> None:
    stored = yaml.safe_load((CHECKOUT / "configs" / "default.yaml").read_text(encoding="utf-8"))
    assert Config.model_validate(stored) == Config()
    assert stored.pop("use") is None
    assert {group: set(values) for group, values in stored.items()} == {
        group: set(values) for group, values in Config().model_dump(exclude={"use"}).items()
    }


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name: str) -> None:
    assert load_config(name).audio == Config().audio


def test_the_presets_that_the_manual_names_exist() -> None:
    assert {"default", "call-center", "interview", "recruitment"} <= set(preset_names())


@pytest.mark.words
@pytest.mark.slow("analyses a real recording eight times")
def test_every_option_is_read(sample: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs everything with options that remember who looks at them, by group; what only the page reads is by name."""
    read: set[tuple[str, str]] = set()
    groups = {type(getattr(Config(), name)): name for name in Config.model_fields}

    def watched(self: object, name: str) -> object:
        group = groups.get(type(self))  # type: ignore[arg-type]
        if group is not None and name in type(self).model_fields:  # type: ignore[attr-defined]
            read.add((group, name))
        return object.__getattribute__(self, name)

    config = load_config("call-center")
    monkeypatch.setattr(Group, "__getattribute__", watched, raising=False)
    _, sound = load(sample[0], AudioOptions())
    voice = sound.samples[0].astype(float) / 32768
    half = np.arange(len(voice)) < len(voice) // 2
    split = write_wav(tmp_path / "split.wav", np.stack([voice * half, voice * ~half]))
    analyze(sample[0], Config())
    analyze(sample[0], load_config("default", {"diarization": {"speakers": 5}}))
    analyze(split, config)
    alike = write_wav(tmp_path / "alike.wav", np.stack([voice, -voice]))
    analyze(alike, Config(), diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion())
    cut = tmp_path / "cut.wav"  # some options matter only to damaged recordings and to overlap
    cut.write_bytes(sample[0].read_bytes()[:200_000])
    with pytest.raises(TruncatedError):
        analyze(cut, config)
    analyze(sample[0], config, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion())
    regression = load_config("default", {"emotion": {"model": str(write_checkpoint(tmp_path / "mine", "audeering"))}})
    analyze(sample[0], regression, diarizer=FakeDiarizer(SEGMENTS))
    own = FakeEmotion(lambda _: EmotionScores((0.9, 0.1, 0.6, 0.1, 0.1), "sigmoid"))
    analyze(sample[0], Config(), diarizer=FakeDiarizer(SEGMENTS), emotion_model=own)
    (tmp_path / "pytorch_model.bin").write_bytes(b"no manifest names it")
    (tmp_path / "config.yaml").write_text(PYANNOTE, encoding="utf-8")
    with pytest.raises(UntrustedModelError):
        analyze(sample[0], load_config("default", {"diarization": {"model": str(tmp_path)}}))
    page = "\n".join(p.read_text(encoding="utf-8") for p in (CHECKOUT / "reports").glob("*.py"))
    shown = {("report", "lang"), ("words", "unsure_below"), ("emotion", "thin_baseline_s")} | {
        ("dynamics", f"flag_{name}") for name in ("share", "monologue_s", "silence_s")
    }
    for group, name in shown:
        assert f'["{name}"]' in page, f"{group}.{name} is not shown"
    heard = {("report", "audio")}  # the command line puts the sound into the page
    assert "options.report.audio" in (CHECKOUT / "pipeline" / "cli" / "analyze.py").read_text(encoding="utf-8")
    heard.add(("report", "csv_locale"))  # only exports read it
    tables = (CHECKOUT / "pipeline" / "export" / "csv_locale.py").read_text(encoding="utf-8")
    assert '.get("csv_locale")' in tables
    content = {("content", name) for name in Config().model_dump()["content"]} - read
    figures = "\n".join(p.read_text(encoding="utf-8") for p in (CHECKOUT / "pipeline" / "content").glob("*.py"))
    for group, name in content:  # an analysis leaves the words to the page and the exports
        assert f"options.{name}" in figures, f"{group}.{name}"
    seldom = {  # where a channel has two voices, where voices are known, beside music, and with a model of texts
        ("diarization", "channel_alone_share"): "diarization/channel_voices.py",
        ("voices", "false_alarm"): "voices/recognition.py",
        ("sounds", "announcement_likeness"): "sounds/announcements.py",
        ("sounds", "announcement_near_s"): "sounds/announcements.py",
        ("sounds", "min_announcement_s"): "sounds/announcements.py",
        ("sentiment", "labels"): "sentiment/__init__.py",
        ("sentiment", "least_words"): "sentiment/turns.py",
    }
    for (group, name), path in seldom.items():
        assert f"options.{name}" in (CHECKOUT / "pipeline" / path).read_text(encoding="utf-8"), f"{group}.{name}"
    options = {(group, name) for group, values in Config().model_dump(exclude={"use"}).items() for name in values}
    assert options - read - shown - heard - content - set(seldom) == set()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("audio: {chanels: mono}", "audio.chanels: unknown option, did you mean channels?"),
        ("noise: {channels: mono}", "noise: unknown option; expected audio, sounds, diarization, turns"),
        ("words: {language: french}", "words.language: got 'french', expected auto or a code such as en, fr"),
        ("emotoin: {model: x}", "emotoin: unknown option, did you mean emotion?"),
        ("audio: {channels: both}", "audio.channels: got 'both', expected 'auto', 'mono' or 'split'."),
        ("diarization: {speakers: 0}", "diarization.speakers: got 0, expected at least 1."),
        ("diarization: {speakers: two}", "diarization.speakers: got 'two', expected a whole number."),
        ("turns: {merge_gap_s: [1]}", "turns.merge_gap_s: got [1], expected a number."),
        ("diarization: {trust_model: perhaps}", "got 'perhaps', expected true or false."),
        ("roles: {order: agent}", "roles.order: got 'agent', expected a list."),
        ("emotion: {model: 3}", "emotion.model: got 3, expected text."),
        ("emotion: {window_s: 0}", "emotion.window_s: got 0, expected at least 0.1."),
        ("diarization: {min_speakers: 5, max_speakers: 2}", "diarization: min_speakers (5) is above max_speakers (2)."),
        ("affect: {anchors: {Pleased: [0, 0]}}", "anchor for each"),
        ("affect: [1, 2]", "affect: got [1, 2], expected options by name."),
        ("- a list", "expected groups"),
        ("audio: {a: b: c}", "not YAML"),
        (
            "audio: {raw: mulaw}",
            "audio.raw: got 'mulaw', expected ENCODING:RATE or ENCODING:RATE:CHANNELS, as in mulaw",
        ),
        ('audio: {raw: "mulaw:8000\\n"}', "audio.raw: got 'mulaw:8000\\n', expected ENCODING:RATE"),
        ("emotion: {model: ''}", "emotion.model: got '', expected text of at least 1 character."),
        ("turns: {merge_gap_s: .nan}", "turns.merge_gap_s: got nan, expected a finite number."),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_config(path)
    assert "mine.yaml" in str(caught.value)


def test_what_was_given_beside_a_file_is_not_said_to_be_in_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("audio: {channels: mono}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^compute.timeout_s: got 0.0, expected more than 0"):
        load_config(path, {"compute": {"timeout_s": 0.0}})
    path.write_text("audio: {channels: both}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine.yaml: audio.channels: got 'both'"):
        load_config(path, {"compute": {"timeout_s": 1.0}})


@pytest.mark.parametrize("source", ["no-such-preset", "folder/none.yaml"])
def test_an_unknown_preset_or_file_is_refused(source: str) -> None:
    with pytest.raises(ConfigError):
        load_config(source)


def test_overrides_go_on_top_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("diarization: {speakers: 3, max_speakers: 4}", encoding="utf-8")
    config = load_config(path, {"diarization": {"speakers": 2}})
    assert (config.diarization.speakers, config.diarization.max_speakers) == (2, 4)


def test_options_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().audio.channels = "mono"  # type: ignore[misc]


def test_a_file_changes_the_preset_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("preset: call-center\ndiarization: {max_speakers: 4}\nreport: {lang: fr}", encoding="utf-8")
    config, preset = load_config(path), load_config("call-center")
    assert config.roles == preset.roles
    assert (config.diarization.speakers, config.diarization.max_speakers) == (2, 4)
    assert (config.report.lang, preset.report.lang) == ("fr", "en")
    path.write_text("preset: call-centre", encoding="utf-8")
    with pytest.raises(ConfigError, match="call-center"):
        load_config(path)
