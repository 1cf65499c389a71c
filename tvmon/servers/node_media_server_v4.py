"""
What ``/api/v1/streams`` of Node-Media-Server 4 says of its streams.

    {"success": true, "data": {"streams": [{"key": "/live/cam1", "status": "publishing",
      "publisher": {"id": "mw..", "createTime": 1795333991316, "inBytes": 99739, ..},
      "subscribers": 1, "recording": false, ..}], "total": 1}}

A publisher that is lost stays in the list for 30 s, ``reconnecting``: nobody publishes then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tvmon.errors import BadAnswer
from tvmon.servers import Drift
from tvmon.servers.codecs import AUDIO, VIDEO, codec_fields
from tvmon.servers.node_media_server_entry import Entry, Publishing, absent, live
from tvmon.servers.values import MOST_OF_STREAM, count, json_of, number, rows, table, text, whole

WHAT = "the list of streams"
LEVELS = 3
"""So many objects and arrays deep lie the streams."""

LOST = "its publisher is gone, and may come back within 30 s"

_ANSWER = frozenset({"success", "data", "message"})
_DATA = frozenset({"streams", "total"})
_STREAM = frozenset({
    "key", "app", "name", "status", "publisher", "subscribers", "outBytes", "inBps", "outBps",
    "recording",
})  # fmt: skip
_PUBLISHER = frozenset({
    "id", "ip", "protocol", "createTime", "videoCodec", "videoWidth", "videoHeight",
    "videoFramerate", "audioCodec", "audioChannels", "audioSamplerate", "inBytes",
})  # fmt: skip
_STREAM_NEEDED = frozenset({"key", "publisher", "subscribers"})
_PUBLISHER_NEEDED = frozenset({"id", "createTime", "inBytes"})


def parse_streams(body: bytes, now: float, drift: Drift) -> Iterator[Entry]:
    """
    Every stream of the list; BadAnswer where it is none.

    :param now: by the server's clock, seconds since 1970
    """
    return entries(json_of(body, WHAT), now, drift)


def entries(told: Any, now: float, drift: Drift) -> Iterator[Entry]:
    """The same, of the JSON's value."""
    answer = table(told)
    data = table(answer.get("data"))
    if answer.get("success") is not True or not isinstance(data.get("streams"), list):
        raise BadAnswer(f"{WHAT} is not of a Node-Media-Server 4", "body")
    drift.look("answer", answer.keys(), _ANSWER)
    drift.look("data", data.keys(), _DATA)
    return (_entry(table(entry), now, drift) for entry in rows(data["streams"]))


def _entry(entry: Mapping[str, Any], now: float, drift: Drift) -> Entry:
    drift.look("stream", entry.keys(), _STREAM, _STREAM_NEEDED)
    path = text(entry.get("key")) or ""
    viewers = _viewers(entry, drift)
    publisher, status = entry.get("publisher", ""), entry.get("status")
    if publisher is None or status == "idle":
        return Entry(path, absent(viewers), waited_for=True)
    if not isinstance(publisher, dict):
        return Entry(path)
    drift.look("publisher", publisher.keys(), _PUBLISHER, _PUBLISHER_NEEDED)
    if status == "reconnecting":
        return Entry(path, absent(viewers, LOST))
    return Entry(path, live(_publishing(publisher, drift), viewers, now))


def _viewers(entry: Mapping[str, Any], drift: Drift) -> int | None:
    """All who are sent the stream, but for the server's own recorder."""
    subscribers = count(entry.get("subscribers"), MOST_OF_STREAM)
    if subscribers is None:
        if "subscribers" in entry:
            drift.lacks("stream.subscribers")
        return None
    return max(0, subscribers - 1) if entry.get("recording") is True else subscribers


def _publishing(publisher: Mapping[str, Any], drift: Drift) -> Publishing:
    created, received = number(publisher.get("createTime")), count(publisher.get("inBytes"))
    for name, found in (("createTime", created), ("inBytes", received)):
        if found is None and name in publisher:
            drift.lacks(f"publisher.{name}")
    return Publishing(
        (text(publisher.get("id")), count(publisher.get("createTime"))),
        None if created is None else created / 1000,
        received,
        _info(publisher),
    )


def _info(publisher: Mapping[str, Any]) -> dict[str, Any]:
    """What the encoder's metadata say of the stream; 0 is what the server has before they come."""
    codecs = codec_fields(
        _codec(publisher.get("videoCodec"), VIDEO), _codec(publisher.get("audioCodec"), AUDIO)
    )
    channels = count(publisher.get("audioChannels"), MOST_OF_STREAM)
    if codecs["audio_codec"] is None:
        channels = None  # of a stream without sound the server says that it has one
    return {
        "stream_info_audiosamplerate": whole(publisher.get("audioSamplerate")) or None,
        "stream_info_stereo": int(channels > 1) if channels else None,
        "stream_info_framerate": whole(publisher.get("videoFramerate")) or None,
        "stream_info_width": whole(publisher.get("videoWidth")) or None,
        "stream_info_height": whole(publisher.get("videoHeight")) or None,
        **codecs,
    }


def _codec(told: object, names: Mapping[int, str]) -> str | None:
    """
    A codec's name from FLV's number of it, or its four letters as they are or as one number.

    :param names: by FLV's numbers
    """
    if isinstance(told, str) and not told.isdigit():
        return text(told)
    found = count(told, 2**32 - 1)
    if not found:
        return None
    letters = found.to_bytes(4, "big")
    return names.get(found) or (letters.decode() if _are_letters(letters) else None)


def _are_letters(letters: Collection[int]) -> bool:
    return all(0x20 < letter < 0x7F for letter in letters)
