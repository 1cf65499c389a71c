"""What the tests of the commands have in common."""

from __future__ import annotations

import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import simplejson
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tvmon.cli import main
from tvmon.cli.listing import list_streams
from tvmon.cli.sampling import Watch, watch
from tvmon.cli.terminal import Terminal
from tvmon.errors import BadAnswer
from tvmon.health import Scoring
from tvmon.polling import Polling
from tvmon.servers import Drift, Fetch, Seen, Survey
from tvmon.servers import Request as Asking
from tvmon.servers.answers import good_body
from tvmon.servers.tvie import at
from tvmon.servers.watched import Watched
from tvmon.streams import Measurement, Stream

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLE = """total_gops: {number}
upstream_opened_count: 1
upstream_connected_count: 1
upstream_connection_fail_count: 0
upstream_bytes_received: {received}
clients_connected: 3
total_clients_served: 5
total_bytes_sent: 0
live_delay_ms: 421
average_upstream_kbps: 505.592107
average_downstream_kbps: 0.000000
stream_info_audiodatarate: 46
stream_info_videodatarate: 354
stream_info_videocodecid: 7
stream_info_width: 1024
"""


class MediaServer(Resource):
    """A TVie media server with one stream, or what it is told; fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.isLeaf = True
        self.samples = 0
        self.statuses: list[int] = []
        self.channels: list[object] = []
        self.told: list[dict[str, object]] = []  # the last one is told again and again

    def render_GET(self, request: Request) -> bytes:
        self.samples += 1
        status = self.statuses.pop(0) if self.statuses else 200
        request.setResponseCode(status)
        if self.told:
            told = self.told.pop(0) if len(self.told) > 1 else self.told[0]
            return simplejson.dumps(told).encode()
        return SAMPLE.format(number=self.samples, received=self.samples * 150_000).encode()

    def render_POST(self, request: Request) -> bytes:
        return simplejson.dumps({"channels": self.channels}).encode()


@dataclass(frozen=True, slots=True)
class TellsAll:
    """A media server that tells of all its streams at once: JSON of bytes by name."""

    name: str
    url: str
    extra_streams: tuple[Stream, ...] = ()

    def begin(self) -> TellsAllTalk:
        return TellsAllTalk(self)


class TellsAllTalk:
    """A conversation with it."""

    def __init__(self, server: TellsAll) -> None:
        self.drift = Drift()
        self._server = server

    async def survey(self, fetch: Fetch) -> Survey:
        of = self._server
        answer = await fetch(Asking(of.url))
        if answer.status == 401:
            raise BadAnswer("the password is refused", "auth")
        told = simplejson.loads(good_body(answer))
        self.drift.look("server", told.keys(), {"streams", "unseen"})
        seen = {}
        for key, received in told["streams"].items():
            stream = Stream.of(of.name, key, None, f"{of.name}/{key}", f"{of.url}#{key}")
            seen[key] = Seen(stream, Measurement(upstream_bytes_received=received))
        return Survey(seen, unseen=told.get("unseen", {}))


class ServedTests(TestCase):
    """Against a real HTTP server."""

    def setUp(self) -> None:
        self.upstream = MediaServer()
        port = reactor.listenTCP(0, Site(self.upstream), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.host = f"127.0.0.1:{port.getHost().port}"
        self.url = f"http://{self.host}/tag_live_monitor/a/b/c"
        self.out, self.err = StringIO(), StringIO()
        self.terminal = Terminal(self.out, self.err)

    async def watch(
        self, seconds: float = 0.0, server: Watched | None = None, wanted: str = ""
    ) -> int:
        """Sample the TVie stream at ``url``; or this one of a configured server."""
        found, stream = at(self.url)
        job = Watch(
            server or Watched(found, "tvie"),
            None if server else stream,
            wanted,
            Scoring(),
            Polling(),
            seconds=seconds,
            interval=0.1,
            deadline=5.0,
        )
        return await watch(reactor, job, self.terminal)

    async def list(self, *servers: Watched) -> int:
        return await list_streams(reactor, servers, Polling(), self.terminal)


class CommandTests(SynchronousTestCase):
    """The command line, without any network."""

    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(arguments)
            except SystemExit as ended:
                code = int(ended.code or 0)
        return code, out.getvalue(), err.getvalue()

    def wrong(self, words: str, *arguments: str) -> None:
        """A wrong command line: exit code 2, and these words of why."""
        code, out, err = self.run_main(*arguments)
        self.assertEqual((code, out), (2, ""))
        self.assertIn(words, err)

    def file(self, text: str) -> str:
        """A configuration."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "tvmon.conf"
        path.write_text(text)
        return str(path)
