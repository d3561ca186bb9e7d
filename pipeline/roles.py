"""Speakers' names and roles, and whose emotion may be computed (pure).

The rule is promise 5 of the product: where roles are named, the emotion of a restricted or unconfirmed role is never
computed without a reason that the user states and the report prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.config import RoleOptions
from pipeline.errors import ConfigError
from pipeline.records import Speaker


@dataclass(frozen=True)
class People:
    """What the user says of the speakers: by order (`Anna`) or by label (`S2=Anna`)."""

    names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    allow_restricted: str | None = None

    def __post_init__(self) -> None:
        if self.allow_restricted is not None and not self.allow_restricted.strip():
            raise ConfigError("--allow-restricted: got no reason; expected one that the report can print.")


def make_speakers(
    labels: Sequence[str], layout: Literal["mono", "split"], people: People, options: RoleOptions
) -> tuple[Speaker, ...]:
    """Speakers in the order of their labels, with names, roles and whether their emotion is computed.

    Roles by order are certain on split channels and a guess on mono; a role given by label (`S1=client`) is certain.
    Raises `ConfigError` for a label that is not there, and for a role in `emotion_for` that nobody could have.
    """
    names, _ = _by_label(people.names, labels, "--names")
    given, by_label = _by_label(people.roles, labels, "--roles")
    preset, _ = _by_label(options.order, labels, "roles.order") if not people.roles else ({}, set())
    roles = {**preset, **given}
    known = {*options.order, *given.values(), *options.restricted}
    if strange := [role for role in options.emotion_for if role not in known]:
        expected = ", ".join(sorted(known)) or "none: name roles with --roles or choose a preset that has them"
        raise ConfigError(f"--emotion-for: unknown role {strange[0]!r}; roles here are {expected}.")
    with_roles = bool(options.order or people.roles)
    speakers = []
    for label in labels:
        role = roles.get(label)
        source = None if role is None else ("named" if label in by_label else _source(layout))
        speaker = Speaker(label, names.get(label, ""), role, source)
        speakers.append(_restrict(speaker, with_roles, people, options))
    return tuple(speakers)


def _source(layout: Literal["mono", "split"]) -> Literal["channel", "guess"]:
    return "channel" if layout == "split" else "guess"


def _restrict(speaker: Speaker, with_roles: bool, people: People, options: RoleOptions) -> Speaker:
    if options.emotion_for and speaker.role not in options.emotion_for:
        return replace(speaker, not_scored="not_asked")
    if people.allow_restricted or not with_roles:
        return speaker
    if speaker.role in options.restricted:
        return replace(speaker, not_scored="restricted")
    if speaker.role is None or speaker.role_source == "guess":
        return replace(speaker, not_scored="unconfirmed")
    return speaker


def _by_label(given: Sequence[str], labels: Sequence[str], option: str) -> tuple[dict[str, str], set[str]]:
    """Values by label, and the labels that were named outright rather than reached by order."""
    values: dict[str, str] = {}
    outright: set[str] = set()
    for position, entry in enumerate(given):
        label, found, value = entry.partition("=")
        if found:
            if label.strip() not in labels:
                raise ConfigError(f"{option}: no speaker {label.strip()!r}; this recording has {', '.join(labels)}.")
            outright.add(label.strip())
            values[label.strip()] = value.strip()
        elif position < len(labels):
            values[labels[position]] = entry.strip()
    return values, outright
