"""What the goldens of figures cannot say: a class looks the same everywhere, and is told by more than its colour."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti import with_corrections
from ressenti.pipeline.config import AffectOptions
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import CLASSES, Conversation, Corrections, Segment, TurnCorrection
from ressenti.reports.figures import make_figures
from ressenti.reports.figures.plane import NAME_WIDTH, label_place, region
from ressenti.reports.figures.shares import seconds_by_class
from ressenti.reports.figures.style import CLASS_COLOURS, bar_style
from ressenti.reports.figures.talk import talk_by_part
from ressenti.reports.figures.timeline import overlaps
from ressenti.reports.page_shell import asset
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
ANCHORS = {name: (float(x), float(y)) for name, (x, y) in AffectOptions().anchors.items()}


def look(marker: dict[str, object]) -> tuple[object, ...]:
    """What is left of a bar without colours: the shape of its pattern, and whether it stands on white."""
    pattern = marker.get("pattern")
    if not isinstance(pattern, dict):
        return ("plain", marker["color"] == "#DDE1E6")
    return (pattern["shape"], pattern["bgcolor"] == "#FFFFFF")


def test_classes_unsure_and_not_judged_are_told_apart_without_colour() -> None:
    looks = [look(bar_style(name, False, scored=True)) for name in CLASSES]
    looks += [look(bar_style("unsure", True, scored=True)), look(bar_style("none", False, scored=True))]
    assert len(set(looks)) == len(looks)
    assert {look(bar_style(name, True, scored=True)) for name in CLASSES} == {("/", True)}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_one_pattern_in_bars_regions_and_keys(make_conversation: Make, name: str) -> None:
    figures = make_figures(make_conversation(), Wording("en"))
    shown = bar_style(name, False, scored=True)
    for figure in ("shares", "course"):
        for trace in figures[figure].data:
            if trace.name == name:
                assert trace.marker.pattern.shape == shown.get("pattern", {}).get("shape")
    regions = [trace for trace in figures["plane"].data if trace.fill == "toself"][: len(CLASSES)]
    assert regions[CLASSES.index(name)].fillpattern.shape == shown.get("pattern", {}).get("shape")
    key = re.search(rf"\.c-{name} {{ background: ([^}}]*) }}", asset("page.css"))
    assert key
    assert CLASS_COLOURS[name].lower() in key[1]
    kinds = {".": ["radial"], "-": ["repeating-linear-gradient(#"], "|": ["(90deg"], "x": ["(45deg", "(-45deg"]}
    for part in kinds.get(shown.get("pattern", {}).get("shape", ""), []):
        assert part in key[1]
    assert ("gradient" in key[1]) is ("pattern" in shown)


def test_an_unsure_turn_has_no_colour_of_a_class_and_its_letter_asks(make_conversation: Make) -> None:
    lanes = make_figures(make_conversation(), Wording("en"))["timeline"]
    (unsure,) = [trace for trace in lanes.data if trace.name == "Pleased (unsure)"]
    assert unsure.text == ("P?",)
    assert not {unsure.marker.color, unsure.marker.pattern.fgcolor} & set(CLASS_COLOURS.values())


def test_overlap_is_drawn_by_speech_where_turns_are_cut_without_it(make_conversation: Make) -> None:
    made = make_conversation()
    assert overlaps(made) == [(19.0, 20.0, "S1"), (19.0, 20.0, "S2")]
    alone = tuple(s for s in made.diarization.segments if s.speaker == "S1")
    turns = tuple(turn for turn in made.turns if turn.speaker == "S1")
    cut = replace(made, diarization=replace(made.diarization, exclusive=alone), turns=turns)
    assert overlaps(cut) == overlaps(made)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("top", [True, False])
def test_a_name_lies_in_its_region_where_it_has_room(name: str, top: bool) -> None:
    x, y = label_place(region(name, ANCHORS), top=top)
    assert -1 < y < 1
    for dx in (-NAME_WIDTH / 2 + 0.01, 0, NAME_WIDTH / 2 - 0.01):
        nearest = min(CLASSES, key=lambda other: (ANCHORS[other][0] - x - dx) ** 2 + (ANCHORS[other][1] - y) ** 2)
        assert nearest == name


@pytest.mark.parametrize("lang", ["en", "fr", "es"])
def test_names_of_regions_are_above_whatever_lies_there_and_apart(make_conversation: Make, lang: Lang) -> None:
    words = Wording(lang)
    figure = make_figures(make_conversation(), words)["plane"]
    labels = figure.layout.annotations  # plotly draws these above all traces
    assert [label.text for label in labels] == [words(name) for name in CLASSES]
    assert all(label.bgcolor == "rgba(255,255,255,0.8)" for label in labels)
    assert not any(trace.mode and "text" in trace.mode for trace in figure.data)
    for i, one in enumerate(labels):
        for other in labels[i + 1 :]:
            assert abs(one.x - other.x) > 0.5 or abs(one.y - other.y) > 0.3


def test_a_class_that_has_no_region_has_no_name(make_conversation: Make) -> None:
    made = make_conversation()
    affect = {**made.config["affect"], "anchors": {**ANCHORS, "Sad": (-9.0, -9.0)}}  # type: ignore[dict-item]
    figure = make_figures(replace(made, config={**made.config, "affect": affect}), Wording("en"))["plane"]
    assert "Sad" not in [label.text for label in figure.layout.annotations]


def test_no_part_holds_more_judged_speech_than_was_spoken_in_it(make_conversation: Make) -> None:
    made = make_conversation()
    step, bins = seconds_by_class(made)
    for speaker in made.speakers:
        assert speaker.affect
        parts = [sum(part) for part in bins[speaker.label]]
        assert sum(parts) == pytest.approx(speaker.affect.judged_s)
        for k, seconds in enumerate(parts):
            spoken = sum(inside(s, k * step, step) for s in made.diarization.segments if s.speaker == speaker.label)
            assert seconds <= spoken + 1e-9
    assert [round(sum(part), 2) for part in bins["S1"][:4]] == [3.5, 0.5, 5.0, 4.0]  # 9.5 to 19 s is one long turn


def test_talk_by_part_adds_up_to_the_talk_time_on_the_cards(make_conversation: Make) -> None:
    made = make_conversation()
    pause = [Segment(9.5, 12, "S1"), Segment(12.4, 20, "S1")]  # one turn all the same
    segments = [pause[0], pause[1], *(s for s in made.diarization.segments if s.start_s != 9.5)]
    moved = Corrections(turns=(TurnCorrection(1, speaker="S1"),))
    cut = replace(made, diarization=replace(made.diarization, segments=tuple(segments)))
    for conversation in (with_corrections(cut, Corrections()), with_corrections(cut, moved)):
        _, parts = talk_by_part(conversation)
        for speaker in conversation.speakers:
            assert speaker.talk
            assert sum(parts[speaker.label]) == pytest.approx(speaker.talk.talk_s)


def inside(segment: Segment, start_s: float, length_s: float) -> float:
    """Seconds of a segment in a stretch."""
    return max(0.0, min(segment.end_s, start_s + length_s) - max(segment.start_s, start_s))
