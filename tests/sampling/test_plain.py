"""
Plain answers, read beside Twisted: whatever a server sends, and however it arrives, both say the
same of it.

Two fetchers get the same bytes in the same pieces; one of them leaves all reading to Twisted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase
from twisted.web._newclient import HTTPClientParser

from tests.sampling.wires import BODY_BYTES, SECONDS, Held, Outcome
from tvmon.sampling.plain import PLAIN_BYTES, Reading, plain_head
from tvmon.servers import Answer

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

End = Callable[[Held], object]
ENDS: dict[str, End] = {
    "the server closes": lambda held: held.wire.ends(ConnectionDone()),
    "the server resets": lambda held: held.wire.ends(ConnectionLost()),
    "nothing more comes": lambda held: held.clock.advance(SECONDS + 0.1),
    "tvmon stops": lambda held: Deferred.fromCoroutine(held.fetcher.close()),
}


def told(pieces: Sequence[bytes], end: str, *, plain: bool, used: bool) -> list[Outcome]:
    """
    What is said once all pieces have come, and after the end.

    :param used: on a connection that has served before
    """
    held = Held(reads_plain=plain)
    if used:
        first = held.ask()
        held.comes(GOOD)
        assert isinstance(held.outcome(first).answer, Answer)
    asked = held.ask(wanted=("etag", "date"))
    for piece in pieces:
        held.comes(piece)
    before = held.outcome(asked)
    ENDS[end](held)
    held.clock.advance(0.0)
    held.connect()  # it may be asked again
    if held.fetcher.figures.in_flight:
        held.comes(GOOD)
    after = held.outcome(asked)
    held.clock.advance(SECONDS + 30.0)
    assert held.fetcher.figures.in_flight == 0
    return [before, after]


def pieces_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(at)]


LINES = (
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 404 Not  Found ", b"HTTP/1.1 500 \xe9",
    b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 x", b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 302 Found", b"HTTP/1.1 2000 OK", b"HTTP/1.1 99 OK", b"HTTP/1.1  200 OK",
    b"HTTP/2 200", b"http/1.1 200 OK", b"HTTP/1.1 200 " + b"long " * 40, b"ICY 200 OK",
)  # fmt: skip
HEADERS = (
    b"Content-Length: 5", b"content-length:5", b"CONTENT-LENGTH:  5  ", b"Content-Length: 0",
    b"Content-Length: 05", b"Content-Length: +5", b"Content-Length: -5", b"Content-Length: 5, 5",
    b"Content-Length: 6", b"Content-Length: 4", b"Content-Length: 3000", b"Content-Length: x",
    b"Content-Length: 99999999999", b"Content-Length:", b"Content-Length : 5",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"transfer-encoding:CHUNKED",
    b"Connection: close", b"Connection: Close", b"Connection: keep-alive", b"Connection: upgrade",
    b"Connection: keep-alive, close", b"Content-Encoding: gzip", b"Content-Encoding: identity",
    b"Content-Type: text/plain", b"ETag: \"one\"", b"etag: two", b"Date: \xff", b"Date:\tnow",
    b"Location: /more", b"Upgrade: h2c", b" folded", b"\tfolded", b"no colon", b": no name",
    b"X: a\rb", b"X\x00: 1", b"X: " + b"y" * 500, b"Trailers: a",
)  # fmt: skip
BODIES = (
    b"hello", b"", b"hell", b"hello!", b"5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"5\r\nhelloX", b"5;x=y\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFF\r\n", b"x" * 3000, GOOD,
    b"hello" + GOOD, b"\r\n", b"\r\n\r\n",
)  # fmt: skip

heads = st.builds(
    lambda line, headers, ends: ends.join([line, *headers]) + ends + ends,
    st.sampled_from(LINES[:2]) | st.sampled_from(LINES),
    st.lists(st.sampled_from(HEADERS[:4]) | st.sampled_from(HEADERS), max_size=5),
    st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n")),
)
answers = st.builds(
    lambda first, head, body: first + head + body,
    st.sampled_from((b"", b"", b"", b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n")),
    heads,
    st.sampled_from(BODIES),
)
noise = st.builds(
    lambda data, at, byte: data[: at % len(data)] + byte + data[at % len(data) + 1 :],
    answers,
    st.integers(0, 10_000),
    st.binary(max_size=2),
)
cuts = st.lists(st.integers(0, 10_000), max_size=4)
ends = st.sampled_from(sorted(ENDS))


class BesideTwisted(SynchronousTestCase):
    def setUp(self) -> None:
        # Twisted logs each 1xx answer with all that is behind it.
        self.patch(HTTPClientParser, "_log", Logger(observer=lambda event: None))

    def same(self, pieces: Sequence[bytes], end: str, used: bool = True) -> None:
        """Both say the same."""
        ours, twisteds = (told(pieces, end, plain=plain, used=used) for plain in (True, False))
        refused = twisteds[0].answer
        if isinstance(refused, tuple) and refused[1] in ("size", "body"):
            # Where all of such an answer had come, ours may keep the connection.
            self.assertEqual(ours[0].answer, refused)
        else:
            self.assertEqual(ours, twisteds)

    @given(answers | noise, cuts, ends, st.booleans())
    @example(GOOD, [], "the server closes", True)
    @example(GOOD + GOOD, [], "nothing more comes", True)
    def test_whatever_comes(self, data: bytes, cuts: list[int], end: str, used: bool) -> None:
        self.same(pieces_of(data, cuts), end, used)

    @given(st.binary(max_size=200), cuts, ends)
    def test_whatever_is_no_http(self, data: bytes, cuts: list[int], end: str) -> None:
        self.same(pieces_of(data, cuts), end)

    def test_cut_at_every_byte(self) -> None:
        for data in (
            GOOD,
            GOOD + b"more",
            b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
            b"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nhello",
        ):
            for end in ENDS:
                for at in range(len(data) + 1):
                    self.same([piece for piece in (data[:at], data[at:]) if piece], end)
                self.same([data[at : at + 1] for at in range(len(data))], end)

    def test_broken_off_at_every_byte(self) -> None:
        for used in (False, True):
            for at in range(len(GOOD)):
                for end in ENDS:
                    self.same([GOOD[:at]] if at else [], end, used)

    def test_heads_and_bodies_at_their_bounds(self) -> None:
        for padding in (16_300, 16_330, 16_384, 17_000):
            head = b"HTTP/1.1 200 OK\r\nX: " + b"x" * padding + b"\r\nContent-Length: 5\r\n\r\n"
            for pieces in ([head + b"hello"], [head[:9000], head[9000:] + b"hello"]):
                self.same(pieces, "nothing more comes")
        for length in (BODY_BYTES - 1, BODY_BYTES, BODY_BYTES + 1):
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
            for body in (b"x" * length, b"x" * 10):
                self.same([head, body], "nothing more comes")
                self.same([head + body], "nothing more comes")


class Handed(SynchronousTestCase):
    """Which answers are read here, and that it is these that nearly all are."""

    def test_plain_ones(self) -> None:
        for head in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx/0.8.22\r\nContent-Length: 173\r\n"
            b"Connection: close\r\nX-TVie-Debug: Connect to upstream failed\r\n\r\n",
        ):
            read = plain_head(head)
            assert read is not None
            self.assertEqual(read.closes, b"close" in head)
            self.assertIn(read.length, (5, 173))

    def test_not_plain_ones(self) -> None:
        for head in (
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        ):
            self.assertIsNone(plain_head(head), head)

    def test_a_long_body_is_not_gathered_here(self) -> None:
        reading = Reading(1000, 10 * PLAIN_BYTES)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (PLAIN_BYTES + 1)
        self.assertIsNone(reading.take(head))
        self.assertFalse(reading.is_plain)

    def test_a_plain_answer_needs_nothing_of_treq(self) -> None:
        held = Held()
        self.patch(HTTPClientParser, "dataReceived", lambda *_: self.fail("it was handed on"))
        for _ in range(2):
            asked = held.ask(wanted=("etag",))
            held.comes(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 5\r\n\r\nhe')
            held.comes(b"llo")
            self.assertEqual(
                held.outcome(asked).answer, Answer(200, "OK", b"hello", {"etag": '"a"'})
            )
        self.assertEqual(held.fetcher.figures.reused, 1)
        sent = held.wire.value()
        self.assertEqual(sent.count(b"GET /stat HTTP/1.1\r\nHost: media.example\r\n"), 2)

    def test_treq_reads_all_where_that_is_wanted(self) -> None:
        read: list[bytes] = []
        treqs = HTTPClientParser.dataReceived

        def seen(parser: HTTPClientParser, data: bytes) -> None:
            read.append(data)
            treqs(parser, data)

        self.patch(HTTPClientParser, "dataReceived", seen)
        held = Held(reads_plain=False)
        asked = held.ask()
        held.comes(GOOD)
        self.assertEqual(held.outcome(asked).answer, Answer(200, "OK", b"hello"))
        self.assertEqual(read, [GOOD])
