"""A phone's width: turns are cards, and nothing is cut off or has to be moved sideways."""

from dataclasses import replace

import pytest

from browsing import Open, until, with_words
from conftest import mostly_slow
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.records import Conversation, Corrections, TurnCorrection

LONG = "Maximiliane-Alexandra von und zu Hohenzollern-Sigmaringen (Kundendienst, zweite Ebene)"
UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
ASTRAY = """() => [...document.querySelectorAll(".turns tbody tr, .turns td, .turns td *")].filter((here) => {
  const box = here.getBoundingClientRect(), card = here.closest("tr").getBoundingClientRect();
  return box.width && (box.left < card.left - 1 || box.right > card.right + 1 || box.right > window.innerWidth);
}).map((here) => here.outerHTML.slice(0, 200))"""


def full(conversation: Conversation) -> Conversation:
    """Long names, words and notes, and turns that a person corrected."""
    made = with_corrections(
        conversation,
        Corrections(turns=(TurnCorrection(0, "S2", "Sad", "a note that says a lot more than fits into one line"),
                           TurnCorrection(1, None, None, UNBROKEN))),
    )  # fmt: skip
    first, second = made.speakers
    return with_words(
        replace(made, speakers=(replace(first, name=LONG), replace(second, name=UNBROKEN))),
        f"{UNBROKEN} and then many more words of which a turn is made that goes over several lines",
    )


@pytest.mark.parametrize("lang", mostly_slow("drives Chromium through many pages", ["en", "fr"]))
@pytest.mark.slow("drives Chromium through many pages")
def test_turns_are_cards_without_sideways_scrolling(opened: Open, lang: str) -> None:
    there = opened(390, change=full, lang=lang, figures=False)
    there.drawn("timeline")  # with the names of its lanes
    page = there.page
    page.locator("#numbers").check()
    page.locator("#turn-0 .said").dispatch_event("pointerover")  # words as elements, too
    page.locator("#turn-0 .said span").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.evaluate(
            "(() => { const r = document.querySelector('.turns').closest('.scroll'); return r.scrollWidth - r.clientWidth; })()"
        )
        <= 0
    )
    assert page.evaluate(ASTRAY) == []
    said = page.locator("#turn-2 .said").bounding_box()
    when = page.locator("#turn-2 .go").bounding_box()
    tone = page.locator("#turn-2 .valence").bounding_box()
    assert said
    assert when
    assert tone
    assert when["y"] + when["height"] <= said["y"] + 1
    assert said["y"] + said["height"] <= tone["y"] + 1
    labels = page.evaluate(
        "['score', 'valence', 'arousal', 'loudness'].map((name) => getComputedStyle(document.querySelector(`#turn-2 .${name}`), '::before').content)"
    )
    expected = {"en": ["Score", "Valence", "Arousal", "Level"], "fr": ["Score", "Valence", "Activation", "Niveau"]}
    assert [label.split('"')[1].strip() for label in labels] == expected[lang]
    assert there.trouble == []


@pytest.mark.slow("drives Chromium through many pages")
def test_a_card_can_be_corrected_and_stays_one(opened: Open) -> None:
    page = opened(390, change=full, figures=False).page
    page.locator("#turn-2 .quiet").click()
    box = page.locator("#editor").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.locator("#edit-note").fill(UNBROKEN)
    page.locator("#editor button[type=submit]").click()
    until(page, "!document.getElementById('bar').hidden")
    assert page.evaluate(ASTRAY) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("[name=text]").fill("no such word")
    assert page.locator(".turns tbody tr:visible").count() == 0


@pytest.mark.slow("drives Chromium through many pages")
def test_a_wide_page_has_a_table(opened: Open) -> None:
    page = opened(1280, figures=False).page
    page.locator("#numbers").check()
    places = page.evaluate("[0, 1].map((k) => document.querySelector(`#turn-${k} .valence`).getBoundingClientRect().x)")
    assert places[0] == places[1]
    assert page.evaluate("getComputedStyle(document.querySelector('#turn-0 .valence'), '::before').content") == "none"
