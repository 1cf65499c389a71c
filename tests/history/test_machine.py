"""The numbers of this machine: the parsers, the averages, and the machine that runs the tests."""

from __future__ import annotations

import math
import socket
import sys
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import psutil
from hypothesis import given
from hypothesis import strategies as st

from tests.history.tools import temporary_folder
from tvmon.history import machine
from tvmon.history.averages import Averages, Reading
from tvmon.history.machine import SOCKETS_SECONDS, Machine
from tvmon.history.proc_net import Sockets, figures_of, ports_and_states, sockets
from tvmon.history.sources import MACHINE_SOURCES

SOCKSTAT = """\
sockets: used 13
TCP: inuse 7 orphan 2 tw 20546 alloc 9 mem 69
UDP: inuse 1 mem 0
FRAG: inuse 0 memory 0
"""
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
REST = "00000000:00000000 00:00000000 00000000     0        0 1680 1 00000000623834c1 100 0 0 10 0"
ANY4, HOME4, ANY6 = "00000000", "0100007F", "0" * 32


def line(local: str, remote: str, state: str) -> str:
    return f"   0: {local} {remote} {state} {REST}\n"


TCP = HEAD + "".join(
    (
        line(f"{ANY4}:1F90", f"{ANY4}:0000", "0A"),  # listens on 8080
        line(f"{HOME4}:1F90", f"{HOME4}:8F58", "01"),
        line(f"{HOME4}:1F90", f"{HOME4}:8F59", "08"),  # the other side has closed
        line(f"{HOME4}:1F90", f"{HOME4}:8F5A", "06"),  # in TIME_WAIT
        line(f"{HOME4}:8F58", f"{HOME4}:1F90", "01"),
        line(f"{HOME4}:8F5B", f"{HOME4}:0050", "02"),  # not connected yet
    )
)
TCP6 = HEAD + "".join(
    (
        line(f"{ANY6}:0050", f"{ANY6}:0000", "0A"),  # listens on 80
        line(f"{ANY6}:0050", f"{ANY6}:8F5C", "01"),
        line(f"{ANY6}:1F90", f"{ANY6}:8F5D", "01"),
    )
)
SCRAPS = st.sampled_from(("TCP:", "TCP6:", " inuse", " mem", " 7", " -1", " x", "\n", "\0", "²"))


class ParserTests(unittest.TestCase):
    """Files of ``/proc/net``."""

    def test_sockstat(self) -> None:
        wanted = {"inuse": 7, "orphan": 2, "tw": 20546, "alloc": 9, "mem": 69}
        self.assertEqual(figures_of("TCP", SOCKSTAT), wanted)
        self.assertEqual(figures_of("TCP6", SOCKSTAT), {})
        self.assertEqual(figures_of("TCP", "TCP: inuse x mem 4 tw"), {"mem": 4})

    @given(st.text() | st.lists(SCRAPS).map("".join))
    def test_any_sockstat(self, text: str) -> None:
        for value in figures_of("TCP", text).values():
            self.assertGreaterEqual(value, 0)

    def test_sockets(self) -> None:
        found = ports_and_states((TCP + TCP6).encode())
        self.assertEqual(sockets(found), Sockets(4, 3, 2, 1))
        self.assertEqual(sockets(ports_and_states(HEAD.encode())), Sockets(0, 0, 0, 0))

    @given(st.binary() | st.lists(st.sampled_from(TCP.split(" ")[-60:])).map(" ".join))
    def test_any_sockets(self, data: bytes | str) -> None:
        counted = sockets(ports_and_states(data if isinstance(data, bytes) else data.encode()))
        self.assertGreaterEqual(min(counted), 0)
        self.assertLessEqual(counted.server_established, counted.server)


LEVELS = st.none() | st.floats(0, 1e9)
READINGS = st.lists(st.tuples(st.floats(0, 1e6), LEVELS, LEVELS))


class AveragesTests(unittest.TestCase):
    """Means of levels, growth of counters."""

    def averages(self, *readings: tuple[float, float | None, float | None]) -> Averages:
        """Of readings: the moment, a level, a counter."""
        averages = Averages()
        for at, level, counter in readings:
            averages.add(Reading(at, {"level": level}, {"counter": counter}))
        return averages

    def test_of_some_readings(self) -> None:
        averages = self.averages((0, 1, 100), (10, 2, 200), (30, 6, 500))
        self.assertEqual(averages.take(), {"level": 3, "counter": 400 / 30})

    def test_a_counter_goes_on_from_the_reading_before(self) -> None:
        averages = self.averages((0, 1, 100), (10, 2, 200))
        averages.take()
        self.assertEqual(averages.take(), {})
        averages.add(Reading(20, {}, {"counter": 250}))
        self.assertEqual(averages.take(), {"counter": 5})

    def test_what_is_not_known_is_left_out(self) -> None:
        averages = self.averages((0, 1, 100), (10, None, None), (20, 3, 200), (30, 5, 210))
        self.assertEqual(averages.take(), {"level": 3, "counter": 1})
        self.assertEqual(self.averages((0, None, 1)).take(), {})

    def test_a_counter_that_falls_has_no_growth(self) -> None:
        self.assertEqual(self.averages((0, None, 100), (10, None, 7)).take(), {})
        averages = self.averages((0, None, 100), (10, None, 7), (20, None, 27))
        self.assertEqual(averages.take(), {"counter": 2})

    def test_a_clock_that_stands_or_goes_back(self) -> None:
        self.assertEqual(self.averages((5, None, 1), (5, None, 2), (4, None, 3)).take(), {})

    @given(READINGS)
    def test_never_negative(self, readings: list[tuple[float, float | None, float | None]]) -> None:
        for value in self.averages(*readings).take().values():
            self.assertGreaterEqual(value, 0)


