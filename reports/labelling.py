"""Clips of turns -> one self-contained page for blind labelling by ear."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import CLASSES
from ressenti.reports.page_shell import asset, csp_hash, script_safe, template
from ressenti.reports.wording import Wording

SCRIPT_TEXTS = (
    "lab_progress",
    "lab_progress_quick",
    "lab_left",
    "lab_last",
    "lab_undone",
    "lab_position",
    "lab_no_point",
    "lab_all_done",
    "lab_saved",
    "lab_no_storage",
    "lab_resumed",
    "lab_other_sample",
    "lab_not_labels",
    "lab_name_first",
    "lab_play",
    "lab_pause",
    "lab_no_sound",
)
"""Texts of the script, with the placeholders that it fills in."""

HOLES = ("n", "total", "points", "valence", "arousal", "file", "rater", "minutes", "label")


@dataclass(frozen=True)
class LabelItem:
    """One turn to label: id, sound as MP3, and whether the sound is only the beginning of the turn."""

    id: str
    mp3: bytes
    cut: bool


@dataclass(frozen=True)
class LabelSheet:
    """The turns to label, in order, and the identity of the sample, which the label files repeat.

    It holds no class, no name and no place in a conversation. Turns are cut at `longest_s`.
    """

    items: tuple[LabelItem, ...]
    sample: str
    seed: int
    count: int
    longest_s: float


def render_labelling(sheet: LabelSheet, lang: Lang) -> str:
    """The labelling page: one HTML document that makes no request; same sheet, same bytes.

    Its script saves what `ressenti.pipeline.lab.evaluation.labelling` reads.
    """
    from markupsafe import Markup

    words = Wording(lang)
    script, style = asset("labelling.js"), asset("labelling.css")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {csp_hash(script)}",
            f"style-src {csp_hash(style)}",
            "img-src data:",
            "media-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return template("labelling.html").render(
        words=words,
        classes=[(str(k + 1), name, words(name), words(f"lab_is_{name}")) for k, name in enumerate(CLASSES)],
        total=len(sheet.items),
        longest=words.exact(sheet.longest_s),
        keys=_keys(words),
        policy=policy,
        style=Markup(style),  # noqa: S704  # ours
        script=Markup(script),  # noqa: S704  # ours
        data=Markup(script_safe(json.dumps(_data(sheet, words), ensure_ascii=False))),  # noqa: S704  # escaped for scripts
    )


def _data(sheet: LabelSheet, words: Wording) -> dict[str, object]:
    return {
        "sample": sheet.sample,
        "seed": sheet.seed,
        "count": sheet.count,
        "classes": CLASSES,
        "items": _sounds(sheet.items),
        "names": {name: words(name) for name in CLASSES} | {"cannot tell": words("lab_cannot_tell")},
        "words": {key: words(key, **{hole: f"{{{hole}}}" for hole in HOLES}) for key in SCRIPT_TEXTS},
        "comma": words.number(0.5, 1)[1],
    }


def _sounds(items: Sequence[LabelItem]) -> list[dict[str, object]]:
    return [{"id": i.id, "cut": i.cut, "mp3": base64.b64encode(i.mp3).decode()} for i in items]


def _keys(words: Wording) -> list[tuple[tuple[str, ...], str, bool]]:
    """Keys, what they do, and whether they are only for those who place points."""
    return [
        ((words("lab_space"),), words("lab_key_play"), False),
        (("1", "–", "5"), words("lab_key_class"), False),
        (("0", "U"), words("lab_cannot_tell"), False),
        (("Z",), words("lab_undo"), False),
        (("←", "→", "↑", "↓"), words("lab_key_move"), True),
        ((words("lab_shift"), "+", "←"), words("lab_key_fine"), True),
        ((words("lab_delete"),), words("lab_key_remove"), True),
        ((words("lab_enter"), "N"), words("lab_next"), False),
        (("P", "B"), words("lab_previous"), False),
        (("S",), words("lab_save"), False),
    ]
