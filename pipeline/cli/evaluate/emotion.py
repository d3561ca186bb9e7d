"""`ressenti evaluate emotion`: emotion models against labelled speech."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import CLASSES
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.cli.evaluate.emotion_baseline import Course
    from ressenti.pipeline.cli.evaluate.emotion_candidates import Candidate
    from ressenti.pipeline.lab.evaluation.emotion import ClipScores
    from ressenti.pipeline.lab.evaluation.natural import InTalk
    from ressenti.pipeline.lab.labelled_speech.corpora import Clip

Row = dict[str, Any]


def emotion(
    material: Annotated[
        Path | None, typer.Argument(help="Folder of labelled speech, RAVDESS, or a CSV manifest.", show_default=False)
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="builtin, or a folder of weights; repeat to compare models.")
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option(help="clean or a condition listed below; may be repeated.")
    ] = None,
    protocol: Annotated[
        Literal["shipped", "zero-shot", "speaker-independent", "leave-one-corpus-out"],
        typer.Option(help="Test the model as it is, or retrain the built-in one without the tested speech."),
    ] = "shipped",
    data: Annotated[Path | None, typer.Option(help="Labelled corpora to retrain on.  [default: MATERIAL]")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder to keep and reuse retrained weights and their clips.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps.  [default: as shipped]")] = None,
    baseline_seconds: Annotated[
        list[float] | None,
        typer.Option(min=1, help="Also with this much speech as the speaker's baseline; may be repeated."),
    ] = None,
    natural: Annotated[
        bool, typer.Option("--natural", help="Also in mostly neutral talk, with the configured expectation.")
    ] = False,
    tell_corpora: Annotated[
        bool,
        typer.Option("--tell-corpora", help="Also test whether the model's outputs reveal a clip's corpus."),
    ] = False,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="Measure how unsure the model is of unlabelled or generated sounds; may be repeated."
        ),
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="Also print confusion matrix and reliability.")] = False,
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Test emotion models on labelled speech: F1, recall, calibration, valence and arousal.

    A manifest has the columns path and speaker, and either label (or emotion) or valence and arousal. Speakers from a
    model's training are left out. Each model is tested twice: with the speaker's other clips as the baseline, and on
    each clip alone.

    Conditions: phone, alaw, gsm (telephone line of 300-3,400 Hz with 8 kHz mu-law, A-law or GSM 06.10), mp3 (24 kb/s),
    opus (12 kb/s), babble and noise (six voices, pink noise, at 10 dB), room (reverberation time 0.5 s, direct sound
    3 dB above), clip (clipped 3 dB above the level of the speech). Two almost inaudible ones show whether a model
    relies on codec traces: pcm (0.5 % slower, white noise 45 dB below the speech) and mp3-128 (128 kb/s).

    --baseline-seconds joins each speaker's clips into conversations of about that length, some with unbalanced
    emotions and some with a single emotion. --natural joins them into conversations that are 70 % neutral; only there
    does a model expect what the configuration says. --unlike takes sound files, folders of them, or the word generated
    (noise, tones, chords, clicks, synthetic voices); each sound counts as one speaker.

    The JSON holds one object per model, condition, baseline and corpus under `results`, with the fields of
    `pipeline.lab.evaluation.emotion.EmotionFigures`. Classes are in the order of `classes`; rows of `confusion` are the
    true classes. Intervals are 95 %, bootstrapped over speakers, and null with fewer than four speakers. `baseline`,
    `one_emotion`, `natural`, `corpora` and `unlike` are null unless their option is given. `lacks` are the classes that
    the training of a retrained model lacks, and `macro_f1_learned` is the mean F1 of the others.
    """
    terminal = Terminal()
    others = bool(condition or baseline_seconds or natural or tell_corpora or protocol != "shipped")
    _check(material, condition or [], protocol, unlike or [], others=others)
    requested = _Requested(tuple(condition or ["clean"]), tuple(baseline_seconds or ()), tell_corpora, details)
    found: dict[str, Any] = {"classes": CLASSES, "material": None, "left_out": [], "results": []}
    if material is not None:
        from ressenti.pipeline.cli.evaluate.emotion_candidates import candidates_of
        from ressenti.pipeline.lab.labelled_speech.corpora import read_clips

        clips = read_clips(material)
        with ExitStack() as stack:
            if weights is None and protocol != "shipped":  # kept until talk is measured with them, too
                weights = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            candidates = candidates_of(protocol, clips, model, config, data, weights, steps, found["left_out"])
            found |= {
                "material": str(material),
                **_labelled(clips, candidates, requested, config, protocol, found, terminal),
            }
            if natural:
                expecting = candidates_of(protocol, clips, model, config, data, weights, steps, [], expecting=True)
                found["natural"] = _natural(clips, expecting, requested.conditions, config, terminal)
    failed = 0
    if unlike:
        found["unlike"], failed = _unlike(unlike, model, config, terminal)
    if json_file is not None:
        figures = (
            {"protocol": protocol} | dict.fromkeys(("baseline", "one_emotion", "natural", "corpora", "unlike")) | found
        )
        store.write_whole({json_file: json.dumps(figures, indent=1, allow_nan=False) + "\n"})
    if failed:
        raise typer.Exit(failed)


