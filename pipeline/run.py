"""The whole analysis: recording -> conversation, with its steps in order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ressenti.pipeline import audio, emotion, roles, turns
from ressenti.pipeline.audio import encode
from ressenti.pipeline.audio.channels import Layout, lay_out
from ressenti.pipeline.config import Config, left_out
from ressenti.pipeline.content import check_background, read_phrases, with_background
from ressenti.pipeline.derive import derive
from ressenti.pipeline.diarization.interface import Count, Diarizer
from ressenti.pipeline.edits.corrections import unjudged_of
from ressenti.pipeline.edits.names import NameFinder
from ressenti.pipeline.edits.redaction import with_redaction
from ressenti.pipeline.emotion.calibration import calibrated
from ressenti.pipeline.emotion.interface import EmotionModel
from ressenti.pipeline.errors import ConfigError, NoSpeechError, TooLargeError
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
    Speaker,
    Transcription,
    Turn,
    Validation,
    Word,
)
from ressenti.pipeline.records.intervals import without
from ressenti.pipeline.scoring import Speech, scored
from ressenti.pipeline.sentiment.interface import SentimentModel
from ressenti.pipeline.sentiment.turns import with_sentiment
from ressenti.pipeline.sounds import HeardSounds, SoundDetector, silenced
from ressenti.pipeline.sounds.builtin import BuiltinSounds, announcement_models
from ressenti.pipeline.sounds.parties import with_announcements
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
    sound_detector: SoundDetector | None = None,
    sentiment_model: SentimentModel | None = None,
    progress: Progress = ignore_progress,
) -> Conversation:
    """Analyse one recording.

    `people` names speakers and roles. Pass the same `models` for several recordings to load the configured models once;
    threads may share it. `diarizer`, `emotion_model`, `transcriber`, `sound_detector` and `sentiment_model` replace
    them (tests).

    `progress` is called often with (stage, completed, total), in every stage and in the calling thread. An exception
    from it stops the analysis and is raised unchanged; raise `pipeline.errors.CancelledError` to stop on purpose.
    Loading a model and the clustering of pyannote's pipelines cannot be interrupted. `compute.timeout_s` of the config
    stops the analysis in the same way, with `TimedOutError`.

    Raises the subclasses of `RessentiError` listed in `ressenti.pipeline.errors`, and leaves nothing behind.
    """
    config, path, people = config or Config(), Path(path), people or roles.People()
    config = config.model_copy(update={"use": roles.use_of(config, people)})
    if config.use == "commercial" and emotion_model is None:
        emotion.locate(config.emotion.model, config.use)  # a model that is named in vain is refused before the work

    def work(watch: Watch) -> Conversation:
        with computing(config.compute.threads):
            return _analyze(
                path,
                config,
                people,
                models or Models(),
                diarizer,
                emotion_model,
                transcriber,
                sound_detector,
                sentiment_model,
                watch,
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
    sound_detector: SoundDetector | None,
    sentiment_model: SentimentModel | None,
    watch: Watch,
) -> Conversation:
    """Run the steps in order."""
    validation = read_validation(config.report.validation)
    known = asked_voices(config.voices)
    phrases = tuple(map(read_phrases, config.content.phrases))
    check_background(config.content.background)
    readers = (
        models.name_finder(config.content.redact_names, config.use),
        sentiment_model or models.sentiment(config.sentiment, config.use),
    )
    log.debug("reading %s", path)
    with watch.step("decoding"):
        recording, sound = audio.load(path, config.audio, watch)
    _log_recording(recording)
    with watch.step("choosing the layout"):
        levels = audio.levels_of(sound)
        layout = lay_out(sound, config.audio.channels, config.audio)
    del sound  # a mono mix replaces its channels
    _leave_out(layout, recording, config)
    log.info("layout: %s, because %s", layout.mode, layout.reason.key)
    if diarizer is None:
        watch("models", 0, None)
        diarizer = models.diarizer(layout.mode, config.diarization, config.use)
        watch("models", 1, 1)
    with watch.step("sounds"):
        listener = sound_detector or BuiltinSounds(config.sounds, config.diarization)
        heard = listener.listen(layout.audio, watch)
    with watch.step("diarization"), silenced(layout.audio, heard.spans_without_talk) as talk:
        found = diarizer.diarize(talk, _count(config), watch)
    if not found.segments:
        raise NoSpeechError(
            f"{path.name}: no speech found in {recording.duration_s:.0f} s of sound. "
            "Listen to it; if there is speech, lower diarization.speech_on in a config."
        )
    found, speakers, channels = _parties(found, heard, layout, people, config)
    used = _models_of(found, listener, heard, config)
    if known:
        with watch.step("comparing known voices"):
            named = recognised(
                [s for s in speakers if s.is_person],
                layout.audio,
                channels,
                found.segments,
                known,
                config.voices,
                watch,
            )
            speakers = (*named, *(s for s in speakers if not s.is_person))
        used = used if campplus.info() in used else (*used, campplus.info())
    reasons = {s.label: unjudged_of(s.not_scored) for s in speakers if s.not_scored}
    cut = _cut(path, found, config)
    all_turns = tuple(_with_loudness(t, layout, channels) for t in cut)
    log.info(
        "found: %d speakers (%s), %d segments, %d turns", len(speakers), found.count, len(found.segments), len(cut)
    )
    with watch.step("recognising words"):
        transcriber = transcriber or models.transcriber(config.words, config.use)
        words, dropped, about, heard_by = _words(layout, channels, all_turns, found, transcriber, watch)
    with watch.step("scoring emotion"):
        speech = Speech(layout.audio, channels, found.segments, heard)
        load = partial(_emotion_model, emotion_model, models, config, validation, watch)
        all_turns, scored_by = scored(all_turns, speech, reasons, load, config.emotion, watch)
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
        sounds=heard.sounds,
        program=PROGRAM,
    )
    conversation = _with_words_read(conversation, dropped, config, readers, watch)
    with watch.step("deriving"):
        conversation = with_background(derive(conversation, config))
    log.info(
        "scored: %d turns, %d of them unsure",
        sum(turn.emotion is not None for turn in conversation.turns),
        sum(turn.unsure for turn in conversation.turns),
    )
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


def _with_words_read(
    conversation: Conversation,
    dropped: Sequence[Word],
    config: Config,
    readers: tuple[NameFinder | None, SentimentModel | None],
    watch: Watch,
) -> Conversation:
    """Personal data silenced, if that is asked for, before anything else reads words; and what the rest of them say."""
    names, sentiment_model = readers
    with watch.step("looking at words"):
        if config.content.redact or names:
            conversation = with_redaction(conversation, dropped, config.words.unsure_below, names)
        return with_sentiment(conversation, sentiment_model, config.sentiment, config.words.unsure_below, watch)


def _emotion_model(
    given: EmotionModel | None, models: Models, config: Config, validation: Validation | None, progress: Progress
) -> EmotionModel | None:
    """The model that was given, else the configured one, corrected if the validation is of it."""
    if given is not None:
        return calibrated(given, validation)
    progress("models", 0, None)
    model = models.emotion(config.emotion, config.use)
    progress("models", 1, 1)
    return calibrated(model, validation)


def _with_loudness(turn: Turn, layout: Layout, channels: Mapping[str, int]) -> Turn:
    samples = layout.audio.cut(turn.start_s, turn.end_s, channels.get(turn.speaker, 1) - 1)
    return replace(turn, loudness_dbfs=encode.loudness_dbfs(samples))


def _labels(found: Diarization, channels: int) -> tuple[str, ...]:
    """With split, a speaker of each channel, even a silent one, then further voices; with mono, those found."""
    if not channels:
        return found.speakers
    return tuple(dict.fromkeys((*(f"S{i + 1}" for i in range(channels)), *(label for label, _ in found.channels))))


def _parties(
    found: Diarization, heard: HeardSounds, layout: Layout, people: roles.People, config: Config
) -> tuple[Diarization, tuple[Speaker, ...], dict[str, int]]:
    """Who takes part: what was found with announcements, all speakers, and on split channels the channel of each."""
    split = layout.mode == "split"
    labels = _labels(found, len(layout.audio.samples) if split else 0)
    channels = {label: found.channel_of(label) for label in labels} if split else {}
    speakers = roles.make_speakers(labels, layout.mode, people, config.roles, channels)
    found = replace(found, notes=(*found.notes, *roles.notes_of(speakers, found.count, layout.mode, people.roles)))
    if not heard.announcements:
        return found, speakers, channels
    found, announcing = with_announcements(found, heard, layout.mode)
    if split:
        channels |= {speaker.label: found.channel_of(speaker.label) for speaker in announcing}
    return found, (*speakers, *announcing), channels


def _models_of(
    found: Diarization, listener: SoundDetector, heard: HeardSounds, config: Config
) -> tuple[ModelInfo, ...]:
    """The models that told who speaks and what is no talk."""
    used = (*found.models, *(listener.models if config.sounds.detect else ()))
    more = announcement_models() if heard.announcements else ()
    return (*used, *(model for model in more if model not in used))


def _cut(path: Path, found: Diarization, config: Config) -> tuple[Turn, ...]:
    """The turns; raises `TooLargeError` for too many."""
    cut = turns.make_turns(found.exclusive or found.segments, config.turns, found.segments)
    if len(cut) > MOST_TURNS:
        raise TooLargeError(
            f"{path.name}: {len(cut):,} turns; expected at most {MOST_TURNS:,}. Cut the recording into parts."
        )
    return cut


def _leave_out(layout: Layout, recording: Recording, config: Config) -> None:
    """Silence what the user leaves out; raises `ConfigError` where nothing is left."""
    spans = left_out(recording.duration_s, config.audio)
    if not without([(0.0, recording.duration_s)], spans):
        raise ConfigError(
            f"audio.start_s, end_s and ignore leave nothing of {recording.name}, which is {recording.duration_s:g} s "
            "long. Leave out less."
        )
    for samples in layout.audio.samples:
        for start_s, end_s in spans:
            samples[round(start_s * audio.RATE_HZ) : round(end_s * audio.RATE_HZ)] = 0


def _count(config: Config) -> Count:
    options = config.diarization
    return Count(options.speakers, options.min_speakers, options.max_speakers)
