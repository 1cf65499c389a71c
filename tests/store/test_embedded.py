"""tvmon's own PostgreSQL: made, started, watched, stopped, and gone when tvmon is."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs

from tests import postgres
from tests.store.common import StoreCase, in_thread, measurement, reactor, stream
from tests.store.embedding import CHECKOUT, IS_ROOT, is_alive, user_of
from tests.waiting import until
from tvmon.interrupts import interrupts_held
from tvmon.store import Store, embedded, programs
from tvmon.store.embedded import Embedded
from tvmon.store.programs import command
from tvmon.streams import Sample


@postgres.needs_postgres
class EmbeddedTests(StoreCase):
    """A store with ``url = "embedded"``."""

    def setUp(self) -> None:
        super().setUp()
        self.where = self.directory() / "state"

    def embedded(self) -> Store:
        return self.start("embedded", directory=self.where)

    def pid(self, store: Store) -> int:
        assert store._embedded is not None
        assert store._embedded.pid is not None
        return store._embedded.pid

    def bystander(self) -> subprocess.Popen[bytes]:
        """A process that has nothing to do with PostgreSQL."""
        process = subprocess.Popen(["/bin/sleep", "60"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    async def test_first_start_and_second_start(self) -> None:
        store = await self.up(self.embedded(), 60)
        pid = self.pid(store)
        self.board.put(stream(1))
        self.board.note(stream(1).mms_stream_id, Sample(time.time(), 1.0, measurement(1)))
        await store.stopService()
        self.assertFalse(is_alive(pid))
        self.assert_nothing_left()
        self.assertFalse((self.where / "data/postmaster.pid").exists(), "stopped in good order")

        self.registry = type(self.registry)()
        self.board = type(self.board)(self.board.scoring)
        store = await self.up(self.embedded())
        self.assertEqual([len(streams) for streams in self.loaded], [0, 1])
        history = await store.history(stream(1).mms_stream_id, 200)
        self.assertEqual([sample.measured for sample in history], [measurement(1)])

    async def test_nobody_else_gets_in(self) -> None:
        store = await self.up(self.embedded(), 60)
        assert store._embedded is not None
        owner = (self.where / "data").stat().st_uid
        for name in ("data", "run"):
            there = (self.where / name).stat()
            self.assertEqual(stat.S_IMODE(there.st_mode), 0o700)
            self.assertEqual(there.st_uid, owner)
        if IS_ROOT:
            self.assertNotEqual(owner, 0)
            self.assertEqual(user_of(self.pid(store)), owner)
        # The directory itself, and what is above it, is as it was.
        self.assertEqual(self.where.stat().st_uid, os.geteuid())
        self.assertEqual(stat.S_IMODE(self.where.parent.stat().st_mode), 0o711)
        session = await self.session(store._embedded.url)
        self.assertEqual(await session.query("SHOW listen_addresses", (), "".join), [""])
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            self.assertEqual(await session.query(f"SHOW {name}", (), "".join), ["on"])

    async def test_a_server_that_is_killed_is_replaced(self) -> None:
        store = await self.up(self.embedded(), 60)
        watch = self.watch()
        load = self.load([stream(number) for number in range(5)])
        before = self.pid(store)
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 10)
        with capturedLogs() as said:
            os.kill(before, signal.SIGKILL)
            await until(lambda: store.trouble() is not None)
            await self.up(store)
        self.assertNotEqual(self.pid(store), before)
        load.stop()
        await self.written()
        self.assert_never_blocked(watch)
        number = stream(0).mms_stream_id
        counts = [
            sample.measured.total_gops
            for sample in await store.history(number, 200)
            if sample.measured
        ]
        self.assertEqual(counts, list(range(load.noted, load.noted - len(counts), -1)))
        self.assertEqual(len(counts), min(load.noted, 200))
        told = [event for event in said if "it is started again" in event["log_format"]]
        self.assertEqual(len(told), 1)
        self.assertIn("signal 9", told[0]["end"])

    async def test_a_start_over_a_file_that_a_crash_left(self) -> None:
        """Its number belongs to somebody else by now, who is left in peace."""
        store = await self.up(self.embedded(), 60)
        await store.stopService()
        bystander = self.bystander()
        (self.where / "data/postmaster.pid").write_text(f"{bystander.pid}\n/elsewhere\n")
        self.registry = type(self.registry)()
        await self.up(self.embedded())
        self.assertIsNone(bystander.poll())

    async def test_the_second_user_of_a_directory_is_refused(self) -> None:
        await self.up(self.embedded(), 60)
        second = self.store("embedded", directory=self.where, registry=type(self.registry)())
        with self.assertRaises(SystemExit) as caught:
            second.startService()
        self.assertEqual(
            str(caught.exception),
            f"tvmon: {self.where} is in use by another tvmon (pid {os.getpid()})",
        )
        self.assertFalse(second.running)

    async def test_stop_in_the_middle_of_the_first_start(self) -> None:
        store = self.embedded()
        assert store._embedded is not None
        await until(lambda: store._embedded is not None and store._embedded.pid is not None)
        pid = self.pid(store)
        with capturedLogs() as said:
            await store.stopService()
        self.assertEqual([event for event in said if "line" in event], [])
        self.assertFalse(is_alive(pid))
        self.assert_nothing_left()
        # What was half made is made anew.
        self.registry = type(self.registry)()
        await self.up(self.embedded(), 60)

    async def test_a_server_that_does_not_want_to_stop(self) -> None:
        self.patch(sys.modules["tvmon.store.store"], "STOP_SECONDS", 1.0)
        store = await self.up(self.embedded(), 60)
        pid = self.pid(store)
        os.kill(pid, signal.SIGSTOP)
        await store.stopService()
        self.assertFalse(is_alive(pid))
        self.assert_nothing_left()


@postgres.needs_postgres
class DeathTests(StoreCase):
    """tvmon is killed, and its server ends."""

    def serve(self, where: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.serve", str(where)],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(CHECKOUT), *sys.path))},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.addCleanup(process.stdout.close)
        return process

    async def test_the_server_goes_with_its_tvmon(self) -> None:
        where = self.directory() / "state"
        process = self.serve(where)
        assert process.stdout is not None
        pid = int(str(await in_thread(process.stdout.readline)))
        self.assertTrue(is_alive(pid))
        process.kill()
        await until(lambda: not is_alive(pid), 20, "the server has ended")
        # And the next one finds everything in order.
        await self.up(self.start("embedded", directory=where))

    async def test_a_tvmon_that_comes_too_soon_waits_for_the_old_server(self) -> None:
        where = self.directory() / "state"
        process = self.serve(where)
        assert process.stdout is not None
        pid = int(str(await in_thread(process.stdout.readline)))
        # It cannot follow the signal that it gets when its tvmon dies, for a while.
        os.kill(pid, signal.SIGSTOP)
        process.kill()
        await in_thread(process.wait)
        store = self.start("embedded", directory=where)
        await until(lambda: (store.trouble() or "").startswith("not loaded yet"))
        os.kill(pid, signal.SIGCONT)
        await self.up(store, 30)
        self.assertFalse(is_alive(pid))


class ChildTests(StoreCase):
    """What stands between tvmon and its server."""

    async def test_a_program_that_is_not_there(self) -> None:
        where = self.directory()
        child = embedded._Child()
        words = command(programs.user_for(where), where / "nothing", [])
        with capturedLogs():
            reactor.spawnProcess(child, words[0], words, env={})  # type: ignore[attr-defined]
            self.assertEqual(await child.ended, "status 126")
        self.assertEqual(child.last_words, f"{where}/nothing: No such file or directory")

    async def test_an_interrupt_at_any_moment_ends_it_without_a_word(self) -> None:
        where = self.directory()
        words = command(programs.user_for(where), Path("/bin/sleep"), ["60"])
        for milliseconds in (*range(0, 60, 4), 80):
            child = embedded._Child()
            with interrupts_held():
                process = reactor.spawnProcess(  # type: ignore[attr-defined]
                    child, words[0], words, env={}
                )
            await deferLater(reactor, milliseconds / 1000)
            process.signalProcess("INT")
            self.assertEqual(await child.ended, "signal 2", milliseconds)
            self.assertEqual(child.last_words, "")

    async def test_a_server_that_cannot_start_says_why(self) -> None:
        where = self.directory()
        server = Embedded(reactor, where)
        server.prepare()
        data = where / "data"
        data.mkdir()
        (data / "PG_VERSION").write_text(f"{programs.installed()[0].major}\n")
        started: Deferred[None] = Deferred()
        with capturedLogs() as said:
            server.start(lambda: started.callback(None))
            await started
            await until(lambda: server.trouble is not None)
            trouble = server.trouble
            await server.stop(1.0)
        assert trouble is not None
        self.assertRegex(trouble, r"^the embedded server ended \(status \d+: .*\)")
        self.assertTrue([event for event in said if "embedded PostgreSQL" in event["log_format"]])
        self.assert_nothing_left()