def _check(
    material: Path | None,
    conditions: Sequence[str],
    protocol: str,
    unlike: Sequence[str],
    *,
    others: bool,
) -> None:
    """Raise `ConfigError` for options that do not go together; `others` is whether any needs labelled speech."""
    from ressenti.pipeline.lab.evaluation.out_of_domain import check_source
    from ressenti.pipeline.lab.labelled_speech.conditions import CONDITIONS

    if unknown := set(conditions) - set(CONDITIONS):
        raise ConfigError(
            f"--condition: got {', '.join(sorted(unknown))}; expected one or more of {', '.join(CONDITIONS)}."
        )
    if material is None and not unlike:
        raise ConfigError("nothing to evaluate; expected labelled speech (MATERIAL) or sounds (--unlike).")
    if material is None and others:
        raise ConfigError("only --unlike works without labelled speech. Give MATERIAL, or drop the other options.")
    if unlike and protocol != "shipped":
        raise ConfigError(f"--unlike tests models as they are, but --protocol {protocol} retrains them. Drop one.")
    for source in unlike:
        check_source(source)


@dataclass(frozen=True)
class _Requested:
    """The requested measurements on labelled speech."""

    conditions: tuple[str, ...]
    baseline_s: tuple[float, ...]
    tell_corpora: bool
    details: bool


def _labelled(
    clips: Sequence[Clip],
    candidates: Sequence[Candidate],
    requested: _Requested,
    config: str,
    protocol: str,
    found: dict[str, Any],
    terminal: Terminal,
) -> dict[str, Any]:
    """Measure and print figures on labelled speech; returns them by their names in the JSON."""
    from ressenti.pipeline.cli.evaluate.emotion_baseline import Course, show_course
    from ressenti.pipeline.cli.evaluate.emotion_corpus_probe import show_corpora
    from ressenti.pipeline.cli.evaluate.emotion_tables import show_figures
    from ressenti.pipeline.lab.evaluation.corpus_probe import balanced

    if requested.tell_corpora:  # fails early
        for candidate in candidates:
            balanced(candidate.tested)
    scored: dict[tuple[str, str, str], list[ClipScores]] = {}
    course = Course(requested.baseline_s, load_config(config))
    corpora: list[Row] = []
    for place in dict.fromkeys(requested.conditions):
        _score(clips, candidates, place, config, scored, course, corpora if requested.tell_corpora else None, terminal)
    out: dict[str, Any] = {"results": _rows(scored, candidates, config)}
    show_figures(out["results"], protocol, found["left_out"], terminal, details=requested.details)
    if requested.baseline_s:
        out["baseline"], out["one_emotion"] = course.rows(scored)
        show_course(out["baseline"], out["one_emotion"], terminal)
    if requested.tell_corpora:
        out["corpora"] = corpora
        show_corpora(corpora, terminal)
    return out


