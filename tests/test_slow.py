"""What the quick run leaves out is told in docs/testing.md, with the reason."""

import re
from collections import defaultdict

from conftest import CHECKOUT

MARKED = re.compile(r'(?:mark\.slow|mostly_slow)\(\s*"([^"]+)"')


def test_the_page_lists_what_is_slow_and_why() -> None:
    marked = defaultdict(set)
    for path in (CHECKOUT / "tests").rglob("*.py"):
        for reason in MARKED.findall(path.read_text(encoding="utf-8")):
            marked[reason].add(path.relative_to(CHECKOUT / "tests").as_posix())
    page = (CHECKOUT / "docs" / "testing.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([a-z][^|`]*) \| ([^|]*`[^|]*) \|", page, re.MULTILINE))
    assert {reason: set(re.findall(r"`([^`]+)`", files)) for reason, files in rows.items()} == marked
