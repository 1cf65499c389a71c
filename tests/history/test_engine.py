"""rrdtool as it is asked: in order, pipelined, with pictures, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from tests.history.tools import CREATE, needs_rrdtool, picture, started_engine, update, written
from tests.waiting import until
from tvmon.history.engine import STOPPED
from tvmon.history.jobs import MOST_COMMAND_BYTES
from tvmon.history.rrd import NoRrdtool, Output, RrdError


@needs_rrdtool
class EngineTests(TestCase):
    """What is asked of rrdtool while all is well."""

    async def test_what_was_written_is_read_and_drawn(self) -> None:
        engine = started_engine(self)
        await engine.write(CREATE.format("a.rrd"))
        await gatherResults(
            [Deferred.fromCoroutine(engine.write(update("a.rrd", n))) for n in range(1, 1001)]
        )
        self.assertEqual(await written(engine, "a.rrd"), list(range(1, 1001)))
        output = await engine.read(picture("a.rrd"))
        assert output.image is not None
        self.assertEqual(output.image[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(output.image[-8:-4], b"IEND")
        self.assertIn("image_width = 481", output.lines)
        self.assertIsNone(engine.trouble())

    async def test_pictures_at_once_come_each_to_its_own(self) -> None:
        engine = started_engine(self)
        await engine.write(CREATE.format("a.rrd"))
        readings = []
        for width in range(100, 120):
            readings += [engine.read(f"{picture('a.rrd')} -w {width}"), engine.read("info a.rrd")]
        outputs: list[Output] = await gatherResults(map(Deferred.fromCoroutine, readings))
        for number, (drawn, info) in enumerate(zip(outputs[::2], outputs[1::2], strict=True)):
            self.assertIn(f"graph_width = {100 + number}", drawn.lines)
            self.assertIsNone(info.image)
            self.assertEqual(info.lines[0], 'filename = "a.rrd"')

    async def test_a_refusal_has_rrdtools_words(self) -> None:
        engine = started_engine(self)
        with self.assertRaisesRegex(RrdError, r"^opening 'b.rrd': No such file or directory$"):
            await engine.read("info b.rrd")
        with self.assertRaisesRegex(RrdError, r"^you must define at least one"):
            await engine.write("create b.rrd")
        await engine.write(CREATE.format("a.rrd"))
        await engine.write(update("a.rrd", 1))
        with self.assertRaisesRegex(RrdError, "illegal attempt to update"):
            await engine.write(update("a.rrd", 1))

    async def test_what_is_not_one_command_is_never_sent(self) -> None:
        engine = started_engine(self)
        for command in (
            "info a.rrd\nquit",
            "info a\0",
            "info \x85",
            "info \udcff",
            "\tinfo a",
            "",
            " ",
            "quit",
            "cd /",
            "info " + "a" * MOST_COMMAND_BYTES,
        ):
            with self.assertRaises(ValueError, msg=repr(command)):
                await engine.read(command)
            with self.assertRaises(ValueError, msg=repr(command)):
                await engine.write(command)

    async def test_the_longest_command_is_taken(self) -> None:
        engine = started_engine(self)
        command = "info " + "a" * (MOST_COMMAND_BYTES - 6)
        with self.assertRaisesRegex(RrdError, "^opening 'a{400,500}$"):
            await engine.read(command)

    async def test_a_write_that_is_cancelled_while_it_waits_is_not_done(self) -> None:
        engine = started_engine(self)
        first = Deferred.fromCoroutine(engine.write(CREATE.format("a.rrd")))
        second = Deferred.fromCoroutine(engine.write(CREATE.format("b.rrd")))
        second.cancel()
        await self.assertFailure(second, CancelledError)
        await first
        with self.assertRaises(RrdError):
            await engine.read("info b.rrd")

    async def test_a_reading_that_is_cancelled_while_it_is_done_disturbs_none(self) -> None:
        engine = started_engine(self, readers=1)
        await engine.write(CREATE.format("a.rrd"))
        await engine.read("info a.rrd")
        sent = Deferred.fromCoroutine(engine.read(picture("a.rrd")))
        waits = Deferred.fromCoroutine(engine.read(picture("a.rrd")))
        for reading in (sent, waits):
            reading.cancel()
            await self.assertFailure(reading, CancelledError)
        self.assertIsNone((await engine.read("info a.rrd")).image)

    async def test_the_writer_goes_behind_others_and_all_have_sessions_of_their_own(self) -> None:
        engine = started_engine(self)
        await engine.write(CREATE.format("a.rrd"))
        await gatherResults([Deferred.fromCoroutine(engine.read("info a.rrd")) for _ in range(9)])
        writer, *readers = engine.pids
        own = os.getpriority(os.PRIO_PROCESS, 0)
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, writer), min(own + 10, 19))
        self.assertEqual([os.getpriority(os.PRIO_PROCESS, pid) for pid in readers], [own, own])
        await until(lambda: all(os.getsid(pid) == pid for pid in engine.pids))
        environment = environment_of(writer)
        self.assertIn(b"TZ=UTC", environment)
        self.assertLessEqual(len(environment), 6)

    async def test_the_metrics(self) -> None:
        registry = CollectorRegistry()
        engine = started_engine(self, registry=registry)
        await engine.write(CREATE.format("a.rrd"))
        with self.assertRaises(RrdError):
            await engine.read("info b.rrd")

        def count(kind: str, outcome: str) -> float | None:
            labels = {"kind": kind, "outcome": outcome}
            return registry.get_sample_value("tvmon_rrdtool_commands_total", labels)

        self.assertEqual((count("write", "ok"), count("read", "error")), (1, 1))
        self.assertEqual(registry.get_sample_value("tvmon_rrdtool_up"), 1)
        self.assertEqual(registry.get_sample_value("tvmon_rrdtool_restarts_total"), 0)
        labels = {"kind": "read"}
        self.assertEqual(registry.get_sample_value("tvmon_rrdtool_waiting", labels), 0)
        seconds = registry.get_sample_value("tvmon_rrdtool_command_seconds_count", labels)
        self.assertEqual(seconds, 1)


def environment_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


@needs_rrdtool
class StopTests(TestCase):
    """The end of it."""

    async def test_what_is_queued_is_written_and_nobody_is_left(self) -> None:
        engine = started_engine(self)
        writes = [Deferred.fromCoroutine(engine.write(CREATE.format("a.rrd")))]
        writes += [Deferred.fromCoroutine(engine.write(update("a.rrd", n))) for n in range(1, 2001)]
        reading = Deferred.fromCoroutine(engine.read(picture("a.rrd")))
        pids = engine.pids
        refused = self.assertFailure(reading, NoRrdtool)
        await engine.stopService()
        await refused
        await gatherResults(writes)
        self.assertEqual(len(pids), 3)
        for pid in pids:
            self.assertRaises(ProcessLookupError, os.kill, pid, 0)
        self.assertEqual(engine.trouble(), STOPPED)
        with self.assertRaisesRegex(NoRrdtool, STOPPED):
            await engine.write("create c.rrd")

    async def test_it_can_be_started_again(self) -> None:
        engine = started_engine(self)
        await engine.write(CREATE.format("a.rrd"))
        await engine.stopService()
        engine.startService()
        await until(lambda: len(engine.pids) == 3)
        self.assertEqual((await engine.read("last a.rrd")).lines, ("1700000100",))
