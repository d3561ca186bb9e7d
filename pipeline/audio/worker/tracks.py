"""Choose the sound tracks to decode, and say why others are left out (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_OTHER_VERSIONS = ("dub", "comment", "karaoke", "visual_impaired", "hearing_impaired", "descriptions", "lyrics")


@dataclass(frozen=True)
class Track:
    """Description of a sound track; `number` counts the sound tracks from 1."""

    number: int
    codec: str
    decodable: bool
    channels: int
    rate_hz: int
    language: str = ""
    title: str = ""
    default: bool = False
    uses: tuple[str, ...] = ()


def chosen(tracks: Sequence[Track], wanted: int | None) -> tuple[tuple[int, ...], dict[int, str]]:
    """Return the numbers of the tracks to decode, and those left out with the reason.

    `other_version`: marked as commentary, dubbing or the like. `language`: in another language than the main track, so
    a version of the same speech. `no_decoder`: no decoder for its codec.
    """
    if wanted is not None:
        return (wanted,), {}
    left: dict[int, str] = {track.number: "no_decoder" for track in tracks if not track.decodable}
    rest = [track for track in tracks if track.decodable]
    plain = [track for track in rest if not set(track.uses) & set(_OTHER_VERSIONS)]
    if plain:
        left |= {track.number: "other_version" for track in rest if track not in plain}
        rest = plain
    languages = {track.language for track in rest} - {"", "und", "mis", "zxx", "mul"}
    if len(languages) > 1:
        marked = [track for track in rest if track.default and track.language in languages]
        main = (marked or [track for track in rest if track.language in languages])[0]
        left |= {track.number: "language" for track in rest if track.language != main.language}
        rest = [track for track in rest if track.language == main.language]
    return tuple(track.number for track in rest), left
