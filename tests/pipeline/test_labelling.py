import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from conftest import mostly_slow, noise, write_wav
from ressenti import analyze, load_config
from ressenti.pipeline import audio, store
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import ConfigError, InputError, LabelsError, NotFoundError
from ressenti.pipeline.lab.evaluation.agreement import alpha, rows_of, validate
from ressenti.pipeline.lab.evaluation.clips import LONGEST_S, clips_of, find_recording
from ressenti.pipeline.lab.evaluation.labelling import Item, Sample, allocate, check_sample, draw
from ressenti.pipeline.lab.evaluation.labels import Answer, Rating, asked_for, read_rating
from ressenti.pipeline.records import CLASSES, Conversation, EmotionScores, ModelInfo, Turn, Validation
from ressenti.pipeline.store.validation import dump_validation, read_validation

MODEL = ModelInfo("emotion", "fake-emotion", "none")
NONE_DRAWN = dict.fromkeys((*CLASSES, "unsure"), 0)


def item(index: int, guess: str, sha256: str = "a" * 64, unsure: bool = False, speaker: str = "S1") -> Item:
    turn = Turn(index, speaker, float(index), index + 1.0, unsure=unsure)
    return Item(sha256, turn, CLASSES.index(guess), 0.5, -0.5)


def rating(sample: Sample, rater: str, *said: Any) -> Rating:
    """Answers to the items in their order: a label, (label, valence, arousal), or "" for none."""
    answers = [
        Answer(i.id, *(label if isinstance(label, tuple) else (label,)))
        for i, label in zip(sample.items, said, strict=True)
        if label
    ]
    return Rating("ressenti-labels", 1, sample.key, sample.seed, sample.count, rater, tuple(answers))


def stored(calls: Path) -> list[Conversation]:
    return [store.load(path) for path in sorted(calls.glob("*.json"))]


# ---- the sample


def test_places_go_by_the_root_of_sizes_and_nothing_that_occurs_is_left_out() -> None:
    sizes = {"Pleased": 0, "Relaxed": 3, "Neutral": 100, "Sad": 1, "Tension": 25, "unsure": 400}
    given = allocate(sizes, 71)
    assert sum(given.values()) == 71
    assert (given["Pleased"], given["Relaxed"], given["Sad"]) == (0, 3, 1)  # all there are of the small ones
    assert [round(given[name] / 67 * 35) for name in ("Neutral", "Tension", "unsure")] == [10, 5, 20]  # roots
    assert allocate(sizes, 5000) == sizes
    assert list(allocate(sizes, 6).values()) == [0, 1, 1, 1, 1, 2]


def test_the_sample_is_the_same_in_whatever_order_conversations_come(calls: Path) -> None:
    conversations = stored(calls)
    one, other = draw(conversations, 12, 1), draw(conversations[::-1], 12, 1)
    assert [i.id for i in one.items] == [i.id for i in other.items]
    assert one.key == other.key
    assert len(one.items) == 12
    assert {i.stratum for i in one.items} == {"Pleased", "Tension", "unsure"}
    assert draw(conversations, 12, 2).key != one.key
    assert draw(conversations, 13, 1).key != one.key


def test_turns_that_were_not_judged_are_not_drawn(calls: Path) -> None:
    conversations = stored(calls)
    judged = {(c.recording.sha256, t.index) for c in conversations for t in c.turns if t.emotion is not None}
    assert {(i.sha256, i.turn.index) for i in draw(conversations, 1000, 1).items} == judged


def test_the_order_and_the_key_tell_nothing_of_what_the_model_heard(calls: Path) -> None:
    conversations = stored(calls)
    rng = np.random.default_rng(3)

    def another_opinion(turn: Turn) -> Turn:
        scores = [0.01] * 5
        scores[rng.integers(5)] = 0.96
        return turn if turn.emotion is None else replace(turn, emotion=EmotionScores(tuple(scores)), unsure=False)

    others = [replace(c, turns=tuple(map(another_opinion, c.turns))) for c in conversations]
    one, other = draw(conversations, 1000, 1), draw(others, 1000, 1)
    assert [i.stratum for i in one.items] != [i.stratum for i in other.items]
    assert [i.id for i in one.items] == [i.id for i in other.items]
    assert one.key == other.key


