import re
from pathlib import Path

import pytest
import yaml

from conftest import CHECKOUT
from pipeline.config import Config, load_config, preset_names
from pipeline.errors import ConfigError


def test_the_default_preset_says_what_the_code_says() -> None:
    stored = yaml.safe_load((CHECKOUT / "configs" / "default.yaml").read_text(encoding="utf-8"))
    assert Config.model_validate(stored) == Config()
    assert {group: set(values) for group, values in stored.items()} == {
        group: set(values) for group, values in Config().model_dump().items()
    }


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name: str) -> None:
    assert load_config(name).audio == Config().audio


def test_the_presets_that_the_manual_names_exist() -> None:
    assert {"default", "call-center", "interview", "recruitment"} <= set(preset_names())


def test_every_option_is_read_somewhere() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("pipeline", "reports")
        for path in (CHECKOUT / folder).rglob("*.py")
        if path.name != "config.py"
    )
    config_source = (CHECKOUT / "pipeline" / "config.py").read_text(encoding="utf-8")
    for group, options in Config().model_dump().items():
        for option in options:
            used = re.search(rf"\.{option}\b|\[\"{option}\"\]", sources)
            assert used, f"{group}.{option} is read nowhere"
            assert config_source.count(f"    {option}:") >= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("audio: {chanels: mono}", "audio.chanels"),
        ("sound: {channels: mono}", "sound"),
        ("audio: {channels: both}", "audio.channels"),
        ("diarization: {speakers: 0}", "diarization.speakers"),
        ("diarization: {min_speakers: 5, max_speakers: 2}", "min_speakers"),
        ("affect: {anchors: {Pleased: [0, 0]}}", "anchor for each"),
        ("affect: [1, 2]", "affect"),
        ("- a list", "expected groups"),
        ("audio: {a: b: c}", "not YAML"),
        ("turns: {merge_gap_s: .nan}", "turns.merge_gap_s"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_config(path)
    assert "mine.yaml" in str(caught.value)


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
