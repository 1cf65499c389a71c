"""
tvmon beside what people would use instead: the same streams, the same interval, the same run.

    python -m bench.peers                             1,000 streams every 3 s, two rounds
    python -m bench.peers --streams 300 --seconds 20  a try

One tool after the other polls the same target, in each round anew; every other round goes the
other way round.  What counts as a poll is a request that the target has answered, whatever the
tool says of itself, and how well a tool keeps its interval is seen from there, too.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bench import processes
from bench.daemon import Daemon
from bench.others import Collectd, Prometheus
from bench.results import Report, results_option, table
from bench.targets import Target
from tests.daemons import wait_for

TVMON, TVMON_WITH_HISTORY = "tvmon", "tvmon with [history]"
PROMETHEUS, COLLECTD = "Prometheus", "collectd"
LATE_SECONDS = 0.1

WRITE_SECONDS = 300.0
"""How often histories are written, at full multiples of it."""

START_SECONDS = 20.0
"""What a tool may take until it has polled every stream."""


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What one tool did and cost in one round.

    :param rate: polls in a second that the target answered
    :param on_time: the share of them that came within LATE_SECONDS of their time
    :param cpu: processor seconds of the tool for one poll
    :param target_cpu: those of the target
    :param memory: MiB of the tool at the end
    :param good: the share of the streams that it has good answers of, by its own word
    """

    rate: float
    on_time: float
    cpu: float
    target_cpu: float
    memory: float
    good: float


class Tool(Protocol):
    """A tool at work on a target."""

    @property
    def pid(self) -> int:
        """Of its first process."""

    def good(self) -> float:
        """The share of the streams that it has good answers of, by its own word, 0 to 1."""

    def close(self) -> None:
        """End it."""


Start = Callable[[Target], Tool]


def measure(start: Start, target: Target, seconds: float, warm_up: float) -> Figures:
    """One tool in one round."""
    target.counts(anew=True)
    with closing(start(target)) as tool:
        pid = tool.pid
        wait_for(
            lambda: target.counts().distinct == target.streams,
            60 + target.streams / 100,
            "a poll of every stream",
        )
        time.sleep(warm_up)
        target.counts(anew=True)
        began, spent = time.monotonic(), processes.cpu(processes.tree(pid))
        nginx = processes.cpu(processes.tree(target.running.pid))
        time.sleep(seconds)
        counts, took = target.counts(), time.monotonic() - began
        spent = processes.cpu(processes.tree(pid)) - spent
        nginx = processes.cpu(processes.tree(target.running.pid)) - nginx
        polls = sum(counts.polled)
        return Figures(
            polls / took,
            counts.on_time(LATE_SECONDS),
            spent / polls,
            nginx / polls,
            processes.memory(processes.tree(pid)),
            tool.good(),
        )


def between_writes(seconds: float) -> None:
    """Wait, where so short a time would be one in which histories happen to be written."""
    left = WRITE_SECONDS - time.time() % WRITE_SECONDS
    if left < seconds < WRITE_SECONDS / 2:
        time.sleep(left)


def summary(rounds: list[dict[str, Figures]], due: float) -> str:
    """The table: of each tool the median of its rounds."""
    rows = []
    for name in rounds[0]:
        all_of_it = [figures[name] for figures in rounds]
        ratios = [
            figures[name].cpu / figures[PROMETHEUS].cpu
            for figures in rounds
            if PROMETHEUS in figures
        ]
        of_each = {
            key: statistics.median(getattr(figures, key) for figures in all_of_it)
            for key in Figures.__slots__
        }
        rows.append(
            (
                name,
                f"{of_each['rate']:.1f} of {due:.1f}",
                f"{100 * of_each['on_time']:.2f} %",
                f"{100 * of_each['good']:.1f} %",
                f"{1e6 * of_each['cpu']:.0f}",
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
                if ratios
                else "-",
                f"{of_each['memory']:.0f}",
                f"{1e6 * of_each['target_cpu']:.0f}",
            )
        )
    head = (
        "",
        "polls/s",
        f"within {1000 * LATE_SECONDS:.0f} ms",
        "good",
        "CPU for a poll, us",
        "of Prometheus",
        "memory, MiB",
        "target, us",
    )
    return table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="tvmon beside Prometheus and collectd.")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--interval", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each tool in each round")
    parser.add_argument("--warm-up", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=2)
    results_option(parser)
    wanted = parser.parse_args()
    tools: dict[str, Start] = {
        TVMON: Daemon,
        TVMON_WITH_HISTORY: partial(Daemon, history=True),
    }
    for name, peer in ((PROMETHEUS, Prometheus), (COLLECTD, Collectd)):
        if peer.is_there():
            tools[name] = peer
        else:
            print(f"no {name}; as root: apt-get install {' '.join(peer.packages)}")
    report = Report("Beside Prometheus and collectd", wanted)
    rounds = []
    with Target(wanted.streams, interval=wanted.interval) as target:
        for number in range(wanted.rounds):
            figures = {}
            for name in list(tools) if number % 2 == 0 else reversed(tools):
                if name == TVMON_WITH_HISTORY:
                    between_writes(START_SECONDS + wanted.warm_up + wanted.seconds)
                figures[name] = measure(tools[name], target, wanted.seconds, wanted.warm_up)
                print(f"round {number + 1}: {name:<22} {1e6 * figures[name].cpu:.0f} us a poll")
            rounds.append({name: figures[name] for name in tools})
    report.say(summary(rounds, wanted.streams / wanted.interval))
    report.say(NOTES)
    report.write()


NOTES = """\
The median of all rounds; of the ratio to Prometheus in the same round also the range. A poll is a
request that the target answered; within 100 ms are those that came one interval after the one
before of the same stream, give or take so much. Good is the share of the streams whose last answer
the tool took, by its own word. Memory is that of the whole tree, what processes share counted once.
Histories are written every five minutes; a run that is shorter than half of that is taken between
two writings and shows what is done for them at each sample. The target is what nginx spent for a
poll; no tool is charged for it."""

if __name__ == "__main__":
    main()
