"""`ressenti evaluate emotion`: how it sounded, against labelled speech."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal, counted, rounded
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.models.installed import resolved
from ressenti.pipeline.records import CLASSES

if TYPE_CHECKING:
    from ressenti.pipeline.cli.evaluate.emotion_baseline import Course
    from ressenti.pipeline.cli.evaluate.emotion_candidates import Candidate
    from ressenti.pipeline.lab.evaluation.emotion import Heard
    from ressenti.pipeline.lab.speech.corpora import Clip

Row = dict[str, Any]


def emotion(
    material: Annotated[
        Path | None, typer.Argument(help="Folder of labelled speech, RAVDESS, or a CSV manifest", show_default=False)
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="builtin, or a folder of weights; repeat to compare.")] = None,
    condition: Annotated[
        list[str] | None, typer.Option(help="clean or one of those below; repeat for several.")
    ] = None,
    protocol: Annotated[
        Literal["shipped", "zero-shot", "speaker-independent", "leave-one-corpus-out"],
        typer.Option(help="Test the model as it is, or train the built-in one again without what is tested."),
    ] = "shipped",
    data: Annotated[Path | None, typer.Option(help="Labelled corpora to train again on.  [default: MATERIAL]")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Keep what is trained again, and its clips, here and reuse it.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each training.  [default: as shipped]")] = None,
    baseline_seconds: Annotated[
        list[float] | None,
        typer.Option(min=1, help="Also with so much speech of the speaker beside a clip; repeat for several."),
    ] = None,
    tell_corpora: Annotated[
        bool,
        typer.Option("--tell-corpora", help="Also: whether what the model makes of clips gives their corpus away."),
    ] = False,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="Also, or alone: doubt about sounds without labels, or about generated ones; repeat."
        ),
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="Also print confusion and reliability.")] = False,
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """F1, recall, calibration, and valence and arousal of emotion models on labelled speech; doubt about other sounds.

    A manifest has the columns path, speaker and label (or emotion), or valence and arousal. Speakers whom a model
    learned from are left out. Each model is tested with the speaker's other clips as its baseline, and each clip
    alone.

    Conditions: phone, alaw, gsm (a telephone line of 300-3,400 Hz with 8 kHz mu-law, A-law or GSM 06.10), mp3 (24
    kb/s), opus (12 kb/s), babble and noise (six voices, pink noise, at 10 dB), room (0.5 s to decay by 60 dB, direct
    sound 3 dB above), clip (cut off 3 dB above the level of the speech). Two that are hardly heard, to see whether a
    model goes by the traces of a codec: pcm (half a percent slower, with white noise 45 dB below the speech) and
    mp3-128 (128 kb/s).

    --baseline-seconds puts each speaker's clips together into conversations of about that length, whose emotions are
    not balanced, and into some that show one emotion alone. --unlike takes sound files, folders of them, or the word
    generated (noise, tones, chords, clicks, synthetic voices), each sound as one speaker.

    The JSON holds one object per model, condition, baseline and corpus under `results`, with the fields of
    `pipeline.lab.evaluation.emotion.EmotionFigures`; classes are in the order of `classes`, rows of `confusion` are the
    true ones; intervals are 95 %, bootstrapped over speakers, and null with fewer than four. What else was asked for is
    under `baseline`, `one_emotion`, `corpora` and `unlike`, each null where it was not.
    """
    from ressenti.pipeline.lab.evaluation.out_of_domain import check_source
    from ressenti.pipeline.lab.speech.conditions import CONDITIONS

    terminal = Terminal()
    if unknown := set(condition or []) - set(CONDITIONS):
        raise ConfigError(f"--condition: got {', '.join(sorted(unknown))}; expected some of {', '.join(CONDITIONS)}.")
    if material is None and not unlike:
        raise ConfigError("nothing to evaluate: expected labelled speech (MATERIAL), or sounds with --unlike.")
    if material is None and (condition or baseline_seconds or tell_corpora or protocol != "shipped"):
        raise ConfigError("only --unlike goes without labelled speech: name MATERIAL, or drop the other options.")
    if unlike and protocol != "shipped":
        raise ConfigError(f"--unlike is of models as they are, and --protocol {protocol} trains others. Drop one.")
    for source in unlike or []:
        check_source(source)
    asked = _Asked(tuple(condition or ["clean"]), tuple(baseline_seconds or ()), tell_corpora, details)
    found: dict[str, Any] = {"classes": CLASSES, "material": None, "left_out": [], "results": []}
    if material is not None:
        from ressenti.pipeline.cli.evaluate.emotion_candidates import candidates_of
        from ressenti.pipeline.lab.speech.corpora import read_clips

        clips = read_clips(material)
        candidates = candidates_of(protocol, clips, model, config, data, weights, steps, found["left_out"])
        found |= {"material": str(material), **_labelled(clips, candidates, asked, config, protocol, found, terminal)}
    failed = 0
    if unlike:
        found["unlike"], failed = _unlike(unlike, model, config, terminal)
    if json_file is not None:
        figures = {"protocol": protocol} | dict.fromkeys(("baseline", "one_emotion", "corpora", "unlike")) | found
        store.write_whole({json_file: json.dumps(figures, indent=1, allow_nan=False) + "\n"})
    if failed:
        raise typer.Exit(failed)


@dataclass(frozen=True)
class _Asked:
    """What is to be found out about labelled speech."""

    conditions: tuple[str, ...]
    baseline_s: tuple[float, ...]
    tell_corpora: bool
    details: bool


def _labelled(
    clips: Sequence[Clip],
    candidates: Sequence[Candidate],
    asked: _Asked,
    config: str,
    protocol: str,
    found: dict[str, Any],
    terminal: Terminal,
) -> dict[str, Any]:
    """Figures of labelled speech, printed, by their names in the JSON."""
    from ressenti.pipeline.cli.evaluate.emotion_baseline import Course, show_course
    from ressenti.pipeline.cli.evaluate.emotion_corpora import show_corpora
    from ressenti.pipeline.cli.evaluate.emotion_tables import show_figures
    from ressenti.pipeline.lab.evaluation.corpus_probe import balanced

    if asked.tell_corpora:  # says what is amiss before anything is heard
        for _, _, tested in candidates:
            balanced(tested)
    heard: dict[tuple[str, str, str], list[Heard]] = {}
    course = Course(asked.baseline_s, load_config(config))
    corpora: list[Row] = []
    for place in dict.fromkeys(asked.conditions):
        _hear(clips, candidates, place, config, heard, course, corpora if asked.tell_corpora else None, terminal)
    out: dict[str, Any] = {"results": _rows(heard, config)}
    show_figures(out["results"], protocol, found["left_out"], terminal, details=asked.details)
    if asked.baseline_s:
        out["baseline"], out["one_emotion"] = course.rows(heard)
        show_course(out["baseline"], out["one_emotion"], terminal)
    if asked.tell_corpora:
        out["corpora"] = corpora
        show_corpora(corpora, terminal)
    return out


def _unlike(
    sources: Sequence[str], models: Sequence[str] | None, config: str, terminal: Terminal
) -> tuple[list[Row], int]:
    from ressenti.pipeline import emotion as models_of
    from ressenti.pipeline.cli.evaluate.emotion_unlike import show_unlike, unlike_rows

    options = load_config(config)
    names = dict.fromkeys(models or [resolved(options.emotion.model, "emotion")])
    chosen = [(name, models_of.choose(options.emotion.model_copy(update={"model": name}))) for name in names]
    rows, failed = unlike_rows(sources, chosen, options, terminal)
    show_unlike(rows, terminal)
    return rows, failed


def _hear(
    clips: Sequence[Clip],
    candidates: Sequence[Candidate],
    place: Any,
    config: str,
    heard: dict[tuple[str, str, str], list[Heard]],
    course: Course,
    corpora: list[Row] | None,
    terminal: Terminal,
) -> None:
    """Cut every clip once in a condition, and let each model hear its own, with and without the speaker's others."""
    from ressenti.pipeline.lab.evaluation.corpus_probe import trace_figures
    from ressenti.pipeline.lab.evaluation.emotion import cut_clips, hear

    options = load_config(config)
    wanted = {clip for _, _, tested in candidates for clip in tested}
    with terminal.progress(f"{place}, {counted(len(wanted), 'clip')}") as progress:
        cuts = cut_clips([clip for clip in clips if clip in wanted], options, place, progress)
        for k, (name, model, tested) in enumerate(candidates, start=1):
            chosen = set(tested)
            own = [cut for cut in cuts if cut.clip in chosen]
            for baseline in ("own", "alone"):
                heard.setdefault((name, place, baseline), []).extend(
                    hear(own, model, options, alone=baseline == "alone")
                )
            course.hear(own, name, model, place, progress)
            if corpora is not None:
                fold = f", fold {k}" if sum(other == name for other, _, _ in candidates) > 1 else ""
                about = {"model": name + fold, "condition": place}
                corpora += [about | rounded(asdict(figures)) for figures in trace_figures(own, model)]


def _rows(heard: dict[tuple[str, str, str], list[Heard]], config: str) -> list[Row]:
    from ressenti.pipeline.lab.evaluation.emotion import figures_of

    rows = []
    for (name, place, baseline), items in heard.items():
        for corpus in sorted({h.clip.corpus for h in items}, reverse=True):
            figures = figures_of([h for h in items if h.clip.corpus == corpus], load_config(config))
            about = {"model": name, "condition": place, "baseline": baseline, "corpus": corpus}
            rows.append(about | rounded(asdict(figures)))
    return rows
