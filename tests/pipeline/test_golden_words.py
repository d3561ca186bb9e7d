"""Recognised words go through JSON, page and exports, and come out as they did (`tests/golden/words`).

After a change on purpose, write the files anew with `RESSENTI_GOLDEN=write pytest -n 0 tests/pipeline/test_golden_words.py`,
look at what changed, and say it in the commit.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import SEGMENTS, by_loudness
from ressenti import analyze, load_config
from ressenti.pipeline import export, store
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.sounds.fake import FakeSounds
from ressenti.pipeline.transcription.fake import FakeTranscriber
from ressenti.reports.page import render

GOLDEN = Path(__file__).parent.parent / "golden" / "words"
SAID = (
    "Hello, uh, the clutch plate costs 300 dollars? A new clutch plate, I said: a « clutch plate » & <more>. Bye bye!"
)


@pytest.fixture(scope="module")
def spoken(made_recording: Path) -> Conversation:
    """A conversation with words of a fixed fake transcription, some of them unsure; read back from its JSON."""
    made = analyze(
        made_recording,
        load_config("default", {"content": {"least_words": 5, "keyword_count": 2}}),
        diarizer=FakeDiarizer(SEGMENTS),
        emotion_model=FakeEmotion(by_loudness),
        sound_detector=FakeSounds(),
        transcriber=FakeTranscriber(SAID),
    )
    words = tuple(replace(word, confidence=0.3) if k % 7 == 3 else word for k, word in enumerate(made.words))
    return store.loads(store.dumps(replace(made, words=words)))


def in_json(conversation: Conversation) -> str:
    """The parts of the JSON that are about words."""
    whole = json.loads(store.dumps(conversation))
    return json.dumps({key: whole[key] for key in ("words", "transcription")}, indent=1) + "\n"


def in_page(conversation: Conversation) -> str:
    """The words that the page's scripts get, and the text of its section on what was said."""
    page = render(conversation)
    packed = re.search(r'<script type="text/plain" id="data">([^<]*)</script>', page)
    section = re.search(r'<section aria-labelledby="h-said".*?</section>', page, re.DOTALL)
    assert packed
    assert section
    words = json.loads(gzip.decompress(base64.b64decode(packed[1])))["words"]
    text = " ".join(re.sub(r"<[^>]*>", " ", section[0]).split())
    return json.dumps({"words": words, "section": text}, indent=1, ensure_ascii=False) + "\n"


WRITERS: dict[str, Callable[[Conversation], str]] = {
    "words.json": in_json,
    "page.json": in_page,
    "call.TextGrid": export.textgrid,
    "call.srt": export.srt,
    "call.vtt": export.vtt,
    "call.quotes.md": export.quotes_md,
    "call.said.csv": export.said_csv,
    "call.turns.csv": export.turns_csv,
}


@pytest.mark.parametrize("name", WRITERS)
def test_words_come_out_as_they_did(spoken: Conversation, name: str) -> None:
    made, path = WRITERS[name](spoken), GOLDEN / name
    if os.environ.get("RESSENTI_GOLDEN") == "write":
        path.write_bytes(made.encode())
    assert made == path.read_bytes().decode()
