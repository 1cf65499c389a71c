"""
What the API costs with many streams: answer times, and how long the reactor is held up by them.

    PYTHONPATH=. python bench/api.py [--streams 10000] [--seconds 10] [--listeners 20]

The API runs in a process of its own over a board whose every stream gets a sample each three
seconds, evenly spread, as samplers would bring them.  This process asks over real sockets.  A
turn is what lies between two beats a millisecond apart: its work is processor time, and how late
the second beat came counts what else the machine did.  A collection is one of Python's garbage
collector.  The first line is the board alone.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "web"


class Turns:
    """What the reactor did between two beats: how long it was away, and how long it worked."""

    def __init__(self) -> None:
        self.late: list[float] = [0.0]
        self.worked: list[float] = [0.0]
        self.due, self.spent = time.monotonic(), time.thread_time()
        self.garbage, self.began, self.total = 0.0, 0.0, time.thread_time()
        gc.callbacks.append(self.collect)

    def collect(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self.began = time.thread_time()
        else:
            self.garbage = max(self.garbage, time.thread_time() - self.began)

    def beat(self) -> None:
        now, spent = time.monotonic(), time.thread_time()
        self.late.append(now - self.due)
        self.worked.append(spent - self.spent)
        self.due, self.spent = now + 0.001, spent

    def take(self) -> str:
        late, worked = sorted(self.late), sorted(self.worked)
        garbage, self.late, self.worked, self.garbage = self.garbage, [0.0], [0.0], 0.0
        p99 = worked[len(worked) * 99 // 100]
        total, self.total = time.thread_time() - self.total, time.thread_time()
        times = (late[-1], worked[-1], p99, garbage, total)
        return " ".join(f"{1000 * seconds:.1f}" for seconds in times)


def serve(streams: int) -> None:
    """The process that is measured: prints its port, then its turns for each line it reads."""
    from prometheus_client import CollectorRegistry
    from twisted.internet import reactor, stdio
    from twisted.internet.task import LoopingCall
    from twisted.protocols.basic import LineReceiver

    from tvmon.api.access import Access
    from tvmon.api.site import make_api
    from tvmon.board import Board
    from tvmon.health import Scoring
    from tvmon.report import ServerReport
    from tvmon.streams import Measurement, Sample, Stream

    reactor.seconds = time.monotonic
    board = Board(Scoring())
    known = [
        Stream.of(
            f"media{n % 40}", str(n), n, f"media{n % 40}[10.1.0.1]/tv/Channel {n}/hd",
            f"http://10.1.0.1/tag_live_monitor/tv/{n}/hd",
        )
        for n in range(streams)
    ]  # fmt: skip
    told = [ServerReport(f"media{n}", "tvie", None, time.time(), {}, {}) for n in range(40)]
    polls = 0

    def note() -> None:
        nonlocal polls
        for _ in range(max(1, streams // 300)):
            stream = known[polls % streams]
            turn = polls // streams
            polls += 1
            board.note(
                stream.mms_stream_id,
                Sample(
                    time.time(),
                    time.monotonic(),
                    Measurement(
                        total_gops=turn,
                        upstream_opened_count=1,
                        upstream_connected_count=1,
                        upstream_connection_fail_count=0,
                        upstream_bytes_received=300_000 * turn + stream.stream_id or 0,
                        clients_connected=turn % 7,
                        total_clients_served=turn,
                        total_bytes_sent=900_000 * turn,
                        live_delay_ms=turn % 900,
                        average_upstream_kbps=801.25,
                        average_downstream_kbps=2401.5,
                        stream_info_audiodatarate=48,
                        stream_info_videodatarate=752,
                        stream_info_audiocodecid=10,
                        stream_info_audiosamplesize=16,
                        stream_info_audiosamplerate=44100,
                        stream_info_stereo=1,
                        stream_info_videocodecid=7,
                        stream_info_framerate=25,
                        stream_info_width=1024,
                        stream_info_height=576,
                    ),
                ),
            )

    for stream in known:
        board.put(stream)
    for _ in range(3 * 300):
        note()

    async def history(number: int, _: int) -> list[Sample]:
        raise LookupError(number)

    async def filled() -> None:
        """The board is filled."""

    api = make_api(
        clock=reactor,
        now=time.time,
        board=board,
        history=history,
        away=OSError,
        checks=dict,
        reports=lambda: told,
        registry=CollectorRegistry(),
        access=Access(),
        web=WEB,
        filled=filled,
        boot="bench",
    )
    turns = Turns()

    class Asked(LineReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            if line == b"stop" and samples.running:
                samples.stop()
            print(turns.take(), flush=True)

        def connectionLost(self, _: object = None) -> None:
            reactor.stop()

    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)  # as the daemon does
    port = reactor.listenTCP(0, api.site, interface="127.0.0.1")
    samples = LoopingCall(note)
    samples.start(0.01)
    LoopingCall(turns.beat).start(0.001)
    stdio.StandardIO(Asked())
    print(port.getHost().port, flush=True)
    reactor.run()


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str, **headers: str) -> tuple[int, bytes, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", path, headers=named)
        response = self.connection.getresponse()
        return response.status, response.read(), response.headers.get("ETag", "")


def listen(port: int, until: float, counts: list[int]) -> None:
    """Read events until then; appends how many bytes came."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("GET", "/events")
    response = client.getresponse()
    read = 0
    while time.monotonic() < until:
        read += len(response.read1(1 << 20))
    counts.append(read)
    client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement")
    parser.add_argument("--listeners", type=int, default=20, help="event clients at a time")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.streams)
        return
    child = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--streams", str(options.streams)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        measure(options, child)
    finally:
        child.stdin.close()
        child.wait(30)


