"""
What is kept of a stream and of this machine: the data sources of the RRDs.

All are gauges over five minutes.  Of a stream they are averages of its good samples, or counts
and sums where the description says so; a server's are those of its streams, added up where
``adds`` is true, and their mean where it is not.  Unknown is unknown: an unknown part adds
nothing, and where every part is unknown so is the whole.
"""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """
    One data source.

    :ivar unit: as it stands in answers: ``kbit/s``, ``byte``, ``ms``, ``1/s``, ``%``, or what is
        counted
    :ivar least: and ``most``: what lies outside is unknown; ``None`` is no bound
    :ivar adds: whether those of a server's streams add up
    """

    name: str
    unit: str
    least: float | None
    most: float | None
    adds: bool
    says: str

    @property
    def definition(self) -> str:
        """As ``rrdtool create`` takes it."""
        least = "U" if self.least is None else f"{self.least:.0f}"
        most = "U" if self.most is None else f"{self.most:.0f}"
        return f"DS:{self.name}:GAUGE:600:{least}:{most}"


STREAM_SOURCES = (
    Source("in_kbps", "kbit/s", 0, 1e12, True, "came in from upstream"),
    Source("out_kbps", "kbit/s", 0, 1e12, True, "went out to viewers"),
    Source("sent_bytes", "byte", 0, None, True, "sent to viewers in these five minutes"),
    Source("viewers", "viewers", 0, None, True, "connected"),
    Source("joined", "viewers", 0, None, True, "came in these five minutes"),
    Source("left", "viewers", 0, None, True, "went in these five minutes"),
    Source("delay_ms", "ms", -1e6, 1e7, False, "how far the stream runs behind"),
    Source("score", "points", 0, 100, False, "the score"),
    Source("good_share", "%", 0, 100, False, "share of samples that were judged, and not bad"),
    Source("opens", "connections", 0, None, True, "to upstream, tried in these five minutes"),
    Source("connects", "connections", 0, None, True, "to upstream, made in these five minutes"),
    Source("failures", "connections", 0, None, True, "to upstream, failed in these five minutes"),
    Source("polls", "polls", 0, None, True, "samples asked for in these five minutes"),
    Source("answers", "polls", 0, None, True, "of them, those that were answered over HTTP"),
    Source("samples", "polls", 0, None, True, "of them, those that brought a good sample"),
    Source("first_byte_ms", "ms", 0, 1e7, False, "from asking to the first byte of the answer"),
    Source("answer_ms", "ms", 0, 1e7, False, "from asking to the whole answer"),
    Source("framerate", "1/s", 0, 10_000, False, "pictures a second, as the stream declares"),
    Source("audio_kbps", "kbit/s", 0, 1e9, True, "audio, as the stream declares"),
    Source("video_kbps", "kbit/s", 0, 1e9, True, "video, as the stream declares"),
)
"""Of a stream, a server, an application, a protocol, and of everything."""

MACHINE_SOURCES = (
    Source("cpu", "%", 0, None, False, "kernel and user, of one processor"),
    Source("cpu_kernel", "%", 0, None, False, "kernel alone, of one processor"),
    Source("own_cpu", "%", 0, None, False, "tvmon itself, kernel and user, of one processor"),
    Source("own_cpu_kernel", "%", 0, None, False, "tvmon itself, kernel alone, of one processor"),
    Source("iowait", "%", 0, None, False, "waiting for disks, of one processor"),
    Source("load", "processes", 0, None, False, "load average of one minute"),
    Source("memory_bytes", "byte", 0, None, False, "used, by all programs"),
    Source("own_memory_bytes", "byte", 0, None, False, "used by tvmon itself (resident)"),
    Source("tcp_allocated", "sockets", 0, None, False, "TCP sockets allocated"),
    Source("tcp_established", "sockets", 0, None, False, "TCP sockets in use"),
    Source("tcp_timewait", "sockets", 0, None, False, "TCP sockets in TIME_WAIT"),
    Source("tcp_orphan", "sockets", 0, None, False, "TCP sockets that no process holds"),
    Source("tcp_memory_bytes", "byte", 0, None, False, "memory of TCP buffers"),
    Source("server_sockets", "sockets", 0, None, False, "TCP sockets of accepted connections"),
    Source("server_established", "sockets", 0, None, False, "of them, those established"),
    Source("client_sockets", "sockets", 0, None, False, "TCP sockets of connections made"),
    Source("client_established", "sockets", 0, None, False, "of them, those established"),
    Source("backlog", "ms", 0, None, False, "how late tvmon's timers run: its longest turn"),
    Source("unwritten", "samples", 0, None, False, "samples that wait for the database"),
    Source("denied", "requests", 0, None, False, "refused for want of a password, a second's"),
)
"""Of the machine that tvmon runs on."""


def unknowns(sources: tuple[Source, ...]) -> str:
    """``U:U:U``, as many as there are: five minutes of which nothing is known."""
    return ":".join("U" for _ in sources)
