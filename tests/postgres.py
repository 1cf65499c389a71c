"""
A real PostgreSQL for tests: of its own, in a temporary directory, gone when the test run is.

    server = postgres.shared()          one server for the whole test process, started once
    url = server.new_database()         an empty database on it, for one test

    server = Postgres(tcp=True)         a server that a test may stop, kill, freeze, restart
    server.start(); ...; server.close()

As root the server runs as an unprivileged user.  It ends with the test process, however that
ends.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from tvmon.store.programs import (
    Programs,
    User,
    can_reach,
    command,
    installed,
    reachable_programs,
    user_for,
)

START_SECONDS = 30.0
PASSWORD = "Wort:mit/Zeichen@und%"


def every_version() -> list[Programs]:
    """The programs of the package, and of this system, one for each major version."""
    found = {programs.major: programs for programs in installed()}
    for postgres in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        major = postgres.parent.parent.name
        if major.isdigit():
            found.setdefault(int(major), Programs(int(major), postgres.parent))
    return [found[major] for major in sorted(found, reverse=True)]


needs_postgres = unittest.skipUnless(installed(), "the PostgreSQL programs are not installed")


class Postgres:
    """
    One server.

    :param tcp: listen on a port of 127.0.0.1, and ask for a password; else on a unix socket
    :param major: the version; the newest by default
    :param settings: more of ``postgresql.conf``
    """

    def __init__(self, *, tcp: bool = False, major: int | None = None, **settings: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tvmon-test-pg-"))
        # The unprivileged user must pass through, and nothing more.
        self.directory.chmod(0o711)
        self.user = user_for(self.directory)
        versions = every_version()
        programs = next((p for p in versions if major in {None, p.major}), None)
        assert programs is not None, f"no PostgreSQL {major} here"
        self.programs = _reachable(self.user, programs)
        self.major = programs.major
        self.data = self.directory / "data"
        self.sockets = self.directory / "run"
        self.tcp = tcp
        self.port = _free_port() if tcp else 5432
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = itertools.count(1)
        _initialized(self.user, self.programs, self.data)
        _mkdir(self.sockets, self.user)
        rule = f"local all all trust\nhost all all 127.0.0.1/32 {'md5' if tcp else 'reject'}\n"
        (self.data / "pg_hba.conf").write_text(rule)
        atexit.register(self.close)

    def __enter__(self) -> Postgres:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The postmaster's."""
        assert self._process is not None, "not started"
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """A libpq URL; over TCP with a password in it."""
        if self.tcp:
            secret = PASSWORD.replace("%", "%25").replace(":", "%3A")
            secret = secret.replace("/", "%2F").replace("@", "%40")
            return f"postgresql://tvmon:{secret}@127.0.0.1:{self.port}/{database}"
        return f"postgresql:///{database}?host={self.sockets}&user=tvmon"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.spawn()
        self.wait()
        if self.tcp:
            self.sql(f"ALTER ROLE tvmon PASSWORD '{PASSWORD}'")

    def spawn(self) -> None:
        """Start, and do not wait."""
        assert self._process is None, "already started"
        settings = {
            "listen_addresses": "127.0.0.1" if self.tcp else "",
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets),
            "max_connections": "30",
            "shared_buffers": "32MB",
            "log_min_messages": "fatal",
            "password_encryption": "md5",
            **self.settings,
        }
        options = [part for k, v in settings.items() for part in ("-c", f"{k}={v}")]
        log = (self.directory / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                command(self.user, self.programs.postgres, ["-D", str(self.data), *options]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Return when it answers."""
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                self.sql("SELECT 1")
            except psycopg2.OperationalError:
                gone = self._process is None or self._process.poll() is not None
                if gone or time.monotonic() > give_up:
                    raise AssertionError(f"no start: {self.log()}") from None
                time.sleep(0.02)
            else:
                return

    def log(self) -> str:
        """The end of what the server wrote."""
        return (self.directory / "log").read_text(errors="replace")[-2000:]

    def stop(self, name: signal.Signals = signal.SIGINT) -> None:
        """Stop fast (SIGINT), at once (SIGQUIT), or as in a crash (SIGKILL), and wait for it."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(name)
            process.wait(START_SECONDS)

    def kill(self) -> None:
        """SIGKILL, and wait until the sessions are gone too."""
        sessions = self.sessions() if self._process is not None else []
        self.stop(signal.SIGKILL)
        give_up = time.monotonic() + START_SECONDS
        while any(_is_alive(pid) for pid in sessions) and time.monotonic() < give_up:
            time.sleep(0.01)

    def restart(self) -> None:
        """Stop fast and start."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP to the server and to each of its sessions; it accepts, and never answers."""
        for pid in [self.pid, *self.sessions()]:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to all of them."""
        for pid in [*self.sessions(), self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def sessions(self) -> list[int]:
        """The processes of the server but the first."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if stat.read_text().rpartition(")")[2].split()[1] == str(self.pid):
                    found.append(int(stat.parent.name))
        return found

    def sql(self, text: str, *parameters: object, database: str = "postgres") -> list[Any]:
        """Do one statement, blocking, over the unix socket; its rows, if it has any."""
        connection = psycopg2.connect(
            host=str(self.sockets), port=self.port, user="tvmon", dbname=database
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def new_database(self) -> str:
        """The name of a new, empty database."""
        name = f"test_{os.getpid()}_{next(self._databases)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def close(self) -> None:
        """Kill what runs and remove everything."""
        if self._process is not None:
            self.thaw()
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        atexit.unregister(self.close)


@functools.cache
def shared() -> Postgres:
    """A server for all tests that do it no harm."""
    server = Postgres(fsync="off")
    server.start()
    return server


@contextlib.contextmanager
def database() -> Iterator[tuple[str, str]]:
    """An empty database on the shared server: (its URL, its name)."""
    name = shared().new_database()
    try:
        yield shared().url(name), name
    finally:
        shared().sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _initialized(user: User, programs: Programs, data: Path) -> None:
    """A fresh data directory: a copy of one that initdb made once in this process."""
    shutil.copytree(_template(user, programs), data)
    data.chmod(0o700)
    if user.is_another:
        for directory, _, names in os.walk(data):
            os.chown(directory, user.uid, user.gid)
            for name in names:
                os.chown(Path(directory, name), user.uid, user.gid)


@functools.cache
def _template(user: User, programs: Programs) -> Path:
    home = Path(tempfile.mkdtemp(prefix="tvmon-test-initdb-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    home.chmod(0o711)
    data = home / "data"
    _mkdir(data, user)
    subprocess.run(
        command(
            user,
            programs.initdb,
            [
                *("-D", str(data), "--username", "tvmon", "--auth", "trust"),
                *("--encoding", "UTF8", "--no-locale", "--no-sync"),
            ],
        ),
        check=True,
        capture_output=True,
    )
    return data


@functools.cache
def _reachable(user: User, programs: Programs) -> Programs:
    """As root in a place that is closed to others: a copy of the programs."""
    if can_reach(user, programs.postgres):
        return programs
    home = Path(tempfile.mkdtemp(prefix="tvmon-test-programs-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    home.chmod(0o755)
    return reachable_programs(user, programs, home)


def _mkdir(path: Path, user: User) -> None:
    path.mkdir(mode=0o700)
    if user.is_another:
        os.chown(path, user.uid, user.gid)


def _free_port() -> int:
    """A port that was free just now; a server cannot be told 0 and asked afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
