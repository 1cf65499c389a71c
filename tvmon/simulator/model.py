"""
What a stream's media server says at a moment: a pure function of the stream's source and history.

No timers and no steps: the counters of any moment are worked out when they are asked for, so
ten thousand streams cost nothing while nobody asks.  The delay and the averages are worked out
afresh only every 15 s, as on the recordings.
"""

from __future__ import annotations

from typing import NamedTuple

from tvmon.simulator.behaviours import Behaviour
from tvmon.simulator.source import REPORT_SECONDS, Source
from tvmon.simulator.upstream import (
    NO_STREAM_DELAY_MS,
    Flow,
    declared_video_kbps,
    delay_ms,
    flow_of,
    rate_of,
    session,
)

RECONNECT_DELAY_MS = 2_000
"""A stream that was later than this loses its delay only by a new connection to upstream."""


class Counters(NamedTuple):
    """The thirteen lines that a media server always says, in their order."""

    total_gops: int = 0
    upstream_opened_count: int = 0
    upstream_connected_count: int = 0
    upstream_connection_fail_count: int = 0
    upstream_bytes_received: int = 0
    clients_connected: int = 0
    total_clients_served: int = 0
    total_bytes_sent: int = 0
    live_delay_ms: int = 0
    average_upstream_kbps: float = 0.0
    average_downstream_kbps: float = 0.0
    stream_info_audiodatarate: int = 0
    stream_info_videodatarate: int = 0


class Report(NamedTuple):
    """What a media server works out afresh only every fifteen seconds."""

    delay_ms: int
    upstream_kbps: float
    downstream_kbps: float


class Chapter(NamedTuple):
    """
    A stretch of a stream's life with one behaviour.  All times in seconds from anywhere.

    :param behaviour: what it does
    :param since: when it began to
    :param base: what its counters were then
    :param started: when its counters were zero
    :param fresh: whether the stream itself began then, so that no older report holds
    :param flow: what had come in by then
    :param arrived: the viewers who had come by then
    :param watched: the seconds that they had watched by then
    """

    behaviour: Behaviour
    since: float
    base: Counters
    started: float
    fresh: bool
    flow: Flow
    arrived: int
    watched: float


def begin(
    source: Source,
    behaviour: Behaviour,
    since: float,
    base: Counters | None = None,
    started: float | None = None,
) -> Chapter:
    """
    A new chapter.

    :param base: what the counters are at its begin; ``None``: its media server has just started
    :param started: when they were zero; ``None``: right then
    """
    fresh = base is None or base.live_delay_ms == NO_STREAM_DELAY_MS
    base = base or Counters()
    if behaviour.name != "down" and (fresh or base.live_delay_ms > RECONNECT_DELAY_MS):
        base = base._replace(
            upstream_opened_count=base.upstream_opened_count + 1,
            upstream_connected_count=base.upstream_connected_count + 1,
        )
    arrived = source.arrived(since)
    if not base.clients_connected:
        arrived -= source.watching(since)  # all who watch from the begin on have just come
    return Chapter(
        behaviour,
        since,
        base,
        since if started is None else started,
        fresh,
        flow_of(source, behaviour, since),
        arrived,
        source.watched(since),
    )


def current(source: Source, chapter: Chapter, at: float) -> Chapter:
    """The chapter that holds at a moment: a restarting stream begins a new one at each restart."""
    behaviour = chapter.behaviour
    if behaviour.name != "restarting" or at - chapter.since < behaviour.number:
        return chapter
    restarts = int((at - chapter.since) / behaviour.number)
    return begin(source, behaviour, chapter.since + restarts * behaviour.number)


def report_time(source: Source, chapter: Chapter, at: float) -> float | None:
    """When what is reported at a moment was worked out; ``None``: before this chapter."""
    phase = source.report_phase
    tick = phase + REPORT_SECONDS * ((at - phase) // REPORT_SECONDS)
    if tick > chapter.since:
        return tick
    return chapter.since if chapter.fresh else None


def report(source: Source, chapter: Chapter, at: float | None) -> Report:
    """The delay and the averages as they were worked out at a report time."""
    base = chapter.base
    if at is None:
        return Report(base.live_delay_ms, base.average_upstream_kbps, base.average_downstream_kbps)
    flow = flow_of(source, chapter.behaviour, at)
    kbit = 8 / 1000 / max(at - chapter.started, 0.001)
    return Report(
        delay_ms(source, chapter.behaviour, chapter.since, at),
        (base.upstream_bytes_received + flow.received - chapter.flow.received) * kbit,
        (base.total_bytes_sent + _sent(source, chapter, at)) * kbit,
    )


def counters(source: Source, chapter: Chapter, at: float, reported: Report) -> Counters:
    """Everything that is said at a moment of the current chapter."""
    base, behaviour = chapter.base, chapter.behaviour
    if behaviour.name == "down":
        return base._replace(
            upstream_connection_fail_count=base.upstream_connection_fail_count
            + int(at - chapter.since),
            clients_connected=0,
            live_delay_ms=NO_STREAM_DELAY_MS,
            average_upstream_kbps=reported.upstream_kbps,
            average_downstream_kbps=reported.downstream_kbps,
            stream_info_audiodatarate=0,
            stream_info_videodatarate=0,
        )
    flow, gop = flow_of(source, behaviour, at), source.profile.gop_seconds
    reopened = session(source, behaviour, chapter.since, at).earlier
    return Counters(
        base.total_gops + int(flow.content // gop - chapter.flow.content // gop),
        base.upstream_opened_count + reopened,
        base.upstream_connected_count + reopened,
        base.upstream_connection_fail_count + reopened,
        base.upstream_bytes_received + int(flow.received - chapter.flow.received),
        source.watching(at),
        base.total_clients_served + source.arrived(at) - chapter.arrived,
        base.total_bytes_sent + _sent(source, chapter, at),
        reported.delay_ms,
        reported.upstream_kbps,
        reported.downstream_kbps,
        source.profile.audio_kbps,
        declared_video_kbps(source, behaviour, flow.content),
    )


def _sent(source: Source, chapter: Chapter, at: float) -> int:
    """The bytes to viewers since the chapter's begin."""
    if not source.viewers:
        return 0
    return int(rate_of(source, chapter.behaviour) * (source.watched(at) - chapter.watched))
