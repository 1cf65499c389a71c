"""The engine's times and bounds, on a clock that the test moves, with children that it plays."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tvmon.history.child import Child
from tvmon.history.engine import MOST_READS, MOST_SENT, Engine
from tvmon.history.rrd import NoRrdtool, Output, RrdError

GREETING = b"RRDtool 1.7.2\nOK u:0.00 s:0.00 r:0.00\n"
OK = b"OK u:0.00 s:0.00 r:0.00\n"


class Played:
    """A process as its protocol sees it."""

    pid = 1

    def __init__(self, child: Child) -> None:
        self.child = child
        self.sent = b""
        self.signals: list[str] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def signalProcess(self, name: str) -> None:  # noqa: N802
        self.signals.append(name)

    def closeStdin(self) -> None:  # noqa: N802
        self.is_closed = True

    def loseConnection(self) -> None:  # noqa: N802
        self.is_closed = True

    def end(self, number: int = 9) -> None:
        self.child.processEnded(Failure(ProcessTerminated(signal=number)))

    def take(self) -> list[str]:
        """The commands that it was sent since it was asked last."""
        lines, self.sent = self.sent.decode().splitlines(), b""
        return lines


class PlayedReactor(Clock):
    """A clock, and the processes that were started."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Played] = []

    def spawnProcess(self, child: Child, *_: Any, **__: Any) -> None:  # noqa: N802
        played = Played(child)
        self.started.append(played)
        child.makeConnection(played)


