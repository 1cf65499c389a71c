"""``tvmon sample``: one stream, sampled and judged as the daemon does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twisted.internet.task import deferLater

from tvmon.cli.terminal import Terminal, aligned
from tvmon.entry import utc
from tvmon.errors import Trouble
from tvmon.health import Scoring, judge
from tvmon.sampling.fetch import Fetcher
from tvmon.servers import Answer, Fetch, MediaServer, Request
from tvmon.streams import MEASURED, Health, Level, Part, Sample, Stream
from tvmon.window import Window, upstream_rates

LEVELS = {Level.BAD: "bad", Level.PROBLEM: "a problem", Level.GOOD: "good"}
CODECS = {
    "stream_info_audiocodecid": {2: "MP3", 10: "AAC", 11: "Speex"},
    "stream_info_videocodecid": {2: "H.263", 4: "VP6", 7: "AVC"},
}
UNITS = (
    ("_bytes_received", "byte"),
    ("total_bytes_sent", "byte"),
    ("_ms", "ms"),
    ("_kbps", "kbit/s"),
    ("datarate", "kbit/s"),
    ("samplesize", "bit"),
    ("samplerate", "Hz"),
    ("framerate", "1/s"),
    ("_width", "pixel"),
    ("_height", "pixel"),
)
"""The unit of a field, by the end of its name."""


@dataclass(frozen=True, slots=True)
class Watch:
    """
    What is to be sampled, and how.

    :param seconds: for how long; 0 is one sample
    """

    url: str
    server: MediaServer
    scoring: Scoring
    seconds: float
    interval: float
    deadline: float
    body_bytes: int


async def watch(reactor: Any, job: Watch, terminal: Terminal) -> int:
    """
    Say a line for each sample where there are several, and then all about the last one.

    1 where that one failed, else 0.

    :param reactor: its time is the wall clock, as it is unless somebody changed that
    """
    fetcher = Fetcher(reactor, body_bytes=job.body_bytes)

    async def fetch(request: Request) -> Answer:
        return await fetcher.fetch(request, job.deadline)

    window = Window()
    start = reactor.seconds()
    count = 1 + int(job.seconds / job.interval + 1e-9)
    try:
        for number in range(count):
            wait = start + number * job.interval - reactor.seconds()
            await deferLater(reactor, max(0.0, wait))
            sample = await _sample(reactor, job, fetch)
            window.add(sample)
            health = judge(sample, window, job.scoring)
            if count > 1:
                terminal.say(_line(sample, health, window))
    finally:
        await fetcher.close()
    terminal.say(*_report(sample, health, alone=count == 1))
    return 1 if sample.is_failed else 0


async def _sample(reactor: Any, job: Watch, fetch: Fetch) -> Sample:
    stream = Stream.of("", "", None, "", job.url)
    try:
        measured = await job.server.sample(stream, fetch)
    except Trouble as trouble:
        return Sample(reactor.seconds(), reactor.seconds(), None, trouble.reason)
    return Sample(reactor.seconds(), reactor.seconds(), measured)


def _line(sample: Sample, health: Health, window: Window) -> str:
    """One sample among several."""
    when = utc(sample.time)[11:]
    measured = sample.measured
    if measured is None:
        return f"{when}  failed: {sample.failed_reason}"
    rate = upstream_rates(window).last_10
    cells = (
        f"score {_plain(health.whole.score)}",
        f"upstream {'-' if rate is None else format(rate, '.0f')} kbit/s",
        f"delay {_plain(measured.live_delay_ms)} ms",
        f"viewers {_plain(measured.clients_connected)}",
    )
    return f"{when}  " + "  ".join(cells)


def _report(sample: Sample, health: Health, *, alone: bool) -> Iterator[str]:
    """Everything about a sample and its score."""
    rows = [("sample_time", utc(sample.time))]
    if sample.measured is None:
        rows.append(("failed_reason", sample.failed_reason or ""))
    else:
        rows += [(name, _value(name, getattr(sample.measured, name))) for name in MEASURED]
    rows += [
        ("score", _part(health.whole)),
        ("  upstream", _part(health.upstream)),
        ("  live_delay", _part(health.live_delay)),
    ]
    yield from aligned(rows)
    yield from (f"- {reason}" for reason in health.reasons)
    if alone and health.whole.score is None:
        yield "One sample tells no flow: --seconds 30 watches the stream until its score is known."


def _value(name: str, value: float | None) -> str:
    """A field with its unit."""
    if value is None:
        return "not told"
    named = CODECS.get(name, {}).get(int(value))
    if named:
        return f"{value} ({named})"
    unit = next((unit for end, unit in UNITS if name.endswith(end)), "")
    return f"{value} {unit}".rstrip()


def _part(part: Part) -> str:
    if part.score is None or part.level is None:
        return "not known"
    return f"{part.score} of 100, {LEVELS[part.level]}"


def _plain(value: int | None) -> str:
    return "-" if value is None else str(value)
