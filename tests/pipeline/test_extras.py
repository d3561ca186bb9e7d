"""Packages of extras: a clear message where one is missing."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import CHECKOUT
from ressenti.pipeline import extras
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.outputs import parse_formats
from ressenti.pipeline.errors import ConfigError

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)


def test_each_is_in_its_extra_and_in_the_one_for_tests() -> None:
    groups = {name: " ".join(packages) for name, packages in PROJECT["optional-dependencies"].items()}
    for package, extra in extras.PACKAGES.values():
        assert package in groups[extra]
        assert package in groups["test"]
        assert not any(needed.startswith(package) for needed in PROJECT["dependencies"])


@pytest.mark.usefixtures("none_installed")
@pytest.mark.parametrize(
    ("formats", "package"), [("parquet", "pyarrow"), ("html,quotes-docx", "python-docx"), ("xlsx", "xlsxwriter")]
)
def test_a_format_whose_package_is_missing_is_refused_before_any_work(formats: str, package: str) -> None:
    with pytest.raises(ConfigError, match=rf"needs the package {package}, .* pip install {package} .*, or choose"):
        parse_formats(formats)
    assert parse_formats("html,quotes-md")


@pytest.mark.usefixtures("none_installed")
@pytest.mark.parametrize(
    ("arguments", "package"),
    [(["evaluate", "label", ".", "--read", "a.json"], "krippendorff"), (["simulate", ".", "--out", "x"], "soundfile")],
)
def test_a_command_whose_package_is_missing_is_refused_before_any_work(
    arguments: list[str], package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, ConfigError)
    assert f"pip install {package} " in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_what_is_installed_is_not_asked_for() -> None:
    extras.need("pyarrow", "--format parquet")
