"""Quotes are read back by a CommonMark parser (markdown-it-py) and, as Word, by docx2python."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import get_args

import docx
import pytest
from docx2python import docx2python
from markdown_it import MarkdownIt

from ressenti import with_bleeps
from ressenti.pipeline import export
from ressenti.pipeline.export.turn_text import plain
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation, EmotionScores, Span

Read = Callable[[Conversation], list[str]]


def by_markdown(conversation: Conversation) -> list[str]:
    """The text of each block as a reader of the rendered page sees it; nothing but strong text is markup."""
    blocks = []
    for token in MarkdownIt("commonmark").parse(export.quotes_md(conversation)):
        assert token.type not in ("html_block", "code_block", "fence", "ordered_list_open"), token.content
        for child in token.children or ():
            assert child.type in ("text", "text_special", "strong_open", "strong_close"), child
        if token.type == "inline":
            blocks.append("".join(child.content for child in token.children or ()))
    return blocks


def by_docx2python(conversation: Conversation) -> list[str]:
    with docx2python(io.BytesIO(export.quotes_docx(conversation)), html=False) as found:
        lines = [line.removeprefix("--\t") for line in found.text.split("\n\n")]
    return [line for line in lines if line]


READERS = pytest.mark.parametrize("read", [by_markdown, by_docx2python], ids=["markdown", "word"])


@READERS
def test_the_head_names_recording_models_and_limits(read: Read, spoken: Conversation) -> None:
    blocks = read(spoken)
    assert blocks[0] == 'Quotes: Réunion "du" <lundi> .wav'
    assert blocks[1:3] == ['Recording: Réunion "du" <lundi> .wav', "Length: 00:00:40.0"]
    assert blocks[3] == (
        'Speakers: Zoé "la Voix" (S1) (client), Zoé "LA Voix" (S2) (agent, guessed), '
        f"{plain(spoken.speakers[2].name)}, Speaker 4 (employé)"
    )
    assert blocks[-4:] == [
        "How this document was made",
        f"SHA-256 of the recording: {'ab' * 32}",
        f"Model (emotion): some/model, CC BY-NC-SA 4.0, SHA-256 {'cd' * 32}, non-commercial use only",
        "Made by: ressenti test",
    ]
    assert blocks[4].startswith("A voice does not tell directly what a person feels")
    assert "Silenced, with their words left out: 00:00:33.0 – 00:00:34.5." in blocks
    assert not [block for block in blocks if "[…]" in block]
    assert "Transcript words outside all turns, not quoted: 3." in blocks


@READERS
def test_each_turn_is_quoted_in_order_of_time(read: Read, spoken: Conversation) -> None:
    blocks = read(spoken)
    starts = [block for block in blocks if block.startswith("[00:")]
    names = {
        "S1": 'Zoé "la Voix" (S1)',
        "S2": 'Zoé "LA Voix" (S2)',
        "S3": plain(spoken.speakers[2].name),
        "S4": "Speaker 4",
    }
    ordered = sorted(spoken.turns, key=lambda t: t.start_s)
    for block, turn in zip(starts, ordered, strict=True):
        head, _, heard = block.partition(f"] {names[turn.speaker]} · ")
        begin, end = head[1:].split(" – ")
        assert [seconds(begin), seconds(end)] == [pytest.approx(v, abs=0.051) for v in (turn.start_s, turn.end_s)]
        place = spoken.place_of(turn)
        if place is None:
            assert heard == {"short": "too short to judge", "restricted": "role not scored"}[str(turn.unjudged)]
            continue
        assert turn.emotion
        shown, valence, arousal = heard.split(" · ")
        assert shown == turn.emotion.top + ("?" if turn.unsure else "")
        for text, value in zip((valence, arousal), place, strict=True):
            assert float(text.split()[1].replace("\u2212", "-")) == pytest.approx(value, abs=0.0051)
        words = plain(" ".join(w.text for w in spoken.words if w.turn == turn.index))
        assert blocks[blocks.index(block) + 1] == (words or "(no words in the transcript)")


@READERS
def test_what_a_person_said_is_marked(read: Read, spoken: Conversation) -> None:
    blocks = read(spoken)
    at = blocks.index("taken by a person")
    assert blocks[at - 1].startswith('[00:00:28.0 – 00:00:31.0] Zoé "la Voix" (S1) · Sad · ')
    assert blocks[at + 1] == (
        'By a person: speaker Zoé "la Voix" (S1), model: Zoé "LA Voix" (S2); class Sad, model: Tension'
    )
    assert blocks[at + 2] == 'Note: She "sighs" <i>here</i> & stops'
    assert sum(block.startswith("By a person") for block in blocks) == 1


@READERS
def test_silence_is_told_at_the_head_and_where_it_is(read: Read, silenced: Conversation) -> None:
    blocks = read(silenced)
    spans = ("00:00:02.1 – 00:00:02.5", "00:00:14.5 – 00:00:14.8", "00:00:33.0 – 00:00:34.5", "00:00:37.6 – 00:00:37.8")
    assert f"Silenced, with their words left out: {', '.join(spans)}." in blocks
    (told,) = [block for block in blocks if block.startswith("[…] stands where words were left out")]
    assert "within 1.5 s of one" in told
    assert blocks.index(told) < blocks.index("Bonjour, c’est […]")
    assert blocks[blocks.index("Bonjour, c’est […]") + 1] == "Silenced: 00:00:02.1 – 00:00:02.5"
    assert "no length […]" in blocks  # near a span, without a time of its own
    assert sum(block.startswith("Silenced: ") for block in blocks) == 4
    assert read(export.in_language(silenced, "fr"))[blocks.index(told)].startswith("[…] remplace les mots retirés")


@READERS
def test_a_turn_of_which_nothing_is_left_is_not_called_wordless(read: Read, spoken: Conversation) -> None:
    alone = replace(spoken, words=tuple(w for w in spoken.words if w.turn == 0))
    blocks = read(with_bleeps(alone, (Span(0.5, 4.0),)))
    assert blocks.count("[…]") == 1
    assert blocks.count("(no words in the transcript)") == len(spoken.turns) - 1


@READERS
def test_a_class_that_a_person_confirms_is_not_called_another(read: Read, spoken: Conversation) -> None:
    turn = spoken.turns[5]
    assert turn.original
    windows = tuple(replace(w, emotion=EmotionScores((0.1, 0.1, 0.2, 0.4, 0.2))) for w in turn.original.windows)
    sure = replace(turn, speaker="S2", original=replace(turn.original, windows=windows, reached=()))
    blocks = read(replace(spoken, turns=(*spoken.turns[:5], sure, *spoken.turns[6:])))
    assert "By a person: class Sad, model: the same but unsure" in blocks


@READERS
def test_without_a_transcript_it_says_so_in_the_report_s_language(
    read: Read, make_spoken: Callable[..., Conversation]
) -> None:
    blocks = read(make_spoken(lang="fr", with_words=False))
    told = [block for block in blocks if block.startswith("Aucun mot n’a été reconnu ni fourni")]
    assert len(told) == 1
    assert blocks.index(told[0]) < min(k for k, block in enumerate(blocks) if block.startswith("[00:"))
    assert sum(block.startswith("[00:") for block in blocks) == 8
    assert not [block for block in blocks if block.startswith("(")]
    assert blocks[0] == 'Citations\u00a0: Réunion "du" <lundi> .wav'
    (unsure,) = [b for b in blocks if "Content\u202f?" in b]
    assert "valence +0,1" in unsure
    assert "Durée\u00a0: 00:00:40.0" in blocks
    in_english = export.in_language(make_spoken(lang="fr", with_words=False), "en")
    assert sum(block.startswith("No words were recognised or brought along") for block in read(in_english)) == 1


@READERS
def test_a_conversation_without_turns_has_its_head(read: Read, empty: Conversation) -> None:
    blocks = read(empty)
    assert "Speakers: –" in blocks
    assert not [block for block in blocks if block.startswith("[00:")]


def test_the_reason_for_judging_restricted_roles_is_printed(make_spoken: Callable[..., Conversation]) -> None:
    blocks = by_markdown(make_spoken(allow_restricted="# a *medical* reason"))
    assert "Restricted or unconfirmed roles were scored for this stated reason: # a *medical* reason" in blocks


@pytest.mark.parametrize(
    "text",
    [
        "# h",
        "C #",
        "a ##",
        "- a",
        "+ a",
        "1. a",
        "12) a",
        "===",
        "---",
        "![x](y)",
        "&copy;",
        "    code",
        "a\\",
        "***",
        "<!-- c",
        "~~~",
        "```",
        "=x",
        "[a]: b",
        "|a|",
    ],
)
def test_whatever_is_said_stays_text(make_spoken: Callable[..., Conversation], text: str) -> None:
    made = make_spoken(with_words=False)
    noted = replace(made, turns=tuple(replace(t, note=text) for t in made.turns))
    spoken = replace(noted, words=tuple(w for w in make_spoken().words if w.turn == 0)[:1])
    spoken = replace(spoken, words=(replace(spoken.words[0], text=text),))
    blocks = by_markdown(spoken)
    assert plain(text) in blocks
    assert by_markdown(replace(spoken, recording=replace(spoken.recording, name=text)))[0] == f"Quotes: {plain(text)}"
    assert f"Note: {plain(text)}" in blocks


def test_two_runs_give_the_same_bytes(spoken: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    first = export.quotes_docx(spoken)
    later = time.localtime(time.time() + 10_000_000)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert export.quotes_docx(spoken) == first
    assert export.quotes_md(spoken) == export.quotes_md(spoken)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None


def test_languages_say_the_same_and_as_the_report_does() -> None:
    def texts(folder: str, lang: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(
            (resources.files(folder) / "locales" / f"{lang}.json").read_text(encoding="utf-8")
        )
        return found

    english, *others = owns = [texts("ressenti.pipeline.export", lang) for lang in get_args(Lang)]
    assert all(english.keys() == other.keys() for other in others)
    shared = {"Pleased", "Relaxed", "Neutral", "Sad", "Tension", "limit_expression", "legal_allowed", "non_commercial"}
    shared |= {"speaker_n", "u_short", "u_overlap", "u_restricted", "u_not_asked"}
    for lang, own in zip(get_args(Lang), owns, strict=True):
        page = texts("ressenti.reports", lang)
        shared |= {key for key in page if key.startswith("role_") and not key.startswith(("role_guess", "role_by_"))}
        differing = {key for key in shared if page[key] != own[key]}
        assert not differing


def seconds(code: str) -> float:
    hours, minutes, rest = code.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_word_opens_from_a_path_too(spoken: Conversation, tmp_path: Path) -> None:
    path = tmp_path / "quotes.docx"
    path.write_bytes(export.quotes_docx(spoken))
    document = docx.Document(str(path))
    assert document.core_properties.title == 'Quotes: Réunion "du" <lundi> .wav'
    assert next(p.text for p in document.paragraphs if p.style and p.style.name == "Quote") == "Bonjour, c’est Zoé."
