"""Conversation <-> JSON (versioned, with a schema), pandas tables, and files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import IsFolderError, NotAConversationError, NotFoundError, OutputError, UnreadableError
from pipeline.records import CLASSES, SCHEMA_VERSION, Conversation

if TYPE_CHECKING:
    import pandas as pd

_DECIMALS = 6
_OTHER = (".labels.json", "validation.json", ".aws.json")  # what else Ressenti writes beside conversations


@cache
def _adapter() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a stored conversation."""
    return _adapter().json_schema()


def dumps(conversation: Conversation) -> str:
    """A conversation as JSON text; numbers rounded to six decimals, same conversation same text."""
    data = _adapter().dump_python(conversation, mode="json")
    return json.dumps(_rounded(data), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def loads(text: str, name: str = "text") -> Conversation:
    """A conversation from JSON text; raises `NotAConversationError` where it is none, or of another version."""
    try:
        data = json.loads(text)
    except ValueError as exc:
        raise NotAConversationError(f"{name}: not JSON ({exc}). Expected a NAME.json that analyze wrote.") from exc
    if not isinstance(data, dict) or "version" not in data:
        raise NotAConversationError(f"{name}: JSON, but not a conversation. Expected a NAME.json that analyze wrote.")
    if data["version"] != SCHEMA_VERSION:
        raise NotAConversationError(
            f"{name}: version {data['version']!r} of the format, this program reads {SCHEMA_VERSION}. "
            "Use the program that wrote it, or analyse the recording again."
        )
    try:
        return _adapter().validate_json(text)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise NotAConversationError(
            f"{name}: {exc.error_count()} things do not fit, first {where}: {first['msg']}. "
            "Expected a NAME.json that analyze wrote."
        ) from exc


def load(path: Path) -> Conversation:
    """Read a stored conversation; raises the subclass of `InputError` that fits."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path}: no such file; expected a NAME.json that analyze wrote.") from exc
    except IsADirectoryError as exc:
        raise IsFolderError(f"{path}: a folder; expected a NAME.json that analyze wrote.") from exc
    except UnicodeDecodeError as exc:
        raise NotAConversationError(f"{path.name}: not text; expected a NAME.json that analyze wrote.") from exc
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the permissions.") from exc
    return loads(text, path.name)


def conversations_in(folder: Path) -> list[Path]:
    """The JSON files of a folder that may hold a conversation, by name; `NotFoundError` where there is none.

    Labels and validations, which Ressenti writes too, are left out by their names.
    """
    found = [p for p in sorted(folder.glob("*.json")) if not p.name.endswith(_OTHER)]
    if not found:
        raise NotFoundError(f"{folder}: no conversation in it; expected NAME.json files that analyze wrote.")
    return found


def write_whole(files: Mapping[Path, str | bytes]) -> None:
    """Write all files or none: each aside first, then all renamed into place, and back where that fails.

    Raises `OutputError` where that is not possible. What was written aside is removed, and what stood there before is
    put back, also on Ctrl-C; only the power failing between two renames can leave old and new side by side.
    """
    aside = {path: path.with_name(f".{os.getpid()}.{i}.partial") for i, path in enumerate(files)}
    before = {path: path.with_name(f".{os.getpid()}.{i}.before") for i, path in enumerate(files)}
    made = [folder for path in files for folder in reversed(path.parents) if not folder.exists()]
    target = Path()
    placed: list[Path] = []
    try:
        for path, content in files.items():
            target = path
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode("utf-8") if isinstance(content, str) else content
            with aside[path].open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            target = path
            if path.is_dir():
                raise IsADirectoryError(21, "a folder of that name is there", str(path))
            if path.exists():
                path.replace(before[path])
            aside[path].replace(path)
            placed.append(path)
    except BaseException as exc:
        _put_back(aside, before, placed)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        if isinstance(exc, OSError):
            raise OutputError(
                f"{target}: cannot be written ({exc.strerror}). Check the folder, or choose one with --out."
            ) from exc
        raise
    for path in before.values():
        with suppress(OSError):
            path.unlink()


def _put_back(aside: Mapping[Path, Path], before: Mapping[Path, Path], placed: Sequence[Path]) -> None:
    """Undo the renames that were done, and remove what was written aside."""
    for path, partial in aside.items():
        with suppress(OSError):
            if before[path].exists():
                before[path].replace(path)
            elif path in placed:
                path.unlink()
        with suppress(OSError):
            partial.unlink()


def turns_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per turn: times, speaker, class, scores, valence and arousal (weighted over its windows).

    `class_by` is who gave the class, `model` or `person`. Confidence and scores are the model's: a class that a person
    gave has none. What the model says of a turn is in `model_class` and `model_confidence`, whoever gave its class.
    """
    import pandas as pd

    from pipeline.affect import model_answer

    rows = []
    places = conversation.places()
    for turn in conversation.turns:
        speaker = conversation.speaker(turn.speaker)
        valence, arousal = places.get(turn.index) or (None, None)
        scores, answer = None if turn.by_person else turn.emotion, model_answer(turn)
        row: dict[str, object] = {
            "turn": turn.index,
            "start_s": turn.start_s,
            "end_s": turn.end_s,
            "speaker": turn.speaker,
            "name": speaker.name,
            "role": speaker.role or "",
            "overlap_s": turn.overlap_s,
            "loudness_dbfs": turn.loudness_dbfs,
            "class": turn.emotion.top if turn.emotion else None,
            "confidence": scores.confidence if scores else None,
            "unsure": turn.unsure if turn.emotion else None,
            "class_by": ("person" if turn.by_person else "model") if turn.emotion else None,
            "model_class": answer.top if answer else None,
            "model_confidence": answer.confidence if answer else None,
            "not_judged": turn.unjudged,
            "valence": valence,
            "arousal": arousal,
        }
        for k, name in enumerate(CLASSES):
            row[name.lower()] = scores.scores[k] if scores else None
        rows.append(row)
    return pd.DataFrame(rows)


def points_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per scored window: speaker, turn, time, weight, valence and arousal with their spreads."""
    import pandas as pd

    columns = ["speaker", "turn", "time_s", "weight_s", "valence", "valence_sd", "arousal", "arousal_sd"]
    return pd.DataFrame(
        [
            {"speaker": t.speaker, **{name: getattr(p, name) for name in columns[1:]}}
            for t in conversation.trajectories
            for p in t.points
        ],
        columns=columns,
    )


def trajectories_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per speaker and grid time: smoothed valence and arousal with their bands."""
    import pandas as pd

    columns = ("times_s", "valence", "valence_low", "valence_high", "arousal", "arousal_low", "arousal_high")
    frames = [
        pd.DataFrame({"speaker": t.speaker, **{name: getattr(t, name) for name in columns}})
        for t in conversation.trajectories
    ]
    empty = pd.DataFrame(columns=["speaker", *columns])
    return (pd.concat(frames, ignore_index=True) if frames else empty).rename(columns={"times_s": "time_s"})


def speakers_frame(conversation: Conversation) -> pd.DataFrame:
    """One row per speaker: name, role, talk figures and mean affect."""
    import pandas as pd

    rows = []
    for speaker in conversation.speakers:
        row: dict[str, object] = {
            "speaker": speaker.label,
            "name": speaker.name,
            "role": speaker.role,
            "not_scored": speaker.not_scored,
        }
        if speaker.talk:
            row |= {name: getattr(speaker.talk, name) for name in speaker.talk.__dataclass_fields__}
        if speaker.affect:
            means = {"valence": speaker.affect.valence, "arousal": speaker.affect.arousal}
            row |= {axis: estimate.mean if estimate else None for axis, estimate in means.items()}
            row |= dict(zip((c.lower() for c in CLASSES), speaker.affect.class_shares, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
