"""Misses and false alarms of known voices, on voices made by hand and on a small corpus."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from commands import ressenti
from conftest import noise, write_wav
from ressenti.pipeline.audio import RATE_HZ, Audio
from ressenti.pipeline.lab.evaluation import voices as lab
from ressenti.pipeline.lab.evaluation.voices import Enrolled, VoiceParts, figures_of, on_a_line, strangers, voices_in
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.prepare import read
from ressenti.pipeline.models import campplus
from ressenti.pipeline.voices import likeness
from ressenti.pipeline.voices.hearing import HeardVoice, hear

PEOPLE = np.eye(8, campplus.WIDTH, dtype=np.float32)


@pytest.fixture(autouse=True)
def plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    none = np.zeros((0, campplus.WIDTH), np.float32)
    made = likeness.Lines(np.zeros(campplus.WIDTH, np.float32), none, np.array([3.0]), np.array([0.1]))
    monkeypatch.setattr(likeness, "lines", lambda: made)


def embedded(features: Sequence[np.ndarray]) -> np.ndarray:
    """What is heard of made-up sound: its level and nothing else."""
    out = np.zeros((len(features), campplus.WIDTH), np.float32)
    for row, rows in zip(out, features, strict=True):
        row[int(-rows.mean()) % 8] = 1
    return out


def enrolled(person: int, heard: Sequence[np.ndarray], emotion: str = "") -> Enrolled:
    voice = HeardVoice(PEOPLE[person], 30.0)
    parts = tuple(VoiceParts(line, emotion, 10.0, np.array(heard, np.float32)) for line in (False, True))
    return Enrolled(("made", str(person)), {False: voice, True: voice}, parts)


def test_misses_are_counted_by_own_voices_and_false_alarms_by_strangers() -> None:
    lost, like_first = PEOPLE[7], PEOPLE[0]
    found = [
        enrolled(0, [PEOPLE[0], PEOPLE[0], PEOPLE[0], lost]),
        enrolled(1, [PEOPLE[1]] * 4),
        enrolled(2, [PEOPLE[2], PEOPLE[2], PEOPLE[2], like_first]),
        enrolled(3, [PEOPLE[3]] * 4),
    ]
    rows = figures_of(found, 0.001)
    assert [row.way for row in rows] == list(lab.WAYS)
    row = rows[0]
    assert (row.people, row.trials, row.strangers, row.enrolled_s) == (4, 16, 48, 30.0)
    assert row.miss == 2 / 16
    assert row.false_alarm == pytest.approx(1 / 48)
    assert row.miss_interval is not None
    assert row.miss_interval.low <= row.miss <= row.miss_interval.high
    assert np.isnan(row.miss_at_own)  # of 48 strangers, one in 1,000 cannot be told
    assert not np.isnan(figures_of(found, 0.1)[0].miss_at_own)


def test_voices_are_compared_as_an_analysis_compares_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody by telephone is alike as a line makes them: strangers are not named for that."""
    made = likeness.Lines(np.zeros(campplus.WIDTH, np.float32), PEOPLE[7:], np.array([3.0]), np.array([0.1]))
    by_line = [(PEOPLE[k] + 3 * PEOPLE[7]) / np.sqrt(np.float32(10)) for k in range(4)]
    found = [enrolled(k, [by_line[k]]) for k in range(4)]
    monkeypatch.setattr(likeness, "lines", lambda: made)
    for row in figures_of(found, 0.001):
        assert (row.miss, row.false_alarm) == (0.0, 0.0)
        assert (row.mean_own, row.mean_strangers) == pytest.approx((1.0, 0.0), abs=1e-5)


def test_emotions_are_counted_apart() -> None:
    found = [enrolled(0, [PEOPLE[0]], "angry"), enrolled(1, [PEOPLE[7]], "angry"), enrolled(2, [PEOPLE[2]], "sad")]
    rows = {row.emotion: row for row in figures_of(found, 0.001) if row.way == "clean"}
    assert (rows["angry"].miss, rows["sad"].miss) == (0.5, 0.0)


