"""What a MediaMTX says of one path: an item of ``/v3/paths/list``, before 1.17 and since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tvmon.servers.codecs import codec, codec_fields, is_video
from tvmon.servers.drift import Drift
from tvmon.servers.values import MOST_OF_STREAM, average_kbps, count, instant, rows, table, text
from tvmon.streams import STEADY, Measurement, Presence, Session, Sources

NO_VIEWERS = frozenset({"hidden", "keepalive", "recorder", "rpiCameraSecondary"})
"""Readers of the server itself: its recorder, its HLS muxer since 1.18, what it forwards to."""

NO_SOUND = frozenset({"MPEG-TS", "KLV", "Generic"})
"""Tracks that are neither picture nor sound, or do not say which."""

ONE_START_SECONDS = 5.0
"""A path that is available and comes online within so long does both for one publisher."""

AHEAD_SECONDS = 5.0
"""A start that lies so little in the future is one of now: times come in whole seconds."""

SOURCES = Sources(
    declared=(
        "stream_info_videocodecid", "stream_info_audiocodecid", "video_codec", "audio_codec",
        "stream_info_width", "stream_info_height", "stream_info_audiosamplerate",
        "stream_info_audiosamplesize", "stream_info_stereo",
    ),
    estimated=("uptime_seconds", "average_upstream_kbps", "average_downstream_kbps"),
)  # fmt: skip

_KNOWN = frozenset({
    "name", "confName", "ready", "readyTime", "available", "availableTime", "online",
    "onlineTime", "source", "tracks", "tracks2", "readers", "inboundBytes", "outboundBytes",
    "inboundFramesInError", "bytesReceived", "bytesSent",
})  # fmt: skip
_NEEDED = frozenset({"name", "source", "readers"})
_SOURCE = frozenset({"type", "id"})


def look(item: Mapping[str, Any], drift: Drift) -> None:
    """Note which of the item's fields are unknown, and which are missing."""
    drift.look("path", item.keys(), _KNOWN, _NEEDED)
    drift.look("path.source", table(item.get("source")).keys(), _SOURCE)
    for new, old in (("online", "ready"), ("inboundBytes", "bytesReceived")):
        if new not in item and old not in item:
            drift.lacks(f"path.{new}")


def is_live(item: Mapping[str, Any]) -> bool:
    """
    Whether somebody publishes to the path.

    ``ready`` alone is not enough: a path that is always available is ready without anybody.
    """
    state = item.get("online")
    if not isinstance(state, bool):
        state = item.get("ready")
    return state is True and item.get("source", ...) is not None


def received(item: Mapping[str, Any]) -> int | None:
    """The bytes that came in."""
    return count(item.get("inboundBytes", item.get("bytesReceived")))


def measurement(item: Mapping[str, Any], server: str | None, now: float) -> Measurement:
    """
    What an item says; nothing in it is refused, as what cannot be read is ``None``.

    :param server: when the server started, in its own words
    :param now: by the server's clock, seconds since 1970
    """
    incoming = received(item)
    outgoing = count(item.get("outboundBytes", item.get("bytesSent")))
    viewers = _viewers(item.get("readers"))
    session = Session(server, _publisher(item))
    if not is_live(item):
        return Measurement(
            upstream_bytes_received=incoming,
            total_bytes_sent=outgoing,
            clients_connected=viewers,
            presence=Presence.ABSENT,
            remarks=(_why_not(item),),
            pace=STEADY,
            session=session,
            sources=SOURCES,
        )
    uptime = _seconds_since(_began(item), now)
    # The bytes are those of the path since it is available, whoever published to it.
    counted = uptime if _is_of_one_publisher(item) else None
    return Measurement(
        upstream_bytes_received=incoming,
        total_bytes_sent=outgoing,
        clients_connected=viewers,
        average_upstream_kbps=average_kbps(incoming, counted),
        average_downstream_kbps=average_kbps(outgoing, counted),
        uptime_seconds=None if uptime is None else int(uptime),
        **_tracks(item),
        pace=STEADY,
        session=session,
        sources=SOURCES,
    )


def _why_not(item: Mapping[str, Any]) -> str:
    if table(item.get("source")).get("type") == "redirect":
        return "the path redirects elsewhere"
    if item.get("available") is True or item.get("ready") is True:
        return "the path is always available, and nobody publishes to it"
    return "nobody publishes to the path"


def _viewers(readers: object) -> int | None:
    """How many read the path, without the server's own readers."""
    if not isinstance(readers, list):
        return None
    types = [text(table(reader).get("type")) for reader in readers]
    return sum(1 for each in types if each is not None and each not in NO_VIEWERS)


def _began(item: Mapping[str, Any]) -> object:
    """When the path was published, as it stands in the item."""
    return item.get("onlineTime") or item.get("readyTime")


def _publisher(item: Mapping[str, Any]) -> str | None:
    """Who publishes, and since when: the server's own sources have no id."""
    source = table(item.get("source"))
    parts = [text(part) for part in (source.get("type"), source.get("id"), _began(item))]
    return "/".join(part or "" for part in parts) if any(parts) else None


def _is_of_one_publisher(item: Mapping[str, Any]) -> bool:
    """Whether the bytes are those of the one who publishes now."""
    online, available = instant(item.get("onlineTime")), instant(item.get("availableTime"))
    return online is None or available is None or online - available <= ONE_START_SECONDS


def _seconds_since(start: object, now: float) -> float | None:
    began = instant(start)
    if began is None or began <= 0 or began > now + AHEAD_SECONDS:
        return None
    return max(0.0, now - began)


def _tracks(item: Mapping[str, Any]) -> dict[str, Any]:
    """What the first picture and the first sound of the path are."""
    tracks = [table(track) for track in rows(item.get("tracks2"))]
    tracks = tracks or [{"codec": name} for name in rows(item.get("tracks"))]
    pictures = [track for track in tracks if is_video(codec(track.get("codec")) or "")]
    sounds = [track for track in tracks if _is_sound(track.get("codec"))]
    picture, sound = pictures[0] if pictures else {}, sounds[0] if sounds else {}
    size, pitch = table(picture.get("codecProps")), table(sound.get("codecProps"))
    channels = count(pitch.get("channelCount"))
    return {
        **codec_fields(picture.get("codec"), sound.get("codec")),
        "stream_info_width": _positive(size.get("width")),
        "stream_info_height": _positive(size.get("height")),
        "stream_info_audiosamplerate": _positive(pitch.get("sampleRate")),
        "stream_info_audiosamplesize": _positive(pitch.get("bitDepth")),
        "stream_info_stereo": None if channels not in (1, 2) else channels - 1,
    }


def _is_sound(spelled: object) -> bool:
    name = codec(spelled)
    return name is not None and not is_video(name) and name not in NO_SOUND


def _positive(value: object) -> int | None:
    """A number; 0 is how the server says that it does not know yet."""
    return count(value, MOST_OF_STREAM) or None
