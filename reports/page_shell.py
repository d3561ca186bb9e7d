"""What every page is built from: templates, assets, and the hashes for its content security policy."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

_LEVEL = 10  # of 12; higher levels do not make the page smaller
_BIG, _BIG_LEVEL = 16_000_000, 9  # characters; a fifth of the time for a tenth more bytes


@cache
def template(name: str) -> Template:
    """Load a template of `templates/`; it escapes all values, and a missing value is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text_of_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _text_of_template(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text("utf-8")


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


def packed(text: str) -> str:
    """Pack text for the page's scripts: a quarter of its size, and nothing in it can be taken for a tag.

    Python's gzip would not do: it is built with zlib, zlib-ng or others, which give different bytes. deflate brings its
    own encoder (libdeflate), which gives the same bytes on all machines. Unpacked, an hour would be 7 MB instead of 3.
    """
    import deflate

    level = _LEVEL if len(text) < _BIG else _BIG_LEVEL
    return base64.b64encode(deflate.gzip_compress(text.encode(), level)).decode()


@cache
def packed_plotly() -> str:
    """plotly.js for the page's scripts, which unpack it when a figure comes near."""
    from plotly.offline import get_plotlyjs

    return packed(get_plotlyjs())


@cache
def map_styles() -> tuple[str, ...]:
    """Ids of the styles that plotly.js adds for its maps unless an element has that id; the page has no maps."""
    from plotly.offline import get_plotlyjs

    return tuple(re.findall(r'getElementById\("([0-9a-f]{64})"\)', get_plotlyjs()))
