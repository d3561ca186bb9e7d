"""A few seconds of coverage-guided fuzzing of each reader; ten minutes of each are run outside CI (docs/campaign.md)."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from campaign.fuzz import TARGETS
from campaign.pool import environment
from conftest import absent

pytestmark = pytest.mark.campaign


@pytest.fixture(autouse=True)
def atheris() -> None:
    """What fuzzes; it has wheels for Linux and Python 3.11 to 3.13."""
    if find_spec("atheris") is None:
        if sys.platform != "linux" or sys.version_info >= (3, 14):
            pytest.skip("atheris has no wheel for this Python")
        absent("atheris (pip install '.[fuzz]')")


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(target: str, short: bool, tmp_path: Path) -> None:
    seconds = 3 if short else 60
    command = [sys.executable, "-m", "campaign.fuzz", target, f"-max_total_time={seconds}", "-seed=16"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/"], cwd=tmp_path, env=environment(), capture_output=True, check=False,
        timeout=seconds + 240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-3_000:]
    assert not list(tmp_path.iterdir())
    assert b"cov:" in done.stderr
