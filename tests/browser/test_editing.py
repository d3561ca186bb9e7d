"""Corrections in a real browser: made, undone, saved, loaded back, and what follows from them at once."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect
from typer.testing import CliRunner

from browsing import FIGURES, READY, Make, Open, applied, saved, unsigned, until, with_words
from ressenti import load_config, with_corrections
from ressenti.pipeline import roles, store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.derive import derive
from ressenti.pipeline.records import Conversation, Corrections, Moment, Sound, Span, TurnCorrection
from ressenti.reports.page import render

pytestmark = pytest.mark.slow("drives Chromium through many pages")
HOSTILE = "</script><img src=x onerror=alert(1)>'\"&%{x}"
PICKER = """
window.written = [];
window.asked = 0;
window.showSaveFilePicker = async ({ suggestedName }) => {
  window.asked += 1;
  if (window.refuse) throw new DOMException("closed", window.refuse);
  return { name: suggestedName, createWritable: async () => {
    let text = "";
    return { write: async (part) => { text += part; }, close: async () => { window.written.push(text); } };
  } };
};
null;
"""
DROP = """([name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name, { type: "application/json" }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
}"""
SHOWN = """() => {
  const copy = document.body.cloneNode(true), parts = [document.body.innerText];
  copy.querySelectorAll("script, style, .figure").forEach((part) => part.remove());
  parts.push(copy.textContent);
  for (const node of copy.querySelectorAll("[aria-label], [title]")) parts.push(node.getAttribute("aria-label"), node.title);
  return parts.join("\\n");
}"""
DRAWN = "(name) => JSON.stringify(document.getElementById(name).data)"


def text(page: Page, place: str, nth: int = 0) -> str:
    return " ".join((page.locator(place).nth(nth).text_content() or "").split())


def correct(page: Page, turn: int, **fields: str) -> None:
    page.locator(f"#turn-{turn} .quiet").click()
    for field, value in fields.items():
        place = page.locator(f"#edit-{field}")
        place.select_option(value) if field in ("speaker", "class") else place.fill(value)
    page.locator("#editor button[type=submit]").click()


def give(page: Page, speaker: int, role: str) -> str:
    """Give a role; what the dialog says that follows."""
    page.locator(".card [data-rename]").nth(speaker).click()
    page.locator("#rename-role").select_option(role)
    told = page.locator("#rename-follows").inner_text()
    page.locator("#renamer button[type=submit]").click()
    return told


def mark(page: Page, start: str, end: str, what: str = "silence") -> None:
    page.locator("#bleep-from").fill(start)
    page.locator("#bleep-to").fill(end)
    page.locator("#span-what").select_option(what)
    page.locator("#bleep-form button[type=submit]").click()


def note_the_call(page: Page, note: str) -> None:
    page.locator("#call-note").fill(note)
    page.locator("#call-note").blur()


def drop(page: Page, name: str, content: str) -> None:
    page.evaluate(DROP, [name, content])


def test_corrections_round_trip_and_move_figures(opened: Open, make_conversation: Make, tmp_path: Path) -> None:
    there = opened(figures=False)
    page = there.page
    assert page.locator("#bar").is_hidden()
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-class").select_option("Sad")
    page.locator("#edit-note").fill("sobs")
    page.locator("#editor button[type=submit]").click()
    page.locator("#turn-1 .quiet").click()
    page.locator("#edit-speaker").select_option("S1")
    page.locator("#editor button[type=submit]").click()
    page.locator(".card [data-rename]").nth(1).click()
    page.locator("#rename-name").fill("Zoé <i>")
    page.locator("#renamer button[type=submit]").click()
    assert (page.locator(".card h3").nth(1).text_content() or "").startswith("Zoé <i>")
    assert "sobs" in (page.locator("#turn-0").text_content() or "")
    data = saved(page)
    assert unsigned(data["corrections"]) == {
        "names": [{"speaker": "S2", "name": "Zoé <i>"}],
        "roles": [],
        "kinds": [],
        "turns": [
            {"turn": 0, "speaker": None, "emotion": "Sad", "words": None, "note": "sobs"},
            {"turn": 1, "speaker": "S1", "emotion": None, "words": None, "note": ""},
        ],
        "ignored": [],
        "note": None,
    }
    conversation = with_words(make_conversation())
    before = {s.label: s.talk.talk_s for s in conversation.speakers if s.talk}
    derived = applied(conversation, data)
    after = {s.label: s.talk.talk_s for s in derived.speakers if s.talk}
    assert after["S1"] == pytest.approx(before["S1"] + 4)
    assert derived.turns[0].emotion is not None
    assert derived.turns[0].emotion.top == "Sad"
    assert derived.turns[0].original is not None
    assert derived.trajectories != conversation.trajectories
    assert derived.speaker("S2").name == "Zoé <i>"
    (tmp_path / "call.report.html").write_text(render(derived), encoding="utf-8")
    page.reload()
    until(page, READY)
    assert "corrected by a person; model: Pleased" in (page.locator("#turn-0").text_content() or "")
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-class").select_option("")  # back to what the model says
    page.locator("#edit-note").fill("")
    page.locator("#editor button[type=submit]").click()
    assert [t["turn"] for t in saved(page)["corrections"]["turns"]] == [1]
    assert there.trouble == []


def test_spans_are_silenced_as_drawn(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator("#bleep-from").fill("0:05.0")
    page.locator("#bleep-to").fill("0:05.15")
    page.locator("#bleep-form button[type=submit]").click()
    page.locator("#draw").check()
    box = page.locator("#strip").bounding_box()
    assert box
    for to, move in ((10, page.mouse.move), (20, page.mouse.move)):
        move(box["x"] + box["width"] * to / 30, box["y"] + 15)
        page.mouse.down() if to == 10 else page.mouse.up()
    assert page.locator("#bleeps li").count() == 2
    page.locator("#draw").uncheck()
    page.mouse.click(box["x"] + box["width"] * 15 / 30, box["y"] + 15)
    until(page, "document.getElementById('sound').muted")
    page.keyboard.press("Space")
    page.mouse.click(box["x"] + box["width"] * 25 / 30, box["y"] + 15)
    until(page, "!document.getElementById('sound').muted")
    data = saved(page)
    assert data["bleeps"][0] == {"start_s": 5, "end_s": 5.15}
    assert data["bleeps"][1]["start_s"] == pytest.approx(10, abs=0.1)
    page.locator("#bleep-from").fill("9")
    page.locator("#bleep-to").fill("3")
    page.locator("#bleep-form button[type=submit]").click()
    assert "Enter two times" in (page.locator("#bleep-trouble").text_content() or "")
    assert there.trouble == []


def test_changes_are_undone_also_after_saving(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator(".card [data-rename]").nth(1).click()
    page.locator("#rename-name").fill("Zoé")
    page.locator("#renamer button[type=submit]").click()
    assert "Zoé" in (page.locator("#turn-1").text_content() or "")
    assert unsigned(saved(page)["corrections"])["names"] == [{"speaker": "S2", "name": "Zoé"}]
    page.locator("#undo-all").click()
    assert "Zoé" not in (page.locator("#turn-1").text_content() or "")
    assert page.locator("#bar").is_visible()
    assert saved(page)["corrections"]["names"] == []
    assert page.locator("#unsaved").inner_text().startswith("Saved as call.corrections.json")
    page.locator("#undo").click()  # also what was undone
    assert "Zoé" in (page.locator("#turn-1").text_content() or "")


@pytest.mark.parametrize(
    ("lang", "said", "partly"),
    [("en", "before your changes", "Talk time, turns"), ("fr", "avant vos modifications", "Temps de parole")],
)
def test_what_does_not_follow_a_change_says_so(opened: Open, lang: str, said: str, partly: str) -> None:
    there = opened(lang=lang, figures=False)
    page = there.page

    def marked() -> set[str]:
        marks = [mark for mark in page.locator(".stale").all() if mark.is_visible()]
        assert all(said in mark.inner_text() or mark.inner_text().startswith(partly) for mark in marks)
        near = "(here) => here.closest('section, header').querySelector('h1, h2').id || 'headline'"
        return {mark.evaluate(near) for mark in marks}

    assert marked() == set()
    page.locator("#bleep-from").fill("5")
    page.locator("#bleep-to").fill("6")
    page.locator("#bleep-form button[type=submit]").click()
    assert page.locator("#bar").is_visible()
    assert page.locator("#bar code").inner_text() == "ressenti apply FOLDER --recording RECORDINGS"
    assert marked() == set()  # silence changes no figure
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-class").select_option("Sad")
    page.locator("#editor button[type=submit]").click()
    assert page.locator("#stale").is_visible()
    assert "ressenti apply FOLDER" in page.locator("#bar code").inner_text()
    assert marked() == {"headline", "h-speakers", "h-moments", *(f"h-{name}" for name in FIGURES)}
    saved(page)
    assert "headline" in marked()  # saved, but this page is still the old one
    page.locator("#undo-all").click()
    assert marked() == set()
    assert page.locator("#stale").inner_text() == ""
    assert there.trouble == []


def test_filters_and_classes_follow_what_is_changed_in_the_page(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page

    def seen() -> list[str]:
        return [row.get_attribute("id") or "" for row in page.locator(".turns tbody tr:visible").all()]

    def correct(turn: int, field: str, value: str) -> None:
        page.locator(f"#turn-{turn} .quiet").click()
        page.locator(f"#edit-{field}").select_option(value)
        page.locator("#editor button[type=submit]").click()

    before = "".join((page.locator("#turn-0").text_content() or "").split())
    correct(0, "class", "Sad")
    assert (page.locator("#turn-0 .class").text_content() or "") == "Sad"
    assert page.locator("#turn-0 .class .c-Sad").count() == 1
    assert (page.locator("#turn-0 .score").text_content() or "") == ""
    page.locator("[name=class]").select_option("Sad")
    assert seen() == ["turn-0"]
    page.locator("[name=class]").select_option("")
    correct(1, "speaker", "S3")  # somebody new
    assert page.locator("#turn-1 .who .voice").get_attribute("class") == "voice "
    assert text(page, "#turn-1 .mine") == "→ New speaker S3"
    page.locator("[name=speaker]").select_option("S3")
    assert seen() == ["turn-1"]
    page.locator("[name=speaker]").select_option("S2")
    assert seen() == ["turn-3"]
    page.locator("[name=class]").select_option("corrected")
    assert seen() == []
    page.locator("#undo-all").click()
    assert page.locator("[name=speaker] option").count() == 3
    page.locator("[name=speaker]").select_option("")
    assert seen() == []  # nothing is corrected any more
    page.locator("[name=class]").select_option("Pleased")
    assert seen() == ["turn-0", "turn-2"]
    assert "".join((page.locator("#turn-0").text_content() or "").split()) == before
    assert there.trouble == []


def test_a_class_taken_back_in_the_page_is_the_models_again(opened: Open) -> None:
    corrections = Corrections(turns=(TurnCorrection(0, emotion="Sad"), TurnCorrection(5, emotion="Sad")))
    page = opened(change=lambda conversation: with_corrections(conversation, corrections), figures=False).page
    for turn in (0, 5):
        page.locator(f"#turn-{turn} .quiet").click()
        page.locator("#edit-class").select_option("")
        page.locator("#editor button[type=submit]").click()
    assert (page.locator("#turn-0 .class").text_content() or "") == "Pleased 90%"
    for name, turn in (("Pleased", "turn-0"), ("unsure", "turn-5")):
        page.locator("[name=class]").select_option(name)
        assert turn in [row.get_attribute("id") for row in page.locator(".turns tbody tr:visible").all()]


def test_nobody_gives_an_emotion_to_those_who_are_not_scored(opened: Open) -> None:
    def one_scored(conversation: Conversation) -> Conversation:
        first, second = conversation.speakers
        return replace(
            conversation, speakers=(replace(first, not_scored="restricted"), replace(second, not_scored=None))
        )

    there = opened(preset="call-center", change=one_scored, figures=False)
    page = there.page
    page.locator("#turn-1 .quiet").click()
    page.locator("#edit-class").select_option("Sad")
    page.locator("#edit-speaker").select_option("S1")
    assert page.locator("#edit-class").is_disabled()
    page.locator("#editor button[type=submit]").click()
    assert [(t["speaker"], t["emotion"]) for t in saved(page)["corrections"]["turns"]] == [("S1", None)]


def test_spans_of_the_file_are_shown(opened: Open) -> None:
    there = opened(change=lambda c: replace(c, bleeps=(Span(2.0, 3.0),)), figures=False)
    page = there.page
    assert page.locator("#bleeps li").count() == 1
    assert page.locator("#bar").is_hidden()
    assert page.locator(".unrendered").is_hidden()  # nothing is silenced that this page still holds
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if len(asked) == 2 else dialog.dismiss()

    page.on("dialog", answer)
    for left in (1, 0):
        page.locator("#bleeps button").click()
        assert page.locator("#bleeps li").count() == left
    assert all("Make it audible again?" in message for message in asked)
    page.locator("#bleep-from").fill("5")
    page.locator("#bleep-to").fill("6")
    page.locator("#bleep-form button[type=submit]").click()
    assert page.locator(".unrendered").is_visible()
    page.locator("#bleeps button").click()  # not rendered yet: nobody is asked
    assert len(asked) == 2
    assert page.locator(".unrendered").is_hidden()


def test_steps_are_undone_and_done_again_by_keys(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    correct(page, 0, note="first")
    correct(page, 0, note="second")
    mark(page, "5", "6")
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    assert page.locator("#bleeps li").count() == 0
    page.keyboard.press("Control+z")
    assert text(page, "#turn-0 .mine") == "first"
    page.keyboard.press("Control+Shift+Z")
    assert text(page, "#turn-0 .mine") == "second"
    page.keyboard.press("Control+y")
    assert page.locator("#bleeps li").count() == 1
    assert page.locator("#redo").is_disabled()
    page.locator("#bleep-from").fill("12")
    page.keyboard.press("Control+z")  # the field's own text
    assert page.locator("#bleeps li").count() == 1
    correct(page, 0, note="second")  # nothing new is no step
    page.locator("#undo").click()
    assert page.locator("#bleeps li").count() == 0
    assert there.trouble == []


def test_who_and_when_stand_beside_what_was_corrected(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator("#turn-0 .quiet").click()
    page.locator("#edit-note").fill("a\nb")
    page.locator("#editor .signing input").fill("KM")
    page.locator("#editor button[type=submit]").click()
    assert text(page, "#turn-0 .signed").startswith("KM, ")
    page.locator("#turn-1 .quiet").click()
    assert page.locator("#editor .signing").is_hidden()  # asked once
    page.locator("#edit-note").fill("c")
    page.locator("#editor button[type=submit]").click()
    page.locator(".card [data-rename]").first.click()
    page.locator("#rename-name").fill("Anna")
    page.locator("#renamer button[type=submit]").click()
    assert text(page, ".card .signed").startswith("Corrected: KM, ")
    page.locator("#by").fill("Zoé")
    note_the_call(page, "for all")
    assert text(page, "#call-note-shown").startswith("for all Zoé, ")
    corrections = saved(page)["corrections"]
    assert [(t["by"], len(t["at"])) for t in corrections["turns"]] == [("KM", 20), ("KM", 20)]
    assert (corrections["note"]["text"], corrections["note"]["by"]) == ("for all", "Zoé")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert there.trouble == []


def test_words_of_a_turn_are_shown_found_and_played_as_written(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator("#turn-1").hover()
    correct(page, 1, words="bonjour1 au  monde1\nici")
    assert text(page, "#turn-1 .said") == "bonjour1 au monde1 ici"
    page.locator("[name=text]").fill("au monde1 ici")
    assert page.locator(".turns tbody tr:visible").count() == 1
    page.locator("#turn-1").hover()
    page.locator("#turn-1 .said span").nth(2).click()
    assert 5 <= there.clock < 9  # a word without a time of its own is played where it is placed
    page.locator("[name=text]").fill("")
    (turn,) = saved(page)["corrections"]["turns"]
    assert turn["words"] == "bonjour1 au monde1 ici"
    page.locator("#turn-1 .quiet").click()
    page.locator("#edit-restore").click()
    page.locator("#editor button[type=submit]").click()
    assert text(page, "#turn-1 .said") == "bonjour1 le1 monde1"
    assert saved(page)["corrections"]["turns"] == []
    assert there.trouble == []


def test_words_found_come_back_in_a_page_of_corrected_words(opened: Open) -> None:
    corrections = Corrections(turns=(TurnCorrection(1, words="quite other words"),))
    page = opened(change=lambda c: with_corrections(with_words(c), corrections), figures=False).page
    assert text(page, "#turn-1 .said") == "quite other words"
    page.locator("#turn-1 .quiet").click()
    page.locator("#edit-restore").click()
    page.locator("#editor button[type=submit]").click()
    assert text(page, "#turn-1 .said") == "bonjour1 le1 monde1"
    assert saved(page)["corrections"]["turns"] == []


def test_words_that_are_silenced_are_not_saved(opened: Open) -> None:
    page = opened(figures=False).page
    correct(page, 1, words="bonjour1 le1 secret monde1 et tout le reste")
    mark(page, "5", "9")
    assert "secret" not in json.dumps(saved(page))


def test_long_notes_and_what_is_left_of_their_room(opened: Open) -> None:
    page = opened(figures=False).page
    page.locator("#turn-0 .quiet").click()
    note, left = page.locator("#edit-note"), page.locator("#editor .left").last
    note.fill("x" * 4000)
    assert left.inner_text() == ""
    note.fill("x" * 4999)
    assert left.inner_text() == "Letters left: 1"
    page.locator("#editor button[type=submit]").click()
    assert len(saved(page)["corrections"]["turns"][0]["note"]) == 4999


def test_saved_to_a_file_of_ones_choice_and_from_then_on_to_the_same(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.evaluate(PICKER)
    correct(page, 0, note="one")
    page.evaluate("window.refuse = 'AbortError'")
    page.locator("#save").click()
    assert page.locator("#unsaved").inner_text() == "Unsaved changes: 1"  # the dialog was closed
    page.evaluate("window.refuse = ''")
    page.locator("#save").click()
    expect(page.locator("#unsaved")).to_have_text("Saved to call.corrections.json.")
    correct(page, 1, note="two")
    assert page.locator("#unsaved").inner_text() == "Unsaved changes: 2"
    page.locator("#save").click()
    expect(page.locator("#unsaved")).to_have_text("Saved to call.corrections.json.")
    written = [json.loads(one) for one in page.evaluate("window.written")]
    assert [len(one["corrections"]["turns"]) for one in written] == [1, 2]
    assert page.evaluate("window.asked") == 2
    assert (written[1]["format"], written[1]["version"], written[1]["name"]) == ("ressenti corrections", 1, "call")
    assert there.trouble == []


def test_where_the_browser_refuses_the_file_is_downloaded(opened: Open) -> None:
    page = opened(figures=False).page
    page.evaluate(PICKER)
    page.evaluate("window.refuse = 'SecurityError'")
    correct(page, 0, note="one")
    assert saved(page)["corrections"]["turns"][0]["note"] == "one"


def test_leaving_with_unsaved_edits_warns(opened: Open) -> None:
    page = opened(figures=False).page
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    correct(page, 0, note="one")
    saved(page)
    page.reload()
    until(page, READY)
    assert asked == []
    assert text(page, "#turn-0 .mine") == ""  # nothing is kept
    correct(page, 0, note="one")
    page.reload()
    assert asked == ["beforeunload"]


def test_a_dropped_file_brings_the_edits_back_after_a_reload(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    correct(page, 0, note="one", words="bonjour0 toi")
    give(page, 0, "client")
    mark(page, "5", "6")
    mark(page, "0", "0.4", "before")
    note_the_call(page, "again")
    data = saved(page)
    page.reload()
    until(page, READY)
    drop(page, "call.corrections.json", json.dumps(data))
    expect(page.locator("#loaded")).to_contain_text("Loaded: call.corrections.json")
    assert text(page, "#turn-0 .said") == "bonjour0 toi"
    assert text(page, "#call-note-shown").startswith("again")
    assert "Speaker 1 (client)" in text(page, ".card h3")
    assert page.locator("#unsaved").inner_text() == ""  # the file has it all
    assert saved(page) == data
    page.locator("#undo").click()
    assert text(page, "#turn-0 .said") == "bonjour0 le0 monde0"
    assert page.locator("#bleeps li, #ignored li").count() == 0
    assert there.trouble == []


WRONG: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("holds no corrections", lambda data: data.update(format="labels")),
    ("newer version", lambda data: data.update(version=2)),
    ("another recording (call)", lambda data: data.update(sha256="0" * 64)),
    ("other turns", lambda data: data.update(turns_sha256="1" * 64)),
    ("damaged", lambda data: data["corrections"]["turns"][0].update(turn=99)),
    ("damaged", lambda data: data["corrections"]["turns"][0].update(note=5)),
    ("damaged", lambda data: data["corrections"]["turns"].append(data["corrections"]["turns"][0])),
    ("damaged", lambda data: data["corrections"].update(ignored=[{"start_s": 2, "end_s": 1, "why": "hold"}])),
    ("damaged", lambda data: data["corrections"].update(names=[{"speaker": "Anna", "name": "x"}])),
    ("damaged", lambda data: data.update(corrections=None)),
    ("damaged", lambda data: data.update(version=0)),
    ("damaged", lambda data: data.update(bleeps=[{"start_s": 9e4, "end_s": 1e5}])),  # as `ressenti apply` says, too
    ("damaged", lambda data: data["corrections"].update(ignored=[{"start_s": 9e4, "end_s": 1e5, "why": "hold"}])),
]


def test_files_that_do_not_belong_here_change_nothing(opened: Open, tmp_path: Path) -> None:
    there = opened(figures=False)
    page = there.page
    correct(page, 0, note="mine")
    data = saved(page)
    for k, (said, spoil) in enumerate(WRONG):
        other = json.loads(json.dumps(data))
        spoil(other)
        path = tmp_path / f"other-{k}.json"
        path.write_text(json.dumps(other), encoding="utf-8")
        page.set_input_files("#load-file", path)
        expect(page.locator("#loaded")).to_contain_text(path.name)
        assert said in page.locator("#loaded").inner_text()
        assert text(page, "#turn-0 .mine") == "mine"
    drop(page, "x.json", "{")
    expect(page.locator("#loaded")).to_contain_text("x.json holds no corrections")
    drop(page, "half.json", json.dumps(data).replace("mine", "half \\ud83d"))
    expect(page.locator("#loaded")).to_contain_text("Loaded")
    assert saved(page)["corrections"]["turns"][0]["note"] == "half \ufffd"  # else `ressenti apply` could not read it
    assert there.trouble == []


def test_a_file_over_unsaved_edits_asks_first(opened: Open) -> None:
    page = opened(figures=False).page
    correct(page, 0, note="saved")
    data = saved(page)
    correct(page, 0, note="unsaved")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if len(asked) == 2 else dialog.dismiss()

    page.on("dialog", answer)
    drop(page, "a.json", json.dumps(data))
    page.wait_for_timeout(200)
    assert text(page, "#turn-0 .mine") == "unsaved"
    drop(page, "a.json", json.dumps(data))
    expect(page.locator("#loaded")).to_contain_text("Loaded")
    assert text(page, "#turn-0 .mine") == "saved"
    assert all("unsaved changes" in message for message in asked)


def told_of_tone(conversation: Conversation) -> Conversation:
    """Roles that may be scored, with peaks of tension and a laugh of each."""
    speakers = tuple(
        replace(s, name=name, role="client", role_source="named")
        for s, name in zip(conversation.speakers, ("Anna", "Ben"), strict=True)
    )
    sounds = (Sound("laughter", 6.0, 6.5, 0.71, speaker="S2"), Sound("laughter", 1.0, 1.5, 0.72, speaker="S1"))
    made = derive(replace(with_words(conversation), speakers=speakers, sounds=sounds), load_config())
    peak: dict[str, float | int | str] = {"tension": 0.83, "low": 0.81, "high": 0.84, "usual": 0.82}
    moments = (
        Moment("tension", 5.0, 9.0, "S2", certain=True, values=peak),
        Moment("tension", 10.0, 12.0, "S1", certain=True, values={**peak, "tension": 0.76}),
        Moment("interruption", 19.0, 20.0, "S2", certain=True, values={"of": "S1", "overlap_s": 1.0}),
    )
    return replace(made, moments=moments)


def downloaded(page: Page, figure: str) -> str:
    with page.expect_download() as download:
        page.locator(f".tools[data-for={figure}] .csv").click()
    return Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_scores_of_a_role_that_may_not_be_scored_go_at_once(opened: Open) -> None:
    there = opened(1440, change=told_of_tone, figures=False)
    page = there.page
    for name in FIGURES:
        there.drawn(name)
        page.locator(f".tools[data-for={name}] summary").click()
    before = page.evaluate(SHOWN)
    assert "83%" in before
    assert "76%" in before
    assert "Tension" in page.evaluate(DRAWN, "timeline")
    assert "their tone may not be computed" in give(page, 1, "agent")
    assert "Ben (agent)" in text(page, ".card h3", 1)
    after = page.evaluate(SHOWN)
    assert "83%" not in after  # Ben's peak
    assert "76%" in after  # Anna's
    assert "The file still holds it" in page.locator(".card .tone-told").nth(1).inner_text()
    assert "Ben (agent) may not be told" in page.locator("#stale").inner_text()
    assert page.locator(".sounds li").count() == 1  # her laugh, not his
    for turn in (1, 3):
        row = text(page, f"#turn-{turn}")
        assert "Tension" not in row
        assert "90%" not in row
    assert "Pleased" in text(page, "#turn-0")
    page.locator("[name=text]").fill("tension")
    assert page.locator(".turns tbody tr:visible").count() == 0
    page.locator("[name=text]").fill("")
    page.locator("[name=class]").select_option("Tension")
    assert page.locator(".turns tbody tr:visible").count() == 0
    page.locator("[name=class]").select_option("")
    page.locator("#turn-1 .quiet").click()
    assert "Tension" not in text(page, "#editor")
    page.locator("#edit-cancel").click()
    for name in ("trajectory", "plane", "shares", "course"):  # pictures are made of what is drawn
        assert "Ben" not in text(page, f".tools[data-for={name}] .twin"), name
        assert '"S2"' not in page.evaluate(DRAWN, name), name
        assert "Ben" not in downloaded(page, name), name
    rows = [row for row in downloaded(page, "timeline").splitlines() if "Ben" in row]
    assert rows
    assert not any("Tension" in row or "aughter" in row for row in rows)
    assert "Tension" not in page.evaluate(DRAWN, "timeline")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert "Tension" not in page.evaluate(DRAWN, "timeline")
    page.emulate_media(media="print")
    assert "83%" not in page.evaluate(SHOWN)
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.locator("#undo").click()
    assert "83%" in page.evaluate(SHOWN)
    assert "Tension" in text(page, "#turn-1")
    assert "Tension" in page.evaluate(DRAWN, "timeline")
    assert there.trouble == []


def test_the_sentence_on_the_voices_stays_whole_without_one_of_them(opened: Open) -> None:
    def change(conversation: Conversation) -> Conversation:
        told = told_of_tone(conversation)
        known = [replace(s, affect=s.affect and replace(s.affect, judged_s=60.0)) for s in told.speakers]
        return replace(told, speakers=tuple(known))

    there = opened(change=change, figures=False)
    page = there.page
    assert there.trouble == []
    voices = page.locator(".headline p:not(.stale)").nth(2)
    first, second = voices.inner_text().split("; ")
    assert (first[:4], second[:3], second[-1]) == ("Anna", "Ben", ".")
    give(page, 1, "agent")
    assert voices.inner_text() == f"{first}."
    page.locator("#undo").click()
    assert voices.inner_text() == f"{first}; {second}"


def test_figures_and_moments_stay_whole_without_the_first_speakers_tone(opened: Open) -> None:
    def change(conversation: Conversation) -> Conversation:
        told = told_of_tone(conversation)
        maybe = [replace(m, certain=False) for m in told.moments if m.kind == "tension"]
        length = replace(told.recording, duration_s=told.recording.duration_s + 0.6)
        return replace(told, recording=length, moments=(*maybe, told.moments[-1]))

    there = opened(1440, change=change, figures=False)
    page = there.page
    assert text(page, "#clock").split(" / ")[1] == text(page, ".top .meta")
    for name in FIGURES:
        there.drawn(name)
    assert page.locator(".listen summary").text_content() == "2 more moments"
    give(page, 0, "agent")
    assert page.locator(".listen summary").text_content() == "1 more moment"
    axes = page.evaluate(
        "Object.keys(document.getElementById('course')._fullLayout).filter((key) => /^xaxis/.test(key))"
    )
    assert axes == ["xaxis", "xaxis2"]
    assert page.locator("#course .bars path").count() > 0
    assert '"S1"' not in page.evaluate(DRAWN, "course")
    page.locator("#strip").press("ArrowRight")
    for name in ("course", "talk"):
        assert page.locator(f"#{name} .playhead").is_visible()
        assert float(page.locator(f"#{name} .playhead").evaluate("(head) => head.offsetLeft")) > 100
    give(page, 1, "agent")
    assert page.locator(".listen details").is_hidden()
    page.locator("#undo-all").click()
    assert page.locator(".listen summary").text_content() == "2 more moments"
    assert there.trouble == []


def test_a_class_of_somebody_who_is_no_longer_scored_is_not_saved(opened: Open) -> None:
    page = opened(change=told_of_tone, figures=False).page
    page.locator("#turn-1 .quiet").click()
    page.locator("#edit-class").select_option("Sad")
    page.locator("#edit-note").fill("sobs")
    page.locator("#editor button[type=submit]").click()
    give(page, 1, "agent")
    assert text(page, "#turn-1 .mine") == "sobs"
    (turn,) = saved(page)["corrections"]["turns"]
    assert (turn["emotion"], turn["note"]) == (None, "sobs")


def test_a_role_that_may_be_scored_asks_for_another_analysis(opened: Open) -> None:
    there = opened(preset="call-center", figures=False)
    page = there.page
    assert "analyse the recording again" in give(page, 0, "client")
    assert "Analyse the recording again" in page.locator(".card .tone-told").first.inner_text()
    assert "is not computed" in give(page, 1, "agent")
    page.locator(".card [data-rename]").first.click()
    page.locator("#rename-role").select_option("own role")
    page.locator("#rename-own").fill("prefect of the city")
    assert "is not computed" in page.locator("#rename-follows").inner_text()
    page.locator("#renamer button[type=submit]").click()
    assert "prefect of the city" in text(page, ".card h3")
    assert saved(page)["corrections"]["roles"][0]["role"] == "prefect of the city"
    assert there.trouble == []


def test_the_page_knows_the_rule_of_roles(opened: Open) -> None:
    names = ["client", "Client 2", "service client", "Employée", "téléconseillère", "agent", "interviewer", "Œnologue"]
    names += ["préfet", "client agent", "CUSTOMER", "invité", "élève", "7", "participant-3", "Kunde", "Straße"]
    page = opened(figures=False).page
    told = page.evaluate(
        "(names) => page.ready.then(({ tone }) => names.map((name) => tone.allows(name, false, true)))", names
    )
    options = load_config().roles
    for name, may in zip(names, told, strict=True):
        (speaker,) = roles.make_speakers(["S1"], "split", roles.People(roles=(f"S1={name}",)), options)
        assert may == (speaker.not_scored is None), name


def test_the_command_takes_the_file_and_leaves_no_scores(opened: Open, make_conversation: Make, tmp_path: Path) -> None:
    page = opened(change=told_of_tone, figures=False).page
    correct(page, 0, words="bonjour0 toi", note="sobs")
    give(page, 1, "agent")
    mark(page, "0.5", "2", "before")
    note_the_call(page, "again")
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "call.corrections.json").write_text(json.dumps(saved(page)), encoding="utf-8")
    (folder / "call.json").write_text(store.dumps(told_of_tone(make_conversation())), encoding="utf-8")
    done = CliRunner().invoke(app, ["apply", str(folder)])
    assert done.exit_code == 0, done.output
    after = store.load(folder / "call.json")
    assert [word.text for word in after.words[:2]] == ["bonjour0", "toi"]
    assert after.corrections.note is not None
    assert [(s.role, s.not_scored) for s in after.speakers] == [("client", None), ("agent", "restricted")]
    assert not [turn for turn in after.turns if turn.speaker == "S2" and turn.windows]


def exclusive(conversation: Conversation) -> Conversation:
    """As from a diarizer that also gives segments without overlap."""
    found = conversation.diarization
    made = replace(conversation, diarization=replace(found, exclusive=found.segments))
    return derive(with_words(made), load_config())


@pytest.mark.parametrize("change", [with_words, exclusive])
def test_talk_turns_and_silences_follow_at_once(
    opened: Open, make_conversation: Make, change: Callable[[Conversation], Conversation]
) -> None:
    there = opened(change=change, figures=False)
    page = there.page

    def told() -> list[str]:
        page.evaluate("document.querySelectorAll('.why').forEach((why) => why.remove())")  # only where details are
        cards = [text(page, f".card [data-fact={name}] dd", nth) for nth in (0, 1) for name in ("talk", "turns")]
        facts = [text(page, f".facts [data-fact={name}] dd") for name in ("speech", "silence")]
        return [*cards, *facts, text(page, ".people")]

    before = told()
    correct(page, 1, speaker="S1")
    mark(page, "19", "30", "other")
    after = told()
    assert after != before
    derived = applied(change(make_conversation()), saved(page))
    Path(page.url.removeprefix("file://")).write_text(render(derived), encoding="utf-8")
    page.reload()
    until(page, READY)
    assert told() == after
    assert there.trouble == []


def test_speech_and_silences_follow_who_is_an_announcement(opened: Open, make_conversation: Make) -> None:
    page = opened(figures=False).page

    def told() -> list[str]:
        return [text(page, f".facts [data-fact={name}] dd") for name in ("speech", "silence")]

    before = told()
    page.locator("[data-kind=S1]").click()
    after = told()
    assert after != before
    assert page.locator(".people li").first.is_hidden()
    derived = applied(with_words(make_conversation()), saved(page))
    Path(page.url.removeprefix("file://")).write_text(render(derived), encoding="utf-8")
    page.reload()
    until(page, READY)
    assert told() == after


def test_spans_to_leave_out_are_drawn_listed_and_removed(opened: Open) -> None:
    page = opened(figures=False).page
    page.locator("#span-what").select_option("hold")
    box = page.locator("#strip").bounding_box()
    assert box
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 5 / 30, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 9 / 30, box["y"] + 15)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert text(page, "#ignored li").startswith("0:05.0 – 0:0")
    assert "Ignored: hold" in text(page, "#turn-1 .mine")
    (span,) = saved(page)["corrections"]["ignored"]
    assert (span["why"], span["start_s"]) == ("hold", pytest.approx(5, abs=0.1))
    page.locator("#ignored button").click()
    assert page.locator("#ignored li").count() == 0
    assert text(page, "#turn-1 .mine") == ""


def test_hostile_corrections_stay_text(opened: Open) -> None:
    there = opened(figures=False)
    page = there.page
    page.locator("#by").fill(HOSTILE)
    correct(page, 0, note=HOSTILE, words=HOSTILE)
    page.locator(".card [data-rename]").first.click()
    page.locator("#rename-name").fill(HOSTILE)
    page.locator("#rename-role").select_option("own role")
    page.locator("#rename-own").fill(HOSTILE)
    page.locator("#renamer button[type=submit]").click()
    note_the_call(page, HOSTILE)
    mark(page, "1", "2", "other")
    there.drawn("timeline")
    assert page.locator("img").count() == 0
    assert HOSTILE in (page.locator("#call-note-shown").text_content() or "")
    assert HOSTILE in (page.locator("#turn-0").text_content() or "")
    assert there.trouble == []


@pytest.mark.parametrize("width", [1440, 390])
def test_dialogs_and_bar_fit_and_axe_finds_nothing_serious(opened: Open, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    there = opened(width, change=told_of_tone, figures=False)
    page = there.page
    correct(page, 0, note="one " * 40)
    give(page, 1, "agent")
    mark(page, "1", "2", "other")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for opener, dialog in (("#turn-0 .quiet", "#editor"), (".card [data-rename] >> nth=0", "#renamer")):
        page.locator(opener).click()
        box = page.locator(dialog).bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []
        page.keyboard.press("Escape")
    assert there.trouble == []
