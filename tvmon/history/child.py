"""One run of ``rrdtool -``: what it is sent, what it answers, and how it ends."""

from __future__ import annotations

import os
import re
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from tvmon.history.answers import MOST_BYTES, Answer, Answers, TooLongError
from tvmon.history.jobs import Job
from tvmon.interrupts import interrupts_held

LEAST_VERSION = (1, 7)
"""The first that draws and exports what is asked of it here."""

LONGEST_LINE = 300
MOST_GREETING_BYTES = 64 * 1024
GREETING_SECONDS = 10.0
GREETING = b"version\n"
"""What a child is asked first, and how long it may take to start: one that answers is alive."""

_STARTER = Path(__file__).with_name("starter.py")
_VERSION = re.compile(r"RRDtool ([0-9]+)\.([0-9]+)")


class Owner(Protocol):
    """Who is told what a child does."""

    def greeted(self) -> None:
        """It is there, and can be sent commands."""

    def killed(self, why: str) -> None:
        """It was killed, and is about to end."""

    def answered(self, job: Job, answer: Answer, seconds: float) -> None:
        """It has done one, in so many seconds since the one before."""

    def pause(self) -> None:
        """It has answered all that could be read at once; more can be sent."""

    def ended(self, child: Child, how: str) -> None:
        """It is gone; ``unanswered`` are those that it was sent and has not done."""


class Child(ProcessProtocol):
    """
    One run.

    :param deadline: seconds that one command may take
    :ivar is_ready: it runs, and has answered the greeting
    :ivar was_ready: it has answered the greeting
    :ivar unanswered: what it was sent and has not answered, in order; it is at the first
    :ivar has_answered: whether it has answered any command
    """

    def __init__(self, clock: IReactorTime, owner: Owner, deadline: float) -> None:
        self.is_ready = self.was_ready = self.has_answered = False
        self.unanswered: deque[Job] = deque()
        self.pid: int | None = None
        self._clock, self._owner, self._deadline = clock, owner, deadline
        self._answers = Answers(MOST_GREETING_BYTES)
        self._is_late = False
        self._fault = self._last_words = ""
        self._rest = b""
        self._since = 0.0
        self._alarm: IDelayedCall | None = None

    def send(self, jobs: Sequence[Job]) -> None:
        """Have it do these, after those that it was sent before."""
        assert self.transport is not None
        if not jobs:
            return
        if not self.unanswered:
            self._watch(self._deadline)
        self.unanswered.extend(jobs)
        self.transport.write(b"".join([job.line for job in jobs]))

    def close(self) -> None:
        """Let it do what it was sent, and end."""
        assert self.transport is not None
        self.transport.closeStdin()

    def kill(self, why: str, name: str = "KILL") -> None:
        """End it now; what it prints is not read any more."""
        assert self.transport is not None
        self._fault = self._fault or why
        self.is_ready = False
        self._rest_easy()
        self._owner.killed(self._fault)
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            return  # we are about to be told
        if name == "KILL":
            self.transport.loseConnection()

    def connectionMade(self) -> None:
        """It was started."""
        assert self.transport is not None
        self.pid = self.transport.pid
        self._watch(GREETING_SECONDS)
        self.transport.write(GREETING)

    def outReceived(self, data: bytes) -> None:
        """It answers."""
        if self._fault:
            return
        try:
            answers = self._answers.feed(data)
        except TooLongError as problem:
            self.kill(str(problem))
            return
        for answer in answers:
            self._take(answer)
            if self._fault:
                return
        if answers and self.is_ready:
            self._owner.pause()

    def errReceived(self, data: bytes) -> None:
        """It complains: the last line is kept."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LONGEST_LINE]
        for line in reversed([*lines, rest]):
            if line.strip():
                words = line[:LONGEST_LINE].decode("utf-8", "replace").strip()
                self._last_words = "".join(c if c.isprintable() else "?" for c in words)
                break

    def processEnded(self, reason: Failure) -> None:  # noqa: N802
        """It is gone, and all that it printed was read."""
        self.is_ready = False
        self._rest_easy()
        number = getattr(reason.value, "signal", None)
        status = getattr(reason.value, "exitCode", None)
        how = self._fault or (f"signal {number}" if number else f"status {status or 0}")
        self._owner.ended(self, f"{how}: {self._last_words}" if self._last_words else how)

    def _take(self, answer: Answer) -> None:
        if not self.is_ready:
            self._rest_easy()
            self._greeted(answer)
            return
        if not self.unanswered:
            self.kill("an answer to nothing")
            return
        now = self._clock.seconds()
        job, seconds, self._since = self.unanswered.popleft(), now - self._since, now
        self.has_answered = True
        if self._is_late or not self.unanswered:
            self._rest_easy()
        if self._alarm is not None:
            self._alarm.reset(self._deadline / 2)
        elif self.unanswered:
            self._watch(self._deadline)
        self._owner.answered(job, answer, seconds)

    def _greeted(self, answer: Answer) -> None:
        version = _VERSION.match("".join(answer.output.lines[:1]))
        if version is None:
            self.kill("it does not answer as rrdtool does")
        elif (int(version[1]), int(version[2])) < LEAST_VERSION:
            self.kill(f"its version is {version[1]}.{version[2]}; 1.7 is the oldest that will do")
        else:
            self._answers = Answers(MOST_BYTES)
            self.is_ready = self.was_ready = True
            self._owner.greeted()

    def _watch(self, deadline: float) -> None:
        """
        See that it answers in time.

        A process that was stopped for long, or a machine that slept, finds its timers run out
        before it reads what came meanwhile: so half of the time must run out twice.
        """
        self._since = self._clock.seconds()
        self._alarm = self._clock.callLater(deadline / 2, self._is_slow, deadline)

    def _rest_easy(self) -> None:
        self._is_late = False
        alarm, self._alarm = self._alarm, None
        if alarm is not None and alarm.active():
            alarm.cancel()

    def _is_slow(self, deadline: float) -> None:
        if self._is_late:
            self.kill(f"no answer within {deadline:g} s")
        else:
            self._is_late = True
            self._alarm = self._clock.callLater(deadline / 2, self._is_slow, deadline)


def spawn(
    reactor: IReactorProcess,
    child: Child,
    program: str,
    folder: Path,
    *,
    niceness: int,
    last_signal: int,
) -> None:
    """
    Start it.

    :param folder: where it works
    :param niceness: 0, or up to 19 for one that others go before
    :param last_signal: what it gets should we die, beside the end of its input; 0 is nothing
    """
    words = [sys.executable, "-I", "-S", str(_STARTER)]
    words += [str(os.getpid()), str(last_signal), str(niceness)]
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC"}
    # Where fontconfig, which finds the letters in pictures, keeps what it has found.
    environment["HOME"] = os.environ.get("HOME", str(folder))
    with interrupts_held():
        reactor.spawnProcess(child, words[0], [*words, str(folder), program, "-"], env=environment)
