"""What every page is made with: its template, what goes inside it, and the hashes by which its policy allows that."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


def template(name: str) -> Template:
    """A template of `templates/`; whatever it is given is escaped, and nothing may be missing."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((resources.files(__package__) / "templates" / name).read_text("utf-8"))


def asset(name: str) -> str:
    """A style or script of `assets/`."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


def csp_hash(text: str) -> str:
    """A script or style as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def script_safe(text: str) -> str:
    """JSON that can stand inside a script element whatever users wrote in it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
