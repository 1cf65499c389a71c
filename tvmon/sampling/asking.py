"""
One question to a media server, under one deadline, whatever happens.

The fetch has the deadline too and keeps it better, since it can say what it waited for.  The
one here is for everything else: a media server's module that waits for something of its own,
asks twice, or does not end when it is cancelled.  The question ends at the deadline plus a
grace, in every case.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from tvmon.errors import NoAnswer
from tvmon.sampling.running import Running
from tvmon.servers import Answer, Request
from tvmon.streams import Timing

T = TypeVar("T")
TimedFetch = Callable[[Request, float], Awaitable[Answer]]
"""Asks once, within so many seconds; raises :class:`tvmon.errors.NoAnswer`."""

AUTH_SECONDS = 300.0
"""
How long a media server is left alone that refuses who we are.

Node-Media-Server locks out who fails five times in a quarter of an hour.
"""

AT_ONCE = 0.001
"""Seconds after its start in which a question's first fetch still gets the whole deadline."""


@dataclass(frozen=True, slots=True)
class Terms:
    """
    On what terms a media server is asked; shared by all questions of one kind.

    :param seconds: the deadline for the whole of one question
    :param grace: how many seconds later a question is ended by force
    """

    clock: IReactorTime
    fetch: TimedFetch
    seconds: float
    grace: float
    too_late: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "too_late", f"no answer within {self.seconds:g} s")


class Question(Generic[T]):
    """
    One question.  Its deadline runs from the moment it is made.

    :ivar answered_at: when its newest HTTP answer was complete, on the clock of the terms;
        ``None`` before, and where nothing was fetched
    :ivar timing: how long that answer took; ``None`` where a later request is, or was, without one
    :ivar is_shared: its answer, or failure, is that of other questions to the same server, too
    """

    __slots__ = (
        "_ended", "_is_over", "_running", "_terms", "_timer", "_until", "answered_at", "is_shared",
        "timing",
    )  # fmt: skip

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._until = terms.clock.seconds() + terms.seconds
        self._running: Running[T] | None = None
        self._ended: Callable[[T | Failure], object] | None = None
        self._is_over = False
        self._timer: IDelayedCall | None = None
        self.answered_at: float | None = None
        self.timing: Timing | None = None
        self.is_shared = False

    def begin(
        self,
        asking: Coroutine[Deferred[Any], Any, T],
        ended: Callable[[T | Failure], object],
    ) -> None:
        """
        Run this coroutine, which asks by :meth:`fetch`.

        :param ended: is called once, with its result or why there is none
        """
        assert self._running is None, "a question is asked once"
        assert not self._is_over, "a question is asked once"
        self._ended = ended
        running = self._running = Running(asking, self._end)
        running.begin()
        if not self._is_over:
            terms = self._terms
            self._timer = terms.clock.callLater(terms.seconds + terms.grace, self._expire)

    def ask(self, asking: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """
        As :meth:`begin`, to be awaited.

        The result is not to be cancelled: :meth:`stop` is for that.
        """
        asked: Deferred[T] = Deferred()
        self.begin(asking, asked.callback)
        return asked

    async def fetch(self, request: Request) -> Answer:
        """Fetch, within what is left of the deadline."""
        terms = self._terms
        left = self._until - terms.clock.seconds()
        if left <= 0 or self._is_over:
            raise NoAnswer(terms.too_late, "timeout")
        if left > terms.seconds - AT_ONCE:
            left = terms.seconds
        self.timing = None
        try:
            answer = await terms.fetch(request, left)
        except NoAnswer as trouble:
            if trouble.outcome == "timeout" and left < terms.seconds:
                # "within 1.137 s" would be true of this fetch, and a riddle to an operator.
                raise NoAnswer(terms.too_late, "timeout") from trouble
            raise
        # It may have waited for its turn since; what measured no moment has none.
        self.answered_at, self.timing = answer.at or terms.clock.seconds(), answer.timing
        return answer

    def stop(self) -> None:
        """
        Abort; the result is then whatever the coroutine makes of that, mostly CancelledError.

        Where it makes nothing of it, the deadline stays in force.
        """
        if self._running is not None:
            self._running.cancel()

    def _end(self, result: T | Failure) -> None:
        """What comes of it when the question is over already is let go."""
        if self._is_over:
            return
        ended = self._over()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ended(result)

    def _expire(self) -> None:
        self._timer = None
        running, ended = self._running, self._over()
        assert running is not None
        running.cancel()
        ended(Failure(NoAnswer(self._terms.too_late, "timeout")))

    def _over(self) -> Callable[[T | Failure], object]:
        """It is over; whom to tell of it."""
        ended, self._ended, self._running, self._is_over = self._ended, None, None, True
        assert ended is not None
        return ended


async def ended_within(
    clock: IReactorTime, seconds: float, endings: Sequence[Deferred[Any]]
) -> bool:
    """Wait until all have fired, at most so many seconds; whether they did.  Cancels nothing."""
    result: Deferred[bool] = Deferred()
    timer = clock.callLater(seconds, result.callback, False)

    def all_ended(_: object) -> None:
        if timer.active():
            timer.cancel()
            result.callback(True)

    DeferredList(endings, consumeErrors=True).addCallback(all_ended)
    return await result
