from typing import Literal

import pytest

from ressenti.pipeline.config import RoleOptions, load_config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Note
from ressenti.pipeline.roles import People, make_speakers, notes_of, unused_names

LABELS = ("S1", "S2")
NONE = RoleOptions()
CALLS = load_config("call-center").roles


def not_scored(layout: str, people: People, options: RoleOptions) -> list[str | None]:
    return [s.not_scored for s in make_speakers(LABELS, layout, people, options)]  # type: ignore[arg-type]


def test_without_roles_everybody_is_scored() -> None:
    assert not_scored("mono", People(), NONE) == [None, None]


def test_on_channels_the_agent_is_not_scored() -> None:
    speakers = make_speakers(LABELS, "split", People(), CALLS)
    assert [(s.role, s.role_source, s.not_scored) for s in speakers] == [
        ("agent", "channel", "restricted"),
        ("client", "channel", None),
    ]


def test_on_mono_roles_are_guesses_and_nobody_is_scored() -> None:
    speakers = make_speakers(LABELS, "mono", People(), CALLS)
    assert [(s.role_source, s.not_scored) for s in speakers] == [("guess", "restricted"), ("guess", "unconfirmed")]


def test_a_role_named_by_label_is_certain() -> None:
    assert not_scored("mono", People(roles=("S1=client", "S2=agent")), CALLS) == [None, "restricted"]
    assert not_scored("mono", People(roles=("S2=client",)), CALLS) == ["restricted", None]


def test_roles_by_order_remain_a_guess_on_mono() -> None:
    assert not_scored("mono", People(roles=("client", "agent")), NONE) == ["unconfirmed", "restricted"]
    assert not_scored("split", People(roles=("client", "agent")), NONE) == [None, "restricted"]


@pytest.mark.parametrize("preset", ["call-center", "interview", "recruitment"])
def test_a_reason_opens_every_role(preset: str) -> None:
    assert not_scored("mono", People(allow_restricted="safety study"), load_config(preset).roles) == [None, None]


@pytest.mark.parametrize(
    "role",
    [
        "Agent",
        "AGENTS",
        " agent ",
        "call-center agent",
        "Employee 2",
        "candidate",
        "Candidat",
        "recruteur",
        "Employé",
        "employe",
        "Teacher",
        "math teacher",
        "students",
        "Pupil",
        "élève",
        "Eleve 3",
        "ÉTUDIANTE",
        "professeure",
        "conseiller",
        "chargé de clientèle",
        "téléconseillère",
        "Opérateur",
        "sales representative",
        "apprentie",
    ],
)
def test_a_restricted_role_is_known_however_it_is_written(role: str) -> None:
    assert not_scored("split", People(roles=(f"S1={role}", "S2=client")), NONE) == ["restricted", None]


@pytest.mark.parametrize(
    "role", ["agnet", "Sachbearbeiter", "réceptionniste", "A", "service client", "client services", "2"]
)
def test_a_role_that_is_not_known_is_not_scored_unless_it_is_asked_for(role: str) -> None:
    people = People(roles=(f"S1={role}", "S2=intervieweur"))
    assert not_scored("split", people, NONE) == ["unknown_role", None]
    assert not_scored("split", people, RoleOptions(emotion_for=(role,))) == [None, "not_asked"]
    allowed = People(roles=(f"S1={role}", "S2=client"), allow_restricted="quality")
    assert not_scored("split", allowed, NONE) == [None, None]


def test_a_config_can_restrict_more_but_not_less() -> None:
    assert not_scored("split", People(roles=("patient", "nurse")), RoleOptions(also_restricted=("Nurse",))) == [
        None,
        "restricted",
    ]
    with pytest.raises(ConfigError, match="restricted"):
        load_config("call-center", {"roles": {"restricted": []}})


def test_recruitment_scores_nobody() -> None:
    assert not_scored("split", People(), load_config("recruitment").roles) == ["restricted", "restricted"]


def test_more_speakers_than_roles_are_not_scored() -> None:
    speakers = make_speakers(("S1", "S2", "S3"), "split", People(), CALLS)
    assert speakers[2].not_scored == "unconfirmed"


SHARED = {"S1": 1, "S2": 2, "S3": 1}
"""A call that was transferred: two agents on the first channel."""


def test_a_further_voice_of_a_channel_has_no_role_of_a_preset_and_is_not_scored() -> None:
    for order in (("agent", "client"), ("agent", "client", "client")):  # the preset's roles are for channels
        speakers = make_speakers((*LABELS, "S3"), "split", People(), RoleOptions(order=order), SHARED)
        assert [(s.role, s.role_source, s.not_scored) for s in speakers] == [
            ("agent", "guess", "restricted"),
            ("client", "channel", None),
            (None, None, "unconfirmed"),
        ]


def test_no_role_is_certain_on_a_channel_of_several_voices() -> None:
    clients = {"S1": 1, "S2": 2, "S3": 2}
    speakers = make_speakers((*LABELS, "S3"), "split", People(), CALLS, clients)
    assert [(s.role, s.not_scored) for s in speakers] == [
        ("agent", "restricted"),
        ("client", "unconfirmed"),  # whose voice is it: the client's, or that of a colleague?
        (None, "unconfirmed"),
    ]
    by_order = make_speakers((*LABELS, "S3"), "split", People(roles=("agent", "client", "client")), NONE, SHARED)
    assert [s.not_scored for s in by_order] == ["restricted", None, "unconfirmed"]
    named = make_speakers((*LABELS, "S3"), "split", People(roles=("S1=agent", "S2=client", "S3=client")), NONE, SHARED)
    assert [s.not_scored for s in named] == ["restricted", None, None]