class MachineTests(unittest.TestCase):
    """What is told of the machine."""

    def setUp(self) -> None:
        self.now = 1000.0
        self.longest, self.waiting, self.denied = 12.5, 3, 40
        self.net = temporary_folder(self)

    def machine(self, net: Path | None = None) -> Machine:
        return Machine(
            seconds=lambda: self.now,
            longest_turn=lambda: self.longest,
            unwritten=lambda: self.waiting,
            denied=lambda: self.denied,
            net=net or self.net,
        )

    def files(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.net / name).write_text(text)

    def test_the_names_are_those_of_the_sources(self) -> None:
        taken = self.machine().take()
        self.assertEqual([*taken], [source.name for source in MACHINE_SOURCES])

    def test_before_the_first_look_only_what_is_ours_is_known(self) -> None:
        taken = self.machine().take()
        known = {name: value for name, value in taken.items() if value is not None}
        self.assertEqual(known, {"backlog": 12.5})

    def test_what_is_ours(self) -> None:
        ours = self.machine()
        ours.begin()
        self.now, self.waiting, self.denied, self.longest = 1010.0, 5, 45, 80.0
        ours.look()
        taken = ours.take()
        self.assertEqual((taken["backlog"], taken["unwritten"], taken["denied"]), (80.0, 5.0, 0.5))
        self.now, self.denied = 1310.0, 0  # it began to count anew
        self.assertIsNone(ours.take()["denied"])

    def test_sockets_of_linux(self) -> None:
        self.files(sockstat=SOCKSTAT, sockstat6="TCP6: inuse 3\n", tcp=TCP, tcp6=TCP6)
        ours = self.machine()
        ours.look()
        taken = ours.take()
        names = ("allocated", "established", "timewait", "orphan")
        self.assertEqual([taken[f"tcp_{name}"] for name in names], [9, 10, 20546, 2])
        self.assertEqual((taken["tcp_memory_bytes"] or 0) % 69, 0)
        names = ("server_sockets", "server_established", "client_sockets", "client_established")
        self.assertEqual([taken[name] for name in names], [4, 3, 2, 1])

    def test_a_system_without_ipv6(self) -> None:
        self.files(sockstat=SOCKSTAT, tcp=TCP)
        ours = self.machine()
        ours.look()
        taken = ours.take()
        self.assertEqual((taken["tcp_established"], taken["server_sockets"]), (7, 2))

    def test_sockets_are_counted_now_and_then(self) -> None:
        self.files(tcp=HEAD)
        ours = self.machine()
        ours.look()
        self.files(tcp=TCP)
        self.now += SOCKETS_SECONDS - 0.1
        ours.look()
        self.assertEqual(ours.take()["server_sockets"], 0)
        self.now += 0.1
        ours.look()
        self.assertEqual(ours.take()["server_sockets"], 2)

    def test_more_sockets_than_are_counted_are_not_known(self) -> None:
        self.enterContext(patch.object(machine, "MOST_BYTES", len(TCP) + len(TCP6) - 1))
        self.files(tcp=TCP, tcp6=TCP6)
        ours = self.machine()
        ours.look()
        self.assertIsNone(ours.take()["server_sockets"])
        self.files(tcp6=HEAD)
        self.now += SOCKETS_SECONDS
        ours.look()
        self.assertEqual(ours.take()["server_sockets"], 2)

    def test_a_system_that_tells_nothing(self) -> None:
        def nothing() -> Any:
            raise NotImplementedError

        asked: tuple[Callable[..., Any], ...]
        asked = psutil.cpu_times, psutil.virtual_memory, psutil.getloadavg, psutil.Process
        for ask in asked:
            self.enterContext(patch.object(psutil, ask.__name__, nothing))
        ours = self.machine(Path("/nonexistent"))
        ours.begin()
        self.now += 10
        ours.look()
        taken = ours.take()
        known = {name for name, value in taken.items() if value is not None}
        self.assertEqual(known, {"backlog", "unwritten", "denied"})

    def test_processors_in_percent_of_one(self) -> None:
        ours = self.machine()
        for user, system, iowait in ((100.0, 50.0, 7.0), (112.0, 53.0, 6.9)):
            times = SimpleNamespace(user=user, nice=1.0, system=system, idle=9.0, iowait=iowait)
            with patch.object(psutil, "cpu_times", lambda times=times: times):
                ours.look()
            self.now += 10
        taken = ours.take()
        self.assertEqual((taken["cpu"], taken["cpu_kernel"]), (150.0, 30.0))
        self.assertIsNone(taken["iowait"], "it fell, as it does on Linux now and then")

    @unittest.skipUnless(sys.platform == "linux", "the system has no /proc")
    def test_this_machine(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
                self.now = time.monotonic()
                ours = self.machine(machine.NET)
                ours.begin()
                self.now += 10
                ours.look()
                taken = ours.take()
        for source in MACHINE_SOURCES:
            value = taken[source.name]
            if source.name != "iowait":  # it may have fallen
                assert value is not None, source.name
                self.assertTrue(math.isfinite(value), source.name)
                self.assertGreaterEqual(value, 0, source.name)
        for name in ("server_established", "client_established"):
            self.assertGreaterEqual(taken[name] or 0, 1, name)
        self.assertGreater(taken["own_memory_bytes"] or 0, 1_000_000)
