"""Suites of simulated conversations: what may be asked for, and whose voices they use."""

from pathlib import Path

import pytest
from simulated_talk import RATE, digest, one

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.evaluation.overlap import overlap_of
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.simulation.options import Scene, load_suite, suite_names
from ressenti.pipeline.lab.simulation.suite import simulate
from ressenti.pipeline.records import Segment


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
        ("scenes: {a: {corpora: {x: 1}, third: room, speakers: [3, 3]}}", "third: room needs"),
        (
            "scenes: {a: {corpora: {x: 1}, third: transfer, sound: {channels: split}}}",
            "with third: transfer, expected speakers: .3, 3., got",
        ),
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
        "transfer": (3, 3),
        "speakerphone": (3, 3),
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
        "conversations", "speakers", "minutes", "corpora", "fresh_share", "alike", "third", "scripts", "talk", "sound",
        "playing",
    }  # fmt: skip


def test_the_development_suite_is_free_of_what_is_measured_on() -> None:
    assert suite_names() == ("development", "moods", "sounds", "sounds-development", "standard")
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


@pytest.mark.slow("judges hundreds of clips")
def test_the_standard_suite_uses_held_out_speakers_alone(shared_data: Path) -> None:
    standard = load_suite("standard")
    scene = standard.scenes["several"].model_copy(update={"minutes": 0.1, "conversations": 1})
    options = standard.model_copy(update={"scenes": {"several": scene}})
    everybody = [
        clip for folder in ("emotion", "speech") for clip in corpora.read_clips(shared_data / folder, labelled=False)
    ]
    clips = corpora.unseen(everybody)
    assert all(corpora.is_held_out(c) for c in clips)
    assert {c.corpus for c in clips} >= {name for s in standard.scenes.values() for name in s.corpora}
    few = {who: [c for c in clips if c.who == who][:1] for who in sorted({c.who for c in clips})}
    held = {f"{corpus}-{name}" for corpus, name in corpora.held_out()}
    made = one([c for own in few.values() for c in own], options)
    assert {s.speaker for s in made.truth} <= held
    again = one([c for own in few.values() for c in own], options)
    assert digest(again) == digest(made)


@pytest.mark.slow("judges hundreds of clips")
@pytest.mark.usefixtures("unrendered")
def test_scenes_with_much_overlap_have_a_tenth_to_three_tenths(shared_data: Path) -> None:
    clips = corpora.read_clips(shared_data / "speech", labelled=False)
    for name, everybody in (("standard", corpora.unseen(clips)), ("development", corpora.seen(clips))):
        some = sorted({c.who for c in everybody if c.corpus == "librispeech"})[:6]
        own, options = [c for c in everybody if c.who in some], load_suite(name)
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
