"""`ressenti doctor`: installed packages, the models in use and their licences."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.config import Config, load_config, preset_names
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.models.cards import stated_in
from ressenti.pipeline.models.installed import Installed, installed_ids, need, verify
from ressenti.pipeline.models.parallel import threads
from ressenti.pipeline.models.use import HOW_TO_GET
from ressenti.pipeline.models.user_choices import is_chosen
from ressenti.pipeline.records import ModelInfo
from ressenti.pipeline.roles import People, use_of
from ressenti.pipeline.version import PROGRAM

PACKAGES = {
    "av": "decodes and encodes sound (brings FFmpeg's libraries)",
    "onnxruntime": "runs the built-in models",
    "silero-vad": "finds speech",
    "pyannote.audio": "diarization pipelines, the sample",
    "pyannote.metrics": "diarization error rates",
    "faster-whisper": "recognises words",
    "ctranslate2": "runs Whisper",
    "torch": "training, models that are not built in",
    "torchaudio": "needed by pyannote.audio",
    "transformers": "wav2vec2 emotion models",
    "pandas": "tables",
    "plotly": "figures",
    "pydub": "the page's sound, clips",
}
NOT_KNOWN = "unknown"
State = Literal["verified", "config and weights fit", "config and files fit", "found"]  # only what was checked
FREE = "Lajavaness/wav2vec2-lg-xlsr-fr-speech-emotion-recognition (Apache-2.0)"


def examine(terminal: Terminal, load: bool, source: str = "default") -> int:
    """Print the packages and the models that a config uses; return the exit code of the first fault, or 0."""
    config = load_config(source)
    config = config.model_copy(update={"use": use_of(config, People())})
    terminal.say(
        f"[bold]{PROGRAM}[/]  Python {platform.python_version()}, {platform.system()}, {counted(threads(), 'core')}"
    )
    terminal.say("Nothing leaves this machine: no telemetry, no download at run time.\n")
    packages = _table("Packages", "package", "version", "purpose")
    missing = 0
    for name, purpose in PACKAGES.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version, missing = "[red]missing[/]", 1
        packages.add_row(name, version, purpose)
    terminal.out.print(packages)
    title = "Models in use" + ("" if source == "default" else f" with {escape(source)}")
    models = _table(title, "model", "licence", "use", "state", "purpose and reason")
    used: list[ModelInfo] = []
    broken: list[str] = []
    code = missing
    for task, info in _USED:
        try:
            found = info(config)
            if found is None:
                continue
            model, why, state = found
            used.append(model)
            allowed = _allowed(model.commercial is True)
            purpose = f"{task}: {escape(why)}"
            models.add_row(model.name, model.licence or NOT_KNOWN, allowed, f"[green]{state}[/]", purpose)
        except RessentiError as error:
            models.add_row("-", "-", "-", "[red]broken[/]", f"{task}: see below")
            broken.append(f"\n[red]{task}[/]: {escape(str(error))}")
            code = code or error.exit_code
    terminal.out.print()
    terminal.show(models)
    for problem in broken:
        terminal.say(problem)
    code = _installed(terminal) or code
    _tell_terms(terminal, used)
    if not any(model.task == "emotion" for model in used) and config.use == "commercial":
        terminal.say(
            "\n[yellow]No classes of tone[/] with this config, whose use is commercial: no installed model for them "
            f"allows it. Activation and talk need none.\nTo get one: {HOW_TO_GET}"
        )
    terminal.say("\nOrigin and licence of every weight that comes with Ressenti: the file NOTICE.")
    terminal.say(f"Presets: {', '.join(preset_names())}")
    return (code or _load(terminal)) if load else code


def _tell_terms(terminal: Terminal, used: Sequence[ModelInfo]) -> None:
    """Print which models must not, or may not, be used commercially."""
    from ressenti.reports.wording import Wording

    words = Wording("en")
    for model in used:
        name = escape(model.name)
        if model.commercial is False:
            why = f": {', '.join(map(words.note, model.notes))}" if model.notes else ""
            terminal.say(f"\n[yellow]No commercial use[/] of {name}{why}.")
            terminal.say(f"Without this limit: {FREE}, or a model trained on your own calls.")
        elif model.commercial is None:
            terminal.say(f"\n[yellow]Commercial use of {name} may not be allowed[/]: check its source.")


def _allowed(commercial: bool) -> str:
    """What weights may be used for; a licence that is not known allows no commercial use."""
    return "any" if commercial else "research"


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
    """What tells speakers in one channel apart; a pipeline is checked, not loaded."""
    from ressenti.pipeline.diarization import check, locate
    from ressenti.pipeline.models import segmentation

    configured = config.diarization.model
    found = locate(configured, config.use)
    if found is None:
        return segmentation.info(), _named(configured, "built in; tells voices of one channel apart"), "verified"
    check(found, config.diarization)
    if isinstance(found, Path):
        why = f"{found}, set in the config"
        told = stated_in(found)
        info = ModelInfo("diarization", found.resolve().name, told.licence, commercial=told.commercial)
        return info, why, "config and files fit"
    return found.info("diarization"), _why(found, configured), "verified"


def _speaker_embedding(config: Config) -> tuple[ModelInfo, str, State] | None:
    """What the built-in diarizer knows voices again by; None with a pipeline, which brings its own."""
    from ressenti.pipeline.diarization import locate
    from ressenti.pipeline.models import campplus

    if locate(config.diarization.model, config.use) is not None:
        return None
    return campplus.info(), "built in; knows the voices of one channel again", "verified"


def _sounds(config: Config) -> tuple[ModelInfo, str, State] | None:
    """What finds sounds that are no talk; None where nobody looks for them."""
    from ressenti.pipeline.models import yamnet

    return (
        (yamnet.info(), "built in; finds music, tones, laughing and the like", "verified")
        if config.sounds.detect
        else None
    )


def _voice_encoder(config: Config) -> tuple[ModelInfo, str, State] | None:
    """What the built-in emotion model, or one that was trained like it, hears voices by; None with another."""
    from ressenti.pipeline.emotion import locate
    from ressenti.pipeline.models import voice_encoder

    found = locate(config.emotion.model, config.use)
    if not isinstance(found, Path) or not is_file(found / "emotion.json"):
        return None
    return voice_encoder.info(), "built in; the emotion model hears voices by it", "verified"


def _emotion(config: Config) -> tuple[ModelInfo, str, State] | None:
    """The emotion model, None if none may be used; of wav2vec2, settings, names and shapes of weights are checked."""
    from ressenti.pipeline.emotion import locate, noted
    from ressenti.pipeline.emotion.builtin import WEIGHTS, BuiltinEmotion
    from ressenti.pipeline.emotion.trained import stated
    from ressenti.pipeline.emotion.wav2vec2 import check

    configured = config.emotion.model
    found = locate(configured, config.use)
    if found is None:
        return None
    if found == WEIGHTS:
        return BuiltinEmotion().info, _named(configured, "built in"), "verified"
    if isinstance(found, Path):
        why = f"{found}, set in the config"
        if is_file(found / "emotion.json"):
            return BuiltinEmotion(found).info, why, "verified"
        sha256, trained = check(found, config.emotion), stated(found) or stated_in(found)
        info = ModelInfo("emotion", found.resolve().name, trained.licence, sha256, trained.commercial)
        return info, why, "config and weights fit"
    verify(found)
    check(found.folder, config.emotion, found.known, sha256=noted(found))
    return found.info("emotion"), _why(found, configured), "verified"


def _words(config: Config) -> tuple[ModelInfo, str, State] | None:
    """What recognises words; None if that is off."""
    from ressenti.pipeline.models import whisper_base
    from ressenti.pipeline.transcription import info_of, locate

    configured = config.words.model
    if configured == "off":
        return None
    found = locate(configured, config.use)
    if found is None:
        return whisper_base.info(), _named(configured, "built in"), "verified"
    if isinstance(found, Path):
        told = stated_in(found)
        info = ModelInfo("transcription", found.resolve().name, told.licence, commercial=told.commercial)
        return info, f"{found}, set in the config", "found"
    verify(found)
    return info_of(found), _why(found, configured), "verified"


def _names(config: Config) -> tuple[ModelInfo, str, State] | None:
    """What finds people's names; None if that is off."""
    from ressenti.pipeline.names import choose

    found = choose(config.content.redact_names, config.use)
    return None if found is None else (found.info, "finds people's names; set in the config", "verified")


