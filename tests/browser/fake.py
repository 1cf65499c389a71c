"""
A stand-in for the daemon: the page, the samples and the events of synthetic streams.

The entries are made by the board itself, so they have the shape that the API answers.  It is for
measurements with many streams and for what a real daemon cannot be brought to do at will; what a
real daemon can show is tested on a real one.
"""

from __future__ import annotations

import itertools
import json
import mimetypes
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.streams import Measurement, Sample, Stream

WEB = Path(__file__).resolve().parent.parent.parent / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'"
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8"}


class Channel:
    """One synthetic stream; ``kind`` is healthy, starved, late, absent or dead."""

    def __init__(self, number: int, kind: str, name: str | None = None) -> None:
        server = f"media{number % 40 + 1}"
        self.random = random.Random(number)
        self.kind = kind
        self.declared = self.random.choice([256, 628, 1200, 2400, 4800])
        self.viewers = int(self.random.paretovariate(0.7))
        self.received = self.random.randrange(10**9)
        self.sent = self.received * 2
        self.delay = self.random.randrange(-20, 900)
        name = name or f"{server}[10.1.{number // 250}.{number % 250}]/tv/Channel {number}/main"
        self.stream = Stream.of(
            server, str(number), number, name, f"http://10.1.0.1/tag_live_monitor/tv/{number}/main"
        )

    def sample(self, now: float, at: float, seconds: float = 3.0) -> Sample:
        """The next sample, so many seconds after the one before."""
        if self.kind == "dead":
            return Sample(now, at, None, "no answer within 2.4 s")
        absent = self.kind == "absent"
        share = {"starved": 0.6, "absent": 0.0}.get(self.kind, 1.0)
        rate = self.declared * share * self.random.uniform(0.9, 1.12)
        self.received += int(rate * 1000 / 8 * seconds)
        self.sent += int(rate * 1000 / 8 * seconds * self.viewers)
        self.viewers = max(0, self.viewers + self.random.randrange(-2, 3))
        if self.kind in ("starved", "late"):
            self.delay = min(30000, self.delay + 300)
        common = {
            "total_gops": self.received // 100000,
            "upstream_opened_count": 3,
            "upstream_connected_count": 2,
            "upstream_connection_fail_count": 1,
            "upstream_bytes_received": self.received,
            "clients_connected": self.viewers,
            "total_clients_served": self.viewers * 7,
            "total_bytes_sent": self.sent,
            "live_delay_ms": 999_999 if absent else self.delay + self.random.randrange(40),
            "average_upstream_kbps": round(self.declared * 0.97, 2),
            "average_downstream_kbps": round(self.declared * 0.97 * self.viewers, 2),
            "stream_info_audiodatarate": 0 if absent else 64,
            "stream_info_videodatarate": 0 if absent else self.declared - 64,
        }
        picture = {
            "stream_info_audiocodecid": 10,
            "stream_info_audiosamplesize": 16,
            "stream_info_audiosamplerate": 44100,
            "stream_info_stereo": 1,
            "stream_info_videocodecid": 7,
            "stream_info_framerate": self.random.choice([24, 25]),
            "stream_info_width": 1024,
            "stream_info_height": 576,
        }
        return Sample(now, at, Measurement(**common, **({} if absent else picture)))


class Fake:
    """Serves ``web/`` and a board of channels at a port of its own; changes come by ``step``."""

    def __init__(self, channels: list[Channel], warm: int = 12) -> None:
        self.channels = channels
        self.board = Board(Scoring())
        self.ids = itertools.count(1)
        self.events: list[bytes] = []
        self.news = threading.Condition()
        self.history: dict[int, list[dict[str, object]]] = {}
        self.stopping = False
        self.requests: list[str] = []
        start = time.time() - 3 * warm
        for channel in channels:
            self.board.put(channel.stream)
        for turn in range(warm):
            for channel in channels:
                self.note(channel, start + 3 * turn)
        fake = self

        class Handler(_Handler):
            owner = fake

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def note(self, channel: Channel, now: float) -> None:
        self.board.note(channel.stream.mms_stream_id, channel.sample(now, now))
        entry = self.board.get(channel.stream.mms_stream_id)
        kept = self.history.setdefault(channel.stream.mms_stream_id, [])
        kept.append(entry.as_dict())
        del kept[:-200]

    def step(self, channels: list[Channel]) -> None:
        """A new sample of each of these channels, told to every page."""
        now = time.time()
        told = []
        for channel in channels:
            self.note(channel, now)
            entry = self.board.get(channel.stream.mms_stream_id)
            told.append(self.event("sample", entry.json))
        self.tell(told)

    def drop(self, channel: Channel) -> None:
        self.board.drop(channel.stream.mms_stream_id)
        data = json.dumps({"mms_stream_id": channel.stream.mms_stream_id}).encode()
        self.tell([self.event("gone", data)])

    def event(self, name: str, data: bytes) -> bytes:
        return b"id: fake-%d\nevent: %s\ndata: %s\n\n" % (next(self.ids), name.encode(), data)

    def tell(self, events: list[bytes]) -> None:
        with self.news:
            self.events = events
            self.news.notify_all()

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopping = True
        self.tell([])
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: Fake
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        self.owner.requests.append(self.path)
        parts = path.split("/")
        if path == "samples":
            rows = b",".join(entry.json for entry in self.owner.board.entries())
            count = len(self.owner.board)
            self.answer(b'{"total_samples":%d,"samples":[%s]}' % (count, rows))
        elif parts[0] == "samples" and parts[-1] == "history":
            kept = self.owner.history.get(int(parts[1]), [])
            self.answer(json.dumps({"samples": kept[::-1]}).encode())
        elif path == "events":
            self.stream()
        elif path.startswith("-/"):
            self.answer(b'{"checks":{}}')
        else:
            file = (WEB / (path or "index.html")).resolve()
            if WEB in file.parents and file.is_file():
                kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "text/plain"
                self.answer(file.read_bytes(), kind)
            else:
                self.answer(b"not found", "text/plain", 404)

    def answer(self, body: bytes, kind: str = "application/json", code: int = 200) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b": open\n\n")
        owner = self.owner
        try:
            while not owner.stopping:
                with owner.news:
                    owner.news.wait(10)
                    events = owner.events
                self.wfile.write(b"".join(events) or b": still here\n\n")
        except OSError:
            return

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


def channels(count: int, kinds: str | None = None) -> list[Channel]:
    """So many channels; one in fifty is starved, late, absent or dead."""
    trouble = itertools.cycle(["starved", "dead", "late", "absent"])
    return [
        Channel(n, kinds or (next(trouble) if n % 13 == 7 else "healthy")) for n in range(count)
    ]


if __name__ == "__main__":
    import sys

    every = channels(int(sys.argv[1]))
    fake = Fake(every, int(sys.argv[2]) if len(sys.argv) > 2 else 60)
    fake.start()
    print(fake.url, flush=True)
    turn = 0
    while True:
        time.sleep(1)
        fake.step(every[turn % 3 :: 3])
        turn += 1
