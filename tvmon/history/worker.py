"""One who does commands: a child of its own, which is replaced when it dies or hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime
from twisted.logger import Logger

from tvmon.alarm import Alarm
from tvmon.history.answers import Answer
from tvmon.history.child import Child, spawn
from tvmon.history.engine_meters import KindMeters
from tvmon.history.jobs import MOST_DEATHS, Job, Jobs, Releases
from tvmon.history.rrd import NoRrdtool, RrdError

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 30.0
"""Before a child that died is replaced: doubling while they die before they did anything."""

LOOK_SECONDS = 60.0
"""How often it is looked whether rrdtool was installed meanwhile."""

LINGER_SECONDS = 5.0
"""A child that was killed and has not ended by then waits for a disk; there is trouble."""

FEW = 3
"""When so many children in a row have died before they did anything, there is trouble."""

LONGEST_ERROR = 500

LAST_STEPS_SECONDS = (0.8, 0.2, 0.2)
"""
How long each of the ways to end a child may take: asked, told, killed.

Most is for the first: who is ended amid an update leaves a file with its rows one step off.
"""


class Reactor(IReactorTime, IReactorProcess):
    """What is needed of the reactor."""


class Kind(NamedTuple):
    """
    A kind of worker.

    :ivar at_once: how many commands are in the pipe at most
    :ivar deadline: seconds that one may take
    :ivar niceness: of its child
    :ivar last_signal: what its child gets should tvmon be killed; 0 is nothing
    """

    at_once: int
    deadline: float
    niceness: int
    last_signal: int


class Worker:
    """
    Does what waits in a queue, which it may share with others.

    :param find: the program and the folder that it works in; raises NoRrdtool
    :param changed: called when ``trouble`` or ``is_missing`` has
    :ivar trouble: why it does nothing now
    :ivar is_missing: there is no rrdtool at all
    """

    log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        kind: Kind,
        jobs: Jobs,
        releases: Releases,
        find: Callable[[], tuple[str, Path]],
        changed: Callable[[], None],
        meters: KindMeters,
    ) -> None:
        self.trouble: str | None = None
        self.is_missing = False
        self.child: Child | None = None
        self._reactor, self._kind, self._jobs, self._releases = reactor, kind, jobs, releases
        self._find, self._changed, self._meters = find, changed, meters
        self._alarm = Alarm(reactor)
        self._call: IDelayedCall | None = None
        self._linger: IDelayedCall | None = None
        self._delay = FIRST_DELAY_SECONDS
        self._useless = 0
        self._folder = Path()
        self._is_stopped = True

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self._jobs and not (self.child and self.child.unanswered)

    def start(self) -> None:
        """Look for rrdtool, and have a child."""
        self._is_stopped = False
        self._start()

    def work(self) -> None:
        """Have the child do what waits, as much as is good for it."""
        child = self.child
        if child is not None and child.is_ready and self._jobs and not self._is_stopped:
            child.send(self._jobs.take(self._kind.at_once - len(child.unanswered)))

    async def finish(self, seconds: float) -> None:
        """Do what waits, for so many seconds at most."""
        until = self._reactor.seconds() + seconds
        while not self.is_idle and self.trouble is None:
            left = until - self._reactor.seconds()
            if left <= 0:
                return
            await self._alarm.sleep(left)

    async def stop(self, *, gently: bool) -> None:
        """
        End the child; ``gently``: let it do what it was sent, in so far as that is quick.

        What it has not done waits again.
        """
        self._is_stopped = True
        _cancel(self._call)
        if self.child is not None and gently:
            self.child.close()
            await self._until_gone(LAST_STEPS_SECONDS[0])
            if self.child is not None:
                self.child.kill("tvmon is stopping", "TERM")
                await self._until_gone(LAST_STEPS_SECONDS[1])
        if self.child is not None:
            self.child.kill("tvmon is stopping")
            await self._until_gone(LAST_STEPS_SECONDS[2])
        if self.child is not None:
            # It was killed, and on a busy machine we are told of its end too late for who waits.
            self._jobs.put_back(self.child.unanswered)
            self.child.unanswered.clear()
        _cancel(self._linger)

    async def _until_gone(self, seconds: float) -> None:
        until = self._reactor.seconds() + seconds
        while self.child is not None and (left := until - self._reactor.seconds()) > 0:
            await self._alarm.sleep(left)

    def _start(self) -> None:
        try:
            program, self._folder = self._find()
        except NoRrdtool as problem:
            self._call = self._reactor.callLater(LOOK_SECONDS, self._start)
            self._say(str(problem), is_missing=True)
            return
        self.is_missing = False
        child = self.child = Child(self._reactor, self, self._kind.deadline)
        try:
            spawn(
                self._reactor,
                child,
                program,
                self._folder,
                niceness=self._kind.niceness,
                last_signal=self._kind.last_signal,
            )
        except OSError as problem:  # no process, or no pipe, to be had
            self.ended(child, problem.strerror or str(problem))

    def _say(self, trouble: str | None, *, is_missing: bool = False) -> None:
        if (trouble, is_missing) != (self.trouble, self.is_missing):
            self.trouble, self.is_missing = trouble, is_missing
            self._changed()
            self._alarm.ring()

    def greeted(self) -> None:
        """The child is there."""
        self._say(None)
        self.work()

    def killed(self, why: str) -> None:
        """The child is about to end; when it does not, nobody shall wait for it."""
        _cancel(self._linger)
        self._linger = self._reactor.callLater(LINGER_SECONDS, self._lingers, why)

    def _lingers(self, why: str) -> None:
        assert self.child is not None
        self._take_back(self.child)
        self._say(f"rrdtool does not end: {why}")

    def answered(self, job: Job, answer: Answer, seconds: float) -> None:
        """The child has done a command."""
        self._delay, self._useless = FIRST_DELAY_SECONDS, 0
        self._meters.seconds.observe(seconds)
        error = answer.error
        if error is not None and job.was_done(error):
            error = None
        if error is None and job.makes is not None and not (self._folder / job.makes).exists():
            # So it is with 1.7.2, which says OK all the same.
            error = f"creating '{job.makes}': it is not there afterwards; is the disk full?"
        if error is None:
            self._meters.ok.inc()
            self._releases.put(job, answer.output)
        else:
            self._meters.error.inc()
            self._releases.put(job, RrdError(error[:LONGEST_ERROR]))

    def pause(self) -> None:
        """The child can be sent more."""
        self.work()
        if self.is_idle:
            self._alarm.ring()

    def ended(self, child: Child, how: str) -> None:
        """The child is gone: what it has not done waits again, in front."""
        self.child = None
        _cancel(self._linger)
        if self._is_stopped:
            self._jobs.put_back(child.unanswered)
        else:
            self._replace(child, how)
        # The last thing: who is woken goes on at once, and may start us again.
        self._alarm.ring()

    def _replace(self, child: Child, how: str) -> None:
        self._meters.restarts.inc()
        self._take_back(child)
        self._useless = 0 if child.has_answered else self._useless + 1
        self._call = self._reactor.callLater(self._delay, self._start)
        if self.trouble is None:
            self.log.warn("rrdtool ended, and is replaced: {how}", how=how)
        self._delay = min(2 * self._delay, LONGEST_DELAY_SECONDS)
        if not child.was_ready or self._useless >= FEW:
            self._say(f"rrdtool does not stay alive: {how}")

    def _take_back(self, child: Child) -> None:
        """Let what it has not done wait again, but for the one that it was at for the last time."""
        unanswered = list(child.unanswered)
        child.unanswered.clear()
        if unanswered:
            unanswered[0].deaths += 1
            if unanswered[0].deaths >= MOST_DEATHS:
                self._meters.died.inc()
                self._releases.put(unanswered.pop(0), RrdError("rrdtool died of this command"))
        self._jobs.put_back(unanswered)


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
