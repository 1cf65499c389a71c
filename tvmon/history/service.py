"""
The room as a whole: rrdtool's children, the files, the names, the recorder, this machine.

Where the folder cannot be used, or rrdtool is not there, tvmon runs all the same: it says so
once, and whoever asks for a picture is told why there is none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.board import Board
from tvmon.history.bucket import Values
from tvmon.history.engine import Engine
from tvmon.history.files import Files, bytes_of
from tvmon.history.hold import InUse, hold
from tvmon.history.machine import Machine
from tvmon.history.meters import HistoryMeters
from tvmon.history.names import Names
from tvmon.history.recorder import Kept, Recorder
from tvmon.history.rrd import NoRrdtool, Output
from tvmon.history.shelf import Shelf
from tvmon.history.sources import MACHINE_SOURCES, STREAM_SOURCES
from tvmon.history.subjects import MACHINE, Subject, groups_of, of_stream
from tvmon.pause import Pause
from tvmon.streams import Stream
from tvmon.tiers import DAY_SECONDS, Tier

MACHINE_SECONDS = 10.0
"""How often the machine is looked at."""

SWEEP_SECONDS = 3600.0


class HistoryService(Service):
    """
    Histories are kept while this runs, as an :class:`tvmon.history.rrd.Archive`, and told.

    :param kept: asks the database for samples that were taken before a restart
    :param machine: looks at this machine
    :ivar keep_gone_seconds: how long the history of a stream that is gone is kept; may change
    """

    name: str | None = "history"
    log = Logger()

    def __init__(
        self,
        *,
        reactor: Any,
        now: Callable[[], float],
        board: Board,
        directory: Path,
        tiers: tuple[Tier, ...],
        registry: CollectorRegistry,
        kept: Kept,
        machine: Machine,
        keep_gone_seconds: float,
        sampling_seconds: float,
    ) -> None:
        self.tiers = tiers
        self.keep_gone_seconds = keep_gone_seconds
        self._reactor, self._now, self._board = reactor, now, board
        self._directory, self._machine = directory, machine
        self._unusable: str | None = None
        self._is_restored = False
        self._lock: int | None = None
        self._files = Files(directory, tiers)
        self._names = Names()
        self._engine = Engine(reactor=reactor, folder=directory, registry=registry)
        self._shelf = Shelf(self._engine, self._files, directory)
        self._recorder = Recorder(
            clock=reactor,
            now=now,
            board=board,
            shelf=self._shelf,
            names=self._names,
            kept=kept,
            machine=self._machine_values,
            meters=HistoryMeters(registry, self._is_well, self._files.__len__),
            sampling_seconds=sampling_seconds,
        )
        self._looks = LoopingCall(self._look)
        self._sweeps = LoopingCall(self._sweep)
        self._looks.clock = self._sweeps.clock = reactor

    # As an archive.

    def file_of(self, subject: Subject) -> str | None:
        """Its RRD, relative to where rrdtool works; ``None`` where nothing was written yet."""
        return self._files.file_of(subject)

    def find(self, vhost: str) -> Subject:
        """Who is meant; as :meth:`tvmon.history.rrd.Archive.find`."""
        if self._unusable is not None:
            raise NoRrdtool(self._unusable)
        return self._names.find(vhost)

    def parts_of(self, subject: Subject) -> list[tuple[str, Subject]]:
        """What a sum is made of, by name."""
        return self._names.parts_of(subject)

    def stream(self, mms_stream_id: int) -> Stream | None:
        """As :meth:`tvmon.history.rrd.Archive.stream`."""
        return self._names.stream(mms_stream_id)

    # As somebody to be asked.

    def trouble(self) -> str | None:
        """Why histories cannot be read; ``None`` where all is well."""
        return self._unusable or self._engine.trouble()

    def _is_well(self) -> bool:
        """Whether all is written, too."""
        return self.trouble() is None and self._shelf.refusal is None

    async def read(self, command: str) -> Output:
        """As :meth:`tvmon.history.rrd.Asked.read`."""
        return await self._engine.read(command)

    # The course of things.

    def startService(self) -> None:
        """Begin to keep histories; where that cannot be, say why, once."""
        super().startService()
        try:
            self._lock = hold(self._directory)
            self._files.look()
        except (InUse, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._unusable = f"history cannot be kept in {self._directory}: {why}"
            self.log.error("{why}", why=self._unusable)
            self._let_go()
            return
        try:
            self._names.load(self._directory)
        except (OSError, ValueError) as error:
            self.log.warn("the names of histories cannot be read: {why}", why=str(error))
        self._engine.startService()
        self._recorder.startService()
        self._machine.begin()
        self._looks.start(MACHINE_SECONDS, now=False).addErrback(self._ended)
        self._sweeps.start(SWEEP_SECONDS, now=False).addErrback(self._ended)

    async def stopService(self) -> None:
        """Stop, in the order of the flow."""
        super().stopService()
        for loop in (self._looks, self._sweeps):
            if loop.running:
                loop.stop()
        if self._unusable is None:
            await self._recorder.stopService()
            await self._engine.stopService()
        self._let_go()

    def restored(self, streams: Sequence[Stream]) -> None:
        """The board was filled from the database."""
        if not self.running or self._unusable is not None:
            return
        self._is_restored = True
        self._say_size(len(self._board))
        self._recorder.restored(streams)

    def forget(self, numbers: Iterable[int]) -> None:
        """The rows of these streams were removed from the database, and so is their history."""
        self._recorder.forget(numbers)

    def _say_size(self, streams: int) -> None:
        each = bytes_of(STREAM_SOURCES, self.tiers)
        free = shutil.disk_usage(self._directory).free
        self.log.info(
            "history: {each:.1f} MB for each stream in {directory}; {streams} streams take"
            " {total:.2f} GB, {free:.1f} GB are free",
            each=each / 1e6,
            directory=str(self._directory),
            streams=streams,
            total=each * streams / 1e9,
            free=free / 1e9,
        )

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _look(self) -> Deferred[None]:
        looked: Deferred[None] = deferToThread(self._machine.look)
        return looked.addErrback(self._not_looked)

    def _not_looked(self, failure: Failure) -> None:
        self.log.failure("this machine could not be looked at", failure)

    def _machine_values(self) -> Values:
        told = self._machine.take()
        return tuple(told[source.name] for source in MACHINE_SOURCES)

    def _sweep(self) -> Deferred[None]:
        """
        Remove what nobody has written to since its streams were gone for long.

        Mostly the database tells (:meth:`forget`); this is for what it does not know any more.
        """
        return Deferred.fromCoroutine(self._remove_old())

    async def _remove_old(self) -> None:
        if not self._is_restored or not len(self._board):
            return  # who is there is not known yet
        before = self._now() - self.keep_gone_seconds - DAY_SECONDS
        pause = Pause(self._reactor)
        old: set[str] = set()
        for name in self._files.names():
            if self._files.is_older(name, before):
                old.add(name)
            await pause.now_and_then()
        old.discard(MACHINE.file_name)
        for number in tuple(self._names.numbers()) if old else ():
            stream = self._names.stream(number)
            if stream is not None and self._board.get(number) is not None:
                subjects = (of_stream(number), *groups_of(stream))
                old.difference_update(subject.file_name for subject in subjects)
            await pause.now_and_then()
        for number in tuple(self._names.numbers()) if old else ():
            if self.running and of_stream(number).file_name in old:
                self.forget([number])
            await pause.now_and_then()
        for name in old:
            if self.running:
                self._shelf.remove(name)
            await pause.now_and_then()

    def _ended(self, failure: Failure) -> None:
        self.log.critical("history: a loop has ended\n{why}", why=failure.getTraceback())
