"""
The samplers of one media server.

Ten thousand streams may come or go in one listing.  They are started and stopped in slices,
and the reactor gets its turn between two of them, so that the samplers of other media servers
and the readers of the page do not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from tvmon.board import Board
from tvmon.sampling.meters import ServerMeters
from tvmon.sampling.plan import Plan, plan
from tvmon.sampling.sampler import Sampler
from tvmon.streams import Stream

T = TypeVar("T")
SLICE_SECONDS = 0.01
"""How long the reactor is held in one go; a hundredth of a second is nobody's delay."""


class Crew:
    """
    Every stream of one media server that is sampled now.

    :param recruit: makes a sampler, not yet started
    :param random: for the phase of each sampler
    """

    def __init__(
        self,
        *,
        clock: IReactorTime,
        random: Random,
        board: Board,
        meters: ServerMeters,
        recruit: Callable[[Stream], Sampler],
    ) -> None:
        self._clock = clock
        self._random = random
        self._board = board
        self._meters = meters
        self._recruit = recruit
        self._samplers: dict[int, Sampler] = {}
        self._ending: set[Deferred[None]] = set()
        self._is_stopping = False
        # A listing and an adoption may come together; each must see the work of the other whole.
        self._lock = DeferredLock()

    def __len__(self) -> int:
        return len(self._samplers)

    def streams(self) -> list[Stream]:
        """What is sampled now."""
        return [sampler.stream for sampler in self._samplers.values()]

    async def follow(self, listed: Iterable[Stream]) -> Plan:
        """Make the sampled streams the listed ones; returns what there was to do."""
        await self._lock.acquire()
        try:
            todo = plan(self._running(), listed)
            await self._in_slices(todo.stop, self._stop_one)
            await self._in_slices(todo.change, self._change_one)
            await self._in_slices(todo.start, self._start_one)
            return todo
        finally:
            self._lock.release()

    async def add(self, streams: Iterable[Stream]) -> None:
        """Sample these too; those that are sampled already go on as they are."""
        await self._lock.acquire()
        try:
            await self._in_slices(plan(self._running(), streams).start, self._start_one)
        finally:
            self._lock.release()

    async def disown(self, streams: Iterable[Stream]) -> None:
        """Take those of these that are not sampled off the board."""
        await self._lock.acquire()
        try:
            await self._in_slices(plan(self._running(), streams).start, self._drop_one)
        finally:
            self._lock.release()

    async def stop(self) -> tuple[Deferred[None], ...]:
        """
        Stop for good; the board is left as it is.

        Whatever is at work ends at its next slice.  Returns the polls that are aborted and have
        not ended yet.
        """
        self._is_stopping = True
        await self._lock.acquire()
        try:
            halting = tuple(self._samplers.values())
            await self._in_slices(halting, self._halt, to_the_end=True)
            return tuple(self._ending)
        finally:
            self._lock.release()

    def _running(self) -> dict[int, Stream]:
        return {number: sampler.stream for number, sampler in self._samplers.items()}

    async def _in_slices(
        self, items: Iterable[T], do: Callable[[T], None], *, to_the_end: bool = False
    ) -> None:
        until = self._clock.seconds() + SLICE_SECONDS
        for item in items:
            if self._is_stopping and not to_the_end:
                return
            do(item)
            if self._clock.seconds() >= until:
                await deferLater(self._clock, 0)
                until = self._clock.seconds() + SLICE_SECONDS

    def _start_one(self, stream: Stream) -> None:
        self._board.put(stream)
        sampler = self._samplers[stream.mms_stream_id] = self._recruit(stream)
        self._meters.samplers.inc()
        sampler.start(self._random.random())

    def _change_one(self, stream: Stream) -> None:
        self._board.put(stream)
        self._samplers[stream.mms_stream_id].change(stream)

    def _stop_one(self, stream: Stream) -> None:
        self._halt(self._samplers.pop(stream.mms_stream_id))
        self._board.drop(stream.mms_stream_id)

    def _drop_one(self, stream: Stream) -> None:
        self._board.drop(stream.mms_stream_id)

    def _halt(self, sampler: Sampler) -> None:
        self._meters.samplers.dec()
        ended = sampler.stop()
        if ended is not None:
            self._ending.add(ended)
            ended.addBoth(lambda _: self._ending.discard(ended))
