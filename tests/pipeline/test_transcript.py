import codecs
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import examples
from ressenti import with_transcript
from ressenti.pipeline import store
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.export.praat import textgrid
from ressenti.pipeline.records import Conversation, Turn
from ressenti.pipeline.transcript.align import NEAR_S, align
from ressenti.pipeline.transcript.cues import Spoken, between, plain
from ressenti.pipeline.transcript.files import find_transcript, read_transcript

Make = Callable[..., Conversation]
SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hi &amp; hello</i>
there

2
123:00:01,000 --> 123:00:02,000
{\\an8}late
"""
VTT = """WEBVTT - a call

NOTE nothing to see

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.000 line:0
<v Roger Bingham>We <00:01.500><c>are</c> &lt;here&gt;</v>
<v.loud Mary>Two
"""


def read(tmp_path: Path, name: str, content: str | bytes, recording: str = "call") -> tuple[Spoken, ...]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_transcript(path, recording)


def texts(words: tuple[Spoken, ...]) -> list[str]:
    return [word.text for word in words]


def test_subrip_without_tags_and_beyond_99_hours(tmp_path: Path) -> None:
    words = read(tmp_path, "a.srt", SRT)
    assert texts(words) == ["Hi", "&", "hello", "there", "late"]
    assert (words[0].start_s, words[3].end_s, words[4].start_s) == (1.0, 2.5, 123 * 3600 + 1)
    assert not any(word.exact for word in words)
    assert words[0].end_s - words[0].start_s == pytest.approx(1.5 * 2 / 13)


CTM = """;; two channels
other 1 0.1 0.2 nothing
call 1 1.00 0.25 hello 0.93
call 1 1.25 0.15 @ 0.5
call 2 2.50 0.50 there 0.8
call 1 * * <ALT_BEGIN>
call 1 3.00 0.20 you 0.8
call 1 * * <ALT>
call 1 3.00 0.20 ewe 0.2
call 1 * * <ALT_END>
"""


def test_ctm_has_exact_times_and_channels(tmp_path: Path) -> None:
    words = read(tmp_path, "a.ctm", CTM)
    assert [(w.text, w.start_s, w.end_s, w.channel, w.speaker, w.exact) for w in words] == [
        ("hello", 1.0, 1.25, "1", "1", True), ("there", 2.5, 3.0, "2", "2", True), ("you", 3.0, 3.2, "1", "1", True),
    ]  # fmt: skip
    named = read(tmp_path, "b.ctm", "call 1 1 .5 hello 1.0 lex Anna\ncall 2 2 .5 there NA lex Ben\n")
    assert [(w.speaker, w.channel) for w in named] == [("Anna", "1"), ("Ben", "2")]
    for wrong in ("call 1 1.0 hello", "call 1 one 0.2 hello", "call 1 1.0 -0.2 hello", "call 1 nan 0.2 hello"):
        with pytest.raises(TranscriptError, match="line 1"):
            read(tmp_path, "c.ctm", wrong)
    with pytest.raises(TranscriptError, match="holds call, other; expected elsewhere"):
        read(tmp_path, "d.ctm", CTM, "elsewhere")


def grid(**tiers: list[tuple[float, float, str]]) -> str:
    """A TextGrid as Praat's short text format has it; `_` in a tier's name is a colon and a space."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", "9", "<exists>", str(len(tiers))]
    for name, rows in tiers.items():
        lines += ['"IntervalTier"', f'"{name.replace("_", ": ")}"', "0", "9", str(len(rows))]
        lines += [part for a, b, text in rows for part in (str(a), str(b), f'"{text}"')]
    return "\n".join(lines) + "\n"


def test_textgrid_words_of_speakers(tmp_path: Path) -> None:
    aligned = grid(
        Anna_words=[(0, 1, ""), (1, 1.5, "hello"), (1.5, 2, "sp")],
        Anna_phones=[(1, 1.2, "h")],
        Ben_words=[(2, 3, "my friend")],
        notes=[(0, 9, "noisy")],
    )
    words = read(tmp_path, "a.TextGrid", aligned)
    assert [(w.text, w.speaker, w.exact) for w in words] == [
        ("hello", "Anna", True), ("my", "Ben", False), ("friend", "Ben", False),
    ]  # fmt: skip
    plain_tiers = read(
        tmp_path, "b.textgrid", grid(Anna=[(1, 3, "hello there")], phones=[(1, 1.2, "h")]).encode("utf-16")
    )
    assert [(w.text, w.speaker) for w in plain_tiers] == [("hello", "Anna"), ("there", "Anna")]
    for wrong in ("", "hello", "{}", 'File type = "ooTextFile"\n', aligned[:80], grid(a=[(3, 1, "back")])):
        with pytest.raises(TranscriptError):
            read(tmp_path, "c.TextGrid", wrong)


