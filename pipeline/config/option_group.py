"""Frozen groups of options, and plain messages for invalid ones."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from ressenti.pipeline.files.untrusted import short

_LONGEST = 60  # characters of a quoted value
_MOST = 10  # errors to report
_KINDS = {
    "bool": "true or false",
    "date": "a date",
    "dict": "values by name",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "options by name",
    "string": "text",
    "tuple": "a list",
}
_LIMITS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


class Group(BaseModel):
    """Options that belong together; unknown keys and NaN are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def misfits(error: ValidationError, group: type[Group]) -> str:
    """Message for a validation error: for each field its path, what was got and what was expected."""
    problems = error.errors()
    messages = [
        f"{short('.'.join(map(str, problem['loc'])), 200)}: {_message(problem, group)}"
        if problem["loc"]
        else _message(problem, group)
        for problem in problems[:_MOST]
    ]
    more = [f"and {len(problems) - _MOST} more"] if len(problems) > _MOST else []
    return "; ".join([*messages, *more])


def _message(problem: Any, group: type[Group]) -> str:
    kind, about = str(problem["type"]), problem.get("ctx") or {}
    if kind == "extra_forbidden":
        return _unknown(problem["loc"], group)
    if kind == "value_error":
        return str(about.get("error", problem["msg"]))
    if kind == "missing":
        return "missing; it has no default"
    got = f"got {short(reprlib.repr(problem['input']), _LONGEST)}, expected"
    if kind in ("literal_error", "enum"):
        return f"{got} {about['expected']}"
    if kind in ("too_short", "too_long"):
        limit = f"at least {about['min_length']}" if kind == "too_short" else f"at most {about['max_length']}"
        return f"{got} {limit} entries, not {about['actual_length']}"
    if kind in ("string_too_short", "string_too_long"):
        limit = f"at least {about['min_length']}" if kind == "string_too_short" else f"at most {about['max_length']}"
        return f"{got} text of {limit} character{'' if limit.endswith(' 1') else 's'}"
    if kind == "finite_number":
        return f"{got} a finite number"
    if limits := [f"{words} {about[key]:g}" for key, words in _LIMITS.items() if key in about]:
        return f"{got} {limits[0]}"
    if expected := _KINDS.get(kind.split("_", maxsplit=1)[0]):
        return f"{got} {expected}"
    return f"{got} another value ({problem['msg']})"


def _unknown(place: Sequence[int | str], group: type[Group]) -> str:
    """Message for an unknown option, with the likely or possible ones."""
    names = list(_names(place[:-1], group))
    near = get_close_matches(str(place[-1]), names, n=1)
    return f"unknown option, did you mean {near[0]}?" if near else f"unknown option; expected {', '.join(names)}"


def _names(place: Sequence[int | str], group: type[Group]) -> Sequence[str]:
    """Option names of the group at a path inside another."""
    at: Any = group
    for key in place:
        at = at.model_fields[key].annotation if _is_group(at) else _group_in(at)
    found = _group_in(at)
    return tuple(found.model_fields) if found else ()


def _group_in(kind: Any) -> Any:
    """The group in a type such as `dict[str, Group]`, or None."""
    if _is_group(kind):
        return kind
    return next((found for part in get_args(kind) if (found := _group_in(part))), None)


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Group)
