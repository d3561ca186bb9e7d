"""Speakers' names and roles, and whose emotion may be computed (pure).

The rule is promise 5 of the product: if speakers have roles, the emotion of a restricted or unconfirmed role is never
computed without a reason that the user states and the report prints. An unknown role is not scored either, unless
`emotion_for` names it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ressenti.pipeline.config import Config, RoleOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Note, Speaker, SpeakerFound, Use
from ressenti.pipeline.text import plain

RESTRICTED = (
    *("agent", "employee", "candidat", "recruiter", "employé", "salarié", "recruteur"),
    *("teacher", "lecturer", "professor", "student", "pupil"),
    *("enseignant", "professeur", "instituteur", "institutrice", "élève", "étudiant"),
    *("advis", "operator", "representative", "staff", "worker", "colleague", "manager", "superv", "technician"),
    *("conseill", "téléconseill", "opérat", "téléopérat", "collaborat", "collègue", "responsable", "technicien"),
    *("vendeu", "salesperson", "seller", "applicant", "postulant", "trainee", "stagiaire", "apprent", "apprenant"),
    *("tutor", "tuteur", "tutrice", "learner", "clientèle"),
)
"""Beginnings of words for restricted roles, in English and French; case and accents are ignored.

Regulation (EU) 2024/1689, art. 5(1)(f), prohibits inferring emotions from a voice at work and in education.
"""


KNOWN = (
    *("client", "customer", "caller", "consumer", "prospect", "buyer", "subscriber", "patient", "participant", "user"),
    *("interview", "respondent", "guest", "host", "moderator", "visitor", "citizen", "speaker", "researcher"),
    *("appelant", "consommat", "acheteu", "abonné", "usager", "utilisat", "répondant", "invité", "hôte", "enquêt"),
    *("modérat", "animat", "visiteu", "citoyen", "locut", "cherch"),
)
"""Beginnings of words for roles that may be scored; the law may protect any other role."""

OF_BUSINESS = (
    *("agent", "advis", "operator", "representative", "salesperson", "seller"),
    *("conseill", "téléconseill", "opérat", "téléopérat", "vendeu"),
    *("client", "customer", "caller", "consumer", "prospect", "buyer", "subscriber"),
    *("appelant", "consommat", "acheteu", "abonné"),
)
"""Beginnings of words for agents and clients: who has these roles is in somebody's business."""

RoleSource = Literal["channel", "named", "guess"]


@dataclass(frozen=True)
class People:
    """Names and roles given by the user: by order (`Anna`) or by label (`S2=Anna`)."""

    names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    allow_restricted: str | None = None

    def __post_init__(self) -> None:
        if self.allow_restricted is not None and not self.allow_restricted.strip():
            raise ConfigError("--allow-restricted: got no reason; expected one for the report to print.")


def use_of(config: Config, people: People) -> Use | None:
    """What the results are for: as configured, else commercial if anybody is named an agent or a client, else None."""
    if config.use:
        return config.use
    named = people.roles or config.roles.order
    return "commercial" if any(_begins(role.rpartition("=")[2], OF_BUSINESS) for role in named) else None