def test_what_was_exported_for_praat_is_read_back(make_conversation: Make, tmp_path: Path) -> None:
    made = with_words(make_conversation(), [Spoken(6.0, 6.4, "hello"), Spoken(6.5, 6.9, "there")])
    found = read(tmp_path, "call.TextGrid", textgrid(made))
    assert [(w.text, round(w.start_s, 3)) for w in found] == [("hello", 6.0), ("there", 6.5)]
    with pytest.raises(TranscriptError, match="no words"):
        read(tmp_path, "none.TextGrid", textgrid(make_conversation()))


def test_a_textgrid_counts_only_alone(tmp_path: Path) -> None:
    (tmp_path / "call.TextGrid").touch()
    assert find_transcript(tmp_path, "call") == tmp_path / "call.TextGrid"
    (tmp_path / "call.srt").touch()
    assert find_transcript(tmp_path, "call") == tmp_path / "call.srt"


def test_webvtt_with_voices(tmp_path: Path) -> None:
    words = read(tmp_path, "a.vtt", VTT)
    assert [(w.text, w.speaker) for w in words] == [
        ("We", "Roger Bingham"), ("are", "Roger Bingham"), ("<here>", "Roger Bingham"), ("Two", "Mary"),
    ]  # fmt: skip
    assert [w.start_s for w in words] == sorted(w.start_s for w in words)


@pytest.mark.parametrize(
    "text",
    [
        "00:00:01,000 --> 00:00:02,500\nno number\n\n00:00:03,000 --> 00:00:04,500\nsecond cue\n",
        "1\n00:00:01.000 --> 00:00:02.500\nno number\n2\n0:00:03,0 --> 0:00:4,500 X1:3\nsecond cue",
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nno number\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,500\r\nsecond cue\r\n",
        "\ufeff1\n00:00:01,000 --> 00:00:02,500\nno number\n\n\n\n2\n00:00:02,000 --> 00:00:04,500\nsecond cue\n",
        "1\n00:00:01,000 --> 00:00:02,500\n[SPEAKER_00]: no number\n\n2\n00:00:02,000 --> 00:00:04,500\nsecond\ncue\n",
    ],
)
def test_subrip_as_it_is_found_in_the_wild(tmp_path: Path, text: str) -> None:
    assert texts(read(tmp_path, "a.srt", text)) == ["no", "number", "second", "cue"]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("cp1252", b"")],
)
def test_encodings(tmp_path: Path, encoding: str, mark: bytes) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,500\nÇa va, l’été\n"
    assert texts(read(tmp_path, "a.srt", mark + text.encode(encoding))) == ["Ça", "va,", "l’été"]


WHISPER = {
    "text": "ignored",
    "language": "en",
    "segments": [
        {"start": 0.0, "end": 2.0, "text": " Hello you", "words": []},
        {
            "start": 3.0,
            "end": 6.0,
            "text": " in 1999 we",
            "speaker": "SPEAKER_00",
            "words": [
                {"word": " in", "start": 3.0, "end": 3.5, "score": 0.9},
                {"word": "1999"},
                {"word": "we", "start": 5.0, "end": 5.25, "speaker": "SPEAKER_01"},
                {"word": "2"},
            ],
        },
        {"text": " last", "words": [{"word": " last", "start": 7, "end": 8, "probability": 0.5}]},
    ],
}


