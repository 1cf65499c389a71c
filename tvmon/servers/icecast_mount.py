"""
What Icecast says of one mount, in the normal form.

The admin's view and the public one have the same fields, but that the public one lacks the
bytes.  Everything about the sound is declared: by the encoder in headers, or by the header of
the stream itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tvmon.servers.codecs import AUDIO, codec, codec_fields, is_video
from tvmon.servers.values import (
    MOST_OF_STREAM,
    average_kbps,
    count,
    http_time,
    instant,
    number,
    text,
    whole,
)
from tvmon.streams import Measurement, Pace, Presence, Session, Sources

PACE = Pace(burst_seconds=5.0, stall_seconds=5.5)
"""
Icecast publishes the bytes of a mount once in 5 s, or up to half a second later.

Measured on 2.4.4, over 150 s, MP3 to WebM and 16 to 800 kbit/s, with a poll each 0.1 s: 4.5 to
5.4 s between two movements.  Polls 3 s apart saw no silence but of 3.0 s, 1 s apart one of 5.0 s.
"""

SOURCES = Sources(
    declared=(
        "stream_info_audiodatarate", "stream_info_videodatarate", "stream_info_audiosamplerate",
        "stream_info_stereo", "stream_info_framerate", "stream_info_width", "stream_info_height",
        "stream_info_audiocodecid", "stream_info_videocodecid", "video_codec", "audio_codec",
    ),
    estimated=("average_upstream_kbps", "average_downstream_kbps"),
)  # fmt: skip

IDLE = "no source: an on-demand relay that nobody listens to, or a mount whose source has gone"
"""Icecast lists both: its relays from the start, and what has a fallback to the end."""

AVERAGE_SECONDS = 30
"""The bytes lag by 5 s, so a younger stream's mean would be far too low."""

LEAST_BITS = 1000
MOST_KBITS = 16_000
"""More than this in a field of kbit/s was meant in bit/s, which some encoders send."""

_OF_A_SOURCE = (
    "stream_start_iso8601", "stream_start", "server_type", "content-type", "total_bytes_read",
    "source_ip", "user_agent", "connected",
)  # fmt: skip
"""What a mount has at least one of while somebody sends to it."""

_TYPES = {
    "mpeg": "MP3", "mp3": "MP3", "x-mpeg": "MP3", "x-mp3": "MP3",
    "aac": "AAC", "aacp": "AAC", "x-aac": "AAC", "x-aacp": "AAC", "mp4": "AAC",
    "flac": "FLAC", "x-flac": "FLAC", "opus": "Opus", "speex": "Speex",
}  # fmt: skip
_NAMED = {"mp3": "MP3", "aac": "AAC", "opus": "Opus", "flac": "FLAC", "spx": "Speex"}
"""Endings of mounts that leave no doubt."""

_SIZE = re.compile(r"\s*([0-9]{1,5})\s*x\s*([0-9]{1,5})\s*", re.ASCII)


def measured(name: str, fields: Mapping[str, Any], server: Session, now: float) -> Measurement:
    """
    The measurement that a mount's fields hold.

    :param name: of the mount, ``/a.ogg``
    :param server: the session, as far as it is the server's
    :param now: by the server's clock, seconds since 1970
    """
    if not any(fields.get(one) for one in _OF_A_SOURCE):
        return Measurement(
            presence=Presence.ABSENT, remarks=(IDLE,), pace=PACE, session=server, sources=SOURCES
        )
    uptime = _uptime(fields, now)
    received, sent = count(fields.get("total_bytes_read")), count(fields.get("total_bytes_sent"))
    old_enough = uptime if uptime is not None and uptime >= AVERAGE_SECONDS else None
    return Measurement(
        upstream_bytes_received=received,
        total_bytes_sent=sent,
        clients_connected=count(fields.get("listeners")),
        average_upstream_kbps=average_kbps(received, old_enough),
        average_downstream_kbps=average_kbps(sent, old_enough),
        uptime_seconds=uptime,
        pace=PACE,
        session=server._replace(publisher=_first_text(fields, _OF_A_SOURCE[:2])),
        sources=SOURCES,
        **_stream_info(name, fields),
    )


def server_session(fields: Mapping[str, Any]) -> Session:
    """What tells one life of the server from the next."""
    return Session(server=_first_text(fields, ("server_start_iso8601", "server_start")))