class ClockTests(SynchronousTestCase):
    """One writer and one reader."""

    def setUp(self) -> None:
        self.reactor = PlayedReactor()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.engine = Engine(
            reactor=self.reactor,
            folder=Path(folder.name),
            registry=CollectorRegistry(),
            program="/bin/sh",
            readers=1,
        )
        self.engine.startService()
        self.writer, self.reader = self.reactor.started
        for played in (self.writer, self.reader):
            self.assertEqual(played.take(), ["version"])
            played.child.outReceived(GREETING)

    def write(self, command: str) -> Deferred[Output]:
        return Deferred.fromCoroutine(self.engine.write(command))

    def read(self, command: str) -> Deferred[Output]:
        return Deferred.fromCoroutine(self.engine.read(command))

    def test_so_many_are_in_the_pipe_and_the_others_wait(self) -> None:
        writes = [self.write(f"tune {n}") for n in range(MOST_SENT + 50)]
        self.assertEqual(self.writer.take(), [f"tune {n}" for n in range(MOST_SENT)])
        self.writer.child.outReceived(3 * OK)
        self.assertEqual(self.writer.take(), [f"tune {MOST_SENT + n}" for n in range(3)])
        self.reactor.advance(0)
        self.assertEqual([write.called for write in writes], [True] * 3 + [False] * 247)
        for write in writes[3:]:
            write.cancel()
            self.failureResultOf(write, CancelledError)

    def test_each_command_has_its_own_deadline(self) -> None:
        first, second = self.write("tune a"), self.write("tune b")
        self.reactor.pump([1.0] * 29)
        self.writer.child.outReceived(OK)
        self.reactor.advance(0)
        self.successResultOf(first)
        self.reactor.pump([1.0] * 29)
        self.assertEqual(self.writer.signals, [])
        self.reactor.pump([1.0] * 2)
        self.assertEqual(self.writer.signals, ["KILL"])
        self.assertNoResult(second)

    def test_a_sleep_of_our_own_is_no_hang_of_others(self) -> None:
        write = self.write("tune a")
        self.reactor.advance(3600)
        self.writer.child.outReceived(OK)
        self.reactor.advance(0)
        self.successResultOf(write)
        self.assertEqual(self.writer.signals, [])

    def test_what_was_not_answered_is_sent_again_in_order_and_with_care(self) -> None:
        writes = [self.write(f"update {n} 1:2") for n in range(3)]
        writes[1].cancel()
        self.failureResultOf(writes[1], CancelledError)
        self.writer.end()
        self.assertIsNone(self.engine.trouble())
        self.reactor.advance(0.1)
        writer = self.reactor.started[-1]
        writer.child.outReceived(GREETING)
        again = [f"update --skip-past-updates {n} 1:2" for n in (0, 2)]
        self.assertEqual(writer.take(), ["version", *again])
        writer.child.outReceived(2 * OK)
        self.reactor.advance(0)
        self.successResultOf(writes[0])
        self.successResultOf(writes[2])

    def test_of_a_command_two_die_and_no_third_does(self) -> None:
        reading, other = self.read("info bad"), self.read("info good")
        self.reader.end(11)
        self.reactor.advance(0.1)
        self.reactor.started[-1].child.outReceived(GREETING)
        self.reactor.started[-1].end(11)
        self.reactor.advance(0)
        error = self.failureResultOf(reading, RrdError)
        self.assertEqual(str(error.value), "rrdtool died of this command")
        self.reactor.advance(0.2)
        self.reactor.started[-1].child.outReceived(GREETING)
        self.assertEqual(self.reactor.started[-1].take(), ["version", "info good"])
        self.reactor.started[-1].child.outReceived(b"good\n" + OK)
        self.reactor.advance(0)
        self.assertEqual(self.successResultOf(other).lines, ("good",))

    def test_the_wait_before_a_new_one_doubles_up_to_half_a_minute(self) -> None:
        self.writer.end()
        for delay in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0):
            count = len(self.reactor.started)
            self.reactor.advance(delay * 0.99)
            self.assertEqual(len(self.reactor.started), count)
            self.reactor.advance(delay * 0.02)
            self.assertEqual(len(self.reactor.started), count + 1)
            self.reactor.started[-1].end()
        self.assertEqual(self.engine.trouble(), "rrdtool does not stay alive: signal 9")

    def test_one_that_cannot_be_killed_is_trouble_and_nobody_waits_for_it(self) -> None:
        readings = [self.read("info a"), self.read("info b")]
        self.reactor.pump([1.0] * 14)
        self.assertEqual(self.reader.signals, ["KILL"])
        self.assertIsNone(self.engine.trouble())
        self.reactor.pump([1.0] * 2)
        words = "rrdtool does not end: no answer within 10 s"
        self.assertEqual(self.engine.trouble(), words)
        self.assertEqual(str(self.failureResultOf(readings[1], NoRrdtool).value), words)
        self.assertEqual(str(self.failureResultOf(readings[0], NoRrdtool).value), words)
        self.failureResultOf(self.read("info c"), NoRrdtool)
        self.reader.end()
        self.reactor.advance(0.1)
        self.reactor.started[-1].child.outReceived(GREETING)
        self.assertIsNone(self.engine.trouble())

    def test_so_many_readings_wait_and_no_more(self) -> None:
        readings = [self.read("info a") for _ in range(MOST_READS + 1)]
        error = self.failureResultOf(self.read("info a"), NoRrdtool)
        self.assertEqual(str(error.value), f"{MOST_READS} readings wait already")
        readings[-1].cancel()
        self.failureResultOf(readings[-1], CancelledError)
        self.assertNoResult(self.read("info a"))

    def test_many_that_waited_are_let_go_in_slices(self) -> None:
        def work(output: Output) -> None:
            self.reactor.rightNow += 0.004

        def later(seconds: float, *call: Any) -> Any:
            if not seconds:
                counts.append(sum(write.called for write in writes))
            return call_later(seconds, *call)

        counts: list[int] = []
        writes = [self.write(f"tune {n}").addCallback(work) for n in range(12)]
        call_later = self.reactor.callLater
        self.patch(self.reactor, "callLater", later)
        self.writer.child.outReceived(12 * OK)
        self.reactor.advance(0)
        self.assertEqual(counts, [0, 3, 6, 9])
        self.assertTrue(all(write.called for write in writes))
