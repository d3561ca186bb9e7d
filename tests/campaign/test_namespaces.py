"""Two containers on one volume: both are process 1, and write the same files into one folder."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from campaign.writers import NAMESPACE, side_by_side, write_often
from conftest import absent
from ressenti.pipeline.store import write_whole

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def namespaces() -> None:
    allowed = shutil.which("unshare") and subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True)
    if not allowed or allowed.returncode:
        absent("a PID namespace of one's own (unshare)")


@pytest.mark.usefixtures("namespaces")
def test_no_write_of_800_is_torn(tmp_path: Path, short: bool) -> None:
    assert side_by_side(tmp_path, 40 if short else 400, "now") == 0
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith((".partial", ".before"))]


@pytest.mark.usefixtures("namespaces")
def test_names_by_process_number_do_tear(tmp_path: Path) -> None:
    assert side_by_side(tmp_path, 40, "old") > 0


def test_threads_of_one_process_tear_nothing(tmp_path: Path, short: bool) -> None:
    torn: list[int] = []
    count = 20 if short else 100
    threads = [
        threading.Thread(target=lambda who=who: torn.append(write_often(tmp_path, who, count, write_whole)))
        for who in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == [0, 0]
