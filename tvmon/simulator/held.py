"""
Answers that take their time, or never come.

Every request that is held here costs a timer at most, and only while its client waits; what is
still held when the simulator stops is let go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

log = Logger()


class Held:
    """
    The requests that are held.

    :param clock: paces what is sent slowly
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._loops: set[LoopingCall] = set()
        self._calls: set[IDelayedCall] = set()

    def __len__(self) -> int:
        return len(self._loops) + len(self._calls)

    def later(self, request: Request, seconds: float, answer: Callable[[], bytes]) -> int:
        """Answer after so many seconds, with what is to be said by then."""

        def send() -> None:
            self._calls.discard(call)
            body = answer()
            request.setHeader(b"content-length", b"%d" % len(body))
            request.write(body)
            request.finish()

        def gone(_: Failure) -> None:
            if call in self._calls:
                self._calls.discard(call)
                call.cancel()

        call = self._clock.callLater(seconds, send)
        self._calls.add(call)
        request.notifyFinish().addErrback(gone)
        return NOT_DONE_YET

    def paced(self, request: Request, seconds: float, step: Callable[[], bool]) -> int:
        """Take a step at once and then every so many seconds, until it returns false."""

        def turn() -> None:
            if not step():
                loop.stop()

        def gone(_: Failure) -> None:
            if loop.running:
                loop.stop()

        def failed(reason: Failure) -> None:
            log.failure("an answer could not be sent slowly", reason)

        loop = LoopingCall(turn)
        loop.clock = self._clock
        self._loops.add(loop)
        request.notifyFinish().addErrback(gone)
        done: Any = loop.start(seconds, now=True)
        done.addErrback(failed).addBoth(lambda _: self._loops.discard(loop))
        return NOT_DONE_YET

    def stop(self) -> None:
        """Let everything go."""
        for loop in list(self._loops):
            if loop.running:
                loop.stop()
        for call in list(self._calls):
            call.cancel()
        self._calls.clear()
