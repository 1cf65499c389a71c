"""Answers of any status: what is said of them, and whether the connection is used again."""

from __future__ import annotations

import re

from tests.sampling.fetching import LONG, FetchCase
from tests.upstream import says
from tvmon.servers import Answer, Request


class AnswersOfAnyStatus(FetchCase):
    """What is an answer for HTTP is returned; what to make of it is the media server's affair."""

    async def test_statuses(self) -> None:
        for status in ("401 Unauthorized", "404 Not Found", "502 Bad Gateway", "500 "):
            code, _, phrase = status.partition(" ")
            url = self.upstream.at(
                "/x", lambda peer, asked, s=status: peer.answer(b"<html>no</html>", s)
            )
            self.assertEqual(await self.get(url), Answer(int(code), phrase, b"<html>no</html>"))

    async def test_html_with_200(self) -> None:
        page = b"<html>It works!</html>"
        url = self.upstream.at("/x", lambda peer, asked: peer.answer(page))
        self.assertEqual(await self.get(url), Answer(200, "OK", page))

    async def test_largest_body(self) -> None:
        """The bound itself is allowed, one more is not; whoever asks may set another."""
        for length in (65535, 65536):
            url = self.upstream.at("/x", lambda peer, asked, n=length: peer.answer(b"x" * n))
            self.assertEqual(len((await self.get(url)).body), length)
        url = self.upstream.at("/x", lambda peer, asked: peer.answer(b"x" * 65537))
        self.assertEqual((await self.trouble(self.get(url))).outcome, "size")
        answer = await self.fetcher.fetch(Request(url), LONG, 65537)
        self.assertEqual(len(answer.body), 65537)
        trouble = await self.trouble(self.fetcher.fetch(Request(url), LONG, 10))
        self.assertEqual(trouble.reason, "answer larger than 10 bytes")

    async def test_largest_head(self) -> None:
        """A head within its bound is taken, whatever comes along behind it."""
        for size in (16_000, 16_300):
            line = "X: " + "x" * (size - 3)
            url = self.upstream.at(
                "/x", lambda peer, asked, more=line: peer.answer(b"y" * 50_000, headers=[more])
            )
            self.assertEqual(len((await self.get(url)).body), 50_000)

    async def test_phrase_is_cleaned(self) -> None:
        url = self.upstream.at(
            "/x", says(b"HTTP/1.1 200 \x1b[31m" + b"x" * 500 + b"\r\n\r\n", then="close")
        )
        phrase = (await self.get(url)).phrase
        self.assertTrue(phrase.isprintable())
        self.assertEqual(len(phrase), 80)
        self.assertTrue(re.fullmatch(r".\[31mx+\.\.\.", phrase), phrase)
