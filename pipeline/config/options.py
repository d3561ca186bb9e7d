"""All options in small frozen groups; an unknown key is an error.

Every threshold of the product is defined here, with its unit in its name and its source beside it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ressenti.pipeline.config.option_group import Group
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import CLASSES, ClassName, Polarity, Use

_DAY_S = 86_400.0

Positive = Annotated[float, Field(gt=0, le=_DAY_S)]
NotNegative = Annotated[float, Field(ge=0, le=_DAY_S)]
Decibel = Annotated[float, Field(gt=0, le=200)]
Level = Annotated[float, Field(ge=-200, le=0)]
Few = Annotated[int, Field(ge=0, le=1000)]
Name = Annotated[str, Field(max_length=200)]
Names = Annotated[tuple[Name, ...], Field(max_length=1000)]
Place = Annotated[str, Field(min_length=1, max_length=4096)]
Share = Annotated[float, Field(ge=0, le=1)]
Unit = Annotated[float, Field(ge=-1, le=1)]
RAW_PATTERN = r"^(mulaw|alaw|s16le|s16be|u8|s8|s24le|s32le|f32le):[1-9][0-9]{3,5}(:[1-8])?$"


def _raw_sound(value: object) -> object:
    """Return the value unchanged; invalid text raises `ValueError` in words instead of a regular expression."""
    if isinstance(value, str) and not re.fullmatch(RAW_PATTERN, value):
        raise ValueError(
            f"got {short(repr(value))}, expected ENCODING:RATE or ENCODING:RATE:CHANNELS, as in mulaw:8000, alaw:8000 "
            "or s16le:8000:2"
        )
    return value


RawSound = Annotated[str, BeforeValidator(_raw_sound), Field(pattern=RAW_PATTERN)]
LANGUAGES = (  # that Whisper knows
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr "
    "ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc "
    "pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh "
)


def _whole(value: dict[str, float]) -> dict[str, float]:
    """Shares of classes; those that do not sum to 1, or leave nothing for a class, raise `ValueError`."""
    total, every = sum(value.values()), len(value) == len(CLASSES)
    if (every and abs(total - 1) > 0.01) or (not every and total >= 1):
        wanted = "shares that sum to 1" if every else "shares below 1, which leave some for the other classes"
        raise ValueError(f"got shares that sum to {total:g}, expected {wanted}")
    return value


def _spoken_language(value: object) -> object:
    """Return the value unchanged; another code raises `ValueError` in words instead of a list of a hundred."""
    if isinstance(value, str) and value != "auto" and value not in LANGUAGES.split():
        raise ValueError(f"got {short(repr(value))}, expected auto or a code such as en, fr, de, es (Whisper's)")
    return value


def _off(value: object) -> object:
    """`off` without quotes is False in YAML."""
    return "off" if value is False else value


WordModel = Annotated[str, BeforeValidator(_off), Field(min_length=1, max_length=4096)]
SpokenLanguage = Annotated[str, BeforeValidator(_spoken_language), Field(pattern=r"^(auto|[a-z]{2,3})$")]
WindowLength = Annotated[float, Field(ge=0.1, le=600)]
Distance = Annotated[float, Field(gt=0, le=2)]
Reach = Annotated[float, Field(gt=0, le=30)]
Prior = (
    Literal["conversation", "balanced"]
    | Annotated[dict[ClassName, Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1), AfterValidator(_whole)]
)
LabelMap = Annotated[dict[Name, ClassName | None], Field(max_length=1000)]
PolarityMap = Annotated[dict[Name, Polarity], Field(max_length=1000)]


class AudioOptions(Group):
    """Decoding and channels."""

    channels: Literal["auto", "mono", "split"] = "auto"
    min_duration_s: Positive = 1.0
    silent_dbfs: Level = -60.0  # loudest sample of a silent recording, 95th percentile level of a silent channel
    silent_channel_db: Decibel = 40.0  # a channel this far below the other carries at most bleed
    dominance_db: Decibel = 6.0  # how much louder a channel must be to carry the speaker
    dominance_share: Share = 0.6  # of the sound in which one channel dominates; below, it is a stereo microphone
    cancelled_db: Decibel = 10.0  # a mix this far below its loudest channel may contain inverted channels
    allow_truncated: bool = False
    remove_hum: bool = True  # remove DC offset, rumble and steady tones, which carry no speech
    track: Annotated[int, Field(ge=1, le=1000)] | None = None  # of several sound tracks; None: all that hold a party
    # format of sound without a header: ENCODING:RATE or ENCODING:RATE:CHANNELS; ignored for a file with a header
    raw: RawSound | None = None
    start_s: NotNegative = 0.0  # what comes before is left out ...
    end_s: Positive | None = None  # ... and what comes after
    ignore: Annotated[tuple[tuple[NotNegative, NotNegative], ...], Field(max_length=1000)] = ()  # left out, too
    max_duration_s: Annotated[float, Field(gt=0, le=604_800)] = 43_200.0  # 12 h; silence in gaps counts
    max_decoded_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 1_500  # of samples; an hour of one channel takes 115

    @model_validator(mode="after")
    def _spans(self) -> Self:
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end_s ({self.end_s:g}) is not after start_s ({self.start_s:g})")
        for start, end in self.ignore:
            if end <= start:
                raise ValueError(f"ignore: got [{start:g}, {end:g}], expected [START, END] in seconds, END after START")
        return self


def left_out(duration_s: float, options: AudioOptions) -> tuple[tuple[float, float], ...]:
    """Spans (s) of a recording that the user leaves out: before `start_s`, after `end_s`, and those of `ignore`."""
    edges = [(0.0, options.start_s), (duration_s if options.end_s is None else options.end_s, duration_s)]
    spans = [(start, min(end, duration_s)) for start, end in [*edges, *options.ignore]]
    return tuple(sorted((start, end) for start, end in spans if end > start))


class DiarizationOptions(Group):
    """Speech activity and who speaks."""

    model: Place = "auto"  # the installed default of the registry, else builtin; or builtin, an id, or a folder
    trust_model: bool = False  # for this run, load untrusted pickles; they may run code
    speakers: Annotated[int, Field(ge=1, le=20)] | None = None
    min_speakers: Annotated[int, Field(ge=1, le=20)] = 1
    max_speakers: Annotated[int, Field(ge=1, le=20)] | None = None  # builtin: 8; pyannote's pipelines: no limit
    level_dbfs: Level = -20.0  # before speech detection, bring the 95th percentile of nearby levels to this level
    # ... in the softest window of this length around a moment; 3 to 15 found the same speech after loud music
    level_window_s: Annotated[float, Field(ge=1, le=3_600)] = 10.0
    # ... with at most this much more gain than the whole recording would get: otherwise noise beside talk is raised
    level_range_db: Annotated[float, Field(ge=0, le=200)] = 20.0
    level_drop_db: Decibel = 10.0  # where the nearby level falls by more, speech detection restarts
    speech_on: Share = 0.3
    speech_off: Share = 0.2
    # a segment this much softer than half of the talk needs this mean probability: in a meeting (AMI trn04), breath and
    # distant voices, raised with the rest, lay 27 to 40 dB below, at 0.3 to 0.6
    faint_db: Decibel = 20.0
    faint_on: Share = 0.7
    min_speech_s: NotNegative = 0.1
    fill_gap_s: NotNegative = 0.3
    # builtin: seconds between the windows of ten seconds in which speakers are told apart; 10 takes half the time
    step_s: Annotated[float, Field(ge=0.5, le=10)] = 5.0
    clustered_s: Annotated[float, Field(ge=0.3, le=10)] = 0.8  # shorter pieces of speech do not decide who there is
    # cosine distance at which average linkage stops ...
    cluster_distance: Distance = 0.65
    # ... then, clusters whose centres are at least this similar (cosine) are one speaker, a limit that is ...
    same_speaker: Share = 0.5
    # ... raised by this weight times how far the share of windows that tell the two apart is above `apart_share`, ...
    apart_weight: NotNegative = 1.0
    apart_share: Share = 0.3
    # ... lowered by this weight times how far it is below, ...
    together_weight: NotNegative = 0.2
    # ... and lowered by this for two that never speak in the same window
    never_together: NotNegative = 0.15
    # a speaker has at least this much speech, and within some twelve minutes at least this share of it
    least_spoken_s: NotNegative = 2.0
    least_share: Share = 0.03
    # if the count is given, but there is less than 90 s of speech: added to the limit
    given_bonus: NotNegative = 0.1
    sure_margin: NotNegative = 0.15  # an estimated count is sure if no decision on it was nearer (cosine) to its limit
    sure_from_s: NotNegative = 60.0  # with less speech, no estimated count is sure
    unsure_below: Share = 0.7  # if the probability of a turn's speaker is below this, the speaker is unsure
    # voices of a channel, where each channel is a party: `auto` seeks more than one unless `speakers` says otherwise,
    # `free` does so although `speakers` is the number of channels, `one` never
    channel_voices: Literal["auto", "free", "one"] = "auto"
    channel_same_speaker: Share = 0.45  # instead of `same_speaker` there: an angry voice must not become another person
    channel_least_s: NotNegative = 5.0  # a further voice has at least this much speech ...
    channel_least_share: Share = 0.05  # ... and this share of its channel's
    # where a channel has several voices, each has at least this share of the speech in its own time (from its first to
    # its last tenth): one takes over from another, as after a transfer, and does not come and go, as a mood does
    channel_alone_share: Share = 0.85

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.max_speakers is not None and self.min_speakers > self.max_speakers:
            raise ValueError(f"min_speakers ({self.min_speakers}) is above max_speakers ({self.max_speakers})")
        return self


class SoundOptions(Group):
    """Sounds that are no talk, and announcements; thresholds were chosen on the development half of the sounds."""

    detect: bool = True  # find music, tones, and what voices do besides speaking
    announcements: bool = True  # propose voices next to music or tones, which nobody answers, as announcements
    music_on: Share = 0.3  # probability from which music is heard, where speech is less probable than `speech_below`
    tone_on: Share = 0.3
    speech_below: Share = 0.3
    laughter_on: Share = 0.1
    crying_on: Share = 0.3
    cough_on: Share = 0.1
    throat_on: Share = 0.06
    sneeze_on: Share = 0.2
    sigh_on: Share = 0.3
    shout_on: Share = 0.25
    min_music_s: Positive = 1.4
    # two stretches of music with at most this much silence between them are one
    music_gap_s: NotNegative = 2.0
    # a voice this near to music, to a tone or to the start of the recording may be an announcement
    announcement_near_s: NotNegative = 6.0
    # ... if it is heard elsewhere in the recording with less than this likeness (cosine in the space of voices)
    announcement_likeness: Share = 0.45
    min_announcement_s: NotNegative = 1.5

    @property
    def vocal_on(self) -> dict[str, float]:
        """Probability from which each sound of a voice is marked."""
        kinds = ("laughter", "crying", "sigh", "cough", "throat", "sneeze", "shout")
        return {kind: getattr(self, f"{kind}_on") for kind in kinds}


class TurnOptions(Group):
    """Segments into turns."""

    merge_gap_s: NotNegative = 0.8  # a speaker's pauses up to this length stay inside a turn


class EmotionOptions(Group):
    """Which speech is scored, and when a score counts as sure."""

    model: Place = "auto"  # as above; or a folder of weights
    min_judged_s: Positive = 0.8  # turns with less undisturbed speech are not judged
    window_s: WindowLength = 8.0  # longer turns are scored in windows of this length ...
    window_step_s: WindowLength = 4.0  # ... at this interval
    # with less judged speech, a speaker's own baseline is thin, and the report says so: the built-in model then relies
    # on the average of other speakers instead (ressenti.pipeline.lab.training.baseline)
    thin_baseline_s: NotNegative = 10.0
    prior: Prior = "conversation"  # what the built-in model expects: mostly neutral talk; or balanced; or shares
    unsure_below: Share = 0.6  # if the highest score is below this, the class is unsure
    thresholds: dict[ClassName, Share] = Field(  # instead, for a model that scores each class on its own (sigmoid)
        {"Pleased": 0.5, "Relaxed": 0.5, "Neutral": 0.5, "Sad": 0.5, "Tension": 0.5}
    )
    labels: LabelMap | None = None  # each label of the model -> class; None: the included maps
    activation: Literal["auto", "softmax", "sigmoid"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "fp32", "bf16", "int8"] = "auto"  # int8: faster on a CPU, with slightly different scores

    @model_validator(mode="after")
    def _all_thresholds(self) -> Self:
        if set(self.thresholds) != set(CLASSES):
            raise ValueError(f"expected a threshold for each of {', '.join(CLASSES)}, got {', '.join(self.thresholds)}")
        return self

    @model_validator(mode="after")
    def _no_holes(self) -> Self:
        if self.window_step_s > self.window_s:
            raise ValueError(
                f"window_step_s ({self.window_step_s}) is above window_s ({self.window_s}), which leaves gaps"
            )
        return self


class WordOptions(Group):
    """What was said: which model recognises words, in which language, and what of it may be believed."""

    model: WordModel = "auto"  # as above; or off; or a folder of a Whisper model in CTranslate2's format
    language: SpokenLanguage = "auto"  # or a code of the languages that Whisper knows
    vocabulary: Place | None = None  # a text file of words to expect
    # the model hears thirty seconds at a time; speech of one channel in one language is packed into windows ...
    window_s: Annotated[float, Field(ge=5, le=28)] = 28.0
    gap_s: Annotated[float, Field(ge=0.1, le=5)] = 0.3  # ... and cut at pauses from this length
    # hypotheses that are followed at once; 1 takes the likeliest piece each time, and the least time
    beam: Annotated[int, Field(ge=1, le=20)] = 1
    language_s: NotNegative = 10.0  # with less speech, a speaker has the language of the recording
    language_sure: Share = 0.9  # below this probability, a language is not known, and no words are claimed
    # words of a window are dropped if the probability that it holds no speech is above this, whatever the model makes
    # of it: stricter than Whisper's own rule, which keeps what has a high log-probability
    no_speech: Share = 0.6
    log_probability: Annotated[
        float, Field(ge=-20, le=0)
    ] = -1.0  # ... or if the mean of its tokens' is below this, ...
    compression: Annotated[float, Field(ge=1, le=100)] = 2.4  # ... or if its text can be compressed by more than this
    repeats: Annotated[int, Field(ge=1, le=1_000)] = 4  # an n-gram said more often than this in a row is kept once
    unsure_below: Share = 0.5  # a word with a lower probability is marked as unsure


class SentimentOptions(Group):
    """What words say, as negative, neutral or positive: told by a model of texts, and kept apart from tone."""

    model: WordModel = "auto"  # what `ressenti models get` installed, else none; or off, an id, or a folder
    labels: PolarityMap | None = None  # each label of the model -> what it means; None: the included maps
    # a turn with fewer words that are sure and have letters says nothing: "yes" and "OK" are answers, not a sentiment
    least_words: Annotated[int, Field(ge=1, le=1000)] = 3
    unsure_below: Share = 0.6  # if the highest probability is below this, it is unsure, and contradicts no voice


class AffectOptions(Group):
    """Anchors: the (valence, arousal) of each class.

    A compromise between Russell 1980 (fig. 4), Warriner 2013 and NRC-VAD, which disagree most about the arousal of
    tension.
    """

    anchors: dict[str, tuple[Unit, Unit]] = Field(
        {
            "Pleased": (0.80, 0.15),
            "Relaxed": (0.65, -0.55),
            "Neutral": (0.0, 0.0),
            "Sad": (-0.65, -0.30),
            "Tension": (-0.50, 0.40),
        }
    )
    # error (SD) of a regression's valence and arousal: the squared error of an unbiased estimate is
    # 2 * variance * (1 - CCC); CCC .638 for valence (Wagner et al. 2023), labels with an SD of about .3
    error_sd: Annotated[float, Field(ge=0.01, le=2)] = 0.25

    @model_validator(mode="after")
    def _all_classes(self) -> Self:
        if set(self.anchors) != set(CLASSES):
            raise ValueError(f"expected an anchor for each of {', '.join(CLASSES)}, got {', '.join(self.anchors)}")
        return self


class TrajectoryOptions(Group):
    """Smoothing over time."""

    smoothing_s: Annotated[float, Field(ge=0.1, le=3600)] = 15.0  # standard deviation of the Gaussian kernel
    step_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    reach: Reach = 3.0  # the line breaks if the nearest speech is further away than this many smoothing_s


class DynamicsOptions(Group):
    """Turn-taking and affect dynamics, as the field defines them."""

    non_talk_s: Positive = 3.0  # longer silence counts as non-talk time (Amazon Contact Lens)
    silence_s: Positive = 5.0  # longer silence is listed (Google Conversational Insights)
    interruption_s: Positive = 0.5  # minimum overlap of an interruption
    max_latency_s: Positive = 10.0  # a longer gap at a speaker change is not an answer
    min_turns: Annotated[int, Field(ge=3, le=1_000_000)] = 10  # with fewer, inertia and instability are not shown
    flag_share: Share = 0.7
    flag_monologue_s: Positive = 60.0
    flag_silence_s: Positive = 10.0


class MomentOptions(Group):
    """Which moments are listed as worth listening to."""

    peaks: Few = 2  # of tension, per speaker
    rise: Share = 0.1  # how far the smoothed Tension score must be above the speaker's mean
    apart_s: Positive = 45.0  # minimum distance between two peaks of a speaker
    changes: Few = 3  # steepest changes of valence or arousal
    least_change: Annotated[float, Field(ge=0, le=2)] = 0.15  # of valence or arousal; smaller ones are hardly heard
    monologue_s: Positive = 30.0  # minimum length of the longest monologue
    interruptions: Few = 3  # with the longest overlap
    activated: Few = 1  # stretches in which a speaker sounds most activated against their own level, per speaker
    activated_sd: Positive = 0.5  # how far above their own level, in standard deviations
    sounds: Few = 3  # of laughing, and of crying: those that are surest
    contrasts: Few = 2  # turns whose words say otherwise than the voice sounds: those where both are surest


class RoleOptions(Group):
    """Speakers' roles, in order of channels (split) or of first speech (mono, a guess until confirmed)."""

    order: Names = ()
    also_restricted: Names = ()  # besides roles of work and education, not scored without a stated reason
    emotion_for: Names = ()  # empty: every speaker who may be scored


