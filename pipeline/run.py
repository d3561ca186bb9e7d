"""The whole analysis: recording -> conversation, with its steps in order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ressenti.pipeline import audio, roles, turns
from ressenti.pipeline.audio import encode
from ressenti.pipeline.audio.channels import Layout, lay_out
from ressenti.pipeline.config import Config
from ressenti.pipeline.content import read_phrases
from ressenti.pipeline.derive import derive
from ressenti.pipeline.diarization.interface import Count, Diarizer
from ressenti.pipeline.edits.redaction import with_redaction
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt, Excerpts
from ressenti.pipeline.errors import NoSpeechError, TooLargeError
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.models import campplus
from ressenti.pipeline.models.parallel import computing
from ressenti.pipeline.progress import Progress, Watch, ignore_progress, watched
from ressenti.pipeline.records import (
    MOST_TURNS,
    Conversation,
    Diarization,
    ModelInfo,
    Recording,
    Transcription,
    Turn,
    Unjudged,
    Window,
    Word,
)
from ressenti.pipeline.store.validation import read_validation
from ressenti.pipeline.transcription.interface import Transcriber
from ressenti.pipeline.transcription.turns import given_to_turns, speech_of
from ressenti.pipeline.version import PROGRAM
from ressenti.pipeline.voices.recognition import asked_voices, recognised

log = logging.getLogger(__name__)


def analyze(
    path: str | Path,
    config: Config | None = None,
    people: roles.People | None = None,
    *,
    models: Models | None = None,
    diarizer: Diarizer | None = None,
    emotion_model: EmotionModel | None = None,
    transcriber: Transcriber | None = None,
    progress: Progress = ignore_progress,
) -> Conversation:
    """Analyse one recording.

    `people` names speakers and roles. Pass the same `models` for several recordings to load the configured models once;
    threads may share it. `diarizer`, `emotion_model` and `transcriber` replace them (tests, research).

    `progress` is called often with (stage, completed, total), in every stage and in the calling thread. An exception
    from it stops the analysis and is raised unchanged; raise `pipeline.errors.CancelledError` to stop on purpose.
    Loading a model and the clustering of pyannote's pipelines cannot be interrupted. `compute.timeout_s` of the config
    stops the analysis in the same way, with `TimedOutError`.

    Raises the subclasses of `RessentiError` listed in `ressenti.pipeline.errors`, and leaves nothing behind.
    """
    config, path = config or Config(), Path(path)

    def work(watch: Watch) -> Conversation:
        with computing(config.compute.threads):
            return _analyze(
                path, config, people or roles.People(), models or Models(), diarizer, emotion_model, transcriber, watch
            )

    return watched(work, progress, config.compute.timeout_s, path.name)


def _analyze(
    path: Path,
    config: Config,
    people: roles.People,
    models: Models,
    diarizer: Diarizer | None,
    emotion_model: EmotionModel | None,
    transcriber: Transcriber | None,
    watch: Watch,
) -> Conversation:
    """Run the steps in order."""
    validation = read_validation(config.report.validation)
    known = asked_voices(config.voices)
    phrases = tuple(map(read_phrases, config.content.phrases))
    log.debug("reading %s", path)
    with watch.step("decoding"):
        recording, sound = audio.load(path, config.audio, watch)
    _log_recording(recording)
    with watch.step("choosing the layout"):
        levels = audio.levels_of(sound)
        layout = lay_out(sound, config.audio.channels, config.audio)
    del sound  # a mono mix replaces its channels
    log.info("layout: %s, because %s", layout.mode, layout.reason.key)
    if diarizer is None:
        watch("models", 0, None)
        diarizer = models.diarizer(layout.mode, config.diarization)
        watch("models", 1, 1)
    with watch.step("diarization"):
        found = diarizer.diarize(layout.audio, _count(config), watch)
    if not found.segments:
        raise NoSpeechError(
            f"{path.name}: no speech found in {recording.duration_s:.0f} s of sound. "
            "Listen to it; if there is speech, lower diarization.speech_on in a config."
        )
    labels = _labels(found, len(layout.audio.samples) if layout.mode == "split" else 0)
    channels = {label: found.channel_of(label) for label in labels} if layout.mode == "split" else {}
    speakers = roles.make_speakers(labels, layout.mode, people, config.roles, channels)
    found = replace(found, notes=(*found.notes, *roles.notes_of(speakers, found.count, layout.mode)))
    used: tuple[ModelInfo, ...] = found.models
    if known:
        with watch.step("comparing known voices"):
            speakers = recognised(speakers, layout.audio, channels, found.segments, known, config.voices, watch)
        used = used if campplus.info() in used else (*used, campplus.info())
    reasons = {s.label: _unjudged(s.not_scored) for s in speakers if s.not_scored}
    cut = turns.make_turns(found.exclusive or found.segments, config.turns, found.segments)
    if len(cut) > MOST_TURNS:
        raise TooLargeError(
            f"{path.name}: {len(cut):,} turns; expected at most {MOST_TURNS:,}. Cut the recording into parts."
        )
    all_turns = tuple(_with_loudness(t, layout, channels) for t in cut)
    log.info("found: %d speakers (%s), %d segments, %d turns", len(labels), found.count, len(found.segments), len(cut))
    with watch.step("recognising words"):
        transcriber = transcriber or models.transcriber(config.words)
        words, dropped, about, heard_by = _words(layout, channels, all_turns, found, transcriber, watch)
    with watch.step("scoring emotion"):
        all_turns, scored_by = _scored(
            layout, channels, all_turns, found, reasons, emotion_model, models, config, watch
        )
    conversation = Conversation(
        recording=recording,
        layout=layout.mode,
        layout_reason=layout.reason,
        diarization=found,
        speakers=speakers,
        turns=all_turns,
        models=(*used, *heard_by, *scored_by),
        config=config.model_dump(mode="json", exclude={"compute"}),
        allow_restricted=people.allow_restricted,
        validation=validation,
        levels=levels,
        words=words,
        transcription=about,
        phrases=phrases,
        program=PROGRAM,
    )
    with watch.step("deriving"):
        conversation = derive(conversation, config)
    if config.content.redact:
        conversation = with_redaction(conversation, dropped, config.words.unsure_below)
    unsure = sum(turn.unsure for turn in conversation.turns)
    log.info("scored: %d turns, %d of them unsure", sum(t.emotion is not None for t in conversation.turns), unsure)
    return conversation


def _log_recording(recording: Recording) -> None:
    """Log the recording's properties; names and other personal details go to DEBUG only."""
    log.info(
        "recording: %.1f s, %d channels, %s at %d Hz, SHA-256 %s",
        recording.duration_s,
        recording.channels,
        recording.codec,
        recording.sample_rate_hz,
        recording.sha256[:12],
    )
    for note in recording.notes:
        log.info("note: %s", note.key)
        log.debug("note: %s %s", note.key, note.values)


