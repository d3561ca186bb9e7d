from typing import Literal

import pytest

from ressenti.pipeline.config import RoleOptions, load_config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Note
from ressenti.pipeline.roles import People, make_speakers, notes_of

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
    assert not_scored("mono", People(roles=("S2=client",)), CALLS) == ["unconfirmed", None]


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
    notes = notes_of(make_speakers(labels, "mono", people, CALLS), count)
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
    ("people", "options", "message"),
    [
        (People(names=("S9=Anna",)), NONE, "no speaker 'S9'; this recording has S1, S2"),
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
