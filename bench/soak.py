"""
Many streams for long: is every poll taken, how late, at what cost, and does memory stay flat?

    python -m bench.soak                              10,000 streams every 3 s for 30 minutes
    python -m bench.soak --faults                     the same, and 15 % of the servers are faulty
    python -m bench.soak --interval 6                 half the load; a section of its own
    python -m bench.soak --streams 1000 --seconds 60  a try

Runs the real daemon on its embedded PostgreSQL; nginx plays twenty media servers.  With
``--faults`` two of them accept and never answer a poll and one sends a byte each second; the
other seventeen should not notice.  What tvmon does and costs is read from ``/metrics`` and
``/proc``, whether each stream is polled in time also from the target.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import metrics
from bench.daemon import Daemon, Reading
from bench.results import Report, results_option, table
from bench.targets import Counts, Target

USUAL_INTERVAL = 3.0
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25)
LOOK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Look:
    """
    How tvmon is at one moment.

    :param rss: MiB of tvmon's own process
    :param waiting: rows that wait to be written
    """

    reading: Reading
    rss: float
    waiting: float


def look(daemon: Daemon) -> Look:
    """How it is now."""
    reading = daemon.reading()
    return Look(reading, daemon.rss(), reading.said["tvmon_pending_rows"])


def watch(daemon: Daemon, seconds: float) -> list[Look]:
    """Looks from now on for so long, each printed with what it cost since the one before."""
    looks = [look(daemon)]
    print(f"{'s':>6} {'polls':>9} {'RSS MiB':>8} {'CPU %':>6} {'us/poll':>8} {'waiting':>8}")
    steps = max(2, round(seconds / LOOK_SECONDS))
    for step in range(1, steps + 1):
        until = looks[0].reading.at + seconds * step / steps
        time.sleep(max(0.0, until - time.monotonic()))
        looks.append(look(daemon))
        now, last = looks[-1], looks[-1].reading.since(looks[-2].reading)
        whole = now.reading.since(looks[0].reading)
        print(
            f"{whole.at:6.0f} {whole.polls:9.0f} {now.rss:8.1f} {100 * last.cpu / last.at:6.1f}"
            f" {1e6 * last.cpu / max(1, last.polls):8.0f} {now.waiting:8.0f}",
            flush=True,
        )
    return looks


def slope(looks: Sequence[Look]) -> float:
    """By how many MiB tvmon's own process grows in an hour, by the line through the looks."""
    line = statistics.linear_regression(
        [each.reading.at for each in looks], [each.rss for each in looks]
    )
    return 3600 * line.slope


def punctuality(looks: Sequence[Look], counts: Counts, target: Target) -> str:
    """A table: how many polls began how late, by tvmon's word and as the target saw it."""
    said = looks[-1].reading.since(looks[0].reading).said
    rows = [
        ("all, by tvmon", *(shown(metrics.share_within(said, metrics.LATENESS, b)) for b in BOUNDS))
    ]
    for manner in dict.fromkeys(target.manners):
        servers = [n for n, each in enumerate(target.manners) if each == manner]
        shares = (shown(counts.on_time(bound, servers)) for bound in BOUNDS)
        rows.append((f"{manner}, by target", *shares))
    return table(("share of polls", *(f"{1000 * bound:.0f} ms" for bound in BOUNDS)), rows)


def shown(share: float) -> str:
    """A share in percent; rounded down, so that 100 % are all of them."""
    return f"{int(100_000 * share) / 1000:.3f} %"


def outcomes(looks: Sequence[Look], target: Target) -> str:
    """A table: how the polls of the servers ended, those of one manner together."""
    said = looks[-1].reading.since(looks[0].reading).said
    polls = metrics.by_labels(said, "tvmon_polls_total", "server", "outcome")
    skipped = metrics.by_labels(said, "tvmon_polls_skipped_total", "server")
    words = sorted({word for (_, word), count in polls.items() if count} | {"ok"})
    rows = []
    for manner in dict.fromkeys(target.manners):
        names = [n for n, each in zip(target.names, target.manners, strict=True) if each == manner]
        counts = [sum(polls[name, word] for name in names) for word in words]
        left_out = sum(skipped[(name,)] for name in names)
        rows.append((manner, *(f"{count:.0f}" for count in counts), f"{left_out:.0f}"))
    return table(("servers", *words, "skipped"), rows)


def costs(looks: Sequence[Look], counts: Counts, daemon: Daemon) -> str:
    """A table: what it did and what that cost."""
    target, due = daemon.target, daemon.target.streams / daemon.target.interval
    first, last = looks[0], looks[-1]
    whole = last.reading.since(first.reading)
    looked = first.reading.said, last.reading.said

    def each(spent: float) -> str:
        return f"{1e6 * spent / max(1, whole.polls):.0f} us"

    most = max(looks, key=lambda each: each.rss).rss
    half = looks[len(looks) // 2 :]
    return table(
        ("", "measured"),
        [
            ("streams polled at all", f"{counts.distinct} of {target.streams}"),
            ("polls begun, of those due", f"{whole.polls:.0f} of {due * whole.at:.0f}"),
            ("CPU for a poll", each(whole.cpu)),
            ("of that tvmon's own process", each(whole.own)),
            ("of that PostgreSQL", each(whole.database)),
            ("the target, apart", each(whole.target)),
            ("share of one core", f"{100 * whole.cpu / whole.at:.0f} %"),
            ("longest reactor turn in this time", metrics.longest_turn(*looked)),
            ("longest since the start", f"{1000 * looked[1][metrics.LONGEST_TURN]:.0f} ms"),
            ("turns above 50 ms in this time", f"{metrics.long_turns(*looked)}"),
            ("RSS of tvmon's own process, start", f"{first.rss:.0f} MiB"),
            ("the same, end", f"{last.rss:.0f} MiB"),
            ("the same, most", f"{most:.0f} MiB"),
            ("its slope", f"{slope(looks):+.1f} MiB/h"),
            ("its slope in the second half", f"{slope(half):+.1f} MiB/h"),
            ("memory with PostgreSQL, end", f"{daemon.memory():.0f} MiB"),
            ("rows waiting at the end", f"{last.waiting:.0f}"),
            ("rows waiting, most", f"{max(each.waiting for each in looks):.0f}"),
            ("rows dropped", f"{whole.said['tvmon_rows_dropped_total']:.0f}"),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Many streams for long.")
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--interval", type=float, default=USUAL_INTERVAL)
    parser.add_argument("--warm-up", type=float, default=30.0)
    parser.add_argument("--faults", action="store_true", help="some servers silent, some dripping")
    parser.add_argument("--history", action="store_true", help="with [history]")
    results_option(parser)
    wanted = parser.parse_args()
    title = "Many streams for long"
    if wanted.interval != USUAL_INTERVAL:
        title += f", every {wanted.interval:g} s"
    if wanted.faults:
        title += ", some servers faulty"
    report = Report(title, wanted)
    with (
        Target(wanted.streams, faults=wanted.faults, interval=wanted.interval) as target,
        Daemon(target, history=wanted.history) as daemon,
    ):
        daemon.warm_up(wanted.warm_up)
        looks = watch(daemon, wanted.seconds)
        counts = target.counts()
        report.say(punctuality(looks, counts, target))
        report.say(NOTES)
        report.say(outcomes(looks, target))
        report.say(costs(looks, counts, daemon))
    report.write()


NOTES = """\
By tvmon: polls begun within so long of their due time. By target: requests that came one interval
after the one before of the same stream, give or take so much; so one late poll shows twice."""

if __name__ == "__main__":
    main()