def _words(
    layout: Layout,
    channels: Mapping[str, int],
    all_turns: Sequence[Turn],
    found: Diarization,
    transcriber: Transcriber | None,
    progress: Progress,
) -> tuple[tuple[Word, ...], tuple[Word, ...], Transcription | None, tuple[ModelInfo, ...]]:
    """What was said, by turn, and what of it the guards dropped, how it was recognised, and by which model.

    Nothing without a transcriber.
    """
    if transcriber is None:
        return (), (), None, ()
    said = transcriber.transcribe(layout.audio, speech_of(found, channels), progress)
    log.info("recognised: %d words", len(said.words))
    words, dropped = (given_to_turns(some, all_turns, channels) for some in (said.words, said.dropped))
    return words, dropped, said.about, (transcriber.info,)


def _scored(
    layout: Layout,
    channels: Mapping[str, int],
    all_turns: Sequence[Turn],
    found: Diarization,
    reasons: dict[str, Unjudged],
    model: EmotionModel | None,
    models: Models,
    config: Config,
    progress: Progress,
) -> tuple[tuple[Turn, ...], tuple[ModelInfo, ...]]:
    """Turns with their scores, and the models used; none is loaded if nobody's emotion may be scored."""
    if all(turn.speaker in reasons for turn in all_turns):
        return tuple(replace(turn, unjudged=reasons[turn.speaker]) for turn in all_turns), ()
    if model is None:
        progress("models", 0, None)
        model = models.emotion(config.emotion)
        progress("models", 1, 1)
    return _judge(layout, channels, all_turns, found, reasons, model, config, progress), (*model.parts, model.info)


def _judge(
    layout: Layout,
    channels: Mapping[str, int],
    all_turns: Sequence[Turn],
    found: Diarization,
    reasons: dict[str, Unjudged],
    model: EmotionModel,
    config: Config,
    progress: Progress,
) -> tuple[Turn, ...]:
    """Turns with the scores of their windows without overlap, or with the reason why they have none."""
    plans = [
        [] if turn.speaker in reasons else turns.plan_windows(turn, found.segments, config.emotion)
        for turn in all_turns
    ]
    cuts = [
        partial(_excerpt, layout, channels, turn.speaker, window.speech)
        for turn, plan in zip(all_turns, plans, strict=True)
        for window in plan
    ]
    scores = iter(model.score(Excerpts(cuts), progress))
    judged = []
    for turn, plan in zip(all_turns, plans, strict=True):
        windows = tuple(Window(w.start_s, w.end_s, w.weight_s, next(scores)) for w in plan)
        why: Unjudged | None = reasons.get(turn.speaker)
        if why is None and not windows:
            why = "short" if turn.duration_s < config.emotion.min_judged_s else "overlap"
        judged.append(replace(turn, windows=windows, unjudged=why))
    return tuple(judged)


def _excerpt(
    layout: Layout, channels: Mapping[str, int], speaker: str, speech: Sequence[tuple[float, float]]
) -> Excerpt:
    return Excerpt(layout.audio.joined(speech, channels.get(speaker, 1) - 1), speaker)


def _with_loudness(turn: Turn, layout: Layout, channels: Mapping[str, int]) -> Turn:
    samples = layout.audio.cut(turn.start_s, turn.end_s, channels.get(turn.speaker, 1) - 1)
    return replace(turn, loudness_dbfs=encode.loudness_dbfs(samples))


def _labels(found: Diarization, channels: int) -> tuple[str, ...]:
    """With split, a speaker of each channel, even a silent one, then further voices; with mono, those found."""
    if not channels:
        return found.speakers
    return tuple(dict.fromkeys((*(f"S{i + 1}" for i in range(channels)), *(label for label, _ in found.channels))))


def _unjudged(not_scored: str) -> Unjudged:
    return "not_asked" if not_scored == "not_asked" else "restricted"


def _count(config: Config) -> Count:
    options = config.diarization
    return Count(options.speakers, options.min_speakers, options.max_speakers)
