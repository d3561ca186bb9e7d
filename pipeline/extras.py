"""Packages that only one feature needs: installed on request, as an extra of `pyproject.toml`."""

from __future__ import annotations

from importlib.util import find_spec

from ressenti.pipeline.errors import ConfigError

PACKAGES = {  # by module: name to install, extra
    "docx": ("python-docx", "docx"),
    "krippendorff": ("krippendorff", "lab"),
    "pyarrow": ("pyarrow", "parquet"),
    "soundfile": ("soundfile", "lab"),
}


def need(module: str, what: str, instead: str = "") -> None:
    """Raise `ConfigError` where the package behind a module is not installed.

    `what` needs it; `instead` ends the message with what the user can do without it.
    """
    if find_spec(module) is None:
        package, extra = PACKAGES[module]
        raise ConfigError(
            f"{what} needs the package {package}, which is not installed. Install it with pip install {package} "
            f"(the extra `{extra}`){instead and ', '}{instead}."
        )
