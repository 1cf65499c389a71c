"""What a fetch that fails leaves behind: nothing that the garbage collector has to look for."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.task import deferLater

from tests.sampling.fetching import FetchCase
from tests.upstream import Upstream, drip, silent
from tvmon.errors import NoAnswer
from tvmon.sampling.asking import Question, Terms
from tvmon.sampling.connection import Connection
from tvmon.sampling.lease import Lease
from tvmon.sampling.talks import Direct
from tvmon.sampling.underway import UnderWay
from tvmon.servers.tvie import TVie
from tvmon.streams import Stream

FETCHES = 10


class GarbageTests(FetchCase):
    """With ten thousand streams a hanging server would make some 300,000 objects a second."""

    async def left_by(self, url: str, seconds: float) -> list[Any]:
        """What is of a poll among what only the collector finds after some that fail."""
        terms = Terms(self.reactor, self.fetcher.fetch, seconds, 5.0)
        talk = Direct("edge", TVie("edge", "", "").begin(), self.reactor)
        stream = Stream.of("edge", "1", 1, "edge/1", url)

        async def sample() -> None:
            question: Question[Any] = Question(terms)
            asked = question.ask(talk.sample(stream, question))
            self.assertIsInstance(await asked.addErrback(lambda failure: failure.value), NoAnswer)

        await sample()
        await deferLater(self.reactor, 0, gc.collect)
        gc.disable()
        self.addCleanup(gc.enable)
        for _ in range(FETCHES):
            await sample()
        await self.until(lambda: not self.client_sockets())
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await deferLater(self.reactor, 0, gc.collect)
            kinds = (Connection, Lease, UnderWay, Question)
            return [type(each).__name__ for each in gc.garbage if type(each) in kinds]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()

    async def test_a_server_that_is_silent(self) -> None:
        self.assertEqual(await self.left_by(self.upstream.at("/", silent), 0.1), [])

    async def test_a_server_that_drips(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
        url = self.upstream.at("/", drip(head + b"x" * 99, 0.01))
        self.assertEqual(await self.left_by(url, 0.1), [])

    async def test_a_server_that_hangs_up(self) -> None:
        server = self.serve(greet=lambda peer: peer.close())
        self.assertEqual(await self.left_by(server.url(), 5.0), [])

    async def test_a_server_that_is_not_there(self) -> None:
        nobody: Upstream = self.serve()
        url = nobody.url()
        await nobody.stop()
        self.assertEqual(await self.left_by(url, 5.0), [])
