"""The rules of the house: who imports whom, what stays light, what is installed."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from conftest import CHECKOUT, mostly_slow


def modules(folder: str) -> list[Path]:
    return sorted((CHECKOUT / folder).rglob("*.py"))


PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = [
    room.strip() for floor in PROJECT["tool"]["importlinter"]["contracts"][0]["layers"] for room in floor.split("|")
]


def contracts_kept(folder: Path) -> tuple[bool, str]:
    """Whether import-linter finds the contracts kept in the package `ressenti` of a folder, and what it prints."""
    command = [shutil.which("lint-imports", path=sysconfig.get_path("scripts")) or "lint-imports", "--no-cache"]
    done = subprocess.run(
        [*command, str(CHECKOUT / "pyproject.toml")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


def test_imports_run_one_way(tmp_path: Path) -> None:
    """On a copy, since a root module with `__path__` is no package to import-linter; and it sees what is wrong."""
    package = tmp_path / "ressenti"
    for name in ("pipeline", "reports", "configs"):
        shutil.copytree(
            CHECKOUT / name, package / name, ignore=shutil.ignore_patterns("*.onnx", "*.bin", "__pycache__")
        )
    shutil.copyfile(CHECKOUT / "ressenti.py", package / "__init__.py")
    kept, told = contracts_kept(tmp_path)
    assert kept, told
    turns = package / "pipeline" / "turns.py"
    turns.write_text(f"{turns.read_text(encoding='utf-8')}\nimport ressenti.pipeline.run\n", encoding="utf-8")
    kept, told = contracts_kept(tmp_path)
    assert (kept, "ressenti.pipeline.turns -> ressenti.pipeline.run" in told) == (False, True), told


def test_every_room_has_its_floor() -> None:
    rooms = {
        path.stem
        for path in (CHECKOUT / "pipeline").iterdir()
        if path.name[0] not in "_." and path.suffix in ("", ".py")
    }
    floors = {room.split(".")[2] for room in ROOMS if room.startswith("ressenti.pipeline.")}
    assert rooms == floors
    lab = {path.name for path in (CHECKOUT / "pipeline" / "lab").iterdir() if path.name[0] not in "_."}
    assert lab == {room.split(".")[3] for room in ROOMS if room.startswith("ressenti.pipeline.lab.")}


def test_python_m_prints_help(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "ressenti", "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "Usage: ressenti [OPTIONS] COMMAND" in done.stdout


def test_every_dependency_says_what_it_is_for() -> None:
    needed = [*PROJECT["project"]["dependencies"]]
    for extra, packages in PROJECT["project"]["optional-dependencies"].items():
        needed += packages if extra != "test" else []
    page = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    for package in needed:
        name = re.match(r"[\w.-]+", package)
        assert name is not None
        assert re.search(rf"^\| (.*, )?{re.escape(name[0])}[, ]", page, re.MULTILINE), (
            f"{name[0]} is not in docs/architecture.md"
        )


HEAVY = {
    "huggingface_hub",
    "torch",
    "plotly",
    "pandas",
    "onnxruntime",
    "scipy",
    "av",
    "pyannote.audio",
    "transformers",
    "torchaudio",
}


def loaded_by(code: str) -> set[str]:
    probe = f"import json, sys\n{code}\nprint('\\n' + json.dumps(sorted(sys.modules)), file=sys.__stderr__)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=120)
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


def test_importing_the_pipeline_is_light() -> None:
    assert not HEAVY & loaded_by("import ressenti")


HELP = [
    "",
    "analyze",
    "report",
    "simulate",
    "evaluate",
    "evaluate emotion",
    "evaluate trajectory",
    "models",
    "models get",
]


@pytest.mark.parametrize("command", mostly_slow("runs in processes of its own", [*HELP, "train", "train emotion"], 2))
def test_help_is_light(command: str) -> None:
    code = f"sys.argv = ['ressenti', *{command.split()}, '--help']\nfrom ressenti.pipeline.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    assert not HEAVY & loaded_by(code)


def test_rendering_loads_no_model() -> None:
    assert not {"torch", "onnxruntime", "av"} & loaded_by(
        "import ressenti.reports.page, ressenti.reports.figures, ressenti.reports.summary, ressenti.pipeline.store"
    )


def test_analysis_with_built_in_models_loads_neither_torch_nor_pyannote_audio(recording: Path) -> None:
    code = f"""
from ressenti import analyze
from ressenti.pipeline.errors import NoSpeechError
from ressenti.pipeline.emotion.builtin import BuiltinEmotion
BuiltinEmotion()
try:
    analyze({str(recording)!r})
except NoSpeechError:
    pass
"""
    assert not {"torch", "pyannote.audio", "silero_vad"} & loaded_by(code)


def test_only_cli_and_training_print() -> None:
    for path in [*modules("pipeline"), *modules("reports")]:
        if path.parts[-2] in ("cli", "training"):
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), path


def test_every_error_is_in_the_list_with_its_code() -> None:
    from ressenti.pipeline import errors

    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.RessentiError)]
    lines = {parts[0]: parts[1] for parts in map(str.split, (errors.__doc__ or "").splitlines()) if len(parts) > 1}
    assert {c.__name__: str(c.exit_code) for c in classes} == {k: v for k, v in lines.items() if k.endswith("Error")}
    assert len({c.exit_code for c in classes}) == len(classes)
