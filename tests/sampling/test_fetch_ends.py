"""
Where a fetch can be when it ends: at its deadline, cancelled, or because tvmon stops.

Each step on the way, each end, over TCP and TLS.
"""

from __future__ import annotations

import re
import socket
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from tests.sampling.fetching import LONG, FetchCase, held, identity, patiently, running
from tests.upstream import OK_BODY, Upstream, says, silent, stall
from tvmon.errors import NoAnswer
from tvmon.sampling.names import Addresses, UnresolvedError
from tvmon.sampling.underway import UnderWay
from tvmon.servers import Request

HEAD = b"HTTP/1.1 200 OK\r\n"


class Steps(FetchCase):
    """A fetch that hangs at a step, brought to its end in three ways."""

    async def hang(self, step: str) -> tuple[Any, str, str]:
        """A fetcher, a URL at which it will hang, and what is said of it at the deadline."""
        plain, tls = self.upstream, self.serve_tls()
        if step == "name":
            fetcher = self.new_fetcher(lookup=lambda host: Deferred())
            return fetcher, plain.url(host="media1.example"), "looking up media1.example"
        if step == "connect":
            return self.fetcher, self.full_server(), "connecting"
        if step == "tls":
            return self.fetcher, self.serve(talks=False).url(scheme="https"), "TLS handshake"
        upstream = tls if step.endswith("over tls") else plain
        behaviour, said = {
            "head": (silent, "waiting for the head"),
            "in head": (says(HEAD), "head stopped after 17 bytes"),
            "body": (stall(b"x" * 120, 1000), "body stopped after 120 of 1000 bytes"),
            "frozen": (
                stall(b"x" * 120, 1000, then="freeze"),
                "body stopped after 120 of 1000 bytes",
            ),
        }[step.removesuffix(" over tls")]
        return self.fetcher, upstream.at("/x", behaviour), said

    def full_server(self) -> str:
        """One whose queue is full, so that the system answers no further connection."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    async def check(self, step: str) -> None:
        fetcher, url, said = await self.hang(step)
        before = await held()
        # The deadline.
        reason, waited = f"no answer within 0.25 s ({said})", [0.0]
        self.patch(UnderWay, "expire", patiently(re.escape(reason), 0.25, waited))
        started = self.reactor.seconds()
        trouble = await self.trouble(fetcher.fetch(Request(url), 0.25))
        self.assertEqual(trouble.reason, reason)
        self.assertEqual(trouble.outcome, "timeout")
        self.assertLess(self.reactor.seconds() - started - max(waited), 3)
        await self.nothing_left(fetcher)
        # Cancelled, at once and when it hangs.
        for seconds in (0.0, 0.1):
            fetching = running(fetcher.fetch(Request(url), LONG))
            await self.pause(seconds)
            fetching.cancel()
            try:
                await fetching
            except CancelledError:
                pass
            else:
                self.fail("cancelled, and yet an answer")
            await self.nothing_left(fetcher)
        del trouble, fetching
        self.assertEqual(await held(), before)
        # tvmon stops.
        fetching = running(fetcher.fetch(Request(url), LONG))
        await self.pause(0.1)
        await fetcher.close()
        trouble = await self.trouble(fetching)
        self.assertEqual(trouble.reason, "tvmon is stopping")
        await self.nothing_left(fetcher)
        del trouble, fetching
        self.assertEqual(await held(), before)
        trouble = await self.trouble(fetcher.fetch(Request(url), LONG))
        self.assertEqual(trouble.reason, "tvmon is stopping")

    async def nothing_left(self, fetcher: Any) -> None:
        for upstream in self.upstreams:
            upstream.thaw()
        await self.until(lambda: not fetcher.figures.connections, "no connection is left")
        await self.until(lambda: not self.client_sockets(), "no socket is left")
        await self.until(
            lambda: not any(upstream.open for upstream in self.upstreams), "the server sees it"
        )
        self.assertEqual(fetcher.figures.in_flight, 0)
        self.assertEqual(self.delayed_calls(), [])

    async def test_name(self) -> None:
        await self.check("name")

    async def test_connect(self) -> None:
        await self.check("connect")

    async def test_tls(self) -> None:
        await self.check("tls")

    async def test_head(self) -> None:
        await self.check("head")

    async def test_head_over_tls(self) -> None:
        await self.check("head over tls")

    async def test_in_head(self) -> None:
        await self.check("in head")

    async def test_body(self) -> None:
        await self.check("body")

    async def test_body_over_tls(self) -> None:
        await self.check("body over tls")

    async def test_frozen(self) -> None:
        await self.check("frozen")

    async def test_frozen_over_tls(self) -> None:
        """The other side reads no more, so TLS cannot be ended in order."""
        await self.check("frozen over tls")


class Closing(FetchCase):
    async def test_idle_connections(self) -> None:
        """Those are closed in order where the other side plays along."""
        tls = self.serve_tls()
        for upstream in (self.upstream, tls):
            await self.get(upstream.url())
        await self.fetcher.close()
        await self.until(lambda: not self.upstream.open and not tls.open)

    async def test_frozen_idle_connections(self) -> None:
        """And by force, soon, where it does not."""
        tls = self.serve_tls()
        await self.get(tls.url())
        for peer in tls.open:
            peer.freeze()
        started = self.reactor.seconds()
        await self.fetcher.close()
        self.assertLess(self.reactor.seconds() - started, 3)
        self.assertEqual(self.client_sockets(), [])

    async def test_twice(self) -> None:
        await self.get(self.upstream.url())
        await self.fetcher.close()
        await self.fetcher.close()

    async def test_many(self) -> None:
        self.upstream.at("/silent", silent)
        fetches = [running(self.get(self.upstream.url("/silent"))) for _ in range(50)]
        fetches += [running(self.get(self.upstream.url())) for _ in range(50)]
        await self.pause(0.05)
        await self.fetcher.close()
        for fetching in fetches:
            try:
                await fetching
            except NoAnswer as trouble:
                self.assertEqual(trouble.reason, "tvmon is stopping")


class HostNames(FetchCase):
    async def test_localhost(self) -> None:
        """By the system's own lookup; localhost may be ::1 first, where nobody listens."""
        for _ in range(3):
            answer = await self.get(self.upstream.url(host="localhost"))
            self.assertEqual(answer.body, OK_BODY)
        self.assertEqual(
            self.upstream.requests[0].headers["host"], f"localhost:{self.upstream.port}"
        )
        self.assertEqual(self.upstream.accepted, 1)

    async def test_no_such_host(self) -> None:
        trouble = await self.trouble(self.get("http://no-such-host.invalid/?token=x", 30.0))
        self.assertEqual(trouble.outcome, "dns")
        self.assertRegex(
            trouble.reason,
            r"^host name no-such-host\.invalid does not resolve"
            r"( \(the name server gives no answer\))?$",
        )

    async def test_words(self) -> None:
        for temporary, more in ((False, ""), (True, " (the name server gives no answer)")):
            error = UnresolvedError("media1.example", temporary)
            fetcher = self.new_fetcher(lookup=lambda host, error=error: fail(error))
            for _ in range(2):
                trouble = await self.trouble(fetcher.fetch(Request("http://Media1.example/"), LONG))
                self.assertEqual(trouble.reason, f"host name media1.example does not resolve{more}")

    async def test_hanging_lookups_hold_up_nobody(self) -> None:
        """Fifty names of a dead name server, beside addresses and a name that is known."""

        def lookup(host: str) -> Deferred[Addresses]:
            return succeed(("127.0.0.1",)) if host == "known.example" else Deferred()

        fetcher = self.new_fetcher(lookup=lookup)
        known = Request(self.upstream.url(host="known.example"))
        await fetcher.fetch(known, LONG)
        fetches = [
            running(fetcher.fetch(Request(f"http://dead{n}.example/"), 0.5)) for n in range(50)
        ]
        started = self.reactor.seconds()
        for _ in range(5):
            await fetcher.fetch(known, LONG)
            await fetcher.fetch(Request(self.upstream.url()), LONG)
        self.assertLess(self.reactor.seconds() - started, 0.5)
        for n, fetching in enumerate(fetches):
            trouble = await self.trouble(fetching)
            self.assertEqual(trouble.reason, f"no answer within 0.5 s (looking up dead{n}.example)")

    async def test_next_address(self) -> None:
        """Where one address refuses, the next one is taken at once; none: the first one's word."""
        both = self.new_fetcher(lookup=lambda host: succeed(("127.0.0.2", "127.0.0.1")))
        started = self.reactor.seconds()
        await both.fetch(Request(self.upstream.url(host="two.example")), LONG)
        self.assertLess(self.reactor.seconds() - started, 0.2)
        self.assertEqual(self.upstream.accepted, 1)
        none = self.new_fetcher(lookup=lambda host: succeed(("127.0.0.2", "127.0.0.3")))
        trouble = await self.trouble(
            none.fetch(Request(self.upstream.url(host="no.example")), LONG)
        )
        self.assertEqual((trouble.reason, trouble.outcome), ("connection refused", "refused"))


