"""Subtitles are read back by `srt` and `webvtt-py`."""

from collections.abc import Callable
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest
import srt
import webvtt

from ressenti.pipeline import export
from ressenti.pipeline.export.subtitles import LINE, LINES
from ressenti.pipeline.records import Conversation, Word

Cue = tuple[float, float, str, str]
ZOE, OTHER = 'Zoé "la Voix" (S1)', 'Zoé "LA Voix" (S2)'
NAMES = {
    "S1": ZOE,
    "S2": OTHER,
    "S3": '<b onload=x>&amp; "Max" --> *bold* [x](http://x) `c` \\n $1$ | ~~no~~ 😀',
    "S4": "Speaker 4",
}


def one_line(text: str) -> str:
    return " ".join(text.split())


def by_srt(conversation: Conversation) -> list[Cue]:
    """Start, end, speaker and text of each cue; SRT writes the speaker into the text, and arrows apart."""
    cues = []
    for cue in srt.parse(export.srt(conversation), ignore_errors=False):
        text = one_line(cue.content)
        name = next((n for n in map(unarrowed, (*NAMES.values(), "Locuteur 4")) if text.startswith(f"{n}: ")), "")
        cues.append((cue.start.total_seconds(), cue.end.total_seconds(), name, text.removeprefix(f"{name}: ")))
    return cues


def by_webvtt(conversation: Conversation) -> list[Cue]:
    found = webvtt.from_string(export.vtt(conversation))
    return [(seconds(c.start), seconds(c.end), unescape(c.voice or ""), unescape(one_line(c.text))) for c in found]


def seconds(stamp: str) -> float:
    hours, minutes, rest = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def unarrowed(text: str) -> str:
    return text.replace("-->", "-- >")


def test_each_turn_is_heard_with_its_speaker_and_its_words(spoken: Conversation) -> None:
    for cues, shown in ((by_webvtt(spoken), str), (by_srt(spoken), unarrowed)):
        for turn in spoken.turns:
            own = [w for w in spoken.words if w.turn == turn.index]
            text = one_line(" ".join(w.text for w in own)).replace("\x07", "").strip()
            if not text or turn.index == 2:
                continue
            (cue,) = [c for c in cues if c[2:] == (shown(NAMES[turn.speaker]), shown(text))]
            assert cue[:2] == (pytest.approx(turn.start_s, abs=5e-4), pytest.approx(turn.end_s, abs=5e-4))
        assert [c[3] for c in cues if not c[2]] == ["[silenced]", "nobody said this"]


def test_long_turns_are_cut_along_their_words(spoken: Conversation) -> None:
    own = [w for w in spoken.words if w.turn == 2]
    for cues in (by_webvtt(spoken), by_srt(spoken)):
        parts = [c for c in cues if c[3].startswith("word")]
        assert len(parts) > 4
        assert " ".join(c[3] for c in parts).split() == [w.text for w in own]
        starts = {round(w.start_s, 3): w.text for w in own}
        for start, end, name, text in parts:
            assert starts[round(start, 3)] == text.split()[0]
            assert name == ZOE
            assert end - start <= 7
        assert all(a[1] <= b[0] for a, b in pairwise(parts))
    for cue in webvtt.from_string(export.vtt(spoken)):
        lines = unescape(cue.text).split("\n")
        assert len(lines) <= LINES
        assert max(map(len, lines)) <= LINE


def test_a_long_cue_is_cut_at_a_comma_so_that_no_last_word_stands_alone(
    make_spoken: Callable[..., Conversation],
) -> None:
    made = make_spoken(with_words=False)
    said = "Thank you for calling Northgate Motors, this is Priya, how can I help you today?"
    words = tuple(Word(0.5 + 0.2 * k, 0.7 + 0.2 * k, text, 0) for k, text in enumerate(said.split()))
    texts = [c[3] for c in by_webvtt(replace(made, words=words)) if c[2] == ZOE][:2]
    assert texts == ["Thank you for calling Northgate Motors, this is Priya,", "how can I help you today?"]


def test_silenced_spans_are_cues_and_words_left_out_are_marked(silenced: Conversation) -> None:
    for cues in (by_webvtt(silenced), by_srt(silenced)):
        silent = [(round(c[0], 3), round(c[1], 3)) for c in cues if c[3] == "[silenced]"]
        assert silent == [(2.1, 2.5), (14.5, 14.8), (33.0, 34.5), (37.6, 37.8)]
        texts = [c[3] for c in cues]
        assert "Bonjour, c’est […]" in texts
        assert "no length […]" in texts
        assert "[…] said this" in texts
        assert any("word14 […] word17." in text for text in texts), texts
    head = export.vtt(silenced).split("\n\n")[1:3]
    assert head[0].startswith("NOTE\nSilenced, with their words left out: 00:00:02.1 – 00:00:02.5, ")
    assert head[1].startswith("NOTE\n[…] stands where words were left out")


@pytest.mark.parametrize(
    ("lang", "unsure", "last", "silence"),
    [
        ("en", "[Pleased?]", ("Speaker 4", "[speech]"), "[silenced]"),
        ("fr", "[Content ?]", ("Locuteur 4", "[parole]"), "[rendu muet]"),
    ],
)
def test_without_words_a_turn_says_its_class(
    make_spoken: Callable[..., Conversation], lang: str, unsure: str, last: tuple[str, str], silence: str
) -> None:
    conversation = make_spoken(lang=lang, with_words=False)
    for found in (by_webvtt(conversation), by_srt(conversation)):
        assert [c[3] for c in found if not c[2]] == [silence]
        cues = [c for c in found if c[2]]
        assert [c[:2] for c in cues] == [
            (pytest.approx(t.start_s, abs=5e-4), pytest.approx(t.end_s, abs=5e-4))
            for t in sorted(conversation.turns, key=lambda t: t.start_s)
        ]
        assert [c[3] for c in cues if c[2] == ZOE][1] == unsure
        assert cues[-1][2:] == last


def test_nothing_said_is_no_cue(empty: Conversation) -> None:
    assert export.srt(empty) == ""
    assert export.vtt(empty) == "WEBVTT\n"
    assert by_srt(empty) == by_webvtt(empty) == []


def test_a_name_that_ends_in_dashes_makes_no_arrow(make_spoken: Callable[..., Conversation]) -> None:
    made = make_spoken(with_words=False)
    named = replace(made, speakers=(replace(made.speakers[0], name="Zoé --"), *made.speakers[1:]))
    assert {c[2] for c in by_webvtt(named)} >= {"Zoé --"}
    assert len([c for c in by_webvtt(named) if c[2]]) == len(made.turns)
