"""
A PostgreSQL of tvmon's own: made, started, watched and stopped by tvmon, as its child.

The server listens on one socket, in a directory that nobody else can enter.  It gets SIGINT,
its fast shutdown, when tvmon stops and also when tvmon dies; when it dies itself it is started
again.

Every commit is on the disk before it is reported (``synchronous_commit`` and ``fsync`` are on).
Batches make that cheap, one flush for up to 1,000 rows, and so what was written once survives
a kill of the server and a power cut.  A kill of tvmon costs what waited: at most one second.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.alarm import Alarm
from tvmon.interrupts import interrupts_held
from tvmon.store.cluster import Cluster, prepare
from tvmon.store.programs import command

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
"""Before a server that ended is started again: doubling from the first to the longest."""

GOOD_SECONDS = 60.0
"""A server that ran so long was a good one: it is started again soon."""

ORPHAN_SECONDS = 10.0
"""How long the server of a tvmon that was killed may take to end by itself."""

LAST_STEPS_SECONDS = 0.3
"""How long each of the harder ways to stop may take."""

LONGEST_LINE = 500

_EXPECTED = re.compile(r"57P0[123] ")
"""How the server's log says that it stops or starts, which we know."""


class _Child(ProcessProtocol):
    """
    One run of a program.

    :ivar last_words: the last line that it wrote
    """

    def __init__(self) -> None:
        self.ended = Deferred[str]()
        self.last_words = ""
        self._rest = ""

    log = Logger()

    def connectionMade(self) -> None:
        """Nothing is typed at it."""
        assert self.transport is not None
        self.transport.closeStdin()

    def errReceived(self, data: bytes) -> None:
        """What it complains of goes to our log."""
        *lines, self._rest = (self._rest + data.decode("utf-8", "replace")).split("\n")
        self._rest = self._rest[:LONGEST_LINE]
        for line in lines:
            if line.strip() and not _EXPECTED.match(line):
                self.last_words = line.strip()[:LONGEST_LINE]
                self.log.warn("embedded PostgreSQL: {line}", line=self.last_words)

    def processEnded(self, reason: Failure) -> None:  # noqa: N802
        """It is gone, and all it wrote was read."""
        number = getattr(reason.value, "signal", None)
        status = getattr(reason.value, "exitCode", None)
        self.ended.callback(f"signal {number}" if number else f"status {status or 0}")


