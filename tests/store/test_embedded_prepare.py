"""tvmon's own PostgreSQL before it is started: whose its files are, and where they may lie."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from tests import postgres
from tests.store.common import StoreCase
from tests.store.embedding import IS_ROOT
from tvmon.store import cluster, programs
from tvmon.store.programs import User, command


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
