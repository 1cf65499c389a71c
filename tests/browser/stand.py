"""
A stand for the page: tvmon's real board and API over synthetic streams, in a process of its own;
before it synthetic histories, for which no rrdtool is needed.

For many streams, and for what simulated media servers cannot be brought to at will.  It obeys
commands, a JSON array a line on its standard input, and answers each with a line:

    ["sample", [number, ...]]   a new sample of each of these channels
    ["kind", number, kind]      what is wrong with a channel from its next sample on
    ["add", number, name]       a new channel
    ["drop", number]            a channel is gone
    ["check", name, trouble]    what a check of readiness says; null is fine
    ["report", name, fields]    what is told of a media server: fields of ServerReport
    ["count"]                   nothing
    ["trouble", sentence]       why there are no histories; null is fine
    ["broken", metrics]         the metrics whose graphs are an error
    ["run"]                     a new sample of every channel each three seconds, from now on

The line that answers is the board's count of changes.

    python -m tests.browser.stand STREAMS SAMPLES
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from tests.browser.channels import INTERVAL, Channel, channels
from tests.browser.histories import Histories

CHECKOUT = Path(__file__).resolve().parent.parent.parent
KEPT = 200


class Stand:
    """The process, as a test or a measurement sees it."""

    def __init__(self, streams: int, samples: int = 12) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.stand", str(streams), str(samples)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._line()

    def tell(self, *command: Any) -> int:
        """Have a command obeyed; the board's count of changes after it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def stop(self) -> None:
        """End it: it ends with its standard input."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the stand has ended"
        return line.strip()


def main(streams: int, samples: int) -> None:
    """Serve until the standard input ends."""
    from prometheus_client import CollectorRegistry
    from twisted.internet import reactor, stdio
    from twisted.internet.task import LoopingCall
    from twisted.protocols.basic import LineOnlyReceiver

    from tvmon.api.access import Access
    from tvmon.api.site import make_api
    from tvmon.board import Board
    from tvmon.health import Scoring
    from tvmon.report import ServerReport
    from tvmon.streams import Sample

    board = Board(Scoring())
    every = {channel.stream.stream_id: channel for channel in channels(streams)}
    kept: dict[int, deque[Sample]] = {}
    checks: dict[str, str | None] = {"board": None, "database": None}
    told: dict[str, dict[str, Any]] = {}
    histories = Histories(time.time)

    def note(channel: Channel, now: float) -> None:
        sample = channel.sample(now, now)
        kept.setdefault(channel.stream.mms_stream_id, deque(maxlen=KEPT)).append(sample)
        board.note(channel.stream.mms_stream_id, sample)

    async def history(mms_stream_id: int, limit: int) -> list[Sample]:
        return list(kept[mms_stream_id])[::-1][:limit]

    def reports() -> list[ServerReport]:
        kinds = {channel.stream.server: channel.stream.kind for channel in every.values()}
        well = {"trouble": None, "listed_time": time.time(), "unknown": {}, "missing": {}}
        return [ServerReport(name, kinds[name], **{**well, **told.get(name, {})}) for name in kinds]

    async def filled() -> None:
        """At once."""

    for turn in range(-samples, 0):
        for channel in every.values():
            board.put(channel.stream)
            note(channel, time.time() + turn * INTERVAL)

    def run() -> None:
        order = list(every.values())
        share = 30
        turn = 0

        def step() -> None:
            nonlocal turn
            for channel in order[turn % share :: share]:
                note(channel, time.time())
            turn += 1

        LoopingCall(step).start(INTERVAL / share)

    def obey(command: list[Any]) -> None:
        match command:
            case ["sample", numbers]:
                for number in numbers:
                    note(every[number], time.time())
            case ["kind", number, kind]:
                every[number].kind = kind
                board.put(every[number].stream)
            case ["add", number, name]:
                every[number] = Channel(number, name=name)
                board.put(every[number].stream)
            case ["drop", number]:
                board.drop(every.pop(number).stream.mms_stream_id)
            case ["check", name, trouble]:
                checks[name] = trouble
            case ["report", name, fields]:
                told[name] = fields
            case ["trouble", sentence]:
                histories.trouble = sentence
            case ["broken", metrics]:
                histories.broken = metrics
            case ["run"]:
                run()
            case ["count"]:
                pass
            case _:
                raise ValueError(command)

    class Commands(LineOnlyReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            obey(json.loads(line))
            self.sendLine(b"%d" % board.revision)

        def connectionLost(self, reason: Any = None) -> None:
            reactor.stop()

    api = make_api(
        clock=reactor,
        now=time.time,
        board=board,
        history=history,
        away=ConnectionError,
        checks=lambda: checks,
        reports=reports,
        registry=CollectorRegistry(),
        access=Access(),
        web=CHECKOUT / "web",
        filled=filled,
        boot="stand",
    )
    api.site.resource = histories.ahead_of(api.root)
    port = reactor.listenTCP(0, api.site, interface="127.0.0.1")
    sys.stdout.write(f"http://127.0.0.1:{port.getHost().port}/\n")
    sys.stdout.flush()
    stdio.StandardIO(Commands())
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