def test_conversations_that_do_not_go_together_are_refused(calls: Path, make_conversation: Any) -> None:
    conversations = stored(calls)
    with pytest.raises(LabelsError, match=r"call-0\.wav, call-0\.wav: several"):
        draw([*conversations, conversations[0]], 10, 1)
    strange = replace(conversations[1], models=(replace(MODEL, name="other"),))
    with pytest.raises(LabelsError, match=r"fake-emotion .*, other"):
        draw([conversations[0], strange], 10, 1)
    with pytest.raises(LabelsError, match="no turn of these conversations has emotion scores"):
        draw([make_conversation("recruitment")], 10, 1)


# ---- figures


def by_hand() -> Sample:
    """Ten turns: of eight that the model calls Pleased two are drawn, of two that it calls Tension both."""
    items = (item(0, "Pleased"), item(1, "Pleased"), item(2, "Tension"), item(3, "Tension"))
    return Sample(items, NONE_DRAWN | {"Pleased": 8, "Tension": 2}, 1, 4, MODEL)


def figures(validation: Validation) -> dict[str, tuple[float | None, float]]:
    return {c.name: (c.f1, c.support) for c in validation.classes}


def test_one_rater_by_hand() -> None:
    result = validate(by_hand(), [rating(by_hand(), "Anna", "Pleased", "Neutral", "Tension", "Pleased")])
    # in turns: Pleased heard as Pleased 4, Neutral as Pleased 4, Tension as Tension 1, Pleased as Tension 1
    assert figures(result) == {
        "Pleased": (pytest.approx(2 * 4 / (5 + 8)), 2),
        "Relaxed": (None, 0),
        "Neutral": (0, 1),
        "Sad": (None, 0),
        "Tension": (pytest.approx(2 * 1 / (1 + 2)), 1),
    }
    assert result.macro_f1 == pytest.approx((8 / 13 + 0 + 2 / 3) / 3)
    assert result.right == pytest.approx(0.5)
    assert (result.alpha_class, result.macro_f1_low, result.speakers) == (None, None, 1)
    assert (result.turns, result.drawn, result.raters, result.recordings) == (4, 4, 1, 1)


def test_where_raters_differ_each_has_a_part() -> None:
    sample = by_hand()
    anna = rating(sample, "Anna", "Pleased", "Neutral", "Tension", "Pleased")
    ben = rating(sample, "Ben", "Pleased", "Pleased", "Tension", "Pleased")
    result = validate(sample, [anna, ben])
    assert figures(result)["Pleased"] == (pytest.approx(2 * 6 / (7 + 8)), 2.5)
    assert figures(result)["Neutral"] == (0, 0.5)
    assert result.right == pytest.approx(0.7)
    assert result.alpha_class == pytest.approx(1 - (2 / 8) / (2 * (5 * 1 + 5 * 2 + 1 * 2) / (8 * 7)))


def test_what_nobody_answered_is_made_up_for_and_who_cannot_tell_is_counted() -> None:
    sample = by_hand()
    result = validate(sample, [rating(sample, "Anna", "Pleased", "", "Tension", "cannot tell")])
    # one of two drawn Pleased turns was answered, so it stands for all eight; the fourth turn is nobody's
    assert result.right == pytest.approx(1.0)
    assert sample.weights([sample.items[0].id, sample.items[2].id]) == {sample.items[0].id: 8, sample.items[2].id: 2}
    assert (result.turns, result.abstentions) == (2, 1)
    together = validate(
        sample, [rating(sample, "A", "Pleased", "", "", "cannot tell"), rating(sample, "B", "Sad", "", "", "Sad")]
    )
    assert figures(together)["Sad"] == (0, 1.5)  # what A cannot tell is B's alone
    assert together.abstentions == 1


