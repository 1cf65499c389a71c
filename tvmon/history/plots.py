"""
What can be drawn of a history, and be asked for as numbers: metrics and targets.  Pure.

A plot has one unit and some lines; a line is an expression in reverse Polish notation, as rrdtool
computes it, over the names of :mod:`.sources`.  Counts are those of five minutes in every tier: a
coarser row holds their mean, smallest and largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from tvmon.history.subjects import ALL, MACHINE, PROTOCOLS, Subject
from tvmon.tiers import Tier

Role = Literal["main", "sub", "multi"]


class Line(NamedTuple):
    """
    One line of a plot.

    :ivar rpn: what it shows
    :ivar unit: where it is not that of the plot
    :ivar extremes: whether its smallest and largest values follow from those of its sources, as
        they do where it grows with each of them
    """

    name: str
    title: str
    rpn: str
    role: Role = "main"
    unit: str = ""
    extremes: bool = True

    def functions(self, tier: Tier) -> tuple[str, ...]:
        """The consolidation functions by which it is told in a tier; its mean comes first."""
        return tier.functions if self.extremes else tier.functions[:1]


class Plot(NamedTuple):
    """
    What is drawn in one picture.

    :ivar least: and ``most``: what the axis shows at least, and at most; ``None`` is as needed
    :ivar base: what k is: 1000, or 1024 of memory
    :ivar protocols: those by which it can be asked for; all of them together need not be named
    :ivar of: whose history it is of; ``None`` is whom one asks for
    """

    name: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    least: float | None = 0
    most: float | None = None
    base: int = 1000
    protocols: tuple[str, ...] = PROTOCOLS
    of: Subject | None = None

    @property
    def scaled(self) -> bool:
        """Whether values are written with k, M and G, as counts and shares are not."""
        return self.unit in ("bit/s", "byte")

    def unit_of(self, line: Line) -> str:
        """In which a line's values are."""
        return line.unit or self.unit


def _named(*plots: Plot) -> dict[str, Plot]:
    return {plot.name: plot for plot in plots}


_OUT = Line("out", "Outbound", "out_kbps,1000,*")
_IN = Line("in", "Inbound", "in_kbps,1000,*")
_FANOUT = "out_kbps,0,GT,out_kbps,in_kbps,-,out_kbps,/,100,*,UNKN,IF"
_JOINED = (Line("joined", "Came", "joined"), Line("left", "Went", "left", "sub"))
_UPSTREAM = (Line("connects", "Made", "connects"), Line("failures", "Failed", "failures", "sub"))
_TRIES = (Line("opens", "Tried", "opens"), Line("connects", "Made", "connects", "sub"))
_FIRST_BYTE = Line("first_byte", "First byte", "first_byte_ms")
_ANSWER = Line("answer", "Whole answer", "answer_ms")
_POLLS = Line("polls", "Asked", "polls", "sub")
_ANSWERS = Line("answers", "Answered", "answers")
_GOOD = Line("good", "Good", "samples")
_VIEWERS = Line("viewers", "Viewers", "viewers")

METRICS: Mapping[str, Plot] = _named(
    Plot("traffic", "Traffic", "bit/s", (_OUT, _IN._replace(role="sub"))),
    Plot("viewers", "Viewers", "viewers", (_VIEWERS,)),
    Plot("viewer_changes", "Viewers came and went", "viewers", _JOINED),
    Plot("delay", "Live delay", "ms", (Line("delay", "Delay", "delay_ms"),), None),
    Plot("score", "Score", "points", (Line("score", "Score", "score"),), 0, 100)._replace(
        protocols=()
    ),
    Plot(
        "availability",
        "Availability",
        "%",
        (Line("good", "Good samples", "good_share"),),
        most=100,
        protocols=(),
    ),
    Plot("upstream", "Upstream", "connections", _UPSTREAM),
    Plot("upstream_tries", "Upstream tried", "connections", _TRIES),
    Plot(
        "fanout", "Fan-out", "%", (Line("fanout", "Fan-out", _FANOUT, extremes=False),), None, 100
    ),
    Plot("answer_time", "Time to answer", "ms", (_ANSWER, _FIRST_BYTE._replace(role="sub"))),
    Plot("polls", "Samples asked for", "polls", (_ANSWERS, _POLLS)),
    Plot(
        "framerate",
        "Frame rate, declared",
        "1/s",
        (Line("framerate", "Pictures", "framerate"),),
        protocols=(),
    ),
    Plot(
        "declared",
        "Bit rates, declared",
        "bit/s",
        (
            Line("video", "Video", "video_kbps,1000,*"),
            Line("audio", "Audio", "audio_kbps,1000,*", "sub"),
        ),
        protocols=(),
    ),
    Plot("sent", "Sent in five minutes", "byte", (Line("sent", "Sent", "sent_bytes"),)),
)
"""Of a stream, and of what streams are parts of; also the first of the targets."""

