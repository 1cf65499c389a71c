"""``tvmon list``: what the configured media servers list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tvmon.cli.conversing import Conversation
from tvmon.cli.terminal import Terminal, aligned
from tvmon.errors import Trouble
from tvmon.polling import Polling
from tvmon.sampling.fetch import Fetcher
from tvmon.servers import Listing
from tvmon.servers.watched import Watched

HEAD = ("server", "kind", "id", "name", "sample_interface")


async def list_streams(
    reactor: Any, servers: Sequence[Watched], polling: Polling, terminal: Terminal
) -> int:
    """
    Say every stream of every server, and beside it what was left out, and which server failed.

    All servers are asked at the same time.  1 where one failed, else 0.
    """
    fetcher = Fetcher(reactor, body_bytes=polling.listing_body_bytes)
    talks = [Conversation(reactor, fetcher, server, polling) for server in servers]
    try:
        results = await gatherResults([Deferred.fromCoroutine(_ask(talk)) for talk in talks])
    finally:
        await fetcher.close()
    return _tell(talks, results, terminal)


async def _ask(talk: Conversation) -> Listing | Trouble:
    try:
        return await talk.list_streams()
    except Trouble as trouble:
        return trouble


def _tell(
    talks: Sequence[Conversation], results: Sequence[Listing | Trouble], terminal: Terminal
) -> int:
    rows: list[Sequence[str]] = [HEAD]
    notes: list[str] = []
    failed = False
    for talk, result in zip(talks, results, strict=True):
        name = talk.server.name
        if isinstance(result, Trouble):
            failed = True
            notes.append(f"{name}: the listing failed: {result}")
            continue
        notes.extend(f"{name}: {sentence}" for sentence in (*result.skipped, *talk.drifted()))
        if not result.streams:
            notes.append(f"{name}: lists no streams")
        for stream in result.streams:
            number = "-" if stream.stream_id is None else str(stream.stream_id)
            rows.append((name, stream.kind, number, stream.unify_name, stream.sample_interface))
    if len(rows) > 1:
        terminal.say(*aligned(rows))
    if not talks:
        notes.append("the configuration names no media servers")
    terminal.complain(*notes)
    return 1 if failed else 0
