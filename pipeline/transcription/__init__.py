"""Recognise what was said: the interface, and Whisper models run by faster-whisper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ressenti.pipeline.config import WordOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models import whisper_base
from ressenti.pipeline.models.cards import stated_in
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import Installed, need, resolved, verify
from ressenti.pipeline.models.use import check_use
from ressenti.pipeline.records import ModelInfo, Use
from ressenti.pipeline.transcription.interface import Transcriber
from ressenti.pipeline.transcription.model_files import READ, hashes_of, stamp_of
from ressenti.pipeline.transcription.vocabulary import check_tokens, read_vocabulary


def choose(options: WordOptions, use: Use | None = None) -> Transcriber | None:
    """The configured transcriber; None if no words are wanted.

    `auto` is the registry's installed default, else the built-in model; `builtin`, an installed model's id, or a folder
    with a Whisper model in CTranslate2's format (model.bin) can be named too. Raises `ConfigError` for an unknown
    model, one that must not be used so, or an unusable vocabulary, `NotInstalledError` for a model that is not
    installed, `ModelError` for damaged weights.
    """
    if options.model == "off":
        return None
    from ressenti.pipeline.transcription.whisper import WhisperTranscriber

    vocabulary = read_vocabulary(options.vocabulary)
    found = locate(options.model, use)
    folder = whisper_base.FOLDER if found is None else found if isinstance(found, Path) else found.folder
    stamp = stamp_of(folder)  # before its files are hashed
    if found is None:
        info = whisper_base.info()
    elif isinstance(found, Installed):
        verify(found)
        info = info_of(found)
    else:
        told = stated_in(found)
        digest = together(hashes_of(found))
        info = ModelInfo("transcription", found.resolve().name, told.licence, digest, told.commercial)
    check_tokens(vocabulary, folder)
    return WhisperTranscriber(folder, info, options, vocabulary, stamp)


def locate(model: str, use: Use | None = None) -> Path | Installed | None:
    """Find the folder or installed model of a configured name, without loading it; None for the built-in one.

    Raises `ConfigError` for an unknown name, a model with another task or one that must not be used so,
    `NotInstalledError` for a model that is not installed.
    """
    found = _find(model, use)
    check_use(found, use, "words.model")
    return found


def _find(model: str, use: Use | None) -> Path | Installed | None:
    name = resolved(model, "transcription", use)
    if name == "builtin":
        return None
    if model == "auto":  # never a folder that happens to have this name
        return _recognising(need(name))
    folder = expanded(name)
    if is_file(folder / "model.bin"):
        return folder
    if is_id(name):
        return _recognising(need(name, instead_of="model.bin"))
    raise ConfigError(
        f"words.model: unknown model {model!r}; expected auto, off, builtin, the id of an installed model "
        "(`ressenti models list`), or a folder with a Whisper model in CTranslate2's format (model.bin)."
    )


def info_of(installed: Installed) -> ModelInfo:
    """What the report says of an installed model."""
    names = {name for name, _ in installed.files}
    return replace(installed.info("transcription"), sha256=installed.noted(name for name in READ if name in names))


def _recognising(installed: Installed) -> Installed:
    if installed.task != "transcription":
        raise ConfigError(
            f"words.model: {installed.id} is installed as a model of {installed.task}; expected one that recognises "
            "words. `ressenti models list` shows what each is for."
        )
    return installed
