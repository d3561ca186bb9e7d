"""What a stored conversation may hold: bounds, rules across fields, the schema, and earlier versions."""

from __future__ import annotations

import copy
import gc
import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from big import big
from campaign import configs, conversations, transcripts
from conftest import CHECKOUT, examples
from ressenti.pipeline import export, store
from ressenti.pipeline.cli.outputs import ENDINGS, _writer
from ressenti.pipeline.config import Config, build_config, load_config
from ressenti.pipeline.derive import derive
from ressenti.pipeline.edits.bleeps import with_bleeps
from ressenti.pipeline.errors import ConfigError, CorrectionsError, NotAConversationError, TranscriptError
from ressenti.pipeline.records import SCHEMA_VERSION, Conversation, Span, Word
from ressenti.pipeline.store.migrations import STEPS, migrated
from ressenti.pipeline.transcript.files import read_transcript
from ressenti.reports.page import render

FIXTURES = CHECKOUT / "tests" / "fixtures"
SCHEMA = jsonschema.Draft202012Validator(store.json_schema())
Change = Callable[[dict[str, Any]], None]


def fixture(name: str = "conversation-v1-people") -> dict[str, Any]:
    """A fixture as the present version stores it."""
    made = store.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    data: dict[str, Any] = json.loads(store.dumps(made))
    return data


def show(conversation: Conversation) -> None:
    """The page and the exports of text; what they say is tested elsewhere."""
    render(conversation)
    for write in (export.turns_csv, export.rttm, export.textgrid, export.srt, export.vtt, export.aws, export.quotes_md):
        write(conversation)


def test_every_earlier_version_has_a_fixture_and_a_step() -> None:
    versions = {int(path.stem.split("-v")[1].split("-")[0]) for path in FIXTURES.glob("conversation-v*.json")}
    assert versions >= set(STEPS) == set(range(1, SCHEMA_VERSION))


def names_in(schema: dict[str, Any]) -> list[str]:
    """Every field that a stored conversation may have, and every word that a field may hold."""
    groups = {"Conversation": schema, **schema["$defs"]}
    fields = [
        (f"{group}.{name}", told) for group in groups for name, told in groups[group].get("properties", {}).items()
    ]
    return sorted({name for name, _ in fields} | {f"{name}={word}" for name, told in fields for word in _words(told)})


def _words(told: dict[str, Any]) -> list[str]:
    return [str(w) for part in (told, *told.get("anyOf", ())) for w in part.get("enum", ())]


def test_no_field_is_added_without_another_version() -> None:
    """Write the file anew only for a version that nobody has yet; else raise SCHEMA_VERSION, and add a step."""
    known = FIXTURES / f"names-v{SCHEMA_VERSION}.txt"
    assert names_in(store.json_schema()) == known.read_text(encoding="utf-8").splitlines()


