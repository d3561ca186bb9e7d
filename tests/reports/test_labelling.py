import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti.pipeline.records import CLASSES, ClassFigure, Conversation, Validation
from ressenti.reports.labelling import LabelItem, LabelSheet, render_labelling
from ressenti.reports.page import render
from ressenti.reports.page_shell import csp_hash
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
SHEET = LabelSheet(
    (LabelItem("aaaaaaaaaaaa-1", b"sound one", cut=False), LabelItem("bbbbbbbbbbbb-7", b"sound two", cut=True)),
    sample="0123456789abcdef",
    seed=1,
    count=100,
    longest_s=20.0,
)
VALIDATION = Validation(
    model="fake-emotion",
    model_sha256=None,
    recordings=12,
    speakers=14,
    turns=96,
    drawn=100,
    raters=2,
    abstentions=4,
    seed=1,
    alpha_class=0.62,
    alpha_valence=0.5,
    alpha_arousal=0.7,
    macro_f1=0.48,
    macro_f1_low=0.39,
    macro_f1_high=0.57,
    classes=tuple(ClassFigure(name, None if name == "Sad" else 0.6, 20.0) for name in CLASSES),  # type: ignore[arg-type]
    right=0.55,
    right_sure=0.65,
    sure_turns=40,
    concordance_valence=0.2,
    concordance_arousal=0.4,
)


def limits_of(page: str) -> str:
    """What the page says under its limits, as a reader sees it."""
    text = page.split(' class="methods"')[1].split("</ul>", maxsplit=1)[0]
    return text.replace("&#39;", "'").replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_policy_allows_the_script_the_style_and_sound_inside(lang: str) -> None:
    page = render_labelling(SHEET, lang)  # type: ignore[arg-type]
    assert page == render_labelling(SHEET, lang)  # type: ignore[arg-type]
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found
    policy = found[1].replace("&#39;", "'").replace("&#43;", "+")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert "default-src 'none'" in policy
    assert f"script-src {csp_hash(script)};" in policy
    assert f"style-src {csp_hash(style)};" in policy
    assert "media-src data: blob:" in policy
    assert "unsafe" not in policy
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert not re.search(r' style="', page)


def test_the_sheet_is_all_that_raters_get() -> None:
    page = render_labelling(SHEET, "en")
    data = json.loads(re.findall(r'<script type="application/json" id="sheet">(.*?)</script>', page)[0])
    assert {key for item in data["items"] for key in item} == {"id", "cut", "mp3"}
    assert set(data) == {"sample", "seed", "count", "classes", "items", "words", "names", "comma"}
    assert data["words"]["lab_progress"] == "Labelled: {n} of {total}, with a point: {points}"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_raters_are_told_what_to_do_and_what_the_page_holds(lang: str) -> None:
    page = render_labelling(SHEET, lang).replace("&#39;", "'")  # type: ignore[arg-type]
    words = Wording(lang)  # type: ignore[arg-type]
    for key in ("lab_confidential", "lab_rule_voice", *(f"lab_is_{name}" for name in CLASSES)):
        assert words(key) in page


def test_what_stands_in_the_data_stays_data() -> None:
    hostile = replace(SHEET, sample="</script><img src=x onerror=alert(1)>")
    page = render_labelling(hostile, "en")
    assert "<img" not in page
    assert page.count("</script>") == 2


@pytest.mark.parametrize(
    ("lang", "first", "figures"),
    [
        (
            "en",
            "Not validated on your recordings.",
            ("(turns: 96; recordings: 12;", "Macro F1 0.48", "0.39 to 0.57", "Sad –"),
        ),
        (
            "fr",
            "Non validé sur vos enregistrements.",
            ("tours : 96 ; enregistrements : 12", "F1 macro 0,48", "0,39 à 0,57", "Triste –"),
        ),
    ],
)
def test_reports_quote_the_validation_of_their_model_alone(
    make_conversation: Make, lang: str, first: str, figures: tuple[str, ...]
) -> None:
    conversation = make_conversation()
    none, own, other = (
        limits_of(render(replace(conversation, validation=v), lang))  # type: ignore[arg-type]
        for v in (None, VALIDATION, replace(VALIDATION, model_sha256="ab" * 32, model="another-model"))
    )
    assert first in none
    assert first not in own
    for figure in figures:
        assert figure in own
        assert figure not in other
    assert first in other
    assert "another-model" in other
    assert "0.62" in own.replace("0,62", "0.62")


def test_what_is_not_known_is_said(make_conversation: Make) -> None:
    alone = replace(VALIDATION, raters=1, alpha_class=None, macro_f1_low=None, macro_f1_high=None)
    text = limits_of(render(replace(make_conversation(), validation=alone)))
    assert "no interval: fewer than four speakers" in text
    assert "agreement between raters not known" in text


def test_a_validation_says_nothing_where_nobody_is_scored(make_conversation: Make) -> None:
    text = limits_of(render(replace(make_conversation("recruitment"), validation=VALIDATION)))
    assert "your material" not in text
