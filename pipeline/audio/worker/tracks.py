"""Which of a file's sound tracks are decoded, and why others are not (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_OTHER_VERSIONS = ("dub", "comment", "karaoke", "visual_impaired", "hearing_impaired", "descriptions", "lyrics")


@dataclass(frozen=True)
class Track:
    """What a file says of one of its sound tracks; `number` counts from 1 among them."""

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
    """Numbers of the tracks to decode, and of those left out each with the reason.

    `other_version`: a commentary, dubbing or the like by its own mark. `language`: another language than the main
    track's, so a version of the same talk. `no_decoder`: of a codec that nothing here decodes.
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
