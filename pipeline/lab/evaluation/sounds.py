"""Compares sounds and announcements with a known truth: what was played, who was taken for an announcement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ressenti.pipeline.edits.corrections import corrected_segments
from ressenti.pipeline.records import Conversation, Segment, union_s
from ressenti.pipeline.records.intervals import without

Span = tuple[float, float]
NEAR_S = 1.0  # how far a mark may be from the sound
VOICES = ("laughter", "crying", "cough", "throat", "sigh", "sneeze", "shout")


@dataclass(frozen=True)
class TrueSound:
    """A sound that is in a recording: its kind (also `announcement`) and its times in seconds."""

    start_s: float
    end_s: float
    kind: str


@dataclass(frozen=True)
class SoundFigures:
    """Seconds and counts of one or more recordings; they add up.

    `played_s` of music and tones, of which `played_spoken_s` were taken for a person's speech. `announced_s` of
    announcements, of which `recognised_s` were called so. `talk_s` of people's talk, of which `wrongly_s` was called
    an announcement. `voices`: by kind, how many sounds of voices there are, how many were marked as that kind, and how
    many at all. `false_marks` are marks of sounds of voices where there is none.
    """

    duration_s: float = 0.0
    played_s: float = 0.0
    played_spoken_s: float = 0.0
    announced_s: float = 0.0
    recognised_s: float = 0.0
    talk_s: float = 0.0
    wrongly_s: float = 0.0
    called_s: float = 0.0
    false_marks: int = 0
    voices: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def __add__(self, other: SoundFigures) -> SoundFigures:
        kinds = {
            kind: tuple(
                a + b for a, b in zip(self.voices.get(kind, (0, 0, 0)), other.voices.get(kind, (0, 0, 0)), strict=True)
            )
            for kind in {*self.voices, *other.voices}
        }
        numbers = {
            name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__ if name != "voices"
        }
        return SoundFigures(**numbers, voices=kinds)  # type: ignore[arg-type]

    @property
    def false_per_10_min(self) -> float:
        """False marks of sounds of voices in ten minutes."""
        return self.false_marks / max(self.duration_s / 600, 1e-9)


def compare_sounds(
    conversation: Conversation, truth: Sequence[TrueSound], talk: Sequence[Segment] | None = None
) -> SoundFigures:
    """Compare what was found in a recording with its sounds, and with who talks (None: nobody says)."""
    people = {speaker.label for speaker in conversation.people}
    segments = corrected_segments(conversation)
    said = union_s([(s.start_s, s.end_s) for s in segments if s.speaker in people])
    announced = union_s([(s.start_s, s.end_s) for s in segments if s.speaker not in people])
    talked = union_s([(s.start_s, s.end_s) for s in talk or ()])
    prompts = without(union_s([(t.start_s, t.end_s) for t in truth if t.kind == "announcement"]), talked)
    played = without(union_s([(t.start_s, t.end_s) for t in truth if t.kind in ("music", "tone")]), talked)
    marks = [s for s in conversation.sounds if not s.played]
    true_voices = [t for t in truth if t.kind in VOICES]
    voices: dict[str, tuple[int, int, int]] = {}
    for sound in true_voices:
        near = {m.kind for m in marks if m.start_s < sound.end_s and m.end_s > sound.start_s}
        count, right, any_ = voices.get(sound.kind, (0, 0, 0))
        voices[sound.kind] = (count + 1, right + (sound.kind in near), any_ + bool(near))
    false = [
        m for m in marks if not any(m.start_s < t.end_s + NEAR_S and m.end_s > t.start_s - NEAR_S for t in true_voices)
    ]
    return SoundFigures(
        duration_s=conversation.recording.duration_s,
        played_s=_length(played),
        played_spoken_s=_shared(played, said),
        announced_s=_length(prompts),
        recognised_s=_shared(prompts, announced),
        talk_s=_length(talked),
        wrongly_s=_shared(talked, announced),
        called_s=_length(announced),
        false_marks=len(false),
        voices=voices,
    )


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)


def _shared(spans: Sequence[Span], others: Sequence[Span]) -> float:
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in spans for c, d in others)
