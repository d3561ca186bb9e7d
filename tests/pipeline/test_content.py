from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ressenti.pipeline.config import ContentOptions, load_config
from ressenti.pipeline.content import Content, content_of, included_lists, read_phrases
from ressenti.pipeline.content.languages import KNOWN, guessed, parts_of, word_lists
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Conversation, Omission
from ressenti.pipeline.transcript.cues import Spoken

Make = Callable[..., Conversation]
# turns of the made conversation: S1 .5-4, S2 5-9, S1 9.5-20, S2 19-24, S1 26-29
AGENT = (0.5, "Hello, thank you for calling Northwest Garage, how can I help you today?")
CALLER = (5.0, "Uh hi, my clutch is broken and the clutch plate costs 300 dollars?")
ANSWER = (
    9.5,
    "The clutch plate? We guarantee a clutch plate for $250. Uh, bring the car on Monday to Northwest Garage then.",
)
THANKS = (20.2, "Great, I will bring it then, thank you so much.")
END = (26.2, "Thank you, have a nice day, bye bye!")


def said(make: Make, *lines: tuple[float, str], options: dict[str, object] | None = None) -> Conversation:
    words = []
    for start_s, text in lines:
        texts = text.split()
        words += [Spoken(start_s + 0.3 * k, start_s + 0.3 * k + 0.25, t) for k, t in enumerate(texts)]
    made = make(overrides={"content": options or {"least_words": 5, "keyword_count": 2}})
    return replace(with_words(made, words), transcription=None)


def told(conversation: Conversation, *phrases: Path) -> Content:
    return content_of(replace(conversation, phrases=tuple(map(read_phrases, phrases))))


@pytest.fixture
def call(make_conversation: Make) -> Conversation:
    return said(make_conversation, AGENT, CALLER, ANSWER, THANKS, END)


def test_pace_questions_and_hesitations_by_speaker(call: Conversation) -> None:
    first, second = told(call).speakers
    turns = [t for t in call.turns if t.speaker == "S1" and any(w.turn == t.index for w in call.words)]
    assert first.language == second.language == "en"
    assert first.words_per_min == pytest.approx(first.words / sum(t.duration_s for t in turns) * 60)
    assert (first.questions, first.sentences) == (2, 5)
    assert (first.hesitations, second.hesitations) == (1, 1)
    assert first.hesitations_per_min == pytest.approx(60 / sum(t.duration_s for t in turns))
    assert [pace.start_s for pace in first.paces] == [0.0]


def test_greeting_farewell_and_prices_are_named_with_their_words(call: Conversation) -> None:
    found = [(m.kind, m.speaker, m.text) for m in told(call).mentions]
    assert found == [
        ("greeting", "S1", "Hello,"),
        ("greeting", "S2", "hi,"),
        ("price", "S2", "300 dollars?"),
        ("price", "S1", "$250."),
        ("farewell", "S1", "have a nice day,"),
    ]


def test_a_hello_in_the_middle_is_no_greeting(make_conversation: Make) -> None:
    options = {"greeting_within_s": 5.0, "farewell_within_s": 5.0}
    late = said(make_conversation, AGENT, (9.5, "hello hello are you there now we were cut"), END, options=options)
    assert [m.start_s for m in told(late).mentions if m.kind == "greeting"] == [0.5]


def test_keywords_are_what_was_said_often_and_is_not_common(call: Conversation) -> None:
    found = {k.term: (k.count, k.speakers) for k in told(call).keywords}
    assert found == {
        "clutch plate": (3, ("S2", "S1")),
        "Northwest Garage": (2, ("S1",)),
        "bring": (2, ("S1", "S2")),
    }


def test_what_an_announcement_says_is_no_keyword(call: Conversation) -> None:
    speakers = tuple(replace(s, kind="announcement") if s.label == "S1" else s for s in call.speakers)
    found = {k.term: (k.count, k.speakers) for k in told(replace(call, speakers=speakers)).keywords}
    assert "Northwest Garage" not in found
    assert all(people == ("S2",) for _, people in found.values())


def test_without_a_known_language_nothing_that_needs_one_is_claimed(make_conversation: Make) -> None:
    polish = said(make_conversation, (0.5, "dzien dobry w czym moge pomoc"), (5.0, "sprzeglo sprzeglo sprzeglo 300 zl"))
    content = told(polish)
    assert [s.language for s in content.speakers] == [None, None]
    assert [s.hesitations for s in content.speakers] == [None, None]
    assert content.speakers[0].questions is None  # no punctuation
    assert content.keywords == content.mentions == ()


def test_without_words_there_is_nothing(make_conversation: Make) -> None:
    assert told(make_conversation()) == Content((), (), (), ())


def test_few_words_give_no_rate(make_conversation: Make) -> None:
    few = told(said(make_conversation, AGENT, options={"least_words": 100}))
    assert few.speakers[0].words_per_min is None
    assert few.speakers[0].hesitations_per_min is None
    assert few.speakers[0].paces == ()


@pytest.mark.parametrize("language", KNOWN)
def test_word_lists_are_written_as_words_are_compared(language: str) -> None:
    lists = word_lists(language)
    assert lists is not None
    words = [*lists.hesitations, *lists.currencies, *lists.common]
    assert [word for word in words if parts_of(word) != (word,)] == []
    assert [p for p in (*lists.greetings, *lists.farewells) if parts_of(" ".join(p)) != p] == []