def test_sure_turns_have_a_figure_of_their_own() -> None:
    items = (item(0, "Pleased"), item(1, "Sad", unsure=True), item(2, "Sad", unsure=True))
    sample = Sample(items, NONE_DRAWN | {"Pleased": 1, "unsure": 4}, 1, 3, MODEL)
    result = validate(sample, [rating(sample, "A", "Pleased", "Sad", "Neutral")])
    assert (result.right, result.right_sure, result.sure_turns) == (pytest.approx(3 / 5), 1.0, 1)


def test_concordance_is_with_the_mean_of_the_raters() -> None:
    items = tuple(replace(item(k, "Sad"), valence=v, arousal=None) for k, v in enumerate((-0.5, 0.0, 0.5)))
    sample = Sample(items, NONE_DRAWN | {"Sad": 3}, 1, 3, MODEL)
    anna = rating(sample, "A", ("Sad", -0.6, 0.0), ("Sad", 0.1, 0.2), ("Sad", 0.5, 0.4))
    ben = rating(sample, "B", ("Sad", -0.4, 0.0), ("Sad", -0.1, 0.2), "Sad")
    result = validate(sample, [anna, ben])
    assert result.concordance_valence == pytest.approx(1.0)
    assert result.concordance_arousal is None  # the model gave none
    assert result.alpha_arousal == pytest.approx(1.0)
    assert result.alpha_class is None  # all say the same: nothing to tell agreement from


def people(seed: int, sample: Sample, raters: int) -> list[Rating]:
    rng = np.random.default_rng(seed)
    labels = [*CLASSES, "cannot tell", ""]
    return [rating(sample, f"R{k}", *(str(rng.choice(labels)) for _ in sample.items)) for k in range(raters)]


@pytest.mark.parametrize("seed", mostly_slow("judges hundreds of clips", range(5)))
def test_f1_is_as_scikit_learn_weighs_it(calls: Path, seed: int) -> None:
    sample = draw(stored(calls), 18, seed)
    ratings = people(seed, sample, 2)
    result = validate(sample, ratings)
    rows = rows_of(sample, [{a.item: a for a in r.labels} for r in ratings])
    there = sorted(set(rows.truth))
    theirs = f1_score(rows.truth, rows.guess, labels=there, average=None, sample_weight=rows.weights, zero_division=0)
    assert [c.f1 for c in result.classes if c.f1 is not None] == pytest.approx(list(theirs))
    assert result.macro_f1 == pytest.approx(theirs.mean())
    assert result.right == pytest.approx(np.average(rows.truth == rows.guess, weights=rows.weights))
    assert sum(c.support for c in result.classes) == pytest.approx(result.turns)
    assert result.macro_f1_low is not None
    assert result.macro_f1_low <= result.macro_f1_high  # type: ignore[operator]


def test_weights_give_the_figures_of_the_calls_and_not_of_the_sample() -> None:
    """Of 400 turns the model calls 380 Neutral, of which 90 % are right, and 20 Sad, of which 20 % are."""
    items = [item(k, "Neutral" if k < 380 else "Sad") for k in range(400)]
    truth = {i.id: "Neutral" if (k < 342 or k >= 384) else "Sad" for k, i in enumerate(items)}
    sizes = NONE_DRAWN | {"Neutral": 380, "Sad": 20}
    rng = np.random.default_rng(0)
    weighted, plain = [], []
    for _ in range(200):
        chosen = [items[k] for k in (*rng.choice(380, 20, replace=False), *(380 + rng.choice(20, 10, replace=False)))]
        sample = Sample(tuple(chosen), sizes, 1, 30, MODEL)
        weighted.append(validate(sample, [rating(sample, "A", *(truth[i.id] for i in chosen))]).right)
        plain.append(np.mean([truth[i.id] == CLASSES[i.guess] for i in chosen]))
    whole = (342 + 4) / 400
    assert np.mean(weighted) == pytest.approx(whole, abs=0.02)
    assert abs(np.mean(plain) - whole) > 0.1


# ---- Krippendorff's alpha

_ = None
PUBLISHED = [  # Krippendorff 2011, "Computing Krippendorff's alpha-reliability", C: nominal .743, interval .849
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]


