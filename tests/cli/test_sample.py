"""``tvmon sample``: one stream, by its URL or as a configuration knows it."""

from __future__ import annotations

from tests.cli.support import ServedTests
from tvmon.cli.sampling import UNITS
from tvmon.streams import MEASURED


class SampleTests(ServedTests):
    """``tvmon sample``."""

    async def test_one_sample_with_its_units_and_without_a_score(self) -> None:
        self.assertEqual(await self.watch(), 0)
        told = dict(line.split(None, 1) for line in self.out.getvalue().splitlines())
        self.assertRegex(told["sample_time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(told["total_gops"], "1")
        self.assertEqual(told["upstream_bytes_received"], "150000 byte")
        self.assertEqual(told["live_delay_ms"], "421 ms")
        self.assertEqual(told["average_upstream_kbps"], "505.592107 kbit/s")
        self.assertEqual(told["stream_info_videocodecid"], "7 (H264)")
        self.assertEqual(told["video_codec"], "H264")
        self.assertEqual(told["stream_info_width"], "1024 pixel")
        self.assertEqual(told["stream_info_height"], "not told")
        self.assertEqual(told["kind"], "tvie")
        self.assertEqual(told["presence"], "live")
        self.assertEqual(told["expected_kbps"], "400 kbit/s, declared")
        self.assertEqual(told["score"], "not known")
        self.assertEqual(told["live_delay"], "95 of 100, good")
        self.assertIn("One sample tells no flow: --seconds 30", self.out.getvalue())
        self.assertEqual(self.err.getvalue(), "")

    async def test_every_field_is_told(self) -> None:
        await self.watch()
        for name in MEASURED:
            self.assertIn(f"\n{name} ", self.out.getvalue())
        for end, _ in UNITS:
            self.assertTrue(any(name.endswith(end) for name in MEASURED), end)

    async def test_several_samples_have_a_line_each_and_a_score(self) -> None:
        self.assertEqual(await self.watch(0.3), 0)
        self.assertEqual(self.upstream.samples, 4)
        lines = self.out.getvalue().splitlines()
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\dZ  score -  upstream - kbit/s  delay 421 ms")
        for line in lines[1:4]:
            self.assertRegex(line, r"Z  score \d+  upstream \d+ kbit/s  delay 421 ms  viewers 3$")
        self.assertRegex(self.out.getvalue(), r"\nscore +99 of 100, good\n")
        self.assertNotIn("One sample tells no flow", self.out.getvalue())

    async def test_a_failed_sample_is_1_and_says_why(self) -> None:
        self.upstream.statuses = [502]
        self.assertEqual(await self.watch(), 1)
        self.assertRegex(self.out.getvalue(), r"\nfailed_reason +HTTP 502 Bad Gateway\n")
        self.assertRegex(self.out.getvalue(), r"\nanswer_ms +[0-9.]+ ms\n")
        self.assertRegex(self.out.getvalue(), r"\nscore +0 of 100, bad\n")
        self.assertIn("- HTTP 502 Bad Gateway: takes all 100 points", self.out.getvalue())

    async def test_of_several_the_last_one_counts(self) -> None:
        self.upstream.statuses = [200, 502, 200]
        self.assertEqual(await self.watch(0.2), 0)
        self.assertIn("Z  failed: HTTP 502 Bad Gateway\n", self.out.getvalue())
        self.upstream.statuses = [200, 502]
        self.assertEqual(await self.watch(0.1), 1)
