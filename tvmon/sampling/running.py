"""
A coroutine on its way to its end.

What Twisted's ``Deferred.fromCoroutine`` does, for what is begun some thousand times a second: the
end is told by a call, so there is no Deferred of its own and no context to copy, which takes less
than half of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")


class Running(Generic[T]):
    """
    A coroutine that awaits Deferreds; begun by :meth:`begin`.

    :param ended: is called once, with its result, or with why there is none
    """

    log = Logger()
    __slots__ = ("_coroutine", "_ended", "_waits_for")

    def __init__(
        self,
        coroutine: Coroutine[Deferred[Any], Any, T],
        ended: Callable[[T | Failure], object],
    ) -> None:
        self._coroutine, self._ended = coroutine, ended
        self._waits_for: Deferred[Any] | None = None

    def begin(self) -> None:
        """Run until it waits for something, or ends."""
        self._go_on(None)

    def cancel(self) -> None:
        """Cancel what it waits for; how, and whether, it ends then is left to it."""
        if self._waits_for is None:
            return
        try:
            self._waits_for.cancel()
        except Exception as error:
            # A canceller is wrong, and so it waits on; who runs it has a deadline.
            self.log.warn("what was awaited cannot be cancelled: {error!r}", error=error)

    def _go_on(self, result: object) -> None:
        self._waits_for = None
        send = self._coroutine.send
        while True:
            try:
                if isinstance(result, Failure):
                    awaited = result.throwExceptionIntoGenerator(self._coroutine)
                else:
                    awaited = send(result)
            except StopIteration as end:
                came: T | Failure = end.value
                break
            except BaseException:
                # It refers to this frame by its traceback, and must not be referred to by it.
                result = None
                came = Failure()
                break
            if isinstance(awaited, Deferred):
                self._waits_for = awaited
                awaited.addBoth(self._go_on)
                return
            result = awaited  # a pause that nobody else took
        try:
            self._ended(came)
        finally:
            del came  # which refers to this frame, too
