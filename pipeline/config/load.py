"""A preset or a YAML file -> options."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ressenti.pipeline.config.option_group import misfits
from ressenti.pipeline.config.options import Config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.untrusted import RefusedError, parse_yaml, read_text

Overrides = Mapping[str, Mapping[str, object] | str]
MOST_BYTES = 256 * 1024  # of a config file; the longest preset has 6 kB


def preset_names() -> tuple[str, ...]:
    """Names of the included presets."""
    folder = resources.files("ressenti.configs")
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_config(source: str | Path = "default", overrides: Overrides | None = None) -> Config:
    """Load a preset (by name) or a YAML file, with `overrides` ({group: {key: value}}, {"use": value}) on top.

    A file may begin with `preset: NAME`, which it then changes. A relative `report.validation` in a file is relative
    to that file. Raises `ConfigError` for an unknown preset, a file that is not YAML, an unknown key or an invalid
    value.
    """
    data = _parsed(source)
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: got {type(data).__name__}, expected groups of options as in the presets.")
    return build_config(_on_preset(_beside(data, Path(source)), source), overrides, source)


def _on_preset(data: dict[str, object], source: str | Path) -> dict[str, object]:
    """Merge a file's options into its preset, group by group."""
    name = data.get("preset")
    if name is None:
        return data
    if name not in preset_names():
        raise ConfigError(f"{source}: preset: got {name!r}; expected one of {', '.join(preset_names())}.")
    merged: dict[str, object] = dict(_parsed(str(name)))
    for group, values in data.items():
        if group == "preset":
            continue
        base = merged.get(group)
        merged[group] = {**base, **values} if isinstance(base, dict) and isinstance(values, dict) else values
    return merged


def _beside(data: dict[str, object], source: Path) -> dict[str, object]:
    """Make paths of validation, phrases and background relative to the working folder, not to their file."""
    report, content = data.get("report"), data.get("content")
    if isinstance(report, dict) and isinstance(report.get("validation"), str):
        data = {**data, "report": {**report, "validation": str(source.parent / report["validation"])}}
    if isinstance(content, dict) and isinstance(content.get("background"), str):
        content = {**content, "background": str(source.parent / content["background"])}
        data = {**data, "content": content}
    if isinstance(content, dict) and isinstance(content.get("phrases"), list):
        places = [
            str(source.parent / place) if isinstance(place, str) and place.endswith((".yaml", ".yml")) else place
            for place in content["phrases"]
        ]
        data = {**data, "content": {**content, "phrases": places}}
    return data


def build_config(data: dict[str, object], overrides: Overrides | None = None, source: str | Path = "config") -> Config:
    """Build options from plain data, as in a stored conversation, with `overrides` on top; raises `ConfigError`."""
    merged = dict(data)
    for group, values in (overrides or {}).items():
        known = merged.get(group) or {}
        merged[group] = {**known, **values} if isinstance(known, dict) and isinstance(values, Mapping) else values
    try:
        return Config.model_validate(merged)
    except ValidationError as exc:
        problems = misfits(exc, Config)
        where = f"{source}: " if not overrides or _misfits_alone(data) else ""
        raise ConfigError(f"{where}{problems}. See configs/default.yaml for every option and its meaning.") from exc


def _misfits_alone(data: dict[str, object]) -> bool:
    """Whether the options are invalid without the overrides."""
    try:
        Config.model_validate(data)
    except ValidationError:
        return True
    return False


def _parsed(source: str | Path) -> Any:
    try:
        found = parse_yaml(_read(source))
    except RefusedError as exc:
        raise ConfigError(f"{source}: {exc}. Expected groups of options as in the presets.") from exc
    return {} if found is None else found


def _read(source: str | Path) -> str:
    path = Path(source)
    if path.suffix.lower() in {".yaml", ".yml"} or len(path.parts) > 1:
        try:
            return read_text(path, MOST_BYTES)
        except FileNotFoundError as exc:
            names = ", ".join(preset_names())
            raise ConfigError(f"{source}: no such file; expected a config, or one of the presets {names}.") from exc
        except OSError as exc:
            raise ConfigError(f"{source}: cannot be read as a config ({exc.strerror}). Check the file.") from exc
        except RefusedError as exc:
            raise ConfigError(f"{source}: cannot be read as a config ({exc}). Check the name and the file.") from exc
    if str(source) not in preset_names():
        names = ", ".join(preset_names())
        raise ConfigError(f"unknown preset {str(source)!r}; expected one of {names}, or a file ending in .yaml.")
    return (resources.files("ressenti.configs") / f"{source}.yaml").read_text(encoding="utf-8")