def make_speakers(
    labels: Sequence[str],
    layout: Literal["mono", "split"],
    people: People,
    options: RoleOptions,
    channels: Mapping[str, int] | None = None,
) -> tuple[Speaker, ...]:
    """Make speakers in the order of their labels, with names, roles and whether their emotion is computed.

    Roles by order are certain on split channels and a guess on mono; a role by label (`S1=client`) is certain.
    `channels` say who shares a channel: a preset's roles are for the first speaker of each, and roles by order are a
    guess for all who share one, since the channel does not tell them apart. Speakers without a given role keep the
    preset's. Names for speakers that are not there are left out (`unused_names`).
    Raises `ConfigError` for an unknown label of a role, and for a role in `emotion_for` that is not in use.
    """
    on = {label: (channels or {}).get(label, label) for label in labels}
    sharing = Counter(on.values())
    firsts = [label for k, label in enumerate(labels) if on[label] not in [on[other] for other in labels[:k]]]
    unused = unused_names(people.names, labels)
    names, _ = _by_label([name for name in people.names if name not in unused], labels, "--names")
    given, by_label = _by_label(people.roles, labels, "--roles")
    roles = {**_of_preset(options.order, firsts, given), **given}
    known = {role.casefold() for role in (*options.order, *given.values())}
    if strange := [role for role in options.emotion_for if role.casefold() not in known]:
        expected = ", ".join(sorted(known)) or "none: name them with --roles, or choose a preset that has roles"
        raise ConfigError(f"--emotion-for: unknown role {strange[0]!r}; roles here are {expected}.")
    with_roles = bool(options.order or people.roles)
    speakers = []
    for label in labels:
        role = roles.get(label)
        certain = layout == "split" and sharing[on[label]] == 1
        source: RoleSource | None = "named" if label in by_label else "channel" if certain else "guess"
        source = source if role is not None else None
        speaker = Speaker(label, names.get(label, ""), role, source)
        speakers.append(_restrict(speaker, people, options, with_roles=with_roles))
    return tuple(speakers)


