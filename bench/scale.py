"""
How the cost of tvmon grows: with the streams, with the interval, with the size of an answer.

    python -m bench.scale                              all three tables, some 12 minutes
    python -m bench.scale --streams 100 300 --usual 100 --seconds 10    a try

Each row is a daemon of its own on a new, empty database.  A larger answer has the same 21 fields
and others that tvmon does not know, so it shows what reading costs, and not what keeping costs.
"""

from __future__ import annotations

import argparse
import time

from bench import metrics
from bench.daemon import Daemon
from bench.results import Report, results_option, table
from bench.targets import Target

STREAMS = (100, 1000, 5000, 10_000, 20_000)
INTERVALS = (1.0, 3.0, 10.0)
PADS = {"0.6 kB": 0, "4 kB": 3500, "64 kB": 65_000}
USUAL_INTERVAL = 3.0
USUAL_STREAMS = 1000
HEAD = (
    "polls/s",
    "of those due",
    "within 100 ms",
    "CPU for a poll, us",
    "tvmon",
    "PostgreSQL",
    "of a core",
    "target",
    "longest turn",
    "RSS, MiB",
    "with PostgreSQL",
    "waiting",
)


def measure(
    streams: int, wanted: argparse.Namespace, *, interval: float = USUAL_INTERVAL, pad: int = 0
) -> tuple[str, ...]:
    """One row, without its first cell."""
    with Target(streams, interval=interval, pad=pad) as target, Daemon(target) as daemon:
        daemon.warm_up(max(wanted.warm_up, 2 * interval))
        before = daemon.reading()
        time.sleep(wanted.seconds)
        after = daemon.reading()
        done = after.since(before)
        polls = max(1, done.polls)
        return (
            f"{done.polls / done.at:.0f}",
            f"{100 * done.polls / done.at / streams * interval:.1f} %",
            f"{100 * metrics.share_within(done.said, metrics.LATENESS, 0.1):.2f} %",
            f"{1e6 * done.cpu / polls:.0f}",
            f"{1e6 * done.own / polls:.0f}",
            f"{1e6 * done.database / polls:.0f}",
            f"{100 * done.cpu / done.at:.0f} %",
            f"{100 * done.target / done.at:.0f} %",
            metrics.longest_turn(before.said, after.said),
            f"{daemon.rss():.0f}",
            f"{daemon.memory():.0f}",
            f"{after.said['tvmon_pending_rows']:.0f}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="How the cost of tvmon grows.")
    parser.add_argument("--streams", type=int, nargs="+", default=STREAMS)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each row")
    parser.add_argument("--warm-up", type=float, default=15.0)
    parser.add_argument("--usual", type=int, default=USUAL_STREAMS, help="streams where they stay")
    parser.add_argument("--only", choices=("streams", "interval", "body"), help="one table")
    results_option(parser)
    wanted = parser.parse_args()
    report = Report("How cost grows", wanted)
    if wanted.only in (None, "streams"):
        rows = [shown(f"{streams}", measure(streams, wanted)) for streams in wanted.streams]
        report.say(f"Streams, every {USUAL_INTERVAL:g} s:")
        report.say(table(("streams", *HEAD), rows))
    if wanted.only in (None, "interval"):
        rows = [
            shown(f"{interval:g} s", measure(wanted.usual, wanted, interval=interval))
            for interval in INTERVALS
        ]
        report.say(f"Intervals, {wanted.usual} streams:")
        report.say(table(("interval", *HEAD), rows))
    if wanted.only in (None, "body"):
        rows = [shown(size, measure(wanted.usual, wanted, pad=pad)) for size, pad in PADS.items()]
        report.say(f"Size of an answer, {wanted.usual} streams every {USUAL_INTERVAL:g} s:")
        report.say(table(("answer", *HEAD), rows))
    report.say(
        "CPU for a poll is that of tvmon's own process and of PostgreSQL together; the target is"
        " nginx, in shares of a core. Waiting are the rows that are not written yet."
    )
    report.write()


def shown(name: str, row: tuple[str, ...]) -> tuple[str, ...]:
    """The row with its first cell, printed at once, since the table comes late."""
    print(f"{name:>8}  " + "  ".join(row), flush=True)
    return (name, *row)


if __name__ == "__main__":
    main()
