"""The same section of several conversations: where it begins and ends, its figures, and who lacks it."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from ressenti import with_corrections
from ressenti.pipeline import store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.content.sections import Question, sections_of
from ressenti.pipeline.records import Conversation, Corrections, TurnCorrection, Word
from ressenti.pipeline.records.intervals import union_s

RUN = CliRunner()
HOSTILE = "<img src=x onerror=alert(1)>"
SAID = {0: "so the Pricé, how is it", 1: f"=SUM(A1) {HOSTILE} it was all right", 3: "how is it"}


def spoken(conversation: Conversation, notes: dict[int, str] | None = None) -> Conversation:
    """A conversation with words in some turns, and with notes."""
    words = tuple(
        Word(turn.start_s + 0.1 * k, turn.start_s + 0.1 * k + 0.1, text, turn.index)
        for turn in conversation.turns
        for k, text in enumerate(SAID.get(turn.index, "").split())
    )
    noted = tuple(TurnCorrection(turn, note=note) for turn, note in (notes or {}).items())
    return with_corrections(replace(conversation, words=words, transcription=None), Corrections(turns=noted))


def test_sections_begin_at_marks_and_questions_and_end_with_the_next(make_conversation: Callable[..., object]) -> None:
    made = spoken(make_conversation(), {2: "#  The  prices \nto ask again", 4: "no # mark"})  # type: ignore[arg-type]
    asked = (Question("first", "PRICE how"), Question("other", "never said"))
    found = sections_of(made, asked)
    turns = made.turns
    assert [(one.name, one.turn) for one in found] == [("first", 0), ("The prices", 2)]
    assert [(one.start_s, one.end_s) for one in found] == [
        (turns[0].start_s, turns[2].start_s),
        (turns[2].start_s, made.recording.duration_s),
    ]
    again = Question("first", "it was all right")
    assert [one.turn for one in sections_of(made, (again, *asked))] == [0, 2]  # the earlier of two wordings
    of_speaker = sections_of(made, (Question("x", "how is it"),), "s2")
    assert [one.turn for one in of_speaker if one.name == "x"] == [3]
    marked = sections_of(made, (Question("thé PRICES!", "how is it"),))
    assert [one.turn for one in marked] == [2]  # a mark wins over words


@pytest.fixture
def interviews(calls: Path) -> Path:
    """Five calls: two in which it is asked, one with a mark of that name, one with other words, one without words."""
    for k in range(4):
        path = calls / f"call-{k}.json"
        made = store.load(path)
        texts = spoken(made, {1: "# prices"} if k == 2 else None)
        if k in (2, 3):
            texts = replace(texts, words=tuple(replace(word, text="hm") for word in texts.words))
        path.write_text(store.dumps(texts), encoding="utf-8")
    (calls / "call-0.report.html").write_text("page", encoding="utf-8")
    return calls


def test_a_table_has_a_row_for_each_person_and_for_who_lacks_the_section(interviews: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    asked = ["sections", str(interviews), "--question", "Prices=the price how", "--out", str(out)]
    done = RUN.invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "Prices: 3 of 5 conversations" in done.output
    assert "not in call-3" in done.output
    assert "not in call-4: it has no words to look in" in done.output
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [(row["recording"], row["found"], row["speaker"]) for row in rows] == [
        *((f"call-{k}.wav", "yes", who) for k in range(3) for who in ("S1", "S2")),
        ("call-3.wav", "no", ""),
        ("call-4.wav", "no words", ""),
    ]
    assert rows[1]["said"] == f"'=SUM(A1) {HOSTILE} it was all right"
    assert rows[0]["link"].endswith(f"call-0.report.html#t={float(rows[0]['start_s']):.2f}")
    assert rows[2]["link"] == ""
    later = store.load(interviews / "call-2.json")
    section = [row for row in rows if row["recording"] == "call-2.wav"]
    starts = later.turns[1].start_s
    own = {s: union_s([(max(x.start_s, starts), x.end_s) for x in later.turns if x.speaker == s and x.end_s > starts])
           for s in ("S1", "S2")}  # fmt: skip
    for row in section:
        assert float(row["talk_s"]) == pytest.approx(sum(b - a for a, b in own[row["speaker"]]), abs=0.01)
        assert float(row["judged_s"]) > 0
    assert sum(float(row["share"]) for row in section) == pytest.approx(1, abs=1e-3)
    book = tmp_path / "found.xlsx"
    assert RUN.invoke(app, [*asked[:-1], str(book)]).exit_code == 0
    sheet = load_workbook(book).active
    assert sheet is not None
    assert sheet.max_row == len(rows) + 1
    heads = [cell.value for cell in sheet[1]]
    assert sheet.cell(2, heads.index("talk_s") + 1).data_type == "n"
    assert RUN.invoke(app, asked).exit_code != 0  # it exists


def test_a_whole_conversation_as_one_section_has_the_figures_of_the_report(calls: Path, tmp_path: Path) -> None:
    path = calls / "call-0.json"
    path.write_text(store.dumps(spoken(store.load(path), {0: "# all"})), encoding="utf-8")
    out = tmp_path / "found.csv"
    assert RUN.invoke(app, ["sections", str(calls), "--out", str(out)]).exit_code == 0
    rows = [row for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines()) if row["found"] == "yes"]
    made = store.load(path)
    for row, speaker in zip(rows, made.people, strict=True):
        assert speaker.talk is not None
        assert speaker.affect is not None
        assert float(row["talk_s"]) == pytest.approx(speaker.talk.talk_s, abs=1e-3)
        assert float(row["tension"]) == pytest.approx(speaker.affect.class_shares[4], abs=1e-3)


@pytest.mark.parametrize("ending", ["csv", "html"])
def test_who_may_not_be_scored_has_no_tone_anywhere(ending: str, interviews: Path, tmp_path: Path) -> None:
    from ressenti.pipeline.cli.stored_conversations import with_roles

    for path in interviews.glob("call-?.json"):
        path.write_text(store.dumps(with_roles(store.load(path), ["S1=participant", "S2=employee"])), encoding="utf-8")
    out = tmp_path / f"found.{ending}"
    done = RUN.invoke(app, ["sections", str(interviews), "--question", "the price how", "--out", str(out)])
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    if ending == "csv":
        found = [row for row in csv.DictReader(text.splitlines()) if row["speaker"] == "S2"]
        tone = ("activation_sd", "judged_s", "pleased", "tension", "unsure", "valence", "arousal", "arousal_low")
        assert found
        assert {row["not_scored"] for row in found} == {"restricted"}
        assert {row[name] for row in found for name in tone} == {""}
        return
    assert HOSTILE not in text
    own = [part for part in text.split("<h4>")[1:] if "employee" in part.partition("</h4>")[0]]
    assert own
    for part in own:
        told = part.partition("</article>")[0]
        assert "Tone not computed" in told
        assert "Mean arousal" not in told
        assert "Activation" not in told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "no turn has a mark"),
        (["--question", "?!"], "expected one or more words"),
        (["--question", "=words"], "expected one or more words"),
        (["--speaker", "S1"], "add --question"),
        (["--question", "x", "--out", "page.pdf"], "expected a name that ends in"),
    ],
)
def test_what_cannot_be_done_says_why(more: list[str], told: str, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(calls)
    done = RUN.invoke(app, ["sections", str(calls), *more])
    assert done.exit_code != 0
    assert told in str(done.exception)
    assert not list(calls.glob("*.html"))
