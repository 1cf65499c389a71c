"""
The machine that tvmon runs on: processors, memory, TCP sockets, and tvmon's own part of them.

What the system does not tell is not known: without Linux's ``/proc`` there are no sockets, and
without Linux no waiting for disks.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import TypeVar

import psutil

from tvmon.history.averages import Averages, Reading
from tvmon.history.proc_net import (
    PortsAndStates,
    Sockets,
    figures_of,
    ports_and_states,
    sockets,
)
from tvmon.history.sources import MACHINE_SOURCES

T = TypeVar("T")

SOCKETS_SECONDS = 30.0
"""How often all sockets are counted, at most: a busy machine has many."""

MOST_BYTES = 4 * 1024 * 1024
"""How much is read to count them, some 28,000 sockets; where there are more, it is not known."""

CHUNK_BYTES = 64 * 1024
"""How much of it is looked through at a stretch: half a millisecond of work."""

NET = Path("/proc/net")

_NOT_TOLD = (OSError, psutil.Error, LookupError, ValueError, AttributeError, RuntimeError)
"""What comes where a system lacks something; among them is NotImplementedError."""


class Machine:
    """
    Looks at the machine every few seconds, and says how it was on the average.

    It is looked at in a thread and asked in another; the calls of one of them do not overlap.

    :param seconds: the clock that measures distances, monotonic
    :param longest_turn: the longest turn of the reactor since it was asked last, ms; asked by
        :meth:`take`
    :param unwritten: how many samples wait for the database; asked by :meth:`look`
    :param denied: how many requests were ever refused for want of a password; asked by
        :meth:`take`
    :param net: where the system tells of its network
    """

    def __init__(
        self,
        *,
        seconds: Callable[[], float],
        longest_turn: Callable[[], float],
        unwritten: Callable[[], int],
        denied: Callable[[], int],
        net: Path = NET,
    ) -> None:
        self._seconds, self._net = seconds, net
        self._longest_turn, self._unwritten, self._denied = longest_turn, unwritten, denied
        self._lock = Lock()
        self._averages, self._refusals = Averages(), Averages()
        self._sockets_at = float("-inf")

    def begin(self) -> None:
        """What grows is counted from now on; blocks for less than a millisecond."""
        _, counters = _of_system()
        with self._lock:
            self._averages, self._refusals = Averages(), Averages()
            self._averages.add(Reading(self._seconds(), {}, counters))
        self._refusals.add(self._refused())

    def look(self) -> None:
        """Take in how the machine is now.  Blocks for some milliseconds: for a thread."""
        levels, counters = _of_system()
        levels |= self._tcp_figures()
        levels["unwritten"] = self._unwritten()
        at = self._seconds()
        if at >= self._sockets_at + SOCKETS_SECONDS:
            self._sockets_at = at
            levels |= _named(_or_none(self._sockets))
        with self._lock:
            self._averages.add(Reading(at, levels, counters))

    def take(self) -> dict[str, float | None]:
        """The averages since the last time, by the names of MACHINE_SOURCES; does not block."""
        self._refusals.add(self._refused())
        with self._lock:
            known: dict[str, float] = self._averages.take()
        known |= self._refusals.take()
        known["backlog"] = self._longest_turn()
        return {source.name: known.get(source.name) for source in MACHINE_SOURCES}

    def _refused(self) -> Reading:
        return Reading(self._seconds(), {}, {"denied": self._denied()})

    def _tcp_figures(self) -> dict[str, float | None]:
        tcp = figures_of("TCP", _or_none(lambda: self._text("sockstat")) or "")
        tcp6 = figures_of("TCP6", _or_none(lambda: self._text("sockstat6")) or "")
        in_use, pages = tcp.get("inuse"), tcp.get("mem")
        return {
            "tcp_allocated": tcp.get("alloc"),
            # The other figures are of both versions of IP, this one is of IPv4 alone.
            "tcp_established": None if in_use is None else in_use + tcp6.get("inuse", 0),
            "tcp_timewait": tcp.get("tw"),
            "tcp_orphan": tcp.get("orphan"),
            "tcp_memory_bytes": None if pages is None else pages * mmap.PAGESIZE,
        }

    def _text(self, name: str) -> str:
        with (self._net / name).open("rb") as file:
            return file.read(CHUNK_BYTES).decode("latin-1")

    def _sockets(self) -> Sockets | None:
        """``None`` where there are too many to be counted."""
        found: PortsAndStates = Counter()
        left = MOST_BYTES
        for name in ("tcp", "tcp6"):
            if name == "tcp6" and not (self._net / name).exists():
                continue  # a system without IPv6
            with (self._net / name).open("rb") as file:
                while lines := file.readlines(CHUNK_BYTES):
                    left -= sum(map(len, lines))
                    if left < 0:
                        return None
                    found.update(ports_and_states(b"".join(lines)))
        return sockets(found)


def _of_system() -> tuple[dict[str, float | None], dict[str, float | None]]:
    """
    Levels and counters of this machine and of this process.

    The processor's time is counted in hundredths of a second, so that its growth in a second is
    in percent of one processor.
    """
    times = _or_none(psutil.cpu_times)
    memory = _or_none(psutil.virtual_memory)
    load = _or_none(psutil.getloadavg)
    process = _or_none(psutil.Process)
    own = None if process is None else _or_none(process.cpu_times)
    own_memory = None if process is None else _or_none(process.memory_info)
    levels: dict[str, float | None] = {
        "load": None if load is None else load[0],
        "memory_bytes": None if memory is None else memory.total - memory.available,
        "own_memory_bytes": None if own_memory is None else own_memory.rss,
    }
    counters: dict[str, float | None] = {
        "cpu": _percent(times, "user", "nice", "system", "irq", "softirq"),
        "cpu_kernel": _percent(times, "system", "irq", "softirq"),
        "iowait": _percent(times, "iowait"),
        "own_cpu": _percent(own, "user", "system"),
        "own_cpu_kernel": _percent(own, "system"),
    }
    return levels, counters


def _percent(times: object, *kinds: str) -> float | None:
    """Processor time of these kinds, of which a system knows some; ``None`` where it knows none."""
    known = [getattr(times, kind) for kind in kinds if hasattr(times, kind)]
    return 100.0 * sum(known) if known else None


def _named(counted: Sockets | None) -> Mapping[str, float | None]:
    if counted is None:
        return {}
    return {
        "server_sockets": counted.server,
        "server_established": counted.server_established,
        "client_sockets": counted.client,
        "client_established": counted.client_established,
    }


def _or_none(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except _NOT_TOLD:
        return None
