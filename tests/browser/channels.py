"""Synthetic streams: what their media servers would say of them, cheaply, for many at once."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from typing import Any

from tvmon.streams import STEADY, Measurement, Pace, Presence, Sample, Sources, Stream

INTERVAL = 3.0


@dataclass(frozen=True)
class Kind:
    """What is wrong with a stream: its share of the bytes it needs, the growth of its delay."""

    share: float = 1.0
    late_ms: int = 0
    failed_reason: str | None = None
    presence: Presence = Presence.LIVE
    may_sleep: bool = False


KINDS = {
    "healthy": Kind(),
    "starved": Kind(share=0.6, late_ms=300),
    "late": Kind(late_ms=300),
    "absent": Kind(share=0.0, presence=Presence.ABSENT),
    "asleep": Kind(share=0.0, presence=Presence.ABSENT, may_sleep=True),
    "unseen": Kind(share=0.0, presence=Presence.UNSEEN),
    "dead": Kind(failed_reason="no answer within 2.4 s"),
    "mute": Kind(failed_reason="the answer has no fields"),
}

_PICTURE = {"stream_info_width": 1024, "stream_info_height": 576}
_SOUND = {"stream_info_audiosamplerate": 44100, "stream_info_stereo": 1}
_RATES = ("stream_info_audiodatarate", "stream_info_videodatarate")


@dataclass(frozen=True)
class Maker:
    """
    A kind of media server.

    :param interface: the address that is asked for the stream of a number on a host
    :param tells: of a stream that is there: the fields that never change
    :param hides: what others tell and this one does not
    """

    name: str
    interface: str
    tells: dict[str, Any]
    hides: tuple[str, ...]
    sources: Sources
    pace: Pace = STEADY


TVIE = Maker(
    "tvie",
    "http://{host}/tag_live_monitor/tv/channel-{number}/main",
    {
        **_PICTURE,
        **_SOUND,
        "stream_info_audiocodecid": 10,
        "stream_info_audiosamplesize": 16,
        "stream_info_videocodecid": 7,
        "video_codec": "H264",
        "audio_codec": "AAC",
    },
    ("uptime_seconds", "media_received_ms"),
    Sources(declared=(*_RATES, *_PICTURE, *_SOUND), estimated=("live_delay_ms",)),
)
OTHERS = {
    0: Maker(
        "srs",
        "http://{host}:1985/api/v1/streams/#live/cam{number}",
        {**_PICTURE, "video_codec": "H265", "stream_info_videocodecid": 12, "audio_codec": "Opus"},
        ("total_gops", "live_delay_ms", "media_received_ms", *_RATES),
        Sources(),
    ),
    2: Maker(
        "nginx-rtmp",
        "http://{host}/stat#live/cam{number}",
        {**_PICTURE, **_SOUND, "video_codec": "H264", "audio_codec": "AAC"},
        ("total_gops", "live_delay_ms", *_RATES),
        Sources(declared=tuple(_PICTURE), estimated=("average_upstream_kbps",)),
    ),
    3: Maker(
        "hls",
        "http://{host}/live/cam{number}.m3u8",
        {"video_codec": "H264", "audio_codec": "AAC"},
        ("clients_connected", "total_clients_served", "total_bytes_sent", "total_gops"),
        Sources(declared=_RATES, estimated=("live_delay_ms", "upstream_bytes_received")),
        Pace(8.0, 12.0),
    ),
    5: Maker(
        "icecast",
        "http://{host}:8000/admin/stats#/radio{number}",
        {**_SOUND, "audio_codec": "Vorbis"},
        ("total_gops", "live_delay_ms", "stream_info_videodatarate", "media_received_ms"),
        Sources(declared=("stream_info_audiodatarate", *_SOUND)),
        Pace(2.0, 5.5),
    ),
}
"""By what is left of a media server's number when it is divided by eight; the rest is TVie."""


class Channel:
    """One stream; ``kind`` is a key of KINDS and may change at any time."""

    def __init__(self, number: int, kind: str = "healthy", name: str | None = None) -> None:
        self.random = random.Random(number)
        server = number % 40
        self.maker = OTHERS.get(server % 8, TVIE)
        host = f"10.1.{number // 250}.{number % 250}"
        name = name or f"media{server + 1}[{host}]/tv/Channel {number}/main"
        interface = self.maker.interface.format(host=host, number=number)
        stream = Stream.of(f"media{server + 1}", str(number), number, name, interface)
        self._stream = replace(stream, kind=self.maker.name)
        self.kind = kind
        self.declared = self.random.choice([256, 628, 1200, 2400, 4800])
        self.viewers = min(90_000, int(self.random.paretovariate(0.7)))
        self.received = self.random.randrange(10**9)
        self.sent = self.received * 2
        self.delay = self.random.randrange(-20, 900)
        self.uptime = self.random.randrange(10**6)

    @property
    def stream(self) -> Stream:
        """What it is, as its kind is now."""
        return replace(self._stream, may_sleep=KINDS[self.kind].may_sleep)

    def sample(self, now: float, at: float) -> Sample:
        """The next sample, one interval after the one before."""
        kind = KINDS[self.kind]
        if kind.failed_reason is not None:
            return Sample(now, at, None, kind.failed_reason)
        rate = self.declared * kind.share * self.random.uniform(0.93, 1.1)
        self.received += int(rate * 125 * INTERVAL)
        self.sent += int(rate * 125 * INTERVAL * self.viewers)
        self.viewers = max(0, self.viewers + self.random.randrange(-2, 3))
        self.delay = min(30_000, self.delay + kind.late_ms)
        self.uptime += int(INTERVAL)
        there = kind.presence is Presence.LIVE
        said: dict[str, Any] = {
            "total_gops": self.received // 100_000,
            "upstream_opened_count": 3,
            "upstream_connected_count": 2,
            "upstream_connection_fail_count": 1,
            "upstream_bytes_received": self.received,
            "clients_connected": self.viewers,
            "total_clients_served": self.viewers * 7,
            "total_bytes_sent": self.sent,
            "live_delay_ms": self.delay + self.random.randrange(40) if there else 999_999,
            "average_upstream_kbps": round(self.declared * 0.97, 2),
            "average_downstream_kbps": round(self.declared * 0.97 * self.viewers, 2),
            "stream_info_audiodatarate": 64 if there else 0,
            "stream_info_videodatarate": self.declared - 64 if there else 0,
            "media_received_ms": self.uptime * 1000,
            "uptime_seconds": self.uptime,
        }
        if there:
            said |= self.maker.tells
            if "video_codec" in said:
                said["stream_info_framerate"] = 24 + self.declared % 2
            else:
                said["stream_info_audiodatarate"] = self.declared
        elif self.maker is not TVIE:
            said = {}  # it lists what is published, and of the rest knows the name
        for name in self.maker.hides:
            said.pop(name, None)
        measured = Measurement(
            **said, presence=kind.presence, pace=self.maker.pace, sources=self.maker.sources
        )
        return Sample(now, at, measured)


def channels(count: int) -> list[Channel]:
    """So many streams; one in thirteen is starved, dead, absent, asleep, unseen or late."""
    trouble = itertools.cycle(["starved", "dead", "absent", "asleep", "unseen", "late"])
    return [Channel(n, next(trouble) if n % 13 == 7 else "healthy") for n in range(count)]