_PLAIN = METRICS
_HTTP = ("http", "hls", "mpegdash")

TARGETS: Mapping[str, Plot] = {
    **METRICS,
    **_named(
        _PLAIN["viewers"]._replace(name="client_session"),
        _PLAIN["upstream_tries"]._replace(name="origin_session"),
        _PLAIN["traffic"]._replace(name="client_traffic", lines=(_OUT,)),
        _PLAIN["traffic"]._replace(name="origin_traffic", lines=(_IN,)),
        _PLAIN["fanout"]._replace(name="hitratio"),
        _PLAIN["polls"]._replace(name="client_res"),
        Plot("client_res_complete", "Good samples", "polls", (_GOOD, _POLLS), protocols=_HTTP),
        Plot("client_res_time", "Time to the first byte", "ms", (_FIRST_BYTE,)),
        Plot(
            "client_res_complete_time",
            "Time to the whole answer",
            "ms",
            (_ANSWER,),
            protocols=_HTTP,
        ),
        _PLAIN["viewer_changes"]._replace(name="ssockevent", protocols=()),
        _PLAIN["upstream"]._replace(name="csockevent", protocols=()),
    ),
}
"""The metrics, and what the STON media server calls them."""


def _machine(name: str, title: str, unit: str, *lines: Line, **more: object) -> Plot:
    return Plot(name, title, unit, lines, protocols=(), of=MACHINE)._replace(**more)  # type: ignore[arg-type]


def _memory(name: str) -> Plot:
    used = Line("used", "Used", "memory_bytes")
    own = Line("own", "Used by tvmon", "own_memory_bytes", "sub")
    return _machine(name, "Memory", "byte", used, own, base=1024)


def _sockets(name: str, title: str, side: str) -> Plot:
    total = Line("total", "All", f"{side}_sockets")
    established = Line("established", "Established", f"{side}_established", "sub")
    return _machine(name, title, "sockets", total, established)


OLD_NAMES = frozenset({"mem"})
"""Second names of global targets, which are drawn for who asks by them, and not listed."""

GLOBALS: Mapping[str, Plot] = _named(
    _machine(
        "cpu",
        "Processor",
        "%",
        Line("all", "Kernel and user", "cpu"),
        Line("kernel", "Kernel", "cpu_kernel", "sub"),
    ),
    _machine(
        "ston_media_server_cpu",
        "Processor, tvmon alone",
        "%",
        Line("all", "Kernel and user", "own_cpu"),
        Line("kernel", "Kernel", "own_cpu_kernel", "sub"),
    ),
    _memory("memory"),
    _memory("mem"),
    _machine("iowait", "Waiting for disks", "%", Line("iowait", "Waiting", "iowait")),
    _machine("loadavg", "Load average", "processes", Line("load", "Load", "load")),
    TARGETS["ssockevent"]._replace(of=ALL),
    _sockets("ssockusage", "Connections accepted", "server"),
    TARGETS["csockevent"]._replace(of=ALL),
    _sockets("csockusage", "Connections made", "client"),
    _machine("acldenied", "Requests refused", "requests/s", Line("denied", "Refused", "denied")),
    _machine("eq", "Longest turn", "ms", Line("backlog", "Backlog", "backlog")),
    _machine("wf2w", "Unwritten", "samples", Line("unwritten", "Unwritten", "unwritten")),
    _machine(
        "tcpsocket",
        "TCP sockets",
        "sockets",
        Line("allocated", "Allocated", "tcp_allocated", "multi"),
        Line("established", "Established", "tcp_established", "multi"),
        Line("timewait", "Time wait", "tcp_timewait", "multi"),
        Line("orphan", "Orphan", "tcp_orphan", "multi"),
        # As the kernel counts it, and on one axis with the counts of sockets.
        Line("memory", "Memory", "tcp_memory_bytes,4096,/", "multi", "pages of 4 KiB"),
    ),
)
"""Of the machine that tvmon runs on, and of everything together."""
