"""
What a fetch costs, beside plain treq in the same run.

    PYTHONPATH=. python bench/fetch.py [--fetches 4000] [--at-once 20] [--rounds 3]

The server is another process and answers from memory.  "kept" means that it keeps connections
open between requests, "closed" that it closes after each answer, as a TVie server does.  treq
alone gets what it needs to be compared: a pool as large, a timeout, the whole body; it has no
deadline over the body and no bound on it.  "tvmon, treq" is tvmon with http = "treq".

Closed connections keep their ports for a minute on a machine that talks to itself, so a second run
right after the first may find none.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from treq.client import HTTPClient
from twisted.internet import task
from twisted.internet.defer import Deferred, gatherResults
from twisted.web.client import Agent, HTTPConnectionPool

from tvmon.sampling.fetch import Fetcher
from tvmon.sampling.timers import Timers
from tvmon.servers import Request

BODY = b"".join(b"field_number_%d: %d\n" % (n, n * 7919) for n in range(24))
HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Thu, 22 Dec 2011 07:21:56 GMT\r\nContent-Type: text/plain\r\n"
    b"Server: bench\r\nPragma: no-cache\r\nCache-Control: no-store, must-revalidate\r\n"
    b"Content-Length: %d\r\n" % len(BODY)
)
Ask = Callable[[str], Awaitable[bytes]]


class Server(asyncio.Protocol):
    """Answers every request with the same; closes where the path says so."""

    def __init__(self) -> None:
        self.seen = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while b"\r\n\r\n" in self.seen:
            head, self.seen = self.seen.split(b"\r\n\r\n", 1)
            if head.startswith(b"GET /closed/"):
                self.transport.write(HEAD + b"Connection: close\r\n\r\n" + BODY)
                self.transport.close()
                return
            self.transport.write(HEAD + b"\r\n" + BODY)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def plain_treq(reactor: Any, at_once: int) -> tuple[Ask, Callable[[], Any]]:
    pool = HTTPConnectionPool(reactor)
    pool.maxPersistentPerHost = at_once
    client = HTTPClient(Agent(reactor, pool=pool))

    async def ask(url: str) -> bytes:
        response = await client.get(url, timeout=2.4)
        return await response.content()

    return ask, pool.closeCachedConnections


def tvmon(reactor: Any, *, plain: bool) -> tuple[Ask, Callable[[], Any]]:
    fetcher = Fetcher(reactor, body_bytes=65536, timers=Timers(reactor), reads_plain=plain)

    async def ask(url: str) -> bytes:
        return (await fetcher.fetch(Request(url), 2.4)).body

    return ask, lambda: Deferred.fromCoroutine(fetcher.close())


async def measure(ask: Ask, url: str, fetches: int, at_once: int) -> tuple[float, float]:
    """Seconds of wall and of CPU for one fetch."""
    left = iter(range(fetches))

    async def worker(number: int) -> None:
        for turn in left:
            body = await ask(f"{url}/{number}/{turn % 50}")
            assert body == BODY

    await gatherResults([Deferred.fromCoroutine(worker(n)) for n in range(at_once)])
    wall, cpu, left = time.perf_counter(), time.process_time(), iter(range(fetches))
    await gatherResults([Deferred.fromCoroutine(worker(n)) for n in range(at_once)])
    return (time.perf_counter() - wall) / fetches, (time.process_time() - cpu) / fetches


async def run(reactor: Any, options: argparse.Namespace, port: int) -> None:
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(options.rounds):
        for kind in ("kept", "closed"):
            for name in ("treq alone", "tvmon, treq", "tvmon"):
                if name == "treq alone":
                    ask, close = plain_treq(reactor, options.at_once)
                else:
                    ask, close = tvmon(reactor, plain=name == "tvmon")
                url = f"http://127.0.0.1:{port}/{kind}"
                figures = await measure(ask, url, options.fetches, options.at_once)
                rows.setdefault((kind, name), []).append(figures)
                await close()
    print("| connections | client | fetches/s | µs of processor each |\n|---|---|---:|---:|")
    for (kind, name), figures in rows.items():
        wall = statistics.median(wall for wall, _ in figures)
        cpu = statistics.median(cpu for _, cpu in figures)
        print(f"| {kind} | {name} | {1 / wall:.0f} | {cpu * 1e6:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="What a fetch costs, beside plain treq.")
    parser.add_argument("--fetches", type=int, default=4000)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            task.react(lambda reactor: Deferred.fromCoroutine(run(reactor, options, port)))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
