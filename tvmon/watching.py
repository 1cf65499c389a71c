"""
All media servers that are watched now: what samples them, and what it is done with.

One of it for the daemon.  A changed configuration is compared with the running one, server by
server: what is the same goes on, and what differs is stopped and begun anew with its streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry

from tvmon.board import Board
from tvmon.polling import Polling
from tvmon.report import ServerReport
from tvmon.sampling.backlog import Backlog
from tvmon.sampling.fetch import Fetcher
from tvmon.sampling.fetch_meters import FetchMeters
from tvmon.sampling.meters import PollMeters
from tvmon.sampling.slices import Slices
from tvmon.sampling.timers import Timers
from tvmon.sampling.updater import Updater
from tvmon.servers import Answer, Request
from tvmon.servers.watched import Watched
from tvmon.stopping import all_stopped
from tvmon.streams import Stream


class Watching:
    """
    The updaters of all media servers, in the order of the configuration.

    :param now: seconds since 1970, UTC
    """

    def __init__(
        self,
        *,
        reactor: Any,
        now: Callable[[], float],
        board: Board,
        registry: CollectorRegistry,
        polling: Polling,
    ) -> None:
        self._reactor, self._now, self._board = reactor, now, board
        self._polling = polling
        self._random = Random()  # noqa: S311 - spreads polls in time, guards nothing
        self._backlog, self._slices = Backlog(reactor), Slices(reactor)
        self._timers = Timers(reactor, self._backlog)
        self._meters = PollMeters(registry)
        self._fetcher = self._new_fetcher()
        FetchMeters(registry, lambda: self._fetcher.figures)
        self._updaters: dict[str, Updater] = {}

    def watch(self, servers: Iterable[Watched]) -> None:
        """List and sample these, too."""
        for server in servers:
            self._watch(server)

    async def stop(self) -> None:
        """End all polls."""
        await all_stopped([updater.stopService for updater in self._updaters.values()])

    async def close(self) -> None:
        """Close all connections; to be called after :meth:`stop`."""
        await self._fetcher.close()

    async def change(self, servers: Iterable[Watched], polling: Polling) -> None:
        """Watch these in this rhythm from now on, and take the streams of all others away."""
        after = {server.name: server for server in servers}
        before = {name: updater.server for name, updater in self._updaters.items()}
        is_anew = polling != self._polling
        changed = [name for name in before if is_anew or before[name] != after.get(name)]
        await all_stopped([self._updaters.pop(name).stopService for name in changed])
        if is_anew:
            await self._fetcher.close()
            self._polling = polling
            self._fetcher = self._new_fetcher()
        for name in before.keys() - after.keys():
            for stream in self._streams_of(name):
                self._board.drop(stream.mms_stream_id)
        for name, server in after.items():
            if name not in self._updaters:
                self._watch(server)
                self._updaters[name].adopt(self._streams_of(name))
        self._updaters = {name: self._updaters[name] for name in after}  # in its order

    def adopt(self, streams: Iterable[Stream]) -> list[Stream]:
        """
        Go on with streams that were there before, and take those off the board whose media server
        is watched no more; returns the others.
        """
        kept: dict[str, list[Stream]] = {name: [] for name in self._updaters}
        for stream in streams:
            if stream.server in kept:
                kept[stream.server].append(stream)
            else:
                self._board.drop(stream.mms_stream_id)
        for name, of_server in kept.items():
            self._updaters[name].adopt(of_server)
        return [stream for of_server in kept.values() for stream in of_server]

    def configured(self, stream: Stream) -> Stream:
        """A stream with what the configuration says of it."""
        updater = self._updaters.get(stream.server)
        return stream if updater is None else updater.server.known(stream)

    def troubles(self) -> dict[str, str | None]:
        """What is wrong with the listing of each media server; ``None`` where nothing is."""
        return {name: updater.trouble() for name, updater in self._updaters.items()}

    def reports(self) -> list[ServerReport]:
        """What is to be told of each media server."""
        return [updater.report() for updater in self._updaters.values()]

    def _streams_of(self, server: str) -> list[Stream]:
        return [e.stream for e in self._board.entries() if e.stream.server == server]

    def _watch(self, server: Watched) -> None:
        updater = Updater(
            clock=self._timers,
            now=self._now,
            random=self._random,
            server=server,
            fetch=self._fetcher.fetch,
            listing_fetch=self._fetch_listing,
            board=self._board,
            meters=self._meters,
            polling=self._polling,
            slices=self._slices,
        )
        self._updaters[server.name] = updater
        updater.adopt(server.server.extra_streams)
        updater.startService()

    async def _fetch_listing(self, request: Request, seconds: float) -> Answer:
        return await self._fetcher.fetch(request, seconds, self._polling.listing_body_bytes)

    def _new_fetcher(self) -> Fetcher:
        return Fetcher(
            self._reactor,
            timers=self._timers,
            backlog=self._backlog,
            now=self._now,
            body_bytes=self._polling.body_bytes,
            reads_plain=self._polling.http == "plain",
        )