class VoiceOptions(Group):
    """Names by known voices (`ressenti voices`), which are biometric data: Regulation (EU) 2016/679, art. 9."""

    use: bool = False  # name speakers whose voice you stored
    false_alarm: Annotated[float, Field(ge=1e-5, le=0.1)] = 0.001  # probability that a stranger gets a name


class ContentOptions(Group):
    """Figures from words: pace, questions, greetings, keywords, asked-for phrases."""

    least_words: Annotated[int, Field(ge=1, le=100_000)] = 20  # with fewer words, no pace and no rate is given
    greeting_within_s: NotNegative = 60.0  # after the first word; later, the same words are no greeting
    farewell_within_s: NotNegative = 60.0  # before the last word
    keywords: Annotated[int, Field(ge=0, le=1_000)] = 12
    keyword_count: Annotated[int, Field(ge=2, le=10_000)] = 3  # a keyword was said at least so often
    sure_words: Share = 0.9  # a phrase was not said if this share of the speech has words, and this share is sure
    phrases: Annotated[tuple[Place, ...], Field(max_length=100)] = ()  # included lists or YAML files of phrases
    # a folder of other stored conversations: keywords are then terms that are said more often here than there
    background: Place | None = None
    distinct: Annotated[float, Field(ge=0, le=100)] = 1.96  # ... by this many standard deviations (z of the log-odds)
    redact: bool = False  # silence personal data that is found in the words
    # ... and people's names, too, found by an installed model or one in a folder; this implies `redact`
    redact_names: WordModel = "off"


