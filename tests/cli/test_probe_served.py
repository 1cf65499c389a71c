"""``tvmon probe`` against real HTTP servers of every kind, and of none."""

from __future__ import annotations

import socket
import tempfile
from io import StringIO
from pathlib import Path

import simplejson
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.upstream import Asked, Behaviour, Peer, Upstream, redirect, silent
from tvmon.cli.arguments import Host
from tvmon.cli.probing import probe
from tvmon.cli.terminal import Terminal
from tvmon.config import Config, load
from tvmon.servers import Answer, Found, Kind, Probe
from tvmon.servers.kinds import kinds

NGINX = (
    "<rtmp><nginx_version>1.22.1</nginx_version><nginx_rtmp_version>1.1.4</nginx_rtmp_version>"
    "<compiler>gcc</compiler><pid>7</pid><uptime>9</uptime><server></server></rtmp>"
)


def answers(body: object, status: str = "200 OK", *headers: str) -> Behaviour:
    """This body; what is no bytes is put into JSON."""
    data = body if isinstance(body, bytes) else simplejson.dumps(body).encode()
    return lambda peer, asked: peer.answer(data, status, headers)


def not_found(peer: Peer, asked: Asked) -> None:
    peer.answer(b"not here", "404 Not Found")


REAL: dict[str, dict[str, Behaviour]] = {
    "nginx-rtmp": {"/stat": answers(NGINX.encode())},
    "icecast": {
        "/status-json.xsl": answers({"icestats": {"server_id": "Icecast 2.4.4"}}),
        "/admin/stats": answers(
            b"401", "401 Authentication Required", 'WWW-Authenticate: Basic realm="Icecast2 Server"'
        ),
    },
    "node-media-server": {
        "/api/v1/health": answers({"success": True, "data": {"status": "ok", "version": "4.4.3"}})
    },
    "srs": {"/api/v1/versions": answers({"code": 0, "data": {"version": "5.0.213"}})},
    "mediamtx": {"/v3/paths/list": answers({"itemCount": 0, "pageCount": 0, "items": []})},
}
"""What each kind's probes are answered."""


