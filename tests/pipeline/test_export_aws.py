"""The Call Analytics JSON against what AWS publishes of it, and read by AWS' own library and by DuckDB.

`SCHEMA` is written from the two pages that `ressenti.pipeline.export.call_analytics` names: every key of their complete examples
that we fill, as required, and none beside these and `Ressenti`. `COLUMNS` are types of the Glue table in which AWS'
solution "Discovering Hot Topics Using Machine Learning" puts such files (Apache-2.0, `metadata-table` in its source).
botocore reads turns and categories as the Contact Lens API returns them, whose description it carries.

No package reads the whole file: on PyPI and npm (looked through in November 2026), tscribe, aws-transcription-to-vtt,
aws-transcription-grouper and schema-norm read plain Transcribe jobs alone (`results.items`); mypy-boto3-, boto3-dataclass-
and aws-resource-validator-connect-contact-lens and @aws-sdk/client-connect-contact-lens are made of the description that
botocore carries, and the transcribe clients describe jobs, not their output.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.validate import ParamValidator

from ressenti.pipeline.export import aws
from ressenti.pipeline.records import Conversation, Levels, Sentiment

MILLIS = {"type": "integer", "minimum": 0}


def strict(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def by_participant(what: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": what}


def listed(what: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": what}


SPAN = {"BeginOffsetMillis": MILLIS, "EndOffsetMillis": MILLIS}
STRETCH = strict({**SPAN, "DurationMillis": MILLIS})
TEXT = {"type": "string"}
QUARTERS = by_participant(
    {**listed(strict({"Score": {"type": ["number", "null"]}, **SPAN})), "minItems": 4, "maxItems": 4}
)
SCORE = {"type": "number", "minimum": -5, "maximum": 5}
SCORED = strict({"Score": SCORE, **SPAN})
SCHEMA = strict(
    {
        "JobName": {"type": "string", "pattern": "^[0-9a-zA-Z._-]+$"},  # the pattern of StartCallAnalyticsJob
        "JobStatus": {"const": "COMPLETED"},
        "Channel": {"const": "VOICE"},
        "ContentMetadata": strict({"Output": {"enum": ["Raw", "Redacted"]}}),
        "Participants": listed(strict({"ParticipantId": TEXT, "ParticipantRole": TEXT})),
        "Categories": strict({"MatchedCategories": listed(TEXT), "MatchedDetails": {"type": "object"}}),
        "ConversationCharacteristics": strict(
            {
                "TotalConversationDurationMillis": MILLIS,
                "NonTalkTime": strict({"Instances": listed(STRETCH), "TotalTimeMillis": MILLIS}),
                "Interruptions": strict(
                    {
                        "TotalCount": MILLIS,
                        "TotalTimeMillis": MILLIS,
                        "InterruptionsByInterrupter": by_participant(listed(STRETCH)),
                    }
                ),
                "TalkTime": strict(
                    {
                        "DetailsByParticipant": by_participant(strict({"TotalTimeMillis": MILLIS})),
                        "TotalTimeMillis": MILLIS,
                    }
                ),
            },
            Sentiment=strict(
                {
                    "OverallSentiment": by_participant(SCORE),
                    "SentimentByPeriod": strict({"QUARTER": by_participant({**listed(SCORED), "maxItems": 4})}),
                }
            ),
            TalkSpeed=strict({"DetailsByParticipant": by_participant(strict({"AverageWordsPerMinute": MILLIS}))}),
        ),
        "Transcript": listed(
            strict(
                {
                    "Id": {"type": "string", "format": "uuid"},
                    "ParticipantId": TEXT,
                    "ParticipantRole": TEXT,
                    **SPAN,
                    "Content": TEXT,
                    "Items": listed(
                        strict({"Type": {"enum": ["pronunciation", "punctuation"]}, "Content": TEXT, **SPAN})
                    ),
                    "LoudnessScores": {**listed({"type": ["number", "null"], "minimum": 0}), "minItems": 1},
                    "Ressenti": {"type": "object"},
                },
                Redaction=strict({"RedactedTimestamps": listed(strict(SPAN))}),
                Sentiment={"enum": ["NEGATIVE", "NEUTRAL", "POSITIVE"]},
            )
        ),
        "Ressenti": {"type": "object", "properties": {"ValenceByPeriod": strict({"QUARTER": QUARTERS})}},
    }
)
INSTANCE = "STRUCT(BeginOffsetMillis BIGINT, DurationMillis BIGINT, EndOffsetMillis BIGINT)[]"
TALKED = "STRUCT(TotalTimeMillis BIGINT)"
COLUMNS = {
    "Channel": "VARCHAR",
    "JobName": "VARCHAR",
    "Categories": "STRUCT(MatchedCategories VARCHAR[])",
    "Participants": "STRUCT(ParticipantRole VARCHAR)[]",
    "ContentMetadata": 'STRUCT("Output" VARCHAR)',
    "ConversationCharacteristics": (
        f"STRUCT(NonTalkTime STRUCT(Instances {INSTANCE}, TotalTimeMillis BIGINT), "
        f"Interruptions STRUCT(TotalCount INTEGER, TotalTimeMillis BIGINT, InterruptionsByInterrupter STRUCT(AGENT {INSTANCE})), "
        "TotalConversationDurationMillis BIGINT, "
        "Sentiment STRUCT(OverallSentiment STRUCT(AGENT FLOAT, CUSTOMER FLOAT)), "
        "TalkSpeed STRUCT(DetailsByParticipant STRUCT(AGENT STRUCT(AverageWordsPerMinute INTEGER), "
        "CUSTOMER STRUCT(AverageWordsPerMinute INTEGER))), "
        f"TalkTime STRUCT(DetailsByParticipant STRUCT(AGENT {TALKED}, CUSTOMER {TALKED}), TotalTimeMillis BIGINT))"
    ),
    "Transcript": "STRUCT(Id VARCHAR, BeginOffsetMillis BIGINT, EndOffsetMillis BIGINT, Content VARCHAR, "
    "ParticipantRole VARCHAR, Sentiment VARCHAR, LoudnessScores DOUBLE[])[]",
}
ROLES = {"S1": "CUSTOMER", "S2": "AGENT", "S3": "S3", "S4": "S4"}


def loaded(conversation: Conversation) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(aws(conversation))
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    return data


def test_the_shape_is_that_of_the_published_examples(
    spoken: Conversation, unspoken: Conversation, empty: Conversation
) -> None:
    for conversation in (spoken, unspoken, empty):
        loaded(conversation)


def test_turns_are_those_of_the_conversation(spoken: Conversation) -> None:
    data = loaded(spoken)
    assert [(p["ParticipantId"], p["ParticipantRole"]) for p in data["Participants"]] == list(ROLES.items())
    for entry, turn in zip(data["Transcript"], spoken.turns, strict=True):
        own = [w for w in spoken.words if w.turn == turn.index and w.text.strip("\x07\u2028")]
        assert (entry["ParticipantId"], entry["ParticipantRole"]) == (turn.speaker, ROLES[turn.speaker])
        assert entry["BeginOffsetMillis"] == pytest.approx(turn.start_s * 1000, abs=0.5)
        assert entry["EndOffsetMillis"] == pytest.approx(turn.end_s * 1000, abs=0.5)
        assert [i["Content"] for i in entry["Items"]] == [" ".join(w.text.split()) for w in own]
        assert [i["BeginOffsetMillis"] for i in entry["Items"]] == [
            pytest.approx(w.start_s * 1000, abs=0.5) for w in own
        ]
        assert entry["Content"] == " ".join(i["Content"] for i in entry["Items"])
        assert "Sentiment" not in entry
    ids = [entry["Id"] for entry in data["Transcript"]]
    assert len(set(ids)) == len(ids)
    assert ids == [entry["Id"] for entry in loaded(spoken)["Transcript"]]
    assert "LanguageCode" not in data


def test_tone_and_corrections_are_in_the_extension_alone(spoken: Conversation) -> None:
    data = loaded(spoken)
    for entry, turn in zip(data["Transcript"], spoken.turns, strict=True):
        tone = entry["Ressenti"]
        place = spoken.place_of(turn)
        assert tone["Class"] == (turn.emotion.top if turn.emotion else None)
        assert tone["Unsure"] == (turn.unsure if turn.emotion else None)
        assert tone["NotJudged"] == turn.unjudged
        assert [tone["Valence"], tone["Arousal"]] == [pytest.approx(v, abs=1e-4) for v in place or (None, None)]
    corrected = data["Transcript"][5]["Ressenti"]
    assert corrected["Corrected"]
    assert (corrected["Class"], corrected["Activation"], corrected["Note"]) == ("Sad", "human", spoken.turns[5].note)
    assert (corrected["Original"]["ParticipantId"], corrected["Original"]["Class"]) == ("S2", "Tension")
    extension = data["Ressenti"]
    assert [p["Name"] for p in extension["Participants"]] == [s.name for s in spoken.speakers]
    assert [p["NotScored"] for p in extension["Participants"]] == [None, None, None, "restricted"]
    quarters = extension["ValenceByPeriod"]["QUARTER"]
    assert set(quarters) == {"CUSTOMER", "AGENT", "S3"}
    for speaker in spoken.speakers[:3]:
        assert speaker.affect
        own = quarters[ROLES[speaker.label]]
        assert [q["Score"] for q in own] == [pytest.approx(v, abs=1e-4) for v in speaker.affect.valence_quarters]
        assert all(a["EndOffsetMillis"] == b["BeginOffsetMillis"] for a, b in pairwise(own))
    assert quarters["AGENT"][0]["BeginOffsetMillis"] == 3235
    assert quarters["AGENT"][3]["EndOffsetMillis"] == 33250


def test_characteristics_are_those_of_the_conversation(spoken: Conversation) -> None:
    found = loaded(spoken)["ConversationCharacteristics"]
    assert spoken.exchange
    assert found["TotalConversationDurationMillis"] == 40_000
    assert found["NonTalkTime"]["TotalTimeMillis"] == pytest.approx(spoken.exchange.non_talk_s * 1000, abs=1)
    talk = {ROLES[s.label]: s.talk.talk_s for s in spoken.speakers if s.talk}
    assert {
        k: v["TotalTimeMillis"] / 1000 for k, v in found["TalkTime"]["DetailsByParticipant"].items()
    } == pytest.approx(talk, abs=5e-4)
    words = sum(w.turn in (0, 2, 5) for w in spoken.words)
    assert found["TalkSpeed"]["DetailsByParticipant"]["CUSTOMER"]["AverageWordsPerMinute"] == round(
        60 * words / talk["CUSTOMER"]
    )
    interruptions = spoken.exchange.interruptions
    assert interruptions
    by = found["Interruptions"]["InterruptionsByInterrupter"]
    assert found["Interruptions"]["TotalCount"] == len(interruptions) == sum(map(len, by.values()))
    for one in interruptions:
        begins = [entry["BeginOffsetMillis"] for entry in by[ROLES[one.by]]]
        assert round(one.time_s * 1000) in begins
    assert "Sentiment" not in found


def test_sentiment_of_words_is_where_aws_puts_it(spoken: Conversation, contact_lens: ServiceModel) -> None:
    says = {0: Sentiment(0.0, 0.2, 0.8, 3), 1: Sentiment(0.9, 0.1, 0.0, 4), 2: Sentiment(0.1, 0.5, 0.4, 9)}
    told = replace(spoken, turns=tuple(replace(t, sentiment=says.get(t.index)) for t in spoken.turns))
    data = loaded(told)
    assert [turn.get("Sentiment") for turn in data["Transcript"]][:4] == ["POSITIVE", "NEGATIVE", "NEUTRAL", None]
    found = data["ConversationCharacteristics"]["Sentiment"]
    who = {label: [says[t.index] for t in told.turns if t.speaker == label and t.index in says] for label in ROLES}
    assert found["OverallSentiment"] == {
        ROLES[label]: round(5 * sum(s.balance * s.words for s in own) / sum(s.words for s in own), 1)
        for label, own in who.items()
        if own
    }
    for own in found["SentimentByPeriod"]["QUARTER"].values():
        assert all(entry["BeginOffsetMillis"] < entry["EndOffsetMillis"] for entry in own)
        assert [entry["BeginOffsetMillis"] for entry in own] == sorted(entry["BeginOffsetMillis"] for entry in own)
    returned = contact_lens.operation_model("ListRealtimeContactAnalysisSegments").output_shape
    answer = {"Segments": [{"Transcript": turn} for turn in data["Transcript"]]}
    packed = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
    read = create_parser("rest-json").parse(packed, returned)["Segments"]
    assert [entry["Transcript"].get("Sentiment") for entry in read] == [t.get("Sentiment") for t in data["Transcript"]]


def test_silence_is_listed_from_three_seconds(make_spoken: Callable[..., Conversation]) -> None:
    conversation = make_spoken()
    found = loaded(replace(conversation, recording=replace(conversation.recording, duration_s=41.5)))
    (silence,) = found["ConversationCharacteristics"]["NonTalkTime"]["Instances"]
    assert silence == {"BeginOffsetMillis": 37_000, "DurationMillis": 4_500, "EndOffsetMillis": 41_500}


def test_words_alone_give_a_speed(unspoken: Conversation) -> None:
    data = loaded(unspoken)
    assert "TalkSpeed" not in data["ConversationCharacteristics"]
    assert {entry["Content"] for entry in data["Transcript"]} == {""}


def test_loudness_has_a_value_for_each_second_that_a_turn_touches(spoken: Conversation) -> None:
    data = loaded(spoken)
    first, last = data["Transcript"][0], data["Transcript"][7]
    assert first["LoudnessScores"] == [pytest.approx(90.309 - 60 + level, abs=0.01) for level in (9, 19, 29, 39)]
    assert last["LoudnessScores"] == [pytest.approx(90.309 - 60 + level, abs=0.01) for level in (49, 9)] + [None]
    assert [len(entry["LoudnessScores"]) for entry in data["Transcript"][1:3]] == [6, 21]
    assert data["Ressenti"]["LoudnessScale"]["LevelStepSeconds"] == 0.1
    coarse = loaded(replace(spoken, levels=Levels(3.0, (-10.0, -20.0, -100.0))))
    assert coarse["Transcript"][1]["LoudnessScores"] == [
        pytest.approx(70.31),
        pytest.approx(70.31),
        pytest.approx(70.31),
        0,
        0,
        0,
    ]
    none = loaded(replace(spoken, levels=None))
    assert none["Transcript"][0]["LoudnessScores"] == [None] * 4


def test_silenced_spans_are_marked(spoken: Conversation) -> None:
    data = loaded(spoken)
    assert data["ContentMetadata"]["Output"] == "Redacted"
    marked = {k: e["Redaction"]["RedactedTimestamps"] for k, e in enumerate(data["Transcript"]) if "Redaction" in e}
    assert marked == {
        4: [{"BeginOffsetMillis": 33_000, "EndOffsetMillis": 33_250}],
        7: [{"BeginOffsetMillis": 34_000, "EndOffsetMillis": 34_500}],
    }


def test_words_left_out_are_in_the_extension_alone(silenced: Conversation, unspoken: Conversation) -> None:
    data = loaded(silenced)
    texts = [entry["Content"] for entry in data["Transcript"]]
    assert (texts[0], texts[3]) == ("Bonjour, c’est", "no length")
    assert "[…]" not in json.dumps(data, ensure_ascii=False)
    marked = {
        k: e["Ressenti"]["WordsLeftOut"] for k, e in enumerate(data["Transcript"]) if e["Ressenti"]["WordsLeftOut"]
    }
    assert list(marked) == [0, 2, 3]
    assert marked[0] == [{"BeginOffsetMillis": 2200, "EndOffsetMillis": 2840}]
    told = data["Ressenti"]["Silenced"]
    assert [span["BeginOffsetMillis"] for span in told["Spans"]] == [2100, 14_500, 33_000, 37_600]
    assert len(told["WordsLeftOut"]) == 4
    assert loaded(replace(unspoken, bleeps=()))["Ressenti"]["Silenced"] == {"Spans": [], "WordsLeftOut": []}


@pytest.fixture(scope="module")
def contact_lens() -> ServiceModel:
    """The Contact Lens API as AWS describes it."""
    return ServiceModel(Loader().load_service_model("connect-contact-lens", "service-2"), "connect-contact-lens")


def test_aws_own_library_reads_turns_and_categories(spoken: Conversation, contact_lens: ServiceModel) -> None:
    data = loaded(spoken)
    returned = contact_lens.operation_model("ListRealtimeContactAnalysisSegments").output_shape
    segments = [{"Transcript": turn} for turn in data["Transcript"]] + [{"Categories": data["Categories"]}]
    answer = {"body": json.dumps({"Segments": segments}).encode(), "headers": {}, "status_code": 200}
    *turns, categories = create_parser("rest-json").parse(answer, returned)["Segments"]
    assert categories == {"Categories": {"MatchedCategories": [], "MatchedDetails": {}}}
    for found, turn in zip(turns, data["Transcript"], strict=True):
        kept = ("Id", "ParticipantId", "ParticipantRole", "Content", "BeginOffsetMillis", "EndOffsetMillis")
        assert found == {"Transcript": {key: turn[key] for key in kept}}


def test_turns_keep_the_rules_of_the_api_but_for_those_without_words(
    silenced: Conversation, contact_lens: ServiceModel
) -> None:
    shape = contact_lens.shape_for("Transcript")
    for turn in loaded(silenced)["Transcript"]:
        own = {key: value for key, value in turn.items() if key in shape.members}
        report = ParamValidator().validate(own, shape).generate_report()
        # the API has no turns without words; there is nothing else to put there
        assert report == (
            "" if turn["Content"] else "Invalid length for parameter Content, value: 0, valid min length: 1"
        )
    broken = {**loaded(silenced)["Transcript"][0], "BeginOffsetMillis": "480"}
    own = {key: value for key, value in broken.items() if key in shape.members and key != "Id"}
    report = ParamValidator().validate(own, shape).generate_report()
    assert "Missing required parameter" in report
    assert "Invalid type for parameter BeginOffsetMillis" in report


def test_two_of_one_role_go_by_their_labels(spoken: Conversation) -> None:
    both = tuple(replace(s, role="Client") for s in spoken.speakers[:2])
    data = loaded(replace(spoken, speakers=(*both, *spoken.speakers[2:])))
    assert [p["ParticipantRole"] for p in data["Participants"]] == ["S1", "S2", "S3", "S4"]


def test_duckdb_reads_it_with_the_types_of_aws_own_table(spoken: Conversation, tmp_path: Path) -> None:
    path = tmp_path / "call.aws.json"
    path.write_text(aws(spoken), encoding="utf-8")
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    with duckdb.connect() as base:
        base.execute(f"create table calls as select * from read_json('{path}', columns={{{columns}}})")  # noqa: S608
        agent, sentiment, speed = (
            base.execute(
                "select ConversationCharacteristics.TalkTime.DetailsByParticipant.AGENT.TotalTimeMillis, "
                "ConversationCharacteristics.Sentiment, "
                "ConversationCharacteristics.TalkSpeed.DetailsByParticipant.CUSTOMER.AverageWordsPerMinute from calls"
            ).fetchone()
            or (None,) * 3
        )
        turns = base.execute(
            "select t.BeginOffsetMillis, t.Content, len(t.LoudnessScores) from (select unnest(Transcript) as t from calls)"
        ).fetchall()
    talk = spoken.speaker("S2").talk
    assert talk
    assert agent == round(talk.talk_s * 1000)
    assert sentiment is None
    assert speed > 0
    assert [row[0] for row in turns] == [round(t.start_s * 1000) for t in spoken.turns]
    assert turns[5][1] == "taken by a person"
