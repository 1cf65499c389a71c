"""tvmon as it is run, with its embedded PostgreSQL, on the media servers of a target."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.request import urlopen

from bench import metrics, processes
from bench.targets import Target
from tests.daemons import CHECKOUT, TWISTD
from tests.media.process import Server

ANSWER_SECONDS = 120.0
"""How long one that is too busy may take to answer."""
START_SECONDS = 60.0
"""How long it may take until it has polled every stream."""


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What has been done and spent up to a moment, or between two of them.

    :param at: seconds
    :param said: ``/metrics``
    :param own: processor seconds of tvmon's own process
    :param database: those of PostgreSQL
    :param history: those of rrdtool and whatever else tvmon has started
    :param target: those of nginx
    """

    at: float
    said: metrics.Metrics
    own: float
    database: float
    history: float
    target: float

    def since(self, before: Reading) -> Reading:
        """What came to pass after another one."""
        return Reading(
            self.at - before.at,
            metrics.since(before.said, self.said),
            self.own - before.own,
            self.database - before.database,
            self.history - before.history,
            self.target - before.target,
        )

    @property
    def polls(self) -> float:
        """How many polls were begun."""
        return self.said[f"{metrics.LATENESS}_count"]

    @property
    def cpu(self) -> float:
        """Processor seconds of tvmon with all that belongs to it."""
        return self.own + self.database + self.history


class Daemon(Server):
    """
    A tvmon that watches every server of a target.

    :param history: whether it keeps a history, too
    :param listing_seconds: from one listing to the next
    """

    # It has a PostgreSQL to stop.
    death = signal.SIGTERM
    environment = MappingProxyType({"PYTHONPATH": str(CHECKOUT)})

    def __init__(
        self, target: Target, *, history: bool = False, listing_seconds: float = 60.0
    ) -> None:
        self.target, self._history, self._listing_seconds = target, history, listing_seconds
        super().__init__()

    @property
    def pid(self) -> int:
        """Of its own process."""
        return self.running.pid

    def prepare(self) -> Sequence[str]:
        # As root, its PostgreSQL runs as another user and must get there.
        self.folder.chmod(0o755)
        config = self.folder / "tvmon.conf"
        config.write_text(
            configuration(self.target, self.folder, self._history, self._listing_seconds)
        )
        return [TWISTD, "-n", "--pidfile=", "tvmon", "-c", str(config)]

    def is_ready(self) -> bool:
        """Whether it has said where it listens."""
        said = re.search(r"http://127\.0\.0\.1:(\d+)", self.running.log)
        if said:
            self.http_port = int(said[1])
        return bool(said)

    def metrics(self) -> metrics.Metrics:
        """What it says on ``/metrics`` now."""
        with urlopen(f"{self.url}/metrics", timeout=ANSWER_SECONDS) as response:
            return metrics.parse(response.read())

    def reading(self) -> Reading:
        """What it has done and spent so far."""
        database: list[int] = []
        others: list[int] = []
        for child in processes.children(self.pid):
            kind = database if processes.name(child) == "postgres" else others
            kind += processes.tree(child)
        said = self.metrics()  # a busy one takes its time
        return Reading(
            time.monotonic(),
            said,
            processes.cpu([self.pid]),
            processes.cpu(database),
            processes.cpu(others),
            processes.cpu(processes.tree(self.target.running.pid)),
        )

    def rss(self) -> float:
        """Resident memory of tvmon's own process, MiB."""
        return processes.rss(self.pid)

    def memory(self) -> float:
        """Resident memory of tvmon with PostgreSQL and all that belongs to it, MiB."""
        return processes.memory(processes.tree(self.pid))

    def good(self) -> float:
        """The share of the streams whose last sample is good."""
        with urlopen(f"{self.url}/samples", timeout=ANSWER_SECONDS) as response:
            samples = json.load(response)["samples"]
        return sum(not sample["is_failed"] for sample in samples) / self.target.streams

    def warm_up(self, seconds: float) -> None:
        """
        Let it poll every stream, and then go on for so long; the target counts anew.

        Where it cannot do that much it is measured all the same, and the tables show it.
        """
        until = time.monotonic() + START_SECONDS
        while (polled := self.target.counts().distinct) < self.target.streams:
            if time.monotonic() > until:
                print(f"only {polled} of {self.target.streams} streams polled in {START_SECONDS} s")
                break
            time.sleep(0.1)
        time.sleep(seconds)
        self.target.counts(anew=True)


def configuration(target: Target, folder: Path, history: bool, listing_seconds: float) -> str:
    """The configuration of a tvmon that watches every server of a target."""
    servers = "".join(
        f"""
[[server]]
kind = "tvie"
name = "{name}"
api = "{api}"
token = "bench"
"""
        for name, api in target.listings()
    )
    return f"""
[web]
listen = ["tcp:0:interface=127.0.0.1"]
[database]
directory = "{folder}/database"
[history]
enabled = {str(history).lower()}
[polling]
sampling_seconds = {target.interval}
listing_seconds = {listing_seconds}
{servers}"""
