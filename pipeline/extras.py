"""Optional packages that a single feature needs: extras in `pyproject.toml`."""

from __future__ import annotations

from importlib.util import find_spec

from ressenti.pipeline.errors import ConfigError

PACKAGES = {  # by module: name to install, extra
    "duckdb": ("duckdb", "library"),
    "docx": ("python-docx", "docx"),
    "jiwer": ("jiwer", "lab"),
    "num2words": ("num2words", "lab"),
    "krippendorff": ("krippendorff", "lab"),
    "parselmouth": ("praat-parselmouth", "test"),
    "praatio": ("praatio", "textgrid"),
    "pyarrow": ("pyarrow", "parquet"),
    "ray": ("ray", "cluster"),
    "xlsxwriter": ("xlsxwriter", "xlsx"),
    "soundfile": ("soundfile", "lab"),
}


def need(module: str, what: str, instead: str = "", extra: str = "") -> None:
    """Raise `ConfigError` if the package of a module is not installed.

    `what` is the feature that needs it; `instead` is an alternative, which ends the message. `extra` is the one to name
    where several have the package.
    """
    if find_spec(module) is None:
        package, of_package = PACKAGES[module]
        raise ConfigError(
            f"{what} needs the package {package}, which is not installed. Install it with pip install {package} "
            f"(the extra `{extra or of_package}`){instead and ', '}{instead}."
        )
