"""``tvmon list``: what the configured media servers list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tvmon.cli.terminal import Terminal, aligned
from tvmon.errors import Trouble
from tvmon.polling import Polling
from tvmon.sampling.fetch import Fetcher
from tvmon.servers import Answer, Fetch, Listing, MediaServer, Request

HEAD = ("server", "id", "name", "sample_interface")


async def list_streams(
    reactor: Any, servers: Sequence[MediaServer], polling: Polling, terminal: Terminal
) -> int:
    """
    Say every stream of every server, and beside it what was left out, and which server failed.

    All servers are asked at the same time.  1 where one failed, else 0.
    """
    fetcher = Fetcher(reactor, body_bytes=polling.listing_body_bytes)

    async def fetch(request: Request) -> Answer:
        return await fetcher.fetch(request, polling.listing_deadline_seconds)

    try:
        results = await gatherResults(
            [Deferred.fromCoroutine(_ask(server, fetch)) for server in servers]
        )
    finally:
        await fetcher.close()
    return _tell(servers, results, terminal)


async def _ask(server: MediaServer, fetch: Fetch) -> Listing | Trouble:
    try:
        return await server.list_streams(fetch)
    except Trouble as trouble:
        return trouble


def _tell(
    servers: Sequence[MediaServer], results: Sequence[Listing | Trouble], terminal: Terminal
) -> int:
    rows: list[Sequence[str]] = [HEAD]
    notes: list[str] = []
    failed = False
    for server, result in zip(servers, results, strict=True):
        if isinstance(result, Trouble):
            failed = True
            notes.append(f"{server.name}: the listing failed: {result}")
            continue
        notes.extend(f"{server.name}: {sentence}" for sentence in result.skipped)
        if not result.streams:
            notes.append(f"{server.name}: lists no streams")
        for stream in result.streams:
            number = "-" if stream.stream_id is None else str(stream.stream_id)
            rows.append((server.name, number, stream.unify_name, stream.sample_interface))
    if len(rows) > 1:
        terminal.say(*aligned(rows))
    if not servers:
        notes.append("the configuration names no media servers")
    terminal.complain(*notes)
    return 1 if failed else 0