def without_added(new: Any, old: Any) -> Any:
    """What is stored now, without the fields that an earlier version lacked."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: without_added(value, old[key]) for key, value in new.items() if key in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [without_added(a, b) for a, b in zip(new, old, strict=True)]
    return new


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("conversation-v*.json")), ids=lambda path: path.stem)
def test_every_earlier_version_is_read_with_all_that_it_holds(path: Path) -> None:
    old = json.loads(path.read_text(encoding="utf-8"))
    made = store.loads(path.read_text(encoding="utf-8"))
    new = json.loads(store.dumps(made))
    assert new["version"] == made.version == SCHEMA_VERSION
    assert new["words_beyond"] == old.get("words_beyond", 0)
    assert made.config["diarization"]["unsure_below"] == 0.7
    for name in old.keys() - {"version", "config"}:
        before = old[name]
        if name == "diarization":  # embeddings of voices are biometric data: they are dropped
            before = {key: value for key, value in before.items() if key != "embeddings"}
        assert without_added(new[name], before) == before, name
    segments = (*made.diarization.segments, *made.diarization.exclusive)
    assert {segment.confidence for segment in segments} == {made.diarization.count_probability} == {None}
    assert not any(turn.speaker_told and not turn.speaker_by_person for turn in made.turns)
    assert SCHEMA.is_valid(new)
    assert store.loads(store.dumps(made)) == made
    show(derive(made, build_config(made.config)))


@pytest.mark.parametrize(("before", "after"), [(0.05, 5.0), (0.49, 5.0), (0.75, 0.75), (10, 10), (600, 5.0)])
def test_options_of_the_diarizer_of_version_2_are_read(before: float, after: float) -> None:
    data = json.loads((FIXTURES / "conversation-v2-people.json").read_text(encoding="utf-8"))
    own = data["config"]["diarization"]
    own |= {"step_s": before, "cluster_distance": 0.37, "sure_single_s": 45.0}
    read = store.loads(json.dumps(data)).config["diarization"]
    assert (read["step_s"], read["cluster_distance"], read["sure_from_s"]) == (after, 0.37, 45.0)
    assert read["speech_on"] == own["speech_on"]
    assert not {"window_s", "sure_single_s"} & read.keys()


@pytest.mark.parametrize("config", [None, [], "", 7, {}, {"diarization": None}, {"diarization": [1]}])
def test_what_is_no_config_is_left_for_the_checks(config: Any) -> None:
    data = {"version": 2, "config": config}
    assert STEPS[2](data) == {"version": 3, "config": config}
    assert data["version"] == 2
    assert STEPS[2]({"version": 2}) == {"version": 3, "config": None}
    left = {"diarization": {"step_s": "fast", "sure_single_s": []}}
    known = {
        "diarization": {"step_s": "fast", "sure_from_s": []},
        "words": {"model": "off"},
        "sentiment": {"model": "off"},
    }
    assert migrated({"version": 2, "config": left})["config"] == known


def test_an_option_of_version_2_is_refused_in_version_3() -> None:
    data = fixture()
    data["config"]["diarization"]["window_s"] = 1.5
    with pytest.raises(NotAConversationError, match="window_s"):
        store.loads(json.dumps(data))


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (SCHEMA_VERSION + 1, "Use the newer program that wrote it"),
        (0, "Use the program that wrote it"),
        ("1", "version '1'"),
        (True, "version True"),
        (None, "version None"),
        (1e300, "version 1e"),
    ],
)
def test_versions_that_nobody_knows_are_refused(version: object, said: str) -> None:
    with pytest.raises(NotAConversationError, match=said):
        store.loads(json.dumps(fixture() | {"version": version}))


def setting(place: str, value: Any) -> Change:
    def change(data: dict[str, Any]) -> None:
        owner: Any = data
        *way, last = [int(key) if key.isdigit() else key for key in place.split(".")]
        for key in way:
            owner = owner[key]
        owner[last] = value(owner[last]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (setting("speakers", lambda own: [*own, own[0]]), "speakers: 'S1' occurs twice"),
        (setting("turns.1.index", 0), "turns: 0 occurs twice"),
        (setting("turns.0.original", {"speaker": "S8"}), "turns.original: speaker 'S8' does not exist"),
        (setting("recording.duration_s", 20.0), "turns: 37 s is after the end of the recording"),
        (setting("recording.duration_s", 1e9), "recording.duration_s"),
        (setting("words.0.turn", 99), "words: turn 99 does not exist"),
        (setting("words.0.end_s", 0.0), "words: one ends before it starts"),
        (setting("words.0.text", "x" * 5_001), "words.0.text"),
        (setting("omissions.0.turn", 99), "omissions: turn 99 does not exist"),
        (setting("bleeps.0.end_s", 99.0), "bleeps: 99 s is after"),
        (setting("trajectories.0.points.0.turn", 99), "trajectories: turn 99 does not exist"),
        (setting("trajectories.0.speaker", "S9"), "trajectories: speaker 'S9' does not exist"),
        (setting("trajectories.0.valence", lambda own: own[1:]), "trajectories.0: lines differ in length"),
        (setting("trajectories.0.times_s", lambda own: own[::-1]), "trajectories.0.times_s: not in time order"),
        (setting("trajectories.0.valence_low.0", 1.0), "expected low <= middle <= high"),
        (setting("trajectories", lambda own: [*own, own[0]]), "trajectories: 'S1' occurs twice"),
        (setting("corrections.turns.0.turn", 99), "corrections.turns: turn 99 does not exist"),
        (setting("corrections.turns.0.speaker", "Anna"), "corrections: speaker 'Anna' does not exist"),
        (setting("diarization.segments.0.speaker", "S9"), "diarization.segments: speaker 'S9' does not exist"),
        (setting("diarization.segments.0.speaker", "S1\nSPEAKER"), "diarization.segments.0.speaker"),
        (
            setting("exchange.interruptions", [{"time_s": 1, "by": "S1", "of": "S9", "overlap_s": 1}]),
            "speaker 'S9' does not exist",
        ),
        (setting("moments.0.values", {}), "moments.0.values."),
        (setting("turns.0.windows.0.weight_s", 30.0), "turns.0.windows: a window is outside its turn"),
        (setting("turns.0.windows.0.weight_s", 0.0), "turns.0.windows.0.weight_s"),
        (setting("turns.0.overlap_s", 30.0), "turns.0.overlap_s"),
        (setting("speakers.0.affect.class_shares.0", 1.0), "speakers.0.affect: the shares add up to"),
        (setting("speakers.0.affect.class_shares", [1.0]), "speakers.0.affect.class_shares"),
        (setting("speakers.0.affect.valence_quarters", [0.0]), "speakers.0.affect.valence_quarters"),
        (setting("speakers.0.affect.valence.low", 2.0), "speakers.0.affect.valence: low is above high"),
        (setting("levels.step_s", 60.0), "levels: 21600 s long"),
        (setting("config.trajectory.step_s", 1e-9), "trajectory.step_s"),
        (setting("config", {"trajectory": {"stepp_s": 1}}), "trajectory.stepp_s"),
        (setting("config.audio.min_duration_s", "1"), "audio.min_duration_s"),
        (setting("recording.notes", [{"key": "no_such_note", "values": {}}]), "recording.notes.0.key"),
        (setting("layout_reason.values", {"a": [1]}), "layout_reason.values.a"),
        (setting("layout_reason", {"key": "more_than_roles", "values": {}}), "layout_reason.values.found"),
        (setting("recording", lambda own: own | {"more": 1}), "recording.more"),
        (setting("diarization.channels", [["S1", 2]]), "diarization.channels: channel 2 does not exist"),
        (setting("diarization.channels", [["S1", 0]]), "diarization.channels.0.1"),
        (setting("diarization.channels", [["S9", 1]]), "diarization.channels: speaker 'S9' does not exist"),
        (setting("diarization.channels", [["S1", 1], ["S1", 1]]), "diarization.channels"),
        (
            setting("diarization.notes", [{"key": "channel_voices", "values": {"channel": 1}}]),
            "diarization.notes.0.values.voices",
        ),
        (setting("turns.0.start_s", True), "turns.0.start_s"),
        (setting("turns.0.start_s", "0.5"), "turns.0.start_s"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_its_field(change: Change, said: str) -> None:
    data = fixture()
    change(data)
    kind = CorrectionsError if said.startswith("corrections") else NotAConversationError
    with pytest.raises(kind) as caught:
        store.loads(json.dumps(data), "a.json")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1_000


def test_what_is_tiny_does_not_become_nothing() -> None:
    read = store.loads(json.dumps(fixture()))
    config = {**read.config, "audio": {**read.config["audio"], "silent_channel_db": 1e-12}}
    data = json.loads(store.dumps(replace(read, config=config)))
    assert data["config"]["audio"]["silent_channel_db"] == 1e-12
    talk = read.turns[0].windows[0]
    turn = replace(read.turns[0], windows=(replace(talk, weight_s=1e-9), *read.turns[0].windows[1:]))
    data = json.loads(store.dumps(replace(read, turns=(turn, *read.turns[1:]))))
    assert data["turns"][0]["windows"][0]["weight_s"] == 1e-6


def test_exclusive_segments_do_not_overlap() -> None:
    data = fixture()
    data["diarization"]["exclusive"] = data["diarization"]["segments"]
    with pytest.raises(NotAConversationError, match="exclusive: segments overlap"):
        store.loads(json.dumps(data))


def test_the_schema_names_itself_and_lets_no_other_name_in() -> None:
    schema = store.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith("urn:")
    groups = [part for part in (schema, *schema["$defs"].values()) if part.get("type") == "object"]
    assert len(groups) > 30
    assert all(part["additionalProperties"] is False for part in groups)


@settings(max_examples=examples(30))
@example(seed=2226947, changes=1, which="")  # an option that rounds to 0, which it may not be
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 3), which=st.sampled_from(["-people", ""]))
def test_what_the_schema_refuses_is_refused_and_what_is_written_fits_it(seed: int, changes: int, which: str) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    data = BASES[which]
    for _ in range(changes):
        _, data = conversations.mutated(data, draw)
    try:
        read = store.loads(json.dumps(data))
    except (NotAConversationError, CorrectionsError):
        return
    assert SCHEMA.is_valid(data)
    assert SCHEMA.is_valid(json.loads(store.dumps(read)))


BASES = {which: fixture(f"conversation-v1{which}") for which in ("-people", "")}


@settings(max_examples=examples(12))
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_refused_in_words(data: Any) -> None:
    with pytest.raises(NotAConversationError, match=r"Expected a NAME\.json|this program reads"):
        store.loads(json.dumps(data))


def test_hostile_conversations_are_read_and_shown_or_refused() -> None:
    shown = 0
    for name, content, _ in conversations.cases(seed=16, count=40):
        try:
            read = store.loads(content.decode())
            again = derive(read, build_config(read.config))
        except (NotAConversationError, CorrectionsError):
            continue
        assert store.loads(store.dumps(again)), name
        if shown < 2:
            show(again)
        shown += 1
    assert shown > 3


def test_hostile_options_are_read_or_refused(tmp_path: Path) -> None:
    refused = 0
    for _, content, _ in configs.cases(seed=16, count=50):
        path = tmp_path / "a.yaml"
        path.write_bytes(content)
        try:
            load_config(path)
        except ConfigError:
            refused += 1
    assert 25 < refused < 50


def test_hostile_transcripts_are_read_or_refused(tmp_path: Path) -> None:
    refused = 0
    for name, content, _ in transcripts.cases(seed=16, count=80, size=2_000):
        path = tmp_path / name
        path.write_bytes(content)
        try:
            read_transcript(path, "call")
        except TranscriptError:
            refused += 1
    assert 20 < refused < 80


def test_a_long_conversation_takes_few_looks_at_each_turn() -> None:
    """Twice as many turns are no more than about twice the work: counted in calls, not by the clock."""
    few, many = (_calls(lambda made=big(count): derive(made, Config())) for count in (400, 800))
    assert many < 2.3 * few


@pytest.mark.parametrize("name", ["page", *(n for n in ENDINGS if n not in ("html", "json"))])
@pytest.mark.slow("renders many pages")
def test_what_is_written_of_a_long_conversation_grows_with_it(name: str) -> None:
    """Words and silenced spans grow too; constant work, as plotly's script is, is done before anything is counted."""
    write = render if name == "page" else _writer(name, ())
    few, more, most = (_long(count) for count in (60, 180, 300))
    write(few)
    first, second, third = (_calls(lambda made=made: write(made)) for made in (few, more, most))
    assert third - second <= 1.3 * (second - first)