@pytest.mark.parametrize("data", [WHISPER, WHISPER["segments"]])
def test_whisper_and_its_kin(tmp_path: Path, data: object) -> None:
    words = read(tmp_path, "call.json", json.dumps(data))
    assert [(w.text, round(w.start_s, 2), round(w.end_s, 2), w.exact) for w in words] == [
        ("Hello", 0, 1.25, False),
        ("you", 1.25, 2, False),
        ("in", 3, 3.5, True),
        ("1999", 3.5, 5, False),
        ("we", 5, 5.25, True),
        ("2", 5.25, 6, False),
        ("last", 7, 8, True),
    ]
    assert [w.speaker for w in words][2:6] == ["SPEAKER_00", "SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]


def test_whisper_cpp(tmp_path: Path) -> None:
    data = {"transcription": [{"offsets": {"from": 500, "to": 1500}, "text": " Hi"}]}
    assert read(tmp_path, "call.json", json.dumps(data)) == (Spoken(0.5, 1.5, "Hi", exact=False),)


STM = """;; a comment
call 1 Anna 0.5 1.5 <o,f0,female> hello there
other A Ben 0.5 1.5 nothing
call 1 Ben 2 3 ignore_time_segment_in_scoring
call 1 Ben 3 4
CALL 1 Ben 4 5 &amp; so
"""


def test_stm_of_several_recordings(tmp_path: Path) -> None:
    words = read(tmp_path, "all.stm", STM)
    assert [(w.text, w.speaker) for w in words] == [("hello", "Anna"), ("there", "Anna"), ("&", "Ben"), ("so", "Ben")]
    with pytest.raises(TranscriptError, match="expected mine"):
        read(tmp_path, "all.stm", STM, "mine")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.srt", "", "no words"),
        ("a.vtt", "", "no words"),
        ("a.vtt", "WEBVTT\n\n", "no words"),
        ("a.vtt", "WEBVTT\n\n00:01.000 -> 00:02.000\nnot an arrow\n", "no words"),
        ("a.srt", "1\n00:00:05,000 --> 00:00:02,000\nreversed\n", r"a\.srt: cue 1: got the times 5 and 2"),
        ("a.stm", "call 1 Anna zero 1.5 hi", "line 1"),
        ("a.stm", "call 1 Anna 2 1.5 hi", "line 1: got the times 2 and 1.5"),
        ("a.stm", "call 1 Anna nan 1.5 hi", "times nan"),
        ("a.json", "", "not JSON"),
        ("a.json", "[1, 2]", "without segments"),
        ("a.json", '{"text": "hi"}', "without segments"),
        ("a.json", "[" * 100_000, "too deep"),
        ("a.json", '[{"text": "hi"}]', "segment 1: no times"),
        ("a.json", '[{"start": "0:01", "end": 2, "text": "hi"}]', "got '0:01' and 2"),
        ("a.json", '[{"start": 0, "end": NaN, "text": "hi"}]', "NaN; expected a finite number"),
        ("a.json", '[{"start": 0, "end": 1, "text": 5}]', "got 5 as text"),
        ("a.json", '[{"start": 0, "end": 1, "words": ["hi"]}]', "not a list of words"),
        ("a.txt", "hello", "expected one of .srt"),
        ("a.srt", b"\x00\x01\x02", "not text"),
        ("a.vtt", b"x" * (17 << 20), "17,825,792 bytes; expected at most 16,777,216"),
        ("a.json", b"x" * (51 << 20), "53,477,376 bytes; expected at most 52,428,800"),
    ],
)
def test_what_is_no_transcript_is_named(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    with pytest.raises(TranscriptError, match=said):
        read(tmp_path, name, content)


def test_our_own_conversation_is_no_transcript(make_conversation: Make, tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="a conversation written by analyze"):
        read(tmp_path, "call.json", store.dumps(make_conversation()))


def test_a_folder_is_searched_by_name(tmp_path: Path) -> None:
    assert find_transcript(tmp_path, "call") is None
    (tmp_path / "call.vtt").touch()
    assert find_transcript(tmp_path, "call") == tmp_path / "call.vtt"
    (tmp_path / "call.srt").touch()
    with pytest.raises(TranscriptError, match="several transcripts of call"):
        find_transcript(tmp_path, "call")


TURNS = (Turn(0, "S1", 0, 5), Turn(1, "S2", 4, 6), Turn(2, "S1", 8, 10))


def turns_of(*words: Spoken) -> list[int | None]:
    return [word.turn for word in align(words, TURNS, 30)]


def test_words_go_to_the_turn_that_they_overlap_most() -> None:
    at = [(1, 2), (3.9, 4.2), (4.8, 5.4), (6.3, 6.6), (6.8, 7.1), (7.6, 7.8), (5, 5)]
    assert turns_of(*(Spoken(a, b, "x") for a, b in at)) == [0, 0, 1, 1, None, 2, 1]


def test_speakers_of_the_transcript_decide_where_turns_overlap() -> None:
    words = [
        Spoken(0, 3, "a", "Ann"),
        Spoken(5, 6, "b", "Ben"),
        Spoken(4.2, 4.4, "c", "Ben"),
        Spoken(4.5, 4.9, "d", "Ann"),
    ]
    assert turns_of(*words) == [0, 1, 1, 0]


def test_a_transcript_of_something_longer_is_refused() -> None:
    with pytest.raises(TranscriptError, match="transcript of this recording"):
        align([Spoken(40, 41, "x"), Spoken(50, 51, "y"), Spoken(1, 2, "z")], TURNS, 30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(12))
@given(text=st.text(max_size=60), start=st.integers(0, 10**6), length=st.integers(0, 10**5))
def test_whatever_was_said_comes_back_as_its_words(tmp_path: Path, text: str, start: int, length: int) -> None:
    segment = {"start": start / 1000, "end": (start + length) / 1000, "text": text}
    if not plain(text):
        with pytest.raises(TranscriptError):
            read(tmp_path, "a.json", json.dumps([segment]))
        return
    words = read(tmp_path, "a.json", json.dumps([segment]))
    assert " ".join(texts(words)) == plain(text)
    assert words[0].start_s == pytest.approx(segment["start"])
    assert words[-1].end_s == pytest.approx(segment["end"])


@given(data=st.binary(max_size=300), ending=st.sampled_from([".srt", ".vtt", ".stm", ".json"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40))
def test_any_bytes_give_words_or_a_clear_error(tmp_path: Path, data: bytes, ending: str) -> None:
    with suppress(TranscriptError):
        words = read(tmp_path, f"a{ending}", data)
        assert all(0 <= w.start_s <= w.end_s and w.text for w in words)


@given(
    st.lists(st.tuples(st.floats(0, 29), st.floats(0.01, 3), st.sampled_from(["A", "B", None])), max_size=30),
    st.lists(st.tuples(st.floats(0, 25), st.floats(0.1, 8), st.sampled_from(["S1", "S2"])), max_size=12),
)
def test_a_word_is_in_a_turn_exactly_where_one_is_near(
    said: list[tuple[float, float, str | None]], spoken: list[tuple[float, float, str]]
) -> None:
    turns = [Turn(k, who, start, start + length) for k, (start, length, who) in enumerate(spoken)]
    words = [Spoken(start, start + length, "x", who) for start, length, who in said]
    for word, placed in zip(words, align(words, turns, 30), strict=True):
        gaps = {t.index: max(word.start_s, t.start_s) - min(word.end_s, t.end_s) for t in turns}
        near = {index for index, gap in gaps.items() if gap <= NEAR_S}
        assert (placed.turn in near) if near else placed.turn is None
        if any(gap < 0 for gap in gaps.values()):
            assert placed.turn is not None
            assert gaps[placed.turn] < 0


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=1), st.floats(0, 100), st.floats(0, 50))
def test_words_fill_their_stretch(words: list[str], start: float, length: float) -> None:
    placed = between(start, start + length, words, [None] * len(words))
    assert [w.text for w in placed] == words
    assert (placed[0].start_s, placed[-1].end_s) == (pytest.approx(start), pytest.approx(start + length))
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in pairwise(placed))


def test_the_real_transcript_of_the_sample(sample: tuple[Path, Path], make_conversation: Make) -> None:
    from ressenti import analyze, load_config

    conversation = analyze(sample[0], load_config("default", {"diarization": {"speakers": 2}}))
    with_words = with_transcript(conversation, sample[0].with_suffix(".stm"))
    words = with_words.words
    assert len(words) > 60
    assert sum(word.turn is None for word in words) <= len(words) // 10
    assert store.loads(store.dumps(with_words)).words[0].text == words[0].text
    spoken = {label: [w.text for w in words if w.turn is not None and conversation.turns[w.turn].speaker == label]
              for label in ("S1", "S2")}  # fmt: skip
    assert all(len(said) > 15 for said in spoken.values())
    assert asdict(words[0])["exact"] is False
