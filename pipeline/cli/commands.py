"""Command groups that refuse a repeated option, whose first value would be lost silently."""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperGroup

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.text import visible


class Commands(TyperGroup):
    """A group whose commands take each option once, unless it may be repeated."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; its error messages show control characters as codes."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if hasattr(error, "show") and isinstance(message := getattr(error, "message", None), str):
                error.message = visible(message)  # type: ignore[attr-defined]  # an error of click
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command and its arguments; raises `ConfigError` for a repeated option."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, TyperGroup):
            _refuse_repeats(command, ctx, rest)
        return name, command, rest


def _refuse_repeats(command: Any, ctx: Any, args: list[str]) -> None:
    try:
        own = command.context_class(command, info_name=command.name, parent=ctx, resilient_parsing=True)
        *_, order = command.make_parser(own).parse_args(args=list(args))
    except Exception:  # noqa: BLE001  # the command reports what it does not understand
        return
    for param, times in Counter(p for p in order if p.param_type_name == "option").items():
        if times > 1 and not (param.multiple or param.is_flag or param.count):
            raise ConfigError(
                f"{param.opts[0]}: given {times} times; expected once. "
                + ("A file may begin with `preset: NAME` and change it." if param.name == "config" else "Keep one.")
            )
