"""
One stream of a Node-Media-Server's list in the normal form, whatever the version spells it like.

The bytes that went out are left out: both versions tell the sum over the viewers of now, which
falls when one leaves.  A counter that falls is a restart to everyone who reads it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tvmon.servers.values import average_kbps
from tvmon.streams import STEADY, Measurement, Presence, Session, Sources
from tvmon.words import cleaned

PACE = STEADY
"""Both versions count whatever comes out of the publisher's socket, at once."""

SOURCES = Sources(
    declared=(
        "stream_info_audiocodecid", "stream_info_audiosamplerate", "stream_info_stereo",
        "stream_info_videocodecid", "stream_info_framerate", "stream_info_width",
        "stream_info_height", "video_codec", "audio_codec",
    ),
    estimated=("average_upstream_kbps",),
)  # fmt: skip

NOBODY = "nobody publishes it"
SESSION_CHARACTERS = 100
CLOCKS_DIFFER_SECONDS = 2
"""A start so little in the future is now: ``Date`` has no fractions."""


class Entry(NamedTuple):
    """
    A stream of the list.

    :param path: ``live/cam1``, with a slash before it or not; empty where it has no name
    :param measured: ``None`` where its entry does not tell whether somebody publishes it
    :param waited_for: there is nothing of it but viewers, who may have asked for any name
    """

    path: str
    measured: Measurement | None = None
    waited_for: bool = False


class Publishing(NamedTuple):
    """
    What is told of a publisher.

    :param identity: what is another when the stream is published anew
    :param started: seconds since 1970
    :param info: the fields of a Measurement that describe the stream
    """

    identity: tuple[object, ...]
    started: float | None
    received: int | None
    info: dict[str, Any]


def live(publishing: Publishing, viewers: int | None, now: float) -> Measurement:
    """
    The measurement of a stream that is published.

    :param now: by the server's clock, seconds since 1970
    """
    uptime = _uptime(publishing.started, now)
    told = [str(part) for part in publishing.identity if part is not None]
    return Measurement(
        upstream_bytes_received=publishing.received,
        clients_connected=viewers,
        average_upstream_kbps=average_kbps(publishing.received, uptime),
        uptime_seconds=uptime,
        pace=PACE,
        session=Session(publisher=cleaned(" ".join(told), SESSION_CHARACTERS) if told else None),
        sources=SOURCES,
        **publishing.info,
    )


def absent(viewers: int | None, why: str = NOBODY) -> Measurement:
    """The measurement of a stream that nobody publishes; viewers may wait for it."""
    return Measurement(
        clients_connected=viewers,
        presence=Presence.ABSENT,
        remarks=(why,),
        pace=PACE,
        sources=SOURCES,
    )


def _uptime(started: float | None, now: float) -> int | None:
    if not started or now - started < -CLOCKS_DIFFER_SECONDS:
        return None
    return round(max(0.0, now - started))
