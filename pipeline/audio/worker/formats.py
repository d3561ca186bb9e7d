"""Formats that FFmpeg's libraries may read: only files that contain their sound, none that refer to other files."""

from __future__ import annotations

from collections.abc import Mapping

from .chains import is_chain
from .source import Source

# demuxers by FFmpeg's names; none of them opens a second file (mov follows references only if enabled)
ALLOWED = (
    *("wav", "w64", "aiff", "au", "caf", "mp3", "aac", "loas", "flac", "ogg", "mov", "matroska", "avi", "asf", "amr"),
    *("amrnb", "amrwb", "mpegts", "mpeg", "flv", "live_flv", "voc", "wv", "tta", "ape", "mpc", "mpc8", "tak", "shn"),
    *("ac3", "eac3", "ac4", "dts", "dtshd", "mlp", "truehd", "nut", "mxf", "rm", "iff", "nistsphere", "ircam", "sox"),
    *("pvf", "avr", "paf", "qcp", "act", "dss", "dhav", "dsf", "wtv", "iamf", "oma", "lc3", "ilbc", "xwma"),
    *("gsm", "g722", "g729", "mulaw", "alaw", "s8", "u8", "s16le", "s16be", "s24le", "s32le", "f32le"),
)

STAMPED = {"matroska", "webm", "mov", "mp4", "mpegts", "ogg", "asf", "flv", "live_flv", "mpeg", "mxf", "nut", "flac"}
"""Containers whose frames carry time stamps; in others FFmpeg counts bytes."""

RAW = {
    "mulaw": "mulaw",
    "alaw": "alaw",
    "s16le": "s16le",
    "s16be": "s16be",
    "u8": "u8",
    "s8": "s8",
    "s24le": "s24le",
    "s32le": "s32le",
    "f32le": "f32le",
}
"""Encodings of headerless sound, by the names users know."""

# endings of headerless files with a fixed encoding: (demuxer, options)
HEADERLESS: Mapping[str, tuple[str, dict[str, str]]] = {
    ".gsm": ("gsm", {}),
    ".g722": ("g722", {}),
    ".g729": ("g729", {}),
}

_MAGIC = (
    (0, b"RIFF"), (0, b"RIFX"), (0, b"RF64"), (0, b"BW64"), (0, b"riff\x2e\x91"), (0, b"OggS"), (0, b"fLaC"),
    (0, b"ID3"), (0, b".snd"), (0, b"FORM"), (0, b"caff"), (4, b"ftyp"), (4, b"moov"), (0, b"\x1a\x45\xdf\xa3"),
    (0, b"#!AMR"), (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), (0, b"FLV\x01"), (0, b"wvpk"), (0, b"TTA1"), (0, b"MAC "),
    (0, b"Creative Voice File"), (0, b"\x00\x00\x01\xba"), (0, b"NIST_1A"), (0, b"MPCK"), (0, b"MP+"), (0, b".RMF"),
)  # fmt: skip

_DESCRIPTIONS = (
    (b"#EXTM3U", "an M3U playlist"),
    (b"ffconcat version", "a list of other files (ffconcat)"),
    (b"v=0\r\n", "a session description (SDP)"),
    (b"v=0\n", "a session description (SDP)"),
    (b"[playlist]", "a PLS playlist"),
    (b"<asx", "an ASX playlist"),
    (b"[Reference]", "a list of other files"),
    (b"rtsp://", "a list of addresses"),
    (b"http://", "a list of addresses"),
    (b"https://", "a list of addresses"),
)


def has_header(source: Source) -> bool:
    """Whether a file starts like a known container or stream, whatever its ending."""
    head = source.at(0, 32)
    return any(head[at : at + len(magic)] == magic for at, magic in _MAGIC) or is_chain(source)


def description(source: Source) -> str:
    """Describe a file that only refers to other files; empty for all others."""
    head = source.at(0, 4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    for begin, words in _DESCRIPTIONS:
        if head[: len(begin)].lower() == begin.lower():
            return words
    if head[:1] == b"<" and any(word in head for word in (b"<MPD", b"<smil", b"<SmoothStreamingMedia", b"<playlist")):
        return "a playlist"
    return ""


def may_open(demuxer: str) -> bool:
    """Whether one of a demuxer's names is allowed."""
    return bool(set(demuxer.split(",")) & set(ALLOWED))
