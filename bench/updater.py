"""
What it costs that many streams appear, are sampled, and go; and how long the reactor is held up.

    PYTHONPATH=. python bench/updater.py [--streams 10000] [--seconds 14]

The media server answers at once, out of memory, so that everything seen here is tvmon's own:
reading a TVie listing, updater, samplers, board and score.  A turn is what the reactor spends on
the calls that are due, in processor time, since a machine that does other work too makes any turn
long by the clock.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.sampling.meters import PollMeters
from tvmon.sampling.updater import Updater
from tvmon.servers import Answer, Drift, Fetch, Listing, Request
from tvmon.servers.steps import in_steps
from tvmon.servers.tvie_listing import listing_steps
from tvmon.servers.watched import Watched
from tvmon.streams import Measurement, Stream

reactor: Any = real_reactor
ANSWER = Answer(200, "OK", b"")


def channels(count: int) -> bytes:
    """The listing of a TVie media server with so many channels, a stream in each."""
    host = {"name": "media1", "ip_address": "10.0.0.7", "host_name": "cdn.example"}
    customer = {"customer_name": "customer", "server": [host]}
    return json.dumps(
        {
            "channels": [
                {
                    **customer,
                    "channel_name": f"channel{n}",
                    "display_name": f"Channel {n}",
                    "streams": [{"id": n, "name": "high"}],
                }
                for n in range(count)
            ]
        }
    ).encode()


class Server:
    """Lists so many streams; each has received a little more at each poll."""

    name = "bench"

    def __init__(self, streams: int) -> None:
        self.listing = self.all = channels(streams)
        self.polls = 0
        self.drift = Drift()
        self.extra_streams = ()

    def begin(self) -> Server:
        return self

    async def list_streams(self, fetch: Fetch) -> Listing:
        await fetch(Request("http://media1.example/channels"))
        steps = listing_steps(self.listing, server="bench", monitor_cdn=False, extra_streams=())
        return await in_steps(steps)

    async def sample(self, stream: Stream, fetch: Fetch) -> Measurement:
        await fetch(Request(stream.sample_interface))
        self.polls += 1
        return Measurement(
            upstream_bytes_received=int(time.monotonic() * 100_000),
            live_delay_ms=0,
            stream_info_audiodatarate=64,
            stream_info_videodatarate=700,
        )


class Fetched:
    """Answers at once, or not at all."""

    is_silent = False

    async def fetch(self, _request: Request, _seconds: float) -> Answer:
        if self.is_silent:
            await Deferred()
        return ANSWER


class Turns:
    """The turns of the reactor, from outside: its own method that runs what is due, timed."""

    def __init__(self) -> None:
        self.longest = self.busy = 0.0
        run = reactor.runUntilCurrent

        def timed() -> None:
            began = time.thread_time()
            run()
            took = time.thread_time() - began
            self.busy += took
            self.longest = max(self.longest, took)

        reactor.runUntilCurrent = timed

    def begin(self) -> None:
        self.longest = self.busy = 0.0

    def row(self, what: str, seconds: float, more: str = "") -> None:
        print(
            f"| {what} | {seconds:.2f} s | {1000 * self.busy:.0f} ms |"
            f" {1000 * self.longest:.1f} ms | {more} |",
            flush=True,
        )


async def measure(streams: int, seconds: float) -> None:
    server, fetched, turns = Server(streams), Fetched(), Turns()
    registry = CollectorRegistry()
    board = Board(Scoring())
    updater = Updater(
        clock=reactor,
        now=time.time,
        random=Random(1),
        server=Watched(server),
        fetch=fetched.fetch,
        board=board,
        meters=PollMeters(registry),
        polling=Polling(listing_seconds=seconds),
    )

    async def until_sampled(count: int) -> float:
        began = time.monotonic()
        while registry.get_sample_value("tvmon_samplers", {"server": "bench"}) != count:
            await deferLater(reactor, 0.005)
        return time.monotonic() - began

    async def next_listing() -> None:
        listings = registry.get_sample_value(*ok)
        while registry.get_sample_value(*ok) == listings:
            await deferLater(reactor, 0.001)

    ok = ("tvmon_listings_total", {"server": "bench", "outcome": "ok"})
    print("| | wall | busy | longest turn | |\n| :-- | --: | --: | --: | :-- |")
    began = time.monotonic()
    updater.startService()
    turns.row(f"{streams} streams appear", await until_sampled(streams))
    while any(entry.newest is None for entry in board.entries()):
        await deferLater(reactor, 0.05)
    turns.row(".. until each has a sample", time.monotonic() - began)

    turns.begin()
    began, polls = time.monotonic(), server.polls
    await deferLater(reactor, min(seconds - 4.0, 60.0))
    took, polls = time.monotonic() - began, server.polls - polls
    each = f"{polls / took:.0f} polls/s, {1e6 * turns.busy / polls:.0f} us each"
    turns.row("all are sampled, every 3 s", took, each)

    server.listing = channels(1)
    await next_listing()
    turns.begin()
    turns.row(f"{streams - 1} streams are gone", await until_sampled(1))

    server.listing = server.all
    await next_listing()
    turns.begin()
    turns.row(f"{streams - 1} streams come back", await until_sampled(streams))

    fetched.is_silent = True
    await deferLater(reactor, 2.0)
    in_flight = registry.get_sample_value("tvmon_polls_in_flight")
    turns.begin()
    began = time.monotonic()
    await updater.stopService()
    turns.row("stop", time.monotonic() - began, f"{in_flight:.0f} polls in flight")
    late = registry.get_sample_value("tvmon_poll_lateness_seconds_count") or 0.0
    print()
    for bound in ("0.01", "0.1", "1.5"):
        soon = registry.get_sample_value("tvmon_poll_lateness_seconds_bucket", {"le": bound})
        print(f"polls later than {bound} s: {late - (soon or 0.0):.0f} of {late:.0f}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    options.add_argument("--streams", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=14.0, help="from listing to listing")
    given = options.parse_args()
    reactor.seconds = time.monotonic
    gc.freeze()
    gc.disable()  # as the daemon does
    react(lambda _: Deferred.fromCoroutine(measure(given.streams, given.seconds)))
