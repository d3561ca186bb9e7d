"""Numbers -> plotly figures (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ressenti.pipeline.records import Conversation
from ressenti.reports.figures.plane import plane
from ressenti.reports.figures.shares import shares, shares_over_time
from ressenti.reports.figures.talk import talk
from ressenti.reports.figures.timeline import timeline
from ressenti.reports.figures.trajectory import trajectory
from ressenti.reports.page_options import is_scored
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go


def make_figures(conversation: Conversation, words: Wording) -> dict[str, go.Figure]:
    """The figures of a page by name, in order; without those of emotion if none was judged."""
    scored = is_scored(conversation)
    makers = {
        "timeline": timeline,
        **({"trajectory": trajectory, "plane": plane, "shares": shares, "course": shares_over_time} if scored else {}),
        "talk": talk,
    }
    return {name: make(conversation, words) for name, make in makers.items()}
