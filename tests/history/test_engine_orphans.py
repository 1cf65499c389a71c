"""What is left when tvmon is killed: nothing, even where rrdtool does not listen."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from tests.daemons import wait_for
from tests.history.tools import is_rrdtool, needs_rrdtool, temporary_folder

CHECKOUT = Path(__file__).resolve().parent.parent.parent
RUNS = """
import sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from twisted.internet import reactor
from tvmon.history.engine import Engine

engine = Engine(reactor=reactor, folder=Path(sys.argv[1]), registry=CollectorRegistry())
engine.startService()

async def tell():
    await engine.write("create a.rrd DS:a:GAUGE:600:U:U RRA:LAST:0.5:1:10")
    print(*engine.pids, flush=True)

from twisted.internet.defer import Deferred
Deferred.fromCoroutine(tell())
reactor.run()
"""


def is_there(pid: int) -> bool:
    """Whether this process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "XZ"


@needs_rrdtool
class OrphanTests(unittest.TestCase):
    """tvmon is killed."""

    def start(self) -> tuple[subprocess.Popen[str], list[int]]:
        """A process with an engine, and the engine's children."""
        process = subprocess.Popen(
            [sys.executable, "-c", RUNS, str(temporary_folder(self))],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.addCleanup(process.stdout.close)
        pids = [int(pid) for pid in process.stdout.readline().split()]
        self.assertEqual(len(pids), 3)
        wait_for(lambda: all(map(is_rrdtool, pids)), 10, "the children to be rrdtool")
        for pid in pids:
            self.addCleanup(end, pid)
        return process, pids

    def test_no_child_outlives_one_that_was_killed(self) -> None:
        process, pids = self.start()
        process.kill()
        wait_for(lambda: not any(map(is_there, pids)), 10, "the children's end")

    def test_nor_does_a_reader_that_hangs(self) -> None:
        process, pids = self.start()
        for pid in pids[1:]:
            os.kill(pid, signal.SIGSTOP)
        process.kill()
        wait_for(lambda: not any(map(is_there, pids)), 10, "the children's end")

    def test_an_interrupt_from_the_keyboard_is_not_for_the_children(self) -> None:
        _, pids = self.start()
        self.assertEqual([os.getpgid(pid) for pid in pids], pids)


def end(pid: int) -> None:
    if is_there(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
