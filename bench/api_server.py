"""
The process whose answers ``bench/api.py`` measures: the API over a board that gets samples.
"""

from __future__ import annotations

import gc
import time
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
    from tvmon.collector import Collector
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

    registry = CollectorRegistry()
    collector = Collector(reactor, registry, lambda: len(board))
    api = make_api(
        clock=reactor,
        now=time.time,
        board=board,
        history=history,
        away=OSError,
        checks=dict,
        reports=lambda: told,
        registry=registry,
        access=Access(),
        web=WEB,
        filled=filled,
        boot="bench",
        noted=collector.request,
    )
    turns = Turns()

    class Asked(LineReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            if line == b"stop":
                samples.stop()
            elif line == b"start":
                samples.start(0.01)
            print(turns.take(), flush=True)

        def connectionLost(self, _: object = None) -> None:
            reactor.stop()

    gc.collect()
    collector.startService()
    port = reactor.listenTCP(0, api.site, interface="127.0.0.1")
    samples = LoopingCall(note)
    samples.start(0.01)
    LoopingCall(turns.beat).start(0.001)
    stdio.StandardIO(Asked())
    print(port.getHost().port, flush=True)
    reactor.run()
