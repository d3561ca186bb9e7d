"""Stored conversations as `ressenti report` takes them: with people's corrections, and other options where asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.markup import escape

from pipeline import store
from pipeline.cli.console import Terminal
from pipeline.config import Config, build_config
from pipeline.errors import ConfigError, NotAConversationError
from pipeline.records import Conversation

CORRECTED = ".corrected"


def stem_of(path: Path) -> str:
    """NAME of a NAME.json, and of the NAME.corrected.json that its page saved."""
    return path.stem.removesuffix(CORRECTED) or path.stem


def truest(paths: Sequence[Path], terminal: Terminal) -> list[Path]:
    """Files without a NAME.json whose NAME.corrected.json is among them: the corrected one is what holds."""
    better = {path.with_name(f"{stem_of(path)}.json") for path in paths if path.stem.endswith(CORRECTED)}
    for path in dict.fromkeys(paths):
        if path in better:
            terminal.say(f"[dim]{escape(path.name)}: left out, {escape(stem_of(path))}.corrected.json holds[/]")
    return [path for path in paths if path not in better]


def analysed(paths: Sequence[Path]) -> list[Path]:
    """Files that `analyze` wrote, without those that pages saved."""
    return [path for path in paths if not path.stem.endswith(CORRECTED)]


def load(path: Path, chosen: Config | None) -> Conversation:
    """A stored conversation; where people corrected it or other options are chosen, what follows is derived anew."""
    from pipeline.corrections import is_corrected
    from pipeline.run import derive
    from pipeline.validation import read_validation

    conversation = store.load(path)
    try:
        options = build_config(conversation.config, source=path.name)
    except ConfigError as exc:
        raise NotAConversationError(f"{exc} Expected a NAME.json that analyze wrote.") from exc
    if chosen is None:
        return derive(conversation, options) if is_corrected(conversation) else conversation
    later = {group: getattr(chosen, group) for group in ("affect", "trajectory", "dynamics", "moments", "report")}
    sure = {"unsure_below": chosen.emotion.unsure_below, "thresholds": chosen.emotion.thresholds}
    options = options.model_copy(update={**later, "emotion": options.emotion.model_copy(update=sure)})
    validation = read_validation(chosen.report.validation)
    return derive(replace(conversation, config=options.model_dump(mode="json"), validation=validation), options)


def recording_sha256(path: Path) -> str:
    """SHA-256 of the recording of a stored conversation."""
    return store.load(path).recording.sha256
