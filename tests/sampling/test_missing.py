"""Streams that are listed no more, of a server that lists what is published: bad, not gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import Given, lines, stream
from tvmon.polling import Polling
from tvmon.sampling.updater import Updater
from tvmon.servers import Drift, Fetch, Request, Seen, Survey
from tvmon.servers.watched import Rule, Watched
from tvmon.streams import Level, Measurement, Stream

MINUTE = 60.0


class FakeServer:
    """Publishes what a test says, and tells of it in one answer."""

    name = "farm"
    extra_streams: tuple[Stream, ...] = ()

    def __init__(self) -> None:
        self.drift = Drift()
        self.published: Mapping[str, int] = {}
        self.unseen: Mapping[str, str] = {}
        self.surveys = 0

    def begin(self) -> FakeServer:
        return self

    async def survey(self, fetch: Fetch) -> Survey:
        self.surveys += 1
        await fetch(Request("http://farm.example/stat"))
        seen = {}
        for key, count in self.published.items():
            measured = Measurement(upstream_bytes_received=count * self.surveys)
            seen[key] = Seen(stream(key), measured)
        return Survey(seen, unseen=self.unseen)


class MissingTests(SynchronousTestCase):
    """One server, listed once a minute, sampled each 3 s."""

    def setUp(self) -> None:
        self.given = Given()
        self.clock, self.board = self.given.clock, self.given.board
        self.server = FakeServer()
        self.updater: Updater | None = None

    def tearDown(self) -> None:
        if self.updater is not None:
            stopping = Deferred.fromCoroutine(self.updater.stopService())
            self.clock.pump([0.0] * 5 + [1.0])
            self.successResultOf(stopping)

    def start(self, **watched: Any) -> Updater:
        given = self.given
        self.updater = Updater(
            clock=given.clock,
            now=given.now,
            random=given.random,
            server=Watched(self.server, "nginx-rtmp", **watched),
            fetch=given.fetch,
            board=given.board,
            meters=given.meters,
            polling=Polling(),
        )
        self.updater.startService()
        return self.updater

    def levels(self) -> dict[str, Level | None]:
        return {e.stream.key: e.health.whole.level for e in self.board.entries()}

    def test_a_stream_that_is_published_no_more_is_bad_until_its_time_is_over(self) -> None:
        self.server.published = {"a": 1000, "b": 1000}
        self.start(keep_missing_seconds=10 * MINUTE)
        self.given.pass_time(12.0)
        self.assertEqual(self.levels(), {"a": Level.GOOD, "b": Level.GOOD})
        self.server.published = {"b": 1000}
        self.given.pass_time(3.5)
        self.assertEqual(self.levels(), {"a": Level.BAD, "b": Level.GOOD})
        self.given.pass_time(9 * MINUTE, 0.5)
        self.assertEqual(self.levels(), {"a": Level.BAD, "b": Level.GOOD})
        self.given.pass_time(3 * MINUTE, 0.5)
        self.assertEqual(self.levels(), {"b": Level.GOOD})

    def test_one_that_cannot_be_seen_is_not_missing(self) -> None:
        self.server.published = {"a": 1000, "b": 1000}
        self.start(keep_missing_seconds=0.0)
        self.given.pass_time(12.0)
        self.server.published = {"b": 1000}
        self.server.unseen = {"a": "worker 7 did not answer"}
        self.given.pass_time(3 * MINUTE, 0.5)
        self.assertEqual(self.levels(), {"a": None, "b": Level.GOOD})
        self.server.unseen = {}
        self.given.pass_time(2 * MINUTE, 0.5)
        self.assertEqual(self.levels(), {"b": Level.GOOD})

    def test_one_that_comes_back_begins_its_time_anew(self) -> None:
        self.server.published = {"a": 1000, "b": 1000}
        self.start(keep_missing_seconds=3 * MINUTE)
        self.given.pass_time(12.0)
        for _ in range(3):
            self.server.published = {"b": 1000}
            self.given.pass_time(2 * MINUTE, 0.5)
            self.server.published = {"a": 1000, "b": 1000}
            self.given.pass_time(1.5 * MINUTE, 0.5)
        self.assertEqual(self.levels(), {"a": Level.GOOD, "b": Level.GOOD})

    def test_a_server_on_which_nobody_publishes_anything_is_believed(self) -> None:
        self.server.published = {"a": 1000}
        updater = self.start(keep_missing_seconds=3 * MINUTE)
        self.given.pass_time(12.0)
        self.server.published = {}
        for _ in range(2):
            self.given.pass_time(MINUTE, 0.5)
            self.assertEqual(self.levels(), {"a": Level.BAD})
            self.assertIsNone(updater.trouble())
        self.given.pass_time(3 * MINUTE, 0.5)
        self.assertEqual(self.levels(), {})

    def test_a_new_stream_is_sampled_long_before_the_next_listing(self) -> None:
        self.server.published = {"a": 1000}
        self.start(keep_missing_seconds=MINUTE)
        self.given.pass_time(10.0)
        self.server.published = {"a": 1000, "new": 1000}
        self.given.pass_time(9.0)
        self.assertEqual(self.levels(), {"a": Level.GOOD, "new": Level.GOOD})

    def test_many_streams_cost_about_two_fetches_an_interval(self) -> None:
        self.server.published = {f"s{n}": 1000 for n in range(100)}
        self.start(keep_missing_seconds=MINUTE)
        self.given.pass_time(9.0)
        before = self.server.surveys
        self.given.pass_time(30.0)
        self.assertLessEqual(self.server.surveys - before, 21)
        self.assertEqual(set(self.levels().values()), {Level.GOOD})

    def test_streams_known_from_before_are_kept_for_as_long(self) -> None:
        self.server.published = {"a": 1000}
        updater = self.start(keep_missing_seconds=3 * MINUTE)
        updater.adopt([stream("known")])
        self.given.pass_time(2 * MINUTE, 0.5)
        self.assertEqual(self.levels(), {"a": Level.GOOD, "known": Level.BAD})

    def test_the_first_rule_that_holds_for_a_stream_counts(self) -> None:
        rules = (Rule("on-demand*", may_sleep=True), Rule("*", expected_kbps=77))
        self.server.published = {"a": 1000, "on-demand/film": 1000}
        self.start(keep_missing_seconds=10 * MINUTE, rules=rules)
        self.given.pass_time(9.0)
        self.server.published = {}
        self.given.pass_time(6.0)
        self.assertEqual(self.levels(), {"a": Level.BAD, "on-demand/film": None})
        streams = {e.stream.key: e.stream for e in self.board.entries()}
        self.assertEqual(streams["a"].expected_kbps, 77)
        self.assertEqual(streams["a"].kind, "nginx-rtmp")
        self.assertTrue(streams["on-demand/film"].may_sleep)

    def test_fields_that_are_unknown_or_missing_are_counted_and_said_once(self) -> None:
        self.server.published = {"a": 1000}
        self.server.drift.look("stream", {"name", "bw_data"}, {"name", "time"}, {"time"})
        with capturedLogs() as said:
            updater = self.start(keep_missing_seconds=MINUTE)
            self.given.pass_time(3 * MINUTE, 0.5)
        told = [line for line in lines(said) if "answers are not" in line]
        self.assertEqual(
            told,
            [
                "farm: answers are not as the module for nginx-rtmp knows them: it does not know"
                " stream.bw_data",
                "farm: answers are not as the module for nginx-rtmp knows them: it misses"
                " stream.time",
            ],
        )
        for what in ("unknown", "missing"):
            self.assertEqual(self.given.value("tvmon_server_fields", server="farm", what=what), 1.0)
        report = updater.report()
        self.assertEqual((report.name, report.kind), ("farm", "nginx-rtmp"))
        self.assertEqual(
            (report.unknown, report.missing), ({"stream.bw_data": 1}, {"stream.time": 1})
        )
        self.assertIsNotNone(report.listed_time)
