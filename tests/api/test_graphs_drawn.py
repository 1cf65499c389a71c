"""Graphs as rrdtool draws them, over real sockets."""

from __future__ import annotations

import json

from tests.api.support import SocketCase, Wire, stream
from tests.history.png import decoded
from tests.history.reading import write_history
from tests.history.tools import needs_rrdtool, started_engine
from tests.waiting import until
from tvmon.history.drawing import THEMES
from tvmon.history.reader import Reader
from tvmon.history.sources import STREAM_SOURCES
from tvmon.history.subjects import of_stream

LIGHT = THEMES["light"]


@needs_rrdtool
class DrawnTests(SocketCase):
    """Twelve hours of one stream."""

    streams = (stream(1),)

    async def setUp(self) -> None:
        super().setUp()
        engine = started_engine(self)
        world = self.world
        world.archive.files[of_stream(1001)] = "stream-1001.rrd"
        world.reader = Reader(rrd=engine, archive=world.archive, now=lambda: world.now)
        self.start()
        self.last = int(world.now) // 300 * 300
        rows = [{"out_kbps": 4000.0, "in_kbps": 1000.0}] * 144
        first = self.last - 144 * 300
        await write_history(engine, "stream-1001.rrd", STREAM_SOURCES, first, rows)

    async def answer(self, path: str, *headers: str) -> tuple[str, bytes]:
        """The head and the body."""
        wire: Wire = await self.send(path, *headers, "Connection: close")
        await until(lambda: wire.lost is not None, why="the answer is whole")
        head, _, body = wire.heard.partition(b"\r\n\r\n")
        return head.decode("latin-1"), body

    async def test_a_picture(self) -> None:
        for path, size, peak in (
            ("/graph/stream/1001.png?start=-12h", (580, 203), False),
            ("/graph/stream/1001.png?start=-12h&step=30m", (580, 203), True),
            ("/graph/cpu_dash.png", (205, 175), False),
        ):
            head, body = await self.answer(path)
            self.assertTrue(head.startswith("HTTP/1.1 200 "), head)
            self.assertIn("Content-Type: image/png", head)
            self.assertIn("Cache-Control: private, max-age=", head)
            picture = decoded(body)
            self.assertEqual(picture.size, size)
            self.assertEqual(picture.has(LIGHT.peak), peak, path)
            self.assertEqual(picture.has(LIGHT.main), "stream" in path)

    async def test_numbers(self) -> None:
        _, body = await self.answer("/graph/stream/1001.png?start=-1h&format=json")
        told = json.loads(body)
        times = [self.last - 3600 + 300 * n for n in range(1, 13)]
        out, into = told["series"]
        self.assertEqual(out["points"], [[time, 4_000_000.0] for time in times])
        self.assertEqual(into["points"], [[time, 1_000_000.0] for time in times])

    async def test_a_report(self) -> None:
        self.world.archive.names["edge1/1"] = of_stream(1001)
        _, body = await self.answer("/report?vhost=edge1/1&start=-12h")
        told = json.loads(body)
        self.assertEqual(told["gigabytes_out"], 21.6)
        self.assertIsNone(told["availability"])
