"""
What it costs to read an answer that tells of many streams, and what it saves to share it.

    PYTHONPATH=. python bench/surveys.py [--streams 1000] [--rounds 5]

For each kind: the time to read one answer, beside what the bare parser takes for the same bytes
(the peer: xml.etree or simplejson); the longest turn of the reactor while it is read, which
would be all of that time without steps; and what all samples of these streams cost once shared,
and where each sampler asked by itself.  Answers come out of memory; the processor's time is
counted.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any
from xml.etree import ElementTree

import simplejson
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.coroutines import result_of
from tests.servers.fakes_mediamtx import FakeMediaMTX
from tests.servers.fakes_srs import FakeSRS
from tests.servers.nginx_pages import page, stream
from tvmon.sampling.asking import Question, Terms
from tvmon.sampling.slices import Slices
from tvmon.sampling.talks import Shared
from tvmon.servers import Answer, Fetch, Listing, Overview, Request
from tvmon.servers.icecast import Icecast
from tvmon.servers.mediamtx import MediaMTX
from tvmon.servers.nginx_rtmp import NginxRtmp
from tvmon.servers.node_media_server import NodeMediaServer
from tvmon.servers.site import Site
from tvmon.servers.srs import SRS
from tvmon.servers.tvie import TVie

SITE = Site("bench", "http://media.example:8080")
SOURCE = (
    '<source mount="/{n}.mp3"><audio_bitrate>128000</audio_bitrate><ice-bitrate>128</ice-bitrate>'
    "<listener_peak>9</listener_peak><listeners>4</listeners><listenurl>http://h/{n}.mp3</listenurl>"
    "<server_type>audio/mpeg</server_type><source_ip>192.0.2.7</source_ip>"
    "<stream_start_iso8601>2026-11-22T07:50:08+0000</stream_start_iso8601>"
    "<total_bytes_read>{bytes}</total_bytes_read><total_bytes_sent>9</total_bytes_sent></source>"
)
PUBLISHER = {
    "app": "live", "clientId": "K1", "connectCreated": "2026-11-22T07:50:08.000Z", "ip": "::1",
    "audio": {"codec": "AAC", "profile": "LC", "samplerate": 48000, "channels": 2},
    "video": {"codec": "H264", "width": 1280, "height": 720, "profile": "High", "fps": 25},
}  # fmt: skip


class Server:
    """Answers from memory what was answered first, later each time."""

    def __init__(self, answer: Callable[[Request], bytes]) -> None:
        self._answer = answer
        self.bodies: dict[str, bytes] = {}
        self.at = 1000.0

    async def fetch(self, request: Request) -> Answer:
        body = self.bodies.get(request.url)
        if body is None:
            body = self.bodies[request.url] = self._answer(request)
        self.at += 0.001
        return Answer(200, "OK", body, {}, self.at, 1_795_000_000.0 + self.at)


def kinds(count: int) -> dict[str, tuple[Overview, Server]]:
    """A conversation of each kind, and a server that has so many streams."""
    names = [f"cam{n}" for n in range(count)]
    sources = "".join(SOURCE.format(n=name, bytes=10**6) for name in names)
    bodies: dict[str, tuple[Any, bytes]] = {
        "nginx-rtmp": (NginxRtmp(SITE), page(*(stream(name, players=2) for name in names))),
        "icecast": (
            Icecast(Site("bench", SITE.url, "admin", "x")),
            f"<icestats><server_id>Icecast 2.4.4</server_id>{sources}</icestats>".encode(),
        ),
        "node-media-server": (
            NodeMediaServer(Site("bench", SITE.url, "admin", "x"), "2"),
            json.dumps(
                {
                    "live": {
                        name: {
                            "publisher": PUBLISHER | {"stream": name, "bytes": 10**6},
                            "subscribers": [],
                        }
                        for name in names
                    }
                }
            ).encode(),
        ),
    }
    found: dict[str, tuple[Overview, Server]] = {
        kind: (server.begin(), Server(lambda _, body=body: body))
        for kind, (server, body) in bodies.items()
    }
    for kind, fake, server in (
        ("srs", FakeSRS(), SRS(SITE)),
        ("mediamtx", FakeMediaMTX(), MediaMTX(SITE)),
    ):
        for name in names:
            fake.start(f"live/{name}")
        found[kind] = (server.begin(), Server(lambda asked, f=fake: result_of(f.fetch(asked)).body))
    return found


class Turns:
    """A reactor of nothing but turns, each of them timed by the processor."""

    seconds = staticmethod(time.thread_time)

    def __init__(self) -> None:
        self.longest = 0.0
        self._due: list[Callable[[], object]] = []

    def callLater(self, _seconds: float, do: Callable[[], object]) -> object:  # noqa: N802
        self._due.append(do)
        return do

    def turn(self) -> bool:
        """Do what is due; whether there was anything."""
        due, self._due = self._due, []
        began = self.seconds()
        for do in due:
            do()
        self.longest = max(self.longest, 1000 * (self.seconds() - began))
        return bool(due)


def longest_turn(
    work: Callable[[Fetch], Coroutine[Any, Any, Any]], fetch: Fetch, rounds: int
) -> float:
    """The longest turn while the work is done in slices, ms; the median of some rounds."""
    found = []
    for _ in range(rounds):
        turns: Any = Turns()
        slices = Slices(turns)

        async def fetched(request: Request, turns: Any = turns) -> Answer:
            came: Deferred[None] = Deferred()
            turns.callLater(0, lambda: came.callback(None))
            await came
            return await fetch(request)

        turns.callLater(0, lambda s=slices, f=fetched: Deferred.fromCoroutine(s.run(work(f))))
        while turns.turn():
            pass
        found.append(turns.longest)
    return statistics.median(found)


def timed(work: Callable[[], object], rounds: int) -> float:
    """Its processor time, the median of some rounds, ms."""
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


def samples(overview: Overview, server: Server, streams: list[Any], *, fresh: float) -> None:
    """A sample of each stream, by samplers that share what is so many seconds old."""
    clock = Clock()

    async def fetch(request: Request, _seconds: float) -> Answer:
        return await server.fetch(request)

    terms = Terms(clock, fetch, 2.4, 0.25)
    shared = Shared("bench", overview, terms, fresh)
    for one in streams:
        question: Question[Any] = Question(terms)
        question.ask(shared.sample(one, question))
        clock.advance(0.0001)


def channels(count: int) -> bytes:
    """The listing of a TVie media server with so many channels."""
    server = {"name": "media1", "ip_address": "10.0.0.7", "host_name": "cdn.example"}
    return json.dumps({
        "channels": [
            {
                "customer_name": f"customer{n % 40}", "channel_name": f"channel{n}",
                "display_name": f"Channel {n}", "server": [server],
                "streams": [{"id": n, "name": "high"}],
            }
            for n in range(count)
        ]
    }).encode()  # fmt: skip


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def measure(count: int, rounds: int) -> None:
    print(f"{count} streams; processor time\n")
    row("kind", "kB", "bare parser", "one survey", "a stream", "longest turn", "shared", "alone")
    row(":--", *["--:"] * 7)
    for kind, (overview, server) in kinds(count).items():
        fetch: Fetch = server.fetch

        def survey(overview: Overview = overview, fetch: Fetch = fetch) -> Any:
            return result_of(overview.survey(fetch))

        streams = [seen.stream for seen in survey().seen.values()]
        assert len(streams) == count, (kind, len(streams))
        for _ in range(3):
            survey()
        bodies = list(server.bodies.values())
        parse = ElementTree.fromstring if bodies[0].lstrip().startswith(b"<") else simplejson.loads
        bare = timed(lambda b=bodies, p=parse: [p(body) for body in b], rounds)
        one = timed(survey, rounds)
        turn = longest_turn(overview.survey, fetch, rounds)
        some = streams[: max(1, 20_000 // count)]
        shared = timed(lambda o=overview, s=server, x=streams: samples(o, s, x, fresh=1.5), rounds)
        alone = timed(lambda o=overview, s=server, x=some: samples(o, s, x, fresh=0.0), rounds)
        alone *= count / len(some)
        row(
            kind,
            f"{sum(map(len, bodies)) / 1000:.0f}",
            f"{bare:.1f} ms",
            f"{one:.1f} ms",
            f"{1000 * one / count:.0f} us",
            f"{turn:.1f} ms",
            f"{shared:.1f} ms",
            f"{alone:.0f} ms",
        )
    body = channels(count)
    listing = TVie("bench", "http://media.example/api", "x").begin()

    async def fetched(_request: Request) -> Answer:
        return Answer(200, "OK", body)

    def listed() -> Listing:
        return result_of(listing.list_streams(fetched))

    assert len(listed().streams) == count
    bare = timed(lambda: simplejson.loads(body), rounds)
    one = timed(listed, rounds)
    turn = longest_turn(listing.list_streams, fetched, rounds)
    row(
        "tvie, its listing",
        f"{len(body) / 1000:.0f}",
        f"{bare:.1f} ms",
        f"{one:.1f} ms",
        f"{1000 * one / count:.0f} us",
        f"{turn:.1f} ms",
        "",
        "",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    gc.freeze()
    gc.disable()  # as the daemon does
    measure(options.streams, options.rounds)


if __name__ == "__main__":
    main()
