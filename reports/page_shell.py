"""What every page is built from: templates, assets, and the hashes for its content security policy."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def template(name: str) -> Template:
    """Load a template of `templates/`; it escapes all values, and a missing value is an error."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((resources.files(__package__) / "templates" / name).read_text("utf-8"))


@cache
def asset(name: str) -> str:
    """Load a style or script of `assets/`."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


def csp_hash(text: str) -> str:
    """The hash of a script or style, as a content security policy writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def script_safe(text: str) -> str:
    """Escape JSON for a script element, so that users' text in it cannot end the element."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