def _natural(
    clips: Sequence[Clip], candidates: Sequence[Candidate], conditions: Sequence[str], config: str, terminal: Terminal
) -> list[Row]:
    from ressenti.pipeline.cli.evaluate.emotion_natural import hear_corpora, natural_rows, show_natural
    from ressenti.pipeline.lab.evaluation.emotion import cut_clips

    options = load_config(config)
    heard: dict[tuple[str, str, str], list[InTalk]] = {}
    for place in dict.fromkeys(conditions):
        for one in candidates:
            tested = set(one.tested)
            with terminal.progress(f"{place}, mostly neutral talk") as progress:
                cuts = cut_clips([clip for clip in clips if clip in tested], options, place, progress)  # type: ignore[arg-type]
                for corpus, talk in hear_corpora(cuts, one.model, options, progress).items():
                    heard.setdefault((one.name, place, corpus), []).extend(talk)  # those of all folds together
    rows = natural_rows(heard, options)
    if not rows:
        raise ConfigError("--natural: no speaker has neutral clips and others. Leave it out for this material.")
    show_natural(rows, terminal)
    return rows


def _unlike(
    sources: Sequence[str], models: Sequence[str] | None, config: str, terminal: Terminal
) -> tuple[list[Row], int]:
    from ressenti.pipeline import emotion as models_of
    from ressenti.pipeline.cli.evaluate.emotion_out_of_domain import show_unlike, unlike_rows

    options = load_config(config)
    names = dict.fromkeys(models or [models_of.name_of(options.emotion, options.use)])
    chosen = [
        (name, models_of.needed(options.emotion.model_copy(update={"model": name}), options.use)) for name in names
    ]
    rows, failed = unlike_rows(sources, chosen, options, terminal)
    show_unlike(rows, terminal)
    return rows, failed


def _score(
    clips: Sequence[Clip],
    candidates: Sequence[Candidate],
    place: Any,
    config: str,
    scored: dict[tuple[str, str, str], list[ClipScores]],
    course: Course,
    corpora: list[Row] | None,
    terminal: Terminal,
) -> None:
    """Cut every clip once in a condition, and score it with each model, with and without the speaker's other clips."""
    from ressenti.pipeline.lab.evaluation.corpus_probe import trace_figures
    from ressenti.pipeline.lab.evaluation.emotion import cut_clips, hear

    options = load_config(config)
    wanted = {clip for one in candidates for clip in one.tested}
    with terminal.progress(f"{place}, {counted(len(wanted), 'clip')}") as progress:
        cuts = cut_clips([clip for clip in clips if clip in wanted], options, place, progress)
        for k, candidate in enumerate(candidates, start=1):
            name, model, chosen = candidate.name, candidate.model, set(candidate.tested)
            own = [cut for cut in cuts if cut.clip in chosen]
            for baseline in ("own", "alone"):
                scored.setdefault((name, place, baseline), []).extend(
                    hear(own, model, options, alone=baseline == "alone")
                )
            course.hear(own, name, model, place, progress)
            if corpora is not None:
                fold = f", fold {k}" if sum(other.name == name for other in candidates) > 1 else ""
                about = {"model": name + fold, "condition": place}
                corpora += [about | rounded(asdict(figures)) for figures in trace_figures(own, model)]


def _rows(
    scored: dict[tuple[str, str, str], list[ClipScores]], candidates: Sequence[Candidate], config: str
) -> list[Row]:
    from ressenti.pipeline.lab.evaluation.emotion import figures_of

    rows = []
    for (name, place, baseline), items in scored.items():
        for corpus in sorted({h.clip.corpus for h in items}, reverse=True):
            own = [h for h in items if h.clip.corpus == corpus]
            figures = figures_of(own, load_config(config), _lacking(name, corpus, candidates))
            about = {"model": name, "condition": place, "baseline": baseline, "corpus": corpus}
            rows.append(about | rounded(asdict(figures)))
    return rows


def _lacking(name: str, corpus: str, candidates: Sequence[Candidate]) -> tuple[str, ...] | None:
    """The classes that the training of a model lacks, in any fold that tests the corpus; None where not known."""
    lacks = [one.lacks for one in candidates if one.name == name and any(clip.corpus == corpus for clip in one.tested)]
    if not lacks or None in lacks:
        return None
    return tuple(label for label in CLASSES if any(label in (some or ()) for some in lacks))
