"""
Every fault of a media server: the words, the time, nothing left, and nobody else delayed.

Each fault happens to twenty fetches at once, while another server is polled by the same fetcher.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from tests.sampling.fetching import LONG, FetchCase, held, patiently, running
from tests.upstream import OK_BODY, Behaviour, Upstream, drip, flood, redirect, says, silent, stall
from tvmon.errors import NoAnswer, Outcome
from tvmon.sampling.underway import UnderWay

AT_ONCE = 20

DEADLINE = 0.4

SECRET = "hunter2"

MEBIBYTE = b"x" * 1024 * 1024

OK_HEAD = b"HTTP/1.1 200 OK\r\n"

CHUNKED = OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Fault:
    """
    What a server does, and what is to be said of it.

    :param late: it lasts until the deadline
    """

    behaviour: Behaviour
    reason: str
    outcome: Outcome
    late: bool = False


def late(behaviour: Behaviour, where: str) -> Fault:
    return Fault(behaviour, rf"no answer within 0\.4 s \({where}\)", "timeout", late=True)


FAULTS = {
    # It takes long.
    "silent": late(silent, "waiting for the head"),
    "drip_head": late(drip(OK_HEAD * 100), r"head stopped after \d+ bytes"),
    "drip_fast_head": late(drip(OK_HEAD * 100, 0.05), r"head stopped after \d+ bytes"),
    "drip_body": late(
        lambda peer, asked: (
            peer.write(OK_HEAD + b"Content-Length: 99\r\n\r\n"),
            drip(b"x" * 99, 0.05)(peer, asked),
        ),
        r"body stopped after \d+ of 99 bytes",
    ),
    "drip_chunks": late(
        lambda peer, asked: (peer.write(CHUNKED), drip(b"1\r\nx\r\n" * 99, 0.05)(peer, asked)),
        r"body stopped after \d+ bytes",
    ),
    "stall_in_head": late(says(OK_HEAD), "head stopped after 17 bytes"),
    "stall_before_body": late(stall(b"", 1000), "body stopped after 0 of 1000 bytes"),
    "stall_in_body": late(stall(b"x" * 120, 1000), "body stopped after 120 of 1000 bytes"),
    "stall_in_chunk": late(says(CHUNKED + b"5\r\nabc"), "body stopped after 3 bytes"),
    "frozen": late(stall(b"x" * 120, 1000, then="freeze"), "body stopped after 120 of 1000 bytes"),
    "drip_1xx": late(
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 9, 0.01), r"head stopped after \d+ bytes"
    ),
    # It is too much.
    "huge_declared": Fault(
        flood(OK_HEAD + b"Content-Length: 104857600\r\n\r\n", MEBIBYTE),
        "answer larger than 65536 bytes",
        "size",
    ),
    "huge_until_close": Fault(
        flood(OK_HEAD + b"\r\n", MEBIBYTE), "answer larger than 65536 bytes", "size"
    ),
    "huge_chunked": Fault(
        flood(CHUNKED, b"100000\r\n%b\r\n" % MEBIBYTE), "answer larger than 65536 bytes", "size"
    ),
    "endless_head": Fault(
        flood(OK_HEAD, b"X-More: and more\r\n" * 1000),
        "head of the answer larger than 16384 bytes",
        "size",
    ),
    "endless_line": Fault(
        flood(OK_HEAD + b"X-More: ", b"and more" * 1000),
        "head of the answer larger than 16384 bytes",
        "size",
    ),
    "endless_folded_line": Fault(
        flood(OK_HEAD + b"X-More: ", b"and more\r\n " * 1000),
        "head of the answer larger than 16384 bytes",
        "size",
    ),
    "endless_phrase": Fault(
        flood(b"HTTP/1.1 200 O", b"K" * 1000), "head of the answer larger than 16384 bytes", "size"
    ),
    "endless_1xx": Fault(
        flood(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 20),
        "head of the answer larger than 16384 bytes",
        "size",
    ),
    "endless_trailer": Fault(
        flood(CHUNKED + b"1\r\nx\r\n0\r\n", b"X-More: and more\r\n" * 1000),
        "broken HTTP answer: its body cannot be read after 1 bytes",
        "connection",
    ),
    # It ends too soon.
    "close_before_head": Fault(
        lambda peer, asked: peer.close(), "connection lost before the answer", "connection"
    ),
    "reset_before_head": Fault(
        lambda peer, asked: peer.abort(), "connection lost before the answer", "connection"
    ),
    "close_in_head": Fault(
        says(OK_HEAD, then="close"), "connection lost in the head, after 17 bytes", "connection"
    ),
    "close_in_body": Fault(
        stall(b"x" * 120, 1000, then="close"),
        "connection lost after 120 of 1000 bytes",
        "connection",
    ),
    "reset_in_body": Fault(
        stall(b"x" * 120, 1000, then="abort"),
        "connection lost after 120 of 1000 bytes",
        "connection",
    ),
    "reset_in_body_until_close": Fault(
        says(OK_HEAD + b"\r\n" + b"x" * 120, then="abort"),
        "connection lost after 120 bytes",
        "connection",
    ),
    "close_in_chunk": Fault(
        says(CHUNKED + b"5\r\nabc", then="close"), "connection lost after 3 bytes", "connection"
    ),
    # It is not HTTP.
    "garbage": Fault(says(b"\x00\x01\x02garbage\r\n\r\n"), "not an HTTP answer", "connection"),
    "bare_body": Fault(says(OK_BODY), "not an HTTP answer", "connection"),
    "shoutcast": Fault(says(b"ICY 200 OK\r\n\r\n"), "not an HTTP answer", "connection"),
    "bad_status": Fault(
        says(b"HTTP/1.1 fine OK\r\n\r\n"),
        "broken HTTP answer: its head cannot be read",
        "connection",
    ),
    "bad_header": Fault(
        says(OK_HEAD + b"no colon\r\n\r\n"),
        "broken HTTP answer: its head cannot be read",
        "connection",
    ),
    "bad_length": Fault(
        says(OK_HEAD + b"Content-Length: -5\r\n\r\n"),
        "broken HTTP answer: its head cannot be read",
        "connection",
    ),
    "two_lengths": Fault(
        says(OK_HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        "broken HTTP answer: its head cannot be read",
        "connection",
    ),
    "unknown_coding": Fault(
        says(OK_HEAD + b"Transfer-Encoding: magic\r\n\r\n"),
        "broken HTTP answer: its head cannot be read",
        "connection",
    ),
    "bad_chunk": Fault(
        says(CHUNKED + b"3\r\nabc\r\nmore\r\n"),
        "broken HTTP answer: its body cannot be read after 3 bytes",
        "connection",
    ),
    "long_chunk_line": Fault(
        says(CHUNKED + b"3;" + b"x" * 5000),
        "broken HTTP answer: its body cannot be read after 0 bytes",
        "connection",
    ),
    # It leads elsewhere.
    "redirect_to_itself": Fault(redirect("/fault?again"), "redirect loop", "redirect"),
    "redirect_endlessly": Fault(
        lambda peer, asked: redirect(asked.target + "x")(peer, asked),
        "redirected more than 3 times",
        "redirect",
    ),
    "redirect_to_ftp": Fault(
        redirect("ftp://127.0.0.1/"),
        "redirected, and the URL does not begin with http:// or https://",
        "redirect",
    ),
    "redirect_to_nowhere": Fault(
        redirect("http://:1/"), "redirected, and the URL names no host", "redirect"
    ),
    "redirect_to_refused": Fault(redirect("http://127.0.0.1:1/"), "connection refused", "refused"),
}


class Faults(FetchCase):
    """Faults over plain TCP; what holds over TLS, too, runs there once more."""

    def setUp(self) -> None:
        super().setUp()
        self.healthy = self.serve()

    async def suffer(self, fault: Fault, upstream: Upstream) -> None:
        """Let it happen to many at once, and look at everything that could come of it."""
        upstream.at("/fault", fault.behaviour)
        url = upstream.url(f"/fault?token={SECRET}").replace("://", f"://user:{SECRET}@")
        if upstream._scheme == "https":
            await self.get(upstream.url())
        await self.get(self.healthy.url())
        before = await held()
        latencies: list[float] = []
        over: list[bool] = []
        polling = Deferred.fromCoroutine(self.poll(latencies, over))
        waited = [0.0]
        if fault.late:
            self.patch(UnderWay, "expire", patiently(fault.reason, DEADLINE, waited))
        started = self.reactor.seconds()
        seconds = DEADLINE if fault.late else LONG
        fetches = [running(self.get(url, seconds)) for _ in range(AT_ONCE)]
        results = await DeferredList(fetches, consumeErrors=True)
        took = self.reactor.seconds() - started
        over.append(True)
        await polling

        for succeeded, failure in results:
            self.assertFalse(succeeded, failure)
            trouble = failure.value
            self.assertIsInstance(trouble, NoAnswer)
            self.assertRegex(trouble.reason, f"^{fault.reason}$")
            self.assertEqual(trouble.outcome, fault.outcome)
            self.assertNotIn(SECRET, trouble.reason)
        del results, fetches, failure, trouble
        if fault.late:
            self.assertGreaterEqual(took, DEADLINE - 0.01)
        self.assertLess(took - max(waited), DEADLINE + 3 if fault.late else LONG)
        self.assertLess(statistics.median(latencies), 0.3)
        self.assertLess(max(latencies), 2.0)
        await self.nothing_left(upstream, before)
        self.assertLess(upstream.poured, AT_ONCE * 16 * len(MEBIBYTE))

    async def nothing_left(self, upstream: Upstream, before: dict[str, int]) -> None:
        """Nothing but the healthy server's connection is there, on either side."""
        upstream.thaw()
        # Of a server that can be talked to, an idle connection may be left.
        await self.until(
            lambda: self.fetcher.figures.connections == self.fetcher.figures.idle,
            "only idle connections are left",
        )
        idle = self.fetcher.figures.idle
        await self.until(lambda: len(self.client_sockets()) == idle, "only idle sockets are left")
        await self.until(
            lambda: len(upstream.open) + len(self.healthy.open) == idle, "the server sees it, too"
        )
        self.assertEqual(self.fetcher.figures.in_flight, 0)
        # The one that looks after idle connections; what marks the end of a turn comes with it.
        await self.until(lambda: len(self.delayed_calls()) <= 1, "only the sweep is left")
        if idle == before["Connection"]:
            self.assertEqual(await held(), before)
        else:
            self.assertEqual((await held())["Connection"], idle)

    async def poll(self, latencies: list[float], over: list[bool]) -> None:
        """Poll the healthy server, as often as it is done, until told; at least three times."""
        while not over or len(latencies) < 3:
            started = self.reactor.seconds()
            answer = await self.get(self.healthy.url())
            self.assertEqual(answer.body, OK_BODY)
            latencies.append(self.reactor.seconds() - started)
            await self.pause(0.05)

    # What needs a server of its own, or none.

    async def test_refused(self) -> None:
        """Nobody listens."""
        nobody = self.serve()
        url = nobody.url(f"/?token={SECRET}")
        await nobody.stop()
        for _ in range(3):
            trouble = await self.trouble(self.get(url))
            self.assertEqual((trouble.reason, trouble.outcome), ("connection refused", "refused"))

    async def test_accepted_and_silent(self) -> None:
        """It accepts, and does not even read."""
        await self.suffer(late(silent, "waiting for the head"), self.serve(talks=False))

    async def test_closed_when_accepted(self) -> None:
        """A full server drops whoever connects."""
        fault = Fault(silent, "connection lost before the answer", "connection")
        await self.suffer(fault, self.serve(greet=lambda peer: peer.close()))

    async def test_plain_to_tls(self) -> None:
        """http:// to a port that speaks TLS."""
        server = self.serve_tls()
        trouble = await self.trouble(self.get(server.url(scheme="http"), 5.0))
        self.assertRegex(trouble.reason, "not an HTTP answer|connection lost")
        self.assertEqual(trouble.outcome, "connection")


def add(cases: type[Faults], prefix: str, names: Any, server: Callable[[Faults], Upstream]) -> None:
    """A test for each fault."""
    for name in names:

        async def test(self: Faults, fault: Fault = FAULTS[name]) -> None:
            await self.suffer(fault, server(self))

        setattr(cases, f"test_{prefix}{name}", test)


add(Faults, "", FAULTS, lambda case: case.upstream)

add(
    Faults,
    "tls_",
    (
        "silent",
        "drip_fast_head",
        "drip_body",
        "stall_in_body",
        "frozen",
        "huge_declared",
        "huge_until_close",
        "endless_head",
        "close_before_head",
        "close_in_body",
        "reset_in_body",
        "garbage",
        "bad_chunk",
        "redirect_to_itself",
    ),
    lambda case: case.serve_tls(),
)
