"""Places the files of the wheel that lie elsewhere in the checkout: `ressenti/__init__.py` and its marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RootModule(BuildHookInterface[Any]):
    """`ressenti.py` is the package's `__init__` and, run by `python -m ressenti`, its `__main__`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map files into a wheel; an editable install finds `ressenti.py` itself."""
        if version == "editable":
            return
        root = Path(self.root)
        build_data["force_include"] |= {
            str(root / "ressenti.py"): "ressenti/__init__.py",
            str(root / "pipeline" / "cli" / "__main__.py"): "ressenti/__main__.py",
            str(root / "pipeline" / "py.typed"): "ressenti/py.typed",
        }
