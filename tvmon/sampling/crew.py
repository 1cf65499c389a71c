"""
The samplers of one media server.

Ten thousand streams may come or go in one listing.  They are started and stopped in slices.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from itertools import chain, repeat, takewhile
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime

from tvmon.board import Board
from tvmon.sampling.meters import ServerMeters
from tvmon.sampling.plan import Plan, plan
from tvmon.sampling.sampler import Sampler
from tvmon.sampling.slices import Slices
from tvmon.streams import Stream

T = TypeVar("T")


class Crew:
    """
    Every stream of one media server that is sampled now.

    :param recruit: makes a sampler, not yet started
    :param random: for the phase of each sampler
    :param slices: in which streams are started and stopped
    """

    def __init__(
        self,
        *,
        clock: IReactorTime,
        random: Random,
        board: Board,
        meters: ServerMeters,
        recruit: Callable[[Stream], Sampler],
        slices: Slices,
    ) -> None:
        self._clock = clock
        self._slices = slices
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

    @property
    def streams(self) -> Mapping[int, Stream]:
        """What is sampled, by its ``mms_stream_id``."""
        return {number: sampler.stream for number, sampler in self._samplers.items()}

    async def follow(
        self,
        listed: Iterable[Stream],
        lacked: Container[int] | None = None,
        spared: Container[int] = (),
    ) -> Plan:
        """Make the sampled streams the listed ones, by a :func:`plan`; returns it."""
        await self._lock.acquire()
        try:
            todo = plan(self.streams, listed, lacked, spared)
            work = chain(
                zip(repeat(self._stop_one), todo.stop),
                zip(repeat(self._change_one), todo.change),
                zip(repeat(self._start_one), todo.start),
            )
            await self._in_slices(self._while_needed(work))
            return todo
        finally:
            self._lock.release()

    async def add(self, streams: Iterable[Stream]) -> int:
        """Sample these too, and say how many; those sampled already go on as they are."""
        await self._lock.acquire()
        try:
            new = plan(self.streams, streams).start
            await self._in_slices(self._while_needed(zip(repeat(self._start_one), new)))
            return len(new)
        finally:
            self._lock.release()

    async def disown(self, streams: Iterable[Stream]) -> None:
        """Take those of these that are not sampled off the board."""
        await self._lock.acquire()
        try:
            gone = plan(self.streams, streams).start
            await self._in_slices(self._while_needed(zip(repeat(self._drop_one), gone)))
        finally:
            self._lock.release()

    async def stop(self, until: float) -> list[Deferred[None]]:
        """
        Stop for good; the board is left as it is.

        Whatever is at work ends at its next slice.  Polls in flight note nothing from now on, and
        as many are aborted as that is possible for until then, on the clock; returns those that
        have not ended.
        """
        self._is_stopping = True
        await self._lock.acquire()
        try:
            samplers = tuple(self._samplers.values())
            # To rest is cheap, to abort is not: no poll shall begin while others are aborted.
            await self._in_slices(zip(repeat(Sampler.rest), samplers))
            in_time = takewhile(lambda _: self._clock.seconds() < until, samplers)
            await self._in_slices(zip(repeat(Sampler.stop), in_time))
            self._meters.samplers.dec(len(samplers))
            polls = (sampler.in_flight for sampler in samplers)
            return [*(poll for poll in polls if poll is not None), *self._ending]
        finally:
            self._lock.release()

    def _while_needed(self, work: Iterable[T]) -> Iterable[T]:
        """The work, until everything is to stop."""
        return takewhile(lambda _: not self._is_stopping, work)

    async def _in_slices(self, work: Iterable[tuple[Callable[[Any], object], Any]]) -> None:
        self._slices.begin()
        for do, item in work:
            do(item)
            await self._slices.pause()

    def _start_one(self, stream: Stream) -> None:
        self._board.put(stream)
        sampler = self._samplers[stream.mms_stream_id] = self._recruit(stream)
        self._meters.samplers.inc()
        sampler.start(self._random.random())

    def _change_one(self, stream: Stream) -> None:
        self._board.put(stream)
        self._samplers[stream.mms_stream_id].change(stream)

    def _stop_one(self, stream: Stream) -> None:
        self._board.drop(stream.mms_stream_id)
        self._meters.samplers.dec()
        ended = self._samplers.pop(stream.mms_stream_id).stop()
        if ended is not None:
            self._ending.add(ended)
            ended.addBoth(lambda _: self._ending.discard(ended))

    def _drop_one(self, stream: Stream) -> None:
        self._board.drop(stream.mms_stream_id)
