"""
The history that is kept now: begun, changed at a reload, and ended; or why there is none.

Whoever draws or reads asks here, and need not know that another history may take the place of
this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater

from tvmon.board import Board
from tvmon.config import Config
from tvmon.current_meters import CurrentMeters
from tvmon.entry import Scored
from tvmon.history.machine import Machine
from tvmon.history.reader import Reader
from tvmon.history.recorder import Kept
from tvmon.history.rrd import NoRrdtool, Output
from tvmon.history.service import HistoryService
from tvmon.history.subjects import Subject
from tvmon.store import Away
from tvmon.streams import Stream
from tvmon.tiers import DEFAULT_TIERS, Tier

OFF = "history is switched off: [history] enabled = false"
STOPPED = "no history is kept at the moment: it is being started, or stopped"

PATIENCE_SECONDS = 60.0
"""How long the database may be away while an open five minutes are to be rebuilt from it."""

RETRY_SECONDS = 1.0

REBUILD_AFTER_SECONDS = 5.0
"""How long whoever waits for an answer after a start, and the first polls, go before it."""


class Histories:
    """
    The :class:`tvmon.history.rrd.Asked` and :class:`tvmon.history.rrd.Archive` of whichever
    history is kept now.

    :param kept: asks the database for samples that were taken before a restart
    :param longest_turn: and ``unwritten``, ``denied``: as
        :class:`tvmon.history.machine.Machine` takes them
    :ivar reader: who answers questions about it
    """

    def __init__(
        self,
        *,
        reactor: Any,
        now: Callable[[], float],
        board: Board,
        registry: CollectorRegistry,
        kept: Kept,
        longest_turn: Callable[[], float],
        unwritten: Callable[[], int],
        denied: Callable[[], int],
    ) -> None:
        self._reactor, self._now, self._board = reactor, now, board
        self.reader = Reader(rrd=self, archive=self, now=now)
        self._kept = kept
        self._machine = partial(
            Machine,
            seconds=reactor.seconds,
            longest_turn=longest_turn,
            unwritten=unwritten,
            denied=denied,
        )
        self._measures = CurrentMeters(CollectorRegistry())
        registry.register(self._measures)
        self._service: HistoryService | None = None
        self._why_none = STOPPED
        self._restoring: IDelayedCall | None = None

    def begin(self, config: Config) -> None:
        """Keep a history, where the configuration says so."""
        if not config.history.enabled:
            self._why_none = OFF
            return
        measures = CollectorRegistry()
        self._service = HistoryService(
            reactor=self._reactor,
            now=self._now,
            board=self._board,
            directory=config.history.directory,
            tiers=config.history.tiers,
            registry=measures,
            kept=self._kept_samples,
            machine=self._machine(),
            keep_gone_seconds=config.database.keep_gone_seconds,
            sampling_seconds=config.polling.sampling_seconds,
        )
        self._measures.registry = measures
        self._service.startService()

    async def change(self, old: Config, new: Config) -> None:
        """Go on as the new configuration says; the open five minutes go along."""
        if self._service is not None:
            self._service.keep_gone_seconds = new.database.keep_gone_seconds
        if _parts(new) != _parts(old):
            await self.end()
            self.begin(new)
            self.restored([entry.stream for entry in self._board.entries()])

    async def end(self) -> None:
        """Write what is being written, and keep no history any more."""
        self._let_be()
        service, self._service = self._service, None
        self._why_none = STOPPED
        self._measures.registry = CollectorRegistry()
        self.reader.forget()
        if service is not None:
            await service.stopService()

    def restored(self, streams: Sequence[Stream]) -> None:
        """The board was filled from the database with these streams."""
        self._let_be()
        self._restoring = self._reactor.callLater(REBUILD_AFTER_SECONDS, self._restore, streams)

    def _restore(self, streams: Sequence[Stream]) -> None:
        if self._service is not None:
            self._service.restored(streams)

    def _let_be(self) -> None:
        if self._restoring is not None and self._restoring.active():
            self._restoring.cancel()

    def forget(self, numbers: Sequence[int]) -> None:
        """The rows of these streams were removed from the database."""
        if self._service is not None:
            self._service.forget(numbers)

    # As somebody to be asked.

    def trouble(self) -> str | None:
        """Why there is no history; ``None`` where all is well."""
        return self._why_none if self._service is None else self._service.trouble()

    async def read(self, command: str) -> Output:
        """As :meth:`tvmon.history.rrd.Asked.read`."""
        return await self._now_kept().read(command)

    # As an Archive.

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The steps that are kept."""
        return DEFAULT_TIERS if self._service is None else self._service.tiers

    def file_of(self, subject: Subject) -> str | None:
        """As :meth:`tvmon.history.rrd.Archive.file_of`."""
        return None if self._service is None else self._service.file_of(subject)

    def find(self, vhost: str) -> Subject:
        """As :meth:`tvmon.history.rrd.Archive.find`."""
        return self._now_kept().find(vhost)

    def parts_of(self, subject: Subject) -> list[tuple[str, Subject]]:
        """As :meth:`tvmon.history.rrd.Archive.parts_of`."""
        return [] if self._service is None else self._service.parts_of(subject)

    def stream(self, mms_stream_id: int) -> Stream | None:
        """As :meth:`tvmon.history.rrd.Archive.stream`."""
        return None if self._service is None else self._service.stream(mms_stream_id)

    async def _kept_samples(
        self, since: Mapping[int, float], before_seconds: float
    ) -> Mapping[int, Sequence[Scored]]:
        """What the database holds, which may be away for a moment."""
        give_up = self._reactor.seconds() + PATIENCE_SECONDS
        while True:
            try:
                return await self._kept(since, before_seconds)
            except Away as why:
                if self._reactor.seconds() > give_up:
                    raise LookupError(str(why)) from None
            await deferLater(self._reactor, RETRY_SECONDS)

    def _now_kept(self) -> HistoryService:
        if self._service is None:
            raise NoRrdtool(self._why_none)
        return self._service


def _parts(config: Config) -> tuple[object, ...]:
    """What a history cannot be changed in while it is kept."""
    return config.history, config.polling.sampling_seconds
