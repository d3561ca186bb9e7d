import base64
import gzip
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest

from browsing import lengthened
from ressenti import People, with_corrections
from ressenti.pipeline import store
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation, Corrections, Ignored, ModelInfo, Note, TurnCorrection
from ressenti.reports.figures import make_figures
from ressenti.reports.page import SCRIPTS, render
from ressenti.reports.page_shell import packed_plotly
from ressenti.reports.summary import summarise
from ressenti.reports.tables import make_tables
from ressenti.reports.wording import Wording

GOLDEN = Path(__file__).parent.parent / "golden"
EN = Wording("en")
Make = Callable[..., Conversation]
HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7*7 }}'\"&"


def unpacked(page: str, name: str) -> str:
    """What is packed under an id of the page."""
    found = re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', page)
    assert found
    return gzip.decompress(base64.b64decode(found[1])).decode()


class Outline(HTMLParser):
    """The page's elements with ids and headings, without what is inside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        names = dict(attrs)
        if tag in ("section", "article", "table", "script", "h1", "h2", "h3") or ("id" in names and tag != "meta"):
            self.lines.append(f"{tag} {names.get('id') or names.get('data-speaker') or ''}".strip())

    def handle_data(self, data: str) -> None:
        if self.inside in ("h1", "h2", "h3", "th") and data.strip():
            self.lines.append(f"  {data.strip()}")


def outline(page: str) -> str:
    parser = Outline()
    parser.feed(page)
    return "\n".join(parser.lines) + "\n"


def test_the_page_has_its_parts(make_conversation: Make) -> None:
    assert outline(render(make_conversation())) == (GOLDEN / "page.outline.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["timeline", "trajectory", "plane", "shares", "course", "talk"])
def test_figures_are_as_they_were(make_conversation: Make, name: str) -> None:
    figure = make_figures(make_conversation(), EN)[name]
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert json.loads(figure.to_json()) == golden


@pytest.mark.parametrize("name", ["timeline", "trajectory", "plane", "shares", "course", "talk"])
def test_plotly_accepts_what_it_was_not_asked_to_look_at(make_conversation: Make, name: str) -> None:
    figure = make_figures(make_conversation(), EN)[name].to_plotly_json()
    assert len(go.Figure(figure).data) == len(figure["data"])  # raises ValueError for a field or a value that it lacks
    with pytest.raises(ValueError, match="no_such_field"):
        go.Figure({**figure, "data": [{**figure["data"][0], "no_such_field": 1}]})


@pytest.mark.slow("runs in processes of its own")
def test_same_conversation_same_bytes_in_any_process(make_conversation: Make, tmp_path: Path) -> None:
    conversation = store.loads(store.dumps(make_conversation()))
    (tmp_path / "call.json").write_text(store.dumps(conversation), encoding="utf-8")
    code = (
        "import pathlib, sys; from ressenti.pipeline import store; from ressenti.reports.page import render; "
        "sys.stdout.buffer.write(render(store.load(pathlib.Path(sys.argv[1]))).encode())"
    )
    pages = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "call.json")],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert pages == {render(conversation).encode()}


@pytest.mark.slow("renders many pages")
def test_the_bytes_do_not_depend_on_the_zlib_that_python_was_built_with(
    make_conversation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = make_conversation()
    before = render(conversation)
    packers = {"zlib.compress": zlib.compress, "gzip.compress": gzip.compress}
    for name, packer in packers.items():  # one that packs otherwise, as zlib-ng does
        monkeypatch.setattr(name, lambda data, *_, packer=packer, **__: packer(data, 1))
    monkeypatch.setattr("zlib.compressobj", lambda *_, **__: pytest.fail("packed by zlib"))
    packed_plotly.cache_clear()
    assert render(conversation) == before


@pytest.mark.parametrize(
    ("sound", "media"),
    [(None, []), (b"mp3", ["media-src blob:"]), ("call.report.mp3", ["media-src 'self' file:"])],
)
def test_the_policy_allows_what_is_there_and_nothing_else(
    make_conversation: Make, sound: bytes | str | None, media: list[str]
) -> None:
    page = render(make_conversation(), sound=sound)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == len(SCRIPTS)

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert html.unescape(policy[1]).split("; ") == [
        "default-src 'none'",
        f"script-src {' '.join(digest(script) for script in [unpacked(page, 'plotly'), *scripts])}",
        f"style-src-elem {digest(style)} {digest('')}",
        "style-src-attr 'unsafe-inline'",  # attributes of elements, which no text of users is in
        "img-src data: blob:",
        *media,
        "base-uri 'none'",
        "form-action 'none'",
    ]


@pytest.mark.slow("renders many pages")
def test_an_hour_of_a_thousand_turns_is_small(make_conversation: Make) -> None:
    assert len(render(lengthened(make_conversation(), 1000, 3600.0)).encode()) < 6_000_000


def test_plotly_is_there_once_and_nothing_is_fetched(make_conversation: Make) -> None:
    page = render(make_conversation())
    assert unpacked(page, "plotly").count("plotly.js v") == 1
    head = page.split("<script>")[0]
    assert not re.search(r'(src|href)="(?!data:|#)', head)
    assert len(page) < 2_500_000


def test_what_users_write_stays_text(make_conversation: Make) -> None:
    conversation = make_conversation()
    conversation = replace(
        conversation,
        recording=replace(conversation.recording, name=HOSTILE),
        speakers=tuple(replace(s, name=HOSTILE, role=HOSTILE) for s in conversation.speakers),
        allow_restricted=HOSTILE,
    )
    page = render(conversation)
    assert "<img src=x" not in page
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]
    assert page.count("</script>") == 2 + len(SCRIPTS)
    assert json.loads(unpacked(page, "data"))["recording"] == HOSTILE
    assert "&lt;/script&gt;&lt;img" in page


def test_no_hole_where_emotion_is_absent(make_conversation: Make) -> None:
    conversation = make_conversation("recruitment")
    page = render(conversation)
    assert list(make_figures(conversation, EN)) == ["timeline", "talk"]
    text = page.split("</head>")[1].split('<script type="text/plain"')[0].lower()
    for word in ("valence", "plane", "class shares", "not judged", "speech judged", "tension"):
        assert word not in text.replace("inferring emotions", "")
    assert text.count("emotion not computed") == 2


def test_the_reason_for_restricted_roles_is_printed(make_conversation: Make) -> None:
    conversation = make_conversation("recruitment", people=People(allow_restricted="consented study 7"))
    assert "for this stated reason: consented study 7" in render(conversation)


@pytest.mark.parametrize("lang", ["en", "fr", "es"])
def test_models_licences_thresholds_and_limits_are_on_the_page(make_conversation: Make, lang: str) -> None:
    conversation = make_conversation()
    bound = replace(conversation.models[1], licence="CC BY-NC-SA 4.0", commercial=False, sha256="ab" * 32)
    page = render(replace(conversation, models=(conversation.models[0], bound)), lang)  # type: ignore[arg-type]
    words = Wording(lang)  # type: ignore[arg-type]
    for text in ("fake-diarizer", "fake-emotion", "CC BY-NC-SA 4.0", words("non_commercial"), "abababab", "Lajavaness"):
        assert text in page
    assert words("limit_validation").split(".")[0] in page.replace("&#39;", "'")
    assert "2024/1689" in page
    assert words.seconds(0.8) in page


def test_numbers_come_from_the_conversation(make_conversation: Make) -> None:
    conversation = make_conversation()
    summary = summarise(conversation, EN)
    talk = conversation.speaker("S1").talk
    assert talk is not None
    assert summary.cards[0].facts[0].value == EN.clock(talk.talk_s)
    assert [row.note for row in summary.turns] == [
        "",
        "",
        "1.0\u00a0s overlapped",
        "1.0\u00a0s overlapped",
        "too short to judge",
        "unsure",
    ]
    assert [row.key for row in summary.turns] == ["Pleased", "Tension", "Pleased", "Tension", "none", "unsure"]
    assert summary.turns[1].valence == "−0.43"


def test_flags_are_raised_by_their_thresholds(make_conversation: Make) -> None:
    calm = make_conversation()
    strict = make_conversation(overrides={"dynamics": {"flag_share": 0.5, "flag_monologue_s": 5.0}})
    flags = [[f.flag for card in summarise(c, EN).cards for f in card.facts if f.flag] for c in (calm, strict)]
    assert flags[0] == []
    assert flags[1] == ["talks more than 50%", "monologue over 5\u00a0s"]


def test_a_turn_in_an_ignored_span_is_not_told_as_corrected(make_conversation: Make) -> None:
    conversation = with_corrections(make_conversation(), Corrections(ignored=(Ignored(0.0, 4.5, "before"),)))
    first = summarise(conversation, EN).turns[0]
    assert (first.note, first.original) == ("ignored", "")
    (trace,) = (one for one in make_figures(conversation, EN)["timeline"].data if 0 in (one.customdata or ()))
    assert "corrected" not in trace.hovertext[trace.customdata.index(0)]


def test_what_a_person_set_is_marked_and_has_no_score(make_conversation: Make) -> None:
    set_by_hand = Corrections(turns=(TurnCorrection(3, emotion="Sad"),))
    conversation = with_corrections(make_conversation(), set_by_hand)
    figures, tables, summary = (
        make_figures(conversation, EN),
        make_tables(conversation, EN),
        summarise(conversation, EN),
    )
    assert [row.score for row in summary.turns] == ["90%", "90%", "90%", "", "", "30%"]
    assert summary.turns[3].original == "corrected by a person; model: Tension 90%"
    bar = next(trace for trace in figures["timeline"].data if trace.name == "Sad")
    assert bar.text == ("S*",)
    assert bar.hovertext[0].endswith("<br>Sad<br>corrected by a person")
    for name in ("trajectory", "plane"):
        ringed = [
            trace.marker.line.width for trace in figures[name].data if trace.customdata and trace.marker.line.width
        ]
        assert {width for widths in ringed for width in widths} == {0, 1.5}
    by = tables["timeline"]["columns"].index("Class by")
    assert [row[by] for row in tables["timeline"]["rows"]] == ["the model"] * 3 + ["a person", None, "the model"]
    assert tables["timeline"]["rows"][3][by + 1] is None
    assert "in 2 turns, 0 unsure, 1 set by a person" in [fact.remark for fact in summary.cards[1].affect]
    page = render(conversation)
    assert "Ringed: a person set the class (1 of 5 turns)." in page
    assert EN("th_person") in page
    assert EN("th_person") not in render(make_conversation())


@pytest.mark.parametrize(
    ("licence", "commercial", "said"),
    [
        ("MIT", True, {"en": "MIT", "fr": "MIT"}),
        ("MIT", None, {"en": "MIT (commercial use not known)", "fr": "MIT (usage commercial non connu)"}),
        ("X", False, {"en": "X (non-commercial use only)", "fr": "X (usage non commercial seulement)"}),
        (None, None, {"en": "licence not known", "fr": "licence inconnue"}),
    ],
)
def test_a_licence_that_is_not_known_is_not_made_up(
    make_conversation: Make, licence: str | None, commercial: bool | None, said: dict[Lang, str]
) -> None:
    made = make_conversation()
    other = ModelInfo("emotion", "somebody's", licence, commercial=commercial)
    conversation = replace(made, models=(*made.models[:-1], other))
    for lang, text in said.items():
        words = Wording(lang)
        page = summarise(conversation, words)
        assert page.methods.models[-1].licence == text
        assert (words("limit_licence", models="somebody's") in page.methods.limits) is (commercial is None)
        assert (words("limit_commercial", models="somebody's") in page.methods.limits) is (commercial is False)


@pytest.mark.parametrize("preset", ["default", "recruitment"])  # nobody is scored in the second
def test_what_is_installed_and_used_unasked_says_so(make_conversation: Make, preset: str) -> None:
    made = make_conversation(preset)
    of = [
        ("diarization", "a/pipeline", "0" * 12),
        ("speech activity", "a/part", "1" * 12),
        ("emotion", "a/b", "2" * 12),
    ]
    models = tuple(
        ModelInfo(task, name, "MIT", commercial=True, notes=(Note("installed", {"commit": commit}),))  # type: ignore[arg-type]
        for task, name, commit in of
    )
    for lang in ("en", "fr"):
        words = Wording(lang)  # type: ignore[arg-type]
        installed, unasked = [words.note(model.notes[0]) for model in models], words("m_default")
        page = summarise(replace(made, models=models), words)
        assert [row.origin for row in page.methods.models] == [
            f"{installed[0]}{words('semicolon')}{unasked}",
            installed[1],
            f"{installed[2]}{words('semicolon')}{unasked}",
        ]
        html = render(replace(made, models=models), lang)  # type: ignore[arg-type]
        assert [html.count(commit) for _, _, commit in of] == [1, 1, 1]
        named = {**made.config, "diarization": {"model": "a/pipeline"}}
        rows = summarise(replace(made, models=models, config=named), words).methods.models
        assert [row.origin for row in rows] == [*installed[:2], f"{installed[2]}{words('semicolon')}{unasked}"]


def test_notes_on_a_recording_follow_one_another_as_sentences(make_conversation: Make) -> None:
    made = make_conversation()
    notes = (Note("truncated", {"got": 3.0}), Note("late_start", {"seconds": 1.0}))
    file = summarise(replace(made, recording=replace(made.recording, notes=notes)), EN).methods.provenance[0]
    assert file.remark.startswith(
        "The file is truncated or damaged. Only 3 s could be decoded. The sound starts 1 s after"
    )


def test_what_nobody_knows_cannot_be_allowed() -> None:
    with pytest.raises(ValueError, match="expected commercial None"):
        ModelInfo("emotion", "somebody's", None, commercial=True)
