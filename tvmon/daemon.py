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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, DeferredLock, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from tvmon import __version__, logs
from tvmon.api.access import Access
from tvmon.api.site import Api, make_api
from tvmon.board import Board
from tvmon.cannot_start import CannotStart
from tvmon.config import Config, ConfigError
from tvmon.current_meters import CurrentMeters
from tvmon.gate import Gate
from tvmon.heartbeat import Heartbeat
from tvmon.histories import Histories
from tvmon.listening import CannotListen, Listening
from tvmon.sampling.fetch import Fetcher
from tvmon.sampling.fetch_meters import FetchMeters
from tvmon.sampling.meters import PollMeters
from tvmon.sampling.slices import Slices
from tvmon.sampling.updater import Updater
from tvmon.servers import Answer, Request
from tvmon.servers.watched import Watched
from tvmon.store import Away, Store, writer_name
from tvmon.streams import Sample, Stream

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
        self._random = Random()  # noqa: S311 - spreads polls in time, guards nothing
        self._boot = secrets.token_hex(4)
        self.registry = CollectorRegistry()
        self.board = Board(config.scoring)
        self._meters = PollMeters(self.registry)
        self._fetcher = self._new_fetcher(config)
        FetchMeters(self.registry, lambda: self._fetcher.figures)
        self._slices = Slices(reactor)
        self._updaters: dict[str, Updater] = {}
        self._listening = Listening(reactor)
        self._writer = writer_name()
        self.heartbeat = Heartbeat(reactor, self.registry)
        self.heartbeat.setServiceParent(self)
        self.histories = Histories(
            reactor=reactor,
            now=now,
            board=self.board,
            registry=self.registry,
            kept=self._history,
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
        for server in self._config.servers:
            self._watch(server)
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
        await _all([updater.stopService for updater in self._updaters.values()])
        await _all([self._fetcher.close, self._store.stopService, self.histories.end])

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
        await self._watch_anew(old, new)

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

    async def _watch_anew(self, old: Config, new: Config) -> None:
        before = {server.name: server for server in old.servers}
        after = {server.name: server for server in new.servers}
        if new.polling != old.polling:
            changed = set(before)
        else:
            changed = {name for name in before if before[name] != after.get(name)}
        await _all([self._updaters.pop(name).stopService for name in changed])
        if new.polling != old.polling:
            await self._fetcher.close()
            self._fetcher = self._new_fetcher(new)
        for name in before.keys() - after.keys():
            for stream in self._streams_of(name):
                self.board.drop(stream.mms_stream_id)
        for name, server in after.items():
            if name not in self._updaters:
                self._watch(server)
                self._updaters[name].adopt(self._streams_of(name))
        self._updaters = {name: self._updaters[name] for name in after}  # in its order

    def _watch(self, server: Watched) -> None:
        updater = Updater(
            clock=self._reactor,
            now=self._now,
            random=self._random,
            server=server,
            fetch=self._fetcher.fetch,
            listing_fetch=self._fetch_listing,
            board=self.board,
            meters=self._meters,
            polling=self._config.polling,
            slices=self._slices,
        )
        self._updaters[server.name] = updater
        updater.adopt(server.server.extra_streams)
        updater.startService()

    async def _fetch_listing(self, request: Request, seconds: float) -> Answer:
        return await self._fetcher.fetch(request, seconds, self._config.polling.listing_body_bytes)

    def _loaded(self, streams: Sequence[Stream]) -> None:
        """The database has told which streams were watched before: go on with them at once."""
        configured = {server.name for server in self._config.servers}
        for stream in streams:
            if stream.server not in configured:
                self.board.drop(stream.mms_stream_id)
        for name, updater in self._updaters.items():
            updater.adopt([stream for stream in streams if stream.server == name])
        self._filled.open()
        self.histories.restored([stream for stream in streams if stream.server in configured])

    def _streams_of(self, server: str) -> list[Stream]:
        return [e.stream for e in self.board.entries() if e.stream.server == server]

    def _checks(self) -> dict[str, str | None]:
        """What is ready: ``None``, or a sentence that says what is not."""
        checks = {"database": self._store.trouble()}
        for name, updater in self._updaters.items():
            checks[f"server {name}"] = updater.trouble()
        return checks

    async def _history(self, mms_stream_id: int, limit: int) -> list[Sample]:
        return await self._store.history(mms_stream_id, limit)

    def _new_fetcher(self, config: Config) -> Fetcher:
        body_bytes = config.polling.body_bytes
        return Fetcher(self._reactor, body_bytes=body_bytes, now=self._now)

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
            history=self._history,
            away=Away,
            checks=self._checks,
            reader=self.histories.reader,
            reports=lambda: [updater.report() for updater in self._updaters.values()],
            registry=self.registry,
            access=Access(web.token, web.user, web.password, web.allow_anonymous),
            web=self._web,
            filled=self._filled.passed,
            boot=self._boot,
            event_clients=web.event_clients,
        )


async def _all(stops: Iterable[Callable[[], Any]]) -> None:
    """Wait for all of them; one that fails keeps none of the others from its end."""
    await DeferredList([maybeDeferred(stop) for stop in stops], consumeErrors=True)
