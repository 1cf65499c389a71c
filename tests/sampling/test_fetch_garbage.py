"""What a fetch leaves behind: nothing that the garbage collector has to look for."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.tcp import Client

from tests.sampling.fetching import FetchCase
from tests.upstream import OK_BODY, Upstream, drip, says, silent
from tvmon.errors import NoAnswer
from tvmon.sampling.asking import Question, Terms
from tvmon.sampling.talks import Direct
from tvmon.servers.tvie import TVie
from tvmon.streams import Stream

FETCHES = 10
OURS = ("tvmon.", "treq.", "twisted.web.")
"""And what we use; the server of the tests leaves something, too."""

LENGTH = b"Content-Length: %d\r\n\r\n%b" % (len(OK_BODY), OK_BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(OK_BODY), OK_BODY)


class GarbageTests(FetchCase):
    """With ten thousand streams a hanging server would make some 300,000 objects a second."""

    async def left_by(self, url: str, seconds: float, *, fails: bool = True) -> list[Any]:
        """What is of a poll among what only the collector finds after some of them."""
        terms = Terms(self.reactor, self.fetcher.fetch, seconds, 5.0)
        talk = Direct("edge", TVie("edge", "", "").begin(), self.reactor)
        stream = Stream.of("edge", "1", 1, "edge/1", url)

        async def sample() -> None:
            question: Question[Any] = Question(terms)
            asked = question.ask(talk.sample(stream, question))
            outcome = await asked.addErrback(lambda failure: failure.value)
            self.assertEqual(isinstance(outcome, NoAnswer), fails, outcome)

        await sample()
        await deferLater(self.reactor, 0, gc.collect)
        gc.disable()
        self.addCleanup(gc.enable)
        for _ in range(FETCHES):
            await sample()
        # Of a good poll its connection may be kept.
        await self.until(lambda: len(self.client_sockets()) <= (not fails))
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await deferLater(self.reactor, 0, gc.collect)
            return [
                type(each).__name__
                for each in gc.garbage
                if type(each).__module__.startswith(OURS) or type(each) is Client
            ]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()

    async def test_answers_that_are_read_by_us_and_by_twisted(self) -> None:
        for more, then in (
            (LENGTH, ""),
            (CHUNKED, ""),
            (b"Connection: close\r\n" + LENGTH, "close"),
            (b"\r\n" + OK_BODY, "close"),
        ):
            url = self.upstream.at("/", says(b"HTTP/1.1 200 OK\r\n" + more, then=then))
            self.assertEqual(await self.left_by(url, 5.0, fails=False), [], more)

    async def test_answers_over_tls(self) -> None:
        server = self.serve_tls()
        for more, then in ((LENGTH, ""), (LENGTH, "close"), (CHUNKED, "")):
            url = server.at("/", says(b"HTTP/1.1 200 OK\r\n" + more, then=then))
            self.assertEqual(await self.left_by(url, 5.0, fails=False), [], more)

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
