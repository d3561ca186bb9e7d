"""Summary and figures -> one self-contained HTML string."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from ressenti.pipeline.garbage_collection import uncollected
from ressenti.pipeline.language import FORMATS, Lang
from ressenti.pipeline.records import CLASSES, RECOGNISED_S, Conversation
from ressenti.pipeline.records.call_metadata import CALL_METADATA
from ressenti.pipeline.text import visible
from ressenti.reports.editing import LIMITS, editing_data, found_speaker
from ressenti.reports.emotion_model import turns_by_person
from ressenti.reports.figures import make_figures
from ressenti.reports.figures.style import DARK_OF, SPEAKER_COLOURS, speaker_style
from ressenti.reports.page_options import is_long, options_of, valence_tells
from ressenti.reports.page_shell import asset, csp_hash, map_styles, packed, packed_plotly, template
from ressenti.reports.safe_text import as_seen
from ressenti.reports.summary import summarise
from ressenti.reports.tables import make_tables
from ressenti.reports.turns import Said, turn_data
from ressenti.reports.wording import Wording

APPLY = "ressenti apply FOLDER"
# in order: all build on the first, strip and figures on the view, the player on the strip, points on figures, and what
# may be told of a speaker on the edits
SCRIPTS = (
    *("base.js", "view.js", "strip.js", "player.js", "edits.js", "tone.js", "figures.js", "points.js", "turns.js"),
    *("recount.js", "corrections.js", "corrections_file.js", "links.js"),
)


@uncollected()
def render(
    conversation: Conversation,
    lang: Lang | None = None,
    *,
    sound: bytes | str | None = None,
    metadata: Sequence[tuple[str, str]] = (),
) -> str:
    """The page of one conversation, in `lang` or else the conversation's language.

    `sound` is what the page plays: an MP3 to embed, the name of an MP3 beside it, or None. `metadata` are names and
    values of what a library knows of the conversation. The page is one HTML document and requests nothing but that
    file: style, scripts, plotly.js and data are inside, and its content security policy allows nothing else. The same
    conversation and sound give the same bytes on any machine, with the same versions of Ressenti, plotly (whose script
    is inside) and deflate (which packs it).
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    words = Wording(lang or options_of(conversation, "report")["lang"])
    conversation = as_seen(conversation)
    figures = {name: figure.to_plotly_json() for name, figure in make_figures(conversation, words).items()}
    scripts = [asset(name) for name in SCRIPTS]
    summary = summarise(conversation, words)
    data = {
        "figures": figures,
        "tables": make_tables(conversation, words),
        "turns": [turn_data(row) for row in summary.turns],
        "words": {row.index: [_part(word) for word in row.said] for row in summary.turns if row.said},
        "moments": [
            [row.start_s, row.end_s, row.label, row.chance, row.tone]
            for row in (*summary.moments.first, *summary.moments.more)
        ],
        "more_moments": [words("more_moments", n=n + 1) for n in range(len(summary.moments.more))],
        **_page_data(conversation, words, sound),
    }
    return template("page.html").render(
        words=words,
        page=summary,
        helps=_helps(conversation, words),
        figures=list(figures),
        heights={
            name: figure["layout"]["height"] for name, figure in figures.items()
        },  # so that nothing moves when a figure is drawn
        heads={
            name: words("h_arousal" if name == "trajectory" and not valence_tells(conversation) else f"h_{name}")
            for name in figures
        },
        classes=CLASSES,
        folded=() if valence_tells(conversation) or "plane" not in figures else ("plane",),
        places={s.label: place % len(SPEAKER_COLOURS) for place, s in enumerate(conversation.speakers)},
        metadata=[_known(name, value, words) for name, value in metadata],
        said=bool(conversation.words or conversation.omissions),
        sound=sound,
        commands=_commands(conversation, words.lang),
        limits=LIMITS,
        duration=round(conversation.recording.duration_s, 3),
        policy=_policy([get_plotlyjs(), *scripts], sound),
        style=Markup(asset("page.css")),  # noqa: S704  # ours
        scripts=[Markup(script) for script in scripts],  # noqa: S704  # ours
        data=packed(json.dumps(data, ensure_ascii=False, default=list, separators=(",", ":"))),
        plotly=packed_plotly(),
        map_styles=map_styles(),
        mp3=base64.b64encode(sound).decode() if isinstance(sound, bytes) else "",
    )


