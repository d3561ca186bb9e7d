"""What CI says of a wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from conftest import CHECKOUT

CHECK = CHECKOUT / ".ci" / "wheel.py"


def test_a_wheel_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ressenti.whl"
    for hole, expected in ((0, "not in the wheel"), (100_000_000, "expected at most 100,000,000")):
        with path.open("wb") as file:
            file.seek(hole)  # a zip file may have anything before it; a hole takes no room
            with zipfile.ZipFile(file, "w") as wheel:
                wheel.writestr("ressenti/other.py", "")
        done = subprocess.run([sys.executable, CHECK, path], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert expected in done.stderr
