"""
What nginx says of one stream: whether it is published, by whom, to how many, and its numbers.

``bw_in`` and its like are not looked at: they are means over whole spans of 10 s, and after a
publisher has stalled they stay full for six seconds, and above 0 for eighteen.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from tvmon.servers import Drift
from tvmon.servers.codecs import codec_fields
from tvmon.servers.nginx_rtmp_stat import Fields
from tvmon.servers.values import MOST_OF_STREAM, average_kbps, count, rows, table, whole
from tvmon.streams import Measurement, Presence, Session, Sources

SOURCES = Sources(
    declared=(
        "stream_info_audiodatarate", "stream_info_videodatarate", "stream_info_audiocodecid",
        "stream_info_audiosamplerate", "stream_info_stereo", "stream_info_videocodecid",
        "stream_info_framerate", "stream_info_width", "stream_info_height", "video_codec",
        "audio_codec",
    ),
    estimated=("live_delay_ms", "average_upstream_kbps", "average_downstream_kbps"),
)  # fmt: skip

RELAY = "ngx-local-relay"
"""The flashver of a client that is this nginx itself, which pushes the stream on, or pulls it."""

AUTO_PUSH = "nginx-auto-push"
"""The pageurl of a client that is another worker of this nginx, which hands its stream over."""

_STREAM = frozenset({
    "name", "time", "bw_in", "bytes_in", "bw_out", "bytes_out", "bw_audio", "bw_video", "bw_data",
    "clients", "records", "meta", "nclients", "publishing", "active", "recording",
})  # fmt: skip
_STREAM_NEEDED = frozenset({"name", "time", "bytes_in", "bytes_out", "nclients"})
_CLIENT = frozenset({
    "id", "address", "port", "time", "flashver", "pageurl", "swfurl", "bytes_in", "bytes_out",
    "dropped", "avsync", "timestamp", "publishing", "active", "recording", "pool",
})  # fmt: skip
_CLIENT_NEEDED = frozenset({"id", "time", "timestamp"})
_META = frozenset({"video", "audio"})
_VIDEO = frozenset({
    "width", "height", "frame_rate", "codec", "profile", "compat", "level", "data_rate",
    "keyframe_frequency",
})  # fmt: skip
_AUDIO = frozenset({"codec", "profile", "channels", "sample_rate", "data_rate"})

_WRAP = 2**32
_VALUE_CHARACTERS = 40
_NOTHING: Mapping[str, Any] = {}

_Value = str | int | float | None

_OF_VIDEO = ("codec", "width", "height", "frame_rate", "data_rate")
_OF_AUDIO = ("codec", "channels", "sample_rate", "data_rate")


class Rank(IntEnum):
    """How a worker has a stream; of several workers the highest one counts."""

    WAITED_FOR = 0
    """By players only: nobody publishes it here."""
    COPIED = 1
    """Published by another worker, which takes it in."""
    PUBLISHED = 2


class Reading(NamedTuple):
    """
    One stream of one worker's answer.

    :param publisher: its number among the clients of that worker; ``None`` where not told
    :param clock: of the publisher, ms since it connected and ms of media that it has sent
    :param viewers: ``None`` where not told
    """

    rank: Rank
    publisher: str | None
    clock: tuple[int, int] | None
    viewers: int | None
    fields: Fields


def read_stream(fields: Fields, drift: Drift) -> Reading:
    """Who publishes and who watches; a field that cannot be read is as if it were not there."""
    drift.look("stream", fields.keys(), _STREAM, _STREAM_NEEDED)
    publisher: Mapping[str, Any] | None = None
    clients = fields.get("clients")
    viewers = 0
    for client in rows(clients):
        if not isinstance(client, dict):
            continue
        drift.look("client", client.keys(), _CLIENT, _CLIENT_NEEDED)
        if client.get("publishing") is True:
            publisher = client
        elif client.get("flashver") != RELAY:
            viewers += 1
    published = publisher is not None or fields.get("publishing") is True
    if publisher is None:
        publisher = _NOTHING
    known: int | None = viewers
    if not isinstance(clients, list):
        # "rtmp_stat" without "clients": a number is all there is, and it counts the publisher.
        told = count(fields.get("nclients"))
        known = None if told is None else max(0, told - published)
    if not published:
        return Reading(Rank.WAITED_FOR, None, None, known, fields)
    number = count(publisher.get("id"))
    copied = publisher.get("pageurl") == AUTO_PUSH
    return Reading(
        Rank.COPIED if copied else Rank.PUBLISHED,
        None if number is None else str(number),
        _clock(publisher),
        known,
        fields,
    )


def measured(
    reading: Reading, drift: Drift, session: Session, viewers: int | None, delay_ms: int | None
) -> Measurement:
    """The measurement of a stream; the last three are what it takes more than one answer for."""
    fields = reading.fields
    received, sent = count(fields.get("bytes_in")), count(fields.get("bytes_out"))
    age_ms = count(fields.get("time"))
    age = None if age_ms is None else age_ms / 1000
    if reading.rank is Rank.WAITED_FOR:
        return Measurement(
            upstream_bytes_received=received,
            total_bytes_sent=sent,
            clients_connected=viewers,
            presence=Presence.ABSENT,
            remarks=_waiting(viewers),
            session=session,
            sources=SOURCES,
        )
    return Measurement(
        upstream_bytes_received=received,
        clients_connected=viewers,
        total_bytes_sent=sent,
        live_delay_ms=delay_ms,
        average_upstream_kbps=average_kbps(received, age),
        average_downstream_kbps=average_kbps(sent, age),
        uptime_seconds=_uptime(age_ms, reading.clock),
        session=session,
        sources=SOURCES,
        **_described(table(fields.get("meta")), drift),
    )


def _described(meta: Mapping[str, Any], drift: Drift) -> dict[str, Any]:
    """What the encoder declares of its picture and its sound."""
    video, audio = table(meta.get("video")), table(meta.get("audio"))
    drift.look("meta", meta.keys(), _META)
    drift.look("video", video.keys(), _VIDEO)
    drift.look("audio", audio.keys(), _AUDIO)
    return _normal(
        *[_short(video.get(name)) for name in _OF_VIDEO],
        *[_short(audio.get(name)) for name in _OF_AUDIO],
    )


# Streams of one server are much alike, and are described anew every 1.5 s without a change.
@lru_cache(maxsize=1024, typed=True)
def _normal(
    video: _Value,
    width: _Value,
    height: _Value,
    frame_rate: _Value,
    video_rate: _Value,
    audio: _Value,
    channels: _Value,
    sample_rate: _Value,
    audio_rate: _Value,
) -> dict[str, Any]:
    """The fields of a Measurement; never to be changed, since they are kept."""
    sounds = _positive(channels)
    return {
        **codec_fields(video, audio),
        "stream_info_width": _positive(width),
        "stream_info_height": _positive(height),
        "stream_info_framerate": _positive(frame_rate),
        "stream_info_videodatarate": _positive(video_rate),
        "stream_info_stereo": None if sounds is None else int(sounds > 1),
        "stream_info_audiosamplerate": _positive(sample_rate),
        "stream_info_audiodatarate": _positive(audio_rate),
    }


def _clock(publisher: Mapping[str, Any]) -> tuple[int, int] | None:
    """Its two times; ``None`` where one is not told, or no media has come."""
    time_ms, timestamp = count(publisher.get("time")), _timestamp(publisher.get("timestamp"))
    return None if time_ms is None or timestamp is None else (time_ms, timestamp)


def _timestamp(value: object) -> int | None:
    """A time of RTMP, 32 bits, which nginx writes with a sign after 24 days; 0 is none."""
    if isinstance(value, str):
        negative = value.startswith("-")
        told = count(value[1:] if negative else value, _WRAP)
        value = told if told is None or not negative else -told
    if isinstance(value, bool) or not isinstance(value, int) or not -_WRAP < value < _WRAP:
        return None
    return value % _WRAP or None


def _uptime(age_ms: int | None, clock: tuple[int, int] | None) -> int | None:
    """Seconds: a stream is there since its first player came, a publisher since it connected."""
    if age_ms is None or clock is None:
        return None if age_ms is None else age_ms // 1000
    return min(age_ms, clock[0]) // 1000


def _positive(value: object) -> int | None:
    """A number rounded; 0 is how nginx says that it was not declared."""
    return whole(value, MOST_OF_STREAM) or None


def _short(value: object) -> _Value:
    """A value that can be one, and can be kept."""
    if isinstance(value, str):
        return value if len(value) <= _VALUE_CHARACTERS else None
    return value if isinstance(value, int | float) else None


def _waiting(viewers: int | None) -> tuple[str, ...]:
    if not viewers:
        return ()
    return ("1 viewer waits for it" if viewers == 1 else f"{viewers} viewers wait for it",)
