"""
``rrdtool -`` children that are kept running: one that writes, some that read.

    write, read -> jobs -> worker -> child -> starter -> rrdtool -
                   releases <- answers <-

One writer alone, so that updates are done in order and never meet each other's locks; commands
are pipelined to it.  Readers do one at a time, so that a picture waits for no other.

rrdtool 1.7 updates a file in place, without a journal.  Killed in the very moment of an update it
may leave all rows of that one file one step too early (4 of 100 kills amid nothing but updates
did); nothing can tell later.  So the writer is killed for a hang of half a minute only: should
tvmon itself be killed, the writer does what is in its pipe and ends.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from tvmon.folders import make_open
from tvmon.history.engine_meters import EngineMeters
from tvmon.history.jobs import Job, Jobs, Releases
from tvmon.history.rrd import NoRrdtool, Output
from tvmon.history.worker import Kind, Reactor, Worker

WRITE_DEADLINE_SECONDS = 30.0
READ_DEADLINE_SECONDS = 10.0
"""How long one command may take before the child that does it counts as hung."""

MOST_SENT = 200
"""Commands in the writer's pipe; the others wait, so that the pipe's buffers stay small."""

MOST_WRITES = 20_000
MOST_READS = 500
"""How many may wait."""

LOWEST_PRIORITY = 10
"""The writer's niceness: it has five minutes for everything."""

FINISH_SECONDS = 1.8
"""How long queued writes may take at the end; with the steps to end a child 3 s in all."""

NOT_INSTALLED = "rrdtool is not installed: apt-get install rrdtool"
STOPPED = "tvmon is stopping"


class Engine(Service):
    """
    Where commands are given; it is a :class:`tvmon.history.rrd.Rrd`.

    :param folder: where rrdtool works, so that files have relative names; made if not there
    :param program: rrdtool; looked for in the PATH where it is a name, or ``None``
    :param write_deadline: seconds that one write may take
    :param read_deadline: seconds that one read may take
    """

    log = Logger()

    def __init__(
        self,
        *,
        reactor: Reactor,
        folder: Path,
        registry: CollectorRegistry,
        program: str | None = None,
        readers: int = 2,
        write_deadline: float = WRITE_DEADLINE_SECONDS,
        read_deadline: float = READ_DEADLINE_SECONDS,
    ) -> None:
        self._folder, self._program = folder.absolute(), program or "rrdtool"
        self._writes, self._reads = Jobs(), Jobs()
        self._releases = Releases(reactor)
        waiting = {"write": self._writes.__len__, "read": self._reads.__len__}
        meters = EngineMeters(registry, lambda: self.trouble() is None, waiting)
        self._writer = Worker(
            reactor,
            Kind(MOST_SENT, write_deadline, LOWEST_PRIORITY, 0),
            self._writes,
            self._releases,
            self._find,
            self._changed,
            meters.of["write"],
        )
        self._readers = [
            Worker(
                reactor,
                Kind(1, read_deadline, 0, signal.SIGKILL),
                self._reads,
                self._releases,
                self._find,
                self._changed,
                meters.of["read"],
            )
            for _ in range(readers)
        ]
        self._logged: str | None = None

    def startService(self) -> None:
        """Look for rrdtool, and start the children."""
        super().startService()
        for worker in self._workers:
            worker.start()

    def stopService(self) -> Deferred[None]:
        """Finish the writes that are queued, in so far as that is quick; end the children."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def trouble(self) -> str | None:
        """Why rrdtool cannot be asked, and what to do; ``None`` where it can."""
        if not self.running:
            return STOPPED
        troubles = (worker.trouble for worker in self._workers)
        return next((trouble for trouble in troubles if trouble is not None), None)

    @property
    def pids(self) -> list[int]:
        """The children's, the writer's first."""
        children = (worker.child for worker in self._workers)
        return [child.pid for child in children if child is not None and child.pid is not None]

    async def write(self, command: str) -> Output:
        """
        Do one that changes files, after all that were given before.

        Cancelled before it was sent, it is not done.

        :raises ValueError: it is not one line that may be asked
        :raises RrdError: it was refused, or rrdtool died of it twice
        :raises NoRrdtool: nobody is there to do it; whether it was done is not known
        """
        job = Job(command)
        if not self.running:
            raise NoRrdtool(STOPPED)
        if self._writer.is_missing:
            raise NoRrdtool(self._writer.trouble)
        if len(self._writes) >= MOST_WRITES:
            raise NoRrdtool(self.trouble() or f"{MOST_WRITES} writes wait already")
        answer = self._writes.add(job)
        self._writer.work()
        return await answer

    async def read(self, command: str) -> Output:
        """Do one that only reads, as soon as a reader is idle; raises as :meth:`write`."""
        job = Job(command)
        if not self.running:
            raise NoRrdtool(STOPPED)
        if all(reader.trouble is not None for reader in self._readers):
            raise NoRrdtool(self._readers[0].trouble)
        if len(self._reads) >= MOST_READS:
            raise NoRrdtool(f"{MOST_READS} readings wait already")
        answer = self._reads.add(job)
        for reader in self._readers:
            reader.work()
        return await answer

    @property
    def _workers(self) -> list[Worker]:
        return [self._writer, *self._readers]

    def _find(self) -> tuple[str, Path]:
        program = shutil.which(self._program)
        if program is None:
            raise NoRrdtool(NOT_INSTALLED)
        try:
            make_open(self._folder)
        except OSError as problem:
            raise NoRrdtool(f"{self._folder} cannot be made: {problem.strerror}") from None
        return os.path.abspath(program), self._folder

    def _changed(self) -> None:
        """Nobody waits for what does not come; the log says what is new."""
        if self._writer.is_missing:
            self._refuse(self._writes, str(self._writer.trouble))
        if all(reader.trouble is not None for reader in self._readers):
            self._refuse(self._reads, str(self._readers[0].trouble))
        trouble = self.trouble()
        if trouble is not None and self._logged is None:
            self.log.warn("no history and no graphs: {trouble}", trouble=trouble)
        elif trouble is None and self._logged is not None:
            self.log.info("rrdtool is there again; history is written")
        self._logged = trouble

    def _refuse(self, jobs: Jobs, why: str) -> None:
        for job in jobs.take(len(jobs)):
            self._releases.put(job, NoRrdtool(why))

    async def _stop(self) -> None:
        self._refuse(self._reads, STOPPED)
        readers = [Deferred.fromCoroutine(r.stop(gently=False)) for r in self._readers]
        await self._writer.finish(FINISH_SECONDS)
        await self._writer.stop(gently=True)
        await DeferredList(readers, consumeErrors=True)
        for jobs in (self._reads, self._writes):
            self._refuse(jobs, STOPPED)
        await self._releases.empty()
