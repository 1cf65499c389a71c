"""What is sent, redirects, packed bodies, and what is left of it in memory."""

from __future__ import annotations

import base64
import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import DeferredList

from tests.sampling.fetching import LONG, FetchCase, held, running
from tests.upstream import OK_BODY, Asked, Peer, redirect, silent
from tvmon import __version__
from tvmon.servers import Answer, Request


class Sent(FetchCase):
    """The request as it arrives."""

    async def asked(self, url: str, **more: object) -> Asked:
        await self.fetcher.fetch(Request(url, **more), LONG)  # type: ignore[arg-type]
        return self.upstream.requests[-1]

    async def test_get(self) -> None:
        asked = await self.asked(self.upstream.url("/a%2Fb/ü x?y=%41&z"))
        self.assertEqual(asked.method, "GET")
        self.assertEqual(asked.target, "/a%2Fb/%C3%BC%20x?y=%41&z")
        self.assertEqual(
            asked.headers,
            {
                "host": f"127.0.0.1:{self.upstream.port}",
                "user-agent": f"tvmon/{__version__}",
                "accept": "*/*",
                "accept-encoding": "identity",
            },
        )

    async def test_post(self) -> None:
        """Its own headers take the place of ours."""
        headers = (("Content-Type", "text/xml"), ("ACCEPT", "application/json"))
        asked = await self.asked(
            self.upstream.url(), method="POST", headers=headers, body=b"<find/>"
        )
        self.assertEqual((asked.method, asked.body), ("POST", b"<find/>"))
        self.assertEqual(asked.headers["content-type"], "text/xml")
        self.assertEqual(asked.headers["accept"], "application/json")
        self.assertEqual(asked.headers["content-length"], "7")

    async def test_large_post(self) -> None:
        """Larger than any buffer on the way, over TCP and TLS."""
        body = bytes(range(256)) * 20_000
        for upstream in (self.upstream, self.serve_tls()):
            await self.get(upstream.url(), method="POST", body=body)
            self.assertEqual(upstream.requests[-1].body, body)

    async def test_head_has_no_body(self) -> None:
        url = self.upstream.at(
            "/x",
            lambda peer, asked: peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
        )
        self.assertEqual(await self.get(url, method="HEAD"), Answer(200, "OK", b""))

    async def test_user_and_password(self) -> None:
        """They become a header, and are nowhere else."""
        url = self.upstream.url("/x").replace("://", "://user:p%40ss@")
        asked = await self.asked(url)
        expected = base64.b64encode(b"user:p@ss").decode()
        self.assertEqual(asked.headers["authorization"], f"Basic {expected}")
        self.assertEqual(asked.headers["host"], f"127.0.0.1:{self.upstream.port}")

    async def test_no_cookies(self) -> None:
        url = self.upstream.at(
            "/x", lambda peer, asked: peer.answer(headers=["Set-Cookie: a=b; Path=/"])
        )
        for _ in range(3):
            asked = await self.asked(url)
            self.assertNotIn("cookie", asked.headers)

    async def test_unusable_headers_and_methods(self) -> None:
        """Mistakes of a media server's module are no answers either, and nothing else."""
        url = self.upstream.url()
        for more in (
            {"headers": (("bad name", "x"),)},
            {"headers": (("née", "x"),)},
            {"method": "G T"},
            {"method": "GÉT"},
        ):
            trouble = await self.trouble(self.get(url, **more))
            self.assertEqual(trouble.outcome, "connection")
        self.assertEqual(self.upstream.accepted, 0)

    async def test_header_cannot_break_out(self) -> None:
        asked = await self.asked(self.upstream.url(), headers=(("X-A", "1\r\nX-B: 2"),))
        self.assertNotIn("x-b", asked.headers)


class UnusableURLs(FetchCase):
    async def test_words(self) -> None:
        for url, reason in {
            "": "the URL does not begin with http:// or https://",
            "127.0.0.1/x": "the URL does not begin with http:// or https://",
            "ftp://h/": "the URL does not begin with http:// or https://",
            "http://": "the URL names no host",
            "http://h:0/": "the URL's port is not within 1 and 65535",
            "http://h:65536/": "the URL's port is not within 1 and 65535",
            "http://h:x/": "the URL's host or port cannot be read",
            "http://[::1/": "the URL's host or port cannot be read",
            "http://h/\r\nX: y": "the URL holds a control character",
            "http://h h/": "the URL's host name holds a character that none can hold",
            f"http://{'ü' * 99}/": "the URL's host name cannot be encoded",
            "http://h/" + "x" * 9000: "the URL is longer than 8192 characters",
        }.items():
            trouble = await self.trouble(self.get(url))
            self.assertEqual((trouble.reason, trouble.outcome), (reason, "connection"), url)

    @given(st.one_of(st.text(), st.text().map("http://".__add__)))
    def test_anything(self, url: str) -> None:
        """Whatever it is, it is an answer or NoAnswer; here without time for the former."""
        fetching = running(self.new_fetcher().fetch(Request(url), LONG))
        fetching.cancel()
        fetching.addErrback(lambda failure: failure.trap(Exception))
        self.fetchers.pop()._names.close()