def _sentiment(config: Config) -> tuple[ModelInfo, str, State] | None:
    """What tells the sentiment of words; None if nothing does."""
    from ressenti.pipeline.sentiment import choose, locate

    configured = config.sentiment.model
    found = choose(config.sentiment, config.use)
    if found is None:
        return None
    there = locate(configured, config.use)
    why = _why(there, configured) if isinstance(there, Installed) else f"{there}, set in the config"
    return found.info, why, "verified"


_USED: tuple[tuple[str, Callable[[Config], tuple[ModelInfo, str, State] | None]], ...] = (
    ("speech activity", _vad),
    ("who speaks", _diarization),
    ("who speaks", _speaker_embedding),
    ("sounds", _sounds),
    ("emotion", _voice_encoder),
    ("emotion", _emotion),
    ("words", _words),
    ("names", _names),
    ("sentiment", _sentiment),
)


def _why(model: Installed, configured: str) -> str:
    chosen = is_chosen(model.id)
    first = "your default" if chosen else "the first downloaded model in `ressenti models list`"
    return f"installed (commit {model.commit[:12]}), {first if configured == 'auto' else 'set in the config'}"


def _named(configured: str, why: str) -> str:
    return why if configured == "auto" else f"{why}, set in the config"


def _installed(terminal: Terminal) -> int:
    """List installed models; return the exit code of the first damaged one, or 0."""
    table = _table("Installed models", "model", "commit", "licence", "use", "purpose")
    code = 0
    for model_id in installed_ids():
        try:
            model = need(model_id)
            verify(model)
            licence = (model.known and model.known.licence) or NOT_KNOWN
            allowed = _allowed(model.not_commercial is None)
            table.add_row(model_id, model.commit, licence, allowed, model.task)
        except RessentiError as error:
            table.add_row(model_id, "[red]damaged[/]", "-", "-", escape(str(error)))
            code = code or error.exit_code
    if table.row_count:
        terminal.out.print()
        terminal.show(table, width=160)
    else:
        terminal.say("\nNo other models are installed: see `ressenti models list`.")
    return code


def _load(terminal: Terminal) -> int:
    """Load pyannote.audio, and print whether it works."""
    from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio

    try:
        module = import_pyannote_audio()
        terminal.say(f"[green]loaded[/] pyannote.audio {module.__version__}, telemetry off")
    except Exception as exc:  # noqa: BLE001 the user wants to read whatever a broken installation raises
        terminal.say(f"[red]pyannote.audio cannot be loaded[/]: {exc}")
        return 20
    return 0
