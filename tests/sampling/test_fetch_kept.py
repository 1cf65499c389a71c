"""Connections that are kept: when one is used again, and when it is not."""

from __future__ import annotations

from twisted.internet.defer import DeferredList

from tests.sampling.fetching import LONG, FetchCase, held, running
from tests.upstream import OK_BODY, Asked, Peer, says
from tvmon.servers import Answer, Request


class KeptConnections(FetchCase):
    async def test_used_again(self) -> None:
        """One after the other on one connection, whatever the framing; over TLS, too."""
        for upstream in (self.upstream, self.serve_tls()):
            upstream.at(
                "/chunked",
                says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
            )
            upstream.at(
                "/empty", lambda peer, asked: peer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            )
            for path in ("/", "/chunked", "/empty", "/") * 3:
                await self.get(upstream.url(path))
            self.assertEqual(upstream.accepted, 1)
            self.assertEqual(len(upstream.requests), 12)
        self.assertEqual(self.fetcher.figures.opened, 2)
        self.assertEqual(self.fetcher.figures.reused, 22)
        self.assertEqual(self.fetcher.figures.idle, 2)

    async def test_the_freshest_first(self) -> None:
        """So those that are not needed grow old."""
        gate: list[Peer] = []
        url = self.upstream.at("/wait", lambda peer, asked: gate.append(peer))
        both = [running(self.get(url)), running(self.get(url))]
        await self.until(lambda: len(gate) == 2)
        gate[1].answer()
        await self.until(lambda: self.fetcher.figures.idle == 1)
        gate[0].answer()
        await DeferredList(both)
        for _ in range(4):
            await self.get(self.upstream.url("/"))
        self.assertEqual([peer.served for peer in gate], [5, 1])

    async def test_idle_ones_are_bounded(self) -> None:
        fetcher = self.new_fetcher(idle_per_origin=3)
        gate: list[Peer] = []
        url = self.upstream.at("/wait", lambda peer, asked: gate.append(peer))
        fetches = [running(fetcher.fetch(Request(url), LONG)) for _ in range(10)]
        await self.until(lambda: len(gate) == 10)
        for peer in gate:
            peer.answer()
        await DeferredList(fetches)
        await self.until(lambda: len(self.upstream.open) == 3)
        self.assertEqual(fetcher.figures.idle, 3)

    async def test_idle_ones_are_closed_in_time(self) -> None:
        fetcher = self.new_fetcher(idle_seconds=0.1)
        for upstream in (self.upstream, self.serve_tls()):
            await fetcher.fetch(Request(upstream.url()), LONG)
            self.assertEqual(fetcher.figures.idle, 1)
            await self.until(lambda: not fetcher.figures.connections)
        await self.until(lambda: not self.delayed_calls()[1:], "only the wait for it is left")

    async def test_closed_while_idle(self) -> None:
        """The server's time is shorter than ours; nobody notices."""
        for _ in range(3):
            await self.get(self.upstream.url())
            for peer in self.upstream.open:
                peer.close()
            await self.until(lambda: not self.fetcher.figures.connections)
        self.assertEqual(self.upstream.accepted, 3)
        self.assertEqual(self.fetcher.figures.retried, 0)

    async def test_closed_as_we_ask(self) -> None:
        """The request crosses the server's close on the wire: asked again, within the time."""

        def tired(peer: Peer, asked: Asked) -> None:
            if peer.served > 1:
                peer.close()
            else:
                peer.answer()

        for upstream in (self.upstream, self.serve_tls()):
            url = upstream.at("/x", tired)
            for _ in range(5):
                self.assertEqual((await self.get(url)).body, OK_BODY)
            self.assertEqual(upstream.accepted, 5)
        self.assertEqual(self.fetcher.figures.retried, 8)

    async def test_asked_again_only_once(self) -> None:
        await self.get(self.upstream.url())
        url = self.upstream.at("/x", lambda peer, asked: peer.close())
        trouble = await self.trouble(self.get(url))
        self.assertEqual(trouble.reason, "connection lost before the answer")
        self.assertEqual(len(self.upstream.requests), 3)

    async def test_not_asked_again_once_an_answer_began(self) -> None:
        await self.get(self.upstream.url())
        url = self.upstream.at("/x", says(b"HTTP/1.1 ", then="close"))
        trouble = await self.trouble(self.get(url))
        self.assertEqual(trouble.reason, "connection lost in the head, after 9 bytes")
        self.assertEqual(len(self.upstream.requests), 2)

    async def test_posts_take_a_new_connection(self) -> None:
        """They are not asked again, so they must not meet a server's close."""
        for _ in range(3):
            await self.get(self.upstream.url(), method="POST", body=b"x")
        self.assertEqual(self.upstream.accepted, 3)
        await self.get(self.upstream.url())
        self.assertEqual(self.upstream.accepted, 3)

    async def test_cut_off_server(self) -> None:
        """A late answer on a kept connection casts doubt on the others of that server."""
        gate: list[Peer] = []
        url = self.upstream.at("/wait", lambda peer, asked: gate.append(peer))
        fetches = [running(self.get(url)) for _ in range(5)]
        await self.until(lambda: len(gate) == 5)
        for peer in gate:
            peer.answer()
        await DeferredList(fetches)
        self.assertEqual(self.fetcher.figures.idle, 5)
        for peer in self.upstream.open:
            peer.freeze()
        trouble = await self.trouble(self.get(self.upstream.url(), 0.2))
        self.assertEqual(trouble.reason, "no answer within 0.2 s (waiting for the head)")
        self.assertEqual((await self.get(self.upstream.url())).status, 200)
        self.upstream.thaw()

    async def test_what_nobody_asked_for(self) -> None:
        """A proxy's good-bye to an idle connection is nobody's answer."""
        await self.get(self.upstream.url())
        (peer,) = self.upstream.open
        peer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await self.until(lambda: not self.fetcher.figures.connections)
        self.assertEqual((await self.get(self.upstream.url())).status, 200)

    async def test_what_nobody_asked_for_as_we_ask(self) -> None:
        """It is on its way out in the very turn of the reactor in which it would be lent."""
        await self.get(self.upstream.url())
        (peer,) = self.upstream.open
        (connection,) = self.fetcher._connections._all
        connection.dataReceived(b"HTTP/1.1 408 Request Timeout\r\n")
        self.assertEqual((await self.get(self.upstream.url())).status, 200)
        self.assertEqual((self.upstream.accepted, peer.served), (2, 1))

    async def test_more_than_promised_after_a_long_head(self) -> None:
        """The same, where all of it arrives at once and is longer than a head may be."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: %b\r\n\r\nabc" % (b"x" * 16_000)
        url = self.upstream.at("/x", says(answer + b"HTTP/1.1 500 Evil\r\n" * 100))
        for _ in range(3):
            self.assertEqual(await self.get(url), Answer(200, "OK", b"abc"))

    async def test_more_than_promised(self) -> None:
        """What follows a body is dropped, and never taken for the next answer."""
        url = self.upstream.at(
            "/x", says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 500 Evil\r\n\r\n")
        )
        for _ in range(3):
            self.assertEqual(await self.get(url), Answer(200, "OK", b"abc"))

    async def test_closed_after_each_answer(self) -> None:
        """As a TVie server does it: with a length, and with the end as the end."""
        self.upstream.at(
            "/length",
            lambda peer, asked: (peer.answer(headers=["Connection: close"]), peer.close()),
        )
        self.upstream.at(
            "/end",
            lambda peer, asked: (peer.write(b"HTTP/1.0 200 OK\r\n\r\n" + OK_BODY), peer.close()),
        )
        for path in ("/length", "/end") * 3:
            self.assertEqual(await self.get(self.upstream.url(path)), Answer(200, "OK", OK_BODY))
        await self.until(lambda: not self.fetcher.figures.connections)
        self.assertEqual(self.upstream.accepted, 6)

    async def test_says_that_it_closes_and_does_not(self) -> None:
        """We close then, in the end by force."""
        before = await held()
        for upstream in (self.upstream, self.serve_tls()):
            url = upstream.at(
                "/x",
                lambda peer, asked: (peer.answer(headers=["Connection: close"]), peer.freeze()),
            )
            self.assertEqual((await self.get(url)).body, OK_BODY)
        await self.until(lambda: not self.fetcher.figures.connections)
        for upstream in self.upstreams:
            upstream.thaw()
        await self.until(lambda: not any(upstream.open for upstream in self.upstreams))
        self.assertEqual(await held(), before)

    async def test_interim_answers(self) -> None:
        url = self.upstream.at(
            "/x",
            lambda peer, asked: (
                peer.write(
                    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                ),
                peer.answer(),
            ),
        )
        for _ in range(3):
            self.assertEqual(await self.get(url), Answer(200, "OK", OK_BODY))
        self.assertEqual(self.upstream.accepted, 1)
