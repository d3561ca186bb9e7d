"""Summary and figures -> one self-contained HTML string."""

from __future__ import annotations

import json

from pipeline.records import CLASSES, Conversation
from reports.document import asset, csp_hash, script_safe, template
from reports.figures import make_figures
from reports.summary import options_of, summarise
from reports.wording import Lang, Wording


def render(conversation: Conversation, lang: Lang | None = None, *, sound: bytes | str | None = None) -> str:
    """The page of one conversation, in the language asked for or else the conversation's own.

    One HTML document that makes no request: style, script, plotly.js and data are inside it, and its content
    security policy allows nothing else. Same conversation, same bytes.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    words = Wording(lang or options_of(conversation, "report")["lang"])
    figures = {name: figure.to_plotly_json() for name, figure in make_figures(conversation, words).items()}
    smoothing = words.exact(options_of(conversation, "trajectory")["smoothing_s"])
    scripts = [get_plotlyjs(), asset("page.js")]
    style = asset("page.css")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(csp_hash(script) for script in scripts)}",
            "style-src 'unsafe-inline'",  # plotly.js sets styles on its elements
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return template("page.html").render(
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
        data=Markup(script_safe(json.dumps(figures, ensure_ascii=False, default=list))),  # noqa: S704  # escaped for scripts
    )
