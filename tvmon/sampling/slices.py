"""
Long work of the samplers' room, cut into slices of which the reactor's turns have one each.

Ten thousand streams may be told of in one answer, may appear or go in one listing, or may have
waited for one answer.  What is to be done for each of them is done some milliseconds at a time,
so that the samplers of other media servers and the readers of the page do not notice.  All the
work of all media servers shares one slice in a turn: ten servers with one each would hold the
reactor ten times as long.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

T = TypeVar("T")

SLICE_SECONDS = 0.01
"""How long the reactor is held in one go; a hundredth of a second is nobody's delay."""


class Slices:
    """
    Long work begins, and offers a pause after each small part of it.

        slices.begin()
        for part in work:
            do(part)
            await slices.pause()
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._waiting: deque[Deferred[None]] = deque()
        self._turn: IDelayedCall | None = None
        self._is_turn = False

    def begin(self) -> None:
        """
        Work begins now, or goes on after it has waited for something else.

        It has a slice at once, but not in a turn that has had one, nor before those who wait.
        """
        if self._is_over and not (self._waiting or self._is_turn):
            self._until = self._clock.seconds() + SLICE_SECONDS

    async def pause(self) -> None:
        """Let others have their turn, where the slice is used up; may be cancelled."""
        if self._is_over:
            await self._next()

    @types.coroutine
    def run(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """
        Await the result of work that offers pauses: :func:`tvmon.servers.steps.in_steps`.

        What else it awaits is awaited as ever.
        """
        self.begin()
        step, given = work.send, None
        while True:
            try:
                awaited = step(given)
            except StopIteration as end:
                result: T = end.value
                return result
            is_pause = awaited is None
            step, given = work.send, None
            if is_pause:
                if not self._is_over:
                    continue
                awaited = self._next()
            try:
                given = yield awaited
            except BaseException as error:
                step, given = work.throw, error
            if not is_pause:
                self.begin()

    @property
    def _is_over(self) -> bool:
        return self._clock.seconds() >= self._until

    def _next(self) -> Deferred[None]:
        """Fires when it is the caller's turn to go on."""
        waiter: Deferred[None] = Deferred(self._leave)
        self._waiting.append(waiter)
        if self._turn is None:
            self._turn = self._clock.callLater(0, self._go_on)
        return waiter

    def _go_on(self) -> None:
        self._until = self._clock.seconds() + SLICE_SECONDS
        self._turn, self._is_turn = None, True
        for _ in range(len(self._waiting)):
            if not self._waiting or self._is_over:
                break
            self._waiting.popleft().callback(None)
        self._is_turn = False
        if self._waiting and self._turn is None:
            self._turn = self._clock.callLater(0, self._go_on)

    def _leave(self, waiter: Deferred[None]) -> None:
        self._waiting.remove(waiter)
        if not self._waiting and self._turn is not None:
            self._turn.cancel()
            self._turn = None
