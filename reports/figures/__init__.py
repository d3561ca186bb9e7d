"""Numbers -> plotly figures (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.records import Conversation
from reports.figures.plane import plane
from reports.figures.shares import shares, shares_over_time
from reports.figures.talk import talk
from reports.figures.timeline import timeline
from reports.figures.trajectory import trajectory
from reports.options import is_scored
from reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go


def make_figures(conversation: Conversation, words: Wording) -> dict[str, go.Figure]:
    """The figures of a page by name, in order; those of emotion are left out where nobody's was judged."""
    scored = is_scored(conversation)
    makers = {
        "timeline": timeline,
        **({"trajectory": trajectory, "plane": plane, "shares": shares, "course": shares_over_time} if scored else {}),
        "talk": talk,
    }
    return {name: make(conversation, words) for name, make in makers.items()}
