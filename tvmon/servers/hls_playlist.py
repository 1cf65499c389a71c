"""
HLS playlists (RFC 8216), as far as a live stream can be judged by them.

The library ``m3u8`` reads them.  It is shown only the tags that are looked at here: what it makes
of others, advertisements above all, can fail, and would cost the whole playlist.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

import m3u8

from tvmon.errors import BadAnswer
from tvmon.servers.answers import kind_of_text
from tvmon.servers.hls_tail import tail
from tvmon.servers.values import MOST, count, rows, table, text, whole

LONGEST_SECONDS = 3600.0
"""What a segment, or the target duration, cannot be longer than."""

NAME_CHARACTERS = 80
"""How much of a rendition's own name is kept."""

_READ = frozenset({
    "#EXTM3U", "#EXTINF", "#EXT-X-BYTERANGE", "#EXT-X-DISCONTINUITY",
    "#EXT-X-DISCONTINUITY-SEQUENCE", "#EXT-X-ENDLIST", "#EXT-X-GAP", "#EXT-X-MEDIA",
    "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-SKIP", "#EXT-X-STREAM-INF",
    "#EXT-X-VERSION",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segment:
    """
    One segment.

    :param identity: what tells it from another one: its file's name and byte range, without the
        query, which may hold a token and change with every answer
    :param seconds: its EXTINF
    :param date_time: its EXT-X-PROGRAM-DATE-TIME, where it has one, seconds since 1970
    :param is_gap: it is announced, and not there
    """

    identity: str
    seconds: float
    date_time: float | None = None
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """
    A list of segments: the last hundred, where there are more.

    Parts of segments, of low-latency playlists, are not looked at.

    :param target_seconds: EXT-X-TARGETDURATION; whole, but for servers that err
    :param sequence: the media sequence of the first segment that is kept
    :param is_ended: it holds EXT-X-ENDLIST
    """

    target_seconds: float
    sequence: int
    segments: tuple[Segment, ...]
    discontinuity_sequence: int = 0
    version: int | None = None
    is_ended: bool = False

    @property
    def newest(self) -> int:
        """The media sequence of the last segment; one before the first where there is none."""
        return self.sequence + len(self.segments) - 1

    @property
    def seconds(self) -> float:
        """How much media it holds."""
        return sum(segment.seconds for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Variant:
    """
    What a master playlist says of one of its media playlists.

    :param url: as it stands there, relative mostly; may hold a token
    :param kind: ``video`` or ``audio``
    :param name: where it has one, of its own or of its language
    :param bits_per_second: AVERAGE-BANDWIDTH, or else BANDWIDTH
    """

    url: str = field(repr=False)
    kind: str = "video"
    name: str | None = None
    bits_per_second: int | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: int | None = None
    codecs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MasterPlaylist:
    """A list of media playlists: variants first, in their order, then renditions."""

    variants: tuple[Variant, ...]


def parse_playlist(body: bytes) -> MediaPlaylist | MasterPlaylist:
    """A playlist; BadAnswer where it is none, or cannot be followed."""
    found = body.removeprefix(b"\xef\xbb\xbf")
    if not found.startswith(b"#EXTM3U"):
        kind = kind_of_text(body)
        if kind == "empty":
            raise _bad("the answer is empty")
        if kind is None:
            raise _bad("it does not begin with #EXTM3U")
        raise BadAnswer(f"{kind} instead of a playlist", "body")
    try:
        end = tail(found.decode())
        data = m3u8.parse(end.text, custom_tags_parser=_read_ourselves)
        begin = None if end.date is None else _since_1970(datetime.fromisoformat(end.date.strip()))
    except UnicodeDecodeError:
        raise _bad("it is not UTF-8 text") from None
    except Exception:
        # Whatever it is that the library stumbles over: it has errors of every type for that.
        raise _bad("a tag in it cannot be read") from None
    if data["is_variant"]:
        return _master(data)
    if end.skipped:
        data["skipped"], data["begin"] = end.skipped, None if begin is None else begin + end.since
    return _media(data)


def _read_ourselves(line: str, _number: int, data: dict[str, Any], _state: object) -> bool:
    """Whether the library is to leave a tag alone."""
    name, _, value = line.partition(":")
    if name == "#EXT-X-TARGETDURATION":
        # Some servers write 4.0, at which the library gives up.
        data["targetduration"] = float(value)
        return True
    return name not in _READ


def _master(data: dict[str, Any]) -> MasterPlaylist:
    variants = [_variant(entry) for entry in rows(data["playlists"])]
    renditions = [_rendition(table(entry)) for entry in rows(data["media"])]
    found = tuple(variant for variant in (*variants, *renditions) if variant is not None)
    if not found:
        raise _bad("a master playlist that names no media playlist")
    return MasterPlaylist(found)


def _variant(entry: dict[str, Any]) -> Variant | None:
    told = table(entry["stream_info"])
    codecs = tuple(c for c in (told.get("codecs") or "").replace(" ", "").split(",") if c)
    width, _, height = (text(told.get("resolution")) or "").lower().partition("x")
    has_picture = bool(count(height)) or not codecs or not all(_is_sound(c) for c in codecs)
    return Variant(
        entry["uri"],
        "video" if has_picture else "audio",
        None,
        count(told.get("average_bandwidth")) or count(told.get("bandwidth")) or None,
        count(width, 100_000) or None,
        count(height, 100_000) or None,
        whole(told.get("frame_rate"), 1000) or None,
        codecs,
    )


def _rendition(entry: dict[str, Any]) -> Variant | None:
    """What EXT-X-MEDIA tells of; ``None`` for subtitles, and for what a variant contains."""
    url, kind = text(entry.get("uri")), (text(entry.get("type")) or "").lower()
    if url is None or kind not in ("audio", "video"):
        return None
    name = text(entry.get("name")) or text(entry.get("language"))
    return Variant(url, kind, name[:NAME_CHARACTERS] if name else None)


def _is_sound(codec: str) -> bool:
    return codec.lower().partition(".")[0] in {"mp4a", "ac-3", "ec-3", "ac-4", "opus", "flac"}


def _media(data: dict[str, Any]) -> MediaPlaylist:
    target = data.get("targetduration")
    if target is None:
        raise _bad("it has no EXT-X-TARGETDURATION")
    if not 0 <= target <= LONGEST_SECONDS:
        raise _bad(f"EXT-X-TARGETDURATION is not 0 to {LONGEST_SECONDS:g}")
    if table(data["skip"]):
        raise _bad("it leaves out segments (EXT-X-SKIP), which nobody asked for")
    sequence = count(data["media_sequence"], MOST // 2)
    if sequence is None:
        raise _bad("EXT-X-MEDIA-SEQUENCE is not a number from 0 on")
    segments = [_segment(entry) for entry in rows(data["segments"]) if "uri" in entry]
    if segments and segments[0].date_time is None:
        segments[0] = replace(segments[0], date_time=data.get("begin"))
    return MediaPlaylist(
        float(target),
        sequence + data.get("skipped", 0),
        tuple(segments),
        count(data.get("discontinuity_sequence")) or 0,
        count(data.get("version")),
        data["is_endlist"],
    )


def _segment(entry: dict[str, Any]) -> Segment:
    seconds = entry.get("duration")
    if seconds is None or not (isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS):
        raise _bad(f"a segment has no EXTINF from 0 to {LONGEST_SECONDS:g}")
    # What the library adds up from segment to segment is left alone: a date is the segment's own.
    try:
        path = urlsplit(entry["uri"]).path
        since_1970 = _since_1970(entry.get("program_date_time"))
    except (ValueError, OverflowError):
        raise _bad("a segment's URI or date cannot be read") from None
    name = f"{path.rpartition('/')[2]}@{entry.get('byterange', '')}"
    return Segment(name, seconds, since_1970, bool(entry.get("gap_tag")))


def _since_1970(when: datetime | None) -> float | None:
    """Seconds, and in UTC where it names no zone."""
    if when is None:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _bad(why: str) -> BadAnswer:
    return BadAnswer(f"no HLS playlist that can be used: {why}", "body")
