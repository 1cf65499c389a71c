"""
The daemon: the rooms wired together, started in order, changed while running, and stopped.

Start: the ports are opened first, so that a busy one ends the start; requests wait there until
the board has been filled from the database, or that took too long.  Then everything at once.

Reload: the new configuration is compared with the running one, part by part, and only what
differs is made anew.  What can fail is done first, and undone where a later part fails, so a
refused configuration changes nothing.  One reload at a time, and none while stopping.

Stop: nobody new is let in, the samplers end, and what they brought last is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from tvmon import __version__, logs
from tvmon.api.access import Access
from tvmon.api.site import Api, make_api
from tvmon.board import Board
from tvmon.cannot_start import CannotStart
from tvmon.collector import Collector
from tvmon.config import Config, ConfigError
from tvmon.current_meters import CurrentMeters
from tvmon.gate import Gate
from tvmon.heartbeat import Heartbeat
from tvmon.histories import Histories
from tvmon.listening import CannotListen, Listening
from tvmon.stopping import all_stopped
from tvmon.store import Away, Store, writer_name
from tvmon.streams import Stream
from tvmon.watching import Watching

FILL_SECONDS = 5.0
"""How long a request waits for the database to fill the board before it is answered without."""

STOP_SECONDS = 4.5
"""How long a stop may take in all; what hangs longer is left behind."""


class Daemon(MultiService):
    """
    tvmon, running.

    :param now: seconds since 1970, UTC
    :param read: reads the configuration file again; raises ConfigError
    :param end: ends the process with exit code 1; takes one line that says why
    """

    log = Logger()

    def __init__(
        self,
        *,
        reactor: Any,
        now: Callable[[], float],
        config: Config,
        read: Callable[[], Config],
        end: Callable[[str], None],
        web: Path,
    ) -> None:
        super().__init__()
        self._reactor, self._now, self._config = reactor, now, config
        self._read, self._end, self._web = read, end, web
        self._boot = secrets.token_hex(4)
        self.registry = CollectorRegistry()
        self.board = Board(config.scoring)
        self._watching = Watching(
            reactor=reactor,
            now=now,
            board=self.board,
            registry=self.registry,
            polling=config.polling,
        )
        self._listening = Listening(reactor)
        self._writer = writer_name()
        self.heartbeat = Heartbeat(reactor, self.registry)
        self.heartbeat.setServiceParent(self)
        self._collector = Collector(reactor, self.registry, lambda: len(self.board))
        self._collector.setServiceParent(self)
        self.histories = Histories(
            reactor=reactor,
            now=now,
            board=self.board,
            registry=self.registry,
            kept=lambda since, before: self._store.scored(since, before),
            longest_turn=lambda: 1000 * self.heartbeat.longest_lately(),
            unwritten=lambda: self._store.waiting_rows,
            denied=lambda: self._api.denied,
        )
        self._store, measures = self._new_store(config, end)
        self._store_measures = CurrentMeters(measures)
        self.registry.register(self._store_measures)
        self._changing = DeferredLock()
        self._stopping = False
        self._filled = Gate(reactor)
        self._api = self._new_api(config)

    @property
    def ports(self) -> Sequence[Any]:
        """The open ports."""
        return self._listening.ports

    def startService(self) -> None:
        """Open the ports, then start everything; CannotStart where an operator must act first."""
        try:
            self._listening.open(self._config.web.listen, self._api.site)
            self._store.startService()
        except (CannotListen, SystemExit) as error:
            why = str(error).removeprefix("tvmon: ")
            raise CannotStart(f"tvmon: {why}") from None
        self.histories.begin(self._config)
        self._filled.limit(FILL_SECONDS)
        super().startService()
        self._watching.watch(self._config.servers)
        self.log.info(
            "tvmon {version} watches {servers} media servers",
            version=__version__,
            servers=len(self._config.servers),
        )

    async def stopService(self) -> None:
        """Stop in the order of the flow, so that the last samples are written."""
        self._stopping = True
        self._filled.open()
        stopping = Deferred.fromCoroutine(self._stop())
        stopping.addTimeout(STOP_SECONDS, self._reactor)
        try:
            await stopping
        except Exception:
            self.log.failure("not everything stopped in time")
        await super().stopService()
        self.log.info("tvmon has stopped")

    async def _stop(self) -> None:
        await self._changing.acquire()
        await self._listening.close()
        await self._api.stop()
        await all_stopped([self._watching.stop])
        await all_stopped([self._watching.close, self._store.stopService, self.histories.end])

    async def reload(self) -> None:
        """Read the configuration again and change what differs; a wrong one changes nothing."""
        await self._changing.acquire()
        try:
            if not self._stopping:
                await self._apply(self._read())
                self.log.info("the configuration has been read again")
        except (ConfigError, CannotListen, SystemExit) as error:
            self.log.error("the new configuration is refused: {why}", why=str(error))
        except Exception:
            self.log.failure("the new configuration could not be put to use")
        finally:
            self._changing.release()

    async def _apply(self, new: Config) -> None:
        old = self._config
        if new.web != old.web:
            await self._listen_anew(new)
        try:
            await self._store_anew(old, new)
        except BaseException:
            if new.web != old.web:
                await self._listen_anew(old)
            raise
        await self.histories.change(old, new)
        self._config = new
        logs.set_level(new.log_level)
        self.board.rescore(new.scoring)
        await self._watching.change(new.servers, new.polling)

    async def _listen_anew(self, new: Config) -> None:
        """Close and open again, since an address may be in both; back to the old on failure."""
        await self._listening.close()
        api = self._new_api(new)
        try:
            self._listening.open(new.web.listen, api.site)
        except CannotListen:
            await self._listening.close()
            await api.stop()
            try:
                self._listening.open(self._config.web.listen, self._api.site)
            except CannotListen as error:
                self.log.critical("tvmon cannot be reached: {why}", why=str(error))
            raise
        old, self._api = self._api, api
        await old.stop()

    async def _store_anew(self, old: Config, new: Config) -> None:
        """Put another store in the place of this one, which goes on where the other is refused."""
        if (new.database.url, new.database.directory) == (old.database.url, old.database.directory):
            self._store.keep_gone_seconds = new.database.keep_gone_seconds
            return

        def refused(why: str) -> None:
            if self._store is store and not self._stopping:
                self.log.error("the new database is refused: {why}", why=why)
                Deferred.fromCoroutine(self._back_to(old)).addErrback(
                    lambda _: self._end("there is no database to go back to")
                )

        store, measures = self._new_store(new, refused)
        await self._replace_store(store, measures)

    async def _back_to(self, old: Config) -> None:
        """The other database was refused after all: take up the one before again."""
        await self._changing.acquire()
        try:
            if not self._stopping:
                await self._replace_store(*self._new_store(old, self._end))
                self._config = replace(self._config, database=old.database)
        finally:
            self._changing.release()

    async def _replace_store(self, store: Store, measures: CollectorRegistry) -> None:
        """Nothing that is sampled meanwhile, or waits to be written, is lost."""
        try:
            await deferToThread(store.prepare)
        except BaseException:
            await store.stopService()
            raise
        old, self._store = self._store, store
        self._store_measures.registry = measures
        await store.take_over(old)

    def _loaded(self, streams: Sequence[Stream]) -> None:
        """The database has told which streams were watched before: go on with them at once."""
        kept = self._watching.adopt(streams)
        self._filled.open()
        self.histories.restored(kept)

    def _checks(self) -> dict[str, str | None]:
        """What is ready: ``None``, or a sentence that says what is not."""
        troubles = self._watching.troubles()
        servers = {f"server {name}": trouble for name, trouble in troubles.items()}
        return {"database": self._store.trouble(), **servers}

    def _new_store(
        self, config: Config, refused: Callable[[str], None]
    ) -> tuple[Store, CollectorRegistry]:
        """A store, and its metrics, which are its own, so that another can take its place."""
        measures = CollectorRegistry()
        store = Store(
            reactor=self._reactor,
            now=self._now,
            board=self.board,
            url=config.database.url,
            directory=config.database.directory,
            registry=measures,
            keep_gone_seconds=config.database.keep_gone_seconds,
            refused=refused,
            loaded=self._loaded,
            configured=self._watching.configured,
            removed=self.histories.forget,
            writer=self._writer,
        )
        return store, measures

    def _new_api(self, config: Config) -> Api:
        web = config.web
        return make_api(
            clock=self._reactor,
            now=self._now,
            board=self.board,
            history=lambda number, limit: self._store.history(number, limit),
            away=Away,
            checks=self._checks,
            reader=self.histories.reader,
            reports=self._watching.reports,
            registry=self.registry,
            access=Access(web.token, web.user, web.password, web.allow_anonymous),
            web=self._web,
            filled=self._filled.passed,
            boot=self._boot,
            event_clients=web.event_clients,
            noted=self._collector.request,
        )
