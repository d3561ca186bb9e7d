"""The rules of the house: who imports whom, what stays light, what is installed."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CHECKOUT

STEPS = (
    "audio",
    "layout",
    "excerpts",
    "diarization",
    "turns",
    "emotion",
    "affect",
    "trajectory",
    "dynamics",
    "moments",
    "roles",
    "corrections",
    "transcript",
)
SHARED = {
    "annotations",
    "disk",
    "errors",
    "records",
    "config",
    "mel",
    "stats",
    "strict",
    "there",
    "touching",
    "uncollected",
    "models",
    "version",
    "voice",
    "torchaudio_import",
}


def modules(folder: str) -> list[Path]:
    return sorted((CHECKOUT / folder).rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """Dotted names of everything that a module imports, also inside functions and type checks."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def room_of(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "pipeline" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules("pipeline"), ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_imports_run_one_way(path: Path) -> None:
    room = path.relative_to(CHECKOUT / "pipeline").parts[0].removesuffix(".py")
    used = {r for r in map(room_of, imports_of(path)) if r} - {room}
    if room in STEPS:
        allowed = SHARED | (
            {"audio"} if room in ("layout", "excerpts", "diarization", "emotion") else set()
        )  # samples are what they take
        assert used <= allowed, f"{path.name}: a step may import {sorted(allowed)}, not {sorted(used - allowed)}"
    if room in ("annotations", "errors", "records"):
        assert used <= {"annotations", "errors"} - {room}
    if room != "cli":
        assert "cli" not in used
        assert not any(name.split(".")[0] == "reports" for name in imports_of(path))
    if room not in ("cli", "run", "__init__", "batch"):
        assert "run" not in used


@pytest.mark.parametrize("path", modules("reports"), ids=lambda p: p.name)
def test_reports_know_records_and_nothing_of_models(path: Path) -> None:
    rooms = {r for r in map(room_of, imports_of(path)) if r}
    assert rooms <= {"annotations", "corrections", "records", "errors", "store", "uncollected", "visible"}
    assert not {"torch", "onnxruntime", "transformers"} & {name.split(".")[0] for name in imports_of(path)}


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


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["analyze"],
        ["report"],
        ["simulate"],
        ["evaluate"],
        ["evaluate", "emotion"],
        ["evaluate", "trajectory"],
        ["models"],
        ["models", "get"],
        ["train"],
        ["train", "emotion"],
    ],
)
def test_help_is_light(arguments: list[str]) -> None:
    code = f"sys.argv = ['ressenti', *{arguments}, '--help']\nfrom ressenti.pipeline.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
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


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_linters_find_nothing(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