def _uptime(fields: Mapping[str, Any], now: float) -> int | None:
    """Seconds since the source came; a second of the clocks' difference is 0."""
    start = instant(fields.get("stream_start_iso8601"))
    if start is None:
        start = http_time(text(fields.get("stream_start")))
    if start is None:
        return count(fields.get("connected"), MOST_OF_STREAM)
    return round(max(0.0, now - start)) if now - start > -2 else None


def _stream_info(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is declared of the stream."""
    info = _audio_info(fields)
    video, audio = _codecs(name, fields)
    channels = _first_count(fields, info, "channels")
    size = _SIZE.fullmatch(text(fields.get("frame_size")) or "")
    sound, picture = (
        _from_bits(fields.get("audio_bitrate")),
        _from_bits(fields.get("video_bitrate")),
    )
    if sound is None and picture is None:
        in_all = _declared_kbps(fields, info)
        if video is not None or _type(fields)[0] == "video":
            picture = in_all
        else:
            sound = in_all
    return {
        "stream_info_audiodatarate": sound,
        "stream_info_videodatarate": picture,
        "stream_info_audiosamplerate": _first_count(fields, info, "samplerate"),
        "stream_info_stereo": None if channels is None else int(channels > 1),
        "stream_info_framerate": whole(fields.get("frame_rate"), 1000) or None,
        "stream_info_width": int(size[1]) or None if size else None,
        "stream_info_height": int(size[2]) or None if size else None,
        **codec_fields(video, audio),
    }


def _codecs(name: str, fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Video's and audio's codec, of which an Ogg stream may have both: ``Vorbis/Theora``."""
    kept = _codec_names(name, fields)
    video = next((one for one in kept if is_video(one)), None)
    return video, next((one for one in kept if not is_video(one)), None)


def _codec_names(name: str, fields: Mapping[str, Any]) -> list[str]:
    subtype = text(fields.get("subtype"))
    if subtype:
        return [found for one in subtype.split("/", 3) if (found := codec(one)) is not None]
    if fields.get("FLAC_version"):
        return ["FLAC"]
    number_of_flv = count(fields.get("audio_codecid"))
    if number_of_flv in AUDIO:
        return [AUDIO[number_of_flv]]
    family, kind = _type(fields)
    known = _TYPES.get(kind) if family == "audio" else None
    if known is None and family != "video":
        known = _NAMED.get(name.rpartition(".")[2].lower())
    return [] if known is None else [known]


def _type(fields: Mapping[str, Any]) -> tuple[str, str]:
    """``audio/mpeg; charset=x`` as ``audio`` and ``mpeg``."""
    given = _first_text(fields, ("server_type", "content-type")) or ""
    family, _, kind = given.partition(";")[0].strip().lower().partition("/")
    return family, kind


def _audio_info(fields: Mapping[str, Any]) -> dict[str, str]:
    """``ice-samplerate=44100;ice-bitrate=128;ice-channels=2``, with or without the ``ice-``."""
    pairs = (pair.partition("=") for pair in (text(fields.get("audio_info")) or "").split(";", 20))
    return {key.strip().removeprefix("ice-"): value for key, _, value in pairs}


def _declared_kbps(fields: Mapping[str, Any], info: Mapping[str, str]) -> int | None:
    for given in (fields.get("bitrate"), fields.get("ice-bitrate"), info.get("bitrate")):
        found = number(given)
        if found:
            return _from_bits(found) if found >= MOST_KBITS else round(found) or None
    return None


def _from_bits(given: object) -> int | None:
    """
    A rate in bit/s in kbit/s.

    An encoder with a variable rate says 0 or -1; below 1,000 bit/s nothing can be heard.
    """
    bits = number(given, MOST_OF_STREAM)
    return None if bits is None or bits < LEAST_BITS else round(bits / 1000)


def _first_count(fields: Mapping[str, Any], info: Mapping[str, str], name: str) -> int | None:
    """The first number that is there and not 0, of the names that Icecast's formats have for it."""
    every = (fields.get(f"audio_{name}"), fields.get(name), fields.get(f"ice-{name}"))
    for given in (*every, info.get(name)):
        found = count(given, MOST_OF_STREAM)
        if found:
            return found
    return None


def _first_text(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for one in names if (found := text(fields.get(one))) is not None), None)
