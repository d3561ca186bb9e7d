"""Stored conversations for `ressenti report`, with corrections and optionally other options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.config import Config, build_config
from ressenti.pipeline.errors import ConfigError, NotAConversationError
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.records import Conversation, SpeakerRole

_SAVED = re.compile(r"\.corrected( ?\(\d+\))?$")  # browsers number repeated downloads


def stem_of(path: Path) -> str:
    """NAME of a NAME.json, or of the NAME.corrected.json or NAME.corrected (1).json saved from its page."""
    return _SAVED.sub("", path.stem) or path.stem


def truest(paths: Sequence[Path], terminal: Terminal) -> list[Path]:
    """For each conversation, the file that a page saved last, or else NAME.json itself."""
    groups: dict[Path, list[Path]] = {}
    for path in dict.fromkeys(paths):
        groups.setdefault(path.with_name(stem_of(path)), []).append(path)
    out = []
    for group in groups.values():
        best = max(group, key=_saved_last)
        for path in group:
            if path != best:
                terminal.say(f"[dim]{escape(path.name)}: skipped, {escape(best.name)} is newer[/]")
        out.append(best)
    return out


def _saved_last(path: Path) -> tuple[bool, float]:
    return bool(_SAVED.search(path.stem)), path.stat().st_mtime if is_there(path) else 0.0


def analysed(paths: Sequence[Path]) -> list[Path]:
    """Files written by `analyze`, without those saved from pages."""
    return [path for path in paths if not _SAVED.search(path.stem)]


def load(path: Path, chosen: Config | None) -> Conversation:
    """Load a stored conversation; corrections or other options derive its results again."""
    from ressenti.pipeline.derive import derive
    from ressenti.pipeline.edits.corrections import is_corrected
    from ressenti.pipeline.store.validation import read_validation

    conversation = store.load(path)
    try:
        options = build_config(conversation.config, source=path.name)
    except ConfigError as exc:
        raise NotAConversationError(f"{exc} Expected a NAME.json written by analyze.") from exc
    if chosen is None:
        return derive(conversation, options) if is_corrected(conversation) else conversation
    groups_of_figures = ("affect", "trajectory", "dynamics", "moments", "content", "report")
    later = {group: getattr(chosen, group) for group in groups_of_figures}
    sure = {"unsure_below": chosen.emotion.unsure_below, "thresholds": chosen.emotion.thresholds}
    unsure = {"unsure_below": chosen.diarization.unsure_below}
    groups = {
        "emotion": options.emotion.model_copy(update=sure),
        "diarization": options.diarization.model_copy(update=unsure),
        "sentiment": options.sentiment.model_copy(update={"unsure_below": chosen.sentiment.unsure_below}),
    }
    options = options.model_copy(update={**later, **groups})
    validation = read_validation(chosen.report.validation)
    return derive(
        replace(conversation, config=options.model_dump(mode="json", exclude={"compute"}), validation=validation),
        options,
    )


def with_roles(conversation: Conversation, given: Sequence[str]) -> Conversation:
    """Give speakers roles by order or by label, as corrections; raises `ConfigError` for roles of nobody."""
    from ressenti.pipeline.derive import with_corrections
    from ressenti.pipeline.roles import roles_by_label

    labels = [speaker.label for speaker in conversation.people]
    if len(given) > len(labels):
        has = ", ".join(labels) or "nobody"
        raise ConfigError(
            f"--roles: got {len(given)} roles ({', '.join(given)}); {conversation.recording.name} has {has}. Give at "
            "most one role for each speaker."
        )
    wanted = {label: SpeakerRole(label, role) for label, role in roles_by_label(given, labels).items()}
    kept = [entry for entry in conversation.corrections.roles if entry.speaker not in wanted]
    return with_corrections(conversation, replace(conversation.corrections, roles=(*kept, *wanted.values())))


def recording_sha256(path: Path) -> str:
    """SHA-256 of the recording of a stored conversation."""
    return store.load(path).recording.sha256