def unused_names(given: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """Names that are given for speakers that are not there: by an unknown label, or more names than speakers."""
    if any("=" in name for name in given):
        return tuple(name for name in given if "=" in name and name.partition("=")[0].strip() not in labels)
    return tuple(given[len(labels) :])


def _of_preset(order: Sequence[str], firsts: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """A preset's roles for speakers without a given one: that of their place, or else one that nobody has."""
    left = list(order)
    for role in given.values():
        same = next((one for one in left if one.casefold() == role.casefold()), None)
        if same is not None:
            left.remove(same)
    roles: dict[str, str] = {}
    places = [(label, role) for label, role in zip(firsts, order, strict=False) if label not in given]
    for label, role in places:
        if role in left:
            roles[label] = role
            left.remove(role)
    waiting = [label for label, _ in places if label not in roles]
    return roles | dict(zip(waiting, left, strict=False))


def roles_by_label(given: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """Roles of speakers, given by order or by label; raises `ConfigError` for an unknown label."""
    return _by_label(given, labels, "--roles")[0]


def newcomer(label: str, known: Sequence[Speaker], allow_restricted: str | None, options: RoleOptions) -> Speaker:
    """A speaker added by a person, without a role: not scored if the others have roles."""
    with_roles = bool(options.order) or any(speaker.role for speaker in known)
    return _restrict(Speaker(label, ""), People(allow_restricted=allow_restricted), options, with_roles=with_roles)


def guessed_again(
    speakers: tuple[Speaker, ...], allow_restricted: str | None, options: RoleOptions
) -> tuple[Speaker, ...]:
    """Give the roles that were guessed by order of first speech to the people who are left, in their order.

    For speakers of whom a person said that they are announcements; `found` keeps what each had before.
    """
    roles = [
        (speaker.found or speaker).role
        for speaker in speakers
        if (speaker.found or speaker).role_source == "guess"
    ]  # fmt: skip
    out = []
    waiting = iter(roles)
    for speaker in speakers:
        if not roles or not speaker.is_person or speaker.role_source not in ("guess", None) or _was_announced(speaker):
            out.append(speaker)
            continue
        role = next(waiting, None)
        now = _restrict(
            replace(speaker, role=role, role_source=None if role is None else "guess", not_scored=None),
            People(allow_restricted=allow_restricted),
            options,
            with_roles=True,
        )
        found = SpeakerFound(speaker.kind, speaker.role, speaker.role_source, speaker.not_scored)
        out.append(speaker if now == speaker else replace(now, found=speaker.found or found))
    return tuple(out)


def with_given_roles(
    speakers: tuple[Speaker, ...],
    given: Mapping[str, str | None],
    allow_restricted: str | None,
    options: RoleOptions,
) -> tuple[Speaker, ...]:
    """Give people the roles that a person gave them later, as by label; `found` keeps what each had before.

    The rule is that of `make_speakers`: once somebody has a role, whoever has none is not scored.
    """
    named = tuple(
        replace(s, role=given[s.label], role_source="named" if given[s.label] is not None else None)
        if s.label in given and s.is_person
        else s
        for s in speakers
    )
    with_roles = bool(options.order) or any(speaker.role is not None for speaker in named)
    out = []
    for before, speaker in zip(speakers, named, strict=True):
        now = speaker
        if speaker.is_person and (speaker != before or (speaker.role is None and speaker.not_scored is None)):
            people = People(allow_restricted=allow_restricted)
            now = _restrict(replace(speaker, not_scored=None), people, options, with_roles=with_roles)
        found = SpeakerFound(before.kind, before.role, before.role_source, before.not_scored)
        out.append(before if now == before else replace(now, found=before.found or found))
    return tuple(out)


def _was_announced(speaker: Speaker) -> bool:
    return speaker.found is not None and speaker.found.kind == "announcement"


def notes_of(
    speakers: Sequence[Speaker],
    count: Literal["given", "channels", "estimated"],
    layout: Literal["mono", "split"] = "mono",
    given: Sequence[str] = (),
) -> tuple[Note, ...]:
    """A note if the estimated number of speakers on one channel exceeds the number of roles.

    Whoever gives one role says nothing of the others.
    """
    with_role = len(given) or sum(speaker.role is not None for speaker in speakers)
    if layout == "split" or count != "estimated" or not 2 <= with_role < len(speakers):
        return ()
    return (Note("more_than_roles", {"found": len(speakers), "roles": with_role}),)


def is_restricted(role: str, options: RoleOptions) -> bool:
    """Whether a word of the role begins like a restricted one; such a role is not scored without a reason."""
    return _begins(role, (*RESTRICTED, *options.also_restricted))


def _is_known(role: str) -> bool:
    """Whether every word of a role except numbers begins like a known one: `client 2`, but not `service client`."""
    words = [word for word in re.split(r"\W+", role) if word and not word.isdigit()]
    return bool(words) and all(_begins(word, KNOWN) for word in words)


def _begins(role: str, beginnings: Sequence[str]) -> bool:
    """Whether a role, or a word of it, begins like one of these."""
    bare, found = plain(role), tuple(map(plain, beginnings))
    return bare.startswith(found) or any(word.startswith(found) for word in re.split(r"\W+", bare))


def _restrict(speaker: Speaker, people: People, options: RoleOptions, *, with_roles: bool) -> Speaker:
    asked = {role.casefold() for role in options.emotion_for}
    if asked and (speaker.role or "").casefold() not in asked:
        return replace(speaker, not_scored="not_asked")
    if people.allow_restricted or not with_roles:
        return speaker
    if speaker.role is None:
        return replace(speaker, not_scored="unconfirmed")
    if is_restricted(speaker.role, options):
        return replace(speaker, not_scored="restricted")
    if not asked and not _is_known(speaker.role):  # naming a role in emotion_for confirms it
        return replace(speaker, not_scored="unknown_role")
    return replace(speaker, not_scored="unconfirmed") if speaker.role_source == "guess" else speaker


def _by_label(given: Sequence[str], labels: Sequence[str], option: str) -> tuple[dict[str, str], set[str]]:
    """Values by label, and the labels that were given explicitly rather than by order.

    All are by order or all by label, because a mixture could silently give a speaker two values. Raises `ConfigError`.
    """
    pairs = [entry.partition("=") for entry in given]
    by_label = [bool(found) for _, found, _ in pairs]
    if any(by_label) and not all(by_label):
        raise ConfigError(f"{option}: got {', '.join(given)}; expected all by order (a,b) or all by label (S1=a,S2=b).")
    if not any(by_label):
        return {label: entry.strip() for label, entry in zip(labels, given, strict=False)}, set()
    values: dict[str, str] = {}
    for label, _, value in ((label.strip(), found, value.strip()) for label, found, value in pairs):
        if label not in labels:
            raise ConfigError(f"{option}: no speaker {label!r}; this recording has {', '.join(labels)}.")
        if not value or label in values:
            raise ConfigError(f"{option}: expected one value for {label}, got {', '.join(given)}.")
        values[label] = value
    return values, set(values)
