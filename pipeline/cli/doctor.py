"""What is installed, which models would be used, what their licences allow, and why."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.config import Config, load_config, preset_names
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.models.decisions import is_chosen
from ressenti.pipeline.models.installed import Installed, installed_ids, need, verify
from ressenti.pipeline.models.parallel import threads
from ressenti.pipeline.records import ModelInfo
from ressenti.pipeline.version import PROGRAM

PACKAGES = {
    "av": "decodes and encodes sound (brings FFmpeg's libraries)",
    "onnxruntime": "runs the built-in models",
    "silero-vad": "finds speech",
    "pyannote.audio": "diarization pipelines, the sample",
    "pyannote.metrics": "diarization error rates",
    "torch": "training, real models",
    "torchaudio": "needed by pyannote.audio",
    "transformers": "real emotion models",
    "pandas": "tables",
    "plotly": "figures",
    "pydub": "levels and excerpts",
}
NOT_KNOWN = "not known"
State = Literal["verified", "config and weights fit", "config and files fit", "found"]  # what was looked at, no more
FREE = "Lajavaness/wav2vec2-lg-xlsr-fr-speech-emotion-recognition (Apache-2.0)"


def examine(terminal: Terminal, load: bool, source: str = "default") -> int:
    """Print the tables, with the models that a config would use; exit code of the first thing broken, or 0."""
    config = load_config(source)
    terminal.say(
        f"[bold]{PROGRAM}[/]  Python {platform.python_version()}, {platform.system()}, {counted(threads(), 'core')}"
    )
    terminal.say("Nothing leaves this machine: no telemetry, no download at run time.\n")
    packages = _table("Packages", "package", "version", "what for")
    missing = 0
    for name, purpose in PACKAGES.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version, missing = "[red]missing[/]", 1
        packages.add_row(name, version, purpose)
    terminal.out.print(packages)
    title = "Models that would be used" + ("" if source == "default" else f" with {escape(source)}")
    models = _table(title, "model", "licence", "state", "what for, and why")
    used: list[ModelInfo] = []
    code = missing
    for task, info in _USED:
        try:
            model, why, state = info(config)
            used.append(model)
            models.add_row(model.name, model.licence or NOT_KNOWN, f"[green]{state}[/]", f"{task}: {escape(why)}")
        except RessentiError as error:
            models.add_row("-", "-", "[red]broken[/]", f"{task}: {escape(str(error))}")
            code = code or error.exit_code
    terminal.out.print()
    terminal.show(models)
    code = _installed(terminal) or code
    _tell_terms(terminal, used)
    terminal.say("\nOrigin and licence of every weight that comes with Ressenti: the file NOTICE.")
    terminal.say(f"Presets: {', '.join(preset_names())}")
    return (code or _load(terminal)) if load else code


def _tell_terms(terminal: Terminal, used: Sequence[ModelInfo]) -> None:
    """Which models are not for commercial use, or not known to be."""
    from ressenti.reports.wording import Wording

    words = Wording("en")
    for model in used:
        name = escape(model.name)
        if model.commercial is False:
            why = f": {', '.join(map(words.note, model.notes))}" if model.notes else ""
            terminal.say(f"\n[yellow]No commercial use[/] of {name}{why}.")
            terminal.say(f"Free of that: {FREE}, or a model trained on your own calls.")
        elif model.commercial is None:
            terminal.say(f"\n[yellow]Whether {name} may be used commercially is not known[/]: see where it comes from.")


def _table(title: str, *headings: str) -> Table:
    table = Table(
        *headings, title=f"[bold]{title}[/]", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in table.columns[:-1]:
        column.no_wrap = True
    return table


def _vad(_: Config) -> tuple[ModelInfo, str, State]:
    from ressenti.pipeline.diarization.builtin import vad_info

    return vad_info(), "built in", "found"


def _diarization(config: Config) -> tuple[ModelInfo, str, State]:
    """Who speaks, where one channel holds several voices; a pipeline is checked, not loaded."""
    from ressenti.pipeline.diarization import check, locate
    from ressenti.pipeline.models import voice_encoder

    asked = config.diarization.model
    found = locate(asked)
    if found is None:
        why = _named(
            asked,
            "built in; where one channel holds several voices, and as what the built-in emotion model hears with",
        )
        return voice_encoder.info(), why, "verified"
    check(found, config.diarization)
    if isinstance(found, Path):
        why = f"{found}, which the config names"
        return ModelInfo("diarization", found.resolve().name, None), why, "config and files fit"
    return found.info("diarization"), _why(found, asked), "verified"


def _emotion(config: Config) -> tuple[ModelInfo, str, State]:
    """What judges emotion; a wav2vec2 model is checked by its settings, and names and shapes of weights, unread."""
    from ressenti.pipeline.emotion import locate, noted
    from ressenti.pipeline.emotion.builtin import BuiltinEmotion
    from ressenti.pipeline.emotion.wav2vec2 import check

    asked = config.emotion.model
    found = locate(asked)
    if found is None:
        return BuiltinEmotion().info, _named(asked, "built in"), "verified"
    if isinstance(found, Path):
        why = f"{found}, which the config names"
        if is_file(found / "emotion.json"):
            return BuiltinEmotion(found).info, why, "verified"
        sha256 = check(found, config.emotion)
        return ModelInfo("emotion", found.resolve().name, None, sha256), why, "config and weights fit"
    verify(found)
    check(found.folder, config.emotion, found.known, sha256=noted(found))
    return found.info("emotion"), _why(found, asked), "verified"


_USED = (("speech activity", _vad), ("who speaks", _diarization), ("emotion", _emotion))


def _why(model: Installed, asked: str) -> str:
    chosen = is_chosen(model.id)
    first = "which you chose" if chosen else "the first of its kind in `ressenti models list` that was fetched"
    return f"installed (commit {model.commit[:12]}), {first if asked == 'auto' else 'which the config names'}"


def _named(asked: str, why: str) -> str:
    return why if asked == "auto" else f"{why}, which the config names"


def _installed(terminal: Terminal) -> int:
    """List what `ressenti models get` installed; the exit code is that of the first that is damaged."""
    table = _table("Installed models", "model", "commit", "licence", "what for")
    code = 0
    for model_id in installed_ids():
        try:
            model = need(model_id)
            verify(model)
            licence = model.known.licence if model.known else NOT_KNOWN
            table.add_row(model_id, model.commit, licence, model.task)
        except RessentiError as error:
            table.add_row(model_id, "[red]damaged[/]", "-", escape(str(error)))
            code = code or error.exit_code
    if table.row_count:
        terminal.out.print()
        terminal.show(table, width=160)
    else:
        terminal.say("\nNo other models are installed: see `ressenti models list`.")
    return code


def _load(terminal: Terminal) -> int:
    """Load what the real models need, and say whether it works."""
    from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio

    try:
        module = import_pyannote_audio()
        terminal.say(f"[green]loaded[/] pyannote.audio {module.__version__}, telemetry off")
    except Exception as exc:  # noqa: BLE001 whatever a broken installation raises is what the user wants to read
        terminal.say(f"[red]pyannote.audio cannot be loaded[/]: {exc}")
        return 20
    return 0
