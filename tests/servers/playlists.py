"""Playlists as servers write them, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()


def media(
    sequence: int,
    count: int = 3,
    *,
    seconds: float | Sequence[float] = 4.0,
    target: float = 4,
    dates: Sequence[float | None] = (),
    name: str = "s",
    tail: str = "",
    version: int | None = 3,
    query: str = "",
    head: str = "",
) -> bytes:
    """
    A media playlist of ``count`` segments.

    :param dates: EXT-X-PROGRAM-DATE-TIME of its first segments, seconds since 1970
    """
    lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{target}", f"#EXT-X-MEDIA-SEQUENCE:{sequence}"]
    if version is not None:
        lines.insert(1, f"#EXT-X-VERSION:{version}")
    if head:
        lines.append(head)
    for index in range(count):
        date = dates[index] if index < len(dates) else None
        if date is not None:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date_time(date)}")
        length = seconds if isinstance(seconds, int | float) else seconds[index]
        lines += [f"#EXTINF:{length:.3f},", f"{name}{sequence + index}.ts{query}"]
    return "\n".join([*lines, tail]).encode()


def date_time(seconds: float) -> str:
    """As ISO 8601 writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


MASTER = b"""#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",URI="audio/en.m3u8?tok=1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="In the picture",LANGUAGE="de"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",URI="subs.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2500000,RESOLUTION=1280x720,\
CODECS="avc1.64001f,mp4a.40.2",FRAME-RATE=29.970,AUDIO="a"
video/720.m3u8?tok=1
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS="hvc1.1.6.L93.B0,mp4a.40.2"
video/360.m3u8?tok=1
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,URI="iframes.m3u8"
"""
