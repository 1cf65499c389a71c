"""tvmon's own PostgreSQL: made, started, watched, stopped, and gone when tvmon is."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs

from tests import postgres
from tests.store.common import StoreCase, in_thread, measurement, reactor, stream
from tests.waiting import until
from tvmon.interrupts import interrupts_held
from tvmon.store import Store, cluster, embedded, programs
from tvmon.store.embedded import Embedded
from tvmon.store.programs import User, command
from tvmon.streams import Sample

CHECKOUT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0


def is_alive(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def user_of(pid: int) -> int:
    """Whom a process runs as."""
    return Path(f"/proc/{pid}").stat().st_uid


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


@postgres.needs_postgres
class PrepareTests(StoreCase):
    """What is looked at before anything is started."""

    def refusal(self, where: Path) -> str:
        with self.assertRaises(SystemExit) as caught:
            cluster.prepare(where)
        text = str(caught.exception)
        self.assertNotIn("\n", text)
        return text

    def prepare(self, where: Path) -> cluster.Cluster:
        made = cluster.prepare(where)
        self.addCleanup(made.release)
        return made

    def test_a_directory_that_cannot_be_made(self) -> None:
        file = self.directory() / "file"
        file.write_text("")
        self.assertEqual(self.refusal(file / "state"), f"tvmon: {file}/state: Not a directory")
        self.assertRegex(self.refusal(Path("/proc/tvmon")), "^tvmon: /proc/tvmon: ")

    @unittest.skipIf(IS_ROOT, "root may write everywhere")
    def test_a_directory_that_is_not_ours(self) -> None:
        where = self.directory()
        where.chmod(0o500)
        self.assertEqual(self.refusal(where), f"tvmon: {where}: Permission denied")
        where.chmod(0o700)

    def test_the_newest_programs_unless_another_version_made_the_data(self) -> None:
        versions = programs.installed()
        where = self.directory()
        self.assertEqual(self.prepare(where / "a").programs.major, versions[0].major)
        for version in versions:
            data = where / str(version.major) / "data"
            data.mkdir(parents=True)
            (data / "PG_VERSION").write_text(f"{version.major}\n")
            self.assertEqual(self.prepare(data.parent).programs.major, version.major)

    def test_data_of_a_version_without_programs(self) -> None:
        data = self.directory() / "data"
        data.mkdir()
        (data / "PG_VERSION").write_text("9.6\n")
        self.assertRegex(
            self.refusal(data.parent),
            rf"^tvmon: {data} was made by PostgreSQL 9.6, and the programs here are of \d+",
        )
        # The directory is free again.
        (data / "PG_VERSION").unlink()
        data.rmdir()
        self.prepare(data.parent)

    def test_without_programs(self) -> None:
        self.patch(programs, "PACKAGE", "no_such_package")
        self.assertIn("needs the programs of the Python package", self.refusal(self.directory()))

    def test_a_socket_needs_a_short_path(self) -> None:
        where = self.directory() / ("d" * 100)
        made = self.prepare(where)
        self.assertLessEqual(len(os.fsencode(made.socket)), cluster.LONGEST_SOCKET_DIRECTORY)
        self.assertEqual(stat.S_IMODE(made.socket.stat().st_mode), 0o700)
        # The same one after a crash; another one where somebody sits on the name.
        self.assertEqual(cluster._socket_directory(made.home, made.user), made.socket)
        made.socket.rmdir()
        made.socket.symlink_to("/")
        other = cluster._socket_directory(made.home, made.user)
        self.addCleanup(other.rmdir)
        made.socket.unlink()
        self.assertNotEqual(other, made.socket)

    @unittest.skipUnless(IS_ROOT, "only root runs the server as somebody else")
    def test_root_keeps_its_own_directories_closed(self) -> None:
        closed = self.directory()
        closed.chmod(0o700)
        elsewhere = self.directory() / "elsewhere"
        elsewhere.parent.chmod(0o755)
        self.patch(programs, "SYSTEM_STATE", elsewhere)
        made = self.prepare(closed / "state")
        self.assertEqual(made.home.parent, elsewhere)
        self.assertEqual(stat.S_IMODE(closed.stat().st_mode), 0o700)
        again = programs.reachable_directory(made.user, closed / "state")
        self.assertEqual(again, made.home)

    @unittest.skipUnless(IS_ROOT, "only root runs the server as somebody else")
    def test_a_place_that_is_closed_too(self) -> None:
        closed, lasting = self.directory(), self.directory()
        closed.chmod(0o700)
        self.patch(programs, "SYSTEM_STATE", closed / "system")
        self.patch(programs, "LASTING", lasting)
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        made = self.prepare(closed / "state")
        self.assertEqual(made.home.parent, lasting)
        self.assertTrue(programs.can_reach(made.user, made.home))
        # The database stays where it was made, though there is a better place by now.
        (made.home / "data").mkdir(exist_ok=True)
        (made.home / "data/PG_VERSION").write_text("17\n")
        self.patch(programs, "SYSTEM_STATE", lasting / "system")
        self.assertEqual(programs.reachable_directory(made.user, closed / "state"), made.home)

    @unittest.skipUnless(IS_ROOT, "only root runs the server as somebody else")
    def test_no_place_at_all(self) -> None:
        closed, lasting = self.directory(), self.directory()
        closed.chmod(0o700)
        self.patch(programs, "SYSTEM_STATE", closed / "system")
        self.patch(programs, "LASTING", lasting)
        home = self.prepare(closed / "state").home
        for mode in (0o700, 0o777):
            home.chmod(mode)
            with self.assertRaises(SystemExit) as caught:
                programs.reachable_directory(programs.user_for(closed), closed / "state")
            self.assertRegex(
                str(caught.exception),
                r"^tvmon: PostgreSQL runs as user \w+, who can reach neither"
                rf" {closed}/state nor {closed}/system/\w+ nor {home}; [^\n]+$",
            )
        shutil.rmtree(home)
        home.symlink_to(self.directory())
        with self.assertRaises(SystemExit):
            programs.reachable_directory(programs.user_for(closed), closed / "state")

    def test_a_lock_that_is_a_link(self) -> None:
        where, file = self.directory(), self.directory() / "file"
        file.write_text("precious")
        (where / "lock").symlink_to(file)
        refused = f"tvmon: {where}/lock is a link, not a file; remove it"
        self.assertEqual(self.refusal(where), refused)
        (where / "lock").unlink()
        (where / "lock").hardlink_to(file)
        refused = f"tvmon: {where}/lock is not a file of its own; remove it"
        self.assertEqual(self.refusal(where), refused)
        (where / "lock").unlink()
        os.mkfifo(where / "lock")
        self.assertEqual(self.refusal(where), refused)
        self.assertEqual(file.read_text(), "precious")

    @unittest.skipUnless(IS_ROOT, "only root runs the server as somebody else")
    def test_programs_that_the_user_cannot_reach_are_copied(self) -> None:
        home = self.directory()
        home.chmod(0o755)
        user = programs.user_for(home)
        (newest, *_) = programs.installed()
        reach: Callable[[User, Path], bool] = lambda user, path: home in path.parents  # noqa: E731
        with mock.patch.object(programs, "can_reach", reach):
            copy = programs.reachable_programs(user, newest, home)
            again = programs.reachable_programs(user, newest, home)
        self.assertEqual(copy, again)
        self.assertIn(home, copy.directory.parents)
        for program in (copy.postgres, copy.initdb):
            done = subprocess.run(
                command(user, program, ["--version"]), capture_output=True, text=True, check=True
            )
            self.assertIn(f"(PostgreSQL) {newest.major}", done.stdout)


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