def _policy(scripts: list[str], sound: bytes | str | None) -> str:
    media = {"embed": ["media-src blob:"], "sidecar": ["media-src 'self' file:"]}.get(_way_of(sound) or "", [])
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(csp_hash(script) for script in scripts)}",
            f"style-src-elem {csp_hash(asset('page.css'))} {csp_hash('')}",  # the empty one is plotly's
            "style-src-attr 'unsafe-inline'",  # widths of bars; plotly.js sets styles on its elements
            "img-src data: blob:",
            *media,
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _known(name: str, value: str, words: Wording) -> tuple[str, str]:
    """A name and value of metadata: in the page's language if the product knows them, else as the user wrote them."""
    if name == "date":
        when = datetime.fromisoformat(value)
        return words("ov_date"), words.date(when.date(), f"{when:%H:%M}" if when.time() != time.min else "")
    return words(f"ov_c_{name}") if name in CALL_METADATA else visible(name), visible(value)


def _part(word: Said) -> list[float | str]:
    """The time of a word and the word; for a mark, also the reason for it; for an unsure word, no reason and a one."""
    more: list[float | str] = [word.why] if word.why else ["", 1] if word.unsure else []
    return [word.start_s, word.text, *more]


def _way_of(sound: bytes | str | None) -> str | None:
    return None if sound is None else "embed" if isinstance(sound, bytes) else "sidecar"


def _page_data(conversation: Conversation, words: Wording, sound: bytes | str | None) -> dict[str, Any]:
    """What the page's scripts need besides the figures."""
    levels = conversation.levels
    return {
        "conversation": conversation.id,
        "name": conversation.recording.name.rsplit(".", 1)[0],
        "recording": conversation.recording.name,
        "duration": round(conversation.recording.duration_s, 3),
        "dark": DARK_OF,
        "long": is_long(conversation),
        "decimal": FORMATS[words.lang].decimal,
        "texts": words.family("js_"),
        "classes": {name: words(name) for name in (*CLASSES, "unsure")},
        "levels": {"step": levels.step_s, "dbfs": [round(v) for v in levels.dbfs]} if levels else None,
        "speakers": [
            {
                **found_speaker(s, conversation, words),
                "place": i % len(SPEAKER_COLOURS),
                "colour": speaker_style(i)["colour"],
                "dark": speaker_style(i)["dark"],
            }
            for i, s in enumerate(conversation.speakers)
        ],
        **editing_data(conversation, words),
        "sound": _way_of(sound),
        "apply": APPLY,
        "near": RECOGNISED_S,
        "window": options_of(conversation, "emotion")["window_s"],
    }


def _commands(conversation: Conversation, lang: Lang) -> dict[str, str]:
    """The shell commands that apply corrections, and for a page with sound."""
    name = conversation.recording.name
    name = f"./{name}" if name.startswith("-") else name  # else it would read as an option
    stem = name.rsplit(".", 1)[0] if "." in name.removeprefix("./") else name
    recording = shlex.quote(name) if name != stem else "RECORDING"  # a pseudonym is not a file name
    return {
        "apply": APPLY,
        "sound": f"ressenti report {shlex.quote(stem + '.json')} --recording {recording} --lang {lang} --overwrite",
    }


def _helps(conversation: Conversation, words: Wording) -> dict[str, str]:
    n, judged = turns_by_person(conversation), sum(turn.emotion is not None for turn in conversation.turns)
    points, areas = (f" {words(key, n=n, all=judged)}" if n else "" for key in ("help_person_points", "help_person"))
    doubt = f" {words('help_speaker_unsure')}" if any(t.speaker_unsure for t in conversation.turns) else ""
    hold = f" {words('timeline_hold')}" if conversation.exchange and conversation.exchange.holds else ""
    limit = options_of(conversation, "emotion")["unsure_below"]
    smoothing = words.exact(options_of(conversation, "trajectory")["smoothing_s"])
    scored = any(speaker.affect is not None for speaker in conversation.speakers)
    fold = "" if not scored or valence_tells(conversation) else f" {words('valence_folded')}"
    minutes = f" {words('timeline_minutes')}" if is_long(conversation) else ""
    return {
        "timeline": words("timeline_help" if scored else "timeline_plain_help") + doubt + hold + minutes,
        "trajectory": words("trajectory_help", smoothing=smoothing) + points + fold,
        "plane": words("plane_help") + points,
        "shares": words("shares_help", limit=words.percent(limit)) + areas,
        "course": words("course_help") + areas,
        "talk": words("talk_help"),
    }
