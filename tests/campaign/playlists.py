"""Files that name other files, and sound beside them that must never be read: playlists, descriptions, references."""

from __future__ import annotations

import struct

from campaign.cases import Allowed, Recording, refused
from campaign.sources import source

CANARY = "canary.wav"


def allowed(file: str) -> Allowed:
    """Refused as no sound; a film without its samples may also be called damaged or without samples."""
    return refused(8, 9, 10) if file == "reference.mov" else refused(8)


def data_reference() -> bytes:
    """A QuickTime film of which the samples are in another file, by an alias with a relative path."""
    film = source("mov-s16").data
    at = film.find(b"dref")
    size = struct.unpack_from(">I", film, at - 4)[0]
    name = CANARY.encode()
    record = bytes(4) + struct.pack(">HH", 150, 2) + bytes([len(b"disk")]) + b"disk".ljust(27, b"\0")
    record += bytes(4) + b"H+" + bytes(2) + bytes(4) + bytes([len(name)]) + name.ljust(63, b"\0")
    record = record.ljust(150, b"\0")
    for kind, text in ((2, name), (18, name), (-1, b"")):
        record += struct.pack(">hH", kind, len(text)) + text + bytes(len(text) % 2)
    entry = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    box = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    grown = len(box) - size
    out = bytearray(film[: at - 4] + box + film[at - 4 + size :])
    for around in (b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = film.rfind(around, 0, at)
        struct.pack_into(">I", out, place - 4, struct.unpack_from(">I", film, place - 4)[0] + grown)
    return bytes(out)


def documents(port: int) -> dict[str, bytes]:
    """File names and contents; `port` is where a listener on the loopback hears whoever obeys."""
    url, name = f"http://127.0.0.1:{port}/x.wav", CANARY
    sdp = f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n"
    hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:8.0,\n{}\n#EXT-X-ENDLIST\n"
    smooth = (
        '<?xml version="1.0"?><MPD type="static" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        '<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="9"><BaseURL>{}</BaseURL>'
        "<SegmentBase/></Representation></AdaptationSet></Period></MPD>"
    )
    texts = {
        "list.m3u8": hls.format(name),
        "list-net.m3u8": hls.format(url),
        "list-as.wav": hls.format(name),
        "list-net-as.mp3": hls.format(url),
        "key.m3u8": hls.format(name).replace(
            "#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{url}",IV=0x00000000000000000000000000000000\n#EXTINF'
        ),
        "map.m3u8": hls.format(name).replace("#EXTINF", f'#EXT-X-MAP:URI="{name}"\n#EXTINF'),
        "variant.m3u8": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000\n{url}\n",
        "playlist.txt": f"ffconcat version 1.0\nfile {name}\nduration 3\n",
        "playlist-net.txt": f"ffconcat version 1.0\nfile {url}\nduration 3\n",
        "joined.ffconcat": f"ffconcat version 1.0\nfile 'file:{name}'\n",
        "joined-as.flac": f"ffconcat version 1.0\nfile '{name}'\n",
        "call.sdp": sdp,
        "call-sdp.wav": sdp,
        "film.mpd": smooth.format(name),
        "film-net.mpd": smooth.format(url),
        "m3u.m3u": f"{name}\n",
        "pls.pls": f"[playlist]\nFile1={name}\nNumberOfEntries=1\n",
        "xspf.xspf": f"<playlist><trackList><track><location>{url}</location></track></trackList></playlist>",
        "asx.asx": f'<asx version="3"><entry><ref href="{url}"/></entry></asx>',
        "ram.ram": f"{url}\n",
        "refers.asf": f"[Reference]\nRef1={url}\n",
        "quicktime.qtl": f'<?xml version="1.0"?><?quicktime type="application/x-quicktime-media-link"?><embed src="{url}"/>',
        "rtsp.txt": f"RTSPtextrtsp://127.0.0.1:{port}/x\n",
        "picture.svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
        "hidden.vobsub": f"# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 000000000\n{url}",
        "imf.xml": f'<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">{url}</CompositionPlaylist>',
    }
    return {file: text.encode() for file, text in texts.items()} | {"reference.mov": data_reference()}


def recordings(port: int = 9) -> list[tuple[str, Recording]]:
    """Each document beside sound that it names."""
    beside = {CANARY: source("wav-s16").data}
    found = documents(port)
    return [(file, Recording(file, data, beside, (CANARY,))) for file, data in found.items()]
