"""Summary and figures -> one self-contained HTML string."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources

from pipeline.records import CLASSES, Conversation
from reports.figures import make_figures
from reports.summary import options_of, summarise
from reports.wording import Lang, Wording


def render(conversation: Conversation, lang: Lang | None = None) -> str:
    """The page of one conversation, in the language asked for or else the conversation's own.

    One HTML document that makes no request: style, script, plotly.js and data are inside it, and its content
    security policy allows nothing else. Same conversation, same bytes.
    """
    import jinja2
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    words = Wording(lang or options_of(conversation, "report")["lang"])
    figures = {name: figure.to_plotly_json() for name, figure in make_figures(conversation, words).items()}
    smoothing = words.exact(options_of(conversation, "trajectory")["smoothing_s"])
    scripts = [get_plotlyjs(), _asset("page.js")]
    style = _asset("page.css")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(_csp_hash(script) for script in scripts)}",
            "style-src 'unsafe-inline'",  # plotly.js sets styles on its elements
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((resources.files(__package__) / "templates" / "page.html").read_text("utf-8"))
    return template.render(
        words=words,
        page=summarise(conversation, words),
        helps={
            "timeline": words("timeline_help" if "plane" in figures else "timeline_plain_help"),
            "trajectory": words("trajectory_help", smoothing=smoothing),
            "plane": words("plane_help"),
            "shares": words("shares_help", limit=words.percent(options_of(conversation, "emotion")["unsure_below"])),
        },
        figures=[name for name in ("trajectory", "plane", "shares") if name in figures],
        classes=CLASSES,
        policy=policy,
        style=Markup(style),  # noqa: S704  # ours
        scripts=[Markup(script) for script in scripts],  # noqa: S704  # ours and plotly's
        data=Markup(_script_safe(json.dumps(figures, ensure_ascii=False, default=list))),  # noqa: S704  # escaped for scripts
    )


def _asset(name: str) -> str:
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _csp_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _script_safe(text: str) -> str:
    """JSON that can stand inside a script element whatever users wrote in it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