def test_likeness_of_strangers() -> None:
    voices = {(10.0, line): {("made", str(k)): PEOPLE[k] for k in range(4)} for line in (False, True)}
    rows = strangers(voices)
    assert [(row.way, row.pairs, row.mean) for row in rows] == [(way, 12, 0.0) for way in lab.WAYS]


def test_spreads_hold_for_the_worst_way_and_quantile() -> None:
    from ressenti.pipeline.lab.training.voice_lines import spreads

    rows = [
        lab.Strangers("clean", 10.0, 9, 72, 0, 0.1, (0.2, 0.3, 0.4)),
        lab.Strangers("telephone", 10.0, 9, 72, 0, 0.1, (0.2, 0.5, 0.4)),
    ]
    assert spreads(rows) == {"10": pytest.approx(0.5 / 3.0902, abs=1e-3)}


def test_directions_of_lines_are_learned() -> None:
    from ressenti.pipeline.lab.training.voice_lines import learned

    rng = np.random.default_rng(0)
    who = [("made", str(k)) for k in range(20)]
    clean = rng.normal(size=(20, campplus.WIDTH))
    line = rng.normal(size=campplus.WIDTH)
    found = {(10.0, by): {w: v + by * 3 * line for w, v in zip(who, clean, strict=True)} for by in (False, True)}
    mean, directions = learned(found)
    assert mean == pytest.approx(clean.mean(axis=0) + 1.5 * line)
    assert abs(directions[0] @ line) / np.linalg.norm(line) == pytest.approx(1)


def test_parts_are_heard_as_an_analysis_hears_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campplus, "embed", embedded)
    loud, soft = noise(10), noise(12, seed=1) * 0.01
    samples = (np.concatenate([loud, soft]) * 32767).astype(np.int16)
    found = voices_in(samples, [3.0, 5.0, 10.0])
    assert {length: len(vectors) for length, vectors in found.items()} == {3.0: 7, 5.0: 4, 10.0: 2}
    whole = hear(Audio(samples[None, 10 * RATE_HZ :]), [(0.0, 10.0)])
    assert whole is not None
    assert found[10.0][1] == pytest.approx(whole.embedding)


def test_a_line_is_the_same_on_every_call(tmp_path: Path) -> None:
    clip = Clip(write_wav(tmp_path / "a.wav", noise(2)), "made", "a", "")
    samples = read(clip)
    heard = on_a_line(clip, samples)
    assert len(heard) == len(samples)
    assert np.array_equal(heard, on_a_line(clip, samples))
    spectrum = np.abs(np.fft.rfft(heard.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
    assert spectrum[hz > 4_200].sum() < 0.01 * spectrum.sum()


def test_the_command_prints_and_stores_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campplus, "embed", embedded)
    monkeypatch.setattr(lab, "ENROLLED_S", 6.0)
    rows = ["path,speaker"]
    for person, level in (("a", 1.0), ("b", 0.1)):
        for k in range(3):
            name = f"{person}{k}.wav"
            write_wav(tmp_path / name, noise(6, seed=k) * level)
            rows.append(f"{name},{person}")
    (tmp_path / "speakers.csv").write_text("\n".join(rows), encoding="utf-8")
    done = ressenti("evaluate", "voices", tmp_path, "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    assert "2 people, 6 clips" in done.stdout
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert {row["way"] for row in figures["rows"]} == set(lab.WAYS)
    clean = next(row for row in figures["rows"] if row["way"] == "clean" and row["speech_s"] == 3)
    assert (clean["miss"], clean["false_alarm"]) == (0.0, 0.0)
    assert "pairs" in ressenti("evaluate", "voices", tmp_path, "--strangers").stdout
    assert ressenti("evaluate", "voices", tmp_path, "--development").returncode == 2
