"""
What graphs cost: new ones, kept ones, and fifty dashboards; beside plain rrdtool.

    PYTHONPATH=. python bench/graphs.py [--pictures 400] [--files 4] [--days 60]

The API runs in a process of its own, with rrdtool's children, over histories of some streams; its
clock stands still but for what this process says.  This process asks over real sockets, two at a
time.  Plain rrdtool is started once for each picture, with the same words, two at a time as well.
Processor time is that of the API and of its children together.
"""

from __future__ import annotations

import argparse
import http.client
import math
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

NOW = 1_790_000_040  # 240 s behind a boundary
DASHBOARDS = 50
PICTURES = 8
"""On each dashboard."""

METRICS = (
    "traffic",
    "viewers",
    "delay",
    "score",
    "availability",
    "upstream",
    "answer_time",
    "polls",
)
SPANS = ("-12hours", "-2days", "-14days", "-49days")


def fill(folder: Path, files: int, days: int) -> None:
    """Histories of streams 0, 1 ..., each of so many days until now."""
    from tvmon.history.sources import STREAM_SOURCES
    from tvmon.tiers import DEFAULT_TIERS

    end = NOW // 300 * 300
    rows = []
    for index in range(days * 288):
        wave = math.sin(index / 288 * 2 * math.pi)
        values = [50 + 40 * wave + (index * (n + 3)) % 7 for n in range(len(STREAM_SOURCES))]
        told = ":".join("U" if index % 500 < 9 else f"{value:.1f}" for value in values)
        rows.append(f"{end - (days * 288 - index - 1) * 300}:{told}")
    archives = [archive for tier in DEFAULT_TIERS for archive in tier.archives]
    sources = [source.definition for source in STREAM_SOURCES]
    start = ["--start", str(end - days * 86_400), "--step", "300"]
    with subprocess.Popen(
        ["rrdtool", "-", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdin is not None
        for number in range(files):
            name = f"stream-{number}.rrd"
            print("create", name, *start, *sources, *archives, file=child.stdin)
            for begin in range(0, len(rows), 100):
                print("update", name, *rows[begin : begin + 100], file=child.stdin)


def serve(folder: Path) -> None:
    """The process that is measured: prints its port, then its processor time for each line."""
    import psutil
    from prometheus_client import CollectorRegistry
    from twisted.internet import reactor, stdio
    from twisted.protocols.basic import LineReceiver

    from tests.history.reading import KnownArchive
    from tvmon.api.access import Access
    from tvmon.api.site import make_api
    from tvmon.board import Board
    from tvmon.health import Scoring
    from tvmon.history.engine import Engine
    from tvmon.history.reader import Reader
    from tvmon.history.subjects import of_stream
    from tvmon.streams import Sample

    registry = CollectorRegistry()
    engine = Engine(reactor=reactor, folder=folder, registry=registry)
    engine.startService()
    files = sorted(path.name for path in folder.glob("*.rrd"))
    archive = KnownArchive({of_stream(n): f"stream-{n}.rrd" for n in range(len(files))})
    steps = 0

    def now() -> float:
        return NOW + 300 * steps

    async def history(number: int, _: int) -> list[Sample]:
        raise LookupError(number)

    async def filled() -> None:
        """The board is filled."""

    api = make_api(
        clock=reactor,
        now=now,
        board=Board(Scoring()),
        history=history,
        away=OSError,
        checks=dict,
        reports=list,
        registry=registry,
        access=Access(),
        web=folder,
        filled=filled,
        boot="bench",
        reader=Reader(rrd=engine, archive=archive, now=now),
    )

    class Asked(LineReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            nonlocal steps
            steps += line == b"step"
            spent = [psutil.Process(pid).cpu_times() for pid in engine.pids]
            children = sum(times.user + times.system for times in spent)
            print(time.process_time(), children, flush=True)

        def connectionLost(self, _: object = None) -> None:
            engine.stopService().addBoth(lambda _: reactor.stop())

    port = reactor.listenTCP(0, api.site, interface="127.0.0.1")
    stdio.StandardIO(Asked())
    print(port.getHost().port, flush=True)
    reactor.run()


def two_at_a_time(work: Sequence[str], do: Callable[[], Callable[[str], object]]) -> list[float]:
    """How long each took, in ms; each of two threads has what it does it with."""
    left, took = iter(work), []
    lock = threading.Lock()

    def run() -> None:
        act = do()
        while True:
            with lock:
                each = next(left, None)
            if each is None:
                return
            start = time.perf_counter()
            act(each)
            took.append(1000 * (time.perf_counter() - start))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def tell(name: str, took: list[float], more: str = "") -> None:
    took.sort()
    p99 = took[len(took) * 99 // 100]
    print(f"{name:38}{statistics.median(took):7.1f} ms median {p99:7.1f} ms 99% {more}", flush=True)


def addresses(count: int, files: int) -> list[str]:
    """So many pictures, none like another."""
    return [
        f"/graph/stream/{n % files}.png?metric={METRICS[n % len(METRICS)]}"
        f"&start={SPANS[n // 8 % len(SPANS)]}&width={480 + n % 200}&height={203 + n // 200}"
        for n in range(count)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), options.files, options.days)
        child = subprocess.Popen(
            [sys.executable, __file__, "--serve", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None
        try:
            measure(options, child, Path(folder))
        finally:
            child.stdin.close()
            child.wait(30)


def measure(options: argparse.Namespace, child: subprocess.Popen[str], folder: Path) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    port = int(child.stdout.readline())
    asked, answered = child.stdin, child.stdout

    def spent(command: str = "") -> tuple[float, float]:
        asked.write(f"{command}\n")
        asked.flush()
        own, children = map(float, answered.readline().split())
        return own, children

    def client() -> Callable[[str], object]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def get(path: str) -> bytes:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, (path, body)
            return body

        return get

    pictures = addresses(options.pictures, options.files)
    two_at_a_time(addresses(20, options.files), client)  # the first ones look for their letters
    spent("step")
    before = spent()
    took = two_at_a_time(pictures, client)
    own, children = (b - a for a, b in zip(before, spent(), strict=True))
    each = f"{1000 * own / len(took):.2f} + {1000 * children / len(took):.2f} ms of work each"
    tell("new, two at a time", took, f"{each} (tvmon + rrdtool)")
    tell("kept, two at a time", two_at_a_time(pictures, client))
    one = client()
    alone = []
    for path in pictures:
        start = time.perf_counter()
        one(path)
        alone.append(1000 * (time.perf_counter() - start))
    tell("kept, one at a time", alone)
    for form in ("json", "csv"):
        tell(
            f"{form}, two at a time",
            two_at_a_time([f"{p}&format={form}" for p in pictures], client),
        )
    tell("plain rrdtool, two at a time", two_at_a_time(commands(pictures), lambda: plain(folder)))
    for different in (PICTURES, DASHBOARDS * PICTURES):
        spent("step")
        before = spent()
        boards = addresses(different, options.files) * (DASHBOARDS * PICTURES // different)
        for _ in range(5):  # minutes between two boundaries
            two_at_a_time(boards, client)
        own, children = (b - a for a, b in zip(before, spent(), strict=True))
        print(
            f"{DASHBOARDS} dashboards of {PICTURES} pictures, {different} different ones, reloaded"
            f" each minute: {own / 3:.2f} + {children / 3:.2f} % of a core (tvmon + rrdtool)"
        )


def commands(paths: list[str]) -> list[str]:
    """The words with which plain rrdtool draws the same."""
    from urllib.parse import parse_qsl, urlsplit

    from tvmon.api.graph_query import parse_look, parse_span
    from tvmon.history.drawing import draw
    from tvmon.history.plots import METRICS
    from tvmon.tiers import DEFAULT_TIERS

    told = []
    for path in paths:
        parts = urlsplit(path)
        asked = dict(parse_qsl(parts.query))
        tier, span = parse_span(asked, DEFAULT_TIERS, NOW + 300)
        file = f"stream-{Path(parts.path).stem}.rrd"
        told.append(draw(METRICS[asked["metric"]], file, tier, span, parse_look(asked)))
    return told


def plain(folder: Path) -> Callable[[str], object]:
    def draw(command: str) -> bytes:
        words = ["rrdtool", *shlex.split(command.replace("\\", "\\\\"))]
        done = subprocess.run(words, cwd=folder, capture_output=True, check=True, env={"TZ": "UTC"})
        return done.stdout

    return draw


if __name__ == "__main__":
    main()
