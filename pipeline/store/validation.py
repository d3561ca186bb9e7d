"""Read and write validation files: how well a model does on the user's recordings.

`evaluate label` writes the file, and a config refers to it. It is JSON: `format` ("ressenti-validation"), `version`
(2; 1 had no `calibration`), and the fields of `pipeline.records.Validation` under their own names, rounded to four
decimals:

    {"format": "ressenti-validation", "version": 2, "model": "...", "model_sha256": "...", "recordings": 12,
     "speakers": 14, "turns": 96, "drawn": 100, "raters": 2, "abstentions": 5, "seed": 1, "alpha_class": 0.62, ...,
     "macro_f1": 0.48, "macro_f1_low": 0.39, "macro_f1_high": 0.57,
     "classes": [{"name": "Pleased", "f1": 0.5, "support": 17.5}, ...], ...,
     "calibration": {"temperature": 1.8, "priors": {"Pleased": 0.1, ...}, "assumed": {"Pleased": 0.2, ...}, ...}}
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.untrusted import RefusedError, parse_json, read_text, short
from ressenti.pipeline.records import Validation
from ressenti.pipeline.rounding import rounded

FORMAT = "ressenti-validation"
VERSION = 2
MOST_BYTES = 1 << 20  # per file; its fields take 2 kB
_EXPECTED = "Expected the file that `ressenti evaluate label --read ... --out FILE.json` writes."


def dump_validation(validation: Validation) -> str:
    """Write a validation as JSON text, rounded to four decimals."""
    data = {"format": FORMAT, "version": VERSION, **asdict(validation)}
    return json.dumps(rounded(data), indent=1, allow_nan=False) + "\n"


def read_validation(source: str | None) -> Validation | None:
    """Read the validation file of a config; None without one, `ConfigError` if it is invalid."""
    if source is None:
        return None
    try:
        data = parse_json(read_text(Path(source), MOST_BYTES))
    except OSError as exc:
        raise ConfigError(f"report.validation: {source} cannot be read ({exc.strerror}). {_EXPECTED}") from exc
    except RefusedError as exc:
        raise ConfigError(f"report.validation: {source}: {exc}. {_EXPECTED}") from exc
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ConfigError(f"report.validation: {source} is JSON, but not a validation. {_EXPECTED}")
    if data.get("version") not in (1, VERSION):
        raise ConfigError(
            f"report.validation: {source} has format version {short(repr(data.get('version')))}; this program "
            f"reads 1 and {VERSION}. {_EXPECTED}"
        )
    try:
        fields = {key: value for key, value in data.items() if key not in ("format", "version")}
        return TypeAdapter(Validation).validate_python(fields)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = short(".".join(map(str, first["loc"])))
        raise ConfigError(f"report.validation: {source} is invalid; {where}: {first['msg']}. {_EXPECTED}") from exc
