"""``tvmon sample`` of a stream as its configured media server knows it."""

from __future__ import annotations

from unittest.mock import patch

from tests.cli.support import CommandTests, ServedTests, TellsAll
from tvmon.servers import Kind
from tvmon.servers.kinds import kinds
from tvmon.servers.watched import Rule, Watched


class SampleOfServerTests(ServedTests):
    """A server that tells of all its streams at once, asked anew for each sample."""

    def setUp(self) -> None:
        super().setUp()
        self.upstream.told = [{"streams": {"live/a": 1000, "live/b": 2000}}]
        rules = (Rule("live/a", expected_kbps=400), Rule("live/sleepy", may_sleep=True))
        url = f"http://{self.host}/all"
        self.server = Watched(TellsAll("all", url), "tells-all", rules)

    def told(self) -> dict[str, str]:
        return dict(line.split(None, 1) for line in self.out.getvalue().splitlines())

    async def test_a_stream_by_any_of_its_names(self) -> None:
        for wanted in ("live/b", "all/live/b", f"http://{self.host}/all#live/b"):
            self.out.truncate(0)
            self.assertEqual(await self.watch(server=self.server, wanted=wanted), 0)
            self.assertIn("upstream_bytes_received         2000 byte\n", self.out.getvalue())

    async def test_what_the_configuration_says_of_it_holds(self) -> None:
        await self.watch(server=self.server, wanted="live/a")
        self.assertEqual(self.told()["kind"], "tells-all")
        self.assertEqual(self.told()["expected_kbps"], "400 kbit/s, configured")

    async def test_each_sample_is_a_survey_of_its_own(self) -> None:
        self.upstream.told = [{"streams": {"live/a": 1000}}]
        await self.watch(0.3, self.server, "live/a")
        self.assertEqual(self.upstream.samples, 1 + 4)
        self.assertRegex(self.out.getvalue(), r"Z  score -  upstream 0 kbit/s  delay - ms")

    async def test_a_stream_that_vanishes_is_told_to_be_absent(self) -> None:
        self.upstream.told = [{"streams": {"live/a": 1}}, {"streams": {}}]
        self.assertEqual(await self.watch(0.2, self.server, "live/a"), 0)
        self.assertEqual(self.told()["presence"], "absent")
        self.assertIn("- no stream: nobody publishes it: takes all 100 points", self.out.getvalue())

    async def test_a_stream_that_may_be_there_is_told_to_be_unseen(self) -> None:
        unseen = {"streams": {}, "unseen": {"live/a": "a reload"}}
        self.upstream.told = [{"streams": {"live/a": 1}}, unseen]
        self.assertEqual(await self.watch(server=self.server, wanted="live/a"), 0)
        self.assertEqual(self.told()["presence"], "unseen")
        self.assertIn("\n- a reload\n", self.out.getvalue())

    async def test_counters_that_begin_anew_are_told(self) -> None:
        self.upstream.told = [{"streams": {"live/a": n}} for n in (5000, 5000, 10)]
        await self.watch(0.1, self.server, "live/a")
        self.assertRegex(self.told()["counter_reset"], r"^restarted, \d{4}-\d\d-\d\dT")

    async def test_an_unknown_stream_is_1_and_what_is_near_it_is_named(self) -> None:
        self.assertEqual(await self.watch(server=self.server, wanted="liv/a"), 1)
        self.assertEqual(
            self.err.getvalue(), "all lists no such stream; near it: all/live/a, all/live/b\n"
        )
        self.assertEqual(self.out.getvalue(), "")

    async def test_nothing_near_and_nothing_at_all(self) -> None:
        self.assertEqual(await self.watch(server=self.server, wanted="zzzzz"), 1)
        self.upstream.told = [{"streams": {}}]
        self.assertEqual(await self.watch(server=self.server, wanted="zzzzz"), 1)
        self.assertEqual(
            self.err.getvalue(),
            "all lists no such stream; none of its 2 is near it\n"
            "all lists no such stream; it lists none at all\n",
        )

    async def test_a_listing_that_fails_is_1(self) -> None:
        self.upstream.statuses = [500]
        self.assertEqual(await self.watch(server=self.server, wanted="live/a"), 1)
        self.assertRegex(self.err.getvalue(), "^all: the listing failed: HTTP 500")

    async def test_who_is_refused_asks_no_more(self) -> None:
        self.upstream.statuses = [200, 401]
        self.assertEqual(await self.watch(0.5, self.server, "live/a"), 1)
        self.assertEqual(self.upstream.samples, 2)
        self.assertRegex(self.out.getvalue(), r"\nfailed_reason +the password is refused\n")


class SampleLineTests(CommandTests):
    """What the command line may say of a server."""

    def test_a_server_that_is_not_there_is_2_and_the_others_are_named(self) -> None:
        path = self.file(
            "[[server]]\nkind = 'nginx-rtmp'\nname = 'east'\nurl = 'http://127.0.0.1:9/stat'\n"
        )
        self.wrong("it has east", "sample", "x", "-c", path, "--server", "west")
        empty = self.file("")
        self.wrong("it has no server at all", "sample", "x", "-c", empty, "--server", "west")
        kind = ("-c", path, "--server", "east", "--kind", "tvie")
        self.wrong("--kind must not be beside --server", "sample", "x", *kind)

    def test_a_kind_that_takes_more_than_a_url_is_refused(self) -> None:
        more = {**kinds(), "difficult": Kind("difficult", kinds()["tvie"].configured)}
        with patch("tvmon.cli.kinds", lambda: more):
            self.wrong(
                "difficult takes more than a URL: put the media server into a configuration",
                *("sample", "http://h/", "--kind", "difficult"),
            )