class Redirects(FetchCase):
    async def test_followed(self) -> None:
        other = self.serve()
        self.upstream.at("/1", redirect("/2"))
        self.upstream.at("/2", redirect("3?x=y", "307 Temporary Redirect"))
        self.upstream.at("/3", redirect(other.url("/4"), "308 Permanent Redirect"))
        answer = await self.get(self.upstream.url("/1"))
        self.assertEqual(answer, Answer(200, "OK", OK_BODY))
        self.assertEqual(answer.url, other.url("/4"))
        self.assertEqual([asked.target for asked in other.requests], ["/4"])
        self.assertEqual((await self.get(other.url("/4"))).url, "")

    async def test_at_most_three(self) -> None:
        for n in range(1, 5):
            self.upstream.at(f"/{n}", redirect(f"/{n + 1}"))
        trouble = await self.trouble(self.get(self.upstream.url("/1")))
        self.assertEqual(trouble.reason, "redirected more than 3 times")
        self.assertEqual(len(self.upstream.requests), 4)
        self.assertEqual((await self.get(self.upstream.url("/2"))).status, 200)

    async def test_loop_of_two(self) -> None:
        self.upstream.at("/a", redirect("/b"))
        self.upstream.at("/b", redirect("/a"))
        trouble = await self.trouble(self.get(self.upstream.url("/a")))
        self.assertEqual((trouble.reason, trouble.outcome), ("redirect loop", "redirect"))
        self.assertEqual(len(self.upstream.requests), 2)

    async def test_secrets_stay_at_home(self) -> None:
        """Headers and passwords go to the server they were meant for, and to no other port."""
        other = self.serve()
        self.upstream.at("/here", redirect("/there"))
        self.upstream.at("/there", redirect(other.url("/away").replace("://", "://evil:x@")))
        url = self.upstream.url("/here").replace("://", "://user:pass@")
        await self.get(url, headers=(("X-Token", "hunter2"),))
        for asked in self.upstream.requests:
            self.assertEqual(asked.headers["x-token"], "hunter2")
            self.assertIn("authorization", asked.headers)
        (away,) = other.requests
        self.assertNotIn("x-token", away.headers)
        self.assertNotIn("authorization", away.headers)
        self.assertEqual(away.headers["host"], f"127.0.0.1:{other.port}")

    async def test_not_followed(self) -> None:
        """What was posted is not posted elsewhere, and without a place there is nowhere to go."""
        url = self.upstream.at("/x", redirect("/y"))
        self.assertEqual((await self.get(url, method="POST", body=b"x")).status, 302)
        url = self.upstream.at("/x", lambda peer, asked: peer.answer(b"", "302 Found"))
        self.assertEqual((await self.get(url)).status, 302)
        url = self.upstream.at(
            "/x", lambda peer, asked: peer.answer(b"", "300 Choices", ["Location: /y"])
        )
        self.assertEqual((await self.get(url)).status, 300)

    async def test_one_deadline(self) -> None:
        """Each hop takes from the same time."""

        def slowly(peer: Peer, asked: Asked) -> None:
            peer.later(0.25, lambda: redirect(asked.target + "x")(peer, asked))

        for path in ("/x", "/xx", "/xxx"):
            self.upstream.at(path, slowly)
        started = self.reactor.seconds()
        trouble = await self.trouble(self.get(self.upstream.url("/x"), 0.4))
        self.assertEqual(trouble.reason, "no answer within 0.4 s (waiting for the head)")
        self.assertLess(self.reactor.seconds() - started, 5)


class PackedBodies(FetchCase):
    """gzip is not asked for; where it comes, or a request asks for it, it is unpacked in bounds."""

    def packed(self, body: bytes, encoding: str = "gzip") -> str:
        return self.upstream.at(
            "/x", lambda peer, asked: peer.answer(body, headers=[f"Content-Encoding: {encoding}"])
        )

    async def test_unpacked(self) -> None:
        for body, encoding in (
            (gzip.compress(OK_BODY), "gzip"),
            (zlib.compress(OK_BODY), "deflate"),
            (OK_BODY, "identity"),
        ):
            url = self.packed(body, encoding)
            answer = await self.get(url, headers=(("Accept-Encoding", "gzip"),))
            self.assertEqual(answer.body, OK_BODY)
        self.assertEqual((await self.get(self.packed(b""))).body, b"")
        self.assertEqual(self.upstream.requests[0].headers["accept-encoding"], "gzip")

    async def test_bomb(self) -> None:
        """Sixty kilobytes that would be sixty megabytes."""
        bomb = gzip.compress(b"\0" * 60_000_000)
        self.assertLess(len(bomb), 65536)
        for _ in range(20):
            trouble = await self.trouble(self.get(self.packed(bomb)))
            self.assertEqual(trouble.reason, "answer larger than 65536 bytes")

    async def test_broken(self) -> None:
        for body, encoding, reason in (
            (b"not gzip", "gzip", "answer is packed, and broken"),
            (gzip.compress(OK_BODY)[:-9], "gzip", "answer is packed, and not complete"),
            (OK_BODY, "br", "answer is packed in an unknown way: br"),
            (OK_BODY, "gzip, gzip", "answer is packed in an unknown way: gzip, gzip"),
        ):
            trouble = await self.trouble(self.get(self.packed(body, encoding)))
            self.assertEqual((trouble.reason, trouble.outcome), (reason, "body"))


class Memory(FetchCase):
    async def test_flat(self) -> None:
        """A thousand polls and a thousand failures leave what ten of each leave."""
        good = self.upstream.url()
        late = self.upstream.at("/silent", silent)

        async def some(times: int) -> None:
            for _ in range(times):
                fetches = [
                    running(self.get(url, s))
                    for url, s in ((good, LONG), (late, 0.01))
                    for _ in range(10)
                ]
                await DeferredList(fetches, consumeErrors=True)

        await some(2)
        before = await held()
        await some(50)
        await self.until(lambda: self.fetcher.figures.connections == self.fetcher.figures.idle)
        # On a busy machine the last aborted ones may take some turns to be gone.
        for _ in range(50):
            after = await held()
            if after["Connection"] <= 64 and after["Client"] <= 64:
                break
        self.assertLessEqual(after.pop("Connection"), 64)
        self.assertLessEqual(after.pop("Client"), 64)
        self.assertEqual(after, {kind: before[kind] for kind in after})