def plain_alpha(values: Sequence[Sequence[float | None]], differ: Callable[[float, float], float]) -> float | None:
    """By the definition: observed over expected disagreement of pairs."""
    units = [[v for v in unit if v is not None] for unit in zip(*values, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    everything = [v for unit in units for v in unit]
    n = len(everything)
    observed = sum(differ(a, b) / (len(u) - 1) for u in units for a in u for b in u) / max(n, 1)
    expected = sum(differ(a, b) for a in everything for b in everything) / max(n * (n - 1), 1)
    return 1 - observed / expected if expected else None


def test_alpha_is_as_published() -> None:
    assert alpha(PUBLISHED, "nominal") == pytest.approx(0.743, abs=0.0005)
    assert alpha(PUBLISHED, "interval") == pytest.approx(0.849, abs=0.0005)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 3).flatmap(lambda n: st.lists(st.tuples(*[st.none() | st.integers(-2, 2)] * n), min_size=1)))
def test_alpha_is_as_defined(units: list[tuple[int | None, ...]]) -> None:
    values = list(zip(*units, strict=True))
    for level, differ in (("nominal", lambda a, b: float(a != b)), ("interval", lambda a, b: (a - b) ** 2)):
        plain = plain_alpha(values, differ)
        found = alpha(values, level)  # type: ignore[arg-type]
        assert (found is None) == (plain is None)
        assert found is None or found == pytest.approx(plain, abs=1e-9)


# ---- files


def labels_file(path: Path, **changes: Any) -> Path:
    data = {"format": "ressenti-labels", "version": 1, "sample": "x", "seed": 1, "count": 6, "rater": "Anna"}
    data |= {"labels": [{"item": "a-1", "label": "Sad", "valence": None, "arousal": None}]} | changes
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "format"),
        ({"version": 2}, "version"),
        ({"rater": ""}, "rater"),
        ({"labels": [{"item": "a-1", "label": "Angry"}]}, r"labels\.0\.label"),
        ({"labels": [{"item": "a-1", "label": "Sad", "valence": 2, "arousal": 0}]}, r"labels\.0\.valence"),
        ({"labels": [{"item": "a-1", "label": "Sad", "valence": 0.5, "arousal": None}]}, "or neither"),
        ({"labels": [{"item": "a-1", "label": "Sad"}] * 2}, "a-1 is answered twice"),
    ],
)
def test_what_are_no_labels_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = labels_file(tmp_path / "anna.labels.json", **changes)
    with pytest.raises(LabelsError, match=message) as caught:
        read_rating(path)
    assert "anna.labels.json" in str(caught.value)
    assert "Expected" in str(caught.value)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="cannot be read"):
        read_rating(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("hello", encoding="utf-8")
    with pytest.raises(LabelsError, match="not labels"):
        read_rating(tmp_path / "text.json")


def test_raters_must_have_labelled_the_same_page_and_be_two_people(tmp_path: Path) -> None:
    anna = read_rating(labels_file(tmp_path / "a.json"))
    assert asked_for([anna, replace(anna, rater="Ben")]) == (6, 1)
    with pytest.raises(LabelsError, match="the same page"):
        asked_for([anna, replace(anna, rater="Ben", sample="y", seed=2)])
    with pytest.raises(LabelsError, match="one file for each rater"):
        asked_for([anna, replace(anna, rater="anna ")])


def test_labels_of_other_conversations_are_refused(calls: Path) -> None:
    conversations = stored(calls)
    sample = draw(conversations, 10, 1)
    said = rating(sample, "Anna", *["Sad"] * 10)
    check_sample(sample, [said])
    with pytest.raises(LabelsError, match="Give all NAME"):
        check_sample(draw(conversations[1:], 10, 1), [said])
    with pytest.raises(LabelsError, match="these labels contain no class"):
        check_sample(sample, [rating(sample, "Anna", *["cannot tell"] * 10)])


def a_validation() -> Validation:
    return validate(by_hand(), [rating(by_hand(), "Anna", "Pleased", "Neutral", "Tension", "Pleased")])


def test_a_result_is_read_back_rounded(tmp_path: Path) -> None:
    path = tmp_path / "validation.json"
    path.write_text(dump_validation(a_validation()), encoding="utf-8")
    assert list(json.loads(path.read_text(encoding="utf-8")))[:3] == ["format", "version", "model"]
    read = read_validation(str(path))
    assert read is not None
    assert read.macro_f1 == round(a_validation().macro_f1, 4)
    assert replace(read, classes=(), macro_f1=0) == replace(a_validation(), classes=(), macro_f1=0)
    assert read_validation(None) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("{", "not JSON"),
        ("[]", "not a validation"),
        ('{"format": "ressenti-validation", "version": 9}', "version 9"),
        ('{"format": "ressenti-validation", "version": 1}', "model"),
    ],
)
def test_what_is_no_result_is_a_config_error(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "validation.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        read_validation(str(path))
    assert "evaluate label --read" in str(caught.value)


def test_a_config_names_the_result_from_beside_it(tmp_path: Path, recording: Path) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "mine.yaml").write_text("report: {validation: validation.json}", encoding="utf-8")
    config = load_config(folder / "mine.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        analyze(recording, config)
    (folder / "validation.json").write_text(dump_validation(a_validation()), encoding="utf-8")
    conversation = analyze(recording, config, diarizer=FakeDiarizer([(1, 4, "S1")]), emotion_model=FakeEmotion())
    assert conversation.validation is not None
    assert conversation.validation.is_of(conversation.models)
    assert store.loads(store.dumps(conversation)).validation == conversation.validation
    other = replace(MODEL, sha256="ab")
    assert not conversation.validation.is_of([other])
    before = json.loads(store.dumps(conversation))
    del before["validation"]  # as files were before there were validations
    assert store.loads(json.dumps(before)).validation is None


# ---- sound


def heard(mp3: bytes, folder: Path) -> audio.Audio:
    path = folder / "clip.mp3"
    path.write_bytes(mp3)
    return audio.load(path, AudioOptions(remove_hum=False))[1]


def loudest_hz(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples.astype(float)))) * audio.RATE_HZ / len(samples))


