"""Options for simulated conversations, in small frozen groups; an unknown key is an error.

Defaults follow published studies, cited beside each figure. Numbers that we chose ourselves are marked as ours.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from ressenti.pipeline.config.option_group import Group, misfits
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.untrusted import RefusedError, parse_yaml, read_text

Positive = Annotated[float, Field(gt=0, le=1000)]
NotNegative = Annotated[float, Field(ge=0, le=100)]
Level = Annotated[float, Field(ge=-200, le=200)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=100)]  # of folders and files


MOST_BYTES = 256 * 1024  # of a suite file


def _check_order(group: Group, *names: str) -> None:
    """Raise `ValueError` where the first of two bounds is above the second."""
    for name in names:
        low, high = getattr(group, name)
        if low > high:
            raise ValueError(f"{name}: {low} is above {high}")


class Talk(Group):
    """Turn-taking. Lengths and gaps are log-normal: a median in seconds and the spread of the logarithm.

    Two in five speaker changes overlap (Heldner & Edlund 2010), the others leave a gap, so a change takes about 0.2 s
    on average (Stivers et al. 2009; Levinson & Torreira 2015). Overlaps (Laskowski, Heldner & Edlund 2012) and pauses
    (Campione & Veronis 2002) are log-normal; their medians and spreads are ours, and so are the turn lengths. A fifth
    of utterances are backchannels (Jurafsky et al. 1997: .19 in Switchboard).

    With an `overlap_rate` above 0, changes overlap whenever less of the speech than that is overlapped so far, whatever
    `overlap_share` says. Of the speech of professional meetings 5 to 10 % is overlapped, of informal get-togethers more
    than 20 % (Kinoshita, Delcroix & Tawara 2021); telephone conversations overlap as much as meetings (Shriberg,
    Stolcke & Baron 2001).
    """

    turn_s: Annotated[float, Field(ge=0.1, le=600)] = 5.0
    turn_spread: NotNegative = 0.8
    overlap_share: Share = 0.4
    overlap_s: Positive = 0.2
    overlap_spread: NotNegative = 0.8
    longest_overlap_s: Positive = 1.2
    overlap_rate: tuple[Share, Share] = (0.0, 0.0)  # share of speech that is overlapped, drawn between
    gap_s: Positive = 0.3
    gap_spread: NotNegative = 1.0
    pause_s: Positive = 0.5
    pause_spread: NotNegative = 0.6
    backchannel_share: Share = 0.19
    return_share: Share = 0.6  # share of changes, with three or more, back to the previous speaker (ours)
    cut: bool = False  # turns last as long as drawn: the last utterance ends early, at a quiet moment
    least_talk_s: Annotated[float, Field(ge=0, le=600)] = 0.0  # the conversation lasts until each has talked so long

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        _check_order(self, "overlap_rate")
        return self


class Phase(Group):
    """A part of a script: its share of the conversation, and the weights of the emotions for each speaker.

    The last entry applies to all further speakers.
    """

    share: Positive
    emotions: tuple[dict[str, Positive], ...] = Field(min_length=1)


class Sounding(Group):
    """Recording conditions.

    Vocal effort varies from utterance to utterance. With more of it a voice gets louder, and its upper frequencies more
    so than its lower ones (Traunmüller & Eriksson 2000); how much it varies is ours. Clips that repeat are then never
    twice the same.
    """

    level_dbfs: Level = -26.0
    level_spread_db: NotNegative = 3.0  # standard deviation between speakers
    effort_db: NotNegative = 0.0  # standard deviation of the level between utterances of a speaker
    tilt_db: NotNegative = 0.0  # standard deviation of what is added above 1 kHz, which goes with the level
    telephone: bool = False  # 300 to 3,400 Hz
    codecs: tuple[Literal["none", "mulaw", "alaw", "gsm", "opus", "mp3"], ...] = Field(
        ("none",), min_length=1
    )  # one is drawn per conversation
    noise: Literal["none", "pink", "babble"] = "none"
    snr_db: tuple[Level, Level] = (15.0, 30.0)  # drawn between
    t60_s: tuple[NotNegative, NotNegative] = (0.0, 0.0)  # reverberation time, drawn between; 0 for none
    direct_db: Level = 6.0  # direct sound above the reverberation
    channels: Literal["mono", "split"] = "mono"  # split: one speaker per channel
    bleed_db: tuple[Level, Level] = (-60.0, -60.0)  # level of the other channels, drawn between

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        _check_order(self, "snr_db", "t60_s", "bleed_db")
        return self


class Playing(Group):
    """What is played in a conversation; the sounds are recorded ones, from a folder that `ressenti simulate` is given.

    `lead` comes before the talk and `middle` where nobody speaks, near the middle: each entry is a kind of sound, an
    announcement being one to three prompts of one voice. `voices` times somebody laughs, cries, coughs or clears their
    throat after a turn.
    """

    lead: tuple[Literal["announcement", "tone", "music"], ...] = ()
    middle: tuple[Literal["announcement", "tone", "music"], ...] = ()
    voices: Annotated[int, Field(ge=0, le=1000)] = 0


class Scene(Group):
    """One kind of conversation; `corpora` are drawn by weight, and each conversation uses speakers of one corpus.

    Speakers are preferred of whom `fresh_share` of their talk can be different speech; the rest repeats. With `alike`,
    a third of them is drawn, and of these the ones whose speaker embeddings are nearest.

    With `third`, split channels hold three people, two of them on the second channel: after a `transfer`, the third
    takes over from the second and begins anew; in a `room`, all three talk with each other.
    """

    conversations: Annotated[int, Field(ge=1, le=100_000)] = 1
    speakers: tuple[Annotated[int, Field(ge=1, le=8)], Annotated[int, Field(ge=1, le=8)]] = (2, 2)
    minutes: Annotated[float, Field(ge=0.1, le=720)] = 4.0
    corpora: dict[str, Positive] = Field(min_length=1)
    fresh_share: Share = 1 / 3  # ours
    alike: bool = False
    third: Literal["nobody", "transfer", "room"] = "nobody"
    scripts: tuple[str, ...] = ()  # one is drawn per conversation; empty: any clip at any time
    talk: Talk = Talk()
    playing: Playing | None = None
    sound: Sounding = Sounding()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_order(self, "speakers")
        people = 2 if self.third == "nobody" else 3
        if self.sound.channels == "split" and self.speakers != (people, people):
            raise ValueError(
                "channels: split has one speaker per channel and perhaps a third: with third: "
                f"{self.third}, expected speakers: [{people}, {people}], got {self.speakers}"
            )
        if self.third != "nobody" and self.sound.channels != "split":
            raise ValueError(f"third: {self.third} needs sound: {{channels: split}}")
        return self


class Suite(Group):
    """Scenes by name, and the scripts that they use.

    `speakers`: `held-out` are those that no training has seen, to measure on; `training` are those that trainings may
    use, to choose thresholds on.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    speakers: Literal["held-out", "training"] = "held-out"
    sounds: Literal["held-out", "development"] = "held-out"  # the half of recorded sounds that `playing` takes
    scripts: dict[str, Annotated[tuple[Phase, ...], Field(min_length=1)]] = Field({})
    scenes: dict[Name, Scene] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, scene in self.scenes.items():
            if unknown := set(scene.scripts) - set(self.scripts):
                raise ValueError(f"{name}: unknown scripts {', '.join(sorted(unknown))}")
        return self


def suite_names() -> tuple[str, ...]:
    """Names of the built-in suites."""
    folder = resources.files("ressenti.configs") / "simulation"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_suite(source: str) -> Suite:
    """Load a suite by name or from a YAML file; raises `ConfigError` if it does not exist or is invalid."""
    path = Path(source)
    try:
        if source in suite_names():
            text = (resources.files("ressenti.configs") / "simulation" / f"{source}.yaml").read_text(encoding="utf-8")
        else:
            text = read_text(path, MOST_BYTES)
        return Suite.model_validate(parse_yaml(text))
    except OSError as exc:
        raise ConfigError(f"{source}: no such suite; expected one of {', '.join(suite_names())}, or a file.") from exc
    except RefusedError as exc:
        raise ConfigError(f"{source}: {exc}. Expected scenes as in configs/simulation/standard.yaml.") from exc
    except ValidationError as exc:
        problems = misfits(exc, Suite)
        raise ConfigError(f"{source}: {problems}. Expected scenes as in configs/simulation/standard.yaml.") from exc
