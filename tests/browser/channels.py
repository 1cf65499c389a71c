"""Synthetic streams: what their media servers would say of them, cheaply, for many at once."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from tvmon.streams import Measurement, Sample, Stream

INTERVAL = 3.0
PICTURE = {
    "stream_info_audiocodecid": 10,
    "stream_info_audiosamplesize": 16,
    "stream_info_audiosamplerate": 44100,
    "stream_info_stereo": 1,
    "stream_info_videocodecid": 7,
    "stream_info_width": 1024,
    "stream_info_height": 576,
}


@dataclass(frozen=True)
class Kind:
    """What is wrong with a stream: its share of the bytes it needs, the growth of its delay."""

    share: float = 1.0
    late_ms: int = 0
    failed_reason: str | None = None


KINDS = {
    "healthy": Kind(),
    "starved": Kind(share=0.6, late_ms=300),
    "late": Kind(late_ms=300),
    "absent": Kind(share=0.0),
    "dead": Kind(failed_reason="no answer within 2.4 s"),
    "mute": Kind(failed_reason="the answer has no fields"),
}


class Channel:
    """One stream; ``kind`` is a key of KINDS and may change at any time."""

    def __init__(self, number: int, kind: str = "healthy", name: str | None = None) -> None:
        self.random = random.Random(number)
        server = f"media{number % 40 + 1}"
        host = f"10.1.{number // 250}.{number % 250}"
        name = name or f"{server}[{host}]/tv/Channel {number}/main"
        interface = f"http://{host}/tag_live_monitor/tv/channel-{number}/main"
        self.stream = Stream.of(server, str(number), number, name, interface)
        self.kind = kind
        self.declared = self.random.choice([256, 628, 1200, 2400, 4800])
        self.viewers = min(90_000, int(self.random.paretovariate(0.7)))
        self.received = self.random.randrange(10**9)
        self.sent = self.received * 2
        self.delay = self.random.randrange(-20, 900)

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
        absent = kind.share == 0
        said = {
            "total_gops": self.received // 100_000,
            "upstream_opened_count": 3,
            "upstream_connected_count": 2,
            "upstream_connection_fail_count": 1,
            "upstream_bytes_received": self.received,
            "clients_connected": self.viewers,
            "total_clients_served": self.viewers * 7,
            "total_bytes_sent": self.sent,
            "live_delay_ms": 999_999 if absent else self.delay + self.random.randrange(40),
            "average_upstream_kbps": round(self.declared * 0.97, 2),
            "average_downstream_kbps": round(self.declared * 0.97 * self.viewers, 2),
            "stream_info_audiodatarate": 0 if absent else 64,
            "stream_info_videodatarate": 0 if absent else self.declared - 64,
        }
        if not absent:
            said |= PICTURE | {"stream_info_framerate": 24 + self.declared % 2}
        return Sample(now, at, Measurement(**said))


def channels(count: int) -> list[Channel]:
    """So many streams; one in thirteen is starved, dead, late or absent."""
    trouble = itertools.cycle(["starved", "dead", "late", "absent"])
    return [Channel(n, next(trouble) if n % 13 == 7 else "healthy") for n in range(count)]