class Embedded:
    """
    The server and its supervision.

    :ivar trouble: why there is no server now
    """

    log = Logger()

    def __init__(self, reactor: ReactorBase, directory: Path) -> None:
        assert isinstance(reactor, PosixReactorBase)
        self.trouble: str | None = "the embedded server is not started"
        self._reactor = reactor
        self._directory = directory
        self._alarm = Alarm(reactor)
        self._cluster: Cluster | None = None
        self._child: _Child | None = None
        self._process: IProcessTransport | None = None
        self._running: Deferred[None] | None = None
        self._started: Callable[[], None] | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        """Where the server can be asked; known as soon as :meth:`prepare` is done."""
        assert self._cluster is not None
        return self._cluster.url

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return None if self._process is None else self._process.pid

    def prepare(self) -> None:
        """
        Hold the directory, until :meth:`stop`; done once.

        It blocks, for seconds where programs are copied; it may be called in a thread.

        :raises SystemExit: one line, where an operator must put something right
        """
        if self._cluster is not None:
            return
        cluster = self._cluster = prepare(self._directory)
        if cluster.home != cluster.directory:
            self.log.info(
                "user {user} cannot reach {directory}; the database lies in {home}",
                user=cluster.user.name,
                directory=str(cluster.directory),
                home=str(cluster.home),
            )

    def start(self, started: Callable[[], None]) -> None:
        """
        Make the data directory if it is not there, and keep a server running on it.

        :param started: called once, when the server was started for the first time and is
            worth a try to connect
        """
        assert self._cluster is not None
        self._started = started
        self._running = Deferred.fromCoroutine(self._run(self._cluster))

    async def stop(self, seconds: float) -> None:
        """
        End the server, in good order if it can be done in so many seconds.

        A server that had to be killed recovers at its next start; nothing that was written is
        lost.
        """
        self._stopping = True
        self._alarm.ring()
        patience = (max(seconds - 2 * LAST_STEPS_SECONDS, LAST_STEPS_SECONDS), LAST_STEPS_SECONDS)
        for number, limit in zip((signal.SIGINT, signal.SIGQUIT), patience, strict=True):
            if await self._is_gone(number, limit):
                break
        else:
            if not await self._is_gone(signal.SIGKILL, LAST_STEPS_SECONDS) and self._process:
                # A child of its own that hangs holds our end of its standard error.
                self._process.loseConnection()
        running, self._running = self._running, None
        if running is not None:
            await running
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.release()

    async def _is_gone(self, number: signal.Signals, seconds: float) -> bool:
        if self._child is None or self._process is None:
            return True
        gone = Deferred[None]()
        self._child.ended.addCallback(_and_tell, gone)
        try:
            self._process.signalProcess(number)
        except ProcessExitedAlready:
            # It has ended, and we are about to be told.
            self.log.debug("the embedded server was gone before {name}", name=number.name)
        gone.addTimeout(seconds, self._reactor)
        try:
            await gone
        except TookTooLong:
            return False
        return True

    async def _run(self, cluster: Cluster) -> None:
        delay = FIRST_DELAY_SECONDS
        while not self._stopping:
            began = self._reactor.seconds()
            try:
                end = await self._serve(cluster)
            except Exception as problem:
                # The disk is full, a directory was taken away: it may be put right meanwhile.
                self.log.failure("the embedded server could not be started")
                end = str(problem)
            if self._stopping:
                break
            if self._reactor.seconds() - began > GOOD_SECONDS:
                delay = FIRST_DELAY_SECONDS
            self.trouble = f"the embedded server ended ({end}) and is started again"
            self.log.warn(
                "the embedded server ended ({end}); it is started again in {delay:g} s",
                end=end,
                delay=delay,
            )
            await self._alarm.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)

    async def _serve(self, cluster: Cluster) -> str:
        """Run the server until it ends, and say how it did."""
        if not cluster.is_made:
            self.trouble = "the embedded server's data directory is being made"
            cluster.clear_new_data()
            end = await self._execute(cluster, *cluster.initdb())
            if end != "status 0" or self._stopping:
                return f"initdb: {end}"
            cluster.new_data.rename(cluster.data)
        await self._outlive_orphan(cluster)
        if self._stopping:
            return "stopped"
        self.trouble = None
        started, self._started = self._started, None
        if started is not None:
            started()
        return await self._execute(cluster, *cluster.postgres())

    async def _execute(self, cluster: Cluster, program: Path, arguments: Sequence[str]) -> str:
        child = self._child = _Child()
        words = command(cluster.user, program, arguments)
        assert isinstance(self._reactor, PosixReactorBase)
        with interrupts_held():
            self._process = self._reactor.spawnProcess(
                child, words[0], words, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
            )
        try:
            end = await child.ended
        finally:
            self._child = self._process = None
        return f"{end}: {child.last_words}" if child.last_words else end

    async def _outlive_orphan(self, cluster: Cluster) -> None:
        """
        See that no server runs on the directory, which is ours alone to use.

        One may, for a moment, after a tvmon that was killed.  And the file that says so may
        be left by one that was killed too, with a number that another process has by now,
        which PostgreSQL would take for a server.
        """
        file = cluster.data / "postmaster.pid"
        give_up = self._reactor.seconds() + ORPHAN_SECONDS
        number = signal.SIGINT
        while not self._stopping and file.exists():
            pid = _first_number(file)
            if pid is None or not _is_server(pid, cluster):
                file.unlink(missing_ok=True)
                return
            if self._reactor.seconds() > give_up:
                number = signal.SIGQUIT
            os.kill(pid, number)
            await self._alarm.sleep(LAST_STEPS_SECONDS)


def _and_tell(end: str, gone: Deferred[None]) -> str:
    if not gone.called:
        gone.callback(None)
    return end


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text("ascii", "replace").split(maxsplit=1)[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def _is_server(pid: int, cluster: Cluster) -> bool:
    """Whether this process is a server on our data directory."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(cluster.data) in words and words[0].endswith(b"postgres")
