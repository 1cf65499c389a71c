"""
What ``/api/streams`` of Node-Media-Server 2 says of its streams.

    {"live": {"cam1": {"publisher": {"clientId": "..", "connectCreated": "2026-..Z", "bytes": 1,
      "audio": {"codec": "AAC", ..} | null, "video": {..} | null} | null,
      "subscribers": [{"ip": "..", "protocol": "rtmp", ..}]}}}

The details of one stream, ``/api/streams/live/cam1``, are never asked for: they hold the
arguments of the publisher's URL, which are secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tvmon.errors import BadAnswer
from tvmon.servers import Drift
from tvmon.servers.codecs import codec_fields
from tvmon.servers.node_media_server_entry import Entry, Publishing, absent, live
from tvmon.servers.values import MOST_OF_STREAM, count, instant, json_of, table, text, whole

WHAT = "the list of streams"
LEVELS = 2
"""So many objects and arrays deep lie the streams."""

LOCAL = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})

_STREAM = frozenset({"publisher", "subscribers"})
_PUBLISHER = frozenset({
    "app", "stream", "clientId", "connectCreated", "bytes", "ip", "audio", "video"
})  # fmt: skip
_PUBLISHER_NEEDED = frozenset({"clientId", "connectCreated", "bytes"})
_SUBSCRIBER = frozenset({
    "app", "stream", "clientId", "connectCreated", "bytes", "ip", "protocol"
})  # fmt: skip
_AUDIO = frozenset({"codec", "profile", "samplerate", "channels"})
_VIDEO = frozenset({"codec", "width", "height", "profile", "level", "fps"})

_SPELLED = {
    "Sorenson-H263": "H263", "On2-VP6": "VP6", "On2-VP6-Alpha": "VP6", "Jpeg": "MJPEG",
    "LinearLE": "PCM", "Uncompressed": "PCM", "G711A": "G711", "G711U": "G711", "MP3-8K": "MP3",
}  # fmt: skip
"""The codecs that this version calls as nobody else does."""


def parse_streams(body: bytes, now: float, drift: Drift) -> list[Entry]:
    """
    Every stream of the list; BadAnswer where it is none.

    :param now: by the server's clock, seconds since 1970
    """
    return list(entries(json_of(body, WHAT), now, drift))


def entries(apps: Any, now: float, drift: Drift) -> Iterator[Entry]:
    """The same, of the JSON's value."""
    wrong = not isinstance(apps, dict) or not all(isinstance(app, dict) for app in apps.values())
    if wrong:
        raise BadAnswer(f"{WHAT} is not of a Node-Media-Server 2", "body")
    return (
        _entry(f"{text(app) or ''}/{text(name) or ''}", table(entry), now, drift)
        for app, streams in apps.items()
        for name, entry in streams.items()
    )


def _entry(path: str, entry: Mapping[str, Any], now: float, drift: Drift) -> Entry:
    drift.look("stream", entry.keys(), _STREAM, _STREAM)
    viewers = _viewers(entry.get("subscribers"), drift)
    publisher = entry.get("publisher", "")
    if publisher is None:
        return Entry(path, absent(viewers), waited_for=True)
    if not isinstance(publisher, dict):
        return Entry(path)
    return Entry(path, live(_publishing(publisher, drift), viewers, now))


def _viewers(subscribers: object, drift: Drift) -> int | None:
    """
    All who are sent the stream, but for the server's own programs.

    Its relays and its transcoder fetch the stream by RTMP from the server's own machine.
    """
    if not isinstance(subscribers, list):
        return None
    viewers = 0
    for subscriber in map(table, subscribers):
        drift.look("subscriber", subscriber.keys(), _SUBSCRIBER)
        is_own = subscriber.get("protocol") == "rtmp" and text(subscriber.get("ip")) in LOCAL
        viewers += not is_own
    return viewers


def _publishing(publisher: Mapping[str, Any], drift: Drift) -> Publishing:
    drift.look("publisher", publisher.keys(), _PUBLISHER, _PUBLISHER_NEEDED)
    created = text(publisher.get("connectCreated"))
    started, received = instant(created), count(publisher.get("bytes"))
    for name, found in (("connectCreated", started), ("bytes", received)):
        if found is None and name in publisher:
            drift.lacks(f"publisher.{name}")
    info = _info(table(publisher.get("audio")), table(publisher.get("video")), drift)
    return Publishing((text(publisher.get("clientId")), created), started, received, info)


def _info(audio: Mapping[str, Any], video: Mapping[str, Any], drift: Drift) -> dict[str, Any]:
    drift.look("audio", audio.keys(), _AUDIO)
    drift.look("video", video.keys(), _VIDEO)
    channels = count(audio.get("channels"), MOST_OF_STREAM)
    return {
        "stream_info_audiosamplerate": whole(audio.get("samplerate")) or None,
        "stream_info_stereo": int(channels > 1) if channels else None,
        "stream_info_framerate": whole(video.get("fps")) or None,
        "stream_info_width": whole(video.get("width")) or None,
        "stream_info_height": whole(video.get("height")) or None,
        **codec_fields(_codec(video.get("codec")), _codec(audio.get("codec"))),
    }


def _codec(told: object) -> str | None:
    spelled = text(told)
    return None if spelled is None else _SPELLED.get(spelled, spelled)
