"""What an SRS says of one stream: an entry of ``/api/v1/streams/``, in its shapes of 4.0 to 7.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tvmon.servers.codecs import codec_fields
from tvmon.servers.drift import Drift
from tvmon.servers.site import Unusable
from tvmon.servers.srs_publishing import Publishing
from tvmon.servers.values import MOST_OF_STREAM, count, table, text
from tvmon.streams import Measurement, Pace, Presence, Session, Sources

DEFAULT_VHOST = "__defaultVhost__"

PACE = Pace(burst_seconds=3.0, stall_seconds=4.5)
"""SRS collects the bytes of its connections every 3 s: one silent poll is none, two are a stall."""

SOURCES = Sources(
    declared=(
        "stream_info_videocodecid", "stream_info_audiocodecid", "video_codec", "audio_codec",
        "stream_info_width", "stream_info_height", "stream_info_audiosamplerate",
        "stream_info_stereo",
    ),
    estimated=(
        "clients_connected", "stream_info_framerate", "uptime_seconds", "average_upstream_kbps",
        "average_downstream_kbps",
    ),
)  # fmt: skip

_KNOWN = frozenset({
    "id", "name", "vhost", "app", "tcUrl", "url", "live_ms", "clients", "frames", "audio_frames",
    "video_frames", "send_bytes", "recv_bytes", "kbps", "publish", "video", "audio",
})  # fmt: skip
_NEEDED = frozenset({"name", "vhost", "app", "clients", "send_bytes", "recv_bytes", "publish"})
_PUBLISH = frozenset({"active", "cid"})
_VIDEO = frozenset({"codec", "profile", "level", "width", "height"})
_AUDIO = frozenset({"codec", "sample_rate", "channel", "profile"})


def look(entry: Mapping[str, Any], drift: Drift) -> None:
    """Note which of the entry's fields are unknown, and which are missing."""
    drift.look("stream", entry.keys(), _KNOWN, _NEEDED)
    drift.look("stream.publish", table(entry.get("publish")).keys(), _PUBLISH)
    drift.look("stream.video", table(entry.get("video")).keys(), _VIDEO)
    drift.look("stream.audio", table(entry.get("audio")).keys(), _AUDIO)


def path_of(entry: Mapping[str, Any], vhosts: Mapping[str, str]) -> str:
    """
    What the stream is known by: ``app/name``, with its vhost in front where that is not the usual.

    :param vhosts: their names by their ids, which change whenever the server starts; Unusable
        where it is not among them
    """
    vhost = _plain(vhosts.get(id_of(entry.get("vhost")) or ""))
    app, name = _plain(entry.get("app")), _plain(entry.get("name"))
    if not name or not app:
        raise Unusable("it has no app" if name else "it has no name")
    if not vhost:
        raise Unusable("its vhost is not in the list of vhosts")
    return f"{app}/{name}" if vhost == DEFAULT_VHOST else f"{vhost}/{app}/{name}"


def id_of(value: object) -> str | None:
    """An id of a vhost or a client: a text from 4.0 on, a number before."""
    if isinstance(value, str):
        return text(value)
    number = count(value)
    return None if number is None else str(number)


def _plain(part: object) -> str:
    """A part of a path without what stands behind it, which may be a token of the publisher."""
    return (text(part) or "").partition("?")[0].partition(";")[0].strip("/")


def is_published(entry: Mapping[str, Any]) -> bool:
    """Whether somebody publishes the stream; one that is only waited for is listed too."""
    return table(entry.get("publish")).get("active") is True


def session_of(entry: Mapping[str, Any], server: str | None) -> Session:
    """What tells one life of the stream's counters from the next."""
    return Session(server, id_of(table(entry.get("publish")).get("cid")))


class Counts(NamedTuple):
    """What the server counts of a stream: bytes in and out, frames of the picture."""

    received: int | None
    sent: int | None
    frames: int | None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Counts:
        """
        Those of an entry.

        Later versions of 7 put the sound's into ``frames`` too, and the picture's beside it.
        """
        frames = entry.get("video_frames")
        if frames is None and "audio_frames" not in entry:
            frames = entry.get("frames")
        return cls(count(entry.get("recv_bytes")), count(entry.get("send_bytes")), count(frames))


def measurement(
    entry: Mapping[str, Any], session: Session, at: float, publishing: Publishing | None
) -> Measurement:
    """
    What an entry says; nothing in it is refused, as what cannot be read is ``None``.

    :param at: when the answer was there
    :param publishing: what is remembered of it; ``None`` where nobody publishes it
    """
    counts = Counts.of(entry)
    clients = count(entry.get("clients"), MOST_OF_STREAM)
    if publishing is None:
        waiting = f"; {clients} wait for it" if clients else ""
        return Measurement(
            upstream_bytes_received=counts.received,
            total_bytes_sent=counts.sent,
            clients_connected=clients,
            presence=Presence.ABSENT,
            remarks=(f"nobody publishes it{waiting}",),
            pace=PACE,
            session=session,
            sources=SOURCES,
        )
    video, audio = table(entry.get("video")), table(entry.get("audio"))
    channels = count(audio.get("channel"), MOST_OF_STREAM)
    uptime = publishing.uptime(at)
    incoming, outgoing = publishing.averages(at, counts.received, counts.sent)
    return Measurement(
        upstream_bytes_received=counts.received,
        total_bytes_sent=counts.sent,
        # The publisher is one of them.
        clients_connected=None if clients is None else max(0, clients - 1),
        average_upstream_kbps=incoming,
        average_downstream_kbps=outgoing,
        stream_info_framerate=publishing.frame_rate(at, counts.frames),
        stream_info_width=_size(video.get("width")),
        stream_info_height=_size(video.get("height")),
        stream_info_audiosamplerate=_size(audio.get("sample_rate")),
        stream_info_stereo=None if channels not in (1, 2) else channels - 1,
        uptime_seconds=None if uptime is None else int(uptime),
        **codec_fields(video.get("codec"), audio.get("codec")),
        pace=PACE,
        session=session,
        sources=SOURCES,
    )


def _size(value: object) -> int | None:
    """A number of pixels or Hz; 0 is how SRS says that it does not know."""
    return count(value, MOST_OF_STREAM) or None
