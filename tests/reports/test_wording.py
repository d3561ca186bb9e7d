import json
import re
from typing import get_args

import pytest

from conftest import CHECKOUT
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Note, Unjudged
from ressenti.reports import wording
from ressenti.reports.wording import Wording

EN, FR = Wording("en"), Wording("fr")
LOCALES = {
    lang: json.loads((CHECKOUT / "reports" / "locales" / f"{lang}.json").read_text(encoding="utf-8"))
    for lang in get_args(Lang)
}


def test_all_languages_say_the_same_things_with_the_same_values() -> None:
    assert set(LOCALES) == {path.stem for path in (CHECKOUT / "reports" / "locales").glob("*.json")}
    for lang, texts in LOCALES.items():
        assert list(LOCALES["en"]) == list(texts), lang
        for key, text in texts.items():
            forms = [forms_of(LOCALES["en"][key]), forms_of(text)]
            holes = [{hole for form in own for hole in re.findall(r"{(\w+)}", form)} for own in forms]
            assert holes[0] == holes[1], (lang, key)
            assert all(form for own in forms for form in own)
            assert len(set(Wording(lang)("months").split(", "))) == 12


def forms_of(text: str | dict[str, str]) -> list[str]:
    if isinstance(text, str):
        return [text]
    assert set(text) <= {"by", "one", "other"}, text
    return [text["one"], text["other"]]


def test_no_text_has_a_plural_in_parentheses_or_counts_in_one_form_alone() -> None:
    """One form would say "1 turns": where a count stands before its noun, there are two."""
    counted = r"{(n|turns|total|asked|found|channels|unsure)} (?!%)[a-zéà]+s\b"
    more_than_one = {"hl_kind_many", "th_quarters"}
    more_than_one |= {f"note_{key}" for key in ("many_channels", "mono_asked", "split_asked", "count_as_bound")}
    more_than_one |= {"note_fewer_speakers", "note_more_than_roles"}
    for lang, texts in LOCALES.items():
        for key, text in texts.items():
            assert not any(re.search(r"\w\((s|es|x|aux|e)\)", form) for form in forms_of(text)), (lang, key)
            if isinstance(text, str) and key not in more_than_one:
                assert not re.search(counted, text), (lang, key)


def test_every_text_is_used() -> None:
    folders = (CHECKOUT / "reports", CHECKOUT / "pipeline")
    files = [p for folder in folders for p in folder.rglob("*") if p.suffix in (".py", ".html", ".js")]
    configs = "\n".join(p.read_text(encoding="utf-8") for p in (CHECKOUT / "configs").glob("*.yaml"))
    source = "\n".join(p.read_text(encoding="utf-8") for p in files).replace("'", '"')
    families = (
        "note_",
        "count_",
        "ns_",
        "u_",
        "t_",
        "h_",
        "letter_",
        "role_",
        "lab_is_",
        "drop_",
        "language_by_",
        "language_",
        "col_",
        "about_",
        "tone_",
        "phrase_",
        "said_",
        "says_",
        "pd_",
        "sound_",
        "ov_rule_",
        "ov_m_",
        "ov_c_",
        "js_ignore_",
        "js_role_",
    )
    for key in LOCALES["en"]:
        if key.startswith(
            ("mo_", "hl_", "ov_why_", "role_by_")
        ):  # said by kind and direction, test_headline has them all
            continue
        stem = next((key.removeprefix(f) for f in families if key.startswith(f)), key)
        assert f'"{key}"' in source or f'"{stem}"' in source or (key.startswith("role_") and stem in configs), (
            f"{key} is said nowhere"
        )


def test_numbers_as_each_language_writes_them() -> None:
    assert [w.number(-0.25, 2) for w in (EN, FR)] == ["−0.25", "−0,25"]
    assert EN.number(0.5, 1, sign=True) == "+0.5"
    assert [EN.number(-0.004, 2, sign=True), EN.number(-0.04, 1)] == ["0.00", "0.0"]  # no minus before nought
    assert [EN.length(s) for s in (1.25, 36.4, 125.0, 3599.4)] == ["1.2\u00a0s", "36\u00a0s", "2:05 min", "59:59 min"]
    assert EN.length(3725.0) == "1:02:05 h"
    assert [Wording("es").percent(0.42), Wording("es").number(1.5, 1)] == ["42\u202f%", "1,5"]
    assert EN.number(None) == "–"
    assert [w.percent(0.421) for w in (EN, FR)] == ["42%", "42\u202f%"]
    assert EN.seconds(1.25) == "1.2\u00a0s"


def test_counts_take_their_form() -> None:
    assert [EN("n_turns", n=n) for n in (0, 1, 2)] == ["0 turns", "1 turn", "2 turns"]
    assert [FR("n_turns", n=n) for n in (0, 1, 2)] == ["0 tour", "1 tour", "2 tours"]
    few = Note("fewer_speakers", {"asked": 2, "found": 1})
    assert FR.note(few) == "2 locuteurs étaient demandés, mais 1 seul a pu être distingué."
    one = Note("channels_decided", {"asked": 1, "channels": 2})
    assert EN.note(one) == "One speaker was requested, but the 2 channels set the number."
    shared = Note("channel_voices", {"channel": 1, "voices": 2})
    assert EN.note(shared) == "Channel 1 holds 2 voices: told apart by sound, not by channel."
    assert FR.note(shared) == "Le canal 1 porte 2 voix\u00a0: distinguées au son, pas par le canal."


def test_french_lines_do_not_break_before_their_signs() -> None:
    for key in LOCALES["fr"]:
        for text in forms_of(wording._texts("fr")[key]):
            assert not re.search(r" [:;?!%»]|« ", text), key


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [(0, 0, "0:00"), (59.6, 0, "1:00"), (61.04, 1, "1:01.0"), (59.96, 1, "1:00.0"), (3725, 0, "1:02:05")],
)
def test_clock(seconds: float, decimals: int, text: str) -> None:
    assert EN.clock(seconds, decimals) == text


def test_notes_and_names() -> None:
    note = Note("channels_differ", {"decibel": 6.0, "percent": 88})
    assert "6 dB" in EN.note(note)
    assert "88\u202f%" in FR.note(note)
    labels = Note("labels", {"angry": "Tension", "disgust": "", "Sad": "Sad"})
    assert EN.note(labels) == "labels: angry → Tension, disgust → no class, Sad → Sad"
    assert FR.note(labels) == "étiquettes\u00a0: angry → Tension, disgust → aucune classe, Sad → Triste"
    assert EN.speaker("S2", "", "client", guess=True) == "Speaker 2 (client?)"
    assert FR.speaker("S1", "Anna", None) == "Anna"


def test_every_reason_for_no_scores_has_words() -> None:
    for reason in get_args(Unjudged):
        assert EN(f"u_{reason}") != FR(f"u_{reason}")