def _make_long(count: int) -> Conversation:
    made = derive(big(count), Config())
    words = tuple(Word(t.start_s, t.end_s, "yes", t.index) for t in made.turns)
    spans = [Span(4.0 * k, 4.0 * k + 1) for k in range(count // 2)]
    return with_bleeps(replace(made, words=words), spans)


_long = cache(_make_long)


def test_words_are_silenced_with_few_looks_at_each_span() -> None:
    few, more, most = (_calls(lambda count=count: _make_long(count)) for count in (60, 180, 300))
    assert most - more < 1.3 * (more - few)


def _calls(work: Callable[[], object]) -> int:
    import sys

    count = 0
    collecting = gc.isenabled()
    gc.disable()  # what is told of a collection, and finalisers, would count

    def tell(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(tell)
    try:
        work()
    finally:
        sys.setprofile(None)
        if collecting:
            gc.enable()
    return count


def test_too_many_speakers_or_turns_at_once_are_refused() -> None:
    data = copy.deepcopy(fixture())
    data["speakers"] = [dict(data["speakers"][0], label=f"S{k + 1}") for k in range(101)]
    with pytest.raises(NotAConversationError, match=r"speakers.*at most 100"):
        store.loads(json.dumps(data))
    data = fixture()
    data["turns"] = [dict(data["turns"][0], index=k) for k in range(101)]
    with pytest.raises(NotAConversationError, match=r"101 overlap at 0\.5 s; expected at most 100"):
        store.loads(json.dumps(data))


def test_more_turns_than_a_page_can_show_are_refused() -> None:
    data = fixture()
    data["turns"] = [
        dict(data["turns"][0], index=k, start_s=k / 10, end_s=k / 10 + 0.05, windows=[]) for k in range(50_001)
    ]
    with pytest.raises(NotAConversationError, match=r"turns.*at most 50000"):
        store.loads(json.dumps(data))


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        ([{"speaker": "S1", "language": "en", "source": "unknown", "probability": 0.5}], "no language exactly"),
        ([{"speaker": "S1", "language": None, "source": "given", "probability": None}], "no language exactly"),
        ([{"speaker": "S1", "language": "en", "source": "given", "probability": None}] * 2, "occurs twice"),
    ],
)
def test_a_language_of_words_is_there_once_and_exactly_if_it_is_known(
    languages: list[dict[str, Any]], message: str
) -> None:
    data = fixture()
    data["transcription"] = {
        "languages": languages, "dropped": [], "windows": 1, "speech_s": 1.0, "untold_s": 0.0,
        "compute_type": "int8", "processor": "x",
    }  # fmt: skip
    with pytest.raises(NotAConversationError, match=message):
        store.loads(json.dumps(data))
