"""Hostile and damaged input: nothing that is not ours, no hang, no flood of memory, no wrong code, nothing left over."""

from __future__ import annotations

import pytest

from campaign.__main__ import GROUPS
from campaign.cases import Allowed, read_as
from campaign.media import cases, mutant
from campaign.names import names
from campaign.pages import scripts_in, skeleton
from campaign.run import fault_of, tallied
from campaign.sources import KINDS

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "kills"])
def test_nothing_is_wrong(group: str, short: bool) -> None:
    tally = tallied(group, GROUPS[group](short))
    assert tally.tried
    assert not tally.wrong, "\n".join(f"{w.fault}: {w.name} -> {w.code}: {w.words!a}" for w in tally.wrong[:30])


def test_the_campaign_is_as_large_as_it_says() -> None:
    assert len(names()) >= 44
    assert {name.split()[1] for name, _, _ in cases(1, len(KINDS))} == set(KINDS)


def test_the_same_seed_gives_the_same_bytes() -> None:
    for number in (3, 17, 58):
        assert mutant(5, number)[1].data == mutant(5, number)[1].data
    assert any(mutant(5, number)[1].data != mutant(6, number)[1].data for number in range(5))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"code": 0, "type": "", "words": "", "seconds": 8.0, "peak_mb": 100.0}, ""),
        ({"code": 0, "type": "", "words": "", "seconds": 5.0, "peak_mb": 100.0}, "wrong length"),
        ({"code": 0, "type": "", "words": "", "seconds": 8.0, "peak_mb": 2_100.0}, "memory"),
        ({"code": 8, "type": "NotAudioError", "words": "x: not audio", "peak_mb": 100.0}, "wrong code"),
        ({"code": 9, "type": "TruncatedError", "words": "x: [Errno 1] Operation not permitted", "peak_mb": 1.0}, "wrong words"),
        ({"code": 1, "type": "KeyError", "words": "", "peak_mb": 1.0, "ours": False}, "not ours"),
        ({"code": 1, "type": "hang", "words": "", "peak_mb": 0.0, "ours": False}, "hang"),
        ({"code": 1, "type": "crash", "words": "", "peak_mb": 0.0, "ours": False}, "crash"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_seen(answer: dict[str, object], fault: str) -> None:
    assert fault_of(answer, read_as(8.0, 0.1, 9)) == fault


def test_a_hang_and_a_crash_are_seen(tmp_path: object) -> None:
    from campaign.pool import Worker

    worker = Worker()
    try:
        assert worker.ask({"what": "command", "arguments": ["--help"]})["code"] == 0
        assert worker.ask({"what": "media", "path": "/nonexistent"}, limit_s=30)["code"] == 4
        assert worker.ask({"what": "media", "path": "/nonexistent"}, limit_s=0.0)["type"] == "hang"
        assert fault_of(worker.ask({"what": "nothing"}), Allowed(frozenset({0}))) == "not ours"
    finally:
        worker.close()


def test_markup_is_seen() -> None:
    assert skeleton("<p>a&lt;b&gt;</p>") == skeleton("<p>c</p>") != skeleton("<p><b></p>")
    assert scripts_in("<a href='javascript:x'><img src=x onerror=y>") == ["<img>", "img onerror", "javascript:x"]