def test_a_clip_is_the_turn_out_of_its_speakers_channel(tmp_path: Path) -> None:
    seconds = np.arange(30 * 16_000) / 16_000
    path = write_wav(tmp_path / "split.wav", 0.02 * np.sin(2 * np.pi * np.outer([500, 1500], seconds)))
    conversation = analyze(
        path,
        load_config("default", {"audio": {"channels": "split", "remove_hum": False}}),
        diarizer=FakeDiarizer([(1.0, 4.0, "S1"), (5.0, 28.0, "S2")]),
        emotion_model=FakeEmotion(),
    )
    sample = draw([conversation], 6, 1)
    clips = {clip.item: clip for clip in clips_of(sample, {tmp_path / "split.json": conversation}, None)}
    assert set(clips) == {i.id for i in sample.items}
    for i in sample.items:
        sound = heard(clips[i.id].mp3, tmp_path)
        assert loudest_hz(sound.samples[0]) == pytest.approx({"S1": 500, "S2": 1500}[i.turn.speaker], abs=2)
        assert sound.duration_s == pytest.approx(min(i.turn.duration_s, LONGEST_S), abs=0.15)
        assert clips[i.id].cut == (i.turn.speaker == "S2")
        assert 20 * np.log10(np.std(sound.samples[0] / 32768)) == pytest.approx(-20, abs=0.5)
    again = clips_of(sample, {tmp_path / "split.json": conversation}, None)
    assert {clip.item: clip for clip in again} == clips


def test_a_recording_is_found_by_its_name_and_its_bytes(calls: Path, tmp_path: Path) -> None:
    (conversation, *_) = stored(calls)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    with pytest.raises(NotFoundError, match=r"call-0\.wav: not found in .* --recordings"):
        find_recording(conversation, tmp_path / "deep")
    write_wav(tmp_path / "deep" / "call-0.wav", noise(3, seed=9))
    with pytest.raises(InputError, match=r"SHA-256 .* expected"):
        find_recording(conversation, tmp_path / "deep")
    (tmp_path / "deep" / "call-0.wav").unlink()
    moved = (calls / "call-0.wav").rename(tmp_path / "deep" / "er" / "call-0.wav")
    assert find_recording(conversation, tmp_path / "deep") == moved