def test_a_language_is_guessed_from_common_words_or_not_at_all() -> None:
    english = [
        "so",
        "what",
        "we",
        "can",
        "do",
        "is",
        "we",
        "have",
        "a",
        "look",
        "at",
        "it",
        "and",
        "then",
        "i",
        "will",
        "call",
        "you",
        "back",
        "in",
        "the",
        "morning",
    ]
    french = [
        "alors",
        "ce",
        "que",
        "je",
        "vous",
        "propose",
        "c",
        "est",
        "de",
        "passer",
        "demain",
        "matin",
        "et",
        "on",
        "va",
        "regarder",
        "ca",
        "avec",
        "vous",
        "tous",
    ]
    assert (guessed(english), guessed(french)) == ("en", "fr")
    assert guessed(english[:10]) is None
    assert guessed(["sprzeglo"] * 30) is None


# phrases


def phrase_list(folder: Path, text: str) -> Path:
    path = folder / "phrases.yaml"
    path.write_text(text, encoding="utf-8")
    return path


LIST = """
language: en
phrases:
  - name: thanked
    must: true
    any: [thanks a lot, Thank you for calling]
  - name: promised
    any: [guaranteed]
    match: stems
  - name: exact
    any: [guaranteed]
  - name: across turns
    any: [then thank you]
  - name: recording announced
    must: true
    any: [this call is recorded]
  - name: by the agent
    role: agent
    any: [hello]
"""


def test_phrases_are_found_with_time_and_speaker(call: Conversation, tmp_path: Path) -> None:
    found = {p.name: p for p in told(call, phrase_list(tmp_path, LIST)).phrases}
    place = found["thanked"].places[0]
    assert (found["thanked"].state, place.speaker, place.text) == ("said", "S1", "thank you for calling")
    assert place.start_s == pytest.approx(0.8)
    assert [p.text for p in found["promised"].places] == ["guarantee"]
    assert found["exact"].places == ()
    assert [p.speaker for p in found["across turns"].places] == ["S1", "S2"]
    assert found["recording announced"].must


def test_a_phrase_is_missing_only_where_words_are_sure(call: Conversation, tmp_path: Path) -> None:
    path = phrase_list(tmp_path, LIST)
    assert {p.name: p.state for p in told(call, path).phrases}["recording announced"] == "not_found"
    unsure = replace(call, words=tuple(replace(w, confidence=0.2) for w in call.words))
    assert {p.name: p.state for p in told(unsure, path).phrases}["recording announced"] == "unknown"
    parts = replace(call, words=tuple(w for w in call.words if w.start_s < 5))
    assert {p.name: p.state for p in told(parts, path).phrases}["recording announced"] == "unknown"


def test_what_was_left_out_does_not_make_a_missing_phrase_surer(call: Conversation, tmp_path: Path) -> None:
    path = phrase_list(tmp_path, LIST)
    turn = call.words[0].turn
    gaps = tuple(Omission(0.5 + k / 100, 0.6 + k / 100, turn) for k in range(len(call.words)))
    less = replace(call, omissions=gaps)
    assert {p.name: p.state for p in told(less, path).phrases}["recording announced"] == "unknown"


def test_a_phrase_of_a_role_that_nobody_has_could_not_be_told(call: Conversation, tmp_path: Path) -> None:
    path = phrase_list(tmp_path, LIST)
    assert {p.name: p.state for p in told(call, path).phrases}["by the agent"] == "unknown"
    agent = replace(call, speakers=tuple(replace(s, role="agent" if s.label == "S1" else "") for s in call.speakers))
    assert {p.name: p.state for p in told(agent, path).phrases}["by the agent"] == "said"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "got list"),
        ("language: en\nphrases: []\n", "phrases"),
        ("language: en\nphrases: [{name: a, any: [b], colour: red}]\n", "colour"),
        ("language: english\nphrases: [{name: a, any: [b]}]\n", "language"),
        ("a: &x 1\n", "expected a list of phrases"),
    ],
)
def test_a_bad_list_is_refused_in_words(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_phrases(phrase_list(tmp_path, text))


def test_silenced_words_are_part_of_nothing(call: Conversation) -> None:
    from ressenti.pipeline.edits.bleeps import with_bleeps
    from ressenti.pipeline.records import Span

    silenced = with_bleeps(call, [Span(5.0, 20.0)])
    content = told(silenced)
    assert "price" not in {m.kind for m in content.mentions}
    assert content.keywords == () or all("clutch" not in k.term for k in content.keywords)
    assert ContentOptions().least_words == 20


@pytest.mark.parametrize("name", included_lists())
def test_included_lists_can_be_read(name: str) -> None:
    found = read_phrases(name)
    assert found.language == name[-2:]
    assert len({phrase.name for phrase in found.phrases}) == len(found.phrases) > 3


def test_a_list_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="call-center-en, call-center-fr"):
        read_phrases("call-center-de")


def test_phrases_in_a_config_lie_beside_it(tmp_path: Path) -> None:
    phrase_list(tmp_path, LIST)
    config = tmp_path / "mine.yaml"
    config.write_text("content: {phrases: [call-center-fr, phrases.yaml]}\n", encoding="utf-8")
    assert load_config(config).content.phrases == ("call-center-fr", str(tmp_path / "phrases.yaml"))
