"""Commands that wait to be done, in order."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tvmon.history.rrd import Output

MOST_COMMAND_BYTES = 64 * 1024
"""
Of one command.

``rrdtool -`` takes lines of any length (3 MB were tried with 1.7.2); a graph's has some 4 kB.
"""

COMMANDS = frozenset(
    (
        *("create", "update", "updatev", "tune", "resize", "restore", "dump"),
        *("graph", "graphv", "xport", "fetch", "info", "first", "last", "lastupdate"),
    )
)
"""What may be asked; ``cd`` or ``quit``, say, would be a mistake that is hard to find."""

SLICE_SECONDS = 0.01
"""How long the reactor is held in one go, when many have waited."""

MOST_DEATHS = 2
"""So many children may die of one command; it is not tried again then."""


class Job:
    """
    One command, and who waits for its answer.

    :ivar line: as it is sent
    :ivar answer: what the caller waits for; may have been cancelled
    :ivar deaths: how many children have died or hung while they were at it
    """

    __slots__ = ("_is_repeated", "answer", "deaths", "line")

    def __init__(self, command: str) -> None:
        self.line = encoded(command)
        self.deaths = 0
        self.answer: Deferred[Output]
        self._is_repeated = False

    def repeat(self) -> None:
        """
        It will be sent once more; whether it was done before is not known, and must not matter.

        An update that was done already would be refused, as one of the past; one of several
        values may have been done in part.
        """
        if not self._is_repeated and self.line.startswith(b"update "):
            self.line = b"update --skip-past-updates " + self.line.removeprefix(b"update ")
        self._is_repeated = True

    @property
    def makes(self) -> str | None:
        """The file that is there when it is done, if it makes one."""
        words = self.line.split(b" ", 2)
        return words[1].decode() if words[0] == b"create" else None

    def was_done(self, error: str) -> bool:
        """Whether this refusal of a repeated one only says that it was done before."""
        if not self._is_repeated:
            return False
        if self.line.startswith(b"update"):
            return "illegal attempt to update using time" in error
        return self.line.startswith(b"create ") and error.endswith("File exists")


class Jobs:
    """Those that wait; one whose answer nobody wants any more is not among them."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[Job, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> Deferred[Output]:
        """Put one at the end; its answer, which may be cancelled."""
        job.answer = Deferred(lambda _: self._jobs.pop(job, None))
        self._jobs[job] = None
        return job.answer

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Put these before all others, in their order, to be sent once more."""
        for job in reversed(list(jobs)):
            if not job.answer.called:
                job.repeat()
                self._jobs[job] = None
                self._jobs.move_to_end(job, last=False)

    def take(self, most: int) -> list[Job]:
        """The first ones, which wait no more."""
        return [self._jobs.popitem(last=False)[0] for _ in range(min(most, len(self._jobs)))]


class Releases:
    """Gives answers to those who wait, in slices: thousands may wait at once."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._ready: deque[tuple[Job, Output | Exception]] = deque()
        self._is_called = False
        self._empty: list[Deferred[None]] = []

    def put(self, job: Job, result: Output | Exception) -> None:
        """Give this one its answer, soon, and after those that came before."""
        self._ready.append((job, result))
        if not self._is_called:
            self._is_called = True
            self._clock.callLater(0, self._release)

    async def empty(self) -> None:
        """Return when all have theirs."""
        if self._is_called:
            waiter: Deferred[None] = Deferred()
            self._empty.append(waiter)
            await waiter

    def _release(self) -> None:
        until = self._clock.seconds() + SLICE_SECONDS
        while self._ready:
            job, result = self._ready.popleft()
            if not job.answer.called:
                if isinstance(result, Exception):
                    job.answer.errback(result)
                else:
                    job.answer.callback(result)
            if self._clock.seconds() >= until:
                break
        if self._ready:
            self._clock.callLater(0, self._release)
            return
        self._is_called = False
        waiters, self._empty = self._empty, []
        for waiter in waiters:
            waiter.callback(None)


_CONTROLS: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))


def encoded(command: str) -> bytes:
    """
    A command as one line.

    :raises ValueError: it is not one, or none that may be asked
    """
    if command.translate(_CONTROLS) != command:
        raise ValueError("a command holds a control character")
    if command.partition(" ")[0] not in COMMANDS:
        raise ValueError("there is no such command")
    line = command.encode() + b"\n"
    if len(line) > MOST_COMMAND_BYTES:
        raise ValueError(f"a command of more than {MOST_COMMAND_BYTES} bytes")
    return line
