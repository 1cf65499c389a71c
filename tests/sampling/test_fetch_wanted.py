"""What a media server's module may want of a fetch beside the body."""

from __future__ import annotations

from tests.sampling.fetching import FetchCase
from tests.upstream import Asked, Peer


def head(peer: Peer, asked: Asked) -> None:
    """What HEAD is answered with: the length of a body that does not come."""
    peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")


class WantedTests(FetchCase):
    """Headers, the two clocks, a connection of its own."""

    async def test_headers_that_are_wanted_and_no_others(self) -> None:
        url = self.upstream.at(
            "/dated",
            lambda peer, asked: peer.answer(
                headers=["DATE: Sun, 22 Nov 2026 07:46:31 GMT", "Age: 7", f"Server: {'x' * 999}"]
            ),
        )
        answer = await self.get(url, wanted=("date", "server", "last-modified"))
        self.assertEqual(answer.headers.keys(), {"date", "server"})
        self.assertEqual(answer.headers["date"], "Sun, 22 Nov 2026 07:46:31 GMT")
        self.assertEqual(len(answer.headers["server"]), 200)
        self.assertEqual((await self.get(url)).headers, {})

    async def test_when_it_was_complete_by_both_clocks(self) -> None:
        self.fetcher = self.new_fetcher(now=lambda: 1_790_000_000.0)
        before = self.reactor.seconds()
        answer = await self.get(self.upstream.url("/"))
        self.assertTrue(before <= answer.at <= self.reactor.seconds())
        self.assertEqual(answer.time, 1_790_000_000.0)

    async def test_a_fresh_connection_although_one_is_idle(self) -> None:
        for _ in range(3):
            await self.get(self.upstream.url("/"))
        self.assertEqual(self.upstream.accepted, 1)
        await self.get(self.upstream.url("/"), fresh=True)
        self.assertEqual(self.upstream.accepted, 2)

    async def test_head_of_what_would_be_too_large(self) -> None:
        answer = await self.get(self.upstream.at("/segment.m4s", head), method="HEAD")
        self.assertEqual((answer.status, answer.body), (200, b""))
