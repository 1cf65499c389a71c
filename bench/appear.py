"""
Many streams appear in one listing, and vanish: how long until each is sampled, and what waits.

    python -m bench.appear                           10,000 streams, three times
    python -m bench.appear --streams 500 --rounds 1  a try

One media server lists one stream, then all of them, then that one again: an empty listing would
not be believed at once.  The time begins when the target has answered the listing, and ends when
it has been asked for the last of the streams for the first time, or when tvmon samples no more
than are listed.  ``bench/updater.py`` measures the same
without network and database, in processor time.
"""

from __future__ import annotations

import argparse
import time

from bench import metrics
from bench.daemon import Daemon
from bench.results import Report, results_option, table
from bench.targets import Target
from tests.daemons import wait_for

LISTING_SECONDS = 10.0
AFTER_SECONDS = 2.0
"""How long is waited for what a change still has to do, such as to write rows."""

Row = tuple[str, ...]


def appear(daemon: Daemon, target: Target, streams: int) -> Row:
    """All of them are listed from now on."""
    before = daemon.metrics()
    target.list_streams(streams)
    limit = LISTING_SECONDS + 60
    wait_for(lambda: target.counts().distinct == streams, limit, "a poll of every stream")
    counts = target.counts()
    time.sleep(AFTER_SECONDS)
    if (known := sampled(daemon)) != streams:
        raise AssertionError(f"{known} of {streams} streams are sampled")
    return (
        f"{streams - 1} appear",
        f"{counts.newest_at - counts.listed_at:.2f} s",
        *turns(before, daemon),
    )


def vanish(daemon: Daemon, target: Target, streams: int) -> Row:
    """Only one is listed from now on."""
    before = daemon.metrics()
    target.list_streams(1)
    wait_for(lambda: sampled(daemon) == 1, LISTING_SECONDS + 60, "the end of their samplers")
    took = time.time() - target.counts().listed_at
    time.sleep(AFTER_SECONDS)
    return f"{streams - 1} vanish", f"{took:.2f} s", *turns(before, daemon)


def turns(before: metrics.Metrics, daemon: Daemon) -> Row:
    """The longest turn of the reactor since then, and how many were long."""
    after = daemon.metrics()
    return metrics.longest_turn(before, after), f"{metrics.long_turns(before, after)}"


def sampled(daemon: Daemon) -> float:
    """How many streams have a sampler."""
    return metrics.total(daemon.metrics(), "tvmon_samplers")


def main() -> None:
    parser = argparse.ArgumentParser(description="Streams appear in one listing, and vanish.")
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--interval", type=float, default=3.0)
    parser.add_argument("--between", type=float, default=20.0, help="seconds all are sampled for")
    parser.add_argument("--rounds", type=int, default=3)
    results_option(parser)
    wanted = parser.parse_args()
    report = Report("Streams appear and vanish", wanted)
    rows = []
    with (
        Target(1, servers=1, interval=wanted.interval) as target,
        Daemon(target, listing_seconds=LISTING_SECONDS) as daemon,
    ):
        daemon.warm_up(AFTER_SECONDS)
        for _ in range(wanted.rounds):
            rows.append(appear(daemon, target, wanted.streams))
            time.sleep(wanted.between)
            rows.append(vanish(daemon, target, wanted.streams))
    report.say(table(("", "after the listing", "longest reactor turn", "above 50 ms"), rows))
    report.say(
        "Streams have appeared when tvmon has asked for each of them once, which should be within"
        f" {1.5 * wanted.interval:g} s; they have vanished when none has a sampler any more."
    )
    report.write()


if __name__ == "__main__":
    main()