def measure(options: argparse.Namespace, child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    port = int(child.stdout.readline())
    asked, answered = child.stdin, child.stdout

    idle = 0.0

    def turns(command: str = "", times: int = 0, seconds: float = 0.0) -> str:
        asked.write(f"{command}\n")
        asked.flush()
        late, longest, p99, garbage, total = map(float, answered.readline().split())
        each = f"{(total - idle * seconds) / times:6.1f} ms of work each" if times else f"{'':22}"
        return (
            f"{each}; turns: longest {longest:5.1f}, 99% {p99:5.1f} ms of work; "
            f"{late:5.1f} ms late; longest collection {garbage:5.1f} ms"
        )

    print(f"{options.streams} streams, a sample each 3 s; {options.seconds:.0f} s for each line")
    time.sleep(options.seconds)
    turns()
    time.sleep(options.seconds)
    asked.write("\n")
    asked.flush()
    *_, total = map(float, answered.readline().split())
    idle = total / options.seconds
    print(f"nobody asks: {idle / 10:.1f} % of a core for the samples")
    client = Client(port)

    def run(name: str, ask: Callable[[], int]) -> None:
        took, size, began = [], 0, time.monotonic()
        while time.monotonic() < began + options.seconds:
            start = time.monotonic()
            size = ask()
            took.append(1000 * (time.monotonic() - start))
        seconds = time.monotonic() - began
        took.sort()
        middle, p99 = statistics.median(took), took[len(took) * 99 // 100]
        print(
            f"{name:31}{middle:7.1f} ms median {p99:7.1f} ms 99% {size / 1e6:6.2f} MB "
            f"{turns('', len(took), seconds)}"
        )

    def ask(path: str, **headers: str) -> int:
        status, body, _ = client.get(path, **headers)
        assert status == 200, (status, body[:200])
        return len(body)

    def unchanged() -> int:
        status, body, _ = client.get("/samples", If_None_Match=etag)
        assert status == 304, status
        return len(body)

    ask("/samples")
    turns()
    run("GET /samples", lambda: ask("/samples"))
    run("GET /samples, gzip", lambda: ask("/samples", Accept_Encoding="gzip"))
    worst = "/samples/0-50/null/average_upstream_kbps.last_10/asc/1"
    run("GET /samples, 50 worst", lambda: ask(worst))
    run("GET /samples, 50 with a keyword", lambda: ask("/samples/0-50/channel%2099/score/asc/0"))
    run("GET /servers", lambda: ask("/servers"))
    run("GET /metrics, gzip", lambda: ask("/metrics", Accept_Encoding="gzip"))
    run("GET /-/healthy", lambda: ask("/-/healthy"))
    turns()
    for listeners in (1, options.listeners):
        counts: list[int] = []
        until = time.monotonic() + options.seconds
        threads = [
            threading.Thread(target=listen, args=(port, until, counts)) for _ in range(listeners)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = sum(counts) / options.seconds / 1e6
        print(f"{f'GET /events, {listeners} clients':31}{rate:7.1f} MB/s in all{'':24}{turns()}")
    turns("stop")
    idle = 0.0
    _, _, etag = client.get("/samples")
    run("GET /samples, unchanged: 304", unchanged)
    run("GET /samples, unchanged: kept", lambda: ask("/samples"))


if __name__ == "__main__":
    main()