def test_a_further_voice_is_scored_where_nobody_has_a_role_or_a_reason_is_given() -> None:
    labels = (*LABELS, "S3")
    assert [s.not_scored for s in make_speakers(labels, "split", People(), NONE, SHARED)] == [None] * 3
    asked = RoleOptions(order=CALLS.order, emotion_for=("client",))
    assert [s.not_scored for s in make_speakers(labels, "split", People(), asked, SHARED)] == [
        "not_asked",
        None,
        "not_asked",
    ]
    allowed = People(allow_restricted="safety study")
    assert [s.not_scored for s in make_speakers(labels, "split", allowed, CALLS, SHARED)] == [None] * 3


def test_a_voice_beyond_the_roles_of_channels_is_no_mistake_of_the_count() -> None:
    speakers = make_speakers((*LABELS, "S3"), "split", People(), CALLS, SHARED)
    assert notes_of(speakers, "estimated", "split") == ()


@pytest.mark.parametrize(
    ("labels", "count", "people", "noted"),
    [
        (("S1", "S2", "S3"), "estimated", People(), True),
        (("S1", "S2"), "estimated", People(), False),
        (("S1", "S2", "S3"), "given", People(), False),  # whoever says three needs no advice
        (("S1", "S2", "S3"), "estimated", People(roles=("S2=client",)), False),  # one role says nothing of the others
    ],
)
def test_more_estimated_speakers_than_roles_are_noted(
    labels: tuple[str, ...], count: Literal["given", "estimated"], people: People, noted: bool
) -> None:
    notes = notes_of(make_speakers(labels, "mono", people, CALLS), count, given=people.roles)
    assert notes == ((Note("more_than_roles", {"found": 3, "roles": 2}),) if noted else ())


@pytest.mark.parametrize("preset", ["call-center", "interview", "recruitment"])
def test_a_preset_of_two_roles_asks_for_two_speakers(preset: str) -> None:
    config = load_config(preset)
    assert config.diarization.speakers == len(config.roles.order) == 2


def test_emotion_for_narrows() -> None:
    interview = load_config("interview", {"roles": {"emotion_for": ["participant"]}}).roles
    assert not_scored("split", People(), interview) == ["not_asked", None]
    agents = load_config("call-center", {"roles": {"emotion_for": ["agent"]}}).roles
    assert not_scored("split", People(), agents) == ["restricted", "not_asked"]
    assert not_scored("split", People(allow_restricted="safety"), agents) == [None, "not_asked"]


def test_names_by_order_and_by_label() -> None:
    speakers = make_speakers(LABELS, "mono", People(names=("Anna", "Ben")), NONE)
    assert [s.name for s in speakers] == ["Anna", "Ben"]
    speakers = make_speakers(LABELS, "mono", People(names=("S2=Ben",)), NONE)
    assert [s.name for s in speakers] == ["", "Ben"]


@pytest.mark.parametrize(
    ("names", "used", "unused"),
    [
        (("Anna", "Ben", "Carl"), ["Anna", "Ben"], ("Carl",)),
        (("S9=Carl", "S2=Ben"), ["", "Ben"], ("S9=Carl",)),
        (("S2=Ben",), ["", "Ben"], ()),
        ((), ["", ""], ()),
    ],
)
def test_names_for_speakers_that_are_not_there(
    names: tuple[str, ...], used: list[str], unused: tuple[str, ...]
) -> None:
    assert [s.name for s in make_speakers(LABELS, "mono", People(names=names), NONE)] == used
    assert unused_names(names, LABELS) == unused


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("S2=client",), ["agent", "client", None]),
        (("S1=client",), ["client", "agent", None]),
        (("S1=Client",), ["Client", "agent", None]),
        (("S2=agent",), ["client", "agent", None]),
        (("S1=supervisor",), ["supervisor", "client", None]),
        (("S3=client",), ["agent", None, "client"]),
        (("client",), ["client", "agent", None]),
        (("client", "agent"), ["client", "agent", None]),
    ],
)
def test_one_role_keeps_those_of_the_preset(given: tuple[str, ...], expected: list[str | None]) -> None:
    made = make_speakers((*LABELS, "S3"), "mono", People(roles=given), CALLS)
    assert [s.role for s in made] == expected
    assert {s.role_source for s in made if s.role} <= {"named", "guess"}


@pytest.mark.parametrize(
    ("people", "options", "message"),
    [
        (People(roles=("S9=agent",)), NONE, "no speaker 'S9'; this recording has S1, S2"),
        (People(roles=("S2=agent", "client")), CALLS, "all by order"),
        (People(roles=("S1=agent", "S1=client")), CALLS, "one value for S1"),
        (People(roles=("S1=",)), CALLS, "one value for S1"),
        (People(), RoleOptions(emotion_for=("doctor",)), "unknown role 'doctor'"),
    ],
)
def test_what_does_not_fit_is_refused(people: People, options: RoleOptions, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_speakers(LABELS, "mono", people, options)


def test_an_empty_reason_is_none() -> None:
    with pytest.raises(ConfigError, match="no reason"):
        People(allow_restricted="  ")
