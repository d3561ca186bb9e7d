import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from conftest import write_wav
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.errors import ConfigError, RessentiError
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.lab.evaluation.overlap import overlap_of
from ressenti.pipeline.lab.labelled_speech import acoustics, corpora
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.truth import as_found, emotions_csv, read_truth
from ressenti.pipeline.lab.simulation.options import Phase, Scene, Sounding, Suite, Talk, load_suite, suite_names
from ressenti.pipeline.lab.simulation.plan import Placed, make_plan, overlap_rate
from ressenti.pipeline.lab.simulation.render import render, truth_of
from ressenti.pipeline.lab.simulation.suite import Simulated, most_alike, simulate
from ressenti.pipeline.lab.simulation.voices import Utterance, Voice, make_voice, shortened, speech_stretches
from ressenti.pipeline.records import CLASSES, Segment

RATE = 16_000
RUN = CliRunner()
HZ = (350, 500, 700, 1000, 1400, 2000, 2800, 3100)  # of each speaker, within the band of a telephone
EMOTIONS = ("neutral", "happy", "sad", "angry")
CLEAN: dict[str, Any] = {"level_spread_db": 0}


def bursts(hz: float, seed: int) -> np.ndarray:
    """Two bursts of a tone with a pause of 0.5 s, silence around."""
    rng = np.random.default_rng(seed)
    parts = [np.zeros(int(0.2 * RATE))]
    for _ in range(2):
        count = int(rng.uniform(0.6, 1.4) * RATE)
        parts += [0.2 * np.sin(2 * np.pi * hz * np.arange(count) / RATE), np.zeros(RATE // 2)]
    return np.concatenate(parts) + rng.normal(0, 1e-5, sum(map(len, parts)))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Eight speakers of tones, two clips for each of four emotions."""
    folder = tmp_path_factory.mktemp("tones")
    out = []
    for k, hz in enumerate(HZ):
        for e, emotion in enumerate(EMOTIONS):
            for take in range(2):
                path = write_wav(folder / f"{k}-{emotion}-{take}.wav", bursts(hz, 100 * k + 10 * e + take))
                out.append(Clip(path, "tones", f"s{k}", emotion))
    return out


def suite(seed: int = 1, **scene: Any) -> Suite:
    options = {"minutes": 0.4, "corpora": {"tones": 1}, **scene}
    return Suite.model_validate({"seed": seed, "scenes": {"talk": options}})


def one(clips: Sequence[Clip], options: Suite) -> Simulated:
    (made,) = simulate(options, clips)
    return made


def digest(made: Simulated) -> dict[str, str]:
    return {
        end: hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()
        for end, text in made.files().items()
    }


def said(*lengths: float, emotion: str = "neutral") -> tuple[Utterance, ...]:
    return tuple(
        Utterance(np.full(int(s * RATE), 0.1, np.float32), ((0.0, s),), emotion, "", None, None, f"u{i}")
        for i, s in enumerate(lengths)
    )


SPOKEN = [Voice(f"v{k}", said(0.4, 0.9, 1.7, 3.0, 5.5)) for k in range(8)]


def plan_of(seed: int = 0, count: int = 2, script: Sequence[Phase] = (), **scene: Any) -> list[Placed]:
    options = Scene.model_validate({"minutes": 5, "corpora": {"x": 1}, "speakers": (count, count), **scene})
    return make_plan(SPOKEN[:count], options, script, np.random.default_rng(seed))


def test_the_same_seed_gives_the_same_bytes(clips: Sequence[Clip]) -> None:
    rough = {"noise": "pink", "t60_s": (0.2, 0.3), "telephone": True, "codecs": ["mulaw", "opus", "gsm"]}
    first, again, other = (digest(one(clips, suite(seed, minutes=0.2, sound=rough))) for seed in (1, 1, 2))
    assert first == again
    assert all(first[end] != other[end] for end in (".flac", ".rttm", ".emotions.csv"))


def test_the_seed_of_a_conversation_depends_on_nothing_else(clips: Sequence[Clip]) -> None:
    options = suite(conversations=3)
    alone = suite(conversations=1)
    more = options.model_copy(update={"scenes": {"other": options.scenes["talk"], **options.scenes}})
    made = [digest(m) for m in simulate(options, clips)]
    assert len({m[".flac"] for m in made}) == 3
    assert digest(one(clips, alone)) == made[0]
    assert [digest(m) for m in simulate(more, clips, ["talk"])] == made


FIRST = {  # scene: SHA-256 of its first conversation, from tones: samples and truth
    "calm-phone": "6a6a593a5c79e584b876e403b5abde1000bf6e061b004ab5b234ba57be448f31",
    "emotional-phone": "e440375a36fded61a67cfbfa9be3702536d593fbfd1294ca43b4ad3319f3c238",
    "several": "1e14abb7763f5f2542e3e8ef4d806cb39501a3df29117355e65464268c02c8b1",
    "two-channel": "092085eec995cc618eb34b28eb86e1de0704952d7a622235149a3e55d86662b6",
}


@pytest.mark.parametrize("scene", ["calm-phone", "emotional-phone", "several", "two-channel"])
def test_the_first_four_scenes_never_change(clips: Sequence[Clip], scene: str) -> None:
    standard = load_suite("standard")
    shorter = standard.scenes[scene].model_copy(update={"conversations": 1, "minutes": 1.0})
    options = standard.model_copy(update={"scenes": {scene: shorter}})
    corpora_of_all = ("emodb", "librispeech", "nemo", "ravdess")
    made = one([replace(c, corpus=corpus) for corpus in corpora_of_all for c in clips], options)
    found = hashlib.sha256(made.samples.tobytes() + emotions_csv(made.truth).encode()).hexdigest()
    assert found == FIRST[scene]


def test_truth_is_what_the_sound_shows(clips: Sequence[Clip], tmp_path: Path) -> None:
    made = one(clips, suite(minutes=1, sound=CLEAN, talk={"turn_s": 3}))
    files = made.files()
    (tmp_path / "a.rttm").write_text(str(files[".rttm"]), encoding="utf-8")
    true = read_rttm(tmp_path / "a.rttm", made.name)
    length = made.samples.shape[1] // 160
    loud = (made.samples[0, : length * 160].astype(float).reshape(length, 160) ** 2).mean(axis=1) > 1e-5 * 2**30
    talk = np.zeros(length, bool)
    for s in true:
        talk[round(100 * s.start_s) : round(100 * s.end_s)] = True
    edges = np.convolve(np.diff(talk.astype(int), prepend=0) != 0, np.ones(9), "same") > 0  # 40 ms around each
    assert not (loud ^ talk)[~edges].any()
    assert talk.mean() > 0.3
    assert max(s.end_s for s in true) <= made.samples.shape[1] / RATE


def tones_of(samples: np.ndarray, hz: float, at: float, seconds: float = 0.2) -> float:
    """Level in dB of a tone in a stretch of samples (n,)."""
    part = samples[int(at * RATE) : int((at + seconds) * RATE)].astype(float) / 32768
    t = np.arange(len(part)) / RATE
    window = np.hanning(len(part))
    return float(20 * np.log10(2 * abs((part * window * np.exp(-2j * np.pi * hz * t)).sum()) / window.sum() + 1e-9))


def alone(made: Simulated, shortest_s: float = 0.4) -> Iterator[tuple[Any, float]]:
    """Stretches of turns in which one speaker alone talks, and a time well inside."""
    for s in made.truth:
        middle = (s.start_s + s.end_s) / 2
        near = [o for o in made.truth if o is not s and o.start_s < middle + 0.2 and o.end_s > middle - 0.2]
        if s.duration_s >= shortest_s and not near and s.kind == "turn":
            yield s, middle - 0.1


def test_who_talks_and_how_is_as_the_truth_says(clips: Sequence[Clip]) -> None:
    made = one(clips, suite(minutes=1.5, speakers=(3, 3), sound=CLEAN))
    by_source = {f"tones/{c.path.name}": c for c in clips}
    seen = 0
    for s, at in alone(made):
        levels = [tones_of(made.samples[0], hz, at) for hz in HZ]
        assert f"tones-s{int(np.argmax(levels))}" == s.speaker
        clip = by_source[s.source.split("#")[0]]
        assert (f"tones-{clip.speaker}", CLASSES[clip.label or 0]) == (s.speaker, s.label)
        assert (s.valence, s.arousal) == {"Neutral": (0, 0), "Pleased": (0.8, 0.15), "Sad": (-0.65, -0.3)}.get(
            s.label, (-0.5, 0.4)
        )
        seen += 1
    assert seen > 10


def test_the_two_files_of_truth_agree(clips: Sequence[Clip], tmp_path: Path) -> None:
    spaced = [replace(c, speaker=f"Anna {c.speaker}", corpus="my tones") for c in clips]
    made = one(spaced, suite(corpora={"my tones": 1}))
    files = made.files()
    for ending, text in files.items():
        if isinstance(text, str):
            (tmp_path / f"a{ending}").write_text(text, encoding="utf-8")
    truth = read_truth(tmp_path / "a.emotions.csv")
    assert truth == made.truth
    spans = read_rttm(tmp_path / "a.rttm", made.name)
    assert [(s.start_s, s.speaker) for s in spans] == [(s.start_s, s.speaker) for s in truth]
    assert [s.end_s for s in spans] == pytest.approx([s.end_s for s in truth])
    rows = list(csv.DictReader(io.StringIO(str(files[".emotions.csv"]))))
    assert [row["label"] for row in rows] == [s.label for s in truth]
    segments, names = as_found(truth)
    assert len(segments) == len(truth)
    assert set(names.values()) == {"S1", "S2"}
    assert names[truth[0].speaker] == "S1"


def test_nan_never_gets_into_the_truth(clips: Sequence[Clip]) -> None:
    unlabelled = [replace(c, emotion="") for c in clips]
    made = one(unlabelled, suite())
    assert {(s.label, s.valence, s.arousal) for s in made.truth} == {("", None, None)}
    assert "nan" not in str(made.files()[".emotions.csv"]).lower()
    fearful = one([replace(c, emotion="fearful") for c in clips], suite())
    assert {(s.label, s.valence) for s in fearful.truth} == {("", corpora.VALENCE_AROUSAL["fearful"][0])}


TALKS: dict[str, Any] = {
    "turn_s": st.floats(0.1, 10),
    "turn_spread": st.floats(0, 1.5),
    "overlap_share": st.floats(0, 1),
    "overlap_s": st.floats(0.05, 2),
    "gap_s": st.floats(0.01, 2),
    "backchannel_share": st.floats(0, 0.9),
    "return_share": st.floats(0, 1),
}


@settings(max_examples=30, deadline=None)
@given(st.fixed_dictionaries(TALKS), st.integers(1, 8), st.integers(0, 10_000))
def test_nobody_talks_over_himself(talk: dict[str, float], count: int, seed: int) -> None:
    plan = plan_of(seed, count, minutes=0.7, talk=talk)
    assert plan == sorted(plan, key=lambda p: p.start_s)
    assert plan[0].start_s >= 0.5
    for k in range(count):
        own = [p for p in plan if p.speaker == k]
        for one_, next_ in pairwise(own):
            assert next_.start_s >= one_.end_s - 1e-6
    for p in plan:
        assert p.until_s is None or 0 < p.until_s <= p.utterance.duration_s


def turns_in(plan: Sequence[Placed]) -> list[tuple[int, float, float]]:
    """(speaker, start_s, end_s) of turns, without backchannels."""
    out: list[tuple[int, float, float]] = []
    for p in plan:
        if p.until_s is not None:
            continue
        if out and out[-1][0] == p.speaker:
            out[-1] = (p.speaker, out[-1][1], p.end_s)
        else:
            out.append((p.speaker, p.start_s, p.end_s))
    return out


def test_talk_over_a_long_time_is_as_asked() -> None:
    plan = plan_of(minutes=60)
    turns = turns_in(plan)
    offsets = np.array([b[1] - a[2] for a, b in pairwise(turns)])
    assert (offsets < 0).mean() == pytest.approx(0.4, abs=0.05)
    assert float(np.median(-offsets[offsets < 0])) == pytest.approx(0.2, abs=0.03)
    assert float(np.median(offsets[offsets > 0])) == pytest.approx(0.3, abs=0.05)
    units = [p for p in plan if p.until_s is None]
    pauses = [b.start_s - a.end_s for a, b in pairwise(units) if a.speaker == b.speaker]
    assert float(np.median(pauses)) == pytest.approx(0.5, abs=0.06)
    share = np.mean([p.until_s is not None for p in plan])
    assert 0.05 < share < 0.25  # a fifth are wanted; those that would not fit are left out


def test_options_of_talk_do_what_they_say() -> None:
    def lengths(**talk: float) -> float:
        return float(np.mean([end - start for _, start, end in turns_in(plan_of(minutes=10, talk=talk))]))

    def offsets(**talk: float) -> np.ndarray:
        turns = turns_in(plan_of(minutes=10, talk=talk))
        return np.array([b[1] - a[2] for a, b in pairwise(turns)])

    def pauses(**talk: float) -> np.ndarray:
        plan = plan_of(count=1, minutes=5, talk={"turn_s": 600, "turn_spread": 0, **talk})
        return np.array([b.start_s - a.end_s for a, b in pairwise(plan)])

    def returns(share: float) -> float:
        turns = turns_in(plan_of(count=4, minutes=10, talk={"return_share": share, "overlap_share": 0}))
        return float(np.mean([a[0] == c[0] for a, c in zip(turns, turns[2:], strict=False)]))

    assert lengths(turn_s=12) > 1.5 * lengths(turn_s=3)
    assert lengths(turn_spread=1.5) > lengths(turn_spread=0)
    assert (offsets(overlap_share=0) > 0).all()
    assert (offsets(overlap_share=1) <= 0).all()
    assert offsets(overlap_share=1, overlap_s=0.4).mean() < offsets(overlap_share=1, overlap_s=0.1).mean()
    assert offsets(overlap_share=1, overlap_spread=0).std() < offsets(overlap_share=1, overlap_spread=0.8).std()
    assert np.median(offsets(overlap_share=0, gap_s=2)) == pytest.approx(2, rel=0.2)
    assert offsets(overlap_share=0, gap_spread=0) == pytest.approx(0.3, abs=2e-3)
    assert np.median(pauses(pause_s=1.5)) == pytest.approx(1.5, rel=0.2)
    assert pauses(pause_spread=0) == pytest.approx(0.5, abs=2e-3)
    assert not [p for p in plan_of(talk={"backchannel_share": 0}) if p.until_s is not None]
    assert returns(0.9) > returns(0.6) > returns(0.1)
    assert set(Talk.model_fields) == {
        "turn_s", "turn_spread", "overlap_share", "overlap_s", "overlap_spread", "gap_s", "gap_spread",
        "pause_s", "pause_spread", "backchannel_share", "return_share", "longest_overlap_s", "overlap_rate", "cut",
        "least_talk_s",
    }  # fmt: skip


LIVELY: dict[str, Any] = {"turn_s": 3, "cut": True, "overlap_s": 1, "longest_overlap_s": 2.5, "backchannel_share": 0.35}


@pytest.mark.parametrize("count", [2, 4])
def test_speech_overlaps_as_much_as_asked(count: int) -> None:
    for wanted in (0.1, 0.2):
        plan = plan_of(count=count, minutes=10, talk={**LIVELY, "overlap_rate": (wanted, wanted)})
        assert overlap_rate(plan) == pytest.approx(wanted, abs=0.02)
    drawn = [overlap_rate(plan_of(seed, count, talk={**LIVELY, "overlap_rate": (0.05, 0.25)})) for seed in range(8)]
    assert max(drawn) - min(drawn) > 0.08
    long = plan_of(talk={**LIVELY, "overlap_rate": (0.2, 0.2), "overlap_s": 5})
    assert min(b[1] - a[2] for a, b in pairwise(turns_in(long))) >= -2.5


def test_the_overlap_of_a_plan() -> None:
    ten, one_, two = said(10.0, 1.0, 2.0)
    pause = replace(ten, stretches=((0.0, 4.0), (6.0, 10.0)))
    assert overlap_rate([]) == 0
    assert overlap_rate([Placed(1, 0, ten)]) == 0
    assert overlap_rate([Placed(1, 0, ten), Placed(11, 1, two)]) == 0
    assert overlap_rate([Placed(1, 0, ten), Placed(3, 1, two), Placed(4, 2, two, 0.5)]) == pytest.approx(0.2)
    assert overlap_rate([Placed(0, 0, pause), Placed(5, 1, two)]) == pytest.approx(1 / 9)  # one second in the pause
    assert overlap_rate([Placed(0, 0, one_), Placed(0, 1, one_)]) == 1


def test_cut_turns_last_as_long_as_asked() -> None:
    (whole,) = said(8.0)
    noise = np.random.default_rng(0).normal(0, 0.1, len(whole.sound)).astype(np.float32)
    talk = {"turn_s": 2.3, "turn_spread": 0.95, "cut": True, "backchannel_share": 0}
    scene = Scene.model_validate({"minutes": 30, "corpora": {"x": 1}, "talk": talk})
    voices = [Voice(name, (replace(whole, sound=noise),)) for name in "ab"]
    plan = make_plan(voices, scene, (), np.random.default_rng(0))
    lengths = [end - start for _, start, end in turns_in(plan)]
    assert np.percentile(lengths, (10, 50, 90)) == pytest.approx([0.68, 2.3, 7.8], rel=0.15)


def test_an_utterance_is_cut_at_a_quiet_moment() -> None:
    (whole,) = said(3.0)
    whole.sound[int(1.9 * RATE) : int(1.95 * RATE)] = 0
    short = shortened(whole, 2.0)
    assert 1.9 <= short.duration_s <= 1.95
    assert short.stretches == ((0.0, short.duration_s),)
    assert (short.source, short.emotion) == (whole.source, whole.emotion)
    assert abs(float(short.sound[-1])) < 1e-6
    assert shortened(whole, 3.5) == whole
    assert 0.14 < shortened(whole, 0.01).duration_s < 0.35
    parts = replace(whole, stretches=((0.0, 1.0), (1.8, 3.0)))
    assert shortened(parts, 1.5).stretches == ((0.0, 1.0),)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_everybody_talks_for_as_long_as_asked(count: int) -> None:
    plan = plan_of(count=count, minutes=2, talk={"least_talk_s": 30, "return_share": 0.9})
    for k in range(count):
        assert sum(end - start for p in plan if p.speaker == k for start, end in p.speech) >= 30


SOUNDS: dict[str, dict[str, Any]] = {
    "level_dbfs": {"level_dbfs": -40},
    "level_spread_db": {"level_spread_db": 12},
    "effort_db": {"effort_db": 6},
    "tilt_db": {"tilt_db": 6},
    "telephone": {"telephone": True},
    "codecs": {"codecs": ["gsm"]},
    "noise": {"noise": "pink"},
    "noise, babble": {"noise": "babble"},
    "snr_db": {"noise": "pink", "snr_db": (0, 0)},
    "t60_s": {"t60_s": (0.3, 0.3)},
    "direct_db": {"t60_s": (0.3, 0.3), "direct_db": -3},
    "channels": {"channels": "split"},
    "bleed_db": {"channels": "split", "bleed_db": (-10, -10)},
}


@pytest.mark.slow("judges hundreds of clips")
def test_every_option_of_sound_changes_it_and_nothing_of_the_truth(clips: Sequence[Clip]) -> None:
    assert {name.split(",")[0] for name in SOUNDS} == set(Sounding.model_fields)
    plain = one(clips, suite(minutes=0.15))
    digests = {"": digest(plain)[".flac"]}
    for name, sound in SOUNDS.items():
        made = one(clips, suite(minutes=0.15, sound=sound))
        digests[name] = digest(made)[".flac"]
        assert made.samples.shape[1] == plain.samples.shape[1]
        assert [replace(s, channel=1) for s in made.truth] == list(plain.truth)
    assert len(set(digests.values())) == len(digests)


def test_the_level_is_as_asked(clips: Sequence[Clip]) -> None:
    for level in (-40.0, -26.0):
        made = one(clips, suite(sound={"level_dbfs": level}))
        found = 10 * np.log10(acoustics.active_power(acoustics.to_float(made.samples[0])))
        assert found == pytest.approx(level, abs=3.5)  # speakers differ by 3 dB


def test_each_channel_carries_its_speaker_and_the_other_at_the_bleed(clips: Sequence[Clip]) -> None:
    made = one(clips, suite(minutes=1, sound={**CLEAN, "channels": "split", "bleed_db": (-20, -20)}))
    assert made.samples.shape[0] == 2
    own = {s.channel: s.speaker for s in made.truth}
    assert len(own) == len(set(own.values())) == 2
    ratios: dict[int, list[float]] = {1: [], 2: []}
    for s, at in alone(made):
        hz = HZ[int(s.speaker.removeprefix("tones-s"))]
        levels = [tones_of(made.samples[k], hz, at) for k in range(2)]
        ratios[s.channel].append(levels[s.channel - 1] - levels[2 - s.channel])
    assert min(map(len, ratios.values())) > 2
    for own_ratios in ratios.values():
        assert np.median(own_ratios) == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("count", [1, 8])
def test_one_speaker_and_eight(clips: Sequence[Clip], count: int) -> None:
    made = one(clips, suite(minutes=2, speakers=(count, count), talk={"turn_s": 1, "return_share": 0.1}))
    assert len({s.speaker for s in made.truth}) == count
    assert made.samples.shape[0] == 1


def test_scenes_draw_speakers_corpora_and_lengths(clips: Sequence[Clip]) -> None:
    other = [replace(c, corpus="others") for c in clips]
    options = suite(conversations=12, speakers=(2, 4), minutes=0.3, corpora={"tones": 3, "others": 1})
    made = list(simulate(options, [*clips, *other]))
    assert [m.name for m in made] == [f"talk-{i:02d}" for i in range(1, 13)]
    names = [{s.speaker for s in m.truth} for m in made]
    assert {len({name.split("-")[0] for name in own}) for own in names} == {1}  # one corpus for each
    assert {name.split("-")[0] for own in names for name in own} == {"tones", "others"}
    assert {len(own) for own in names} >= {2, 3}
    for m in made:
        assert 0.3 * 60 - 2.1 < m.samples.shape[1] / RATE < 0.3 * 60 + 30
        assert len(set(m.files())) == 3


SCRIPT = {
    "tense": [
        {"share": 0.5, "emotions": [{"neutral": 1}]},
        {"share": 0.5, "emotions": [{"angry": 1}, {"happy": 0.5, "calm": 0.5}]},
    ]
}


def test_scripts_are_followed(clips: Sequence[Clip]) -> None:
    made = one(clips, scripted())
    turns = [s for s in made.truth if s.kind == "turn"]
    end_s = made.samples.shape[1] / RATE
    early = {s.label for s in turns if s.end_s < 0.35 * end_s}
    late = {(s.speaker, s.label) for s in turns if s.start_s > 0.7 * end_s}
    assert early == {"Neutral"}
    assert {label for _, label in late} == {"Tension", "Pleased"}  # nobody here is calm
    assert len(late) == 2  # one is angry, the other pleased, and they do not change places


def scripted(scripts: dict[str, Any] = SCRIPT) -> Suite:
    scene = {"minutes": 3, "corpora": {"tones": 1}, "scripts": ["tense"]}
    return Suite.model_validate({"scripts": scripts, "scenes": {"talk": scene}})


def test_an_emotion_that_nobody_has_becomes_neutral(clips: Sequence[Clip]) -> None:
    options = scripted({"tense": [{"share": 1, "emotions": [{"calm": 1}]}]})
    assert {s.label for s in one(clips, options).truth} == {"Neutral"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corpora": {"nowhere": 1}}, "nowhere: .*: 0; expected"),
        ({"corpora": {"few": 1}}, "few: speakers not used in training: 1; expected 2"),
        ({"corpora": {"mute": 1}}, "mute: .*: 0; expected"),
        ({"corpora": {"few": 1}, "speakers": (1, 1), "sound": {"noise": "babble"}}, "babble"),
    ],
)
def test_speech_that_does_not_suffice_is_an_error(
    clips: Sequence[Clip], tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    few = [replace(c, corpus="few") for c in clips if c.speaker == "s0"]
    click = np.zeros(RATE)
    click[8000:8800] = 0.5
    mute = [Clip(write_wav(tmp_path / f"{k}.wav", click), "mute", f"m{k}", "sad") for k in range(3)]
    material = few if "babble" in message else [*clips, *few, *mute]
    with pytest.raises(ConfigError, match=message):
        list(simulate(suite(**options), material))


def test_an_unknown_scene_is_an_error(clips: Sequence[Clip]) -> None:
    with pytest.raises(ConfigError, match="unknown scenes moon; expected some of talk"):
        list(simulate(suite(), clips, ["moon"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "scenes: {a: {corpora: {x: 1}, colour: red}}",
            "scenes.a.colour: unknown option; expected conversations, speakers",
        ),
        ("scenes: {a: {corpora: {x: 1}, talk: {turn: 1}}}", "scenes.a.talk.turn: unknown option, did you mean turn_s?"),
        ("scenes: {a: {corpora: {}}}", "scenes.a.corpora"),
        ("scenes: {a: {corpora: {x: 0}}}", "scenes.a.corpora.x"),
        ("scenes: {a: {corpora: {x: .nan}}}", "scenes.a.corpora.x"),
        ("scenes: {a: {corpora: {x: 1}, speakers: [3, 2]}}", "3 is above 2"),
        ("scenes: {a: {corpora: {x: 1}, speakers: [1, 9]}}", "speakers.1"),
        ("scenes: {a: {corpora: {x: 1}, speakers: [2, 3], sound: {channels: split}}}", "one speaker per channel"),
        ("scenes: {a: {corpora: {x: 1}, minutes: 0.01}}", "scenes.a.minutes: got 0.01, expected at least 0.1"),
        ("scenes: {a: {corpora: {x: 1}, sound: {codecs: []}}}", "codecs"),
        ("scenes: {a: {corpora: {x: 1}, sound: {codecs: [flac]}}}", "codecs.0"),
        ("scenes: {a: {corpora: {x: 1}, sound: {snr_db: [30, 10]}}}", "30.0 is above 10.0"),
        ("scenes: {a: {corpora: {x: 1}, sound: {t60_s: [0.5, 0.2]}}}", "0.5 is above 0.2"),
        ("scenes: {a: {corpora: {x: 1}, sound: {bleed_db: [-10, -20]}}}", "is above"),
        ("scenes: {a: {corpora: {x: 1}, talk: {overlap_rate: [0.3, 0.2]}}}", "0.3 is above 0.2"),
        ("speakers: mine\nscenes: {a: {corpora: {x: 1}}}", "speakers"),
        ("scenes: {a: {corpora: {x: 1}, scripts: [none]}}", "unknown scripts none"),
        ("scripts: {s: []}\nscenes: {a: {corpora: {x: 1}, scripts: [s]}}", "scripts.s"),
        ("scenes: {../a: {corpora: {x: 1}}}", "scenes"),
        ("scenes: {}", "scenes"),
        ("", "got None, expected options by name"),
        ("- 1", "expected options by name"),
        ("scenes: {a: [", "not YAML"),
    ],
)
def test_suites_that_do_not_fit_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        load_suite(str(path))
    assert "mine.yaml" in str(caught.value)


def test_suites_that_are_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("scenes: {é: 1}".encode("latin-1"))
    for source in (str(tmp_path), str(tmp_path / "none.yaml"), str(tmp_path / "latin.yaml"), "moon", ""):
        with pytest.raises(ConfigError, match="standard"):
            load_suite(source)


def test_the_standard_suite_has_its_scenes() -> None:
    standard = load_suite("standard")
    assert {scene.conversations for scene in standard.scenes.values()} == {20}
    assert {name: scene.speakers for name, scene in standard.scenes.items()} == {
        "calm-phone": (2, 2),
        "emotional-phone": (2, 2),
        "several": (3, 4),
        "two-channel": (2, 2),
        "overlap-two": (2, 2),
        "overlap-four": (4, 4),
        "french-phone": (2, 2),
        "similar-voices": (2, 2),
        "monologue": (1, 1),
        "five-six": (5, 6),
        "seven-eight": (7, 8),
    }
    assert standard.speakers == "held-out"
    assert set(standard.scripts) == {s for scene in standard.scenes.values() for s in scene.scripts}
    for script in standard.scripts.values():
        assert sum(phase.share for phase in script) == pytest.approx(1)
        for phase in script:
            for emotions in phase.emotions:
                assert sum(emotions.values()) == pytest.approx(1)
                assert set(emotions) <= set(corpora.EMOTIONS)
    assert set(Scene.model_fields) == {
        "conversations", "speakers", "minutes", "corpora", "fresh_share", "alike", "scripts", "talk", "sound",
    }  # fmt: skip


def test_the_development_suite_is_free_of_what_is_measured_on() -> None:
    assert suite_names() == ("development", "moods", "standard")
    standard, development = load_suite("standard"), load_suite("development")
    assert development.speakers == "training"
    assert development.seed != standard.seed
    assert set(development.scenes) <= set(standard.scenes)
    for name, scene in development.scenes.items():
        assert scene.corpora == {"librispeech": 1}  # CC BY 4.0
        assert not scene.scripts
        assert (scene.conversations, scene.sound.effort_db, scene.sound.tilt_db) == (12, 3, 3)
        assert scene.speakers == standard.scenes[name].speakers
        assert scene.talk == standard.scenes[name].talk


def test_seen_and_unseen_speakers() -> None:
    kept = next(speaker for corpus, speaker in sorted(corpora.held_out()) if corpus == "librispeech")
    clips = [
        Clip(Path(f"{corpus}{speaker}"), corpus, speaker, "")
        for corpus, speaker in (("librispeech", kept), ("librispeech", "another"), ("ami", "x"), ("mine", "y"))
    ]
    assert [clip.who for clip in corpora.seen(clips)] == [("librispeech", "another")]
    assert [clip.who for clip in corpora.unseen(clips)] == [("librispeech", kept), ("ami", "x"), ("mine", "y")]


def test_those_alike_are_the_nearest() -> None:
    angles = np.radians([0, 90, 100, 200, 115])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert sorted(most_alike(vectors, 2)) == [1, 2]
    assert most_alike(vectors, 3)[2] == 4
    assert most_alike(vectors, 1) == [1]


def test_alike_voices_are_drawn(clips: Sequence[Clip]) -> None:
    made = one(clips, suite(alike=True, fresh_share=0, minutes=0.3))
    assert len({s.speaker for s in made.truth}) == 2
    assert digest(one(clips, suite(alike=True, fresh_share=0, minutes=0.3))) == digest(made)


@pytest.mark.slow("judges hundreds of clips")
def test_the_standard_suite_uses_held_out_speakers_alone(shared_data: Path) -> None:
    standard = load_suite("standard")
    scene = standard.scenes["several"].model_copy(update={"minutes": 0.2, "conversations": 1})
    options = standard.model_copy(update={"scenes": {"several": scene}})
    everybody = [
        clip for folder in ("emotion", "speech") for clip in corpora.read_clips(shared_data / folder, labelled=False)
    ]
    clips = corpora.unseen(everybody)
    assert all(corpora.is_held_out(c) for c in clips)
    assert {c.corpus for c in clips} >= {name for s in standard.scenes.values() for name in s.corpora}
    few = {who: [c for c in clips if c.who == who][:3] for who in sorted({c.who for c in clips})}
    held = {f"{corpus}-{name}" for corpus, name in corpora.held_out()}
    made = one([c for own in few.values() for c in own], options)
    assert {s.speaker for s in made.truth} <= held
    again = one([c for own in few.values() for c in own], options)
    assert digest(again) == digest(made)


@pytest.mark.slow("judges hundreds of clips")
def test_scenes_with_much_overlap_have_a_tenth_to_three_tenths(shared_data: Path) -> None:
    clips = corpora.read_clips(shared_data / "speech", labelled=False)
    for name, own in (("standard", corpora.unseen(clips)), ("development", corpora.seen(clips))):
        options = load_suite(name)
        scenes = {
            scene: options.scenes[scene].model_copy(update={"conversations": 2})
            for scene in ("overlap-two", "overlap-four")
        }
        for made in simulate(options.model_copy(update={"scenes": scenes}), own):
            found = [Segment(s.start_s, s.end_s, s.speaker) for s in made.truth]
            overlap = overlap_of(found, found, [(0, made.samples.shape[1] / RATE)], {s.speaker: "" for s in made.truth})
            assert 0.1 <= overlap.true_s / overlap.speech_s <= 0.3
            who = {(c.corpus, c.speaker) for c in own if f"{c.corpus}-{c.speaker}" in {s.speaker for s in made.truth}}
            assert bool(who & corpora.held_out()) == (name == "standard")


def test_breaths_and_clicks_are_no_speech() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-5, 6 * RATE)
    t = np.arange(RATE) / RATE
    sound[RATE : 2 * RATE] += 0.3 * np.sin(2 * np.pi * 300 * t)
    sound[int(2.2 * RATE) : int(2.7 * RATE)] += 0.3 * np.sin(2 * np.pi * 300 * t[: RATE // 2])  # gap filled
    sound[4 * RATE : 4 * RATE + 1600] += 0.3 * np.sin(2 * np.pi * 300 * t[:1600])  # a click of 0.1 s
    sound[5 * RATE : int(5.5 * RATE)] += 0.3 * 10 ** (-28 / 20) * np.sin(2 * np.pi * 300 * t[: RATE // 2])  # a breath
    (stretch,) = speech_stretches(sound.astype(np.float32))
    assert stretch == pytest.approx((1.0, 2.7), abs=0.04)
    assert speech_stretches(np.zeros(100, np.float32)) == []
    assert speech_stretches(np.zeros(0, np.float32)) == []


def test_voices_are_at_one_level_and_shouting_stays_louder(tmp_path: Path) -> None:
    t = np.arange(RATE) / RATE
    loud, soft = (
        [
            Clip(write_wav(tmp_path / f"{name}{k}.wav", level * np.sin(2 * np.pi * 300 * t)), "x", name, "sad")
            for k, level in enumerate((base, base / 10, base))
        ]
        for name, base in (("loud", 0.8), ("soft", 0.02))
    )
    levels = [
        [10 * np.log10(float((u.sound[1600:-1600] ** 2).mean())) for u in make_voice(own).utterances]
        for own in (loud, soft)
    ]
    assert levels[0] == pytest.approx([-26, -32, -26], abs=0.1)
    assert levels[1] == pytest.approx(levels[0], abs=0.1)


def test_effort_changes_level_and_tilt_of_each_utterance() -> None:
    voice = Voice("v", said(*[1.0] * 12))
    plan = [Placed(1.5 * k + 0.5, 0, u) for k, u in enumerate(voice.utterances)]

    def levels(**options: float) -> np.ndarray:
        sound = Sounding(level_spread_db=0, **options)
        made = render(plan, 1, 20.0, sound, None, np.random.default_rng(0))[0].astype(float)
        parts = [made[int(p.start_s * RATE) + 4000 : int(p.start_s * RATE) + 12_000] for p in plan]
        return np.array([10 * np.log10((part**2).mean()) for part in parts])

    assert np.ptp(levels()) < 0.01
    assert 4 < np.ptp(levels(effort_db=3)) < 12
    assert np.ptp(levels(tilt_db=3)) < 0.1  # of a constant, which has no upper frequencies


def test_backchannels_are_cut_and_soft() -> None:
    voice = Voice("v", said(3.0))
    plan = [Placed(0.5, 0, voice.utterances[0]), Placed(1.0, 1, voice.utterances[0], 0.5)]
    truth = truth_of(plan, [voice, Voice("w", voice.utterances)], Sounding())
    assert [(s.kind, s.start_s, s.end_s) for s in truth] == [("turn", 0.5, 3.5), ("backchannel", 1.0, 1.5)]
    samples = render(plan, 2, 4.0, Sounding(level_spread_db=0), None, np.random.default_rng(0))[0].astype(float)
    assert samples.shape == (4 * RATE,)
    first, both, after = samples[10_000], samples[18_000], samples[30_000]
    assert (first, after) == (pytest.approx(after), pytest.approx(first))
    assert both / first == pytest.approx(1 + 10 ** (-6 / 20), rel=0.01)
    assert samples[int(3.5 * RATE) + 1] == 0


def cli(*arguments: str | Path) -> tuple[int, str]:
    done = RUN.invoke(app, ["simulate", *map(str, arguments)])
    if isinstance(done.exception, RessentiError):
        return done.exception.exit_code, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def on_disk(clips: Sequence[Clip], tmp_path: Path) -> tuple[Path, Path]:
    lines = [f"{c.path},{c.speaker},{c.emotion},tones" for c in clips]
    (tmp_path / "labels.csv").write_text("\n".join(["path,speaker,label,corpus", *lines]) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(
        "scenes: {a: {corpora: {tones: 1}, minutes: 0.2, conversations: 2}, b: {corpora: {tones: 1}, minutes: 0.2}}",
        encoding="utf-8",
    )
    return tmp_path / "labels.csv", tmp_path / "mine.yaml"


def test_the_command_writes_folders_of_scenes(on_disk: tuple[Path, Path], tmp_path: Path) -> None:
    labels, mine = on_disk
    out = tmp_path / "out"
    code, text = cli(labels, "--suite", mine, "--out", out)
    assert code == 0, text
    assert "3 conversations" in text
    names = {str(p.relative_to(out)) for p in out.rglob("*.*")}
    stems = ("a/a-01", "a/a-02", "b/b-01")
    assert names == {"suite.json"} | {f"{s}{end}" for s in stems for end in (".flac", ".rttm", ".emotions.csv")}
    about = json.loads((out / "suite.json").read_text(encoding="utf-8"))
    assert about["scenes"] == ["a", "b"]
    assert Suite.model_validate(about["suite"]) == load_suite(str(mine))
    before = {p: p.read_bytes() for p in out.rglob("*.*")}
    assert cli(labels, "--suite", mine, "--out", out)[0] == errors.OutputExistsError.exit_code
    assert cli(labels, "--suite", mine, "--out", out, "--overwrite")[0] == 0
    assert {p: p.read_bytes() for p in out.rglob("*.*")} == before
    other = tmp_path / "other"
    arguments = ("--scene", "a", "--conversations", "1", "--seed", "9", "--quiet")
    assert cli(labels, "--suite", mine, "--out", other, *arguments) == (0, "")
    assert {p.name for p in other.rglob("*.flac")} == {"a-01.flac"}
    assert (other / "a" / "a-01.flac").read_bytes() != before[out / "a" / "a-01.flac"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scene", "moon"), "unknown scenes moon"),
        (("--suite", "moon"), "moon: no such suite"),
        ((), "ravdess|nemo|emodb|librispeech"),  # the standard suite's corpora are not there
    ],
)
def test_the_command_refuses_what_does_not_fit(
    on_disk: tuple[Path, Path], tmp_path: Path, arguments: Sequence[str], message: str
) -> None:
    import re

    labels, mine = on_disk
    arguments = [*arguments] if "--suite" in arguments or not arguments else ["--suite", str(mine), *arguments]
    code, text = cli(labels, "--out", tmp_path / "out", *arguments)
    assert code == errors.ConfigError.exit_code
    assert re.search(message, text)
    assert not (tmp_path / "out").exists()