@implementer(IPolicyForHTTPS)
class Counting:
    """A policy that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, int]] = []

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:  # noqa: N802
        self.asked.append((hostname, port))
        return BrowserLikePolicyForHTTPS().creatorForNetloc(hostname, port)


class TLS(FetchCase):
    async def refused(self, upstream: Upstream, **more: Any) -> str:
        trouble = await self.trouble(self.get(upstream.url(**more)))
        self.assertEqual(trouble.outcome, "tls")
        await self.until(lambda: not upstream.open and not self.client_sockets())
        return trouble.reason

    async def test_trusted(self) -> None:
        tls = self.serve_tls()
        for host in ("127.0.0.1", "localhost", "127.0.0.1", "localhost"):
            self.assertEqual((await self.get(tls.url(host=host))).body, OK_BODY)
        self.assertEqual(tls.accepted, 2)

    async def test_untrusted(self) -> None:
        self.assertEqual(
            await self.refused(self.serve_tls("stranger")),
            "TLS handshake failed: the certificate is not trusted, or is out of date",
        )

    async def test_expired(self) -> None:
        self.trust(identity("expired", expired=True))
        self.assertEqual(
            await self.refused(self.serve_tls("expired")),
            "TLS handshake failed: the certificate is not trusted, or is out of date",
        )

    async def test_somebody_else(self) -> None:
        self.trust(identity("else", names=("else.example",), addresses=()))
        tls = self.serve_tls("else")
        for host in ("127.0.0.1", "localhost"):
            self.assertEqual(
                await self.refused(tls, host=host),
                f"TLS handshake failed: the certificate is not for {host}",
            )

    async def test_no_tls_there(self) -> None:
        url = self.upstream.url(scheme="https")
        self.upstream.greet = lambda peer: peer.write(b"220 mail.example ESMTP\r\n")
        trouble = await self.trouble(self.get(url))
        self.assertEqual(
            trouble.reason, "TLS handshake failed: the server does not speak TLS there"
        )

    async def test_http_server(self) -> None:
        """One that answers garbage with a page, in plain HTTP."""
        plain = self.serve(talks=False, greet=lambda peer: peer.later(0.02, peer.answer))
        self.assertEqual(
            await self.refused(plain, scheme="https"),
            "TLS handshake failed: the server does not speak TLS there",
        )

    async def test_closed_in_handshake(self) -> None:
        plain = self.serve(talks=False, greet=lambda peer: peer.later(0.02, peer.close))
        self.assertEqual(
            await self.refused(plain, scheme="https"), "TLS handshake failed: connection lost"
        )

    async def test_name_for_no_certificate(self) -> None:
        """A name that TLS cannot check; plain HTTP may have it."""
        fetcher = self.new_fetcher(lookup=lambda host: succeed(("127.0.0.1",)))
        url = self.upstream.url(host="media_server")
        self.assertEqual((await fetcher.fetch(Request(url), LONG)).status, 200)
        tls = self.serve_tls()
        trouble = await self.trouble(fetcher.fetch(Request(tls.url(host="media_server")), LONG))
        self.assertIsInstance(trouble, NoAnswer)

    async def test_policy(self) -> None:
        """It is asked once for each host, since what it makes is expensive."""
        policy, tls = Counting(), self.serve_tls()
        fetcher = self.new_fetcher(tls=policy, idle_per_origin=1)
        for _ in range(3):
            await fetcher.fetch(Request(tls.url(), method="POST"), LONG)
        self.assertEqual(policy.asked, [(b"127.0.0.1", tls.port)])
