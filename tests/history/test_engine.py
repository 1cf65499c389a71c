"""rrdtool as it is asked: in order, pipelined, with pictures, and what it refuses."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from tests.history.tools import needs_rrdtool, started_engine
from tvmon.history.rrd import RrdError

BEGIN = 1_700_000_100
CREATE = "create {} --start 1700000000 --step 300 -O DS:a:GAUGE:600:U:U RRA:LAST:0.5:1:2000"


@needs_rrdtool
class EngineTests(TestCase):
    """What is asked of rrdtool while all is well."""

    async def test_what_was_written_is_read_and_drawn(self) -> None:
        engine = started_engine(self)
        await engine.write(CREATE.format("a.rrd"))
        writes = [
            Deferred.fromCoroutine(engine.write(f"update a.rrd {BEGIN + 300 * n}:{n}"))
            for n in range(1, 601)
        ]
        await gatherResults(writes)
        output = await engine.read("lastupdate a.rrd")
        self.assertEqual(output.lines[-1], f"{BEGIN + 300 * 600}: 600")
        self.assertIsNone(output.image)
        drawn = await engine.read(
            "graphv - --start 1700000000 --end 1700100000 DEF:a=a.rrd:a:LAST LINE1:a#00ff00:x"
        )
        assert drawn.image is not None
        self.assertEqual(drawn.image[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(drawn.image[-8:-4], b"IEND")
        self.assertIsNone(engine.trouble())

    async def test_a_refusal_has_rrdtools_words(self) -> None:
        engine = started_engine(self)
        with self.assertRaisesRegex(RrdError, r"opening 'b.rrd': No such file"):
            await engine.read("info b.rrd")