class ProbeCase(TestCase):
    """A host with some servers."""

    def setUp(self) -> None:
        self.out, self.err = StringIO(), StringIO()
        self.upstream = self.serve({})

    def serve(self, pages: dict[str, Behaviour]) -> Upstream:
        """One more server; other paths are not found."""
        upstream = Upstream(reactor)
        self.addCleanup(upstream.stop)
        upstream.behaviour_of = lambda target: pages.get(target, not_found)  # type: ignore[method-assign]
        return upstream

    async def probe(
        self,
        *at: Upstream | int,
        of: tuple[Kind, ...] = (),
        deadline: float = 10.0,
        verbose: bool = False,
        host: str = "127.0.0.1",
    ) -> int:
        return await probe(
            reactor,
            Host(host, None),
            of or tuple(kinds().values()),
            [each if isinstance(each, int) else each.port for each in at],
            deadline=deadline,
            verbose=verbose,
            terminal=Terminal(self.out, self.err),
        )

    def load(self) -> Config:
        """The configuration that was printed, behind another one, with its variables set."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "tvmon.conf"
        path.write_text("[log]\nlevel = 'info'\n" + self.out.getvalue())
        names = ("ICECAST", "NMS", "SRS", "MEDIAMTX")
        return load(path, {f"{n}_{what}": "geheim" for n in names for what in ("USER", "PASSWORD")})


class FoundTests(ProbeCase):
    """Servers that are there."""

    async def test_every_kind_is_found_and_its_section_can_be_pasted(self) -> None:
        for kind in kinds().values():
            if not kind.probes:
                continue
            with self.subTest(kind.name):
                self.out.truncate(0)
                self.out.seek(0)
                upstream = self.serve(REAL[kind.name])
                self.assertEqual(await self.probe(upstream), 0)
                [server] = self.load().servers
                self.assertEqual((server.kind, server.name), (kind.name, "127.0.0.1"))
                self.assertEqual(self.err.getvalue(), "")

    async def test_several_kinds_at_once(self) -> None:
        upstreams = [self.serve(REAL[name]) for name in ("nginx-rtmp", "icecast")]
        self.assertEqual(await self.probe(*upstreams, self.upstream), 0)
        self.assertEqual(
            {(server.kind, server.name) for server in self.load().servers},
            {("nginx-rtmp", "127.0.0.1-nginx-rtmp"), ("icecast", "127.0.0.1-icecast")},
        )

    async def test_a_server_that_two_probes_know_is_told_once(self) -> None:
        self.assertEqual(await self.probe(self.serve(REAL["icecast"])), 0)
        self.assertEqual(self.out.getvalue().count("[[server]]"), 1)
        self.assertIn("Icecast 2.4.4", self.out.getvalue())

    async def test_an_icecast_that_shows_nothing_to_the_public(self) -> None:
        pages = {"/admin/stats": REAL["icecast"]["/admin/stats"]}
        self.assertEqual(await self.probe(self.serve(pages)), 0)
        self.assertIn('password = "${ICECAST_PASSWORD}"', self.out.getvalue())

    async def test_a_redirect_within_the_server_is_followed(self) -> None:
        self.upstream = self.serve({"/stat": redirect("/stat/"), "/stat/": answers(NGINX.encode())})
        self.assertEqual(await self.probe(self.upstream), 0)

    async def test_by_its_name(self) -> None:
        upstream = self.serve(REAL["nginx-rtmp"])
        self.assertEqual(await self.probe(upstream, host="localhost"), 0)
        self.assertIn(f'url = "http://localhost:{upstream.port}/stat"', self.out.getvalue())

    async def test_verbose_tells_what_else_was_looked_for(self) -> None:
        upstream = self.serve(REAL["nginx-rtmp"])
        some = tuple(kinds()[name] for name in ("nginx-rtmp", "icecast"))
        self.assertEqual(await self.probe(upstream, of=some, verbose=True), 0)
        self.assertEqual(
            self.err.getvalue().splitlines(),
            [
                "port   looked for  found",
                f"{upstream.port}  icecast     not recognised: HTTP 404 for /admin/stats",
                f"{upstream.port}  icecast     not recognised: HTTP 404 for /status-json.xsl",
            ],
        )


class NothingTests(ProbeCase):
    """Hosts that run nothing of interest, and those that make trouble."""

    async def test_nothing_is_1_and_what_was_tried_is_told(self) -> None:
        self.assertEqual(await self.probe(self.upstream), 1)
        self.assertEqual(self.out.getvalue(), "")
        self.assertIn(
            "nginx-rtmp         not recognised: HTTP 404 for /stat\n", self.err.getvalue()
        )
        self.assertTrue(
            self.err.getvalue().endswith(
                "127.0.0.1: no media server found; it may be on another --port\n"
            )
        )

    async def test_a_redirect_to_another_host_or_port_is_not_followed(self) -> None:
        elsewhere = self.serve(REAL["nginx-rtmp"])
        for to in (elsewhere.url("/stat"), "http://localhost:1/stat", "//127.0.0.2/stat"):
            pages = {"/stat": redirect(to)}
            self.assertEqual(await self.probe(self.serve(pages)), 1)
        self.assertEqual((elsewhere.accepted, self.out.getvalue()), (0, ""))
        self.assertIn(f"redirected to http://127.0.0.1:{elsewhere.port}\n", self.err.getvalue())

    async def test_a_silent_server_ends_at_the_deadline_and_all_are_asked_at_once(self) -> None:
        begun = reactor.seconds()
        silence = self.serve(dict.fromkeys([p.path for p in all_probes()], silent))
        self.assertEqual(await self.probe(silence, deadline=0.3), 1)
        self.assertLess(reactor.seconds() - begun, 5.0)
        self.assertIn("no answer within 0.3 s", self.err.getvalue())

    async def test_all_that_had_one_result_at_a_port_is_one_line(self) -> None:
        unused = socket.socket()
        self.addCleanup(unused.close)
        unused.bind(("127.0.0.1", 0))  # and never listens
        port = unused.getsockname()[1]
        self.assertEqual(await self.probe(port), 1)
        names = ", ".join(name for name, kind in kinds().items() if kind.probes)
        line = self.err.getvalue().splitlines()[1]
        self.assertEqual(line, f"{port}  {names}  connection refused")

    async def test_a_probe_that_fails_keeps_no_other_from_being_asked(self) -> None:
        def fail(answer: Answer, base: str) -> Found | None:
            raise KeyError("geheim")

        broken = Kind("broken", kinds()["tvie"].configured, probes=(Probe((1,), "/stat", fail),))
        upstream = self.serve(REAL["nginx-rtmp"])
        of = (broken, kinds()["nginx-rtmp"])
        self.assertEqual(await self.probe(upstream, of=of, verbose=True), 0)
        self.assertIn("its probe failed: KeyError\n", self.err.getvalue())

    async def test_nobody_is_told_a_password_and_nothing_is_posted(self) -> None:
        await self.probe(self.upstream)
        for asked in self.upstream.requests:
            self.assertEqual((asked.method, asked.body), ("GET", b""))
            self.assertNotIn("authorization", asked.headers)


def all_probes() -> list[Probe]:
    return [probe for kind in kinds().values() for probe in kind.probes]
