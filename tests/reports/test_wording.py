import json
import re
from typing import get_args

import pytest

from conftest import CHECKOUT
from pipeline.records import Note, Unjudged
from reports.wording import Wording

EN, FR = Wording("en"), Wording("fr")
LOCALES = {
    lang: json.loads((CHECKOUT / "reports" / "locales" / f"{lang}.json").read_text(encoding="utf-8"))
    for lang in ("en", "fr")
}


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    assert list(LOCALES["en"]) == list(LOCALES["fr"])
    for key, text in LOCALES["en"].items():
        holes = [sorted(re.findall(r"{(\w+)}", LOCALES[lang][key])) for lang in ("en", "fr")]
        assert holes[0] == holes[1], key
        assert text
        assert LOCALES["fr"][key]


def test_every_text_is_used() -> None:
    folders = (CHECKOUT / "reports", CHECKOUT / "pipeline")
    files = [p for folder in folders for p in folder.rglob("*") if p.suffix in (".py", ".html", ".js")]
    configs = "\n".join(p.read_text(encoding="utf-8") for p in (CHECKOUT / "configs").glob("*.yaml"))
    source = "\n".join(p.read_text(encoding="utf-8") for p in files).replace("'", '"')
    families = ("note_", "count_", "ns_", "u_", "t_", "h_", "letter_", "role_", "lab_is_")
    for key in LOCALES["en"]:
        if key.startswith(("mo_", "hl_")):  # said by kind and direction, test_headline has them all
            continue
        stem = next((key.removeprefix(f) for f in families if key.startswith(f)), key)
        assert f'"{key}"' in source or f'"{stem}"' in source or (key.startswith("role_") and stem in configs), (
            f"{key} is said nowhere"
        )


def test_numbers_as_each_language_writes_them() -> None:
    assert [w.number(-0.25, 2) for w in (EN, FR)] == ["−0.25", "−0,25"]
    assert EN.number(0.5, 1, sign=True) == "+0.5"
    assert EN.number(None) == "–"
    assert [w.percent(0.421) for w in (EN, FR)] == ["42%", "42\u202f%"]
    assert EN.seconds(1.25) == "1.2\u00a0s"


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [(0, 0, "0:00"), (59.6, 0, "1:00"), (61.04, 1, "1:01.0"), (59.96, 1, "1:00.0"), (3725, 0, "1:02:05")],
)
def test_clock(seconds: float, decimals: int, text: str) -> None:
    assert EN.clock(seconds, decimals) == text


def test_notes_and_names() -> None:
    note = Note("channels_differ", {"decibel": 6.0, "percent": 88})
    assert "6 dB" in EN.note(note)
    assert "88 %" in FR.note(note)
    labels = Note("labels", {"angry": "Tension", "disgust": "", "Sad": "Sad"})
    assert EN.note(labels) == "labels: angry → Tension, disgust → no class, Sad → Sad"
    assert FR.note(labels) == "étiquettes : angry → Tension, disgust → aucune classe, Sad → Triste"
    assert EN.speaker("S2", "", "client", guess=True) == "Speaker 2 (client?)"
    assert FR.speaker("S1", "Anna", None) == "Anna"


def test_every_reason_for_no_scores_has_words() -> None:
    for reason in get_args(Unjudged):
        assert EN(f"u_{reason}") != FR(f"u_{reason}")