class ReportOptions(Group):
    """The page, and how results are written that people read."""

    lang: Lang = "en"
    csv_locale: Lang = "en"  # fr, es: semicolons, decimal comma and byte order mark, for a spreadsheet of that country
    audio: Literal["embed", "sidecar", "none"] = "embed"  # the recording's sound: in the page, beside it, or left out
    validation: Place | None = None  # a result of `ressenti evaluate label` to show on the page


class ComputeOptions(Group):
    """Computing resources; nothing here changes a result."""

    timeout_s: Positive | None = None  # for one recording; None: no limit
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None  # None: all cores of this process


class Config(Group):
    """All options, as read by `load_config`.

    `use` is what the results are for; None: commercial if there is an agent or a client, else as research, with a note.
    """

    audio: AudioOptions = AudioOptions()
    sounds: SoundOptions = SoundOptions()
    diarization: DiarizationOptions = DiarizationOptions()
    turns: TurnOptions = TurnOptions()
    words: WordOptions = WordOptions()
    emotion: EmotionOptions = EmotionOptions()
    sentiment: SentimentOptions = SentimentOptions()
    affect: AffectOptions = AffectOptions()
    trajectory: TrajectoryOptions = TrajectoryOptions()
    dynamics: DynamicsOptions = DynamicsOptions()
    moments: MomentOptions = MomentOptions()
    roles: RoleOptions = RoleOptions()
    voices: VoiceOptions = VoiceOptions()
    content: ContentOptions = ContentOptions()
    report: ReportOptions = ReportOptions()
    compute: ComputeOptions = ComputeOptions()
    use: Use | None = None
