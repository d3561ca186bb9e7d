"""Build hook that adds the wheel's files from other places in the checkout: `ressenti/__init__.py` and its markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RootModule(BuildHookInterface[Any]):
    """Add `ressenti.py` to the wheel as the package's `__init__`, with its `__main__` for `python -m ressenti`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map the files into the wheel; an editable install finds `ressenti.py` itself."""
        if version == "editable":
            return
        root = Path(self.root)
        build_data["force_include"] |= {
            str(root / "ressenti.py"): "ressenti/__init__.py",
            str(root / "pipeline" / "cli" / "__main__.py"): "ressenti/__main__.py",
            str(root / "pipeline" / "py.typed"): "ressenti/py.typed",
        }
