"""
What the API costs with many streams: answer times, and how long the reactor is held up by them.

    PYTHONPATH=. python bench/api.py [--streams 10000] [--seconds 10] [--listeners 200] [--calls 60]

The API runs in a process of its own over a board whose every stream gets a sample each three
seconds, evenly spread, as samplers would bring them.  This process asks over real sockets, and a
third one reads the events.  A turn is what lies between two beats a millisecond apart: its work
is processor time, and how late the second beat came counts what else the machine did.  A
collection is one of Python's garbage collector.  Work and shares of a core are without that of
the board alone, which the first line tells.
"""

from __future__ import annotations

import argparse
import http.client
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from bench.api_server import serve


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str, **headers: str) -> tuple[int, bytes, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", path, headers=named)
        response = self.connection.getresponse()
        return response.status, response.read(), response.headers.get("ETag", "")


def read(port: int, clients: int, seconds: float, coding: str) -> None:
    """The process of the event clients, which only read: prints when all listen, then what came."""
    request = f"GET /events HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {coding}\r\n\r\n".encode()
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
    ready = select.epoll()
    came = {each.fileno(): 0 for each in sockets}
    for each in sockets:
        each.sendall(request)
        each.setblocking(False)
        ready.register(each, select.EPOLLIN)
    room = bytearray(1 << 20)
    of = {each.fileno(): each for each in sockets}

    def until(end: float) -> None:
        while (left := end - time.monotonic()) > 0:
            for number, _ in ready.poll(left):
                size = of[number].recv_into(room)
                if not size:
                    raise SystemExit("the server has ended an event stream")
                came[number] += size

    until(time.monotonic() + 5)  # those who come first hear more
    print("begin", flush=True)
    came = dict.fromkeys(came, 0)
    until(time.monotonic() + seconds)
    print(*sorted(came.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement")
    parser.add_argument("--listeners", type=int, default=200, help="event clients at a time")
    parser.add_argument("--calls", type=int, default=60, help="one a second, for its measurements")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--read", help=argparse.SUPPRESS, metavar="PORT,CODING")
    options = parser.parse_args()
    if options.serve:
        serve(options.streams)
        return
    if options.read:
        port, coding = options.read.split(",")
        read(int(port), options.listeners, options.seconds, coding)
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


class Measurements:
    """Asks, and prints a row of the table for each thing that it asks for."""

    def __init__(self, options: argparse.Namespace, child: subprocess.Popen[str]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        self.asked, self.answered = child.stdin, child.stdout
        self.options = options
        self.port = int(self.answered.readline())
        self.client = Client(self.port)
        self.idle = 0.0

    def turns(self, command: str = "") -> tuple[float, ...]:
        """ms since the last call: latest, longest turn, 99 % of turns, collection, all work."""
        self.asked.write(f"{command}\n")
        self.asked.flush()
        return tuple(map(float, self.answered.readline().split()))

    def head(self) -> None:
        print(
            "| | ms, median | ms, 99 % | MB | ms of work each | longest turn, ms of work "
            "| 99 % of turns | longest turn, ms late | longest collection, ms |\n"
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
        )

    def row(self, name: str, ask: Callable[[], int], *, every: float = 0.0) -> None:
        """Ask again and again for some seconds, or every so many seconds."""
        took, size, began = [], 0, time.monotonic()
        calls = self.options.calls if every else sys.maxsize
        self.turns()
        while len(took) < calls and (every or time.monotonic() < began + self.options.seconds):
            if every:
                time.sleep(max(0.0, began + every * len(took) - time.monotonic()))
            start = time.monotonic()
            size = ask()
            took.append(1000 * (time.monotonic() - start))
        seconds = time.monotonic() - began
        late, longest, p99, garbage, total = self.turns()
        took.sort()
        work = (total - self.idle * seconds) / len(took)
        print(
            f"| {name} | {statistics.median(took):.1f} | {took[len(took) * 99 // 100]:.1f} "
            f"| {size / 1e6:.2f} | {work:.1f} | {longest:.1f} | {p99:.1f} | {late:.1f} "
            f"| {garbage:.1f} |",
            flush=True,
        )

    def ask(self, path: str, **headers: str) -> int:
        status, body, _ = self.client.get(path, **headers)
        assert status == 200, (status, body[:200])
        return len(body)

    def listened(self, clients: int, coding: str) -> None:
        """So many event clients in a process of their own: what they cost, and what they got."""
        options = self.options
        command = [sys.executable, __file__, "--read", f"{self.port},{coding}"]
        command += ["--listeners", str(clients), "--seconds", str(options.seconds)]
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert reader.stdout is not None
        reader.stdout.readline()
        self.turns()
        counts = [int(count) / options.seconds / 1e6 for count in reader.stdout.readline().split()]
        late, longest, p99, garbage, total = self.turns()
        reader.wait(30)
        share = (total / options.seconds - self.idle) / 10
        print(
            f"| {clients} | {coding} | {share:.1f} | {sum(counts):.1f} | {counts[0]:.2f} "
            f"| {counts[-1]:.2f} | {longest:.1f} | {p99:.1f} | {late:.1f} | {garbage:.1f} |",
            flush=True,
        )


def measure(options: argparse.Namespace, child: subprocess.Popen[str]) -> None:
    run = Measurements(options, child)
    ask, row = run.ask, run.row
    time.sleep(options.seconds)
    run.turns()
    time.sleep(options.seconds)
    run.idle = run.turns()[-1] / options.seconds
    print(f"{options.streams} streams, a sample each 3 s; nobody asks: ", end="")
    print(f"{run.idle / 10:.1f} % of a core for the samples\n")
    ask("/samples")
    run.head()
    packed = {"Accept_Encoding": "gzip"}
    row("`/samples`, once a second", lambda: ask("/samples"), every=1)
    row("`/samples`, once a second, gzip", lambda: ask("/samples", **packed), every=1)
    row("`/samples`, again and again", lambda: ask("/samples"))
    row("`/samples`, again and again, gzip", lambda: ask("/samples", **packed))
    worst = "/samples/0-50/null/average_upstream_kbps.last_10/asc/1"
    row("`/samples`, 50 worst", lambda: ask(worst))
    row("`/samples`, 50 with a keyword", lambda: ask("/samples/0-50/channel%2099/score/asc/0"))
    row("`/servers`", lambda: ask("/servers"))
    row("`/metrics`, gzip", lambda: ask("/metrics", **packed))
    row("`/-/healthy`", lambda: ask("/-/healthy"))
    run.turns("stop")
    idle, run.idle = run.idle, 0.0
    _, _, etag = run.client.get("/samples")

    def unchanged() -> int:
        status, body, _ = run.client.get("/samples", If_None_Match=etag)
        assert status == 304, status
        return len(body)

    row("`/samples`, unchanged: 304", unchanged)
    row("`/samples`, unchanged: kept", lambda: ask("/samples"))
    run.idle = idle
    run.turns("start")
    print(
        "\n| event clients | coding | % of a core | MB/s in all | MB/s, least | most "
        "| longest turn, ms of work | 99 % of turns | longest turn, ms late "
        "| longest collection, ms |\n|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for clients, coding in (
        (1, "identity"),
        (1, "gzip"),
        (options.listeners, "gzip"),
        (options.listeners, "identity"),
    ):
        run.listened(clients, coding)


if __name__ == "__main__":
    main()
