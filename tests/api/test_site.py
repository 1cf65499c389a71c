"""What holds for every request."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.api.support import MemoryCase, SocketCase, Wire, counted, stream
from tests.waiting import until
from tvmon.api.site import route

ROUTES = (
    "/",
    "/index.html",
    "/samples",
    "/samples/0-1////",
    "/samples/1000/history",
    "/metrics",
    "/-/healthy",
    "/-/ready",
    "/api",
)
REFUSED = (
    "/nothing",
    "/samples/",
    "/samples/x/history",
    "/-/",
    "/-",
    "/api/x",
    "/events/x",
    "/%ff",
)


class EveryRequestTests(MemoryCase):
    """Headers, errors, limits."""

    def setUp(self) -> None:
        super().setUp()
        self.world.kept[1000] = []

    def test_every_answer_says_how_it_may_be_used(self) -> None:
        for path in (*ROUTES, *REFUSED):
            for method in ("GET", "HEAD", "POST"):
                answer = self.get(path, method)
                for name, value in (
                    ("Server", "tvmon"),
                    ("X-Content-Type-Options", "nosniff"),
                    ("X-Frame-Options", "DENY"),
                    ("Referrer-Policy", "no-referrer"),
                    ("Cross-Origin-Resource-Policy", "same-origin"),
                    ("Cross-Origin-Opener-Policy", "same-origin"),
                    ("Cache-Control", "no-cache"),
                ):
                    self.assertEqual(answer.header(name), value, (method, path))
                policy = answer.header("Content-Security-Policy") or ""
                for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
                    self.assertIn(part, policy)
                self.assertNotIn("unsafe", policy)

    def test_what_is_not_there_is_not_found_in_json(self) -> None:
        for path in (
            "/nothing",
            "/Samples",
            "/samples2",
            "/-",
            "/-/",
            "/-/x",
            "/-/healthy/",
            "/-/healthy/x",
            "/metrics/",
            "/metrics/x",
            "/events/x",
            "/api/",
            "/api/x",
            "/samples%2F0-1",
            "/favicon.ico",
        ):
            answer = self.get(path)
            self.assertEqual(answer.code, 404, path)
            self.assertEqual(answer.header("Content-Type"), "application/json")
            self.assertEqual(set(answer.error), {"message"})

    def test_only_reading_is_allowed(self) -> None:
        for path in (*ROUTES, "/events"):
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get"):
                answer = self.get(path, method)
                self.assertEqual(answer.code, 405, (method, path))
                self.assertEqual(answer.header("Allow"), "GET, HEAD")
                self.assertEqual(answer.error["allowed"], ["GET", "HEAD"])

    def test_head_is_get_without_a_body(self) -> None:
        for path in (*ROUTES, *REFUSED):
            got, head = self.get(path), self.get(path, "HEAD")
            self.assertEqual((head.code, head.body), (got.code, b""), path)
            for name in ("Content-Type", "ETag", "Vary"):
                self.assertEqual(head.header(name), got.header(name), (name, path))

    def test_gzip_wherever_it_saves_something(self) -> None:
        for path in ("/api", "/samples", "/metrics", "/samples/0-0//colour//"):
            packed, plain = self.get(path, Accept_Encoding="gzip"), self.get(path)
            self.assertEqual(packed.header("Content-Encoding"), "gzip", path)
            self.assertEqual(packed.header("Vary"), "Accept-Encoding")
            self.assertIsNone(plain.header("Content-Encoding"))
            self.assertEqual(plain.header("Vary"), "Accept-Encoding")
        self.assertIsNone(self.get("/-/ready", Accept_Encoding="gzip").header("Content-Encoding"))

    def test_a_long_address(self) -> None:
        for path in ("/samples/0-0/" + "x" * 4100 + "///", "/?" + "x" * 4100, "/" + "x" * 4100):
            answer = self.get(path)
            self.assertEqual(answer.code, 414)
            self.assertIn("4096", answer.error["message"])
        self.assertEqual(self.get("/samples/0-0/" + "x" * 4000 + "///").code, 200)

    def test_many_arguments(self) -> None:
        many = "&".join(f"limit={n}" for n in range(300))
        for path in ("/samples", "/samples/1000/history", "/events", "/metrics", "/api"):
            self.assertEqual(self.get(f"{path}?{many}").code, 400, path)

    def test_addresses_that_cannot_be_read_are_refused_and_not_logged(self) -> None:
        for path in ("/%ff", "/samples/%ff", "/events%ff", "/-/%c3", "/api/%", "/metrics/%0"):
            answer = self.get(path)
            self.assertEqual(answer.code, 400, path)
            self.assertIn("part", answer.error)

    def test_routes_are_a_closed_set(self) -> None:
        self.assertEqual(
            {route(path.split(b"/")[1], path) for path in map(str.encode, (*ROUTES, *REFUSED))},
            {"page", "samples", "history", "metrics", "healthy", "ready", "api", "events"},
        )


class WireTests(SocketCase):
    """What only a real connection shows."""

    streams = tuple(stream(number) for number in range(8))

    def setUp(self) -> None:
        super().setUp()
        self.logged: list[Any] = []
        observer: Any = self.logged.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    async def exchange(self, *sent: bytes) -> bytes:
        wire = await self.connect()
        for each in sent:
            wire.tcp.write(each)
        await until(lambda: wire.lost, why="the connection is closed")
        return wire.heard

    async def test_hosts_that_are_none_are_of_no_account(self) -> None:
        for host in (
            b"",
            b"\xff\xfe",
            b"a b",
            b"x" * 3000,
            b"\xc3\xa4" * 70 + b".x",
            b"[::1",
            b":",
        ):
            heard = await self.exchange(
                b"GET /-/ready HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
            )
            self.assertIn(b'"ready":true', heard, host)
        heard = await self.exchange(b"GET /samples HTTP/1.0\r\n\r\n")
        self.assertIn(b'"total_samples":8', heard)

    async def test_what_is_no_request_is_refused_quietly(self) -> None:
        for sent in (
            b"nonsense\r\n\r\n",
            b"GET /samples HTTP/9.9\r\n\r\n",
            b"G\xc3\xa4T /samples HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 600 + b"\r\n",
        ):
            self.assertIn(b"400 Bad Request", await self.exchange(sent))
        for sent in (
            b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n",
        ):
            self.assertEqual(await self.exchange(sent), b"", "closed, as no end of it is in sight")
        self.assertEqual(self.noise(), [])

    async def test_a_body_is_not_kept(self) -> None:
        body = b"x=1&" * 250_000
        for kind in (b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x"):
            heard = await self.exchange(
                b"POST /samples HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: " + kind
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body),
                body,
            )  # fmt: skip
            self.assertIn(b"405 Method Not Allowed", heard)

    async def test_head_says_the_length(self) -> None:
        for path in (b"/samples", b"/api", b"/-/healthy", b"/metrics", b"/nothing"):
            ask = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            got = await self.exchange(b"GET " + path + ask)
            head = await self.exchange(b"HEAD " + path + ask)
            self.assertTrue(head.endswith(b"\r\n\r\n"))
            length = next(
                line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            if path != b"/metrics":  # the two requests are counted in it
                body = got.partition(b"\r\n\r\n")[2]
                self.assertEqual(int(length.split(b":")[1]), len(body), path)

    async def test_clients_that_leave_are_counted_and_nothing_is_logged(self) -> None:
        self.world.filled = Deferred()
        for path in ("/samples", "/samples/1000/history", "/events"):
            wire = await self.send(path)
            before = len(self.reactor.getReaders())
            await until(lambda before=before: len(self.reactor.getReaders()) >= before)
            self.gone(wire)
            await until(lambda wire=wire: wire.lost)
        other = await self.send("/-/healthy")
        await self.hear(other, b"healthy")
        self.world.filled.callback(None)
        late = await self.send("/samples", "Connection: close")
        await until(lambda: late.lost)
        self.assertIn(b'"total_samples":8', late.heard)
        self.assertGreater(counted(self.api, "healthy", "200"), 0)
        self.assertEqual(self.noise(), [])

    async def test_no_request_is_a_line_in_the_log(self) -> None:
        for path in ("/samples?secret=1", "/", "/nothing", "/samples/%ff", "/-/ready"):
            wire = await self.send(path, "Connection: close", "Authorization: Bearer secret")
            await until(lambda wire=wire: wire.lost)
        self.assertEqual(self.noise(), [])

    def gone(self, wire: Wire) -> None:
        wire.tcp.abortConnection()

    def noise(self) -> list[Any]:
        return [event for event in self.logged if "log_failure" in event or "secret" in str(event)]

    async def test_behind_a_prefix_every_address_is_relative(self) -> None:
        for path in ("/", "/api", "/js", "/samples"):
            wire = await self.send(path, "Connection: close", "Host: evil.example")
            await until(lambda wire=wire: wire.lost)
            self.assertNotIn(b"evil.example", wire.heard)
            self.assertNotIn(b"Location:", wire.heard)

    async def test_a_stop_closes_idle_connections_too(self) -> None:
        wire = await self.send("/-/healthy")
        await self.hear(wire, b"healthy")
        await self.api.stop()
        await until(lambda: wire.lost)

    async def test_a_stop_closes_connections_that_were_never_used(self) -> None:
        wire = await self.connect()
        # The server has taken it in once a later one is answered.
        await self.hear(await self.send("/-/healthy"), b"healthy")
        await self.api.stop()
        await until(lambda: wire.lost)
        self.assertEqual(wire.heard, b"")

    async def test_nothing_is_answered_over_a_connection_after_a_stop(self) -> None:
        self.world.filled = Deferred()
        waiting = await self.connect()
        ask = b" HTTP/1.1\r\nHost: x\r\n\r\n"
        waiting.tcp.write(b"GET /samples" + ask + b"GET /-/ready" + ask)
        await self.hear(await self.send("/-/healthy"), b"healthy")
        await self.api.stop()
        self.world.filled.callback(None)
        await until(lambda: waiting.lost)
        self.assertNotIn(b"200 OK", waiting.heard)

    async def test_a_connection_that_comes_after_a_stop_is_refused_and_closed(self) -> None:
        await self.api.stop()
        for path in ("/", "/samples", "/events", "/-/healthy", "/metrics"):
            for headers in ((), ("Connection: close",)):
                wire = await self.send(path, *headers)
                await until(lambda wire=wire: wire.lost)
                head, _, body = wire.heard.partition(b"\r\n\r\n")
                self.assertIn(b" 503 ", head)
                self.assertEqual(head.count(b"Connection: close"), 1)
                self.assertIn(b"Retry-After: 5", head)
                self.assertIn("stopped", json.loads(body)["error"]["message"])

    async def test_what_is_said_of_an_error_is_json(self) -> None:
        wire = await self.send("/samples/0-0//x//", "Connection: close")
        await until(lambda: wire.lost)
        body = json.loads(wire.heard.partition(b"\r\n\r\n")[2])
        self.assertEqual(body["error"]["part"], "sort_by")


class RouteTests(SynchronousTestCase):
    """What a request is counted as."""

    def test_routes(self) -> None:
        for path, name in (
            (b"/", "page"),
            (b"/x", "page"),
            (b"/samples", "samples"),
            (b"/samples/1/history", "history"),
            (b"/-/healthy", "healthy"),
            (b"/-/ready", "ready"),
            (b"/-/x", "page"),
            (b"/events", "events"),
            (b"/api", "api"),
        ):
            self.assertEqual(route(path.split(b"/")[1], path), name)
